/* Settings: each type's check and storage. Whoever loads the configuration (main, admin) runs
 * this; nothing is shared. What is said of values that do not fit is in setting_report.c. */
#include "config/setting.h"

#include <stdio.h>

#include "base/utf8.h"
#include "config/config.h"
#include "config/duration.h"
#include "config/expand.h"
#include "config/names.h"
#include "config/secret.h"
#include "config/setting_report.h"
#include "config/suggest.h"
#include "format/yaml.h"

static int out_of_memory(struct setting_context *context)
{
    problems_add(context->problems, PROBLEM_MEMORY, context->file, 0, 0, "out of memory");
    return -1;
}

/* A copy in the tree's memory, or NULL with the problem reported. */
static char *keep(struct setting_context *context, struct span text)
{
    char *copy = value_alloc(context->tree, text.len + 1);
    if (copy == NULL) {
        out_of_memory(context);
        return NULL;
    }
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return copy;
}

static int apply_duration(const struct setting *setting, int64_t *out, const struct value *value,
                          struct setting_context *context)
{
    char quoted[ERR_QUOTE], what[ERR_QUOTE + 16];
    int64_t duration;
    setting_quote(setting, value->string, quoted);
    snprintf(what, sizeof what, "is \"%s\"", quoted);
    if (duration_parse(value->string, &duration)) {
        *out = duration;
        if (duration >= setting->min && duration <= setting->max)
            return 0;
        struct err *err = setting_report(context, setting, value, PROBLEM_OUT_OF_RANGE, what);
        char max[32];
        return duration == 0 ? err_hint(err,
                                        "it cannot be switched off: for the longest write "
                                        "\"%s\"",
                                        duration_format(setting->max, max))
                             : -1;
    }
    uint64_t number;
    char sum[32];
    struct err *err = setting_report(context, setting, value, PROBLEM_BAD_DURATION, what);
    if (span_parse_uint(value->string, INT64_MAX, &number))
        return err_hint(err, "a duration needs a unit (ms, s, m, h or d): \"%ss\"", quoted);
    if (duration_sum(value->string, &duration))
        return err_hint(err, "write one number and one unit: \"%s\"",
                        duration_format(duration, sum));
    return err_hint(err, "write a whole number and one unit (ms, s, m, h or d), such as %s",
                    setting->example);
}

static int apply_count(const struct setting *setting, unsigned *out, const struct value *value,
                       struct setting_context *context)
{
    if (value->integer >= setting->min && value->integer <= setting->max) {
        *out = (unsigned)value->integer;
        return 0;
    }
    char what[48];
    snprintf(what, sizeof what, "is %lld", (long long)value->integer);
    setting_report(context, setting, value, PROBLEM_OUT_OF_RANGE, what);
    return -1;
}

static int apply_host(const struct setting *setting, char **out, const struct value *value,
                      struct setting_context *context)
{
    struct err fault = {0};
    char host[HOST_TEXT];
    if (host_parse(value->string, host, &fault) < 0)
        return setting_report_text(context, setting, value, &fault);
    *out = keep(context, span_str(host));
    return *out ? 0 : -1;
}

static int apply_upstream(const struct setting *setting, struct config_route *route,
                          const struct value *value, struct setting_context *context)
{
    struct err fault = {0};
    char host[HOST_TEXT];
    if (upstream_parse(value->string, host, &route->upstream_port, &fault) < 0)
        return setting_report_text(context, setting, value, &fault);
    route->upstream = keep(context, value->string);
    if (host[0])
        route->upstream_host = keep(context, span_str(host));
    return route->upstream && (route->upstream_host || !host[0]) ? 0 : -1;
}

static int apply_choice(const struct setting *setting, unsigned *out, const struct value *value,
                        struct setting_context *context)
{
    struct suggest suggest = {.word = value->string};
    for (unsigned i = 0; setting->choices[i]; i++) {
        if (span_eq(value->string, span_str(setting->choices[i]))) {
            *out = i;
            return 0;
        }
        suggest_offer(&suggest, setting->choices[i]);
    }
    char quoted[ERR_QUOTE], what[ERR_QUOTE + 16];
    snprintf(what, sizeof what, "is \"%s\"", setting_quote(setting, value->string, quoted));
    struct err *err = setting_report(context, setting, value, PROBLEM_BAD_CHOICE, what);
    const char *known = setting->choices == schema_cert_types ? schema_alias(value->string) : NULL;
    if (known)
        return err_hint(err, "write \"%s\"", known);
    return suggest.best ? err_hint(err, "did you mean \"%s\"?", suggest.best) : -1;
}

