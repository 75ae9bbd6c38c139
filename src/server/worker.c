/* Workers: see worker.h.
 *
 * The snapshot of the configuration lies in `resting` while its worker serves nobody, where
 * workers_refresh can replace it: otherwise an idle worker would keep an old configuration for as
 * long as nothing comes. Whoever takes a reference out of there, or finds one where it puts its
 * own, has it to give back; so worker and refresher need no lock.
 *
 * `serving` is written by its worker and read, without a lock, by a panic report. */
#include "server/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/metrics.h"
#include "base/thread.h"
#include "base/turnstile.h"
#include "net/bulk.h"
#include "net/stream.h"
#include "proxy/connection.h"
#include "proxy/turn.h"

struct worker {
    struct service *service;     /* borrowed, as the next */
    struct turnstile *turnstile; /* of the pool */
    pthread_t thread;
    char name[16];
    struct connection *_Atomic serving; /* NULL while waiting for a connection */

    struct config *_Atomic resting; /* a reference, or NULL while it is in use */
    unsigned config_version;        /* its thread only: the snapshot is at least as new */
};

struct workers {
    struct turnstile turnstile;
    unsigned count;
    struct worker items[];
};

static struct workers *_Atomic reported;

static unsigned current_version(const struct worker *worker)
{
    return atomic_load(&worker->service->config_version);
}

/* Puts a reference where it rests, in the place of one that somebody else may have put there. */
static void put_config(struct worker *worker, struct config *config)
{
    config_unref(atomic_exchange(&worker->resting, config));
}

/* Replaces a snapshot that is not in use. */
static void renew_config(struct worker *worker)
{
    struct config *old = atomic_exchange(&worker->resting, NULL);
    if (old == NULL)
        return;
    config_unref(old);
    put_config(worker, service_config(worker->service));
}

/* The snapshot for a turn: taken anew if a configuration has been published since the last. */
static struct config *take_config(struct worker *worker)
{
    struct config *config = atomic_exchange(&worker->resting, NULL);
    unsigned version = current_version(worker);
    if (config && version == worker->config_version)
        return config;
    config_unref(config);
    worker->config_version = version;
    return service_config(worker->service);
}

/* The turn is over. Whatever was published meanwhile did not find the snapshot resting. */
static void rest_config(struct worker *worker, struct config *config)
{
    unsigned version;
    put_config(worker, config);
    while ((version = current_version(worker)) != worker->config_version) {
        worker->config_version = version;
        renew_config(worker);
    }
}

static void *run(void *arg)
{
    struct worker *worker = arg;
    struct room_slot *slot;
    turnstile_enter(worker->turnstile);
    while ((slot = room_take(worker->service->room)) != NULL) {
        struct connection *connection = (struct connection *)(void *)slot;
        atomic_store_explicit(&worker->serving, connection, memory_order_relaxed);
        metrics_add(METRIC_WORKERS_BUSY, 1);
        struct turn turn = {.config = take_config(worker), .began = clock_now()};
        turn.now = turn.began;
        connection_serve(connection, &turn);
        rest_config(worker, turn.config);
        metrics_add(METRIC_WORKERS_BUSY, -1);
        atomic_store_explicit(&worker->serving, NULL, memory_order_relaxed);
        turnstile_pass(worker->turnstile);
    }
    turnstile_leave(worker->turnstile);
    put_config(worker, NULL);
    bulk_thread_release();
    stream_thread_release();
    buf_thread_release();
    tls_thread_release();
    return NULL;
}

static void hand_over(void *room)
{
    room_hand_over(room);
}

struct workers *workers_new(struct service *service, unsigned count, unsigned permits,
                            struct err *err)
{
    check(count > 0 && count <= WORKERS_MAX);
    struct workers *workers = calloc(1, sizeof *workers + count * sizeof workers->items[0]);
    if (workers == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    turnstile_init(&workers->turnstile, permits);
    turnstile_on_hand_over(&workers->turnstile, hand_over, service->room);
    for (; workers->count < count; workers->count++) {
        struct worker *worker = &workers->items[workers->count];
        worker->service = service;
        worker->turnstile = &workers->turnstile;
        /* From the first moment on there is one reference each. */
        worker->config_version = current_version(worker);
        put_config(worker, service_config(service));
        snprintf(worker->name, sizeof worker->name, "w%02u", workers->count);
        if (thread_start(&worker->thread, worker->name, run, worker) == 0)
            continue;
        int error = errno;
        put_config(worker, NULL);
        err_set_errno(err, error, "worker %u of %u cannot be started", workers->count + 1, count);
        err_hint(err, "lower [server] workers, or raise the limit on threads (ulimit -u)");
        room_stop(service->room);
        workers_free(workers);
        return NULL;
    }
    atomic_store(&reported, workers);
    return workers;
}

void workers_free(struct workers *workers)
{
    if (workers == NULL)
        return;
    atomic_store(&reported, NULL);
    turnstile_open(&workers->turnstile);
    for (unsigned i = 0; i < workers->count; i++)
        pthread_join(workers->items[i].thread, NULL);
    turnstile_release(&workers->turnstile);
    free(workers);
}

/* The host of the exchange that the worker is in, or NULL: the exchange of another worker than
 * the one that asks may end this very moment. */
static const char *own_host(const struct worker *worker, const struct connection *c)
{
    if (!pthread_equal(worker->thread, pthread_self()) || !c->exchange || !c->exchange->route)
        return NULL;
    return c->exchange->route->host;
}

void workers_refresh(struct workers *workers)
{
    for (unsigned i = 0; i < workers->count; i++)
        renew_config(&workers->items[i]);
}

void workers_report(int fd)
{
    const struct workers *workers = atomic_load(&reported);
    for (unsigned i = 0; workers && i < workers->count; i++) {
        const struct worker *worker = &workers->items[i];
        const struct connection *c = atomic_load(&worker->serving);
        char address[ADDRESS_TEXT];
        if (c == NULL) {
            check_print(fd, "portico:   %s waits for a connection\n", worker->name);
            continue;
        }
        const char *host = own_host(worker, c);
        check_print(fd, "portico:   %s serves slot %u, client %s, phase %s, request %u%s%s\n",
                    worker->name, c->slot.index, address_format(&c->client_address, address),
                    phase_name(c->phase), c->requests, host ? ", host " : "", host ? host : "");
    }
}
