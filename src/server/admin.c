/* This module changes the configuration while Portico runs (admin.h).
 *
 * One poll over the control socket, its clients, and an eventfd for main; it ends at the latest
 * when the configuration file is due for a look. Nothing in it waits for a client; a reload is
 * done in place, and whoever asks for another meanwhile waits in the backlog. */
#include "server/admin.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "server/admin_client.h"
#include "server/control_socket.h"

#define CLIENTS       8u
#define FREE_PATIENCE 3u /* seconds: the end of the process does not wait for a disk */

struct admin {
    struct reload *reload; /* borrowed, as the next; its thread only */
    struct file_watch *watch;
    int wake_fd;
    atomic_bool stopping;
    atomic_bool asked; /* by main, for a reload */
    bool started;      /* main only, as the next */
    pthread_t thread;

    /* its thread only, once it runs */
    struct control_socket control;
    struct admin_client clients[CLIENTS];
};

static void wake(struct admin *admin)
{
    uint64_t one = 1;
    ssize_t written = write(admin->wake_fd, &one, sizeof one);
    check(written == (ssize_t)sizeof one || errno == EAGAIN);
}

/* ---- what it does ------------------------------------------------------------------------- */

/* As [server] watch of the configuration in force says. */
static void set_watch(struct admin *admin)
{
    struct config *config = service_config(admin->reload->service);
    file_watch_set(admin->watch, config->watch && strcmp(config->path, "-") != 0, clock_now());
    config_unref(config);
}

static enum reload_result reload(struct admin *admin, const char *cause, FILE *out)
{
    file_watch_note(admin->watch);
    enum reload_result result = reload_run(admin->reload, cause, out);
    set_watch(admin);
    return result;
}

static int command(void *arg, const char *request, FILE *out)
{
    if (strcmp(request, "reload") == 0)
        return (int)reload(arg, "portico reload", out);
    fprintf(out,
            "this Portico (%s) does not know that command; is the other one of the same "
            "version?\n",
            PORTICO_VERSION);
    return 1;
}

static void accept_clients(struct admin *admin, int64_t now)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        if (admin->clients[i].fd != -1)
            continue;
        int fd = control_socket_accept(&admin->control);
        if (fd == -1)
            return;
        admin_client_begin(&admin->clients[i], fd, now);
    }
}

/* ---- the thread --------------------------------------------------------------------------- */

enum { FD_WAKE, FD_CONTROL, FD_CLIENTS, FD_COUNT = FD_CLIENTS + CLIENTS };

/* What to wait for, and until when. Without room for a client, they wait in the backlog. */
static int64_t set_wait(struct admin *admin, struct pollfd fds[FD_COUNT])
{
    int64_t until = admin->watch->due;
    bool room = false;
    for (unsigned i = 0; i < CLIENTS; i++) {
        const struct admin_client *client = &admin->clients[i];
        fds[FD_CLIENTS + i] =
            (struct pollfd){.fd = client->fd, .events = admin_client_events(client)};
        if (client->fd == -1)
            room = true;
        else if (client->deadline < until)
            until = client->deadline;
    }
    fds[FD_WAKE] = (struct pollfd){.fd = admin->wake_fd, .events = POLLIN};
    fds[FD_CONTROL] = (struct pollfd){.fd = room ? admin->control.fd : -1, .events = POLLIN};
    return until;
}

static void serve_clients(struct admin *admin, const struct pollfd fds[FD_COUNT])
{
    for (unsigned i = 0; i < CLIENTS && !atomic_load(&admin->stopping); i++) {
        struct admin_client *client = &admin->clients[i];
        int64_t now = clock_now();
        if (client->fd != -1 && (fds[FD_CLIENTS + i].revents || now >= client->deadline))
            admin_client_step(client, now, command, admin);
    }
}

static void *run(void *arg)
{
    struct admin *admin = arg;
    while (!atomic_load(&admin->stopping)) {
        struct pollfd fds[FD_COUNT];
        uint64_t ignored;
        int64_t until = set_wait(admin, fds);
        if (poll(fds, FD_COUNT, clock_poll_timeout(until, clock_now())) == -1)
            check(errno == EINTR || errno == ENOMEM);
        if (fds[FD_WAKE].revents)
            (void)!read(admin->wake_fd, &ignored, sizeof ignored);
        serve_clients(admin, fds);
        if (fds[FD_CONTROL].revents)
            accept_clients(admin, clock_now());
        if (atomic_exchange(&admin->asked, false))
            (void)reload(admin, "SIGHUP", NULL);
        if (file_watch_has_changed(admin->watch, clock_now()))
            (void)reload(admin, "the file has changed", NULL);
    }
    buf_thread_release();
    tls_thread_release();
    return NULL;
}

/* ---- birth and death ---------------------------------------------------------------------- */

static void open_control(struct admin *admin)
{
    struct err err = {0};
    struct config *config = service_config(admin->reload->service);
    if (control_socket_open(&admin->control, config, &err) == 0)
        log_write(LOG_INFO, "`portico reload` reaches this process at %s", admin->control.path);
    else
        log_write(LOG_WARN, "`portico reload` will not work, SIGHUP does: %s%s%s", err.message,
                  err.hint[0] ? "; " : "", err.hint);
    config_unref(config);
}

struct admin *admin_new(struct reload *reload, struct file_watch *watch, struct err *err)
{
    struct admin *admin = calloc(1, sizeof *admin);
    if (admin == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    admin->reload = reload;
    admin->watch = watch;
    admin->wake_fd = -1;
    admin->control = CONTROL_SOCKET_NONE;
    for (unsigned i = 0; i < CLIENTS; i++)
        admin->clients[i] = ADMIN_CLIENT_NONE;
    open_control(admin);
    set_watch(admin);
    admin->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (admin->wake_fd != -1 && thread_start(&admin->thread, "admin", run, admin) == 0) {
        admin->started = true;
        return admin;
    }
    err_set_errno(err, errno, "the admin thread cannot be started");
    admin_free(admin);
    return NULL;
}

void admin_reload(struct admin *admin)
{
    atomic_store(&admin->asked, true);
    wake(admin);
}

bool admin_free(struct admin *admin)
{
    if (admin->started) {
        atomic_store(&admin->stopping, true);
        wake(admin);
        if (!thread_join_within(admin->thread, FREE_PATIENCE))
            return false;
    }
    for (unsigned i = 0; i < CLIENTS; i++)
        admin_client_end(&admin->clients[i]);
    control_socket_close(&admin->control);
    if (admin->wake_fd != -1)
        close(admin->wake_fd);
    free(admin);
    return true;
}
