/* What is said of a value that does not fit its setting. Whoever loads the configuration (main,
 * admin) runs this; nothing is shared.
 *
 * A problem's message begins with the setting's name and says what was expected; the hint gives
 * the value as it was probably meant. What a secret's value is, none of them says. */
#include "config/setting_report.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "config/duration.h"
#include "config/names.h"
#include "config/secret.h"
#include "format/yaml.h"

/* What a value of the setting looks like, for "... was expected". Returns `out`. */
#define SETTING_EXPECTED 160u
static const char *expected(const struct setting *setting, char out[SETTING_EXPECTED])
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

struct span setting_shown(const struct setting *setting, struct span text)
{
    size_t len = 0;
    if (setting->is_secret)
        return span_first(text, 0);
    if (setting->type != SETTING_EMAIL)
        text = host_without_user(text);
    while (len < text.len && strchr(" \t\r\n", text.data[len]) == NULL)
        len++;
    return span_first(text, len);
}

const char *setting_quote(const struct setting *setting, struct span text, char out[ERR_QUOTE])
{
    struct span shown = setting_shown(setting, text);
    char quoted[ERR_QUOTE];
    bool is_whole = shown.data + shown.len == text.data + text.len;
    snprintf(out, ERR_QUOTE, "%s%s%s", shown.data > text.data ? "...@" : "",
             err_quote(shown, quoted), is_whole ? "" : "...");
    return out;
}

struct err *setting_report(struct setting_context *context, const struct setting *setting,
                           const struct value *value, enum problem_code code, const char *what)
{
    char text[SETTING_EXPECTED];
    return problems_add(context->problems, code, context->file, value->line, value->column,
                        "\"%s\" %s; %s was expected", setting->name, what, expected(setting, text));
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
    char quoted[ERR_QUOTE], what[ERR_QUOTE + 16], trap[YAML_TRAP];
    uint64_t number;
    snprintf(what, sizeof what, "is \"%s\"", setting_quote(setting, value->string, quoted));
    struct err *err = setting_report(context, setting, value, PROBLEM_WRONG_TYPE, what);
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

int setting_report_type(struct setting_context *context, const struct setting *setting,
                        const struct value *value)
{
    char what[64];
    if (value->type == VALUE_BAD)
        return -1;
    if (value->type == VALUE_PLAIN)
        return report_plain(context, setting, value);
    snprintf(what, sizeof what, "is %s", format_type_name(context->format, value->type));
    struct err *err = setting_report(context, setting, value, PROBLEM_WRONG_TYPE, what);
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
        char quoted[ERR_QUOTE];
        return err_hint(err, "put it in brackets: [\"%s\"]",
                        setting_quote(setting, value->string, quoted));
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

int setting_report_fault(struct setting_context *context, const struct setting *setting,
                         const struct value *value, enum problem_code code, const struct err *fault)
{
    char quoted[ERR_QUOTE] = "";
    if (!setting->is_secret)
        setting_quote(setting, value->string, quoted);
    const char *quote = setting->is_secret ? "" : "\"";
    struct err *err = problems_add(context->problems, code, context->file, value->line,
                                   value->column, "%s %s%s%s%s%s", setting->name, quote, quoted,
                                   quote, setting->is_secret ? "" : " ", fault->message);
    if (fault->hint[0])
        err_hint(err, "%s", fault->hint);
    return -1;
}

int setting_report_text(struct setting_context *context, const struct setting *setting,
                        const struct value *value, const struct err *fault)
{
    return setting_report_fault(context, setting, value, code_of(setting), fault);
}

static bool has_variables(const struct value *written)
{
    for (size_t i = 0; i + 1 < written->string.len; i++)
        if (memcmp(written->string.data + i, "${", 2) == 0)
            return true;
    return false;
}

const char *setting_report_quote(const struct value *written, const char *text, char out[ERR_QUOTE])
{
    return err_quote(has_variables(written) ? written->string : span_str(text), out);
}

void setting_report_variables(struct setting_context *context, const struct setting *setting,
                              const struct value *written, size_t before)
{
    char quoted[ERR_QUOTE], text[SETTING_EXPECTED];
    if (setting->is_secret || !has_variables(written))
        return;
    for (size_t i = before; i < context->problems->count; i++) {
        struct err *err = &context->problems->items[i];
        snprintf(err->message, sizeof err->message,
                 "\"%s\" is \"%s\", from which the environment makes nothing that is possible; %s "
                 "was expected",
                 setting->name, setting_quote(setting, written->string, quoted),
                 expected(setting, text));
        err_hint(err, "look at the variables in the environment: what they hold is not shown");
    }
}

int setting_report_item(struct setting_context *context, const struct setting *setting,
                        const struct value *item)
{
    if (item->type == VALUE_BAD)
        return -1;
    bool is_address = setting->type == SETTING_ADDRESSES;
    struct err *err = problems_add(
        context->problems, PROBLEM_WRONG_TYPE, context->file, item->line, item->column,
        "an item of \"%s\" is %s; a string such as \"%s\" was expected", setting->name,
        format_type_name(context->format, item->type), is_address ? "0.0.0.0" : "10.0.0.0/8");
    if (item->type == VALUE_TABLE && context->format == &format_yaml)
        return err_hint(err, "text that ends in \":\", or holds \": \", needs quotes");
    if (is_address && item->type == VALUE_INTEGER)
        return err_hint(err, "the ports come from HTTP_PORT and HTTPS_PORT in the environment");
    return -1;
}

void setting_report_readers(struct setting_context *context, const struct setting *setting,
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
