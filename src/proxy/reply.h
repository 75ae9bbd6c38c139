/* Portico's own answers are errors, redirects, and the page of builtin:hello (rows H12, H25 and
 * H30 of the table in src/README.md).
 *
 * Each is complete when made (head and body with Content-Length) and goes out like any other
 * answer. Errors are HTML for clients whose Accept names text/html, plain text otherwise, with
 * the reason's code and sentence and the request id; nothing in them names an upstream or
 * another route. All carry Date and no Server; all but redirects Cache-Control: no-store. HTML
 * needs nothing from elsewhere and may fetch nothing (Content-Security-Policy). Check
 * out->failed after each. */
#ifndef PORTICO_PROXY_REPLY_H
#define PORTICO_PROXY_REPLY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/reason.h"
#include "http/http_head.h"
#include "net/address.h"

struct reply {
    bool head_only;         /* the request was HEAD: no body, the same fields */
    bool keep_alive;        /* else "Connection: close" */
    bool html;              /* reply_wants_html */
    unsigned client_minor;  /* 0: "Connection: keep-alive" must be said */
    const char *request_id; /* NULL before one is known */
};

/* Does the client's Accept name text/html? */
bool reply_wants_html(const struct http_request *request);

/* The answer for a reason with a status. 405 has Allow (H12), 503 has Retry-After. Whether the
 * connection can be kept (the request was understood and read whole) is the caller's to say. */
void reply_error(struct buf *out, const struct reply *reply, enum reason reason);

/* 301 (GET, HEAD) or 308 to https://host[:port]/… (H25). `port` is the public one, left out
 * when 443; `host` has no brackets; `target` is the origin-form, path and query as received
 * ("*" becomes "/", and bytes that no URI may have are percent-encoded). */
void reply_redirect(struct buf *out, const struct reply *reply, bool get_or_head, struct span host,
                    uint16_t port, struct span target);

struct reply_hello {
    const char *route; /* the host of the route */
    struct address client;
    struct span head;        /* as an upstream would have received it */
    const char *tls_version; /* NULL over plain HTTP */
    const char *tls_cipher;
};

/* 200 and a small page, HTML or plain text, everything in it escaped. */
void reply_hello(struct buf *out, const struct reply *reply, const struct reply_hello *hello);

/* The status of the answer in `out`, for the access log: that of the final one when interim
 * answers stand before it; 0 if it holds none. */
int reply_status(const struct buf *out);

#endif
