/* Portico's own answers: see reply.h.
 *
 * Runs on the worker that serves the connection. The body is made first, in a buffer of its
 * own, since its length stands in the head; both then go into `out` like bytes from an
 * upstream. A buffer that ran out of room marks `out` as failed, and the caller looks there.
 *
 * Every page is for a stranger: whatever a peer sent goes through append_html on its way into
 * HTML, the pages carry their few lines of style with them, and their Content-Security-Policy
 * forbids everything else. */
#include "proxy/reply.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/date.h"

#define HELLO_HEAD_MAX 16384u /* of the request's head on the page; escaped it still fits */

static const char *phrase_of(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 301:
        return "Moved Permanently";
    case 308:
        return "Permanent Redirect";
    case 400:
        return "Bad Request";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 414:
        return "URI Too Long";
    case 417:
        return "Expectation Failed";
    case 421:
        return "Misdirected Request";
    case 431:
        return "Request Header Fields Too Large";
    case 501:
        return "Not Implemented";
    case 502:
        return "Bad Gateway";
    case 503:
        return "Service Unavailable";
    case 504:
        return "Gateway Timeout";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "";
    }
}

/* --- heads and bodies --------------------------------------------------------------------- */

/* Status line and the fields that all answers have. */
static void begin_head(struct buf *out, const struct reply *reply, int status)
{
    const char *phrase = phrase_of(status);
    check(phrase[0] != '\0'); /* a status that reason.def has and phrase_of has not */
    buf_append_str(out, "HTTP/1.1 ");
    buf_append_uint(out, (uint64_t)status);
    buf_append_str(out, " ");
    buf_append_str(out, phrase);
    buf_append_str(out, "\r\nDate: ");
    buf_append_span(out, date_text(DATE_HTTP, clock_wall()));
    buf_append_str(out, "\r\n");
    if (!reply->keep_alive)
        buf_append_str(out, "Connection: close\r\n");
    else if (reply->client_minor == 0)
        buf_append_str(out, "Connection: keep-alive\r\n");
}

/* What describes the body, and the body, which is released. A HEAD request gets the same
 * fields without it (RFC 9110, 9.3.2). */
static void finish(struct buf *out, const struct reply *reply, struct buf *body)
{
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

/* --- HTML --------------------------------------------------------------------------------- */

/* Text, or the value of an attribute in double quotes. */
static void append_html(struct buf *out, struct span text)
{
    size_t done = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *entity;
        switch (text.data[i]) {
        case '&':
            entity = "&amp;";
            break;
        case '<':
            entity = "&lt;";
            break;
        case '>':
            entity = "&gt;";
            break;
        case '"':
            entity = "&quot;";
            break;
        case '\'':
            entity = "&#39;";
            break;
        default:
            continue;
        }
        buf_append(out, text.data + done, i - done);
        buf_append_str(out, entity);
        done = i + 1;
    }
    buf_append_span(out, span_from(text, done));
}

