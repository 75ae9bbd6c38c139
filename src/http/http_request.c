/* This module reads a request: its line, and what the fields mean together (RFC 9112, 3 and 6;
 * rows H01-H05, H09, H11-H15 and H17 of the table in src/README.md).
 *
 * Requests are held to the letter: whatever two parsers could read in two ways is refused, since an
 * attacker lives off the difference. Runs on the worker that serves the connection; all spans point
 * into the head that was passed in, except an origin_form of "/" or "*" that the target only
 * implied, which is a literal.
 *
 * Invariants
 * 1. Every check is a pure function of the head's bytes, in a fixed order: request line,
 *    fields one by one, Host, framing, expectation. The first that fails names the reason.
 * 2. request->fields[0..field_count) are well-formed fields, even when the request is not. */
#include "http/http_char.h"
#include "http/http_head.h"
#include "http/http_internal.h"

static enum parse_result bad(enum reason *why, enum reason reason)
{
    *why = reason;
    return PARSE_BAD;
}

/* HTTP-version (RFC 9112, 2.3; H13). */
static enum reason parse_version(struct span version, unsigned *minor)
{
    const char *v = version.data;
    if (version.len != 8 || memcmp(v, "HTTP/", 5) != 0 || v[5] < '1' || v[5] > '9' || v[6] != '.' ||
        v[7] < '0' || v[7] > '9')
        return REASON_BAD_REQUEST;
    if (v[5] != '1')
        return REASON_VERSION;
    *minor = v[7] == '0' ? 0 : 1;
    return REASON_NONE;
}

/* The length of "http://" or "https://" at the front, or 0. */
static size_t scheme_len(struct span target)
{
    if (span_eq_nocase(span_first(target, 7), SPAN("http://")))
        return 7;
    return span_eq_nocase(span_first(target, 8), SPAN("https://")) ? 8 : 0;
}

/* absolute-form (RFC 9112, 3.2.2; H05). */
static bool parse_absolute_form(struct span target, size_t scheme, struct http_request *request)
{
    const struct span rest = span_from(target, scheme);
    const size_t query = span_find(rest, '?');
    const size_t slash = span_find(span_first(rest, query), '/');
    const struct span authority = span_first(rest, slash);
    if (!http_authority_split(authority, &request->host))
        return false;
    request->authority = authority;
    if (slash < rest.len)
        request->origin_form = span_from(rest, slash);
    else
        request->origin_form = span_eq(request->method, SPAN("OPTIONS")) ? SPAN("*") : SPAN("/");
    return true;
}

/* The four forms of RFC 9112, 3.2, but for authority-form, which is CONNECT's. */
static bool parse_target(struct span target, struct http_request *request)
{
    if (http_char_run(target, HTTP_CHAR_TARGET) != target.len)
        return false;
    request->origin_form = target;
    if (target.data[0] == '/')
        return true;
    if (target.data[0] == '*')
        return target.len == 1 && span_eq(request->method, SPAN("OPTIONS"));
    const size_t scheme = scheme_len(target);
    return scheme > 0 && parse_absolute_form(target, scheme, request);
}

enum parse_result http_request_line(struct span line, struct http_request *request,
                                    enum reason *why)
{
    const size_t first = span_find(line, ' ');
    const struct span method = span_first(line, first);
    if (method.len > HTTP_METHOD_MAX || !http_is_token(method))
        return bad(why, REASON_BAD_REQUEST);
    request->method = method;

    /* The version stands behind the last space, so that one inside the target (which browsers
     * encode and scripts forget to) is called what it is. */
    struct span target = span_from(line, first + 1);
    const char *last = target.len ? memrchr(target.data, ' ', target.len) : NULL;
    struct span version = {NULL, 0};
    if (last) {
        version = span_from(target, (size_t)(last - target.data) + 1);
        target.len = (size_t)(last - target.data);
    }
    request->target = target;
    request->version = version;
    if (target.len > HTTP_TARGET_MAX)
        return bad(why, REASON_TARGET_SIZE);
    if (target.len == 0 || target.data[0] == ' ' || target.data[target.len - 1] == ' ')
        return bad(why, REASON_BAD_REQUEST);
    const enum reason version_bad = parse_version(version, &request->minor);
    if (version_bad != REASON_NONE)
        return bad(why, version_bad);
    if (span_eq(method, SPAN("CONNECT")) || span_eq(method, SPAN("TRACE")))
        return bad(why, REASON_METHOD);
    if (!parse_target(target, request))
        return bad(why, REASON_BAD_TARGET);
    return PARSE_DONE;
}