/* Text that is kept as it is, once it is checked. */
static int apply_text(const struct setting *setting, int (*check)(struct span, struct err *),
                      char **out, const struct value *value, struct setting_context *context)
{
    struct err fault = {0};
    if (check(value->string, &fault) < 0)
        return setting_report_text(context, setting, value, &fault);
    *out = keep(context, value->string);
    return *out ? 0 : -1;
}

static int apply_path(const struct setting *setting, char **out, const struct value *value,
                      struct setting_context *context)
{
    struct span path = value->string;
    if (path.len == 0 || memchr(path.data, '\0', path.len)) {
        setting_report(context, setting, value, PROBLEM_BAD_PATH,
                       path.len ? "contains a NUL" : "is empty");
        return -1;
    }
    if (path.len > SCHEMA_PATH_MAX)
        return err_hint(setting_report(context, setting, value, PROBLEM_BAD_PATH, "is too long"),
                        "the path of a socket in it has room for %u bytes of directory",
                        SCHEMA_PATH_MAX);
    *out = keep(context, path);
    return *out ? 0 : -1;
}

/* The text that is meant by the one in the file: with its variables, and of a secret what its file
 * holds. 0, or -1 with the problem reported. */
static int resolve_text(const struct setting *setting, struct value *value,
                        struct setting_context *context)
{
    struct err fault = {0};
    struct span expanded, path;
    enum problem_code code;
    bool has_variables,
        is_file = setting->is_secret && span_has_prefix(value->string, SPAN(SECRET_FILE));
    mode_t mode = 0;
    if (setting->is_secret && span_eq(value->string, SPAN(SECRET_MASK))) {
        err_set(&fault, "is " SECRET_MASK ", which stands for it in what `portico config` prints; "
                        "the secret itself was expected");
        err_hint(&fault, "write ${NAME}, and set NAME in the environment; or " SECRET_FILE
                         "PATH, and write it into that file");
        return setting_report_fault(context, setting, value, PROBLEM_MASKED_SECRET, &fault);
    }
    if (expand(value->string, context->tree, &expanded, &has_variables, &code, &fault) < 0)
        return setting_report_fault(context, setting, value, code, &fault);
    if (setting->is_secret && !is_file && !has_variables)
        setting_report_readers(context, setting, value, NULL, context->mode);
    value->string = expanded;
    if (!is_file)
        return 0;
    path = span_from(expanded, strlen(SECRET_FILE));
    if (secret_read(context->path, path, context->tree, &value->string, &mode, &fault) < 0)
        return setting_report_fault(context, setting, value, PROBLEM_SECRET_FILE, &fault);
    setting_report_readers(context, setting, value, &path, mode);
    return 0;
}

/* An item of a list, in the form to keep. */
static int apply_item(const struct setting *setting, const struct value *item, char **out,
                      struct setting_context *context)
{
    struct err fault = {0};
    char ip[HOST_TEXT];
    if (setting->type == SETTING_NETWORKS) {
        if (network_check(item->string, &fault) < 0)
            return setting_report_text(context, setting, item, &fault);
        *out = keep(context, item->string);
    } else {
        if (listen_parse(item->string, ip, &fault) < 0)
            return setting_report_text(context, setting, item, &fault);
        *out = keep(context, span_str(ip));
    }
    return *out ? 0 : -1;
}

/* The same, with its variables replaced. */
static int list_item(const struct setting *setting, const struct value *item, char **out,
                     struct setting_context *context)
{
    struct value resolved = *item;
    if (item->type == VALUE_PLAIN)
        yaml_resolve(VALUE_STRING, &resolved);
    if (resolved.type != VALUE_STRING)
        return setting_report_item(context, setting, item);
    if (resolve_text(setting, &resolved, context) < 0)
        return -1;
    size_t before = context->problems->count;
    int result = apply_item(setting, &resolved, out, context);
    setting_report_variables(context, setting, item, before);
    return result;
}