/* Up to the heading, which is escaped like the title. */
static void begin_page(struct buf *out, const char *title, const char *heading)
{
    buf_append_str(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                        "<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
    append_html(out, span_str(title));
    buf_append_str(out, "</title>\n<style>\n"
                        ":root { color-scheme: light dark; --ink: #222; --dim: #666; "
                        "--paper: #fff; --tint: #f2f2f2 }\n"
                        "@media (prefers-color-scheme: dark) {\n"
                        "  :root { --ink: #ddd; --dim: #999; --paper: #181818; --tint: #262626 }\n"
                        "}\n"
                        "body { margin: 12vh auto; max-width: 42rem; padding: 0 1rem; "
                        "font: 1rem/1.5 system-ui, sans-serif; "
                        "color: var(--ink); background: var(--paper) }\n"
                        "h1 { font-weight: 500 }\n"
                        "small, dt { color: var(--dim) }\n"
                        "dd { margin: 0 0 .75rem }\n"
                        "pre { padding: 1rem; overflow: auto; background: var(--tint) }\n"
                        "a { color: inherit }\n"
                        "</style>\n</head>\n<body>\n<h1>");
    append_html(out, span_str(heading));
    buf_append_str(out, "</h1>\n");
}

static void end_page(struct buf *out)
{
    buf_append_str(out, "</body>\n</html>\n");
}

/* --- errors ------------------------------------------------------------------------------- */

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

static void error_html(struct buf *body, const struct reply *reply, const char *heading,
                       enum reason reason)
{
    char title[64];
    snprintf(title, sizeof title, "%d %s", reason_status(reason), reason_code(reason));
    begin_page(body, title, heading);
    buf_append_str(body, "<p>");
    append_html(body, span_str(reason_sentence(reason)));
    buf_append_str(body, "</p>\n<p><small>");
    append_html(body, span_str(reason_code(reason)));
    if (reply->request_id) {
        buf_append_str(body, " &middot; request id: ");
        append_html(body, span_str(reply->request_id));
    }
    buf_append_str(body, "</small></p>\n");
    end_page(body);
}

static void error_text(struct buf *body, const struct reply *reply, const char *heading,
                       enum reason reason)
{
    buf_append_str(body, heading);
    buf_append_str(body, "\n");
    buf_append_str(body, reason_code(reason));
    buf_append_str(body, ": ");
    buf_append_str(body, reason_sentence(reason));
    buf_append_str(body, "\n");
    if (reply->request_id) {
        buf_append_str(body, "request id: ");
        buf_append_str(body, reply->request_id);
        buf_append_str(body, "\n");
    }
}

void reply_error(struct buf *out, const struct reply *reply, enum reason reason)
{
    struct buf body = {0};
    char heading[64];
    const int status = reason_status(reason);
    check(status != 0);
    snprintf(heading, sizeof heading, "%d %s", status, phrase_of(status));
    if (reply->html)
        error_html(&body, reply, heading, reason);
    else
        error_text(&body, reply, heading, reason);

    begin_head(out, reply, status);
    buf_append_str(out, "Cache-Control: no-store\r\n");
    if (status == 405)
        buf_append_str(out, "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n");
    if (status == 503)
        buf_append_str(out, "Retry-After: 5\r\n");
    finish(out, reply, &body);
}

/* --- redirects ---------------------------------------------------------------------------- */

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

void reply_redirect(struct buf *out, const struct reply *reply, bool get_or_head, struct span host,
                    uint16_t port, struct span target)
{
    struct buf location = {0};
    struct buf body = {0};
    const int status = get_or_head ? 301 : 308;
    append_location(&location, host, port, target);
    if (reply->html) {
        begin_page(&body, phrase_of(status), phrase_of(status));
        buf_append_str(&body, "<p>This site is served over HTTPS: <a href=\"");
        append_html(&body, buf_span(&location));
        buf_append_str(&body, "\">go there</a>.</p>\n");
        end_page(&body);
    } else {
        buf_append_str(&body, "This site is served over HTTPS: ");
        buf_append_span(&body, buf_span(&location));
        buf_append_str(&body, "\n");
    }

    begin_head(out, reply, status);
    buf_append_str(out, "Location: ");
    buf_append_span(out, buf_span(&location));
    buf_append_str(out, "\r\n");
    out->failed = out->failed || location.failed;
    finish(out, reply, &body);
    buf_release(&location);
}

/* --- builtin:hello ------------------------------------------------------------------------ */

static void hello_row(struct buf *body, bool html, const char *name, const char *value)
{
    buf_append_str(body, html ? "<dt>" : "");
    buf_append_str(body, name);
    buf_append_str(body, html ? "</dt><dd>" : ": ");
    if (html)
        append_html(body, span_str(value));
    else
        buf_append_str(body, value);
    buf_append_str(body, html ? "</dd>\n" : "\n");
}

static void hello_rows(struct buf *body, bool html, const struct reply_hello *hello)
{
    char text[ADDRESS_TEXT];
    char tls[96] = "no TLS";
    if (hello->tls_version)
        snprintf(tls, sizeof tls, "%s, %s", hello->tls_version,
                 hello->tls_cipher ? hello->tls_cipher : "unknown cipher");
    hello_row(body, html, "route", hello->route);
    hello_row(body, html, "client", address_format_ip(&hello->client, text));
    hello_row(body, html, "connection", tls);
}

void reply_hello(struct buf *out, const struct reply *reply, const struct reply_hello *hello)
{
    struct buf body = {0};
    const struct span head = span_first(hello->head, HELLO_HEAD_MAX);
    if (reply->html) {
        begin_page(&body, "Hello from Portico", "Hello from Portico");
        buf_append_str(&body, "<dl>\n");
        hello_rows(&body, true, hello);
        buf_append_str(&body, "</dl>\n<p>The request, as an upstream would receive it:</p>\n<pre>");
        append_html(&body, head);
        buf_append_str(&body, "</pre>\n");
        end_page(&body);
    } else {
        buf_append_str(&body, "Hello from Portico\n\n");
        hello_rows(&body, false, hello);
        buf_append_str(&body, "\nThe request, as an upstream would receive it:\n\n");
        buf_append_span(&body, head);
    }

    begin_head(out, reply, 200);
    buf_append_str(out, "Cache-Control: no-store\r\n");
    finish(out, reply, &body);
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
