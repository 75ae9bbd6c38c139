/* This module keeps the idle connections of an upstream (upstream_pool.h).
 *
 * Workers put and get, the acceptor sweeps. A pool is a stack under its own mutex; what is to be
 * probed or closed is taken out first, so that this is not done with the mutex held.
 *
 * Invariants
 *  1. The newest connection is the first of the list; workers read the clock before they come here,
 *     so `since` may be out of order by a hair.
 *  2. Each connection in a pool is counted once in its `count`, which never exceeds POOL_IDLE_MAX,
 *     once in *total, which never exceeds UPSTREAMS_IDLE_MAX, and once in METRIC_UPSTREAM_IDLE. */
#include "proxy/upstream_pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/yield_point.h"

#define POOL_MAGIC 0x506f6f6cu /* "Pool" */

struct idle {
    struct idle *next;
    struct stream stream; /* owned */
    struct address address;
    int64_t since;
    int64_t expires;
};

struct upstream_pool {
    unsigned magic;
    atomic_uint *total; /* borrowed: idle connections of all pools */
    pthread_mutex_t mutex;
    unsigned count;     /* guarded by mutex, as what follows */
    struct idle *first; /* owned */
    struct idle *spare; /* owned: empty ones, for the time until the next sweep */
};

struct upstream_pool *upstream_pool_new(atomic_uint *idle)
{
    struct upstream_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return NULL;
    pool->magic = POOL_MAGIC;
    pool->total = idle;
    pthread_mutex_init(&pool->mutex, NULL);
    return pool;
}

void upstream_pool_free(struct upstream_pool *pool)
{
    if (pool == NULL)
        return;
    upstream_pool_clear(pool);
    pthread_mutex_destroy(&pool->mutex);
    pool->magic = 0;
    free(pool);
}

static void close_connection(struct stream *stream)
{
    stream_close(stream);
    metrics_add(METRIC_UPSTREAM_OPEN, -1);
}

/* A place among the UPSTREAMS_IDLE_MAX of all pools, if there is one. */
static bool reserve(struct upstream_pool *pool)
{
    if (atomic_fetch_add_explicit(pool->total, 1, memory_order_relaxed) < UPSTREAMS_IDLE_MAX)
        return true;
    atomic_fetch_sub_explicit(pool->total, 1, memory_order_relaxed);
    return false;
}

/* `count` connections have left the pool. */
static void unreserve(struct upstream_pool *pool, unsigned count)
{
    atomic_fetch_sub_explicit(pool->total, count, memory_order_relaxed);
    metrics_add(METRIC_UPSTREAM_IDLE, -(int64_t)count);
}

/* One more, at the beginning of the list. NULL: there is no room. */
static struct idle *add_locked(struct upstream_pool *pool)
{
    struct idle *idle = pool->spare;
    if (pool->count >= POOL_IDLE_MAX)
        return NULL;
    if (idle)
        pool->spare = idle->next;
    else if ((idle = malloc(sizeof *idle)) == NULL)
        return NULL;
    idle->next = pool->first;
    pool->first = idle;
    pool->count++;
    return idle;
}

void upstream_pool_put(struct upstream_pool *pool, struct stream *stream,
                       const struct address *address, int64_t now, int64_t expires)
{
    check_magic(pool, POOL_MAGIC);
    check(stream->fd != -1);
    struct stream taken = *stream;
    struct idle *idle = NULL;
    *stream = STREAM_CLOSED;
    if (expires > now && reserve(pool)) {
        metrics_add(METRIC_UPSTREAM_IDLE, 1);
        pthread_mutex_lock(&pool->mutex);
        idle = add_locked(pool);
        if (idle)
            *idle = (struct idle){idle->next, taken, *address, now, expires};
        pthread_mutex_unlock(&pool->mutex);
        if (idle == NULL)
            unreserve(pool, 1);
    }
    if (idle == NULL)
        close_connection(&taken);
}

/* Silence is the only sign of life: the end, an error, or bytes that no request asked for make
 * a connection useless. */
static bool is_alive(const struct stream *stream)
{
    char byte;
    if (stream_has_unread(stream))
        return false;
    return recv(stream->fd, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT) == -1 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* Takes the newest connection out, unless even that has been idle for too long. */
static bool pop(struct upstream_pool *pool, int64_t now, int64_t max_idle, struct idle *out)
{
    pthread_mutex_lock(&pool->mutex);
    struct idle *idle = pool->first;
    if (idle && now - idle->since > max_idle)
        idle = NULL;
    if (idle) {
        *out = *idle;
        pool->first = idle->next;
        pool->count--;
        idle->next = pool->spare;
        pool->spare = idle;
    }
    pthread_mutex_unlock(&pool->mutex);
    if (idle)
        unreserve(pool, 1);
    return idle != NULL;
}

bool upstream_pool_get(struct upstream_pool *pool, int64_t now, int64_t max_idle,
                       struct stream *stream, struct address *address)
{
    struct idle idle;
    check_magic(pool, POOL_MAGIC);
    while (pop(pool, now, max_idle, &idle)) {
        YIELD_POINT("upstream_pool_get popped");
        *stream = idle.stream;
        *address = idle.address;
        if (idle.expires > now && is_alive(stream))
            return true;
        close_connection(stream);
    }
    return false;
}

int64_t upstream_pool_sweep(struct upstream_pool *pool, int64_t now)
{
    struct idle *expired = NULL, **link = &pool->first, *spare;
    unsigned gone = 0;
    int64_t next = CLOCK_NEVER;
    check_magic(pool, POOL_MAGIC);
    pthread_mutex_lock(&pool->mutex);
    while (*link) {
        struct idle *idle = *link;
        if (idle->expires > now) {
            next = idle->expires < next ? idle->expires : next;
            link = &idle->next;
            continue;
        }
        *link = idle->next;
        idle->next = expired;
        expired = idle;
        gone++;
    }
    pool->count -= gone;
    spare = pool->spare;
    pool->spare = NULL;
    pthread_mutex_unlock(&pool->mutex);
    unreserve(pool, gone);
    for (struct idle *idle; (idle = expired) != NULL; free(idle)) {
        expired = idle->next;
        close_connection(&idle->stream);
    }
    for (struct idle *idle; (idle = spare) != NULL; free(idle))
        spare = idle->next;
    return next;
}

/* All at once: what is put meanwhile is newer than what made them useless, and none of them may be
 * taken any more. */
void upstream_pool_clear(struct upstream_pool *pool)
{
    (void)upstream_pool_sweep(pool, CLOCK_NEVER);
}
