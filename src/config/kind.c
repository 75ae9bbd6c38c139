/* This file has the table of what settings can hold, and the functions that read and show values of
 * each kind, see kind.h. Whoever loads or shows a configuration runs them; nothing is shared. A new
 * kind is a row at the end. */
#include "config/kind.h"

#include <stdio.h>

#include "config/config.h"
#include "config/suggest.h"

static int keep(struct reading *r, struct span text, char **out)
{
    struct span copy;
    if (value_copy(r->tree, text, &copy)) {
        *out = (char *)copy.data;
        return 0;
    }
    problems_recode(err_say(&r->fault, "cannot be kept: out of memory"), PROBLEM_MEMORY);
    return -1;
}

/* ---- Numbers, with or without a unit ---- */

static int read_number(struct reading *r, void *member)
{
    const struct setting *setting = r->setting;
    const struct kind *kind = setting->kind;
    int64_t number = r->value.integer;
    char max[UNITS_TEXT];
    if (r->value.type == VALUE_STRING && !units_parse(kind->units, r->value.string, &number))
        return err_hint(&r->fault, "%s", kind->hints[VALUE_STRING]);
    if (number < setting->min || number > setting->max) {
        problems_recode(&r->fault, PROBLEM_OUT_OF_RANGE);
        return number == 0
                   ? err_hint(&r->fault, "it cannot be switched off: for the most write \"%s\"",
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

/* ---- Flags and choices ---- */

static int read_flag(struct reading *r, void *member)
{
    *(bool *)member = r->value.boolean;
    return 0;
}

static const char *show_flag(const struct setting *setting, const void *member, char out[KIND_TEXT])
{
    (void)setting, (void)out;
    return *(const bool *)member ? "true" : "false";
}

/* A word that is none of the choices may be what other servers call one of them. */
static int read_choice(struct reading *r, void *member)
{
    const char *const *choices = r->setting->choices, *alias = suggest_alias(r->value.string);
    struct suggest suggest = {.word = r->value.string};
    for (unsigned i = 0; choices[i]; i++) {
        if (span_eq(r->value.string, span_str(choices[i]))) {
            *(unsigned *)member = i;
            return 0;
        }
        suggest_offer(&suggest, choices[i]);
        if (alias && strcmp(alias, choices[i]) == 0)
            suggest = (struct suggest){.best = alias};
    }
    return suggest.best ? err_hint(&r->fault, "did you mean \"%s\"?", suggest.best) : -1;
}

static const char *show_choice(const struct setting *setting, const void *member,
                               char out[KIND_TEXT])
{
    (void)out;
    return setting->choices[*(const unsigned *)member];
}

/* ---- Texts ---- */

static int read_text(struct reading *r, void *member)
{
    const struct kind *kind = r->setting->kind;
    struct span text = r->value.string;
    char canonical[HOST_TEXT];
    if (kind->check && kind->check(text, &r->fault) < 0)
        return -1;
    if (kind->parse == NULL)
        return keep(r, text, member);
    return kind->parse(text, canonical, &r->fault) < 0 ? -1 : keep(r, span_str(canonical), member);
}

/* Of a place as well, whose text comes first. */
static const char *show_text(const struct setting *setting, const void *member, char out[KIND_TEXT])
{
    (void)setting, (void)out;
    return *(char *const *)member;
}

static int read_upstream(struct reading *r, void *member)
{
    struct config_place *place = member;
    char host[HOST_TEXT];
    if (upstream_parse(r->value.string, host, &place->port, &r->fault) < 0 ||
        (host[0] && keep(r, span_str(host), &place->host) < 0))
        return -1;
    return keep(r, r->value.string, &place->text);
}

static int read_path(struct reading *r, void *member)
{
    struct span path = r->value.string;
    int64_t max = r->setting->max;
    if (path.len == 0 || span_find(path, '\0') < path.len)
        return err_set(&r->fault, "%s; a path was expected",
                       path.len ? "contains a NUL" : "is empty");
    if (max == 0 || path.len <= (uint64_t)max)
        return keep(r, path, member);
    return err_hint(err_say(&r->fault, "is too long; a shorter path was expected"),
                    "the path of a socket in it has room for %lld bytes of directory",
                    (long long)max);
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
    if (kind->units == NULL)
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
        range = setting->kind->type == VALUE_BOOLEAN ? "" : setting_example(setting);
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

#define NUMBER(type_, units_)                                                                      \
    .width = sizeof(type_), .units = (units_), .read = read_number, .show = show_number

/* The same hint for whatever a number is mistaken for. */
#define NUMBER_HINT(text)                                                                          \
    .hints = {[VALUE_STRING] = (text), [VALUE_INTEGER] = (text), [VALUE_FLOAT] = (text)}

const struct kind kinds[KIND_COUNT_OF] = {
    [KIND_DURATION] =
        {"duration", "text of a whole number and a unit, which is ms, s, m, h or d",
         "a duration from ", VALUE_STRING, PROBLEM_BAD_DURATION, .pattern = "^[0-9]+(ms|s|m|h|d)$",
         NUMBER(int64_t, &units_duration),
         NUMBER_HINT(
             "a duration is a whole number and one unit (ms, s, m, h or d), such as \"10s\"")},
    [KIND_COUNT] = {"number", "a whole number, without quotes", "a number from ", VALUE_INTEGER,
                    PROBLEM_OUT_OF_RANGE, NUMBER(unsigned, &units_none),
                    NUMBER_HINT("write a whole number, in digits alone, without quotes")},
    [KIND_SIZE] =
        {"size",
         "text of a whole number and a unit, which is KiB, MiB or GiB; or a number of "
         "bytes, without quotes",
         "a size from ", VALUE_STRING, PROBLEM_BAD_SIZE, .also = VALUE_INTEGER,
         .pattern = "^[0-9]+(KiB|MiB|GiB)$", NUMBER(int64_t, &units_size),
         NUMBER_HINT("a size is a whole number and one unit (KiB, MiB or GiB), such as \"16MiB\"")},
    [KIND_PORT] = {"port", "a whole number, without quotes", "a port from ", VALUE_INTEGER,
                   PROBLEM_BAD_PORT, NUMBER(uint16_t, &units_none)},
    [KIND_FLAG] = {"flag", "true or false, without quotes", "true or false", VALUE_BOOLEAN,
                   PROBLEM_WRONG_TYPE, .read = read_flag, .show = show_flag,
                   .hints = {[VALUE_STRING] = "write it without quotes, as true or false"}},
    [KIND_CHOICE] = {"choice", "text: one of the words below", "", VALUE_STRING, PROBLEM_BAD_CHOICE,
                     .read = read_choice, .show = show_choice,
                     .hints = {[VALUE_BOOLEAN] = "write one of these words, in quotes"}},
    [KIND_HOST] = {"host", "text: a name or an IP address, without scheme, port and path",
                   "text such as ", VALUE_STRING, PROBLEM_BAD_HOST,
                   .pattern = "^(" NAME "|" IPV6 "|\\[" IPV6 "\\])$", .read = read_text,
                   .parse = host_parse, .show = show_text,
                   .hints = {[VALUE_ARRAY] = "write one route for each host"}},
    [KIND_UPSTREAM] = {"upstream", "text: host:port, [IPv6 address]:port, or builtin:hello",
                       "text such as ", VALUE_STRING, PROBLEM_BAD_UPSTREAM,
                       .pattern = "^(builtin:hello|(" NAME "|\\[" IPV6 "\\]):0*[1-9][0-9]{0,4})$",
                       .read = read_upstream, .show = show_text,
                       .hints = {[VALUE_INTEGER] =
                                     "for a port of this machine write \"127.0.0.1:PORT\""}},
    [KIND_EMAIL] = {"mail address", "text", "text such as ", VALUE_STRING, PROBLEM_BAD_EMAIL,
                    .has_at = true, .pattern = "^[^@ ]+@[^@ ]+$", .read = read_text,
                    .check = email_check, .show = show_text},
    [KIND_FIELD] = {"field value", "text in visible ASCII and spaces, at most 8192 bytes",
                    "text such as ", VALUE_STRING, PROBLEM_BAD_FIELD,
                    .pattern = "^[!-~]([ -~]*[!-~])?$", .read = read_text, .check = field_check,
                    .show = show_text},
    [KIND_PATH] = {"path",
                   "text: an absolute path, or one that begins in the directory in which Portico "
                   "is started",
                   "text such as ", VALUE_STRING, PROBLEM_BAD_PATH, .pattern = ".+",
                   .read = read_path, .show = show_text},
    [KIND_ADDRESSES] =
        {"list of addresses", "texts in brackets: IP addresses without port", "an array such as ",
         VALUE_STRING, PROBLEM_BAD_ADDRESS, .is_list = true, .is_set = true,
         .pattern = "^" ADDRESS "$", .read = read_text, .parse = listen_parse, .show = show_text,
         .hints = {[VALUE_INTEGER] =
                       "the ports come from HTTP_PORT and HTTPS_PORT in the environment"},
         .if_empty = "to listen everywhere, leave \"listen\" out",
         .if_many = "\"0.0.0.0\" and \"::\" stand for all addresses of the machine"},
    [KIND_NETWORKS] = {"list of networks",
                       "texts in brackets: IP addresses, with or without a prefix length",
                       "an array such as ", VALUE_STRING, PROBLEM_BAD_NETWORK, .is_list = true,
                       .pattern = "^" ADDRESS "(/[0-9]+)?$", .read = read_text,
                       .check = network_check, .show = show_text},
};
