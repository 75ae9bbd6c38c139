/* Kinds: the table of what settings can hold, and how each is read and shown, see kind.h. Whoever
 * loads or shows a configuration runs this; nothing is shared. A new kind is a row at the end. */
#include "config/kind.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "config/config.h"
#include "config/schema.h"
#include "config/suggest.h"

static int keep(struct span text, struct value_tree *tree, char **out, struct err *fault)
{
    struct span copy;
    if (value_copy(tree, text, &copy)) {
        *out = (char *)copy.data;
        return 0;
    }
    err_set(fault, "cannot be kept: out of memory");
    problems_recode(fault, PROBLEM_MEMORY);
    return -1;
}

/* ---- Numbers, with or without a unit ---- */

static int hint_for_number(const struct setting *setting, struct span text, struct err *fault)
{
    const struct units *units = setting->kind->units;
    char quoted[ERR_QUOTE], meant[UNITS_TEXT];
    int64_t number;
    uint64_t plain;
    err_quote(text, quoted);
    if (span_parse_uint(text, INT64_MAX, &plain))
        return setting->kind->also == VALUE_INTEGER
                   ? err_hint(fault, "write digits alone, without quotes: %s", quoted)
                   : err_hint(fault, "a %s needs a unit (%s): \"%ss\"", setting->kind->name,
                              units->words, quoted);
    if (units_sum(units, text, &number))
        return err_hint(fault, "write one number and one unit: \"%s\"",
                        units_format(units, number, meant));
    if (units_guess(units, text, &number))
        return err_hint(fault, "write \"%s\": a whole number and one unit (%s)",
                        units_format(units, number, meant), units->words);
    return err_hint(fault, "write a whole number and one unit (%s), such as %s", units->words,
                    schema_example(setting));
}

static int read_number(const struct setting *setting, const struct value *value, void *member,
                       struct value_tree *tree, struct err *fault)
{
    const struct kind *kind = setting->kind;
    int64_t number = value->integer;
    char max[UNITS_TEXT];
    (void)tree;
    if (value->type == VALUE_STRING && !units_parse(kind->units, value->string, &number))
        return hint_for_number(setting, value->string, fault);
    if (number < setting->min || number > setting->max) {
        problems_recode(fault, PROBLEM_OUT_OF_RANGE);
        return kind->units && number == 0
                   ? err_hint(fault, "it cannot be switched off: for the most write \"%s\"",
                              units_format(kind->units, setting->max, max))
                   : -1;
    }
    if (kind->width == sizeof(uint16_t))
        *(uint16_t *)member = (uint16_t)number;
    else if (kind->width == sizeof(unsigned))
        *(unsigned *)member = (unsigned)number;
    else
        *(int64_t *)member = number;
    return 0;
}

static const char *show_number(const struct setting *setting, const void *member,
                               char out[KIND_TEXT])
{
    const struct kind *kind = setting->kind;
    int64_t number = kind->width == sizeof(uint16_t)   ? *(const uint16_t *)member
                     : kind->width == sizeof(unsigned) ? *(const unsigned *)member
                                                       : *(const int64_t *)member;
    return units_format(kind->units, number, out);
}

/* The number in "500 bytes" or "64k": "k", "M" and "G" are thousands and so on. False when it is
 * something else. */
static bool number_in(struct span text, uint64_t *number)
{
    static const struct {
        char letter;
        uint64_t factor;
    } prefixes[] = {{'k', 1000}, {'K', 1000}, {'M', 1000000}, {'G', 1000000000}};
    size_t count = 0;
    while (count < text.len && text.data[count] >= '0' && text.data[count] <= '9')
        count++;
    struct span behind = span_trim(span_from(text, count));
    if (!span_parse_uint(span_first(text, count), UINT32_MAX, number))
        return false;
    for (size_t i = 0; i < behind.len; i++)
        if (span_lower(behind.data[i]) < 'a' || span_lower(behind.data[i]) > 'z')
            return false;
    for (size_t i = 0; behind.len && i < sizeof prefixes / sizeof *prefixes; i++)
        if (behind.data[0] == prefixes[i].letter)
            *number *= prefixes[i].factor;
    return true;
}

