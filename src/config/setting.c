/* Settings: from a value of the file to a member of the configuration, and back, see setting.h.
 * Whoever loads the configuration (main, admin) runs this; nothing is shared.
 *
 * What is the same for all kinds stands here: the type of a value, its variables, secrets, lists,
 * and what is said when a value does not fit. Its message begins with the setting's name and says
 * what was expected; the hint gives the value as it was probably meant. What a secret's value is,
 * and what a variable holds, none of them says. */
#include "config/setting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/expand.h"
#include "config/secret.h"
#include "format/yaml.h"

/* ---- What does not fit ---- */

struct span setting_shown(const struct setting *setting, struct span text)
{
    size_t len = 0;
    if (setting->is_secret)
        return span_first(text, 0);
    if (!setting->kind->has_at)
        text = host_without_user(text);
    while (len < text.len && strchr(" \t\r\n", text.data[len]) == NULL)
        len++;
    return span_first(text, len);
}

/* The same for use in a message, with "..." for what is left out. Returns `out`. */
static const char *quote(const struct setting *setting, struct span text, char out[ERR_QUOTE])
{
    struct span shown = setting_shown(setting, text);
    char quoted[ERR_QUOTE];
    bool is_whole = shown.data + shown.len == text.data + text.len;
    snprintf(out, ERR_QUOTE, "%s%s%s", shown.data > text.data ? "...@" : "",
             err_quote(shown, quoted), is_whole ? "" : "...");
    return out;
}

/* Adds the problem at the value that `fault` describes: its code and hint, and instead of a message
 * `"SETTING" WHAT; ... was expected`. Returns -1. */
static int report(struct setting_context *context, const struct setting *setting,
                  const struct value *value, const char *what, const struct err *fault)
{
    char expected[KIND_EXPECTED];
    struct err *err = problems_add(context->problems, PROBLEM_WRONG_TYPE, context->file,
                                   value->line, value->column, "\"%s\" %s; %s was expected",
                                   setting->name, what, kind_expected(setting, expected));
    if (err && fault->code)
        err->code = fault->code;
    return fault->hint[0] ? err_hint(err, "%s", fault->hint) : -1;
}

/* The same about a text or number that is no value of the setting. */
static int report_fault(struct setting_context *context, const struct setting *setting,
                        const struct value *value, const struct err *fault)
{
    char quoted[ERR_QUOTE], what[ERR_QUOTE + 16];
    if (value->type == VALUE_INTEGER)
        snprintf(what, sizeof what, "is %lld", (long long)value->integer);
    else
        snprintf(what, sizeof what, "is \"%s\"", quote(setting, value->string, quoted));
    if (fault->message[0] == '\0')
        return report(context, setting, value, what, fault);
    struct err *err =
        problems_add(context->problems, PROBLEM_WRONG_TYPE, context->file, value->line,
                     value->column, setting->is_secret ? "%s%s %s" : "%s \"%s\" %s", setting->name,
                     setting->is_secret ? "" : quoted, fault->message);
    if (err)
        err->code = fault->code;
    return fault->hint[0] ? err_hint(err, "%s", fault->hint) : -1;
}

/* A value of another type than the setting has. */
static int report_type(struct setting_context *context, const struct setting *setting,
                       const struct value *value, bool is_item)
{
    const struct kind *kind = setting->kind;
    bool is_list = kind->is_list && !is_item;
    char quoted[ERR_QUOTE], what[ERR_QUOTE + 16];
    struct err fault = {0};
    const char *why = NULL;
    if (value->type == VALUE_PLAIN || value->type == VALUE_STRING)
        quote(setting, value->string, quoted);
    snprintf(what, sizeof what, is_item ? "has an item that is %s" : "is %s",
             format_type_name(context->format, value->type));
    if (value->type == VALUE_PLAIN) {
        snprintf(what, sizeof what, "is \"%s\"", quoted);
        why = is_list ? NULL : yaml_trap(value->string);
    }
    if (why)
        err_hint(&fault, "%s", why);
    else if (value->type == VALUE_NULL && !is_item)
        err_hint(&fault,
                 setting->is_required ? "write a value, such as %s"
                                      : "write a value, such as %s, or leave \"%s\" out",
                 schema_example(setting), setting->name);
    else if (is_list && (value->type == VALUE_STRING || value->type == VALUE_PLAIN))
        err_hint(&fault, "put it in brackets: [\"%s\"]", quoted);
    else if (kind->advise && !is_list)
        kind->advise(setting, value, &fault);
    if (fault.hint[0] == '\0' && value->type == VALUE_ARRAY && value->array->count > 0)
        err_hint(&fault, "only one value is possible: write it without brackets");
    if (is_item && value->type == VALUE_TABLE && context->format == &format_yaml)
        err_hint(&fault, "text that ends in \":\", or holds \": \", needs quotes");
    return report(context, setting, value, what, &fault);
}

