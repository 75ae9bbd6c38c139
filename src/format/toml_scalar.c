/* TOML's numbers, dates, true and false, once the lexer has cut them out (TOML 1.1.0, Integer
 * to Local Time). Each reader takes the token apart from the front and says, in words, why it
 * cannot. strtod goes by the locale's decimal point: Portico stays in the C locale. */
#include "format/toml_lex.h"

#include <math.h>
#include <stdlib.h>

static bool is_digit(char c, int base)
{
    if (base == 16)
        return (c >= '0' && c <= '9') || (span_lower(c) >= 'a' && span_lower(c) <= 'f');
    return c >= '0' && c < '0' + base;
}

static bool take(struct span *s, char c)
{
    if (s->len == 0 || s->data[0] != c)
        return false;
    *s = span_from(*s, 1);
    return true;
}

/* Skips digits with single underscores between them. NULL, or what is wrong. */
static const char *digits(struct span *s, int base)
{
    size_t i = 0;
    for (; i < s->len && (is_digit(s->data[i], base) || s->data[i] == '_'); i++)
        if (s->data[i] == '_' && (i == 0 || s->data[i - 1] == '_'))
            return "an underscore may only stand between two digits";
    if (i == 0)
        return "a digit is missing";
    if (s->data[i - 1] == '_')
        return "an underscore may only stand between two digits";
    *s = span_from(*s, i);
    return NULL;
}

/* The digits of `s` as an integer. NULL, or what is wrong. */
static const char *integer(struct span s, int base, bool is_negative, int64_t *out)
{
    uint64_t limit = (uint64_t)INT64_MAX + (is_negative ? 1 : 0), total = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = span_lower(s.data[i]);
        if (c == '_')
            continue;
        unsigned digit = (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
        if (total > (limit - digit) / (unsigned)base)
            return "it does not fit in 64 bits";
        total = total * (unsigned)base + digit;
    }
    *out = is_negative ? (int64_t)(0 - total) : (int64_t)total;
    return NULL;
}

/* 0x, 0o and 0b. */
static const char *based_integer(struct span token, struct value *value)
{
    int base = token.data[1] == 'x' ? 16 : token.data[1] == 'o' ? 8 : 2;
    struct span rest = span_from(token, 2);
    const char *why = digits(&rest, base);
    if (why)
        return why;
    if (rest.len)
        return base == 16  ? "after 0x, hexadecimal digits alone may follow"
               : base == 8 ? "after 0o, the digits 0 to 7 alone may follow"
                           : "after 0b, the digits 0 and 1 alone may follow";
    value->type = VALUE_INTEGER;
    return integer(span_from(token, 2), base, false, &value->integer);
}

/* A float whose grammar has been checked. */
static const char *real(struct value_tree *tree, struct span token, struct value *value)
{
    char small[64];
    char *copy = token.len < sizeof small ? small : value_alloc(tree, token.len + 1);
    if (copy == NULL)
        return "it is too long";
    size_t len = 0;
    for (size_t i = 0; i < token.len; i++)
        if (token.data[i] != '_')
            copy[len++] = token.data[i];
    copy[len] = '\0';
    value->type = VALUE_FLOAT;
    value->real = strtod(copy, NULL);
    return NULL;
}

static const char *fraction_and_exponent(struct span *rest)
{
    const char *why = NULL;
    if (take(rest, '.'))
        why = digits(rest, 10);
    if (why == NULL && (take(rest, 'e') || take(rest, 'E'))) {
        if (!take(rest, '+'))
            take(rest, '-');
        why = digits(rest, 10);
    }
    return why;
}

static const char *decimal(struct value_tree *tree, struct span token, struct value *value)
{
    struct span rest = token;
    bool is_negative = take(&rest, '-');
    if (!is_negative)
        take(&rest, '+');
    struct span whole = rest;
    const char *why = digits(&rest, 10);
    if (why)
        return why;
    whole.len -= rest.len;
    bool has_zero = whole.len > 1 && whole.data[0] == '0';
    bool is_integer = rest.len == 0;
    why = fraction_and_exponent(&rest);
    if (why)
        return why;
    if (rest.len)
        return "it is neither a number nor in quotes";
    if (has_zero)
        return "a number does not begin with 0";
    if (!is_integer)
        return real(tree, token, value);
    value->type = VALUE_INTEGER;
    return integer(whole, 10, is_negative, &value->integer);
}

/* Exactly `count` digits, within bounds. */
static bool field(struct span *s, size_t count, unsigned min, unsigned max, unsigned *out)
{
    uint64_t number;
    if (s->len < count || !span_parse_uint(span_first(*s, count), max, &number) || number < min)
        return false;
    *out = (unsigned)number;
    *s = span_from(*s, count);
    return true;
}

