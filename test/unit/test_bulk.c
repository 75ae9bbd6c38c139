/* net/bulk: every way from one stream to another, with receivers that take as little as a test
 * wants.
 *
 * Compiled into this test with aligned_alloc in disguise, so that there can be none, and with a
 * clock that makes the processor slow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void *scarce_alloc(size_t alignment, size_t size);
static int64_t slow_cpu(void);

#include "base/clock.h"

#define aligned_alloc    scarce_alloc
#define clock_thread_cpu slow_cpu
#include "net/bulk.c"
#undef aligned_alloc
#undef clock_thread_cpu

#include "net/tls.h"
#include "net/tls_identity.h"
#include "noise.h"
#include "tls_peer.h"

#define BODY ((size_t)4 << 20)

static struct tls_identity *identity;
static struct tls_server *tls;
static char body[BODY], got[BODY];
static bool memory_is_scarce;
static int64_t cpu_time, cpu_step; /* what the thread has used; and uses from look to look */

static void *scarce_alloc(size_t alignment, size_t size)
{
    return memory_is_scarce ? NULL : aligned_alloc(alignment, size);
}

static int64_t slow_cpu(void)
{
    return cpu_time += cpu_step;
}

static struct tls_identity *lookup(void *arg, const char *name, const struct address *local,
                                   const struct room_ticket *ticket)
{
    (void)arg, (void)name, (void)local, (void)ticket;
    return tls_identity_ref(identity);
}

/* One of the two streams, and who is on its other side. */
struct side {
    struct stream stream;
    int fd;   /* the peer's */
    SSL *ssl; /* the peer's; NULL when plain */
};

enum kind { PLAIN, UNIX, TLS };

static SSL_CTX *client_ctx;

/* `buffer`: of the kernel's for what `stream` sends, 0 for the usual one. */
static void side_init(struct side *side, enum kind kind, int buffer)
{
    int fds[2];
    *side = (struct side){0};
    if (kind == UNIX)
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    else
        tls_peer_tcp_pair_with(fds, buffer);
    if (buffer)
        setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    side->fd = fds[0];
    stream_init(&side->stream, fds[1]);
    if (kind != TLS)
        return;
    assert_int_equal(tls_accept(tls, &side->stream), 0);
    side->ssl = tls_peer_connect(client_ctx, side->fd, "bulk.test");
    assert_int_equal(tls_peer_handshake(&side->stream, side->ssl).server, 0);
}

static void side_release(struct side *side)
{
    SSL_free(side->ssl);
    close(side->fd);
    stream_close(&side->stream);
}

/* What the peer can send now. */
static size_t side_send(struct side *side, const char *data, size_t size)
{
    size_t count = 0;
    if (side->ssl) {
        ERR_clear_error();
        SSL_write_ex(side->ssl, data, size, &count);
        return count;
    }
    ssize_t n = send(side->fd, data, size, MSG_NOSIGNAL);
    return n > 0 ? (size_t)n : 0;
}

/* What the peer can receive now. */
static size_t side_receive(struct side *side, char *data, size_t size)
{
    size_t count = 0;
    if (side->ssl) {
        ERR_clear_error();
        SSL_read_ex(side->ssl, data, size, &count);
        return count;
    }
    ssize_t n = recv(side->fd, data, size, 0);
    return n > 0 ? (size_t)n : 0;
}

struct path {
    struct side from, to;
    struct buf rest;
    size_t sent, received;
};

static void path_init(struct path *path, enum kind from, enum kind to, int buffer)
{
    *path = (struct path){0};
    side_init(&path->from, from, 0);
    side_init(&path->to, to, buffer);
}

static void path_release(struct path *path)
{
    side_release(&path->from);
    side_release(&path->to);
    buf_release(&path->rest);
    bulk_thread_release();
}

static void path_give(struct path *path, size_t size)
{
    path->sent += side_send(&path->from, body + path->sent, size);
}

static void path_take(struct path *path, size_t size)
{
    size_t left = BODY - path->received;
    path->received += side_receive(&path->to, got + path->received, size < left ? size : left);
}

/* Writes the rest and what the stream holds, as far as it goes. */
static void path_flush(struct path *path)
{
    struct span rest = buf_span(&path->rest);
    ssize_t n = rest.len ? stream_write(&path->to.stream, rest.data, rest.len) : 0;
    if (n > 0)
        buf_consume(&path->rest, (size_t)n);
    if (rest.len == 0)
        stream_flush(&path->to.stream);
    buf_trim(&path->rest);
}

