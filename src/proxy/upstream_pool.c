/* The pool of an upstream: see upstream_pool.h.
 *
 * Workers put and get, the acceptor sweeps. A pool is a small stack under its own mutex; what is to
 * be probed or closed is taken out first, so that this is not done with the mutex held. The stack
 * grows as it is needed, and is given back when the last connection has expired: upstreams stay
 * when no configuration names them any more.
 *
 * Invariants
 *  1. idle[0..count) lie in the order in which they were put, the newest last; workers read the
 *     clock before they come here, so `since` may be out of order by a hair.
 *  2. `room` is a power of two times ROOM_FIRST and at most POOL_IDLE_MAX, or 0.
 *  3. Each connection in a pool is counted once in *total, which never exceeds
 *     UPSTREAMS_IDLE_MAX, and once in METRIC_UPSTREAM_IDLE. */
#include "proxy/upstream_pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/turnstile.h"
#include "base/yield_point.h"

#define POOL_MAGIC 0x506f6f6cu /* "Pool" */
#define ROOM_FIRST 8u          /* connections that there is room for at first */
#define PORTION    64u         /* connections closed at a time, which lie on the stack meanwhile */
_Static_assert(POOL_IDLE_MAX % ROOM_FIRST == 0, "a pool can be filled");

struct idle {
    struct stream stream; /* owned */
    struct address address;
    int64_t since;
    int64_t expires;
};

struct upstream_pool {
    unsigned magic;
    atomic_uint *total; /* borrowed: idle connections of all pools */
    pthread_mutex_t mutex;
    unsigned count; /* guarded by mutex, as what follows */
    unsigned room;
    struct idle *idle; /* owned; NULL when room is 0 */
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
    check(pool->idle == NULL);
    pthread_mutex_destroy(&pool->mutex);
    pool->magic = 0;
    free(pool);
}

/* Where there is one to be closed there may be hundreds. */
static void close_connection(struct stream *stream)
{
    turnstile_hand_over();
    stream_close(stream);
    metrics_add(METRIC_UPSTREAM_OPEN, -1);
}

/* A place among the UPSTREAMS_IDLE_MAX of all pools, if there is one. */
static bool reserve(struct upstream_pool *pool)
{
    unsigned total = atomic_load_explicit(pool->total, memory_order_relaxed);
    do {
        if (total >= UPSTREAMS_IDLE_MAX)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(pool->total, &total, total + 1,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

/* `count` connections have left the pool, or did not find room in it after reserve(). */
static void unreserve(struct upstream_pool *pool, unsigned count)
{
    atomic_fetch_sub_explicit(pool->total, count, memory_order_relaxed);
}

/* Is there room for one more? Not when the pool is full, nor when memory is. */
static bool make_room_locked(struct upstream_pool *pool)
{
    if (pool->count < pool->room)
        return true;
    unsigned room = pool->room ? 2 * pool->room : ROOM_FIRST;
    struct idle *idle =
        room <= POOL_IDLE_MAX ? realloc(pool->idle, room * sizeof *pool->idle) : NULL;
    if (idle == NULL)
        return false;
    pool->idle = idle;
    pool->room = room;
    return true;
}

void upstream_pool_put(struct upstream_pool *pool, struct stream *stream,
                       const struct address *address, int64_t now, int64_t expires)
{
    check_magic(pool, POOL_MAGIC);
    check(stream->fd != -1);
    struct stream taken = *stream;
    bool pooled = false;
    *stream = STREAM_CLOSED;
    if (expires > now && reserve(pool)) {
        pthread_mutex_lock(&pool->mutex);
        pooled = make_room_locked(pool);
        if (pooled) {
            pool->idle[pool->count++] = (struct idle){taken, *address, now, expires};
            metrics_add(METRIC_UPSTREAM_IDLE, 1);
        }
        pthread_mutex_unlock(&pool->mutex);
        if (!pooled)
            unreserve(pool, 1);
    }
    if (!pooled)
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
static bool pop(struct upstream_pool *pool, int64_t now, int64_t max_idle, struct idle *idle)
{
    bool popped = false;
    pthread_mutex_lock(&pool->mutex);
    if (pool->count > 0 && now - pool->idle[pool->count - 1].since <= max_idle) {
        *idle = pool->idle[--pool->count];
        popped = true;
    }
    pthread_mutex_unlock(&pool->mutex);
    if (popped) {
        unreserve(pool, 1);
        metrics_add(METRIC_UPSTREAM_IDLE, -1);
    }
    return popped;
}

bool upstream_pool_get(struct upstream_pool *pool, int64_t now, int64_t max_idle,
                       struct stream *stream, struct address *address)
{
    struct idle idle;
    check_magic(pool, POOL_MAGIC);
    while (pop(pool, now, max_idle, &idle)) {
        YIELD_POINT("upstream_pool_get popped");
        if (idle.expires > now && is_alive(&idle.stream)) {
            *stream = idle.stream;
            *address = idle.address;
            return true;
        }
        close_connection(&idle.stream);
    }
    return false;
}

/* Takes out what has expired at `now`, a PORTION at most, and says how many those are. *next is
 * when the first of those that stay expires: in the past, if there were more. */
static unsigned take_expired(struct upstream_pool *pool, int64_t now,
                             struct stream expired[PORTION], int64_t *next)
{
    struct idle *unused = NULL;
    unsigned gone = 0, kept = 0;
    *next = CLOCK_NEVER;
    pthread_mutex_lock(&pool->mutex);
    for (unsigned i = 0; i < pool->count; i++) {
        const struct idle *idle = &pool->idle[i];
        if (idle->expires <= now && gone < PORTION) {
            expired[gone++] = idle->stream;
            continue;
        }
        if (idle->expires < *next)
            *next = idle->expires;
        pool->idle[kept++] = *idle;
    }
    pool->count = kept;
    if (kept == 0) {
        unused = pool->idle;
        pool->idle = NULL;
        pool->room = 0;
    }
    pthread_mutex_unlock(&pool->mutex);
    free(unused);
    unreserve(pool, gone);
    metrics_add(METRIC_UPSTREAM_IDLE, -(int64_t)gone);
    return gone;
}

int64_t upstream_pool_sweep(struct upstream_pool *pool, int64_t now)
{
    struct stream expired[PORTION];
    unsigned gone;
    int64_t next;
    check_magic(pool, POOL_MAGIC);
    do {
        gone = take_expired(pool, now, expired, &next);
        for (unsigned i = 0; i < gone; i++)
            close_connection(&expired[i]);
    } while (gone == PORTION);
    return next;
}

/* All at once: what is put meanwhile is newer than what made them useless, and none of them may be
 * taken any more. */
void upstream_pool_clear(struct upstream_pool *pool)
{
    check_magic(pool, POOL_MAGIC);
    pthread_mutex_lock(&pool->mutex);
    struct idle *idle = pool->idle;
    unsigned count = pool->count;
    pool->idle = NULL;
    pool->count = pool->room = 0;
    pthread_mutex_unlock(&pool->mutex);
    unreserve(pool, count);
    metrics_add(METRIC_UPSTREAM_IDLE, -(int64_t)count);
    for (unsigned i = 0; i < count; i++)
        close_connection(&idle[i].stream);
    free(idle);
}
