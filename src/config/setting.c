/* Settings: each type's check and storage. Whoever loads the configuration runs this; nothing
 * is shared.
 *
 * A problem's message begins with the setting's name and says what was expected; the hint
 * gives the value as it was probably meant. */
#include "config/setting.h"

#include <stdio.h>

#include "base/clock.h"
#include "config/config.h"
#include "config/expand.h"
#include "config/names.h"
#include "config/secret.h"
#include "config/suggest.h"
#include "format/utf8.h"
#include "format/yaml.h"

static const struct {
    const char *name;
    int64_t length;
} units[] = {{"ms", CLOCK_MS},
             {"s", CLOCK_SECOND},
             {"m", 60 * CLOCK_SECOND},
             {"h", 3600 * CLOCK_SECOND},
             {"d", 86400 * CLOCK_SECOND}};
#define UNIT_COUNT (sizeof units / sizeof *units)

bool duration_parse(struct span text, int64_t *duration)
{
    size_t count = 0;
    uint64_t number;
    while (count < text.len && text.data[count] >= '0' && text.data[count] <= '9')
        count++;
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        if (!span_eq(span_from(text, count), span_str(units[i].name)))
            continue;
        if (!span_parse_uint(span_first(text, count), (uint64_t)(INT64_MAX / units[i].length),
                             &number))
            return false;
        *duration = (int64_t)number * units[i].length;
        return true;
    }
    return false;
}

const char *duration_format(int64_t duration, char out[32])
{
    size_t unit = duration == 0 ? 1 : UNIT_COUNT - 1;
    while (unit > 0 && duration % units[unit].length)
        unit--;
    snprintf(out, 32, "%lld%s", (long long)(duration / units[unit].length), units[unit].name);
    return out;
}

const char *setting_expected(const struct setting *setting, char out[SETTING_EXPECTED])
{
    char min[32], max[32];
    switch (setting->type) {
    case SETTING_DURATION:
        snprintf(out, SETTING_EXPECTED, "a duration from \"%s\" to \"%s\"",
                 duration_format(setting->min, min), duration_format(setting->max, max));
        break;
    case SETTING_COUNT:
        snprintf(out, SETTING_EXPECTED, "a number from %lld to %lld", (long long)setting->min,
                 (long long)setting->max);
        break;
    case SETTING_FLAG:
        snprintf(out, SETTING_EXPECTED, "true or false");
        break;
    case SETTING_CHOICE:
        schema_choices(setting, out);
        break;
    case SETTING_ADDRESSES:
    case SETTING_NETWORKS:
        snprintf(out, SETTING_EXPECTED, "an array such as %s", setting->example);
        break;
    case SETTING_HOST:
    case SETTING_UPSTREAM:
    case SETTING_EMAIL:
    case SETTING_FIELD:
    case SETTING_PATH:
        snprintf(out, SETTING_EXPECTED, "text such as %s", setting->example);
        break;
    }
    return out;
}

static struct err *report(struct setting_context *context, const struct setting *setting,
                          const struct value *value, enum problem_code code, const char *what)
{
    char expected[SETTING_EXPECTED];
    return problems_add(context->problems, code, context->file, value->line, value->column,
                        "\"%s\" %s; %s was expected", setting->name, what,
                        setting_expected(setting, expected));
}

/* A number that stands first in `text`, with "k", "M" or "G" for thousands and so on behind it,
 * and perhaps a unit. False when there is none. */
static bool number_in(struct span text, uint64_t *number)
{
    static const struct {
        char letter;
        uint64_t factor;
    } prefixes[] = {{'k', 1000}, {'K', 1000}, {'M', 1000000}, {'G', 1000000000}};
    size_t count = 0;
    while (count < text.len && text.data[count] >= '0' && text.data[count] <= '9')
        count++;
    if (!span_parse_uint(span_first(text, count), UINT32_MAX, number))
        return false;
    struct span behind = span_trim(span_from(text, count));
    for (size_t i = 0; behind.len && i < sizeof prefixes / sizeof *prefixes; i++)
        if (behind.data[0] == prefixes[i].letter)
            *number *= prefixes[i].factor;
    return true;
}

/* A float where a whole number or a duration was expected. */
static int hint_for_float(struct err *err, const struct setting *setting, double real)
{
    char text[32];
    if (!(real >= 0 && real <= 1e9))
        return -1;
    int64_t thousandths = (int64_t)(real * 1000 + 0.5);
    if (setting->type == SETTING_DURATION)
        return err_hint(err, "a duration is a whole number and a unit, in quotes: \"%s\"",
                        duration_format(thousandths * CLOCK_MS, text));
    if (setting->type == SETTING_COUNT)
        return err_hint(err, "write a whole number: %lld", (long long)(thousandths / 1000));
    return -1;
}

