/* This module looks names up without making a worker wait (resolver.h).
 *
 * Workers call resolver_lookup and resolver_forget; the resolver's own threads take names from
 * a queue, ask the system, and wake whoever waits. All of them meet under one mutex, which
 * nobody holds while asking or waking.
 *
 * A name has one entry, which goes through this:
 *
 *      look-up                 a thread asks            FRESH_TIME           STALE_TIME
 *     ─────────► in flight ──────────────────► fresh ─────────────► stale ─────────────► unknown
 *                    ▲   │                                            │
 *                    │   └──► failed, for FAILURE_TIME                │ served all the same
 *                    └────────────────────────────────────────────────┘ while it is refreshed
 *
 * A failed refresh leaves the stale addresses alone: a name server that restarts must not take
 * down services that stand. If the addresses really are gone, connecting to them fails, and
 * resolver_forget ends their use.
 *
 * Invariants
 *  1. An entry is in flight from when it enters the queue until its answer is in; it is in the
 *     queue at most once, so one look-up is in flight for a name.
 *  2. Only entries in flight have waiters. Entries stay: names come from configurations, and one
 *     that none has any more costs less than a KiB.
 *  3. Waiters are woken once each, after the answer is in the entry. One that has gone away
 *     meanwhile does no harm: its ticket names a wait that is over.
 *  4. A name waits for a thread only when all that there may be are asking: where a name server is
 *     dead, each of its names holds one for half a minute, and the names that need no server must
 *     not wait behind them. A thread ends when nothing is in the queue; while something is, there
 *     is one.
 *  5. The resolver is freed by whoever is the last to use it: resolver_free, or a thread that was
 *     held up in a look-up when that was called. */
#include "net/resolver.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/thread.h"
#include "base/yield_point.h"

#define RESOLVER_MAGIC 0x5265736fu /* "Reso" */
#define FRESH_TIME     (10 * CLOCK_SECOND)
#define STALE_TIME     (600 * CLOCK_SECOND)
#define FAILURE_TIME   CLOCK_SECOND
#define BUCKETS        1024u
#define WHY_SIZE       64u
#define FREE_PATIENCE  1 /* seconds: the end of the process does not wait for a dead name server */

struct entry {
    struct entry *next;       /* in its bucket */
    struct entry *queue_next; /* in the queue */
    bool in_flight;
    int64_t answered; /* when the addresses were learnt */
    int64_t retry;    /* after a failure: not asked again before this */
    size_t count;     /* addresses that are known; 0: none */
    struct address addresses[RESOLVER_ADDRESSES];
    char why[WHY_SIZE];          /* of the last failure */
    struct room_ticket *waiters; /* owned */
    size_t waiter_count;
    size_t waiter_room;
    char name[]; /* fixed after init */
};

struct resolver {
    unsigned magic;
    unsigned threads_max; /* fixed after init */

    pthread_mutex_t mutex;
    pthread_cond_t ended; /* there are no threads any more */
    bool stopping;        /* guarded by mutex, as all that follows */
    bool abandoned;       /* the last thread frees it all */
    unsigned threads;
    struct entry *queue_first;
    struct entry *queue_last;
    struct entry *buckets[BUCKETS]; /* owned */
};

static struct entry **bucket(struct resolver *resolver, const char *name)
{
    return &resolver->buckets[span_hash(span_str(name)) % BUCKETS];
}

static struct entry *find_locked(struct resolver *resolver, const char *name)
{
    struct entry *entry = *bucket(resolver, name);
    while (entry && strcasecmp(entry->name, name) != 0)
        entry = entry->next;
    return entry;
}

/* NULL without memory. */
static struct entry *add_locked(struct resolver *resolver, const char *name)
{
    size_t size = strlen(name) + 1;
    struct entry *entry = calloc(1, sizeof *entry + size);
    if (entry == NULL)
        return NULL;
    memcpy(entry->name, name, size);
    struct entry **first = bucket(resolver, name);
    entry->next = *first;
    *first = entry;
    return entry;
}

static void *run(void *arg);

/* False when there is no thread that would come to it. */
static bool enqueue_locked(struct resolver *resolver, struct entry *entry)
{
    pthread_t thread;
    if (resolver->threads < resolver->threads_max &&
        thread_start(&thread, "resolver", run, resolver) == 0) {
        pthread_detach(thread);
        resolver->threads++;
    }
    if (resolver->threads == 0)
        return false;
    entry->in_flight = true;
    entry->queue_next = NULL;
    if (resolver->queue_first == NULL)
        resolver->queue_first = entry;
    else
        resolver->queue_last->queue_next = entry;
    resolver->queue_last = entry;
    return true;
}