static void advise_number(const struct setting *setting, const struct value *value,
                          struct err *fault)
{
    const struct kind *kind = setting->kind;
    bool needs_unit = kind->units && kind->also != VALUE_INTEGER;
    char text[UNITS_TEXT];
    uint64_t number;
    if (value->type == VALUE_INTEGER && needs_unit) {
        err_hint(fault, "a %s needs a unit (%s) and quotes: \"%llds\"", kind->name,
                 kind->units->words, (long long)value->integer);
    } else if (value->type == VALUE_FLOAT && value->real >= 0 && value->real <= 1e9) {
        int64_t thousandths = (int64_t)(value->real * 1000 + 0.5);
        if (needs_unit)
            err_hint(fault, "a %s is a whole number and a unit, in quotes: \"%s\"", kind->name,
                     units_format(kind->units, thousandths * CLOCK_MS, text));
        else
            err_hint(fault, "write a whole number: %lld", (long long)(thousandths / 1000));
    } else if (value->type == VALUE_STRING || value->type == VALUE_PLAIN) {
        if (number_in(value->string, &number))
            err_hint(fault, "write digits alone, without quotes: %llu", (unsigned long long)number);
        else
            err_hint(fault, "write a whole number, in digits alone");
    }
}

/* ---- Flags and choices ---- */

static int read_flag(const struct setting *setting, const struct value *value, void *member,
                     struct value_tree *tree, struct err *fault)
{
    (void)setting, (void)tree, (void)fault;
    *(bool *)member = value->boolean;
    return 0;
}

static const char *show_flag(const struct setting *setting, const void *member, char out[KIND_TEXT])
{
    (void)setting, (void)out;
    return *(const bool *)member ? "true" : "false";
}

static void advise_flag(const struct setting *setting, const struct value *value, struct err *fault)
{
    (void)setting;
    if (value->type == VALUE_STRING &&
        (span_eq(value->string, SPAN("true")) || span_eq(value->string, SPAN("false"))))
        err_hint(fault, "write it without quotes: " SPAN_FMT, SPAN_ARG(value->string));
}

/* What a word that is no choice stands for, as a hint. */
static int hint_for_choice(const struct setting *setting, struct span word, struct err *fault)
{
    struct suggest suggest = {.word = word};
    const char *alias = schema_alias(word);
    for (const char *const *choice = setting->choices; *choice; choice++) {
        if (alias && strcmp(alias, *choice) == 0)
            return err_hint(fault, "write \"%s\"", alias);
        suggest_offer(&suggest, *choice);
    }
    return suggest.best ? err_hint(fault, "did you mean \"%s\"?", suggest.best) : -1;
}

static int read_choice(const struct setting *setting, const struct value *value, void *member,
                       struct value_tree *tree, struct err *fault)
{
    (void)tree;
    for (unsigned i = 0; setting->choices[i]; i++)
        if (span_eq(value->string, span_str(setting->choices[i]))) {
            *(unsigned *)member = i;
            return 0;
        }
    return hint_for_choice(setting, value->string, fault);
}

static const char *show_choice(const struct setting *setting, const void *member,
                               char out[KIND_TEXT])
{
    (void)out;
    return setting->choices[*(const unsigned *)member];
}

static void advise_choice(const struct setting *setting, const struct value *value,
                          struct err *fault)
{
    if (value->type == VALUE_BOOLEAN)
        hint_for_choice(setting, value->boolean ? SPAN("true") : SPAN("false"), fault);
}

/* ---- Texts ---- */

static int read_text(const struct setting *setting, const struct value *value, void *member,
                     struct value_tree *tree, struct err *fault)
{
    const struct kind *kind = setting->kind;
    char text[HOST_TEXT];
    if (kind->check && kind->check(value->string, fault) < 0)
        return -1;
    if (kind->parse == NULL)
        return keep(value->string, tree, member, fault);
    return kind->parse(value->string, text, fault) < 0 ? -1
                                                       : keep(span_str(text), tree, member, fault);
}

/* Of a place as well, whose text comes first. */
static const char *show_text(const struct setting *setting, const void *member, char out[KIND_TEXT])
{
    (void)setting, (void)out;
    return *(char *const *)member;
}

static int read_upstream(const struct setting *setting, const struct value *value, void *member,
                         struct value_tree *tree, struct err *fault)
{
    struct config_place *place = member;
    char host[HOST_TEXT];
    (void)setting;
    if (upstream_parse(value->string, host, &place->port, fault) < 0 ||
        (host[0] && keep(span_str(host), tree, &place->host, fault) < 0))
        return -1;
    return keep(value->string, tree, &place->text, fault);
}

static void advise_upstream(const struct setting *setting, const struct value *value,
                            struct err *fault)
{
    (void)setting;
    if (value->type == VALUE_INTEGER)
        err_hint(fault, "for a port of this machine write \"127.0.0.1:%lld\"",
                 (long long)value->integer);
}

