/* This file checks the value of a setting and stores it, or reports what is wrong with it, see
 * setting.h. Whoever loads the configuration (main, admin) runs this; nothing is shared.
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

/* Reports what is wrong with the value in `r`, which is written at `at`: its fault, or
 * `"SETTING" WHAT; ... was expected` when that has no message. Returns -1. */
static int report(struct setting_context *context, const struct value *at, const struct reading *r,
                  const char *what)
{
    const struct setting *setting = r->setting;
    char quoted[ERR_QUOTE] = "", expected[KIND_EXPECTED];
    struct err *err;
    if (r->fault.message[0] == '\0')
        err = problems_add(context->problems, setting->kind->code, context->file, at->line,
                           at->column, "\"%s\" %s; %s was expected", setting->name, what,
                           kind_expected(setting, expected));
    else
        err = problems_add(
            context->problems, setting->kind->code, context->file, at->line, at->column,
            setting->is_secret ? "%s%s %s" : "%s \"%s\" %s", setting->name,
            setting->is_secret ? "" : quote(setting, r->value.string, quoted), r->fault.message);
    if (err && r->fault.code)
        err->code = r->fault.code;
    return r->fault.hint[0] ? err_hint(err, "%s", r->fault.hint) : -1;
}

/* A value of another type than the setting has. */
static int report_type(struct setting_context *context, struct reading *r, bool is_item)
{
    const struct setting *setting = r->setting;
    enum value_type type = r->value.type;
    bool is_list = setting->kind->is_list && !is_item;
    bool is_text = type == VALUE_STRING || type == VALUE_PLAIN;
    char quoted[ERR_QUOTE], what[ERR_QUOTE + 16];
    const char *why = NULL;
    if (is_text)
        quote(setting, r->value.string, quoted);
    if (type == VALUE_PLAIN) {
        snprintf(what, sizeof what, "is \"%s\"", quoted);
        why = is_list ? NULL : yaml_trap(r->value.string);
    } else {
        snprintf(what, sizeof what, is_item ? "has an item that is %s" : "is %s",
                 format_type_name(context->format, type));
    }
    if (why)
        err_hint(&r->fault, "%s", why);
    else if (type == VALUE_NULL && !is_item)
        err_hint(&r->fault,
                 setting->is_required ? "write a value, such as %s"
                                      : "write a value, such as %s, or leave \"%s\" out",
                 setting_example(setting), setting->name);
    else if (is_list && is_text)
        err_hint(&r->fault, "put it in brackets: [\"%s\"]", quoted);
    else if (is_item && type == VALUE_TABLE && context->format == &format_yaml)
        err_hint(&r->fault, "text that ends in \":\", or holds \": \", needs quotes");
    else if (!is_list && (why = setting->kind->hints[is_text ? VALUE_STRING : type]) != NULL)
        err_hint(&r->fault, "%s", why);
    if (r->fault.hint[0] == '\0' && type == VALUE_ARRAY && r->value.table->count > 0)
        err_hint(&r->fault, "only one value is possible: write it without brackets");
    problems_recode(&r->fault, PROBLEM_WRONG_TYPE);
    return report(context, &r->value, r, what);
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

static int out_of_memory(struct setting_context *context)
{
    problems_add(context->problems, PROBLEM_MEMORY, context->file, 0, 0, "out of memory");
    return -1;
}

/* ---- From the file ---- */

/* Puts the text that is meant in place of the one in the file: with its variables, and of a secret
 * what its file holds. 0, or -1 with the fault. */
static int resolve_text(struct reading *r, struct setting_context *context)
{
    const struct setting *setting = r->setting;
    struct span written = r->value.string, path, file;
    bool is_file = setting->is_secret && span_has_prefix(written, SPAN(SECRET_FILE)), is_expanded;
    mode_t mode = 0;
    if (setting->is_secret && span_eq(written, SPAN(SECRET_MASK))) {
        err_hint(err_say(&r->fault,
                         "is " SECRET_MASK ", which stands for it in what `portico config` "
                         "prints; the secret itself was expected"),
                 "write ${NAME}, and set NAME in the environment; or " SECRET_FILE
                 "PATH, and write it into that file");
        problems_recode(&r->fault, PROBLEM_MASKED_SECRET);
        return -1;
    }
    if (expand(written, context->tree, &r->value.string, &is_expanded, &r->fault) < 0)
        return -1;
    if (setting->is_secret && !is_file && !is_expanded)
        report_readers(context, setting, &r->value, NULL, context->mode);
    if (!is_file)
        return 0;
    path = span_from(r->value.string, strlen(SECRET_FILE));
    file = span_from(written, strlen(SECRET_FILE));
    if (secret_read(context->path, path, file, context->tree, &r->value.string, &mode, &r->fault) <
        0) {
        problems_recode(&r->fault, PROBLEM_SECRET_FILE);
        return -1;
    }
    report_readers(context, setting, &r->value, &file, mode);
    return 0;
}

/* A single value, or an item of a list, into its place. */
static int apply_one(const struct setting *setting, void *member, const struct value *written,
                     struct setting_context *context)
{
    const struct kind *kind = setting->kind;
    struct reading r = {.setting = setting, .value = *written, .tree = context->tree};
    char quoted[ERR_QUOTE], what[ERR_QUOTE + 64];
    if (written->type == VALUE_PLAIN && !yaml_resolve(kind->also, &r.value))
        yaml_resolve(kind->type, &r.value);
    bool is_text = r.value.type == VALUE_STRING;
    if (r.value.type != kind->type && r.value.type != kind->also)
        return report_type(context, &r, kind->is_list);
    if (is_text && resolve_text(&r, context) < 0)
        return report(context, written, &r, "");
    if (kind->read(&r, member) == 0)
        return 0;
    if (is_text && !setting->is_secret && has_variables(written)) {
        r.fault.message[0] = '\0';
        snprintf(what, sizeof what,
                 "is \"%s\", from which the environment makes nothing that is possible",
                 quote(setting, written->string, quoted));
        err_hint(&r.fault, "look at the variables in the environment: what they hold is not shown");
    } else if (is_text) {
        snprintf(what, sizeof what, "is \"%s\"", quote(setting, r.value.string, quoted));
    } else {
        snprintf(what, sizeof what, "is %lld", (long long)r.value.integer);
    }
    return report(context, written, &r, what);
}

/* A list has as many items as it may, or that is reported. */
static int check_count(const struct setting *setting, const struct value *value,
                       struct setting_context *context)
{
    uint32_t count = value->table->count;
    struct reading r = {.setting = setting};
    char what[80] = "is empty";
    bool is_empty = count < setting->min;
    if (!is_empty && (setting->max == 0 || count <= setting->max))
        return 0;
    if (!is_empty)
        snprintf(what, sizeof what, "has %u items; %lld at most were expected", count,
                 (long long)setting->max);
    problems_recode(&r.fault, is_empty ? PROBLEM_WRONG_TYPE : PROBLEM_OUT_OF_RANGE);
    err_hint(&r.fault, "%s", is_empty ? setting->kind->if_empty : setting->kind->if_many);
    return report(context, value, &r, what);
}

/* Is the last of the first `count` texts among those before it? Then that is reported. */
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
    struct reading r = {.setting = setting, .value = *value};
    int result = 0;
    size_t count = 0;
    if (value->type != VALUE_ARRAY)
        return report_type(context, &r, false);
    char **list = value_alloc(context->tree, (value->table->count + 1) * sizeof *list);
    if (list == NULL)
        return out_of_memory(context);
    size_t i = 0;
    for (const struct value_entry *item = value->table->first; item; item = item->next) {
        size_t mark = problems_enter_item(context->problems, i++);
        if (apply_one(setting, &list[count], &item->value, context) < 0 ||
            is_twice(setting, list, ++count, &item->value, context))
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

int setting_apply_variable(const struct setting *variable, void *object,
                           struct setting_context *context)
{
    const char *set = getenv(variable->name);
    struct span text = span_str(set && *set ? set : variable->fallback);
    char quoted[ERR_QUOTE], expected[KIND_EXPECTED];
    while (text.len > 1 && span_has_suffix(text, SPAN("/")))
        text.len--;
    struct reading r = {.setting = variable, .tree = context->tree};
    r.value = (struct value){.type = VALUE_STRING, .string = text};
    if (variable->kind->type == VALUE_INTEGER) {
        uint64_t number;
        r.value.type = VALUE_INTEGER;
        r.value.integer = span_parse_uint(text, INT64_MAX, &number) ? (int64_t)number : -1;
    }
    if (variable->kind->read(&r, (char *)object + variable->offset) == 0)
        return 0;
    problems_add(context->problems, variable->kind->code, NULL, 0, 0,
                 "%s in the environment is \"%s\"; %s was expected", variable->name,
                 err_quote(text, quoted), kind_expected(variable, expected));
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
