/* JSON's words: where each begins and ends. What may stand inside strings, numbers and names is
 * in json_word.c.
 *
 * Invariants:
 *   1. `at` never moves back; every call moves it, but at the end and at JSON_OTHER.
 *   2. `counted` <= `at`, on the same line: columns are counted once, however many words a
 *      line holds. No word holds a newline. */
#include "format/json_scan.h"

#include <stdarg.h>

#include "base/utf8.h"
#include "format/text.h"

void json_scan_init(struct json_scan *scan, const char *file, struct span text,
                    struct problems *problems)
{
    text = text_without_mark(text);
    *scan = (struct json_scan){.file = file,
                               .problems = problems,
                               .at = text.data,
                               .end = text.data + text.len,
                               .counted = text.data,
                               .line = 1,
                               .column = 1};
}

struct err *json_problem(struct json_scan *scan, unsigned line, unsigned column, const char *format,
                         ...)
{
    va_list args;
    va_start(args, format);
    struct err *err =
        problems_vadd(scan->problems, PROBLEM_SYNTAX, scan->file, line, column, format, args);
    va_end(args);
    scan->has_problem = true;
    return err;
}

/* The column of `at`. */
static unsigned column_here(struct json_scan *scan)
{
    for (; scan->counted < scan->at; scan->counted++)
        if (!utf8_is_tail(*scan->counted))
            scan->column++;
    return scan->column;
}

static struct span rest_of(const struct json_scan *scan)
{
    return span_make(scan->at, (size_t)(scan->end - scan->at));
}

static void skip_line_end(struct json_scan *scan)
{
    scan->at++;
    scan->counted = scan->at;
    scan->line++;
    scan->column = 1;
}

/* Skips a comment, which JSON has none of. False when there is none. */
static bool skip_comment(struct json_scan *scan)
{
    struct span rest = rest_of(scan);
    bool is_block = span_has_prefix(rest, SPAN("/*"));
    if (!is_block && !span_has_prefix(rest, SPAN("//")) && !span_has_prefix(rest, SPAN("#")))
        return false;
    if (!scan->has_comment)
        err_hint(json_problem(scan, scan->line, column_here(scan),
                              "a comment is unexpected here; JSON has none"),
                 "remove it and all others, or write the configuration in TOML or YAML, which "
                 "have comments");
    scan->has_comment = true;
    while (scan->at < scan->end && (is_block || *scan->at != '\n')) {
        if (is_block && span_has_prefix(rest_of(scan), SPAN("*/"))) {
            scan->at += 2;
            break;
        }
        if (*scan->at == '\n')
            skip_line_end(scan);
        else
            scan->at++;
    }
    return true;
}

static void skip_blank(struct json_scan *scan)
{
    while (scan->at < scan->end) {
        char c = *scan->at;
        if (c == '\n')
            skip_line_end(scan);
        else if (c == ' ' || c == '\t' || c == '\r')
            scan->at++;
        else if (!skip_comment(scan))
            return;
    }
}

/* Length of the string in quotes of the kind that it begins with, which ends on its line at the
 * latest. */
static size_t string_length(struct span rest, bool *is_closed)
{
    size_t len = 1;
    *is_closed = false;
    while (len < rest.len && rest.data[len] != '\n') {
        char c = rest.data[len++];
        if (c == '\\' && len < rest.len && rest.data[len] != '\n')
            len++;
        *is_closed = c == rest.data[0];
        if (*is_closed)
            break;
    }
    return len;
}

static void take_string(struct json_scan *scan, struct json_token *token)
{
    bool is_closed;
    size_t len = string_length(rest_of(scan), &is_closed);
    token->word = JSON_STRING;
    token->text = span_first(rest_of(scan), len);
    char quoted[ERR_QUOTE];
    if (!is_closed) {
        err_hint(json_problem(scan, token->line, token->column,
                              "this string is not closed; a quotation mark was expected before the "
                              "end of the line"),
                 "text that goes on in the next line is written with \\n");
        token->word = JSON_OTHER;
        return;
    }
    if (token->text.data[0] == '\'')
        err_hint(json_problem(scan, token->line, token->column,
                              "an apostrophe is unexpected here; a quotation mark was expected"),
                 "write \"%s\"", err_quote(span_make(scan->at + 1, len - 2), quoted));
    else
        json_check_string(scan, token);
    scan->at += len;
}

/* May `c` belong to a value without quotes, such as 10s or 127.0.0.1:80? */
static bool is_scalar_part(char c, bool is_key)
{
    return (unsigned char)c > ' ' && c != 0x7f && !(is_key && (c == ':' || c == '=')) &&
           strchr(",]}[{\"'#", c) == NULL;
}

static void take_scalar(struct json_scan *scan, struct json_token *token, bool is_key)
{
    const char *start = scan->at;
    while (scan->at < scan->end && is_scalar_part(*scan->at, is_key))
        scan->at++;
    token->text = span_make(start, (size_t)(scan->at - start));
    token->word = is_key ? JSON_NAME : JSON_SCALAR;
    if (!is_key)
        json_check_scalar(scan, token);
}

struct json_token json_next(struct json_scan *scan, bool is_key)
{
    skip_blank(scan);
    struct json_token token = {.word = JSON_END, .line = scan->line, .column = column_here(scan)};
    token.text = rest_of(scan);
    if (scan->at < scan->end) {
        char c = *scan->at;
        if (c != '\0' && strchr("{}[]:,", c)) {
            token.word = JSON_MARK;
            token.text.len = 1;
            scan->at++;
        } else if (c == '"' || c == '\'') {
            take_string(scan, &token);
        } else if (text_is_word(c) || c == '+' || c == '.' || c == '$') {
            take_scalar(scan, &token, is_key);
        } else {
            token.word = JSON_OTHER;
        }
    }
    token.end_column = column_here(scan);
    return token;
}
