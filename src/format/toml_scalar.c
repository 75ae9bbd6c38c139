/* This file reads TOML's numbers, dates, true and false (TOML 1.1.0, Integer to Local Time).
 *
 * A word is cut out first and then taken apart; each reader says, in words, why it cannot. What is
 * no value is most often text that lacks its quotes. strtod goes by the locale's decimal point:
 * Portico stays in the C locale. */
#include "format/toml_scalar.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

static bool is_digit(char c, int base)
{
    if (base == 16 && span_lower(c) >= 'a' && span_lower(c) <= 'f')
        return true;
    return c >= '0' && c <= '9' && c - '0' < base;
}

/* ---- Dates ---- */

/* The numbers of a date and time, in the order in which they are written. */
enum { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, OFFSET_HOUR, OFFSET_MINUTE, FIELDS };

/* Takes a text of this shape from the front, or nothing: in the shape, a digit stands for a number
 * of so many digits, which goes into `numbers`. */
static bool take_shape(struct span *rest, const char *shape, unsigned *numbers)
{
    size_t at = 0;
    for (; *shape; shape++) {
        if (!is_digit(*shape, 10)) {
            if (at == rest->len || rest->data[at++] != *shape)
                return false;
            continue;
        }
        for (char count = '0'; count < *shape; count++, at++) {
            if (at == rest->len || !is_digit(rest->data[at], 10))
                return false;
            *numbers = (count == '0' ? 0 : *numbers * 10) + (unsigned)(rest->data[at] - '0');
        }
        numbers++;
    }
    *rest = span_from(*rest, at);
    return true;
}

static bool take_any(struct span *rest, const char *set)
{
    if (rest->len == 0 || rest->data[0] == '\0' || strchr(set, rest->data[0]) == NULL)
        return false;
    *rest = span_from(*rest, 1);
    return true;
}

static bool is_possible(const unsigned numbers[FIELDS], bool has_date)
{
    static const unsigned most[FIELDS] = {9999, 12, 31, 23, 59, 60, 23, 59}; /* 60: a leap second */
    static const unsigned days[] = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned year = numbers[YEAR], month = numbers[MONTH], day = numbers[DAY];
    for (int i = 0; i < FIELDS; i++)
        if (numbers[i] > most[i])
            return false;
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return !has_date || (day > 0 && day <= days[month] && (month != 2 || day < 29 || is_leap));
}

/* A date, a time of day, or both, with or without an offset. NULL, or why it is none. */
static const char *read_date(struct span word, struct value *value)
{
    static const char form[] = "a date has the form 2006-01-31, a time 07:30 or 07:30:00, and both "
                               "together 2006-01-31T07:30:00Z or +01:00 instead of Z";
    unsigned numbers[FIELDS] = {0};
    bool has_date = take_shape(&word, "4-2-2", numbers + YEAR);
    bool has_time = !has_date || word.len > 0;
    if (has_date && has_time && !take_any(&word, "Tt "))
        return form;
    if (has_time && !take_shape(&word, "2:2", numbers + HOUR))
        return form;
    if (has_time && take_shape(&word, ":2", numbers + SECOND) && take_any(&word, ".")) {
        if (!take_any(&word, "0123456789"))
            return form;
        while (take_any(&word, "0123456789"))
            continue;
    }
    bool has_offset = has_date && has_time && word.len > 0;
    if (has_offset && !take_any(&word, "Zz") &&
        !(take_any(&word, "+-") && take_shape(&word, "2:2", numbers + OFFSET_HOUR)))
        return form;
    if (word.len)
        return form;
    value->type = VALUE_DATE;
    return is_possible(numbers, has_date) ? NULL : "there is no such day or time";
}

/* ---- Numbers ---- */

/* Behind the sign that may stand in front. */
static struct span without_sign(struct span word)
{
    take_any(&word, "+-");
    return word;
}

/* How many digits stand in front, with single underscores between them; 0 if none do. */
static size_t count_digits(struct span word, int base)
{
    size_t i = 0;
    while (i < word.len && (is_digit(word.data[i], base) ||
                            (word.data[i] == '_' && i > 0 && word.data[i - 1] != '_')))
        i++;
    return i > 0 && word.data[i - 1] == '_' ? i - 1 : i;
}

static bool take_digits(struct span *rest)
{
    size_t count = count_digits(*rest, 10);
    *rest = span_from(*rest, count);
    return count > 0;
}

/* The number that is written in `word`, whose form is right, in `base`; in base 0 a float. */
static const char *read_number(struct value_tree *tree, struct span word, int base,
                               struct value *value)
{
    char small[64], *plain = word.len < sizeof small ? small : value_alloc(tree, word.len + 1);
    size_t len = 0;
    if (plain == NULL)
        return "it is too long";
    for (size_t i = 0; i < word.len; i++)
        if (word.data[i] != '_')
            plain[len++] = word.data[i];
    plain[len] = '\0';
    errno = 0;
    value->type = base ? VALUE_INTEGER : VALUE_FLOAT;
    if (base)
        value->integer = strtoll(plain, NULL, base);
    else
        value->real = strtod(plain, NULL);
    return base && errno ? "it does not fit in 64 bits" : NULL;
}

