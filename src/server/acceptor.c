/* This module takes connections in and watches the clock (acceptor.h).
 *
 * Everything but the three atomics, the semaphore and the eventfd belongs to its thread. */
#include "server/acceptor.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/thread.h"
#include "net/listener.h"
#include "proxy/connection.h"
#include "proxy/trust.h"
#include "server/overload.h"

/* Connections accepted between two sweeps. */
#define ACCEPT_BATCH 64u
/* Connections accepted from a listener before it is closed, at most. */
#define RETIRE_MAX 4096u
/* How late a deadline may be noticed, and how long the listeners rest when there is no room. */
#define TICK (100 * CLOCK_MS)

struct acceptor {
    struct service *service; /* borrowed, as the next */
    struct admission *admission;
    pthread_t thread;
    int wake_fd;
    bool started; /* main thread only */
    atomic_bool stopping;
    atomic_bool resting;                            /* no room: somebody's end is worth a wake-up */
    const struct listener_set *_Atomic replacement; /* for the listeners; NULL: none */
    sem_t replaced;                                 /* posted once it is in their place */

    struct config *config; /* a reference, but while it sleeps */
    struct listener_set listeners;
    int64_t swept;
    struct overload overload;
    struct refusal over_limit; /* what a client with too many connections is told */
    int64_t complained;        /* when the last line about a client over its limit was written */
    uint64_t unsaid;           /* clients turned away since then */
};

static void wake(struct acceptor *acceptor)
{
    uint64_t one = 1;
    ssize_t written = write(acceptor->wake_fd, &one, sizeof one);
    check(written == (ssize_t)sizeof one);
}

/* Says, at most once a second, that clients were turned away: a flood must not fill the log. */
static void complain(struct acceptor *acceptor, const struct address *client)
{
    char address[ADDRESS_TEXT];
    int64_t now = clock_now();
    acceptor->unsaid++;
    if (now - acceptor->complained < CLOCK_SECOND)
        return;
    log_write(LOG_WARN,
              "%s closed: %s: it has as many connections as max_per_client allows (turned away "
              "since the last such line: %llu)",
              address_format(client, address), reason_code(REASON_CLIENT_LIMIT),
              (unsigned long long)acceptor->unsaid);
    acceptor->complained = now;
    acceptor->unsaid = 0;
}

/* Decides on one that was accepted. False: it was turned away, and is closed. */
static bool admit(struct acceptor *acceptor, int fd, const struct address *client, bool trusted,
                  bool secure)
{
    const struct refusal *refusal = NULL;
    if (!overload_admits(&acceptor->overload, secure)) {
        refusal = &acceptor->service->overloaded;
    } else if (!trusted &&
               !admission_enter(acceptor->admission, client, acceptor->config->max_per_client)) {
        refusal = &acceptor->over_limit;
        complain(acceptor, client);
    }
    if (refusal == NULL)
        return true;
    refusal_send(refusal, fd, secure);
    close(fd);
    return false;
}

/* Takes one connection in. False when there is none, or no room for one. */
static bool accept_one(struct acceptor *acceptor, const struct listening *listener, bool *full)
{
    struct service *service = acceptor->service;
    struct address client;
    struct room_slot *slot = room_acquire(service->room);
    if (slot == NULL) {
        *full = true;
        return false;
    }
    int fd = listener_accept(listener->fd, &client);
    if (fd == -1) {
        *full = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
        room_release(service->room, slot);
        /* Idle connections to upstreams are the descriptors that nobody will miss. */
        if (*full)
            upstreams_close_idle(service->upstreams);
        return false;
    }
    const struct config *config = acceptor->config;
    bool trusted = trust_has(config, &client);
    int64_t timeout = listener->secure ? config->timeouts.handshake : config->timeouts.head;
    if (!admit(acceptor, fd, &client, trusted, listener->secure)) {
        room_release(service->room, slot);
        return true;
    }
    struct connection *connection = (struct connection *)(void *)slot;
    connection_open(connection, service, fd, &client, listener->secure, !trusted);
    connection_await_first_byte(connection, timeout);
    return true;
}

static void accept_batch(struct acceptor *acceptor, const struct pollfd *fds, bool *full)
{
    unsigned left = ACCEPT_BATCH;
    for (size_t i = 0; i < acceptor->listeners.count; i++)
        while (left > 0 && (fds[i].revents & POLLIN) && !*full &&
               accept_one(acceptor, &acceptor->listeners.items[i], full))
            left--;
}

/* Closes a listener that is not wanted any more. Whoever waits in its backlog has connected, and
 * is taken in. */
static void retire(struct acceptor *acceptor, const struct listening *listener)
{
    bool full = false;
    unsigned left = RETIRE_MAX;
    while (left > 0 && accept_one(acceptor, listener, &full))
        left--;
    close(listener->fd);
}