/* One field line (RFC 9112, 5); its length with CRLF, or 0 when it is malformed (H09). */
static size_t parse_field(struct span rest, struct http_field *field)
{
    const size_t colon = http_char_run(rest, HTTP_CHAR_TOKEN);
    if (colon == 0 || colon == rest.len || rest.data[colon] != ':')
        return 0;
    const struct span behind = span_from(rest, colon + 1);
    const size_t end = http_char_run(behind, HTTP_CHAR_VALUE);
    if (behind.len - end < 2 || behind.data[end] != '\r' || behind.data[end + 1] != '\n')
        return 0;
    field->name = span_first(rest, colon);
    field->value = span_trim(span_first(behind, end));
    return colon + 1 + end + 2;
}

static enum parse_result parse_fields(struct span rest, struct http_request *request,
                                      struct http_control *control, enum reason *why)
{
    while (rest.len == 0 || rest.data[0] != '\r') {
        if (request->field_count == HTTP_FIELDS_MAX)
            return bad(why, REASON_TOO_MANY_FIELDS);
        struct http_field *field = &request->fields[request->field_count];
        const size_t len = parse_field(rest, field);
        if (len == 0)
            return bad(why, REASON_BAD_FIELD);
        request->field_count++;
        http_control_note(control, field);
        rest = span_from(rest, len);
    }
    if (!span_eq(rest, SPAN("\r\n")))
        return bad(why, REASON_BAD_FIELD);
    return PARSE_DONE;
}

/* Host (RFC 9112, 3.2; H04). It must be right even where an absolute-form target overrules it
 * (H05). */
static bool apply_host(const struct http_control *control, struct http_request *request)
{
    struct span host = {NULL, 0};
    if (control->hosts > 1 || (control->hosts == 0 && request->minor > 0))
        return false;
    if (control->hosts == 1 && !http_authority_split(control->host, &host))
        return false;
    if (request->authority.len == 0) {
        request->authority = control->host;
        request->host = host;
    }
    return true;
}

static bool is_idempotent(struct span method)
{
    return span_eq(method, SPAN("GET")) || span_eq(method, SPAN("HEAD")) ||
           span_eq(method, SPAN("OPTIONS")) || span_eq(method, SPAN("PUT")) ||
           span_eq(method, SPAN("DELETE"));
}

enum parse_result http_request_parse(struct span head, struct http_request *request,
                                     enum reason *why)
{
    struct http_control control = {0};
    memset(request, 0, offsetof(struct http_request, fields));
    *why = REASON_NONE;

    const size_t lf = span_find(head, '\n');
    if (lf == head.len || lf == 0 || head.data[lf - 1] != '\r')
        return bad(why, REASON_BAD_REQUEST);
    enum parse_result result = http_request_line(span_first(head, lf - 1), request, why);
    if (result == PARSE_DONE)
        result = parse_fields(span_from(head, lf + 1), request, &control, why);
    if (result != PARSE_DONE)
        return result;

    if (!apply_host(&control, request))
        return bad(why, REASON_BAD_HOST);
    *why =
        http_control_framing(&control, request->minor, &request->framing, &request->content_length);
    if (*why != REASON_NONE)
        return PARSE_BAD;
    if (request->minor > 0 && control.expect_other)
        return bad(why, REASON_EXPECTATION);

    request->keep_alive = http_control_persists(&control, request->minor);
    request->expect_continue =
        request->minor > 0 && control.expect_continue &&
        (request->framing == HTTP_FRAMING_CHUNKED || request->content_length > 0);
    request->is_head = span_eq(request->method, SPAN("HEAD"));
    request->is_idempotent = is_idempotent(request->method);
    request->wants_upgrade = request->minor > 0 && control.upgrade && control.upgrade_protocol;
    return PARSE_DONE;
}
