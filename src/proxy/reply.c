/* This module writes Portico's own answers (reply.h).
 *
 * Runs on the worker that serves the connection. The body is made first, in a buffer of its
 * own, since its length stands in the head; both then go into `out` like bytes from an
 * upstream. A buffer that ran out of room marks `out` as failed, and the caller looks there.
 *
 * Every page is for a stranger: whatever a peer sent is escaped on its way into HTML, the pages
 * carry their few lines of style with them, and their Content-Security-Policy forbids everything
 * else. */
#include "proxy/reply.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/date.h"

#define HELLO_HEAD_MAX 16384u /* of the request's head on the page; escaped it still fits */

static const char *phrase_of(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } phrases[] = {
        {200, "OK"},
        {301, "Moved Permanently"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {414, "URI Too Long"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {431, "Request Header Fields Too Large"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    size_t i = 0;
    for (; phrases[i].status != status; i++)
        check(i + 1 < sizeof phrases / sizeof *phrases); /* else reason.def has one more */
    return phrases[i].phrase;
}

/* --- texts -------------------------------------------------------------------------------- */

/* Text, or the value of an attribute in double quotes. */
static void append_html(struct buf *out, struct span text)
{
    static const char special[] = "&<>\"'";
    static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
    size_t done = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *found = memchr(special, text.data[i], sizeof special - 1);
        if (found == NULL)
            continue;
        buf_append(out, text.data + done, i - done);
        buf_append_str(out, entities[found - special]);
        done = i + 1;
    }
    buf_append_span(out, span_from(text, done));
}

/* Appends `text` with the first of the values in place of $1, and so on; escaped for HTML. */
static void fill(struct buf *out, bool html, const char *text, const struct span *values)
{
    for (const char *mark; (mark = strchr(text, '$')) != NULL; text = mark + 2) {
        struct span value = values[mark[1] - '1'];
        buf_append(out, text, (size_t)(mark - text));
        if (html)
            append_html(out, value);
        else
            buf_append_span(out, value);
    }
    buf_append_str(out, text);
}

/* With a title and a heading. */
#define PAGE_BEGIN                                                                                 \
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"                      \
    "<meta name=\"viewport\" content=\"width=device-width\">\n<title>$1</title>\n<style>\n"        \
    ":root { color-scheme: light dark; --ink: #222; --dim: #666; --paper: #fff; "                  \
    "--tint: #f2f2f2 }\n"                                                                          \
    "@media (prefers-color-scheme: dark) {\n"                                                      \
    "  :root { --ink: #ddd; --dim: #999; --paper: #181818; --tint: #262626 }\n"                    \
    "}\n"                                                                                          \
    "body { margin: 12vh auto; max-width: 42rem; padding: 0 1rem; "                                \
    "font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper) }\n"        \
    "h1 { font-weight: 500 }\n"                                                                    \
    "small, dt { color: var(--dim) }\n"                                                            \
    "dd { margin: 0 0 .75rem }\n"                                                                  \
    "pre { padding: 1rem; overflow: auto; background: var(--tint) }\n"                             \
    "a { color: inherit }\n"                                                                       \
    "</style>\n</head>\n<body>\n<h1>$2</h1>\n"
#define PAGE_END "</body>\n</html>\n"

/* A target as a URI may have it: H11 lets bytes through that no URI may contain, and a Location
 * with them would be read differently from browser to browser. */
static void append_uri(struct buf *out, struct span target)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t done = 0;
    for (size_t i = 0; i < target.len; i++) {
        const unsigned char c = (unsigned char)target.data[i];
        const char encoded[3] = {'%', digits[c >> 4], digits[c & 0xf]};
        if (c > 0x20 && c < 0x7f)
            continue;
        buf_append(out, target.data + done, i - done);
        buf_append(out, encoded, sizeof encoded);
        done = i + 1;
    }
    buf_append_span(out, span_from(target, done));
}

static void append_location(struct buf *out, struct span host, uint16_t port, struct span target)
{
    const bool v6 = span_find(host, ':') < host.len;
    buf_append_str(out, v6 ? "https://[" : "https://");
    buf_append_span(out, host);
    buf_append_str(out, v6 ? "]" : "");
    if (port != 443) {
        buf_append_str(out, ":");
        buf_append_uint(out, port);
    }
    if (target.len == 0 || target.data[0] != '/')
        buf_append_str(out, "/"); /* "?query" and "*" have no path */
    if (target.len && (target.data[0] == '/' || target.data[0] == '?'))
        append_uri(out, target);
}

/* --- answers ------------------------------------------------------------------------------ */

/* The whole of an answer; `body` is released. A HEAD request gets the same fields without it
 * (RFC 9110, 9.3.2). */
static void answer(struct buf *out, const struct reply *reply, int status, struct span location,
                   struct buf *body)
{
    buf_append_str(out, "HTTP/1.1 ");
    buf_append_uint(out, (uint64_t)status);
    fill(out, false, " $1\r\nDate: $2\r\n",
         (struct span[]){span_str(phrase_of(status)), date_text(DATE_HTTP, clock_wall())});
    if (!reply->keep_alive)
        buf_append_str(out, "Connection: close\r\n");
    else if (reply->client_minor == 0)
        buf_append_str(out, "Connection: keep-alive\r\n");
    fill(out, false, location.len ? "Location: $1\r\n" : "Cache-Control: no-store\r\n", &location);
    if (status == 405)
        buf_append_str(out, "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n");
    if (status == 503)
        buf_append_str(out, "Retry-After: 5\r\n");
    buf_append_str(out, reply->html ? "Content-Type: text/html; charset=utf-8\r\n"
                                      "Content-Security-Policy: default-src 'none'; "
                                      "style-src 'unsafe-inline'\r\n"
                                    : "Content-Type: text/plain; charset=utf-8\r\n");
    buf_append_str(out, "X-Content-Type-Options: nosniff\r\nContent-Length: ");
    buf_append_uint(out, buf_len(body));
    buf_append_str(out, "\r\n\r\n");
    if (!reply->head_only && buf_len(body))
        buf_append_span(out, buf_span(body));
    out->failed = out->failed || body->failed;
    buf_release(body);
}

bool reply_wants_html(const struct http_request *request)
{
    for (unsigned i = 0; i < request->field_count; i++) {
        struct span rest = request->fields[i].value, range;
        if (!span_eq_nocase(request->fields[i].name, SPAN("Accept")))
            continue;
        while (span_split(&rest, ',', &range)) {
            struct span type = span_trim(span_first(range, span_find(range, ';')));
            if (span_eq_nocase(type, SPAN("text/html")))
                return true;
        }
    }
    return false;
}

void reply_error(struct buf *out, const struct reply *reply, enum reason reason)
{
    struct buf body = {0};
    char title[64], heading[64];
    const int status = reason_status(reason);
    const bool html = reply->html;
    check(status != 0);
    snprintf(title, sizeof title, "%d %s", status, reason_code(reason));
    snprintf(heading, sizeof heading, "%d %s", status, phrase_of(status));
    const struct span values[] = {span_str(title), span_str(heading), span_str(reason_code(reason)),
                                  span_str(reason_sentence(reason)), span_str(reply->request_id)};
    fill(&body, html, html ? PAGE_BEGIN "<p>$4</p>\n<p><small>$3" : "$2\n$3: $4\n", values);
    if (reply->request_id)
        fill(&body, html, html ? " &middot; request id: $5" : "request id: $5\n", values);
    buf_append_str(&body, html ? "</small></p>\n" PAGE_END : "");
    answer(out, reply, status, SPAN(""), &body);
}

void reply_redirect(struct buf *out, const struct reply *reply, bool get_or_head, struct span host,
                    uint16_t port, struct span target)
{
    struct buf location = {0}, body = {0};
    const int status = get_or_head ? 301 : 308;
    append_location(&location, host, port, target);
    const struct span phrase = span_str(phrase_of(status));
    fill(&body, reply->html,
         reply->html ? PAGE_BEGIN "<p>This site is served over HTTPS: <a href=\"$3\">go "
                                  "there</a>.</p>\n" PAGE_END
                     : "This site is served over HTTPS: $3\n",
         (struct span[]){phrase, phrase, buf_span(&location)});
    out->failed = out->failed || location.failed;
    answer(out, reply, status, buf_span(&location), &body);
    buf_release(&location);
}

void reply_hello(struct buf *out, const struct reply *reply, const struct reply_hello *hello)
{
    struct buf body = {0};
    char client[ADDRESS_TEXT], tls[96] = "no TLS";
    const struct span title = SPAN("Hello from Portico");
    if (hello->tls_version)
        snprintf(tls, sizeof tls, "%s, %s", hello->tls_version,
                 hello->tls_cipher ? hello->tls_cipher : "unknown cipher");
    fill(&body, reply->html,
         reply->html ? PAGE_BEGIN "<dl>\n<dt>route</dt><dd>$3</dd>\n<dt>client</dt><dd>$4</dd>\n"
                                  "<dt>connection</dt><dd>$5</dd>\n</dl>\n"
                                  "<p>The request, as an upstream would receive it:</p>\n"
                                  "<pre>$6</pre>\n" PAGE_END
                     : "$1\n\nroute: $3\nclient: $4\nconnection: $5\n\n"
                       "The request, as an upstream would receive it:\n\n$6",
         (struct span[]){title, title, span_str(hello->route),
                         span_str(address_format_ip(&hello->client, client)), span_str(tls),
                         span_first(hello->head, HELLO_HEAD_MAX)});
    answer(out, reply, 200, SPAN(""), &body);
}

/* --- the log's question ------------------------------------------------------------------- */

int reply_status(const struct buf *out)
{
    struct span rest = buf_len(out) ? buf_span(out) : SPAN("");
    uint64_t status;
    while (span_has_prefix(rest, SPAN("HTTP/1.1 ")) &&
           span_parse_uint(span_first(span_from(rest, 9), 3), 999, &status)) {
        if (status >= 200 || status == 101)
            return (int)status;
        const char *end = memmem(rest.data, rest.len, "\r\n\r\n", 4);
        rest = end ? span_from(rest, (size_t)(end - rest.data) + 4) : SPAN("");
    }
    return 0;
}
