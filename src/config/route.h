/* A route says what is done for a host, and the table of routes finds it in one look-up.
 *
 * Names are exact for now. The table is immutable, and part of a struct config. */
#ifndef PORTICO_CONFIG_ROUTE_H
#define PORTICO_CONFIG_ROUTE_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "format/value.h"

enum cert_type { CERT_SELF_SIGNED, CERT_ACME, CERT_NONE };

/* Where something listens. */
struct config_place {
    char *text; /* as written: "host:port", "[::1]:80" or "builtin:hello" */
    char *host; /* lower case, without brackets; NULL for builtin:hello */
    uint16_t port;
};

struct config_timeouts { /* all in microseconds */
    int64_t handshake, head, keep_alive, linger;
    int64_t connect, answer, write, tunnel, tunnel_half, body, upstream_idle;
};

/* One of the routes. */
struct config_route {
    char *host; /* lower case, no trailing dot, no port; IPv6 without brackets */
    struct config_place upstream;
    enum cert_type cert_type;
    struct config_timeouts timeouts; /* the route's own, else those of the configuration */
    char *authorization; /* a secret: what the upstream gets as the Authorization field in place of
                            the client's; NULL: the client's own */
    unsigned line;       /* of the host in the file; 0 when its parser gave no places */
    const struct value_table *written; /* what the file says about it, in the tree */
    void *upstream_state; /* owned elsewhere: the proxy's struct upstream, set once before
                             the configuration is published */
};

struct route_table;

/* Compiles `routes` (borrowed, must outlive the table): of those with the same host, the first;
 * and none whose host is NULL. NULL when out of memory. */
struct route_table *route_table_new(const struct config_route *routes, size_t count);
void route_table_free(struct route_table *table);

/* The route for a host (row H06: any case, a trailing dot is ignored; the port is off
 * already, IPv6 literals have no brackets), or NULL. */
const struct config_route *route_find(const struct route_table *table, struct span host);

#endif
