/* This module reads the answers of upstreams (RFC 9112, 4 and 6; rows H01-H03, H10 and H29 of the
 * table in src/README.md).
 *
 * It is kinder than with requests where nothing can be smuggled by it, since appliances do not get
 * mended: lines may end in a bare LF, a name may have white space before its colon, a value
 * may be folded. How the body is framed is as strict as with requests. Runs on the worker
 * that serves the connection; all spans point into the head, which unfolding rewrites.
 *
 * Invariants
 * 1. Unfolding never moves a byte outside its own field, and only ever to the left.
 * 2. What counts as the end of a line, and of the head, is the same here as in http_scan. */
#include "http/http_char.h"
#include "http/http_head.h"
#include "http/http_internal.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool http_status_line(struct span line, struct http_response *response)
{
    const char *s = line.data;
    if (line.len < 12 || memcmp(s, "HTTP/1.", 7) != 0 || !is_digit(s[7]) || s[8] != ' ' ||
        s[9] < '1' || s[9] > '9' || !is_digit(s[10]) || !is_digit(s[11]))
        return false;
    if (line.len > 12 && s[12] != ' ')
        return false;
    response->minor = s[7] == '0' ? 0 : 1;
    response->status = (unsigned)((s[9] - '0') * 100 + (s[10] - '0') * 10 + (s[11] - '0'));
    response->phrase = span_from(line, 13);
    return http_char_run(response->phrase, HTTP_CHAR_VALUE) == response->phrase.len;
}

/* The length of the line end at `at` (CRLF or LF), or 0 when there is none. */
static size_t line_end(struct span s, size_t at)
{
    if (at < s.len && s.data[at] == '\n')
        return 1;
    return s.len - at >= 2 && s.data[at] == '\r' && s.data[at + 1] == '\n' ? 2 : 0;
}

/* What is left of a line, from *at: its text without white space around it. *at moves behind
 * the line's end. */
static bool take_line(struct span s, size_t *at, struct span *text)
{
    const size_t run = http_char_run(span_from(s, *at), HTTP_CHAR_VALUE);
    const size_t end = line_end(s, *at + run);
    *text = span_trim(span_make(s.data + *at, run));
    *at += run + end;
    return end > 0;
}

/* One field with its continuation lines, which are unfolded in place (H10): its length, or 0
 * when it is malformed. */
static size_t parse_field(char *text, size_t len, struct http_field *field)
{
    const struct span s = span_make(text, len);
    const size_t name = http_char_run(s, HTTP_CHAR_TOKEN);
    size_t at = name;
    while (at < len && http_char_is_blank(text[at]))
        at++;
    if (name == 0 || at == len || text[at++] != ':')
        return 0;

    struct span value, more;
    if (!take_line(s, &at, &value))
        return 0;
    while (at < len && http_char_is_blank(text[at])) {
        if (!take_line(s, &at, &more))
            return 0;
        if (value.len == 0) {
            value = more;
        } else if (more.len > 0) {
            char *end = text + (value.data - text) + value.len;
            *end = ' ';
            memmove(end + 1, more.data, more.len);
            value.len += 1 + more.len;
        }
    }
    field->name = span_first(s, name);
    field->value = value;
    return at;
}

static bool parse_fields(char *text, size_t len, struct http_response *response,
                         struct http_control *control)
{
    size_t at = 0;
    while (line_end(span_make(text, len), at) == 0) {
        if (response->field_count == HTTP_FIELDS_MAX)
            return false;
        struct http_field *field = &response->fields[response->field_count];
        const size_t field_len = parse_field(text + at, len - at, field);
        if (field_len == 0)
            return false;
        response->field_count++;
        http_control_note(control, field);
        at += field_len;
    }
    return at + line_end(span_make(text, len), at) == len;
}

/* Where the body ends (RFC 9112, 6.3; H29). */
static bool apply_framing(const struct http_control *control, bool request_is_head,
                          struct http_response *response)
{
    if (http_control_framing(control, response->minor, &response->framing,
                             &response->content_length) != REASON_NONE)
        return false;
    const unsigned status = response->status;
    if (request_is_head || status < 200 || status == 204 || status == 304)
        response->framing = HTTP_FRAMING_NONE;
    else if (response->framing == HTTP_FRAMING_NONE)
        response->framing = HTTP_FRAMING_CLOSE;
    return true;
}

enum parse_result http_response_parse(char *head, size_t len, bool request_is_head,
                                      struct http_response *response, enum reason *why)
{
    struct http_control control = {0};
    memset(response, 0, offsetof(struct http_response, fields));
    *why = REASON_UPSTREAM_ANSWER;

    const struct span s = span_make(head, len);
    const size_t lf = span_find(s, '\n');
    if (lf == len)
        return PARSE_BAD;
    const size_t line = lf > 0 && head[lf - 1] == '\r' ? lf - 1 : lf;
    if (!http_status_line(span_first(s, line), response) ||
        !parse_fields(head + lf + 1, len - lf - 1, response, &control) ||
        !apply_framing(&control, request_is_head, response))
        return PARSE_BAD;

    response->keep_alive =
        http_control_persists(&control, response->minor) && response->framing != HTTP_FRAMING_CLOSE;
    response->keep_alive_timeout = control.keep_alive_timeout;
    *why = REASON_NONE;
    return PARSE_DONE;
}