/* As a relay does it: in bulk, or, when that could do nothing, by reading and writing. */
static void path_move(struct path *path, bool sure)
{
    char record[STREAM_RECORD];
    ssize_t n = bulk_move(&path->from.stream, &path->to.stream, BODY, sure, &path->rest);
    if (n > 0 || (n == -1 && errno == EAGAIN))
        return;
    assert_int_equal(n, -1);
    assert_int_equal(errno, ENOTSUP);
    n = stream_read(&path->from.stream, record, sizeof record);
    assert_true(n > 0);
    assert_int_equal(buf_reserve_large(&path->rest, (size_t)n), 0);
    buf_append(&path->rest, record, (size_t)n);
}

static const struct {
    enum kind from, to;
    bool leaves;
} ways[] = {
    {PLAIN, PLAIN, false}, {UNIX, PLAIN, false}, {PLAIN, TLS, true},
    {UNIX, TLS, true},     {TLS, PLAIN, false},  {TLS, TLS, false},
};

/* Whoever is slower, whatever the sockets are, and however little the receiver takes, though it
 * was sure to take all. */
static void bytes_come_out_as_they_went_in(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        for (int pace = 0; pace < 16; pace++) {
            struct path path;
            size_t slow = pace & 1 ? 3000 : BODY, lazy = pace & 2 ? 50000 : BODY;
            size_t whole = pace % 8 == 0 ? BODY : BODY / 16, most = 0;
            path_init(&path, ways[i].from, ways[i].to, pace & 4 ? 32768 : 0);
            assert_int_equal(bulk_leaves_rest(&path.from.stream, &path.to.stream), ways[i].leaves);
            while (path.received < whole) {
                size_t left = whole - path.sent;
                path_give(&path, left < slow ? left : slow);
                if (buf_len(&path.rest) == 0)
                    path_move(&path, pace & 8);
                most = buf_len(&path.rest) > most ? buf_len(&path.rest) : most;
                path_take(&path, lazy);
                path_flush(&path);
                assert_int_equal(path.from.stream.bytes_read,
                                 path.to.stream.bytes_written + buf_len(&path.rest));
            }
            assert_int_equal(path.received, whole);
            assert_memory_equal(got, body, whole);
            if (ways[i].leaves && !(pace & 8))
                assert_true(most <= STREAM_RECORD);
            if (ways[i].from == TLS)
                assert_true(most <= TLS_MAX);
            path_release(&path);
        }
    }
}

/* Invariant 2: a body ends where it ends, and the next message is still to be read. */
static void never_more_than_was_asked_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct path path;
        char next[8];
        path_init(&path, ways[i].from, ways[i].to, 0);
        assert_int_equal(side_send(&path.from, "body next", 9), 9);
        tls_peer_wait(path.from.stream.fd, POLLIN);
        assert_int_equal(bulk_move(&path.from.stream, &path.to.stream, 5, false, &path.rest), 5);
        while (path.received < 5) {
            tls_peer_wait(path.to.fd, POLLIN);
            path_take(&path, 100);
        }
        assert_int_equal(path.received, 5);
        assert_memory_equal(got, "body ", 5);
        assert_int_equal(stream_read(&path.from.stream, next, sizeof next), 4);
        assert_memory_equal(next, "next", 4);
        path_release(&path);
    }
}

static void nothing_has_come(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct path path;
        path_init(&path, ways[i].from, ways[i].to, 0);
        assert_int_equal(bulk_move(&path.from.stream, &path.to.stream, BODY, false, &path.rest),
                         -1);
        assert_int_equal(errno, EAGAIN);
        assert_int_equal(path.from.stream.read_wants, POLLIN);
        assert_false(path.from.stream.eof);
        path_release(&path);
    }
}

