/* An upstream is a place where requests go; all of them are in a registry.
 *
 * An upstream is run-time state that outlives configurations, keyed by what was written in
 * the file ("nas:8080"). It is looked up by name only while a configuration is loaded; a
 * request finds it in its route. Upstreams that no configuration names any more stay: a few
 * hundred bytes each, once their pool has run empty.
 *
 * Pools (proxy/upstream_pool.h) are used by every worker, each under its own mutex; the
 * acceptor closes what has been idle for too long. */
#ifndef PORTICO_PROXY_UPSTREAM_H
#define PORTICO_PROXY_UPSTREAM_H

#include <stdint.h>

#include "config/config.h"
#include "proxy/upstream_pool.h"

struct upstreams; /* the registry */

struct upstream {
    char *name; /* as written; the key. Fixed after init, as the next two */
    char *host; /* NULL for the built-in one */
    uint16_t port;
    struct upstream_pool *pool; /* owned */
    struct upstream *next;      /* the registry's, as the next */
    struct upstream *next_in_bucket;
};

/* NULL when out of memory. */
struct upstreams *upstreams_new(void);

/* Closes all idle connections and frees every upstream: no configuration that was attached is
 * used any more. NULL is fine. */
void upstreams_free(struct upstreams *upstreams);

/* Gives every route of a configuration that is not published yet its upstream, making those
 * that are new. 0, or -1 when out of memory. Any thread. */
int upstreams_attach(struct upstreams *upstreams, struct config *config);

/* Closes connections whose time is over; returns when the next one's is (CLOCK_NEVER if there
 * is none). */
int64_t upstreams_sweep(struct upstreams *upstreams, int64_t now);

/* Closes all idle connections: for shutdown, or when descriptors run out. */
void upstreams_close_idle(struct upstreams *upstreams);

#endif
