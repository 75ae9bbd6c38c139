/* This module writes the heads that go out (forward.h).
 *
 * Runs on the worker that serves the connection, on its stack. A head is built in two passes
 * over its fields: the survey says what each of them is, then they are written, or not.
 *
 * Invariant: what says who the client is leaves only through append_client, or unchanged from
 * a trusted client. */
#include "proxy/forward.h"

#include <sys/random.h>

#include "base/check.h"
#include "proxy/field_survey.h"

/* --- pieces of heads ---------------------------------------------------------------------- */

static void append_field(struct buf *out, struct span name, struct span value)
{
    buf_append_span(out, name);
    buf_append_str(out, ": ");
    buf_append_span(out, value);
    buf_append_str(out, "\r\n");
}

/* All values of one kind as one list, without a line end; true if there was any. */
static bool append_list(struct buf *out, const struct field_survey *survey,
                        const struct http_field *fields, unsigned count, enum field_kind kind)
{
    bool any = false;
    for (unsigned i = 0; i < count; i++) {
        if (survey->kinds[i] != kind || fields[i].value.len == 0)
            continue;
        if (any)
            buf_append_str(out, ", ");
        buf_append_span(out, fields[i].value);
        any = true;
    }
    return any;
}

/* The Upgrade of either side, without h2c: HTTP/2 would be spoken past this proxy (H17). */
static void append_upgrade(struct buf *out, const struct field_survey *survey,
                           const struct http_field *fields, unsigned count)
{
    const char *separator = "Connection: Upgrade\r\nUpgrade: ";
    bool any = false;
    for (unsigned i = 0; i < count; i++) {
        struct span rest = fields[i].value, protocol;
        if (survey->kinds[i] != FIELD_UPGRADE)
            continue;
        while (field_next_member(&rest, &protocol)) {
            if (span_eq_nocase(protocol, SPAN("h2c")))
                continue;
            buf_append_str(out, any ? ", " : separator);
            buf_append_span(out, protocol);
            any = true;
        }
    }
    if (any)
        buf_append_str(out, "\r\n");
}

/* --- who the client is (H18) -------------------------------------------------------------- */

/* What a trusted client says of its own: only the last word is its own, what stands before
 * was said to it. Empty if it says nothing. */
static struct span last_member(const struct http_request *request, enum field_kind kind)
{
    struct span last = SPAN("");
    for (unsigned i = 0; i < request->field_count; i++) {
        struct span rest = request->fields[i].value, member;
        if (field_classify(request->fields[i].name) == kind)
            while (field_next_member(&rest, &member))
                last = member;
    }
    return last;
}

/* As span_split, but separators between quotation marks are text (RFC 9110, 5.6.4). */
static bool split_quoted(struct span *rest, char separator, struct span *part)
{
    bool quoted = false;
    size_t at = 0;
    if (rest->data == NULL)
        return false;
    for (; at < rest->len && (quoted || rest->data[at] != separator); at++) {
        if (rest->data[at] == '"')
            quoted = !quoted;
        else if (quoted && rest->data[at] == '\\')
            at++;
    }
    *part = span_first(*rest, at);
    *rest = at >= rest->len ? (struct span){NULL, 0} : span_from(*rest, at + 1);
    return true;
}

/* Does a Forwarded element say that its client came over TLS (RFC 7239, 5.4)? */
static bool is_https_element(struct span element)
{
    struct span pair;
    while (split_quoted(&element, ';', &pair)) {
        pair = span_trim(pair);
        if (span_eq_nocase(pair, SPAN("proto=https")) ||
            span_eq_nocase(pair, SPAN("proto=\"https\"")))
            return true;
    }
    return false;
}

bool forward_is_secure(const struct http_request *request, const struct forward_client *client)
{
    struct span last = SPAN("");
    if (client->secure || !client->trusted)
        return client->secure;
    if (span_eq_nocase(last_member(request, FIELD_FORWARDED_PROTO), SPAN("https")))
        return true;
    for (unsigned i = 0; i < request->field_count; i++) {
        struct span rest = request->fields[i].value, element;
        if (field_classify(request->fields[i].name) == FIELD_FORWARDED)
            while (split_quoted(&rest, ',', &element))
                if (span_trim(element).len)
                    last = element;
    }
    return is_https_element(last);
}

static void append_quoted(struct buf *out, struct span text)
{
    buf_append_str(out, "\"");
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"' || text.data[i] == '\\')
            buf_append_str(out, "\\");
        buf_append(out, text.data + i, 1);
    }
    buf_append_str(out, "\"");
}

