/* Listeners: opening, accepting, and what an operator reads when it does not work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/listener.h"

static int open_on(const char *ip, uint16_t port, struct address *address, struct err *err)
{
    assert_true(address_parse_ip(span_str(ip), port, address));
    return listener_open(address, false, err);
}

static void connect_to(const struct address *address, int *fd)
{
    *fd = socket(address->sa.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(*fd >= 0);
    assert_int_equal(connect(*fd, &address->sa.any, address->len), 0);
}

static void await_connection(int listener)
{
    struct pollfd readable = {.fd = listener, .events = POLLIN};
    assert_int_equal(poll(&readable, 1, 30000), 1);
}

static void assert_flags(int fd)
{
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static void assert_option(int fd, int level, int option)
{
    int value = 0;
    socklen_t len = sizeof value;
    assert_int_equal(getsockopt(fd, level, option, &value, &len), 0);
    assert_int_not_equal(value, 0);
}

static void accepts(void **state)
{
    struct address address, peer;
    struct err err;
    int client;
    (void)state;
    int listener = open_on("127.0.0.1", 0, &address, &err);
    assert_true(listener >= 0);
    assert_true(address_port(&address) > 0);
    assert_flags(listener);
    errno = 0;
    assert_int_equal(listener_accept(listener, &peer), -1);
    assert_int_equal(errno, EAGAIN);
    connect_to(&address, &client);
    await_connection(listener);
    int accepted = listener_accept(listener, &peer);
    assert_true(accepted >= 0);
    assert_flags(accepted);
    assert_option(accepted, SOL_SOCKET, SO_KEEPALIVE);
    assert_option(accepted, IPPROTO_TCP, TCP_NODELAY);
    assert_true(address_same_ip(&peer, &address));
    struct sockaddr_in own;
    socklen_t len = sizeof own;
    assert_int_equal(getsockname(client, (struct sockaddr *)&own, &len), 0);
    assert_int_equal(address_port(&peer), ntohs(own.sin_port));
    close(accepted);
    close(client);
    close(listener);
}

/* Both families on one port, since IPv6 is IPv6 only. */
static void families_are_apart(void **state)
{
    struct address v4, v6, peer;
    struct err err;
    int client;
    (void)state;
    int six = open_on("::", 0, &v6, &err);
    if (six == -1 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
        skip();
    assert_true(six >= 0);
    int four = open_on("0.0.0.0", address_port(&v6), &v4, &err);
    if (four == -1) /* somebody else's, by chance */
        assert_int_equal(errno, EADDRINUSE);
    assert_true(address_parse_ip(SPAN("::1"), address_port(&v6), &v6));
    connect_to(&v6, &client);
    await_connection(six);
    int accepted = listener_accept(six, &peer);
    assert_true(accepted >= 0);
    assert_true(address_is_v6(&peer));
    close(accepted);
    close(client);
    close(six);
    if (four >= 0)
        close(four);
}

static void says_that_a_port_is_taken(void **state)
{
    struct address first, second;
    struct err err;
    char ip_port[ADDRESS_TEXT];
    (void)state;
    int listener = open_on("127.0.0.1", 0, &first, &err);
    assert_true(listener >= 0);
    assert_int_equal(open_on("127.0.0.1", address_port(&first), &second, &err), -1);
    assert_int_equal(errno, EADDRINUSE);
    assert_non_null(strstr(err.message, address_format(&first, ip_port)));
    assert_non_null(strstr(err.message, "in use"));
    assert_non_null(strstr(err.hint, "ss -ltnp"));
    assert_true(strlen(err.hint) < sizeof err.hint - 1);
    close(listener);
}

static void says_that_an_address_is_not_ours(void **state)
{
    struct address address;
    struct err err;
    (void)state;
    assert_int_equal(open_on("192.0.2.1", 0, &address, &err), -1);
    assert_int_equal(errno, EADDRNOTAVAIL);
    assert_non_null(strstr(err.message, "192.0.2.1:0"));
    assert_non_null(strstr(err.hint, "listen"));
}

/* A low port, as somebody without the privilege: in a network of its own, where ports below
 * 1024 are protected whatever this machine allows. Exit statuses tell what happened. */
static int try_low_port(void)
{
    struct address address;
    struct err err;
    if (unshare(geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) == -1)
        return 77;
    /* Leaving root, or executing as nobody, drops the capability. */
    if (geteuid() == 0 && setuid(65534) == -1)
        return 77;
    if (!address_parse_ip(SPAN("0.0.0.0"), 80, &address))
        return 1;
    int listener = listener_open(&address, false, &err);
    if (listener >= 0)
        return 77;
    if (errno != EACCES)
        return 2;
    if (!strstr(err.hint, "setcap") || !strstr(err.hint, "ip_unprivileged_port_start=80") ||
        !strstr(err.hint, "HTTP_PORT and HTTPS_PORT"))
        return 3;
    return 0;
}

static void names_the_remedy_for_low_ports(void **state)
{
    int status;
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(try_low_port());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void refuses_what_is_no_listener(void **state)
{
    struct address peer;
    (void)state;
    assert_int_equal(listener_accept(-1, &peer), -1);
    assert_int_equal(errno, EBADF);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(listener_accept(fd, &peer), -1);
    assert_int_equal(errno, EINVAL);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts),
        cmocka_unit_test(families_are_apart),
        cmocka_unit_test(says_that_a_port_is_taken),
        cmocka_unit_test(says_that_an_address_is_not_ours),
        cmocka_unit_test(names_the_remedy_for_low_ports),
        cmocka_unit_test(refuses_what_is_no_listener),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