/* 0, or -1 with errno. */
static int add_waiter_locked(struct entry *entry, struct room_ticket ticket)
{
    if (entry->waiter_count == entry->waiter_room) {
        size_t room = entry->waiter_room ? 2 * entry->waiter_room : 4;
        struct room_ticket *waiters = realloc(entry->waiters, room * sizeof *waiters);
        if (waiters == NULL)
            return -1;
        entry->waiters = waiters;
        entry->waiter_room = room;
    }
    entry->waiters[entry->waiter_count++] = ticket;
    return 0;
}

/* Copies the addresses of `list` without duplicates; how many. */
static size_t collect(const struct addrinfo *list, struct address addresses[RESOLVER_ADDRESSES])
{
    size_t count = 0;
    for (; list && count < RESOLVER_ADDRESSES; list = list->ai_next) {
        if (list->ai_family != AF_INET && list->ai_family != AF_INET6)
            continue;
        struct address *address = &addresses[count];
        address_from_sockaddr(list->ai_addr, list->ai_addrlen, address);
        size_t i = 0;
        while (!address_same_ip(&addresses[i], address))
            i++;
        if (i == count)
            count++;
    }
    return count;
}

/* What a thread learnt about an entry. */
struct answer {
    struct address addresses[RESOLVER_ADDRESSES];
    size_t count; /* 0: failed */
    char why[WHY_SIZE];
};

/* No AI_ADDRCONFIG: it ignores loopback, so on a machine that has nothing else it would make
 * "localhost" unknown. What it would save, trying IPv6 addresses without IPv6, costs nothing:
 * getaddrinfo sorts what cannot be reached to the end (RFC 6724), and connecting there fails
 * at once. */
static void ask(const char *name, struct answer *answer)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list = NULL;
    char text[WHY_SIZE];
    const char *why = "no usable address";
    int error = getaddrinfo(name, NULL, &hints, &list);
    answer->count = error == 0 ? collect(list, answer->addresses) : 0;
    if (error == EAI_SYSTEM)
        why = strerror_r(errno, text, sizeof text);
    else if (error != 0)
        why = gai_strerror(error);
    snprintf(answer->why, sizeof answer->why, "%s", why);
    if (list)
        freeaddrinfo(list);
}

static void settle_locked(struct entry *entry, const struct answer *answer, int64_t at)
{
    entry->in_flight = false;
    if (answer->count > 0) {
        memcpy(entry->addresses, answer->addresses, answer->count * sizeof answer->addresses[0]);
        entry->count = answer->count;
        entry->answered = at;
        entry->retry = at;
    } else {
        memcpy(entry->why, answer->why, sizeof entry->why);
        entry->retry = at + FAILURE_TIME;
    }
}

/* Nobody uses it any more. */
static void destroy(struct resolver *resolver)
{
    for (size_t b = 0; b < BUCKETS; b++) {
        for (struct entry *entry = resolver->buckets[b], *next; entry; entry = next) {
            next = entry->next;
            free(entry->waiters);
            free(entry);
        }
    }
    pthread_cond_destroy(&resolver->ended);
    pthread_mutex_destroy(&resolver->mutex);
    resolver->magic = 0;
    free(resolver);
}

static void *run(void *arg)
{
    struct resolver *resolver = arg;
    pthread_mutex_lock(&resolver->mutex);
    while (resolver->queue_first && !resolver->stopping) {
        struct entry *entry = resolver->queue_first;
        resolver->queue_first = entry->queue_next;
        pthread_mutex_unlock(&resolver->mutex);

        struct answer answer;
        ask(entry->name, &answer);
        int64_t at = clock_now();

        pthread_mutex_lock(&resolver->mutex);
        if (resolver->stopping)
            break;
        settle_locked(entry, &answer, at);
        struct room_ticket *waiters = entry->waiters;
        size_t count = entry->waiter_count;
        entry->waiters = NULL;
        entry->waiter_count = entry->waiter_room = 0;
        pthread_mutex_unlock(&resolver->mutex);

        YIELD_POINT("resolver answered");
        for (size_t i = 0; i < count; i++)
            room_wake(waiters[i]);
        free(waiters);
        pthread_mutex_lock(&resolver->mutex);
    }
    bool last = --resolver->threads == 0 && resolver->abandoned;
    pthread_cond_signal(&resolver->ended);
    pthread_mutex_unlock(&resolver->mutex);
    if (last)
        destroy(resolver);
    return NULL;
}

