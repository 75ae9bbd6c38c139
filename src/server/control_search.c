/* This module finds the process that serves a file. It runs in the process of a command.
 *
 * The configuration and the environment say where a process is that was started with them; but the
 * file may have been edited since then, or be damaged, and the environment be another one. So after
 * those places come all sockets that the kernel knows under that name.
 *
 * Invariants
 *  1. Being there is not enough: the note in the lock file says what is served, and whoever serves
 *     another file is left in peace.
 *  2. Anybody can have a socket of that name, and a note, in a directory of their own. Those that
 *     only the kernel's list names must be this user's, also for root.
 *  3. A path in that list may mean something else in here (a container that shares the network):
 *     then there is nothing, or 1 holds for what there is. */
#include "server/control_search.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/control_socket.h"

/* Which file is served there, in `file`; "" for standard input. 0, or -1 with errno. */
static int read_note(const struct sockaddr_un *address, bool own, char file[PATH_MAX])
{
    char path[sizeof address->sun_path];
    size_t dir = strlen(address->sun_path) - strlen(CONTROL_SOCKET_NAME);
    struct stat st;
    ssize_t len = -1;
    snprintf(path, sizeof path, "%.*s" CONTROL_LOCK_NAME, (int)dir, address->sun_path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd == -1)
        return -1;
    errno = EPERM;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (!own || st.st_uid == geteuid()))
        len = read(fd, file, PATH_MAX - 1);
    int error = errno;
    close(fd);
    errno = error;
    if (len == -1)
        return -1;
    file[len] = '\0';
    return 0;
}

/* By whatever name; by the same name, though, it may be missing. */
static bool is_same_file(const char *a, const char *b)
{
    struct stat x, y;
    if (strcmp(a, b) == 0)
        return true;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* The descriptor, or -1 with errno. */
static int connect_to(const struct sockaddr_un *address, bool own)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    int error = EPERM, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return -1;
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) == -1)
        error = errno;
    else if (!own ||
             (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.uid == geteuid()))
        return fd;
    close(fd);
    errno = error;
    return -1;
}

/* The descriptor, or -1 with a line in `tried`, if there is one. `own`: it must be this user's. */
static int try(const struct sockaddr_un *address, bool own, const char *path, FILE *tried)
{
    char file[PATH_MAX], reason[128];
    int fd = -1;
    bool noted = read_note(address, own, file) == 0, same = noted && is_same_file(file, path);
    if (same)
        fd = connect_to(address, own);
    if (fd != -1 || tried == NULL)
        return fd;
    if (noted && !same)
        fprintf(tried, "\n  %s (of a process that serves %s)", address->sun_path,
                file[0] ? file : config_file_name("-"));
    else
        fprintf(tried, "\n  %s (%s)", address->sun_path, strerror_r(errno, reason, sizeof reason));
    return -1;
}

bool control_search_next(FILE *list, struct sockaddr_un *address)
{
    char line[512];
    while (fgets(line, sizeof line, list)) {
        const char *path = strstr(line, " /");
        const char *listening = strstr(line, " 00010000 "); /* its flags */
        if (path == NULL || listening == NULL || listening > path)
            continue;
        struct span name = span_first(span_str(path + 1), strcspn(path + 1, "\n"));
        if (!span_has_suffix(name, SPAN("/" CONTROL_SOCKET_NAME)) ||
            name.len >= sizeof address->sun_path)
            continue;
        *address = (struct sockaddr_un){.sun_family = AF_UNIX};
        memcpy(address->sun_path, name.data, name.len);
        return true;
    }
    return false;
}

int control_search(const struct config *config, const char *path, FILE *tried)
{
    char runtime[PATH_MAX], file[PATH_MAX];
    struct sockaddr_un address;
    int fd = -1;
    if (!control_socket_note(path, file)) {
        fprintf(tried, "\n  the path of %s is too long, or begins nowhere", path);
        return -1;
    }
    const char *const dirs[] = {config->run_dir, control_socket_runtime_dir(runtime),
                                config->cert_dir, "/run/portico"};
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs && fd == -1; i++)
        if (dirs[i] && control_socket_address(dirs[i], &address, NULL) == 0)
            fd = try(&address, false, file, tried);
    FILE *list = fopen("/proc/net/unix", "re");
    while (list && fd == -1 && control_search_next(list, &address))
        fd = try(&address, true, file, NULL);
    if (list)
        fclose(list);
    return fd;
}
