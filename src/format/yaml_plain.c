/* YAML's words without quotes. Its versions 1.1 and 1.2, and their many readers, disagree about
 * no, 012, 1:30 and the like; here only forms that mean the same to all of them are numbers and
 * booleans, and the others are named for the traps they are. */
#include <stdio.h>
#include <stdlib.h>

#include "format/yaml.h"

/* Digits, one of which is not a zero in front. */
static bool is_integer(struct span text, int64_t *number)
{
    uint64_t digits;
    bool is_negative = span_has_prefix(text, SPAN("-"));
    struct span rest = span_from(text, is_negative);
    if ((rest.len > 1 && rest.data[0] == '0') || !span_parse_uint(rest, INT64_MAX, &digits))
        return false;
    *number = is_negative ? -(int64_t)digits : (int64_t)digits;
    return true;
}

bool yaml_resolve(enum value_type expected, struct value *value)
{
    int64_t number;
    struct span text = value->string;
    switch (expected) {
    case VALUE_STRING:
        value->type = VALUE_STRING;
        return true;
    case VALUE_INTEGER:
        if (!is_integer(text, &number))
            return false;
        value->type = VALUE_INTEGER;
        value->integer = number;
        return true;
    case VALUE_BOOLEAN:
        if (!span_eq(text, SPAN("true")) && !span_eq(text, SPAN("false")))
            return false;
        value->type = VALUE_BOOLEAN;
        value->boolean = text.data[0] == 't';
        return true;
    default:
        return false;
    }
}

static bool is_one_of(struct span text, const char *const *words)
{
    for (; *words; words++)
        if (span_eq_nocase(text, span_str(*words)))
            return true;
    return false;
}

/* How many of its bytes are among `set`. */
static size_t count_of(struct span text, const char *set)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.data[i] != '\0' && strchr(set, text.data[i]) != NULL;
    return count;
}

/* A number in the notation of `base`, without its sign, prefix and underscores; -1 if none. */
static long long number_in(struct span text, int base)
{
    char digits[20];
    size_t len = 0;
    for (size_t i = 0; i < text.len && len < sizeof digits - 1; i++)
        if (text.data[i] != '_')
            digits[len++] = text.data[i];
    digits[len] = '\0';
    char *end;
    long long number = strtoll(digits, &end, base);
    return *end == '\0' && len > 0 && text.len < sizeof digits ? number : -1;
}

static const char *digits_trap(struct span text, char out[YAML_TRAP])
{
    size_t digits = count_of(text, "0123456789");
    long long plain = number_in(text, 10), octal = number_in(text, 8);
    if (count_of(text, "_") && digits + count_of(text, "_") == text.len && plain >= 0)
        snprintf(out, YAML_TRAP,
                 "only YAML 1.1 knows underscores in a number: write digits alone, %lld", plain);
    else if (text.data[0] == '0' && digits == text.len && octal >= 0 && text.len > 1)
        snprintf(out, YAML_TRAP,
                 "YAML 1.1 takes a zero in front for octal and reads %lld, others read %lld: "
                 "write it without the zero",
                 octal, plain);
    else if (text.data[0] == '0' && digits == text.len && text.len > 1)
        snprintf(out, YAML_TRAP, "a zero in front means octal in YAML 1.1: write it without");
    else if (count_of(text, ":") && digits + count_of(text, ":") == text.len)
        snprintf(out, YAML_TRAP,
                 "YAML 1.1 reads digits with colons in base 60, others as text: write one number "
                 "without colons");
    else
        return NULL;
    return out;
}

const char *yaml_trap(struct span text, char out[YAML_TRAP])
{
    static const char *const booleans[] = {"yes", "no", "on", "off", "y", "n", NULL};
    static const char *const nulls[] = {"null", "~", NULL};
    static const char *const words[] = {"true", "false", NULL};
    struct span rest = span_from(text, count_of(span_first(text, 1), "+-"));
    long long number = -1;
    if (is_one_of(text, booleans))
        return "YAML 1.1 takes this word for true or false, others for text: write what is "
               "expected";
    if (is_one_of(text, nulls))
        return "this means no value at all: to get the default, leave the key out";
    if (is_one_of(text, words) && span_lower(text.data[0]) != text.data[0])
        return "write it in small letters: true or false";
    if (span_has_prefix(rest, SPAN("0x")) || span_has_prefix(rest, SPAN("0X")))
        number = number_in(span_from(rest, 2), 16);
    else if (span_has_prefix(rest, SPAN("0o")))
        number = number_in(span_from(rest, 2), 8);
    else if (span_has_prefix(rest, SPAN("0b")))
        number = number_in(span_from(rest, 2), 2);
    if (number >= 0) {
        snprintf(out, YAML_TRAP, "YAML's versions disagree about this notation: write %lld",
                 number);
        return out;
    }
    if (text.len > 1 && text.data[0] == '+' && count_of(rest, "0123456789") == rest.len)
        return "a number needs no plus sign: write digits alone";
    return rest.len ? digits_trap(rest, out) : NULL;
}
