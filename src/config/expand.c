/* This file replaces variables in texts, see expand.h. Pure, but for the environment, which nobody
 * changes.
 *
 * It walks over the same pieces twice: the first walk finds out what is wrong and how long the
 * result is, the second writes it. */
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

/* Takes the variable that `rest` begins with apart, and goes behind it. */
static int take_variable(struct span *rest, struct variable_use *use, struct err *err)
{
    struct span inside = span_from(*rest, 2);
    size_t end = span_find(inside, '}');
    *rest = span_from(inside, end + 1);
    bool has_end = end < inside.len;
    inside = span_first(inside, end);
    size_t colon = span_find(inside, ':');
    use->name = span_first(inside, colon);
    use->fallback = span_from(inside, colon + 2);
    use->has_fallback = colon + 1 < inside.len && inside.data[colon + 1] == '-';
    bool is_nested = memmem(inside.data, inside.len, "${", 2) != NULL;
    if (has_end && !is_nested && is_name(use->name) && (colon == inside.len || use->has_fallback))
        return 0;
    return err_hint(
        err_say(err,
                "has a \"${\" that begins no variable; ${NAME} or ${NAME:-default} was expected"),
        "a name has letters, digits and \"_\"; write $${ for the characters ${");
}

#define NAME_MAX_SHOWN 128u

/* What stands for a variable. */
static int value_of(const struct variable_use *use, struct span *value, struct err *err)
{
    char name[NAME_MAX_SHOWN], quoted[ERR_QUOTE];
    const char *set = span_copy(use->name, name, sizeof name) ? getenv(name) : NULL;
    *value = set && *set ? span_str(set) : use->fallback;
    if ((set == NULL || *set == '\0') && !use->has_fallback) {
        err_quote(use->name, quoted);
        err_set(err,
                "needs %s from the environment, which is %s; a variable that is set was expected",
                quoted, set ? "empty" : "not set");
        problems_recode(err, PROBLEM_UNSET_VARIABLE);
        return err_hint(err, "set it where Portico is started, or write a default: ${%s:-...}",
                        quoted);
    }
    if (utf8_find_bad(*value) == value->len)
        return 0;
    return err_set(err,
                   "takes a variable from the environment that is not UTF-8; text was expected");
}

/* The next piece of the text: a variable's value, or text up to the next one. */
static int take_piece(struct span *rest, struct span *piece, bool *has_variables, struct err *err)
{
    struct variable_use use = {0};
    if (span_has_prefix(*rest, SPAN("${"))) {
        *has_variables = true;
        return take_variable(rest, &use, err) < 0 ? -1 : value_of(&use, piece, err);
    }
    bool is_escaped = span_has_prefix(*rest, SPAN("$${"));
    size_t len = is_escaped ? 3 : rest->data[0] == '$' ? 1 : span_find(*rest, '$');
    *piece = span_from(span_first(*rest, len), is_escaped);
    *rest = span_from(*rest, len);
    return 0;
}

/* Writes the text to `out`, or only measures it when that is NULL. */
static int walk(struct span rest, char *out, size_t *len, bool *has_variables, struct err *err)
{
    struct span piece;
    for (*len = 0; rest.len; *len += piece.len) {
        if (take_piece(&rest, &piece, has_variables, err) < 0)
            return -1;
        if (*has_variables && *len + piece.len > EXPAND_MAX)
            return err_set(err, "is too long with its variables; at most %u bytes were expected",
                           EXPAND_MAX);
        if (out && piece.len)
            memcpy(out + *len, piece.data, piece.len);
    }
    return 0;
}

int expand(struct span text, struct value_tree *tree, struct span *expanded, bool *has_variables,
           struct err *err)
{
    size_t len;
    *expanded = text;
    *has_variables = false;
    if (span_find(text, '$') == text.len)
        return 0;
    if (walk(text, NULL, &len, has_variables, err) < 0) {
        if (err->code == NULL)
            problems_recode(err, PROBLEM_BAD_VARIABLE);
        return -1;
    }
    char *out = value_alloc(tree, len + 1);
    if (out == NULL) {
        problems_recode(err_say(err, "cannot be kept: out of memory"), PROBLEM_MEMORY);
        return -1;
    }
    walk(text, out, &len, has_variables, err);
    out[len] = '\0';
    *expanded = span_make(out, len);
    return 0;
}