static bool has_variables(const struct value *written)
{
    for (size_t i = 0; i + 1 < written->string.len; i++)
        if (memcmp(written->string.data + i, "${", 2) == 0)
            return true;
    return false;
}

const char *setting_quote_written(const struct value *written, const char *text,
                                  char out[ERR_QUOTE])
{
    return err_quote(has_variables(written) ? written->string : span_str(text), out);
}

/* Warns if others can read the file with that mode, in which a secret stands: `file`, or the
 * configuration when that is NULL. */
static void report_readers(struct setting_context *context, const struct setting *setting,
                           const struct value *value, const struct span *file, mode_t mode)
{
    char quoted[ERR_QUOTE], what[ERR_QUOTE + 16] = "this file";
    if (!secret_is_open(mode))
        return;
    if (file)
        snprintf(what, sizeof what, "the file \"%s\"", err_quote(*file, quoted));
    struct err *err = problems_add(
        context->problems, PROBLEM_SECRET_READABLE, context->file, value->line, value->column,
        "\"%s\" is a secret, and others can read %s that it stands in (mode %04o); one that only "
        "its owner can read was expected",
        setting->name, what, (unsigned)mode);
    err_hint(err, "take that away: chmod go-r FILE");
}

/* ---- From the file ---- */

/* The text that is meant by the one in the file: with its variables, and of a secret what its file
 * holds. 0, or -1 with the problem reported. */
static int resolve_text(const struct setting *setting, struct value *value,
                        struct setting_context *context)
{
    struct err fault = {0};
    struct span expanded, path;
    enum problem_code code;
    bool is_expanded,
        is_file = setting->is_secret && span_has_prefix(value->string, SPAN(SECRET_FILE));
    mode_t mode = 0;
    if (setting->is_secret && span_eq(value->string, SPAN(SECRET_MASK))) {
        err_set(&fault, "is " SECRET_MASK ", which stands for it in what `portico config` prints; "
                        "the secret itself was expected");
        err_hint(&fault, "write ${NAME}, and set NAME in the environment; or " SECRET_FILE
                         "PATH, and write it into that file");
        problems_recode(&fault, PROBLEM_MASKED_SECRET);
        return report_fault(context, setting, value, &fault);
    }
    if (expand(value->string, context->tree, &expanded, &is_expanded, &code, &fault) < 0) {
        problems_recode(&fault, code);
        return report_fault(context, setting, value, &fault);
    }
    if (setting->is_secret && !is_file && !is_expanded)
        report_readers(context, setting, value, NULL, context->mode);
    value->string = expanded;
    if (!is_file)
        return 0;
    path = span_from(expanded, strlen(SECRET_FILE));
    if (secret_read(context->path, path, context->tree, &value->string, &mode, &fault) < 0) {
        problems_recode(&fault, PROBLEM_SECRET_FILE);
        return report_fault(context, setting, value, &fault);
    }
    report_readers(context, setting, value, &path, mode);
    return 0;
}

/* Gives text of YAML without quotes the type that the kind has for it. */
static void resolve_plain(const struct kind *kind, struct value *value)
{
    if (value->type == VALUE_PLAIN && !yaml_resolve(kind->also, value))
        yaml_resolve(kind->type, value);
}

