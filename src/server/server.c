/* This module starts and ends everything, and waits for signals in between (server.h). It runs on
 * the main thread. Reloads are done by the thread "admin".
 *
 * Starting goes from the bottom up and ending from the top down, in the order of struct server's
 * fields: a thread is joined before anything that it uses is freed. */
#include "server/server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "certs/store.h"
#include "net/resolver.h"
#include "proxy/connection.h"
#include "proxy/service.h"
#include "proxy/trust.h"
#include "server/acceptor.h"
#include "server/admin.h"
#include "server/admission.h"
#include "server/listener_set.h"
#include "server/worker.h"

/* At most: so many names may hang before others have to wait. */
#define RESOLVER_THREADS 64u
/* Descriptors that are not for connections: listeners, logs, epoll, what libraries open. */
#define RESERVED_DESCRIPTORS 64u
#define CONNECTIONS_MAX      (1u << 17)
/* How often a drain looks around, should nothing end that would make it look. */
#define DRAIN_TICK (100 * CLOCK_MS)

struct server {
    struct config *config; /* owned: the one that it starts with; NULL when it has started */
    bool logging;
    int signal_fd;
    int ended_fd;         /* an eventfd: a connection has ended while draining */
    unsigned connections; /* the limit in force */
    struct certs_store *certs;
    struct tls_server *tls;
    struct room *room;
    struct resolver *resolver;
    struct upstreams *upstreams;
    struct admission *admission;
    struct service service;
    struct workers *workers;
    struct listener_set listeners; /* main at the start, then admin */
    struct acceptor *acceptor;
    struct reload reload;
    struct file_watch *watch; /* borrowed */
    struct admin *admin;
};

/* A worker has closed a connection. */
static void connection_ended(void *arg, const struct address *client, bool counted)
{
    struct server *server = arg;
    uint64_t one = 1;
    if (counted)
        admission_leave(server->admission, client);
    acceptor_notify(server->acceptor);
    if (atomic_load_explicit(&server->service.ending, memory_order_relaxed) != ENDING_NOT)
        (void)!write(server->ended_fd, &one, sizeof one);
}

/* How many connections fit the limit on descriptors, at two for each. */
static unsigned connections_for(const struct config *config)
{
    struct rlimit limit = {0};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    rlim_t reserved = RESERVED_DESCRIPTORS + UPSTREAMS_IDLE_MAX;
    if (reserved > limit.rlim_cur / 2)
        reserved = limit.rlim_cur / 2;
    rlim_t fit = (limit.rlim_cur - reserved) / 2;
    if (fit > CONNECTIONS_MAX)
        fit = CONNECTIONS_MAX;
    if (fit < 1)
        fit = 1;
    if (config->max_connections == 0)
        return (unsigned)fit;
    if (config->max_connections > fit)
        log_write(LOG_WARN,
                  "max_connections = %u needs more descriptors than this process may open; going "
                  "on with %u connections (raise the limit: ulimit -n, or LimitNOFILE in a "
                  "systemd unit)",
                  config->max_connections, (unsigned)fit);
    return config->max_connections < fit ? config->max_connections : (unsigned)fit;
}

/* The cores that this process may use. */
static unsigned count_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return (unsigned)CPU_COUNT(&set);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1u : (unsigned)cores;
}

static int block_signals(struct server *server, struct err *err)
{
    sigset_t signals;
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGUSR1);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    server->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    server->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (server->signal_fd == -1 || server->ended_fd == -1)
        return err_set_errno(err, errno, "signals cannot be received");
    return 0;
}

static int start_service(struct server *server, struct err *err)
{
    struct config *config = server->config;
    server->connections = connections_for(config);
    server->room = room_new(server->connections, sizeof(struct connection));
    server->upstreams = upstreams_new();
    server->admission = admission_new();
    if (server->room == NULL || server->upstreams == NULL || server->admission == NULL ||
        trust_attach(config) == -1 || upstreams_attach(server->upstreams, config) == -1)
        return err_set_errno(err, errno, "the waiting room cannot be set up");
    server->resolver = resolver_new(RESOLVER_THREADS, err);
    if (server->resolver == NULL)
        return -1;
    server->service.room = server->room;
    server->service.resolver = server->resolver;
    server->service.upstreams = server->upstreams;
    server->service.tls = server->tls;
    server->service.certs = server->certs;
    server->service.connection_ended = connection_ended;
    server->service.connection_ended_arg = server;
    pthread_mutex_init(&server->service.mutex, NULL);
    service_publish(&server->service, config_ref(config));
    return 0;
}