static const char *date(struct span *s, struct value_datetime *out)
{
    static const uint8_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned year, month, day;
    if (!field(s, 4, 0, 9999, &year) || !take(s, '-'))
        return "a date has the form 2006-01-31";
    if (!field(s, 2, 1, 12, &month))
        return "a date's month is 01 to 12";
    if (!take(s, '-') || !field(s, 2, 1, 31, &day))
        return "a date's day is 01 to 31";
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day > days[month - 1] || (month == 2 && day == 29 && !is_leap))
        return "that month has no such day";
    out->year = (uint16_t)year;
    out->month = (uint8_t)month;
    out->day = (uint8_t)day;
    return NULL;
}

/* ".5" and so on; digits beyond the nanoseconds are dropped. */
static const char *second_fraction(struct span *s, struct value_datetime *out)
{
    size_t count = 0;
    uint32_t scale = 100000000;
    for (; count < s->len && is_digit(s->data[count], 10); count++) {
        out->nanosecond += (uint32_t)(s->data[count] - '0') * scale;
        scale /= 10;
    }
    *s = span_from(*s, count);
    return count ? NULL : "digits are missing behind the seconds' point";
}

static const char *time_of_day(struct span *s, struct value_datetime *out)
{
    unsigned hour, minute, second = 0;
    if (!field(s, 2, 0, 23, &hour))
        return "a time's hour is 00 to 23";
    if (!take(s, ':') || !field(s, 2, 0, 59, &minute))
        return "a time's minute is 00 to 59";
    bool has_seconds = take(s, ':');
    if (has_seconds && !field(s, 2, 0, 60, &second)) /* 60: a leap second */
        return "a time's second is 00 to 59";
    out->hour = (uint8_t)hour;
    out->minute = (uint8_t)minute;
    out->second = (uint8_t)second;
    return has_seconds && take(s, '.') ? second_fraction(s, out) : NULL;
}

static const char *offset(struct span *s, struct value_datetime *out)
{
    if (take(s, 'Z') || take(s, 'z'))
        return NULL;
    unsigned hour, minute;
    bool is_west = take(s, '-');
    if (!is_west && !take(s, '+'))
        return "behind a date and its time only an offset may follow";
    if (!field(s, 2, 0, 23, &hour) || !take(s, ':') || !field(s, 2, 0, 59, &minute))
        return "an offset has the form Z, +01:00 or -08:00";
    int minutes = (int)(hour * 60 + minute);
    out->offset = (int16_t)(is_west ? -minutes : minutes);
    return NULL;
}

static const char *datetime(struct span token, struct value *value)
{
    struct value_datetime *out = &value->datetime;
    *out = (struct value_datetime){0};
    const char *why = date(&token, out);
    if (why)
        return why;
    value->type = VALUE_LOCAL_DATE;
    if (token.len == 0)
        return NULL;
    if (!take(&token, 'T') && !take(&token, 't') && !take(&token, ' '))
        return "between a date and a time stands a T or a space";
    why = time_of_day(&token, out);
    if (why)
        return why;
    value->type = VALUE_LOCAL_DATETIME;
    if (token.len == 0)
        return NULL;
    value->type = VALUE_OFFSET_DATETIME;
    why = offset(&token, out);
    return why || token.len == 0 ? why : "nothing may follow an offset";
}

static const char *local_time(struct span token, struct value *value)
{
    value->datetime = (struct value_datetime){0};
    value->type = VALUE_LOCAL_TIME;
    const char *why = time_of_day(&token, &value->datetime);
    return why || token.len == 0 ? why : "nothing may follow a time of day";
}

/* Does `s` begin with `count` digits and then `c`? */
static bool begins_with_digits(struct span s, size_t count, char c)
{
    for (size_t i = 0; i < count; i++)
        if (i >= s.len || !is_digit(s.data[i], 10))
            return false;
    return s.len > count && s.data[count] == c;
}

static bool special_float(struct span token, struct value *value)
{
    bool is_negative = take(&token, '-');
    if (!is_negative)
        take(&token, '+');
    if (span_eq(token, SPAN("inf")))
        value->real = is_negative ? -(double)INFINITY : (double)INFINITY;
    else if (span_eq(token, SPAN("nan")))
        value->real = (double)NAN;
    else
        return false;
    value->type = VALUE_FLOAT;
    return true;
}

static const char *parse(struct value_tree *tree, struct span token, struct value *value)
{
    if (span_eq(token, SPAN("true")) || span_eq(token, SPAN("false"))) {
        value->type = VALUE_BOOLEAN;
        value->boolean = token.len == 4;
        return NULL;
    }
    if (special_float(token, value))
        return NULL;
    if (begins_with_digits(token, 4, '-'))
        return datetime(token, value);
    if (begins_with_digits(token, 2, ':'))
        return local_time(token, value);
    if (token.len >= 2 && token.data[0] == '0' && strchr("xob", token.data[1]))
        return based_integer(token, value);
    if (is_digit(token.data[0], 10) || ((token.data[0] == '+' || token.data[0] == '-') &&
                                        token.len > 1 && is_digit(token.data[1], 10)))
        return decimal(tree, token, value);
    return "it has no quotes";
}

const char *toml_scalar_parse(struct value_tree *tree, struct span token, struct value *value)
{
    const char *why = parse(tree, token, value);
    if (why)
        value->type = VALUE_BAD;
    return why;
}