/* RFC 7239, 4: our client, and how it came here. */
static void append_element(struct buf *out, const struct forward_client *client, const char *ip,
                           struct span authority)
{
    bool v6 = address_is_v6(&client->address);
    buf_append_str(out, v6 ? "for=\"[" : "for=");
    buf_append_str(out, ip);
    buf_append_str(out, v6 ? "]\"" : "");
    buf_append_str(out, client->secure ? ";proto=https;host=" : ";proto=http;host=");
    append_quoted(out, authority);
}

/* X-Real-IP when nobody said it: of a trusted client, the client that it names last. */
static void append_real_ip(struct buf *out, const struct http_request *request, bool trusted,
                           const char *ip)
{
    struct address named;
    char text[ADDRESS_TEXT];
    if (trusted && address_parse_ip(last_member(request, FIELD_FORWARDED_FOR), 0, &named))
        ip = address_format_ip(&named, text);
    append_field(out, SPAN("X-Real-IP"), span_str(ip));
}

static void append_client(struct buf *out, const struct field_survey *survey,
                          const struct http_request *request, const struct forward_client *client,
                          struct span authority)
{
    char ip[ADDRESS_TEXT];
    const bool trusted = client->trusted;
    address_format_ip(&client->address, ip);

    buf_append_str(out, "X-Forwarded-For: ");
    if (trusted &&
        append_list(out, survey, request->fields, request->field_count, FIELD_FORWARDED_FOR))
        buf_append_str(out, ", ");
    buf_append_str(out, ip);
    buf_append_str(out, "\r\n");

    if (!trusted || !field_survey_has(survey, FIELD_FORWARDED_PROTO))
        append_field(out, SPAN("X-Forwarded-Proto"),
                     forward_is_secure(request, client) ? SPAN("https") : SPAN("http"));
    if (!trusted || !field_survey_has(survey, FIELD_FORWARDED_HOST))
        append_field(out, SPAN("X-Forwarded-Host"), authority);
    if (!trusted || !field_survey_has(survey, FIELD_REAL_IP))
        append_real_ip(out, request, trusted, ip);

    if (trusted && field_survey_has(survey, FIELD_FORWARDED)) {
        buf_append_str(out, "Forwarded: ");
        append_list(out, survey, request->fields, request->field_count, FIELD_FORWARDED);
        buf_append_str(out, ", ");
        append_element(out, client, ip, authority);
        buf_append_str(out, "\r\n");
    }
}

/* --- requests ----------------------------------------------------------------------------- */

/* Does a field of the request go on as it came? With `has_authorization`, the route brings one. */
static bool travels(enum field_kind kind, const struct http_field *field,
                    const struct http_request *request, bool trusted, bool has_authorization)
{
    switch (kind) {
    case FIELD_END_TO_END:
    case FIELD_LENGTH:
        return true;
    case FIELD_AUTHORIZATION:
        return !has_authorization;
    case FIELD_EXPECT:
        return request->minor > 0; /* HTTP/1.0 has no 100 to wait for (RFC 9110, 10.1.1) */
    case FIELD_FORWARDED_PROTO:
    case FIELD_FORWARDED_HOST:
    case FIELD_REAL_IP:
    case FIELD_FORWARDED_OTHER:
        return trusted && field->value.len;
    case FIELD_HOP:
    case FIELD_CONNECTION:
    case FIELD_UPGRADE:
    case FIELD_HOST:
    case FIELD_REQUEST_ID:
    case FIELD_FORWARDED:
    case FIELD_FORWARDED_FOR:
    case FIELD_FORWARDED_FORGED:
        break;
    }
    return false;
}

/* What the client said, or `host` as it would have: IPv6 literals get their brackets. */
static struct span authority_of(const struct http_request *request, struct span host,
                                char text[ADDRESS_TEXT + 2])
{
    if (request->authority.len)
        return request->authority;
    if (host.len >= ADDRESS_TEXT || span_find(host, ':') == host.len)
        return host;
    return span_make(text,
                     (size_t)snprintf(text, ADDRESS_TEXT + 2, "[" SPAN_FMT "]", SPAN_ARG(host)));
}

void forward_request(struct buf *out, const struct http_request *request,
                     const struct forward_client *client, struct span host,
                     struct span authorization, struct span request_id)
{
    struct field_survey survey;
    char text[ADDRESS_TEXT + 2];
    const struct span authority = authority_of(request, host, text);
    field_survey(&survey, request->fields, request->field_count);