/* Text without quotes that is not of the type of the setting. */
static int report_plain(struct setting_context *context, const struct setting *setting,
                        const struct value *value)
{
    char quoted[PROBLEMS_QUOTE], what[PROBLEMS_QUOTE + 16], trap[YAML_TRAP];
    uint64_t number;
    snprintf(what, sizeof what, "is \"%s\"", problems_quote(value->string, quoted));
    struct err *err = report(context, setting, value, PROBLEM_WRONG_TYPE, what);
    if (setting->type == SETTING_ADDRESSES || setting->type == SETTING_NETWORKS)
        return err_hint(err, "put it in brackets: [\"%s\"]", quoted);
    const char *why = yaml_trap(value->string, trap);
    if (why)
        return err_hint(err, "%s", why);
    size_t digits = 0, letters = 0, len = value->string.len;
    while (digits < len && value->string.data[digits] >= '0' && value->string.data[digits] <= '9')
        digits++;
    while (digits + letters < len && span_lower(value->string.data[digits + letters]) >= 'a' &&
           span_lower(value->string.data[digits + letters]) <= 'z')
        letters++;
    if (digits == len)
        return -1; /* too large */
    if (digits + letters == len && number_in(value->string, &number))
        return err_hint(err, "write digits alone: %llu", (unsigned long long)number);
    return err_hint(err, "write a whole number, in digits alone");
}

static int report_type(struct setting_context *context, const struct setting *setting,
                       const struct value *value)
{
    char what[64];
    if (value->type == VALUE_BAD)
        return -1;
    if (value->type == VALUE_PLAIN)
        return report_plain(context, setting, value);
    snprintf(what, sizeof what, "is %s", notation_type_name(context->notation, value->type));
    struct err *err = report(context, setting, value, PROBLEM_WRONG_TYPE, what);
    if (value->type == VALUE_NULL)
        return err_hint(err,
                        setting->is_required ? "write a value, such as %s"
                                             : "write a value, such as %s, or leave \"%s\" out",
                        setting->example, setting->name);
    if (setting->type == SETTING_DURATION && value->type == VALUE_INTEGER)
        return err_hint(err, "a duration needs a unit (ms, s, m, h or d) and quotes: \"%llds\"",
                        (long long)value->integer);
    if (value->type == VALUE_FLOAT)
        return hint_for_float(err, setting, value->real);
    if (setting->choices == schema_cert_types && value->type == VALUE_BOOLEAN)
        return err_hint(err, value->boolean ? "for a certificate of a public CA write \"acme\""
                                            : "for no certificate write \"none\"");
    if (setting->type == SETTING_FLAG && value->type == VALUE_STRING &&
        (span_eq(value->string, SPAN("true")) || span_eq(value->string, SPAN("false"))))
        return err_hint(err, "write it without quotes: " SPAN_FMT, SPAN_ARG(value->string));
    if (setting->type == SETTING_UPSTREAM && value->type == VALUE_INTEGER)
        return err_hint(err, "for a port of this machine write \"127.0.0.1:%lld\"",
                        (long long)value->integer);
    if (setting->type == SETTING_COUNT && value->type == VALUE_STRING) {
        uint64_t number;
        if (number_in(value->string, &number))
            return err_hint(err, "write digits alone, without quotes: %llu",
                            (unsigned long long)number);
    }
    if ((setting->type == SETTING_ADDRESSES || setting->type == SETTING_NETWORKS) &&
        value->type == VALUE_STRING) {
        char quoted[PROBLEMS_QUOTE];
        return err_hint(err, "put it in brackets: [\"%s\"]", problems_quote(value->string, quoted));
    }
    if (value->type == VALUE_ARRAY && value->array->count > 0)
        return err_hint(err, setting->type == SETTING_HOST
                                 ? "write one route for each host"
                                 : "only one value is possible: write it without brackets");
    return -1;
}

/* The code of a text that is not what the setting needs. */
static enum problem_code code_of(const struct setting *setting)
{
    switch (setting->type) {
    case SETTING_HOST:
        return PROBLEM_BAD_HOST;
    case SETTING_UPSTREAM:
        return PROBLEM_BAD_UPSTREAM;
    case SETTING_EMAIL:
        return PROBLEM_BAD_EMAIL;
    case SETTING_ADDRESSES:
        return PROBLEM_BAD_ADDRESS;
    case SETTING_NETWORKS:
        return PROBLEM_BAD_NETWORK;
    case SETTING_FIELD:
        return PROBLEM_BAD_FIELD;
    default:
        return PROBLEM_WRONG_TYPE;
    }
}

