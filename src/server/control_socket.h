/* The control socket is a Unix socket through which commands reach the process that serves.
 *
 * It is called portico.sock, has mode 0600, and lies in [server] run_dir. Without that setting
 * it lies in $RUNTIME_DIRECTORY, which systemd makes for a unit with RuntimeDirectory=, else in
 * CERT_DIR: the one directory that every installation has that Portico can write and nobody
 * else can enter, also in a container whose root file system is read-only. */
#ifndef PORTICO_SERVER_CONTROL_SOCKET_H
#define PORTICO_SERVER_CONTROL_SOCKET_H

#include <limits.h>
#include <stdbool.h>
#include <sys/un.h>

#include "base/err.h"
#include "config/config.h"

#define CONTROL_SOCKET_NAME "portico.sock"
/* Beside it; notes the file that is served. */
#define CONTROL_LOCK_NAME "portico.lock"

struct control_socket {
    int fd;      /* listening, non-blocking; -1: there is none */
    int lock_fd; /* locked while this process owns the socket */
    char path[108];
};

#define CONTROL_SOCKET_NONE ((struct control_socket){-1, -1, ""})

/* Opens it, and makes its directory if need be; takes the place of a socket whose process is dead.
 * 0; or -1 with `err`: the directory cannot be made or used, its path is too long for a socket, or
 * a living process has one there. */
int control_socket_open(struct control_socket *control, const struct config *config,
                        struct err *err);

/* Closes and removes it. */
void control_socket_close(struct control_socket *control);

/* Accepts one connection of somebody with this process's user id, or root; others are turned
 * away. The descriptor (non-blocking), or -1 when there is none for now. */
int control_socket_accept(const struct control_socket *control);

/* The first directory of $RUNTIME_DIRECTORY, which may be a list, in `out`; or NULL. */
const char *control_socket_runtime_dir(char out[PATH_MAX]);

/* A file's path as the lock notes it: absolute; "" for standard input. False with errno. */
bool control_socket_note(const char *path, char out[PATH_MAX]);

/* The address of the socket in `dir`. 0; or -1 with `err`: its path is too long. */
int control_socket_address(const char *dir, struct sockaddr_un *address, struct err *err);

#endif