    buf_append_span(out, request->method);
    buf_append_str(out, " ");
    if (request->origin_form.len && request->origin_form.data[0] == '?')
        buf_append_str(out, "/"); /* RFC 9112, 3.2.1: an empty path goes out as "/" */
    buf_append_span(out, request->origin_form);
    buf_append_str(out, " HTTP/1.1\r\n");
    append_field(out, SPAN("Host"), authority);
    for (unsigned i = 0; i < request->field_count; i++) {
        const struct http_field *field = &request->fields[i];
        if (travels(survey.kinds[i], field, request, client->trusted, authorization.len > 0))
            append_field(out, field->name, field->value);
    }
    if (request->framing == HTTP_FRAMING_CHUNKED)
        buf_append_str(out, "Transfer-Encoding: chunked\r\n");
    if (request->wants_upgrade)
        append_upgrade(out, &survey, request->fields, request->field_count);
    append_client(out, &survey, request, client, authority);
    if (authorization.len)
        append_field(out, SPAN("Authorization"), authorization);
    append_field(out, SPAN("X-Request-Id"), request_id);
    buf_append_str(out, "\r\n");
}

static bool is_request_id(struct span id)
{
    if (id.len == 0 || id.len > REQUEST_ID_MAX)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.data[i];
        if (c <= ' ' || c > '~' || c == '"' || c == '\'' || c == '\\')
            return false;
    }
    return true;
}

/* 32 hexadecimal digits. The kernel is asked for sixteen of them at a time. */
static void make_request_id(char out[REQUEST_ID_MAX + 1])
{
    static const char digits[] = "0123456789abcdef";
    static _Thread_local unsigned char bytes[256]; /* getrandom gives these whole */
    static _Thread_local size_t left;
    if (left == 0) {
        check(getrandom(bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes);
        left = sizeof bytes;
    }
    for (size_t i = 0; i < 16; i++) {
        unsigned char byte = bytes[--left];
        *out++ = digits[byte >> 4];
        *out++ = digits[byte & 0xf];
    }
    *out = '\0';
}

void forward_request_id(const struct http_request *request, char out[REQUEST_ID_MAX + 1])
{
    const struct http_field *field =
        http_field_find(request->fields, request->field_count, SPAN("X-Request-Id"));
    if (field && is_request_id(field->value))
        (void)span_copy(field->value, out, REQUEST_ID_MAX + 1);
    else
        make_request_id(out);
}

/* --- answers ------------------------------------------------------------------------------ */

/* Content-Length still holds when the body goes out as it came, or would have (H29); 1xx and
 * 204 must not have it (RFC 9110, 8.6). */
static bool keeps_length(const struct http_response *response, enum http_framing framing)
{
    return (framing == HTTP_FRAMING_LENGTH || framing == HTTP_FRAMING_NONE) &&
           response->status >= 200 && response->status != 204;
}

static bool travels_back(enum field_kind kind, const struct http_response *response,
                         enum http_framing framing)
{
    switch (kind) {
    case FIELD_HOP:
    case FIELD_CONNECTION:
    case FIELD_UPGRADE:
        return false;
    case FIELD_LENGTH:
        return keeps_length(response, framing);
    default: /* what concerns requests means nothing here */
        return true;
    }
}

void forward_response(struct buf *out, const struct http_response *response, unsigned client_minor,
                      enum http_framing framing, enum forward_connection connection)
{
    struct field_survey survey;
    field_survey(&survey, response->fields, response->field_count);

    buf_append_str(out, "HTTP/1.1 ");
    buf_append_uint(out, response->status);
    buf_append_str(out, " ");
    buf_append_span(out, response->phrase);
    buf_append_str(out, "\r\n");
    for (unsigned i = 0; i < response->field_count; i++)
        if (travels_back(survey.kinds[i], response, framing))
            append_field(out, response->fields[i].name, response->fields[i].value);
    if (framing == HTTP_FRAMING_CHUNKED)
        buf_append_str(out, "Transfer-Encoding: chunked\r\n");
    switch (connection) {
    case FORWARD_KEEP_ALIVE:
        if (client_minor == 0)
            buf_append_str(out, "Connection: keep-alive\r\n");
        break;
    case FORWARD_CLOSE:
        buf_append_str(out, "Connection: close\r\n");
        break;
    case FORWARD_UPGRADE:
        append_upgrade(out, &survey, response->fields, response->field_count);
        break;
    }
    buf_append_str(out, "\r\n");
}
