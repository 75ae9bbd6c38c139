/* Upstreams: where requests go, and the connections to them that lie idle.
 *
 * An upstream is run-time state that outlives configurations, keyed by what was written in
 * the file ("nas:8080"). Its pool keeps connections that have carried an exchange and may carry
 * another, newest first. A pooled descriptor is in no epoll set; whether it is still alive is
 * found out when it is taken: bytes or an end on it mean that it is discarded (H23).
 *
 * The registry and the pools are used by every worker, each upstream under its own mutex; the
 * acceptor closes what has been idle for too long. */
#ifndef PORTICO_PROXY_UPSTREAM_H
#define PORTICO_PROXY_UPSTREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "net/address.h"
#include "net/stream.h"

struct upstreams; /* the registry */

struct upstream {
    char *name; /* as written; the key. Fixed after init, as the next two */
    char *host; /* NULL for the built-in one */
    uint16_t port;
    struct upstream_pool *pool; /* owned */
    struct upstream *next;      /* the registry's */
};

struct upstreams *upstreams_new(void);
void upstreams_free(struct upstreams *upstreams);

/* Gives every route of a configuration that is not published yet its upstream, making those
 * that are new. 0, or -1 when out of memory. */
int upstreams_attach(struct upstreams *upstreams, struct config *config);

/* Closes connections whose time is over; returns when the next one's is (CLOCK_NEVER if there
 * is none). */
int64_t upstreams_sweep(struct upstreams *upstreams, int64_t now);

/* Closes all idle connections: for shutdown. */
void upstreams_close_idle(struct upstreams *upstreams);

/* A pooled connection that is alive, or false. Those that have been idle for longer than
 * `max_idle` microseconds are not considered (H24); dead ones are closed on the way. `address`
 * is where it leads. */
bool upstream_pool_get(struct upstream_pool *pool, int64_t now, int64_t max_idle,
                       struct stream *stream, struct address *address);

/* Pools a connection until `expires`, or closes it when the pool is full. The stream is taken
 * over: forgotten by the waiting room before, closed for its former owner after. */
void upstream_pool_put(struct upstream_pool *pool, struct stream *stream,
                       const struct address *address, int64_t now, int64_t expires);

/* Closes every pooled connection: after one of them proved that the upstream was restarted. */
void upstream_pool_clear(struct upstream_pool *pool);

#endif