/* A single value, or an item of a list, into its place. */
static int apply_one(const struct setting *setting, void *member, const struct value *written,
                     struct setting_context *context)
{
    const struct kind *kind = setting->kind;
    struct value value = *written;
    struct err fault = {0};
    resolve_plain(kind, &value);
    if (value.type != kind->type && value.type != kind->also)
        return report_type(context, setting, &value, kind->is_list);
    if (value.type == VALUE_STRING && resolve_text(setting, &value, context) < 0)
        return -1;
    if (kind->read(setting, &value, member, context->tree, &fault) == 0)
        return 0;
    if (fault.code == NULL)
        problems_recode(&fault, kind->code);
    if (setting->is_secret || value.type != VALUE_STRING || !has_variables(written))
        return report_fault(context, setting, &value, &fault);
    char quoted[ERR_QUOTE], what[ERR_QUOTE + 64];
    snprintf(what, sizeof what,
             "is \"%s\", from which the environment makes nothing that is possible",
             quote(setting, written->string, quoted));
    err_hint(&fault, "look at the variables in the environment: what they hold is not shown");
    return report(context, setting, written, what, &fault);
}

/* How many items a list has, and that none is there twice. */
static int check_count(const struct setting *setting, const struct value *value,
                       struct setting_context *context)
{
    uint32_t count = value->array->count;
    struct err fault = {0};
    char what[80] = "is empty";
    bool is_empty = count < setting->min;
    if (!is_empty && (setting->max == 0 || count <= setting->max))
        return 0;
    if (!is_empty)
        snprintf(what, sizeof what, "has %u items; %lld at most were expected", count,
                 (long long)setting->max);
    problems_recode(&fault, is_empty ? PROBLEM_WRONG_TYPE : PROBLEM_OUT_OF_RANGE);
    err_hint(&fault, "%s", is_empty ? setting->kind->if_empty : setting->kind->if_many);
    return report(context, setting, value, what, &fault);
}

/* Does the last of the first `count` texts stand there before? Then it is reported. */
static bool is_twice(const struct setting *setting, char *const *list, size_t count,
                     const struct value *item, struct setting_context *context)
{
    char quoted[ERR_QUOTE];
    for (size_t i = 0; setting->kind->is_set && i + 1 < count; i++)
        if (strcmp(list[i], list[count - 1]) == 0) {
            problems_add(context->problems, PROBLEM_DUPLICATE_ADDRESS, context->file, item->line,
                         item->column, "\"%s\" names \"%s\" twice; each address was expected once",
                         setting->name, setting_quote_written(item, list[i], quoted));
            return true;
        }
    return false;
}

static int apply_list(const struct setting *setting, char ***out, const struct value *value,
                      struct setting_context *context)
{
    int result = 0;
    size_t count = 0;
    if (value->type != VALUE_ARRAY)
        return report_type(context, setting, value, false);
    const struct value_array *array = value->array;
    char **list = value_alloc(context->tree, (array->count + 1) * sizeof *list);
    if (list == NULL) {
        problems_add(context->problems, PROBLEM_MEMORY, context->file, 0, 0, "out of memory");
        return -1;
    }
    for (uint32_t i = 0; i < array->count; i++) {
        size_t mark = problems_enter_item(context->problems, i);
        if (apply_one(setting, &list[count], &array->items[i], context) < 0 ||
            is_twice(setting, list, ++count, &array->items[i], context))
            result = -1;
        problems_leave(context->problems, mark);
    }
    list[count] = NULL;
    if (check_count(setting, value, context) < 0)
        return -1;
    *out = list;
    return result;
}

int setting_apply(const struct setting *setting, void *object, const struct value *value,
                  struct setting_context *context)
{
    void *member = (char *)object + setting->offset;
    return setting->kind->is_list ? apply_list(setting, member, value, context)
                                  : apply_one(setting, member, value, context);
}

/* ---- From elsewhere ---- */