static void advise_host(const struct setting *setting, const struct value *value, struct err *fault)
{
    (void)setting;
    if (value->type == VALUE_ARRAY)
        err_hint(fault, "write one route for each host");
}

static void advise_address(const struct setting *setting, const struct value *value,
                           struct err *fault)
{
    (void)setting;
    if (value->type == VALUE_INTEGER)
        err_hint(fault, "the ports come from HTTP_PORT and HTTPS_PORT in the environment");
}

static int read_path(const struct setting *setting, const struct value *value, void *member,
                     struct value_tree *tree, struct err *fault)
{
    struct span path = value->string;
    if (path.len == 0 || span_find(path, '\0') < path.len)
        return err_set(fault, "%s; a path was expected", path.len ? "contains a NUL" : "is empty");
    if (setting->max == 0 || path.len <= (uint64_t)setting->max)
        return keep(path, tree, member, fault);
    err_set(fault, "is too long; a shorter path was expected");
    return err_hint(fault, "the path of a socket in it has room for %lld bytes of directory",
                    (long long)setting->max);
}

/* ---- In words ---- */

const char *kind_quote(const struct kind *kind, const char *text)
{
    bool is_bare = kind->type == VALUE_INTEGER || kind->type == VALUE_BOOLEAN;
    size_t len = strlen(text);
    if (kind->also == VALUE_INTEGER)
        is_bare = len && text[len - 1] >= '0' && text[len - 1] <= '9';
    return is_bare ? "" : "\"";
}

static const char *choices(const struct setting *setting, char out[KIND_RANGE])
{
    size_t used = 0;
    for (const char *const *choice = setting->choices; *choice; choice++)
        used += (size_t)snprintf(out + used, KIND_RANGE - used, "%s\"%s\"",
                                 choice == setting->choices ? ""
                                 : choice[1]                ? ", "
                                                            : " or ",
                                 *choice);
    return out;
}

const char *kind_range(const struct setting *setting, char out[KIND_RANGE])
{
    const struct kind *kind = setting->kind;
    char min[UNITS_TEXT], max[UNITS_TEXT];
    if (setting->choices)
        return choices(setting, out);
    if (kind->width == 0)
        return NULL;
    units_format(kind->units, setting->min, min);
    units_format(kind->units, setting->max, max);
    const char *first = kind_quote(kind, min), *second = kind_quote(kind, max);
    snprintf(out, KIND_RANGE, "%s%s%s to %s%s%s", first, min, first, second, max, second);
    return out;
}

const char *kind_expected(const struct setting *setting, char out[KIND_EXPECTED])
{
    char text[KIND_RANGE];
    const char *range = kind_range(setting, text);
    if (range == NULL)
        range = setting->kind->type == VALUE_BOOLEAN ? "" : schema_example(setting);
    snprintf(out, KIND_EXPECTED, "%s%s", setting->kind->expected, range);
    return out;
}

/* ---- The table ---- */

/* A name is labels of letters, digits, "-" and "_", and an IPv6 address at least has two colons.
 * What these let through that is wrong (300.1.1.1) is found by names.c. */
#define LABEL   "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
#define NAME    LABEL "(\\." LABEL ")*\\.?"
#define IPV4    "[0-9]{1,3}(\\.[0-9]{1,3}){3}"
#define IPV6    "[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*"
#define ADDRESS "(" IPV4 "|" IPV6 ")"