/* A clean end, and a reset; what came before the end comes first. */
static void ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct path path;
        path_init(&path, ways[i].from, ways[i].to, 0);
        assert_int_equal(side_send(&path.from, "abc", 3), 3);
        if (path.from.ssl)
            SSL_shutdown(path.from.ssl);
        shutdown(path.from.fd, SHUT_WR);
        tls_peer_wait(path.from.stream.fd, POLLRDHUP);
        assert_int_equal(bulk_move(&path.from.stream, &path.to.stream, BODY, false, &path.rest), 3);
        if (!path.from.stream.eof)
            assert_int_equal(bulk_move(&path.from.stream, &path.to.stream, BODY, false, &path.rest),
                             0);
        assert_true(path.from.stream.eof);
        assert_false(path.from.stream.broken);
        path_release(&path);
    }
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (ways[i].from != PLAIN)
            continue;
        struct path path;
        path_init(&path, PLAIN, ways[i].to, 0);
        struct stream peer;
        stream_init(&peer, path.from.fd);
        stream_abort(&peer);
        path.from.fd = -1;
        tls_peer_wait(path.from.stream.fd, POLLERR);
        assert_int_equal(bulk_move(&path.from.stream, &path.to.stream, BODY, false, &path.rest),
                         -1);
        assert_int_equal(errno, ECONNRESET);
        assert_true(path.from.stream.eof);
        assert_true(path.from.stream.broken);
        assert_false(path.to.stream.broken);
        path_release(&path);
    }
}

/* A receiver that takes nothing: the bytes stay where they are, and the usual way tells why. */
static void a_receiver_that_is_gone(void **state)
{
    struct path path;
    (void)state;
    path_init(&path, PLAIN, TLS, 0);
    path_give(&path, 100000);
    tls_peer_wait(path.from.stream.fd, POLLIN);
    shutdown(path.to.stream.fd, SHUT_WR);
    assert_int_equal(bulk_move(&path.from.stream, &path.to.stream, BODY, false, &path.rest), -1);
    assert_int_equal(errno, ENOTSUP);
    assert_int_equal(buf_len(&path.rest), 0);
    assert_int_equal(path.from.stream.bytes_read, 0);
    assert_int_equal(stream_read(&path.from.stream, got, 1000), 1000);
    assert_memory_equal(got, body, 1000);
    assert_int_equal(stream_write(&path.to.stream, got, 1000), -1);
    assert_int_equal(errno, EPIPE);
    path_release(&path);
}

/* Then there is the usual way; and another time there is memory, which begins on a page. */
static void no_memory_to_be_had(void **state)
{
    struct path path;
    (void)state;
    path_init(&path, PLAIN, TLS, 0);
    path_give(&path, 1000);
    tls_peer_wait(path.from.stream.fd, POLLIN);
    memory_is_scarce = true;
    assert_int_equal(bulk_move(&path.from.stream, &path.to.stream, BODY, false, &path.rest), -1);
    assert_int_equal(errno, ENOTSUP);
    memory_is_scarce = false;
    assert_int_equal(bulk_move(&path.from.stream, &path.to.stream, BODY, false, &path.rest), 1000);
    assert_int_equal((uintptr_t)memory % 4096, 0);
    path_release(&path);
}

/* A piece that takes long ends after a write, and what is left of it stays where it is, even for a
 * receiver that is sure; until one was done in time. */
static void a_slow_processor(void **state)
{
    struct path path;
    (void)state;
    path_init(&path, PLAIN, TLS, 0);
    for (int i = 0; i < 3; i++) {
        bool sure = i > 0;
        cpu_step = i < 2 ? TIME_MAX : 0;
        while (path.sent - path.from.stream.bytes_read < 3 * BODY / 64)
            path_give(&path, BODY / 64);
        size_t waiting = path.sent - (size_t)path.from.stream.bytes_read;
        ssize_t n = bulk_move(&path.from.stream, &path.to.stream, waiting, sure, &path.rest);
        assert_true(n > 0);
        assert_true(i == 2 || n <= 65536); /* one batch */
        assert_int_equal(buf_len(&path.rest), 0);
        assert_true(is_slow == (i < 2));
    }
    cpu_step = 0;
    path_release(&path);
}

static int set_up(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    noise_fill(body, sizeof body);
    identity = tls_peer_make_identity("bulk.test");
    tls = tls_server_new(lookup, NULL, NULL);
    client_ctx = tls_peer_client_ctx(0);
    return identity && tls && client_ctx ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    SSL_CTX_free(client_ctx);
    tls_server_free(tls);
    tls_identity_unref(identity);
    stream_thread_release();
    tls_thread_release();
    buf_thread_release();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_out_as_they_went_in),
        cmocka_unit_test(never_more_than_was_asked_for),
        cmocka_unit_test(nothing_has_come),
        cmocka_unit_test(ends),
        cmocka_unit_test(a_receiver_that_is_gone),
        cmocka_unit_test(no_memory_to_be_had),
        cmocka_unit_test(a_slow_processor),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
