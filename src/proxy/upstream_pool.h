/* The pool of an upstream holds connections to it that have carried an exchange and may carry
 * another, newest first.
 *
 * Whether a pooled connection is still alive is found out when it is taken: bytes or an end on it
 * mean that it is discarded, and nobody sees them (H23). Newest first, because the newest is the
 * likeliest to be alive, and because the rest then grow old and go, so that a pool shrinks to what
 * its traffic needs.
 *
 * METRIC_UPSTREAM_IDLE is kept here. METRIC_UPSTREAM_OPEN belongs to whoever opens or closes a
 * connection: the pool takes off what it closes itself. */
#ifndef PORTICO_PROXY_UPSTREAM_POOL_H
#define PORTICO_PROXY_UPSTREAM_POOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/address.h"
#include "net/stream.h"

/* Idle connections: of one upstream, and of all. The latter are descriptors beyond the two that
 * the limit on connections counts for each client. Busy clients beyond the former keep connecting
 * anew: how many connections idle goes up and down, and what was too many is soon missed. */
#define POOL_IDLE_MAX      1024u
#define UPSTREAMS_IDLE_MAX 2048u

struct upstream_pool;

/* `idle` counts the idle connections of all pools that share it (borrowed, from 0). NULL when
 * out of memory. */
struct upstream_pool *upstream_pool_new(atomic_uint *idle);
void upstream_pool_free(struct upstream_pool *pool); /* closes what is in it; NULL is fine */

/* A pooled connection that is alive, or false. Those that have been idle for longer than
 * `max_idle` microseconds are not considered (H24); expired and dead ones are closed on the
 * way. `stream` is as it was put, its byte counts included; `address` is where it leads. */
bool upstream_pool_get(struct upstream_pool *pool, int64_t now, int64_t max_idle,
                       struct stream *stream, struct address *address);

/* Pools a connection until `expires` (absolute), or closes it when there is no room. The
 * stream is taken over: forgotten by the waiting room before, STREAM_CLOSED for its former
 * owner after. */
void upstream_pool_put(struct upstream_pool *pool, struct stream *stream,
                       const struct address *address, int64_t now, int64_t expires);

/* Closes every pooled connection: after one of them proved that the upstream was restarted. */
void upstream_pool_clear(struct upstream_pool *pool);

/* Closes connections whose time is over; returns when the next one's is (CLOCK_NEVER if there
 * is none). */
int64_t upstream_pool_sweep(struct upstream_pool *pool, int64_t now);

#endif
