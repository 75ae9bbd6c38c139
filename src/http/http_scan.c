/* This module finds the end of a head while it arrives (rows H09-H11, H13, H14 and H26 of the
 * table in src/README.md).
 *
 * Reading a head must not cost more because it comes in small pieces, and what is certain to
 * be refused must not be waited for: a TLS record on the HTTP port, a megabyte of target, a
 * client that speaks HTTP/2. So each byte is looked at by one memchr for line ends and one
 * for NUL, and the first line is taken apart on the side, but only if its head did not come
 * whole: otherwise that is about to happen anyway.
 *
 * Runs on the worker that serves the connection. Invariants
 * 1. scan->skipped <= scan->line <= scan->at <= in.len; bytes before `at` are never looked at
 *    again, except those of a first line, once.
 * 2. The verdict does not depend on how the bytes were cut: limits are applied to windows of
 *    the input, and what comes first in the input is reported first. A bad first line is
 *    reported by the scan or, when the head came whole, by the parser: with one reason. */
#include "http/http_char.h"
#include "http/http_head.h"
#include "http/http_internal.h"

#define SKIP_MAX 64u /* leading empty lines, in bytes (H26) */

/* The longest request line that can be right, with its CRLF. */
#define REQUEST_LINE_MAX (HTTP_METHOD_MAX + 1 + HTTP_TARGET_MAX + 1 + sizeof("HTTP/1.1") - 1 + 2)

static enum parse_result bad(enum reason *why, enum reason reason)
{
    *why = reason;
    return PARSE_BAD;
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Leading empty lines, and whether the byte behind them can begin a method. DONE: it can. */
static enum parse_result begin_request(struct http_scan *scan, struct span in, enum reason *why)
{
    while (scan->at < in.len) {
        const struct span rest = span_from(in, scan->at);
        if (http_char_is(rest.data[0], HTTP_CHAR_TOKEN))
            return PARSE_DONE;
        if (rest.data[0] != '\r')
            return bad(why, REASON_BAD_REQUEST);
        if (rest.len == 1)
            return PARSE_MORE;
        if (rest.data[1] != '\n' || scan->skipped == SKIP_MAX)
            return bad(why, REASON_BAD_REQUEST);
        scan->at += 2;
        scan->line = scan->skipped = scan->at;
    }
    return PARSE_MORE;
}

/* Does an answer begin like one, as far as it has come? */
static enum parse_result begin_response(struct span in, enum reason *why)
{
    const struct span version = SPAN("HTTP/1.");
    if (!span_has_prefix(version, span_first(in, version.len)))
        return bad(why, REASON_UPSTREAM_ANSWER);
    return in.len ? PARSE_DONE : PARSE_MORE;
}

static enum parse_result check_first_line(enum http_kind kind, struct span line, enum reason *why)
{
    if (kind == HTTP_REQUEST) {
        struct http_request scratch;
        return http_request_line(line, &scratch, why);
    }
    struct http_response scratch;
    return http_status_line(line, &scratch) ? PARSE_DONE : bad(why, REASON_UPSTREAM_ANSWER);
}

/* What to say of bytes that are wrong where scan->line begins. */
static enum parse_result bad_line(const struct http_scan *scan, enum http_kind kind,
                                  enum reason *why)
{
    if (kind == HTTP_RESPONSE)
        return bad(why, REASON_UPSTREAM_ANSWER);
    return bad(why, scan->lines == 0 ? REASON_BAD_REQUEST : REASON_BAD_FIELD);
}

/* A line has come whole; scan->at is behind its LF. DONE: it is the empty one. MORE: go on. */
static enum parse_result end_line(struct http_scan *scan, enum http_kind kind, struct span in,
                                  enum reason *why)
{
    size_t len = scan->at - 1 - scan->line;
    if (len > 0 && in.data[scan->line + len - 1] == '\r')
        len--;
    else if (kind == HTTP_REQUEST)
        return bad_line(scan, kind, why);
    if (len == 0)
        return PARSE_DONE;
    if (kind == HTTP_REQUEST && scan->lines == HTTP_FIELDS_MAX + 1)
        return bad(why, REASON_TOO_MANY_FIELDS);
    scan->lines++;
    scan->line = scan->at;
    return PARSE_MORE;
}

/* Line by line through what is new. */
static enum parse_result scan_lines(struct http_scan *scan, enum http_kind kind, struct span in,
                                    enum reason *why)
{
    const size_t head_max = (size_t)scan->skipped + HTTP_HEAD_MAX;
    const size_t end = min_size(in.len, head_max);
    const char *nul = memchr(in.data + scan->at, '\0', end - scan->at);
    const size_t limit = nul ? (size_t)(nul - in.data) : end;
    for (;;) {
        const bool request_line = kind == HTTP_REQUEST && scan->lines == 0;
        const size_t line_max = request_line ? scan->line + REQUEST_LINE_MAX : SIZE_MAX;
        const size_t stop = min_size(limit, line_max);
        const char *lf = memchr(in.data + scan->at, '\n', stop - scan->at);
        if (lf) {
            scan->at = (uint32_t)(lf - in.data) + 1;
            const enum parse_result result = end_line(scan, kind, in, why);
            if (result != PARSE_MORE)
                return result;
            continue;
        }
        scan->at = (uint32_t)stop;
        if (stop == line_max) /* too long: which part of it is for the line's own check */
            return check_first_line(kind, span_from(span_first(in, stop), scan->line), why);
        if (nul)
            return bad_line(scan, kind, why);
        if (stop == head_max)
            return bad(why, kind == HTTP_REQUEST ? REASON_HEAD_SIZE : REASON_UPSTREAM_HEAD_SIZE);
        return PARSE_MORE;
    }
}

enum parse_result http_scan(struct http_scan *scan, enum http_kind kind, struct span in,
                            size_t *size, enum reason *why)
{
    const bool first_line_pending = scan->lines == 0;
    enum parse_result result = PARSE_DONE;
    *size = 0;
    *why = REASON_NONE;
    if (first_line_pending && scan->at == scan->skipped)
        result = kind == HTTP_REQUEST ? begin_request(scan, in, why) : PARSE_DONE;
    if (first_line_pending && kind == HTTP_RESPONSE)
        result = begin_response(in, why);
    if (result != PARSE_DONE)
        return result;

    result = scan_lines(scan, kind, in, why);
    if (result == PARSE_DONE) {
        *size = scan->at;
    } else if (first_line_pending && scan->lines > 0) {
        const struct span head = span_from(in, scan->skipped);
        size_t len = span_find(head, '\n');
        if (head.data[len - 1] == '\r')
            len--;
        enum reason line_why;
        if (check_first_line(kind, span_first(head, len), &line_why) == PARSE_BAD)
            return bad(why, line_why);
    }
    return result;
}