static int start(struct server *server, struct err *err)
{
    static const struct listener_set none;
    if (log_start(STDOUT_FILENO, STDERR_FILENO, err) == -1)
        return -1;
    server->logging = true;
    if (block_signals(server, err) == -1)
        return -1;
    server->certs = certs_store_new(server->config, err);
    if (server->certs == NULL)
        return -1;
    server->tls = tls_server_new(certs_store_lookup, server->certs, err);
    if (server->tls == NULL || start_service(server, err) == -1)
        return -1;
    unsigned workers = server->config->workers ? server->config->workers : count_cores();
    server->workers = workers_new(&server->service, workers, err);
    if (server->workers == NULL)
        return -1;
    check_on_panic(workers_report);
    if (listener_set_open(&server->listeners, &none, server->config, err) == -1)
        return -1;
    server->acceptor = acceptor_new(&server->service, server->admission, &server->listeners, err);
    if (server->acceptor == NULL || acceptor_start(server->acceptor, err) == -1)
        return -1;
    server->reload = (struct reload){.started = reload_fixed_of(server->config),
                                     .service = &server->service,
                                     .certs = server->certs,
                                     .acceptor = server->acceptor,
                                     .listeners = &server->listeners};
    server->admin = admin_new(&server->reload, server->watch, err);
    if (server->admin == NULL)
        return -1;
    log_write(LOG_INFO, "ready: Portico %s, routes: %zu, workers: %u, connections: at most %u",
              PORTICO_VERSION, server->config->route_count, workers, server->connections);
    config_unref(server->config);
    server->config = NULL;
    return 0;
}

/* The next signal, or 0 when there is none before `deadline` or a connection has ended. */
static int next_signal(struct server *server, int64_t deadline)
{
    struct signalfd_siginfo info;
    uint64_t ignored;
    struct pollfd fds[] = {{.fd = server->signal_fd, .events = POLLIN},
                           {.fd = server->ended_fd, .events = POLLIN}};
    (void)poll(fds, 2, clock_poll_timeout(deadline, clock_now()));
    (void)!read(server->ended_fd, &ignored, sizeof ignored);
    if (read(server->signal_fd, &info, sizeof info) != (ssize_t)sizeof info)
        return 0;
    return (int)info.ssi_signo;
}

static void log_status(void)
{
    char text[4096];
    metrics_format(text, sizeof text);
    log_write(LOG_INFO, "status: %s", text);
}

static void set_ending(struct server *server, enum service_ending ending)
{
    atomic_store(&server->service.ending, ending);
    room_wake_all(server->room);
}

/* Lets what has begun come to its end, for as long as [server] drain says; tunnels, which never
 * end by themselves, are closed once only they are left. A second signal cuts it short. */
static void drain(struct server *server)
{
    static const struct listener_set none;
    struct config *config = service_config(&server->service);
    int64_t deadline = clock_now() + config->drain;
    config_unref(config);
    acceptor_set_listeners(server->acceptor, &none);
    set_ending(server, ENDING_DRAIN);
    for (;;) {
        int64_t now = clock_now();
        int64_t connections = metrics_get(METRIC_CONNECTIONS);
        if (connections == 0)
            return;
        if (now >= deadline)
            break;
        if (atomic_load(&server->service.ending) == ENDING_DRAIN &&
            metrics_get(METRIC_TUNNELS) == connections)
            set_ending(server, ENDING_TUNNELS);
        int64_t tick = now + DRAIN_TICK;
        int got = next_signal(server, tick < deadline ? tick : deadline);
        if (got == SIGUSR1)
            log_status();
        else if (got == SIGTERM || got == SIGINT)
            break;
    }
    log_write(LOG_WARN, "closing %lld connections that have not ended",
              (long long)metrics_get(METRIC_CONNECTIONS));
    set_ending(server, ENDING_NOW);
    while (metrics_get(METRIC_CONNECTIONS) > 0)
        (void)next_signal(server, clock_now() + DRAIN_TICK);
}

static void serve(struct server *server)
{
    int got;
    do {
        got = next_signal(server, CLOCK_NEVER);
        if (got == SIGUSR1)
            log_status();
        else if (got == SIGHUP)
            admin_reload(server->admin);
    } while (got != SIGTERM && got != SIGINT);
    log_write(LOG_INFO, "%s: draining", got == SIGTERM ? "SIGTERM" : "SIGINT");
    bool freed = admin_free(server->admin); /* nothing is to be opened any more */
    drain(server);
    log_write(LOG_INFO, "ended");
    if (freed)
        return;
    log_stop();
    _exit(0);
}

static void stop(struct server *server)
{
    check_on_panic(NULL);
    if (server->room)
        room_stop(server->room);
    workers_free(server->workers);
    acceptor_free(server->acceptor);
    if (server->service.config) {
        service_publish(&server->service, NULL);
        pthread_mutex_destroy(&server->service.mutex);
    }
    resolver_free(server->resolver);
    upstreams_free(server->upstreams);
    admission_free(server->admission);
    tls_server_free(server->tls);
    certs_store_free(server->certs);
    room_free(server->room);
    config_unref(server->config);
    if (server->signal_fd != -1)
        close(server->signal_fd);
    if (server->ended_fd != -1)
        close(server->ended_fd);
}

/* SIGTERM and SIGINT still end the process at once: reading may wait for a pipe or a terminal. */
void server_prepare(struct file_watch *watch, const char *path)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    file_watch_init(watch, path);
}

int server_run(struct config *config, struct file_watch *watch, struct err *err)
{
    struct server server = {.config = config, .watch = watch, .signal_fd = -1, .ended_fd = -1};
    int result = start(&server, err);
    if (result == 0)
        serve(&server);
    stop(&server);
    if (server.logging)
        log_stop();
    buf_thread_release();
    return result;
}
