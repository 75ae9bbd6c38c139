/* This module opens listening sockets and accepts connections on them (listener.h). Main opens
 * them at the start, a reload later; the acceptor alone uses them. */
#include "net/listener.h"

#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <unistd.h>

/* What to do about it, where one can know. */
static void set_error(struct err *err, const struct address *address, int error)
{
    char text[ADDRESS_TEXT];
    unsigned port = address_port(address);
    err_set_errno(err, error, "cannot listen on %s", address_format(address, text));
    if (error == EACCES && port > 0 && port < 1024)
        err_hint(err,
                 "ports below 1024 need a privilege: run `setcap cap_net_bind_service=+ep` on the "
                 "binary, or `sysctl net.ipv4.ip_unprivileged_port_start=%u`, or choose other "
                 "ports with HTTP_PORT and HTTPS_PORT",
                 port);
    else if (error == EADDRINUSE)
        err_hint(err,
                 "another program has this port, perhaps another web server or a second Portico: "
                 "`ss -ltnp 'sport = :%u'` shows which; stop it, or choose other ports with "
                 "HTTP_PORT and HTTPS_PORT",
                 port);
    else if (error == EADDRNOTAVAIL)
        err_hint(err, "no network interface of this machine has that address: `ip address` shows "
                      "those there are; mend `listen` in the configuration");
    else if (error == EAFNOSUPPORT)
        err_hint(err, "this machine has no IPv6; leave the IPv6 addresses out of `listen`");
}

static int set_option(int fd, int level, int option)
{
    int on = 1;
    return setsockopt(fd, level, option, &on, sizeof on);
}

void listener_share(int fd, bool share)
{
    int value = share;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &value, sizeof value);
}

/* 0, or -1 with errno. */
static int bind_and_listen(int fd, struct address *address)
{
    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    if (set_option(fd, SOL_SOCKET, SO_REUSEADDR) == -1)
        return -1;
    /* IPv4 has a listener of its own. */
    if (address_is_v6(address) && set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY) == -1)
        return -1;
    /* What is accepted inherits these: two system calls less for each connection. */
    if (set_option(fd, SOL_SOCKET, SO_KEEPALIVE) == -1 ||
        set_option(fd, IPPROTO_TCP, TCP_NODELAY) == -1)
        return -1;
    /* The kernel cuts the backlog down to net.core.somaxconn. */
    if (bind(fd, &address->sa.any, address->len) == -1 || listen(fd, INT_MAX) == -1)
        return -1;
    if (getsockname(fd, (struct sockaddr *)&bound, &len) == -1)
        return -1;
    address_from_sockaddr((struct sockaddr *)&bound, len, address);
    return 0;
}

int listener_open(struct address *address, bool shared, struct err *err)
{
    int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int fd = socket(address->sa.any.sa_family, type, 0);
    if (fd >= 0 && shared)
        listener_share(fd, true);
    if (fd >= 0 && bind_and_listen(fd, address) == 0) {
        if (shared)
            listener_share(fd, false);
        return fd;
    }
    int error = errno;
    if (fd >= 0)
        close(fd);
    set_error(err, address, error);
    errno = error;
    return -1;
}

/* Errors of accept(2) that belong to the connection at the head of the queue, which is gone
 * then, and not to the listener. */
static bool is_dead_connection(int error)
{
    switch (error) {
    case ECONNABORTED:
    case EPERM: /* a firewall's rule */
    case EPROTO:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
        return true;
    default:
        return false;
    }
}

int listener_accept(int listener, struct address *peer)
{
    for (;;) {
        struct sockaddr_storage from;
        socklen_t len = sizeof from;
        int fd = accept4(listener, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            address_from_sockaddr((struct sockaddr *)&from, len, peer);
            return fd;
        }
        if (errno != EINTR && !is_dead_connection(errno))
            return -1;
    }
}