const struct kind kinds[KIND_COUNT_OF] = {
    [KIND_DURATION] = {.name = "duration",
                       .help = "text of a whole number and a unit, which is ms, s, m, h or d",
                       .expected = "a duration from ",
                       .pattern = "^[0-9]+(ms|s|m|h|d)$",
                       .type = VALUE_STRING,
                       .code = PROBLEM_BAD_DURATION,
                       .width = sizeof(int64_t),
                       .units = &units_duration,
                       .read = read_number,
                       .show = show_number,
                       .advise = advise_number},
    [KIND_COUNT] = {.name = "number",
                    .help = "a whole number, without quotes",
                    .expected = "a number from ",
                    .type = VALUE_INTEGER,
                    .code = PROBLEM_OUT_OF_RANGE,
                    .width = sizeof(unsigned),
                    .read = read_number,
                    .show = show_number,
                    .advise = advise_number},
    [KIND_SIZE] = {.name = "size",
                   .help = "text of a whole number and a unit, which is KiB, MiB or GiB; or a "
                           "number of bytes, without quotes",
                   .expected = "a size from ",
                   .pattern = "^[0-9]+(KiB|MiB|GiB)$",
                   .type = VALUE_STRING,
                   .also = VALUE_INTEGER,
                   .code = PROBLEM_BAD_SIZE,
                   .width = sizeof(int64_t),
                   .units = &units_size,
                   .read = read_number,
                   .show = show_number,
                   .advise = advise_number},
    [KIND_PORT] = {.name = "port",
                   .help = "a whole number, without quotes",
                   .expected = "a port from ",
                   .type = VALUE_INTEGER,
                   .code = PROBLEM_BAD_PORT,
                   .width = sizeof(uint16_t),
                   .read = read_number,
                   .show = show_number,
                   .advise = advise_number},
    [KIND_FLAG] = {.name = "flag",
                   .help = "true or false, without quotes",
                   .expected = "true or false",
                   .type = VALUE_BOOLEAN,
                   .code = PROBLEM_WRONG_TYPE,
                   .read = read_flag,
                   .show = show_flag,
                   .advise = advise_flag},
    [KIND_CHOICE] = {.name = "choice",
                     .help = "text: one of the words below",
                     .expected = "",
                     .type = VALUE_STRING,
                     .code = PROBLEM_BAD_CHOICE,
                     .read = read_choice,
                     .show = show_choice,
                     .advise = advise_choice},
    [KIND_HOST] = {.name = "host",
                   .help = "text: a name or an IP address, without scheme, port and path",
                   .expected = "text such as ",
                   .pattern = "^(" NAME "|" IPV6 "|\\[" IPV6 "\\])$",
                   .type = VALUE_STRING,
                   .code = PROBLEM_BAD_HOST,
                   .read = read_text,
                   .parse = host_parse,
                   .show = show_text,
                   .advise = advise_host},
    [KIND_UPSTREAM] = {.name = "upstream",
                       .help = "text: host:port, [IPv6 address]:port, or builtin:hello",
                       .expected = "text such as ",
                       .pattern = "^(builtin:hello|(" NAME "|\\[" IPV6 "\\]):0*[1-9][0-9]{0,4})$",
                       .type = VALUE_STRING,
                       .code = PROBLEM_BAD_UPSTREAM,
                       .read = read_upstream,
                       .show = show_text,
                       .advise = advise_upstream},
    [KIND_EMAIL] = {.name = "mail address",
                    .help = "text",
                    .expected = "text such as ",
                    .pattern = "^[^@ ]+@[^@ ]+$",
                    .type = VALUE_STRING,
                    .has_at = true,
                    .code = PROBLEM_BAD_EMAIL,
                    .read = read_text,
                    .check = email_check,
                    .show = show_text},
    [KIND_FIELD] = {.name = "field value",
                    .help = "text in visible ASCII and spaces, at most 8192 bytes",
                    .expected = "text such as ",
                    .pattern = "^[!-~]([ -~]*[!-~])?$",
                    .type = VALUE_STRING,
                    .code = PROBLEM_BAD_FIELD,
                    .read = read_text,
                    .check = field_check,
                    .show = show_text},
    [KIND_PATH] = {.name = "path",
                   .help = "text: an absolute path, or one that begins in the directory in "
                           "which Portico is started",
                   .expected = "text such as ",
                   .pattern = ".+",
                   .type = VALUE_STRING,
                   .code = PROBLEM_BAD_PATH,
                   .read = read_path,
                   .show = show_text},
    [KIND_ADDRESSES] = {.name = "list of addresses",
                        .help = "texts in brackets: IP addresses without port",
                        .expected = "an array such as ",
                        .pattern = "^" ADDRESS "$",
                        .type = VALUE_STRING,
                        .is_list = true,
                        .is_set = true,
                        .code = PROBLEM_BAD_ADDRESS,
                        .read = read_text,
                        .parse = listen_parse,
                        .show = show_text,
                        .advise = advise_address,
                        .if_empty = "to listen everywhere, leave \"listen\" out",
                        .if_many = "\"0.0.0.0\" and \"::\" stand for all addresses of the "
                                   "machine"},
    [KIND_NETWORKS] = {.name = "list of networks",
                       .help = "texts in brackets: IP addresses, with or without a prefix length",
                       .expected = "an array such as ",
                       .pattern = "^" ADDRESS "(/[0-9]+)?$",
                       .type = VALUE_STRING,
                       .is_list = true,
                       .code = PROBLEM_BAD_NETWORK,
                       .read = read_text,
                       .check = network_check,
                       .show = show_text},
};