static const char *read_decimal(struct value_tree *tree, struct span word, struct value *value)
{
    struct span rest = without_sign(word);
    bool has_zero =
        rest.len > 1 && rest.data[0] == '0' && (is_digit(rest.data[1], 10) || rest.data[1] == '_');
    bool is_good = take_digits(&rest), is_integer = rest.len == 0;
    if (take_any(&rest, "."))
        is_good = is_good && take_digits(&rest);
    if (take_any(&rest, "eE")) {
        rest = without_sign(rest);
        is_good = is_good && take_digits(&rest);
    }
    if (span_has_prefix(rest, SPAN("_")))
        return "an underscore may only stand between two digits";
    if (!is_good || rest.len)
        return "it is neither a number nor in quotes";
    if (has_zero)
        return "a number does not begin with 0";
    return read_number(tree, word, is_integer ? 10 : 0, value);
}

/* 0x, 0o and 0b. */
static const char *read_based(struct value_tree *tree, struct span word, struct value *value)
{
    int base = word.data[1] == 'x' ? 16 : word.data[1] == 'o' ? 8 : 2;
    struct span digits = span_from(word, 2);
    if (digits.len == 0 || count_digits(digits, base) != digits.len)
        return "behind 0x stand hexadecimal digits, behind 0o the digits 0 to 7, behind 0b 0 and 1";
    return read_number(tree, digits, base, value);
}

/* ---- Words ---- */

static const char *read_word(struct value_tree *tree, struct span word, struct value *value)
{
    struct span rest = without_sign(word);
    bool has_digit = rest.len && is_digit(rest.data[0], 10);
    if (span_eq(word, SPAN("true")) || span_eq(word, SPAN("false"))) {
        value->type = VALUE_BOOLEAN;
        value->boolean = word.data[0] == 't';
        return NULL;
    }
    if (span_eq(rest, SPAN("inf")) || span_eq(rest, SPAN("nan"))) {
        value->type = VALUE_FLOAT;
        value->real = rest.data[0] == 'n' ? (double)NAN : (double)INFINITY;
        if (word.data[0] == '-')
            value->real = -value->real;
        return NULL;
    }
    size_t digits = count_digits(word, 10);
    char next = digits < word.len ? word.data[digits] : '\0';
    if ((digits == 4 && next == '-') || (digits == 2 && next == ':'))
        return read_date(word, value);
    if (word.len >= 2 && word.data[0] == '0' && strchr("xob", word.data[1]))
        return read_based(tree, word, value);
    return has_digit ? read_decimal(tree, word, value) : "it has no quotes";
}

/* What a word without quotes cannot reach beyond, whatever it was meant to be. */
static bool ends_word(char c)
{
    return text_is_control(c) || strchr(",]}#", c) != NULL;
}

/* Reports that what begins at `start` is no value. Returns false. What stands there is not quoted:
 * it may be a secret. */
static bool bad_word(struct toml_lex *lex, struct place place, const char *start, const char *why)
{
    static const struct {
        const char *word;
        const char *hint;
    } known[] = {{"true", "write true"},
                 {"yes", "write true"},
                 {"on", "write true"},
                 {"false", "write false"},
                 {"no", "write false"},
                 {"off", "write false"},
                 {"null", "there is no null: leave the key out"},
                 {"nil", "there is no null: leave the key out"},
                 {"none", "text needs quotes (\"none\"); to say nothing, leave the key out"}};
    const char *end = start;
    while (end < lex->end && !ends_word(*end))
        end++;
    struct span word = span_trim(span_make(start, (size_t)(end - start)));
    const char *hint = "if it is text, it needs quotes";
    if (span_has_suffix(word, SPAN("\"")) || span_has_suffix(word, SPAN("'")))
        hint = "if it is text, it needs one pair of quotes around all of it";
    else if (is_digit(*start, 10))
        hint = "if it is text, it needs quotes; a number is written in digits alone, such as 1000";
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (span_eq_nocase(word, span_str(known[i].word)))
            hint = known[i].hint;
    return builder_problem(
        lex->builder, PROBLEM_SYNTAX, place, hint,
        "this is not a value: %s; text in quotes, a number, true or false was expected", why);
}

static bool is_token(char c)
{
    return text_is_word(c) || c == '+' || c == '.' || c == ':';
}

bool toml_scalar(struct toml_lex *lex, struct value *value)
{
    struct place place = toml_here(lex);
    const char *start = lex->at;
    while (lex->at < lex->end &&
           (is_token(*lex->at) ||
            (*lex->at == ' ' && lex->at - start == 10 && start[4] == '-' && start[7] == '-' &&
             lex->end - lex->at > 1 && is_digit(lex->at[1], 10)))) /* a date before its time */
        lex->at++;
    if (lex->at == start)
        return toml_unexpected(lex, "a value");
    struct span word = span_make(start, (size_t)(lex->at - start));
    bool is_whole = toml_is_line_end(lex) || strchr(" \t,]}#", *lex->at) != NULL;
    const char *why = is_whole ? read_word(lex->builder->tree, word, value) : "it has no quotes";
    if (why)
        return bad_word(lex, place, start, why);
    bool is_date = value->type == VALUE_DATE;
    return !is_date || builder_copy(lex->builder, place, word, &value->string);
}
