/* The heads that go out are requests to upstreams and answers to clients (rows H05, H06, H15-H18,
 * H20 and H29 of the table in src/README.md).
 *
 * Fields travel in the order they came, byte for byte, except those that concern one hop only
 * and those that say who the client is, which Portico alone decides. Pure: bytes in, bytes
 * out. */
#ifndef PORTICO_PROXY_FORWARD_H
#define PORTICO_PROXY_FORWARD_H

#include <stdbool.h>

#include "base/buf.h"
#include "http/http_head.h"
#include "net/address.h"

#define REQUEST_ID_MAX 128u /* of one that is kept; one that is made has 32 */

struct forward_client {
    struct address address;
    bool trusted; /* in trusted_proxies: what it says about its client is kept (H18) */
    bool secure;  /* came over TLS */
};

/* The request as it goes upstream, from request line to empty line, appended to `out` (check
 * out->failed).
 * - the request line: the method, request->origin_form, HTTP/1.1
 * - Host: the authority as received (H05, H06); when there is none (HTTP/1.0), `host` (without
 *   brackets or port)
 * - hop-by-hop fields and those named by Connection go (H16), except that Connection cannot
 *   name away Host, Content-Length, Transfer-Encoding, Expect, or the forwarding fields below
 * - Expect goes on (H15), but not that of an HTTP/1.0 client
 * - Upgrade and "Connection: Upgrade" are written when request->wants_upgrade (H17; without
 *   any h2c element), HTTP2-Settings never
 * - Transfer-Encoding: chunked is written when the body is chunked
 * - X-Forwarded-For, -Proto, -Host, X-Real-IP, and Forwarded: the client's own are dropped,
 *   and also X-Forwarded-Port, -Server, -Ssl, -Prefix, -By and the like (every X-Forwarded-*),
 *   unless it is trusted: then For is appended to, Forwarded (if there was one) gets an
 *   element appended, and the others are kept if they say anything. What a trusted client
 *   does not say is: Proto, forward_is_secure; Real-IP, the last address of its For
 * - names of these with '_' for any '-' are nobody's to send: they go, trusted or not
 * - Authorization: `authorization` in place of the client's, unless it is empty
 * - X-Request-Id: `request_id` */
void forward_request(struct buf *out, const struct http_request *request,
                     const struct forward_client *client, struct span host,
                     struct span authorization, struct span request_id);

/* Did a trusted client say that its own client came over TLS (the last word of
 * X-Forwarded-Proto is https, or proto=https in the last element of Forwarded)? Otherwise
 * client->secure. For H25. */
bool forward_is_secure(const struct http_request *request, const struct forward_client *client);

/* The request id: a well-formed one of the client's (1 to REQUEST_ID_MAX bytes of visible
 * ASCII without quotes or backslash), else 32 fresh hexadecimal digits. Written into `out` as
 * a C string. */
void forward_request_id(const struct http_request *request, char out[REQUEST_ID_MAX + 1]);

enum forward_connection {
    FORWARD_KEEP_ALIVE, /* nothing for HTTP/1.1, "Connection: keep-alive" for HTTP/1.0 */
    FORWARD_CLOSE,      /* "Connection: close" */
    FORWARD_UPGRADE     /* 101: the upstream's Upgrade and "Connection: Upgrade" */
};

/* The answer as it goes to the client: "HTTP/1.1 status phrase", the fields without the
 * hop-by-hop ones, without those named by Connection (which cannot name framing; H16), and
 * without the framing ones that no longer hold; then the connection's own. Interim answers
 * (1xx) too: NONE, KEEP_ALIVE; that no HTTP/1.0 client gets one is the caller's care (H20).
 * `framing` is how the body goes out: CHUNKED writes Transfer-Encoding, LENGTH and NONE keep
 * the upstream's Content-Length if it had one (HEAD and 304 may have one without a body;
 * 1xx and 204 must not), CLOSE writes neither. */
void forward_response(struct buf *out, const struct http_response *response, unsigned client_minor,
                      enum http_framing framing, enum forward_connection connection);

#endif
