/* What stands inside JSON's strings, numbers and names. cJSON takes control characters,
 * malformed numbers and the number that is nearest to the one that was written; here they are
 * problems. */
#include <math.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "format/json.h"
#include "format/json_scan.h"
#include "format/text.h"

/* ---- Strings ---- */

/* The column of a byte inside a token. */
static unsigned column_of(const struct json_token *token, const char *at)
{
    unsigned column = token->column;
    for (const char *c = token->text.data; c < at; c++)
        column += utf8_is_tail(*c) ? 0 : 1;
    return column;
}

/* Checks \u and what follows. Returns its length in bytes; 2 when it is malformed. */
static size_t check_unicode(struct json_scan *scan, const struct json_token *token,
                            struct span escape)
{
    int64_t code = text_hex(span_from(escape, 2), 4);
    if (code < 0) {
        json_problem(scan, token->line, column_of(token, escape.data),
                     "\"\\u\" is no escape; four hexadecimal digits were expected behind it");
        return 2;
    }
    if (code == 0)
        json_problem(scan, token->line, column_of(token, escape.data),
                     "\\u0000 is unexpected here; no setting may hold NUL");
    if (code < 0xd800 || code > 0xdfff)
        return 6;
    int64_t low =
        span_has_prefix(span_from(escape, 6), SPAN("\\u")) ? text_hex(span_from(escape, 8), 4) : -1;
    if (code < 0xdc00 && low >= 0xdc00 && low <= 0xdfff)
        return 12;
    err_hint(json_problem(scan, token->line, column_of(token, escape.data),
                          "\"%.6s\" is half of a character; two such escapes were expected",
                          escape.data),
             "write the character itself");
    return 6;
}

/* Checks the escape that `rest` begins with. Returns its length in bytes. */
static size_t check_escape(struct json_scan *scan, const struct json_token *token, struct span rest)
{
    char escaped = rest.data[1], what[TEXT_DESCRIBE];
    if (escaped == 'u')
        return check_unicode(scan, token, rest);
    if (escaped != '\0' && strchr("\"\\/bfnrt", escaped))
        return 2;
    struct err *err = json_problem(scan, token->line, column_of(token, rest.data),
                                   "%s is unexpected behind a backslash; one of \" \\ / b f n r t "
                                   "u was expected",
                                   text_describe(span_from(rest, 1), what));
    err_hint(err, escaped == '\'' ? "an apostrophe needs no backslash"
                                  : "to write a backslash, write two: \\\\");
    size_t len = utf8_char(span_from(rest, 1));
    return 1 + (len ? len : 1);
}

void json_check_string(struct json_scan *scan, const struct json_token *token)
{
    const char *end = token->text.data + token->text.len - 1;
    /* Finding a problem's column takes time: when no more are noted, it would add up. */
    for (const char *at = token->text.data + 1; at < end && !problems_is_full(scan->problems);) {
        unsigned char c = (unsigned char)*at;
        struct span rest = span_make(at, (size_t)(end - at));
        char what[TEXT_DESCRIBE];
        if (c == '\\') {
            at += check_escape(scan, token, rest);
            continue;
        }
        if (c == '\t')
            err_hint(json_problem(scan, token->line, column_of(token, at),
                                  "a tab in a string; text was expected"),
                     "write it as \\t");
        else if (c < ' ')
            err_hint(json_problem(scan, token->line, column_of(token, at),
                                  "%s in a string; text was expected", text_describe(rest, what)),
                     "if it is meant, write it as \\u%04x", c);
        at++;
    }
}

/* ---- Numbers and names ---- */

static size_t count_digits(struct span text)
{
    size_t count = 0;
    while (count < text.len && text.data[count] >= '0' && text.data[count] <= '9')
        count++;
    return count;
}