static int apply_list(const struct setting *setting, char ***out, const struct value *value,
                      struct setting_context *context)
{
    const struct value_array *array = value->array;
    char quoted[ERR_QUOTE];
    int result = 0;
    size_t count = 0;
    char **list = value_alloc(context->tree, (array->count + 1) * sizeof *list);
    if (list == NULL)
        return out_of_memory(context);
    for (uint32_t i = 0; i < array->count; i++) {
        size_t mark = problems_enter_item(context->problems, i);
        int status = list_item(setting, &array->items[i], &list[count], context);
        if (status < 0) {
            problems_leave(context->problems, mark);
            result = -1;
            continue;
        }
        for (size_t j = 0; j < count && setting->type == SETTING_ADDRESSES; j++)
            if (strcmp(list[j], list[count]) == 0) {
                problems_add(context->problems, PROBLEM_DUPLICATE_ADDRESS, context->file,
                             array->items[i].line, array->items[i].column,
                             "\"%s\" names \"%s\" twice; each address was expected once",
                             setting->name,
                             setting_report_quote(&array->items[i], list[j], quoted));
                result = -1;
                break;
            }
        problems_leave(context->problems, mark);
        count++;
    }
    list[count] = NULL;
    if (array->count == 0 && setting->type == SETTING_ADDRESSES) {
        err_hint(setting_report(context, setting, value, PROBLEM_WRONG_TYPE, "is empty"),
                 "to listen everywhere, leave \"%s\" out", setting->name);
        return -1;
    }
    if (array->count > SCHEMA_ADDRESSES_MAX && setting->type == SETTING_ADDRESSES) {
        char what[80];
        snprintf(what, sizeof what, "has %u addresses; %d at most were expected", array->count,
                 SCHEMA_ADDRESSES_MAX);
        err_hint(setting_report(context, setting, value, PROBLEM_OUT_OF_RANGE, what),
                 "\"0.0.0.0\" and \"::\" stand for all addresses of the machine");
        return -1;
    }
    *out = list;
    return result;
}

static enum value_type type_of(const struct setting *setting)
{
    switch (setting->type) {
    case SETTING_COUNT:
        return VALUE_INTEGER;
    case SETTING_FLAG:
        return VALUE_BOOLEAN;
    case SETTING_ADDRESSES:
    case SETTING_NETWORKS:
        return VALUE_ARRAY;
    default:
        return VALUE_STRING;
    }
}

/* Stores a value that is of the right type, and has its variables replaced. */
static int store(const struct setting *setting, void *object, const struct value *value,
                 struct setting_context *context)
{
    void *member = (char *)object + setting->offset;
    switch (setting->type) {
    case SETTING_DURATION:
        return apply_duration(setting, member, value, context);
    case SETTING_COUNT:
        return apply_count(setting, member, value, context);
    case SETTING_FLAG:
        *(bool *)member = value->boolean;
        return 0;
    case SETTING_HOST:
        return apply_host(setting, member, value, context);
    case SETTING_UPSTREAM:
        return apply_upstream(setting, object, value, context);
    case SETTING_CHOICE:
        return apply_choice(setting, member, value, context);
    case SETTING_EMAIL:
        return apply_text(setting, email_check, member, value, context);
    case SETTING_FIELD:
        return apply_text(setting, field_check, member, value, context);
    case SETTING_PATH:
        return apply_path(setting, member, value, context);
    case SETTING_ADDRESSES:
    case SETTING_NETWORKS:
        return apply_list(setting, member, value, context);
    }
    return -1;
}

int setting_apply(const struct setting *setting, void *object, const struct value *value,
                  struct setting_context *context)
{
    struct value plain = *value, resolved;
    if (value->type == VALUE_PLAIN && yaml_resolve(type_of(setting), &plain))
        value = &plain;
    if (value->type != type_of(setting))
        return setting_report_type(context, setting, value);
    if (value->type == VALUE_STRING && utf8_find_bad(value->string) < value->string.len)
        return -1; /* the parser has reported it */
    resolved = *value;
    if (resolved.type == VALUE_STRING && resolve_text(setting, &resolved, context) < 0)
        return -1;
    size_t before = context->problems->count;
    int result = store(setting, object, &resolved, context);
    if (resolved.type == VALUE_STRING)
        setting_report_variables(context, setting, value, before);
    return result;
}

/* The default as the value that the file would have held. */
int setting_apply_default(const struct setting *setting, void *object,
                          struct setting_context *context)
{
    if (setting->fallback == NULL)
        return 0;
    struct span text = span_str(setting->fallback), part;
    struct value value = {.type = type_of(setting)};
    uint64_t number = 0;
    switch (value.type) {
    case VALUE_INTEGER:
        span_parse_uint(text, INT64_MAX, &number);
        value.integer = (int64_t)number;
        break;
    case VALUE_BOOLEAN:
        value.boolean = span_eq(text, SPAN("true"));
        break;
    case VALUE_ARRAY:
        value.array = value_array_new(context->tree);
        if (value.array == NULL)
            return out_of_memory(context);
        while (text.len && span_split(&text, ' ', &part)) {
            struct value item = {.type = VALUE_STRING, .string = part};
            if (value_array_add(context->tree, value.array, &item) == NULL)
                return out_of_memory(context);
        }
        break;
    default:
        value.string = text;
        break;
    }
    return setting_apply(setting, object, &value, context);
}
