/* Variables: see expand.h. Pure, but for the environment, which nobody changes.
 *
 * Two walks over the same pieces: the first finds out what is wrong and how long the result is,
 * the second writes it. */
#include "config/expand.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

/* A variable, between "${" and "}". */
struct variable_use {
    struct span name, fallback;
    bool has_fallback;
};

static bool is_name(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = span_lower(name.data[i]);
        if (!((c >= 'a' && c <= 'z') || c == '_' || (i > 0 && c >= '0' && c <= '9')))
            return false;
    }
    return name.len > 0;
}

static int not_a_variable(const char *what, struct err *err)
{
    err_set(err, "%s; ${NAME} or ${NAME:-default} was expected", what);
    return err_hint(err, "a name has letters, digits and \"_\"; write $${ for the characters ${");
}

/* Takes the variable that `rest` begins with apart, and goes behind it. */
static int take_variable(struct span *rest, struct variable_use *use, struct err *err)
{
    struct span inside = span_from(*rest, 2);
    size_t end = span_find(inside, '}');
    if (end == inside.len)
        return not_a_variable("has a \"${\" without its \"}\"", err);
    *rest = span_from(inside, end + 1);
    inside = span_first(inside, end);
    for (size_t i = 0; i + 1 < inside.len; i++)
        if (inside.data[i] == '$' && inside.data[i + 1] == '{')
            return not_a_variable("has a \"${\" inside of another", err);
    size_t colon = span_find(inside, ':');
    use->name = span_first(inside, colon);
    use->fallback = span_from(inside, colon + 2);
    use->has_fallback = colon + 1 < inside.len && inside.data[colon + 1] == '-';
    if (!is_name(use->name) || (colon < inside.len && !use->has_fallback))
        return not_a_variable("has something other than the name of a variable in \"${...}\"", err);
    return 0;
}

#define NAME_MAX_SHOWN 128u

/* What stands for a variable. */
static int value_of(const struct variable_use *use, struct span *value, enum problem_code *code,
                    struct err *err)
{
    char name[NAME_MAX_SHOWN];
    const char *set = span_copy(use->name, name, sizeof name) ? getenv(name) : NULL;
    *value = set && *set ? span_str(set) : use->fallback;
    if ((set == NULL || *set == '\0') && !use->has_fallback) {
        char quoted[ERR_QUOTE];
        *code = PROBLEM_UNSET_VARIABLE;
        err_quote(use->name, quoted);
        err_set(err,
                "needs %s from the environment, which is %s; a variable that is set was "
                "expected",
                quoted, set ? "empty" : "not set");
        return err_hint(err, "set it where Portico is started, or write a default: ${%s:-...}",
                        quoted);
    }
    if (utf8_find_bad(*value) == value->len)
        return 0;
    err_set(err, "takes a variable from the environment that is not UTF-8; text was expected");
    return -1;
}

/* The next piece of the text: a variable's value, or text up to the next one. */
static int take_piece(struct span *rest, struct span *piece, bool *is_variable,
                      enum problem_code *code, struct err *err)
{
    struct variable_use use = {0};
    *is_variable = false;
    if (span_has_prefix(*rest, SPAN("${"))) {
        *is_variable = true;
        return take_variable(rest, &use, err) < 0 ? -1 : value_of(&use, piece, code, err);
    }
    if (span_has_prefix(*rest, SPAN("$${"))) {
        *piece = span_make(rest->data + 1, 2);
        *rest = span_from(*rest, 3);
        return 0;
    }
    size_t len = rest->data[0] == '$' ? 1 : span_find(*rest, '$');
    *piece = span_first(*rest, len);
    *rest = span_from(*rest, len);
    return 0;
}

int expand(struct span text, struct value_tree *tree, struct span *expanded, bool *has_variables,
           enum problem_code *code, struct err *err)
{
    struct span rest = text, piece;
    size_t len = 0;
    bool is_variable;
    *expanded = text;
    *has_variables = false;
    *code = PROBLEM_BAD_VARIABLE;
    if (span_find(text, '$') == text.len)
        return 0;
    while (rest.len) {
        if (take_piece(&rest, &piece, &is_variable, code, err) < 0)
            return -1;
        *has_variables = *has_variables || is_variable;
        len += piece.len;
        if (*has_variables && len > EXPAND_MAX)
            return err_set(err, "is too long with its variables; at most %u bytes were expected",
                           EXPAND_MAX);
    }
    char *out = value_alloc(tree, len + 1);
    if (out == NULL) {
        *code = PROBLEM_MEMORY;
        return err_set(err, "cannot be kept: out of memory");
    }
    *expanded = span_make(out, len);
    for (rest = text; rest.len;) {
        take_piece(&rest, &piece, &is_variable, code, err);
        if (piece.len)
            memcpy(out, piece.data, piece.len);
        out += piece.len;
    }
    *out = '\0';
    return 0;
}
