/* This module opens the control socket and accepts on it (control_socket.h). It belongs to the
 * thread "admin"; a command that looks for it uses server/control_search.
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

const char *control_socket_runtime_dir(char out[PATH_MAX])
{
    const char *list = getenv("RUNTIME_DIRECTORY");
    if (list == NULL || *list == '\0')
        return NULL;
    snprintf(out, PATH_MAX, "%.*s", (int)strcspn(list, ":"), list);
    return out;
}

int control_socket_address(const char *dir, struct sockaddr_un *address, struct err *err)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    int len = snprintf(address->sun_path, sizeof address->sun_path, "%s/" CONTROL_SOCKET_NAME, dir);
    if (len >= 0 && (size_t)len < sizeof address->sun_path)
        return 0;
    err_set(err,
            "the path of the control socket, %s/" CONTROL_SOCKET_NAME
            ", is longer than the %zu bytes "
            "that a socket's may have",
            dir, sizeof address->sun_path - 1);
    return err_hint(err, "let [server] run_dir name a directory with a shorter path");
}

/* False with errno. */
static bool make_absolute(const char *path, char out[PATH_MAX])
{
    char dir[PATH_MAX] = "";
    if (path[0] != '/' && getcwd(dir, sizeof dir) == NULL)
        return false;
    int len = snprintf(out, PATH_MAX, "%s%s%s", dir, dir[0] ? "/" : "", path);
    errno = ENAMETOOLONG;
    return len < PATH_MAX;
}

bool control_socket_note(const char *path, char out[PATH_MAX])
{
    out[0] = '\0';
    return strcmp(path, "-") == 0 || make_absolute(path, out);
}

/* By its full path, if that is not too long for a socket: whoever looks for it may be in another
 * directory. */
static int address_to_bind(const char *dir, struct sockaddr_un *address, struct err *err)
{
    char full[PATH_MAX];
    if (make_absolute(dir, full) && control_socket_address(full, address, NULL) == 0)
        return 0;
    return control_socket_address(dir, address, err);
}

/* So that others need not ask which file is served. */
static int write_note(int lock_fd, const char *path)
{
    char note[PATH_MAX];
    if (!control_socket_note(path, note) || ftruncate(lock_fd, 0) == -1)
        return -1;
    return dprintf(lock_fd, "%s", note) < 0 ? -1 : 0;
}

/* The lock of a directory, which is made if need be, with `file` noted in it. -1 with `err`. */
static int take_lock(const char *dir, const char *file, struct err *err)
{
    char path[PATH_MAX];
    if (pem_file_make_dir(dir, err) == -1)
        return -1;
    snprintf(path, sizeof path, "%s/" CONTROL_LOCK_NAME, dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd != -1 && fchmod(fd, 0600) == 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
        write_note(fd, file) == 0)
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
    const char *dir = config->run_dir ? config->run_dir : control_socket_runtime_dir(runtime);
    if (dir == NULL)
        dir = config->cert_dir;
    if (address_to_bind(dir, &address, err) == -1)
        return -1;
    control->lock_fd = take_lock(dir, config->path, err);
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
