/* The control socket: a Unix socket through which commands reach the process that serves.
 *
 * It is called portico.sock, has mode 0600, and lies in [server] run_dir. Without that setting
 * it lies in $RUNTIME_DIRECTORY, which systemd makes for a unit with RuntimeDirectory=, else in
 * CERT_DIR: the one directory that every installation has that Portico can write and nobody
 * else can enter, also in a container whose root file system is read-only. */
#ifndef PORTICO_SERVER_CONTROL_SOCKET_H
#define PORTICO_SERVER_CONTROL_SOCKET_H

#include "base/err.h"
#include "config/config.h"

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

/* Connects to the process that serves `config`, from outside: looks in the same places, and in
 * /run/portico, where systemd puts it. The descriptor (blocking), or -1 with `err`. */
int control_socket_connect(const struct config *config, struct err *err);

#endif
