/* The control socket: see control_socket.h. The serving side belongs to the thread "admin", the
 * other one to a command in a process of its own.
 *
 * Whose socket it is, is decided by a lock (flock(2)), which the kernel drops with its process:
 * whoever has it may remove what a dead one left, and two that start at once cannot both have it.
 * It is on a file with mode 0600, for a directory could be locked by whoever can read it. The file
 * stays: if it were removed, two could each have a lock on a file of that name. */
#include "server/control_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "certs/pem_file.h"

#define SOCKET_NAME "portico.sock"
#define LOCK_NAME   "portico.lock"
#define SYSTEMD_DIR "/run/portico"
#define PLACES      3u

/* The first directory of $RUNTIME_DIRECTORY, which may be a list, in `out`; or NULL. */
static const char *runtime_directory(char out[PATH_MAX])
{
    const char *list = getenv("RUNTIME_DIRECTORY");
    if (list == NULL || *list == '\0')
        return NULL;
    snprintf(out, PATH_MAX, "%.*s", (int)strcspn(list, ":"), list);
    return out;
}

static int address_in(const char *dir, struct sockaddr_un *address, struct err *err)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    int len = snprintf(address->sun_path, sizeof address->sun_path, "%s/" SOCKET_NAME, dir);
    if (len >= 0 && (size_t)len < sizeof address->sun_path)
        return 0;
    err_set(err,
            "the path of the control socket, %s/" SOCKET_NAME ", is longer than the %zu bytes "
            "that a socket's may have",
            dir, sizeof address->sun_path - 1);
    return err_hint(err, "let [server] run_dir name a directory with a shorter path");
}

/* ---- the side that serves ----------------------------------------------------------------- */

/* The lock of a directory, which is made if need be. -1 with `err`. */
static int take_lock(const char *dir, struct err *err)
{
    char path[PATH_MAX];
    if (pem_file_make_dir(dir, err) == -1)
        return -1;
    snprintf(path, sizeof path, "%s/" LOCK_NAME, dir);
    int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd != -1 && fchmod(fd, 0600) == 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    if (fd != -1 && errno == EWOULDBLOCK) {
        err_set(err, "another Portico has its control socket in %s already", dir);
        err_hint(err, "give each its own directory with [server] run_dir");
    } else {
        err_set_errno(err, errno, "the control socket's lock %s cannot be had", path);
        err_hint(err, "let [server] run_dir name a directory that Portico can write");
    }
    if (fd != -1)
        close(fd);
    return -1;
}

/* At no moment can anybody else connect: the mode that a socket file gets is that of its
 * descriptor, less the umask (which the second call makes up for). */
static int bind_private(int fd, const struct sockaddr_un *address)
{
    if (fd == -1 || fchmod(fd, 0600) == -1)
        return -1;
    if (unlink(address->sun_path) == -1 && errno != ENOENT)
        return -1;
    if (bind(fd, (const struct sockaddr *)address, sizeof *address) == -1)
        return -1;
    return chmod(address->sun_path, 0600) == -1 || listen(fd, 16) == -1 ? -1 : 0;
}

int control_socket_open(struct control_socket *control, const struct config *config,
                        struct err *err)
{
    char runtime[PATH_MAX];
    struct sockaddr_un address;
    *control = CONTROL_SOCKET_NONE;
    const char *dir = config->run_dir ? config->run_dir : runtime_directory(runtime);
    if (dir == NULL)
        dir = config->cert_dir;
    if (address_in(dir, &address, err) == -1)
        return -1;
    control->lock_fd = take_lock(dir, err);
    if (control->lock_fd == -1)
        return -1;
    control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind_private(control->fd, &address) == 0) {
        memcpy(control->path, address.sun_path, sizeof control->path);
        return 0;
    }
    err_set_errno(err, errno, "the control socket %s cannot be made", address.sun_path);
    err_hint(err, "let [server] run_dir name a directory that Portico can write");
    control_socket_close(control);
    return -1;
}

void control_socket_close(struct control_socket *control)
{
    if (control->path[0])
        (void)unlink(control->path);
    if (control->fd != -1)
        close(control->fd);
    if (control->lock_fd != -1)
        close(control->lock_fd);
    *control = CONTROL_SOCKET_NONE;
}

int control_socket_accept(const struct control_socket *control)
{
    for (;;) {
        struct ucred peer;
        socklen_t len = sizeof peer;
        int fd = accept4(control->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd == -1 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (fd == -1)
            return -1;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
            (peer.uid == 0 || peer.uid == geteuid()))
            return fd;
        close(fd);
    }
}

/* ---- the other side ----------------------------------------------------------------------- */

static int connect_in(const char *dir)
{
    struct sockaddr_un address;
    if (address_in(dir, &address, NULL) == -1)
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1 || connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

int control_socket_connect(const struct config *config, struct err *err)
{
    char runtime[PATH_MAX], tried[512] = "", text[128];
    const char *places[PLACES];
    size_t count = 0, used = 0;
    if (config->run_dir) {
        places[count++] = config->run_dir;
    } else {
        const char *dir = runtime_directory(runtime);
        if (dir)
            places[count++] = dir;
        places[count++] = config->cert_dir;
        places[count++] = SYSTEMD_DIR;
    }
    for (size_t i = 0; i < count; i++) {
        int fd = connect_in(places[i]);
        if (fd != -1)
            return fd;
        if (used < sizeof tried)
            used +=
                (size_t)snprintf(tried + used, sizeof tried - used, "%s%s/" SOCKET_NAME " (%s)",
                                 i ? ", " : "", places[i], strerror_r(errno, text, sizeof text));
    }
    err_set(err, "no process answers at %s", tried);
    return err_hint(err, "is Portico running, with the same [server] run_dir or CERT_DIR, and as "
                         "the same user? `kill -HUP PID` reloads it too");
}