/* A problem that `fault` describes, about the text `value`; which is not shown of a secret. */
static int report_fault(struct setting_context *context, const struct setting *setting,
                        const struct value *value, enum problem_code code, const struct err *fault)
{
    char quoted[PROBLEMS_QUOTE] = "";
    if (!setting->is_secret)
        problems_quote(value->string, quoted);
    const char *quote = setting->is_secret ? "" : "\"";
    struct err *err = problems_add(context->problems, code, context->file, value->line,
                                   value->column, "%s %s%s%s%s%s", setting->name, quote, quoted,
                                   quote, setting->is_secret ? "" : " ", fault->message);
    if (fault->hint[0])
        err_hint(err, "%s", fault->hint);
    return -1;
}

static int report_name(struct setting_context *context, const struct setting *setting,
                       const struct value *value, const struct err *fault)
{
    return report_fault(context, setting, value, code_of(setting), fault);
}

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

/* "1h30m" and the like: the sum of its parts. */
static bool duration_sum(struct span text, int64_t *sum)
{
    *sum = 0;
    while (text.len) {
        size_t len = 0;
        int64_t part;
        while (len < text.len && text.data[len] >= '0' && text.data[len] <= '9')
            len++;
        while (len < text.len && !(text.data[len] >= '0' && text.data[len] <= '9'))
            len++;
        if (!duration_parse(span_trim(span_first(text, len)), &part) || part > INT64_MAX - *sum)
            return false;
        *sum += part;
        text = span_from(text, len);
    }
    return *sum > 0;
}

static int apply_duration(const struct setting *setting, int64_t *out, const struct value *value,
                          struct setting_context *context)
{
    char quoted[PROBLEMS_QUOTE], what[PROBLEMS_QUOTE + 16];
    int64_t duration;
    problems_quote(value->string, quoted);
    snprintf(what, sizeof what, "is \"%s\"", quoted);
    if (duration_parse(value->string, &duration)) {
        *out = duration;
        if (duration >= setting->min && duration <= setting->max)
            return 0;
        struct err *err = report(context, setting, value, PROBLEM_OUT_OF_RANGE, what);
        char max[32];
        return duration == 0 ? err_hint(err,
                                        "it cannot be switched off: for the longest write "
                                        "\"%s\"",
                                        duration_format(setting->max, max))
                             : -1;
    }
    uint64_t number;
    char sum[32];
    struct err *err = report(context, setting, value, PROBLEM_BAD_DURATION, what);
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
    report(context, setting, value, PROBLEM_OUT_OF_RANGE, what);
    return -1;
}

static int apply_host(const struct setting *setting, char **out, const struct value *value,
                      struct setting_context *context)
{
    struct err fault = {0};
    char host[HOST_TEXT];
    if (host_parse(value->string, host, &fault) < 0)
        return report_name(context, setting, value, &fault);
    *out = keep(context, span_str(host));
    return *out ? 0 : -1;
}

static int apply_upstream(const struct setting *setting, struct config_route *route,
                          const struct value *value, struct setting_context *context)
{
    struct err fault = {0};
    char host[HOST_TEXT];
    if (upstream_parse(value->string, host, &route->upstream_port, &fault) < 0)
        return report_name(context, setting, value, &fault);
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
    char quoted[PROBLEMS_QUOTE], what[PROBLEMS_QUOTE + 16];
    snprintf(what, sizeof what, "is \"%s\"", problems_quote(value->string, quoted));
    struct err *err = report(context, setting, value, PROBLEM_BAD_CHOICE, what);
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
        return report_name(context, setting, value, &fault);
    *out = keep(context, value->string);
    return *out ? 0 : -1;
}

static int apply_path(const struct setting *setting, char **out, const struct value *value,
                      struct setting_context *context)
{
    struct span path = value->string;
    if (path.len == 0 || memchr(path.data, '\0', path.len)) {
        report(context, setting, value, PROBLEM_BAD_PATH, path.len ? "contains a NUL" : "is empty");
        return -1;
    }
    if (path.len > SCHEMA_PATH_MAX)
        return err_hint(report(context, setting, value, PROBLEM_BAD_PATH, "is too long"),
                        "the path of a socket in it has room for %u bytes of directory",
                        SCHEMA_PATH_MAX);
    *out = keep(context, path);
    return *out ? 0 : -1;
}

