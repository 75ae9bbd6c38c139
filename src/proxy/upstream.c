/* This module is the registry of upstreams (upstream.h).
 *
 * The registry is a list that only grows. Its head is guarded by a mutex; what hangs from it
 * never changes, so a walk needs the mutex only to read where it begins. The main thread and
 * "admin" attach configurations, finding names by their hash; the acceptor sweeps, and workers
 * reach upstreams through routes. */
#include "proxy/upstream.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"

#define UPSTREAMS_MAGIC 0x55707374u /* "Upst" */
#define BUCKETS         4096u

struct upstreams {
    unsigned magic;
    atomic_uint idle; /* idle connections of all pools */
    pthread_mutex_t mutex;
    struct upstream *first; /* owned; guarded by mutex, as the next */
    struct upstream *buckets[BUCKETS];
};

struct upstreams *upstreams_new(void)
{
    struct upstreams *upstreams = calloc(1, sizeof *upstreams);
    if (upstreams == NULL)
        return NULL;
    upstreams->magic = UPSTREAMS_MAGIC;
    pthread_mutex_init(&upstreams->mutex, NULL);
    return upstreams;
}

static void upstream_free(struct upstream *upstream)
{
    upstream_pool_free(upstream->pool);
    free(upstream->host);
    free(upstream->name);
    free(upstream);
}

void upstreams_free(struct upstreams *upstreams)
{
    if (upstreams == NULL)
        return;
    check_magic(upstreams, UPSTREAMS_MAGIC);
    for (struct upstream *upstream = upstreams->first, *next; upstream; upstream = next) {
        next = upstream->next;
        upstream_free(upstream);
    }
    check(atomic_load(&upstreams->idle) == 0);
    pthread_mutex_destroy(&upstreams->mutex);
    upstreams->magic = 0;
    free(upstreams);
}

static struct upstream *upstream_new(const struct config_route *route, atomic_uint *idle)
{
    struct upstream *upstream = calloc(1, sizeof *upstream);
    if (upstream == NULL)
        return NULL;
    upstream->name = strdup(route->upstream.text);
    upstream->host = route->upstream.host ? strdup(route->upstream.host) : NULL;
    upstream->port = route->upstream.port;
    upstream->pool = upstream_pool_new(idle);
    if (upstream->name == NULL || upstream->pool == NULL ||
        (route->upstream.host && upstream->host == NULL)) {
        upstream_free(upstream);
        return NULL;
    }
    return upstream;
}

static struct upstream *find_or_add_locked(struct upstreams *upstreams,
                                           const struct config_route *route)
{
    const char *name = route->upstream.text;
    struct upstream **bucket = &upstreams->buckets[span_hash(span_str(name)) % BUCKETS];
    struct upstream *upstream = *bucket;
    while (upstream && strcmp(upstream->name, name) != 0)
        upstream = upstream->next_in_bucket;
    if (upstream)
        return upstream;
    upstream = upstream_new(route, &upstreams->idle);
    if (upstream) {
        upstream->next = upstreams->first;
        upstreams->first = upstream;
        upstream->next_in_bucket = *bucket;
        *bucket = upstream;
    }
    return upstream;
}

int upstreams_attach(struct upstreams *upstreams, struct config *config)
{
    int result = 0;
    check_magic(upstreams, UPSTREAMS_MAGIC);
    pthread_mutex_lock(&upstreams->mutex);
    for (size_t i = 0; i < config->route_count && result == 0; i++) {
        struct config_route *route = &config->routes[i];
        route->upstream_state = find_or_add_locked(upstreams, route);
        if (route->upstream_state == NULL)
            result = -1;
    }
    pthread_mutex_unlock(&upstreams->mutex);
    return result;
}

static struct upstream *first_upstream(struct upstreams *upstreams)
{
    check_magic(upstreams, UPSTREAMS_MAGIC);
    pthread_mutex_lock(&upstreams->mutex);
    struct upstream *first = upstreams->first;
    pthread_mutex_unlock(&upstreams->mutex);
    return first;
}

int64_t upstreams_sweep(struct upstreams *upstreams, int64_t now)
{
    int64_t earliest = CLOCK_NEVER;
    for (struct upstream *at = first_upstream(upstreams); at; at = at->next) {
        int64_t next = upstream_pool_sweep(at->pool, now);
        if (next < earliest)
            earliest = next;
    }
    return earliest;
}

void upstreams_close_idle(struct upstreams *upstreams)
{
    for (struct upstream *at = first_upstream(upstreams); at; at = at->next)
        upstream_pool_clear(at->pool);
}