/* The default as the value that the file would have held. False when out of memory. */
static bool default_value(const struct setting *setting, struct value_tree *tree,
                          struct value *value)
{
    struct span rest = span_str(setting->fallback), part;
    uint64_t number = 0;
    *value = (struct value){.type = VALUE_INTEGER};
    if (setting->kind->is_list) {
        *value = (struct value){.type = VALUE_ARRAY, .array = value_array_new(tree)};
        while (value->array && span_split(&rest, '"', &part) && rest.len) {
            span_split(&rest, '"', &part);
            struct value item = {.type = VALUE_STRING, .string = part};
            if (!value_array_add(tree, value->array, &item))
                return false;
        }
        return value->array != NULL;
    }
    if (span_parse_uint(rest, INT64_MAX, &number))
        value->integer = (int64_t)number;
    else if (setting->kind->type == VALUE_BOOLEAN)
        *value = (struct value){.type = VALUE_BOOLEAN, .boolean = span_eq(rest, SPAN("true"))};
    else
        *value =
            (struct value){.type = VALUE_STRING, .string = span_make(rest.data + 1, rest.len - 2)};
    return true;
}

int setting_apply_default(const struct setting *setting, void *object,
                          struct setting_context *context)
{
    struct value value;
    if (setting->fallback == NULL)
        return 0;
    if (default_value(setting, context->tree, &value))
        return setting_apply(setting, object, &value, context);
    problems_add(context->problems, PROBLEM_MEMORY, context->file, 0, 0, "out of memory");
    return -1;
}

int setting_apply_variable(const struct setting *variable, void *object,
                           struct setting_context *context)
{
    const struct kind *kind = variable->kind;
    const char *text = getenv(variable->name);
    char quoted[ERR_QUOTE], expected[KIND_EXPECTED];
    struct err fault = {0};
    struct value value = {.type = kind->type};
    uint64_t number;
    if (text == NULL || *text == '\0')
        text = variable->fallback;
    struct span span = span_str(text);
    if (kind->type == VALUE_INTEGER) {
        value.integer = span_parse_uint(span, INT64_MAX, &number) ? (int64_t)number : -1;
    } else {
        while (span.len > 1 && span_has_suffix(span, SPAN("/")))
            span.len--;
        value.string = span;
    }
    if (kind->read(variable, &value, (char *)object + variable->offset, context->tree, &fault) == 0)
        return 0;
    problems_add(context->problems, kind->code, NULL, 0, 0,
                 "%s in the environment is \"%s\"; %s was expected", variable->name,
                 err_quote(span, quoted), kind_expected(variable, expected));
    return -1;
}

/* ---- Back ---- */

const char *setting_show(const struct setting *setting, const void *object, size_t index,
                         char out[KIND_TEXT])
{
    const void *member = (const char *)object + setting->offset;
    if (setting->kind->is_list) {
        char *const *list = *(char *const *const *)member;
        return list ? setting->kind->show(setting, &list[index], out) : NULL;
    }
    const char *text = index == 0 ? setting->kind->show(setting, member, out) : NULL;
    return text && setting->is_secret ? SECRET_MASK : text;
}

/* Both, as far as the list (or value) goes. */
static bool is_same(const struct setting *setting, const void *a, const void *b)
{
    char x_text[KIND_TEXT], y_text[KIND_TEXT];
    for (size_t i = 0;; i++) {
        const char *x = setting_show(setting, a, i, x_text);
        const char *y = setting_show(setting, b, i, y_text);
        if (x == NULL || y == NULL)
            return x == y;
        if (strcmp(x, y) != 0)
            return false;
    }
}

bool setting_is_default(const struct setting *setting, const void *object, const void *base)
{
    char text[KIND_TEXT], shown[128]; /* any default fits */
    const char *item;
    size_t len = 0;
    if (base)
        return is_same(setting, object, base);
    if (setting->fallback == NULL)
        return false;
    struct span fallback = span_str(setting->fallback);
    if (setting->kind->is_list)
        fallback = span_make(fallback.data + 1, fallback.len - 2);
    for (size_t i = 0; len < sizeof shown; i++) {
        if ((item = setting_show(setting, object, i, text)) == NULL)
            return span_eq(span_make(shown, len), fallback);
        const char *quote = kind_quote(setting->kind, item);
        len += (size_t)snprintf(shown + len, sizeof shown - len, "%s%s%s%s", i ? ", " : "", quote,
                                item, quote);
    }
    return false;
}