/* An item of a list that is no string. */
static int report_item(struct setting_context *context, const struct setting *setting,
                       const struct value *item)
{
    if (item->type == VALUE_BAD)
        return -1;
    bool is_address = setting->type == SETTING_ADDRESSES;
    struct err *err = problems_add(
        context->problems, PROBLEM_WRONG_TYPE, context->file, item->line, item->column,
        "an item of \"%s\" is %s; a string such as \"%s\" was expected", setting->name,
        notation_type_name(context->notation, item->type), is_address ? "0.0.0.0" : "10.0.0.0/8");
    if (item->type == VALUE_TABLE && context->notation == &notation_yaml)
        return err_hint(err, "text that ends in \":\", or holds \": \", needs quotes");
    if (is_address && item->type == VALUE_INTEGER)
        return err_hint(err, "the ports come from HTTP_PORT and HTTPS_PORT in the environment");
    return -1;
}

/* A secret that stands in a file of that mode: `file`, or NULL for the configuration. */
static void warn_of_readers(const struct setting *setting, const struct value *value,
                            const struct span *file, mode_t mode, struct setting_context *context)
{
    char quoted[PROBLEMS_QUOTE], what[PROBLEMS_QUOTE + 16] = "this file";
    if (!secret_is_open(mode))
        return;
    if (file)
        snprintf(what, sizeof what, "the file \"%s\"", problems_quote(*file, quoted));
    struct err *err = problems_add(
        context->problems, PROBLEM_SECRET_READABLE, context->file, value->line, value->column,
        "\"%s\" is a secret, and others can read %s that it stands in (mode %04o); one that only "
        "its owner can read was expected",
        setting->name, what, (unsigned)mode);
    err_hint(err, "take that away: chmod go-r FILE");
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
    if (expand(value->string, context->tree, &expanded, &has_variables, &code, &fault) < 0)
        return report_fault(context, setting, value, code, &fault);
    if (setting->is_secret && !is_file && !has_variables)
        warn_of_readers(setting, value, NULL, context->mode, context);
    value->string = expanded;
    if (!is_file)
        return 0;
    path = span_from(expanded, strlen(SECRET_FILE));
    if (secret_read(context->path, path, context->tree, &value->string, &mode, &fault) < 0)
        return report_fault(context, setting, value, PROBLEM_SECRET_FILE, &fault);
    warn_of_readers(setting, value, &path, mode, context);
    return 0;
}

/* One item of a list: checked, and in the form to keep. */
static int list_item(const struct setting *setting, const struct value *item, char **out,
                     struct setting_context *context)
{
    struct err fault = {0};
    char ip[HOST_TEXT];
    struct value resolved = *item;
    if (item->type == VALUE_PLAIN)
        yaml_resolve(VALUE_STRING, &resolved);
    if (resolved.type != VALUE_STRING)
        return report_item(context, setting, item);
    if (resolve_text(setting, &resolved, context) < 0)
        return -1;
    item = &resolved;
    if (setting->type == SETTING_NETWORKS) {
        if (network_check(item->string, &fault) < 0)
            return report_name(context, setting, item, &fault);
        *out = keep(context, item->string);
    } else {
        if (listen_parse(item->string, ip, &fault) < 0)
            return report_name(context, setting, item, &fault);
        *out = keep(context, span_str(ip));
    }
    return *out ? 0 : -1;
}

static int apply_list(const struct setting *setting, char ***out, const struct value *value,
                      struct setting_context *context)
{
    const struct value_array *array = value->array;
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
                             setting->name, list[j]);
                result = -1;
            }
        problems_leave(context->problems, mark);
        count++;
    }
    list[count] = NULL;
    if (array->count == 0 && setting->type == SETTING_ADDRESSES) {
        err_hint(report(context, setting, value, PROBLEM_WRONG_TYPE, "is empty"),
                 "to listen everywhere, leave \"%s\" out", setting->name);
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

int setting_apply(const struct setting *setting, void *object, const struct value *value,
                  struct setting_context *context)
{
    struct value resolved = *value;
    if (value->type == VALUE_PLAIN && yaml_resolve(type_of(setting), &resolved))
        value = &resolved;
    if (value->type != type_of(setting))
        return report_type(context, setting, value);
    if (value->type == VALUE_STRING && utf8_find_bad(value->string) < value->string.len)
        return -1; /* the parser has reported it */
    resolved = *value;
    if (resolved.type == VALUE_STRING && resolve_text(setting, &resolved, context) < 0)
        return -1;
    value = &resolved;
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