struct resolver *resolver_new(unsigned threads, struct err *err)
{
    check(threads > 0);
    struct resolver *resolver = calloc(1, sizeof *resolver);
    if (resolver == NULL) {
        err_set_errno(err, ENOMEM, "cannot start the resolver");
        return NULL;
    }
    resolver->magic = RESOLVER_MAGIC;
    resolver->threads_max = threads;
    pthread_mutex_init(&resolver->mutex, NULL);
    pthread_cond_init(&resolver->ended, NULL);
    return resolver;
}

void resolver_free(struct resolver *resolver)
{
    struct timespec until;
    int error = 0;
    if (resolver == NULL)
        return;
    check_magic(resolver, RESOLVER_MAGIC);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += FREE_PATIENCE;
    pthread_mutex_lock(&resolver->mutex);
    resolver->stopping = true;
    while (resolver->threads > 0 && error == 0)
        error = pthread_cond_timedwait(&resolver->ended, &resolver->mutex, &until);
    bool last = resolver->threads == 0;
    resolver->abandoned = !last;
    pthread_mutex_unlock(&resolver->mutex);
    if (last)
        destroy(resolver);
}

/* The whole policy. With RESOLVER_FAILED *why is set. */
static enum resolver_result lookup_locked(struct resolver *resolver, const char *name,
                                          struct room_ticket ticket, struct entry **found,
                                          const char **why)
{
    int64_t at = clock_now();
    struct entry *entry = find_locked(resolver, name);
    if (entry == NULL)
        entry = add_locked(resolver, name);
    if (entry == NULL) {
        *why = "out of memory";
        return RESOLVER_FAILED;
    }
    *found = entry;
    bool known = entry->count > 0 && at < entry->answered + STALE_TIME;
    bool fresh = known && at < entry->answered + FRESH_TIME;
    bool failed = at < entry->retry;
    bool asked = fresh || failed || entry->in_flight || enqueue_locked(resolver, entry);
    if (known)
        return RESOLVER_DONE;
    if (!asked) {
        *why = "there is no thread to ask";
        return RESOLVER_FAILED;
    }
    if (failed) {
        *why = entry->why;
        return RESOLVER_FAILED;
    }
    if (add_waiter_locked(entry, ticket) == 0)
        return RESOLVER_PENDING;
    *why = "out of memory";
    return RESOLVER_FAILED;
}

enum resolver_result resolver_lookup(struct resolver *resolver, const char *host, uint16_t port,
                                     struct room_ticket ticket,
                                     struct address addresses[RESOLVER_ADDRESSES], size_t *count,
                                     char *why, size_t why_size)
{
    struct entry *entry = NULL;
    const char *text = NULL;
    check_magic(resolver, RESOLVER_MAGIC);
    if (address_parse_ip(span_str(host), port, &addresses[0])) {
        *count = 1;
        return RESOLVER_DONE;
    }
    *count = 0;
    pthread_mutex_lock(&resolver->mutex);
    enum resolver_result result = lookup_locked(resolver, host, ticket, &entry, &text);
    if (result == RESOLVER_DONE) {
        *count = entry->count;
        memcpy(addresses, entry->addresses, entry->count * sizeof entry->addresses[0]);
    } else if (result == RESOLVER_FAILED) {
        snprintf(why, why_size, "%s", text);
    }
    pthread_mutex_unlock(&resolver->mutex);
    for (size_t i = 0; i < *count; i++)
        address_set_port(&addresses[i], port);
    return result;
}

void resolver_forget(struct resolver *resolver, const char *host)
{
    check_magic(resolver, RESOLVER_MAGIC);
    pthread_mutex_lock(&resolver->mutex);
    struct entry *entry = find_locked(resolver, host);
    /* Without addresses there is nothing to forget: the last look-up failed after they were
     * handed out, and is to be remembered. */
    if (entry && entry->count > 0) {
        entry->count = 0;
        entry->retry = 0;
    }
    pthread_mutex_unlock(&resolver->mutex);
}