/* Length of the number (RFC 8259, 6) that `text` begins with, or 0. */
static size_t number_length(struct span text, bool *is_whole)
{
    size_t at = span_has_prefix(text, SPAN("-"));
    size_t digits = count_digits(span_from(text, at));
    *is_whole = true;
    if (digits == 0 || (digits > 1 && text.data[at] == '0'))
        return 0;
    at += digits;
    if (at < text.len && text.data[at] == '.') {
        digits = count_digits(span_from(text, at + 1));
        if (digits == 0)
            return 0;
        at += 1 + digits;
        *is_whole = false;
    }
    if (at < text.len && span_lower(text.data[at]) == 'e') {
        size_t sign = at + 1 < text.len && (text.data[at + 1] == '+' || text.data[at + 1] == '-');
        digits = count_digits(span_from(text, at + 1 + sign));
        if (digits == 0)
            return 0;
        at += 1 + sign + digits;
        *is_whole = false;
    }
    return at;
}

#define NUMBER_MAX 63u /* characters that cJSON looks at */

static void check_range(struct json_scan *scan, const struct json_token *token, bool is_whole)
{
    char copy[NUMBER_MAX + 1];
    if (!span_copy(token->text, copy, sizeof copy)) {
        json_problem(scan, token->line, token->column,
                     "this number has %zu characters; at most %u were expected", token->text.len,
                     NUMBER_MAX);
        return;
    }
    double number = strtod(copy, NULL);
    if (is_whole && fabs(number) >= (double)JSON_INTEGER_MAX &&
        strcmp(copy + (copy[0] == '-'), "9007199254740992") != 0)
        json_problem(scan, token->line, token->column,
                     "%s cannot be kept exactly; at most 9007199254740992 was expected", copy);
    else if (isinf(number))
        json_problem(scan, token->line, token->column,
                     "%s is too large; a number below 1e308 was expected", copy);
}

/* Hints for what other languages, and people in a hurry, write. */
static int hint_for_scalar(struct err *err, struct span text)
{
    static const struct {
        const char *word, *hint;
    } words[] = {{"True", "in JSON it is written true"},   {"TRUE", "in JSON it is written true"},
                 {"False", "in JSON it is written false"}, {"FALSE", "in JSON it is written false"},
                 {"None", "in JSON it is written null"},   {"Null", "in JSON it is written null"},
                 {"NULL", "in JSON it is written null"},   {"nil", "in JSON it is written null"},
                 {"undefined", "leave the key out"},       {"NaN", "JSON has no such number"},
                 {"Infinity", "JSON has no such number"},  {"-Infinity", "JSON has no such number"},
                 {"yes", "in JSON it is written true"},    {"no", "in JSON it is written false"}};
    char quoted[ERR_QUOTE];
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (span_eq(text, span_str(words[i].word)))
            return err_hint(err, "%s", words[i].hint);
    struct span digits = text.data[0] == '-' || text.data[0] == '+' ? span_from(text, 1) : text;
    size_t count = count_digits(digits);
    if (digits.len && count == digits.len && text.data[0] == '+')
        return err_hint(err, "a number has no plus sign");
    if (count == digits.len && count > 1 && digits.data[0] == '0')
        return err_hint(err, "a number has no zeros in front");
    bool is_half = digits.len > 1 && (digits.data[0] == '.' || digits.data[count] == '.');
    if (is_half && count_digits(span_from(digits, digits.data[0] == '.')) + 1 == digits.len)
        return err_hint(err, "a number has digits on both sides of its dot");
    if (count && (span_find(digits, '_') < digits.len || span_has_prefix(digits, SPAN("0x"))))
        return err_hint(err, "a number is written in decimal digits alone");
    if (text.data[0] == '$')
        return err_hint(err, "text needs quotes; variables of the environment are not replaced");
    return err_hint(err, "if it is text, it needs quotes: \"%s\"", err_quote(text, quoted));
}

void json_check_scalar(struct json_scan *scan, const struct json_token *token)
{
    struct span text = token->text;
    bool is_whole;
    if (span_eq(text, SPAN("true")) || span_eq(text, SPAN("false")) || span_eq(text, SPAN("null")))
        return;
    if (number_length(text, &is_whole) == text.len) {
        check_range(scan, token, is_whole);
        return;
    }
    char quoted[ERR_QUOTE];
    hint_for_scalar(json_problem(scan, token->line, token->column,
                                 "%s is not a value; text in quotation marks, a number, true, "
                                 "false or null was expected",
                                 err_quote(text, quoted)),
                    text);
}
