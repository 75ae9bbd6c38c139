/* A URL as people type it (RFC 3986) is taken apart as a client would. */
#ifndef PORTICO_HTTP_HTTP_URL_H
#define PORTICO_HTTP_HTTP_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

/* All spans point into the URL. */
struct http_url {
    bool is_secure;        /* https, wss */
    bool is_websocket;     /* ws, wss */
    struct span authority; /* what a client says in Host: as written, without the default port */
    struct span host;      /* without port, brackets and trailing dot */
    uint16_t port;         /* as written, or the default */
    struct span target;    /* path and query, to be put behind a "/" if it begins with none; the
                              fragment is off, since no client sends it */
};

/* Takes an absolute URL of the schemes http, https, ws or wss apart. 0; or -1 with an `err`
 * whose message begins with what follows the URL in a sentence ("has no scheme; ..."). What is
 * wrong with the path is for whoever reads the request; only line breaks are refused. */
int http_url_parse(struct span text, struct http_url *url, struct err *err);

#endif