static void replace_listeners(struct acceptor *acceptor, const struct listener_set *new)
{
    const struct listener_set old = acceptor->listeners;
    acceptor->listeners = *new;
    for (size_t i = 0; i < old.count; i++)
        if (!listener_set_has(new, old.items[i].fd))
            retire(acceptor, &old.items[i]);
    sem_post(&acceptor->replaced);
}

/* Wakes what has waited long enough; returns how long poll may sleep. While there are
 * connections, new deadlines can come at any time, so it ticks. */
static int sweep(struct acceptor *acceptor, bool resting)
{
    int64_t now = clock_now();
    bool anyone = metrics_get(METRIC_CONNECTIONS) > 0;
    int64_t next = CLOCK_NEVER;
    if (now - acceptor->swept >= TICK || !anyone) {
        room_sweep(acceptor->service->room, now);
        next = upstreams_sweep(acceptor->service->upstreams, now);
        overload_tick(&acceptor->overload, now);
        acceptor->swept = now;
    }
    if (anyone || resting || acceptor->overload.shedding)
        next = acceptor->swept + TICK;
    return clock_poll_timeout(next, now);
}

static void take_config(struct acceptor *acceptor)
{
    acceptor->config = service_config(acceptor->service);
    overload_set_max_wait(&acceptor->overload, acceptor->config->max_wait);
}

static void *run(void *arg)
{
    struct acceptor *acceptor = arg;
    bool full = false;
    while (!atomic_load(&acceptor->stopping)) {
        struct pollfd fds[LISTENER_SET_MAX + 1];
        uint64_t ignored;
        const struct listener_set *new = atomic_exchange(&acceptor->replacement, NULL);
        if (new)
            replace_listeners(acceptor, new);
        atomic_store(&acceptor->resting, full);
        size_t count = acceptor->listeners.count;
        for (size_t i = 0; i < count; i++)
            fds[i] = (struct pollfd){.fd = full ? -1 : acceptor->listeners.items[i].fd,
                                     .events = POLLIN};
        fds[count] = (struct pollfd){.fd = acceptor->wake_fd, .events = POLLIN};
        int timeout = sweep(acceptor, full);
        config_unref(acceptor->config);
        if (poll(fds, count + 1, timeout) == -1)
            check(errno == EINTR || errno == ENOMEM);
        take_config(acceptor);
        if (fds[count].revents & POLLIN)
            (void)!read(acceptor->wake_fd, &ignored, sizeof ignored);
        /* After a rest everything is tried again, whoever ended it. */
        if (full)
            full = false;
        else
            accept_batch(acceptor, fds, &full);
    }
    buf_thread_release();
    return NULL;
}

struct acceptor *acceptor_new(struct service *service, struct admission *admission,
                              const struct listener_set *listeners, struct err *err)
{
    struct acceptor *acceptor = calloc(1, sizeof *acceptor);
    if (acceptor == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    acceptor->service = service;
    acceptor->admission = admission;
    acceptor->listeners = *listeners;
    acceptor->config = service_config(service);
    overload_init(&acceptor->overload, service, acceptor->config->max_wait);
    refusal_init(&acceptor->over_limit, REASON_CLIENT_LIMIT);
    sem_init(&acceptor->replaced, 0, 0);
    acceptor->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (acceptor->wake_fd != -1)
        return acceptor;
    err_set_errno(err, errno, "the acceptor cannot be set up");
    acceptor_free(acceptor);
    return NULL;
}

int acceptor_start(struct acceptor *acceptor, struct err *err)
{
    if (thread_start(&acceptor->thread, "acceptor", run, acceptor) == -1)
        return err_set_errno(err, errno, "the acceptor thread cannot be started");
    acceptor->started = true;
    return 0;
}

void acceptor_notify(struct acceptor *acceptor)
{
    if (atomic_load_explicit(&acceptor->resting, memory_order_relaxed))
        wake(acceptor);
}

void acceptor_set_listeners(struct acceptor *acceptor, const struct listener_set *listeners)
{
    atomic_store(&acceptor->replacement, listeners);
    wake(acceptor);
    while (sem_wait(&acceptor->replaced) == -1)
        check(errno == EINTR);
}

void acceptor_free(struct acceptor *acceptor)
{
    if (acceptor == NULL)
        return;
    if (acceptor->started) {
        atomic_store(&acceptor->stopping, true);
        wake(acceptor);
        pthread_join(acceptor->thread, NULL);
    }
    for (size_t i = 0; i < acceptor->listeners.count; i++)
        close(acceptor->listeners.items[i].fd);
    config_unref(acceptor->config);
    if (acceptor->wake_fd != -1)
        close(acceptor->wake_fd);
    sem_destroy(&acceptor->replaced);
    free(acceptor);
}
