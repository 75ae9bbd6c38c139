/* Workers: see worker.h.
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
#include "net/bulk.h"
#include "net/stream.h"
#include "proxy/connection.h"
#include "proxy/turn.h"

struct worker {
    struct service *service; /* borrowed */
    pthread_t thread;
    char name[16];
    struct connection *_Atomic serving; /* NULL while waiting for a connection */
};

struct workers {
    unsigned count;
    struct worker items[];
};

static struct workers *_Atomic reported;

static void *run(void *arg)
{
    struct worker *worker = arg;
    struct room_slot *slot;
    while ((slot = room_take(worker->service->room)) != NULL) {
        struct connection *connection = (struct connection *)(void *)slot;
        atomic_store_explicit(&worker->serving, connection, memory_order_relaxed);
        metrics_add(METRIC_WORKERS_BUSY, 1);
        struct turn turn = {.config = service_config(worker->service),
                            .room = worker->service->room,
                            .began = clock_now()};
        turn.now = turn.began;
        connection_serve(connection, &turn);
        config_unref(turn.config);
        metrics_add(METRIC_WORKERS_BUSY, -1);
        atomic_store_explicit(&worker->serving, NULL, memory_order_relaxed);
    }
    bulk_thread_release();
    stream_thread_release();
    buf_thread_release();
    tls_thread_release();
    return NULL;
}

struct workers *workers_new(struct service *service, unsigned count, struct err *err)
{
    struct workers *workers = calloc(1, sizeof *workers + count * sizeof workers->items[0]);
    if (workers == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    for (; workers->count < count; workers->count++) {
        struct worker *worker = &workers->items[workers->count];
        worker->service = service;
        snprintf(worker->name, sizeof worker->name, "w%02u", workers->count);
        if (thread_start(&worker->thread, worker->name, run, worker) == 0)
            continue;
        int error = errno;
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
    for (unsigned i = 0; i < workers->count; i++)
        pthread_join(workers->items[i].thread, NULL);
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
