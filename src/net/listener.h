/* A listener is a bound, listening, non-blocking socket. */
#ifndef PORTICO_NET_LISTENER_H
#define PORTICO_NET_LISTENER_H

#include <stdbool.h>

#include "base/err.h"
#include "net/address.h"

/* Binds and listens (SO_REUSEADDR, IPV6_V6ONLY, FD_CLOEXEC, the kernel's largest backlog).
 * `address` gets the port that the kernel chose when it was 0. Returns the descriptor, or -1
 * with errno and an `err` that names the remedy: for EACCES on a low port (setcap, sysctl
 * net.ipv4.ip_unprivileged_port_start, or HTTP_PORT/HTTPS_PORT), EADDRINUSE (who could be
 * using it and how to find out), EADDRNOTAVAIL. EAFNOSUPPORT and, for the IPv6 wildcard,
 * EADDRNOTAVAIL mean a machine without IPv6: the caller may go on without. */
int listener_open(struct address *address, bool shared, struct err *err);

/* While a listener is shared (SO_REUSEPORT), another may be opened that overlaps with it (all
 * addresses and one of them, on one port), if it is opened as `shared` too, which it then is only
 * for the moment of binding. */
void listener_share(int fd, bool share);

/* Accepts one connection: non-blocking, FD_CLOEXEC, and, from listener_open's sockets, with
 * SO_KEEPALIVE and TCP_NODELAY. Returns its descriptor and fills `peer`,
 * or -1 with errno (EAGAIN when none waits; connections that died in the queue are skipped). */
int listener_accept(int listener, struct address *peer);

#endif
