/* net/stream: plain and over TLS, on socket pairs and on the loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/stream.h"
#include "net/tls.h"
#include "net/tls_identity.h"
#include "noise.h"
#include "tls_peer.h"

#define BULK ((size_t)1 << 20)

static struct tls_identity *identity;
static struct tls_server *tls;
static char *bulk; /* BULK bytes that do not repeat soon */

static struct tls_identity *lookup(void *arg, const char *name, const struct address *local,
                                   const struct room_ticket *ticket)
{
    (void)arg, (void)name, (void)local, (void)ticket;
    return tls_identity_ref(identity);
}

static int setup(void **state)
{
    (void)state;
    identity = tls_peer_make_identity("stream.test");
    tls = tls_server_new(lookup, NULL, NULL);
    bulk = malloc(BULK);
    noise_fill(bulk, BULK);
    return tls == NULL;
}

static int teardown(void **state)
{
    (void)state;
    tls_server_free(tls);
    tls_identity_unref(identity);
    free(bulk);
    tls_thread_release();
    return 0;
}

static void plain_pair(struct stream *stream, int *peer)
{
    int fds[2];
    tls_peer_tcp_pair(fds);
    stream_init(stream, fds[1]);
    *peer = fds[0];
}

/* A stream whose handshake is done, and its client. */
struct link {
    struct stream server;
    SSL_CTX *ctx;
    SSL *client;
    int fd; /* the client's */
};

static struct link tls_link_on(int fds[2], int version)
{
    struct link link = {.ctx = tls_peer_client_ctx(version)};
    stream_init(&link.server, fds[1]);
    assert_int_equal(tls_accept(tls, &link.server), 0);
    link.fd = fds[0];
    link.client = tls_peer_connect(link.ctx, link.fd, "stream.test");
    struct tls_peer_result r = tls_peer_handshake(&link.server, link.client);
    assert_int_equal(r.server, 0);
    assert_int_equal(r.client, 1);
    return link;
}

static struct link tls_link(int version)
{
    int fds[2];
    tls_peer_tcp_pair(fds);
    return tls_link_on(fds, version);
}

static void link_release(struct link *link)
{
    SSL_free(link->client);
    SSL_CTX_free(link->ctx);
    if (link->fd >= 0)
        close(link->fd);
    stream_close(&link->server);
}

static void assert_closed(const struct stream *stream)
{
    assert_int_equal(stream->fd, -1);
    assert_null(stream->ssl);
}

/* One read, waiting as long as it is refused. */
static ssize_t read_soon(struct stream *stream, void *data, size_t size)
{
    ssize_t n;
    while ((n = stream_read(stream, data, size)) < 0 && errno == EAGAIN)
        tls_peer_wait(stream->fd, stream->read_wants);
    return n;
}

/* Writes until it is refused. Returns what went out: over TLS it goes record by record, since of a
 * batch some may be held, if TCP is short of memory. */
static size_t fill(struct stream *stream)
{
    size_t sent = 0;
    for (;;) {
        ssize_t n = stream_write(stream, bulk + sent % (BULK / 2), stream->ssl ? 16384 : BULK / 2);
        if (n < 0)
            break;
        assert_int_equal(stream->write_wants, 0);
        sent += (size_t)n;
    }
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(stream->write_wants, POLLOUT);
    assert_false(stream->broken);
    return sent;
}

/* ---- plain -------------------------------------------------------------------------------- */

static void plain_bytes_travel(void **state)
{
    struct stream stream;
    int peer;
    char data[8];
    (void)state;
    plain_pair(&stream, &peer);
    stream_set_options(&stream);
    assert_int_equal(stream_read(&stream, data, sizeof data), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(stream.read_wants, POLLIN);
    assert_false(stream.eof);
    assert_int_equal(send(peer, "abc", 3, 0), 3);
    assert_int_equal(read_soon(&stream, data, sizeof data), 3);
    assert_int_equal(stream.read_wants, 0);
    assert_memory_equal(data, "abc", 3);
    assert_int_equal(stream_write(&stream, "defg", 4), 4);
    assert_int_equal(stream.bytes_read, 3);
    assert_int_equal(stream.bytes_written, 4);
    assert_false(stream_has_unread(&stream));
    tls_peer_wait(peer, POLLIN);
    assert_int_equal(recv(peer, data, sizeof data, 0), 4);

    int on = 0;
    socklen_t len = sizeof on;
    getsockopt(stream.fd, IPPROTO_TCP, TCP_NODELAY, &on, &len);
    assert_int_not_equal(on, 0);
    getsockopt(stream.fd, SOL_SOCKET, SO_KEEPALIVE, &on, &len);
    assert_int_not_equal(on, 0);
    stream_close(&stream);
    close(peer);
}

static void plain_half_close(void **state)
{
    struct stream stream;
    int peer;
    char data[8];
    (void)state;
    plain_pair(&stream, &peer);
    assert_int_equal(stream_shutdown(&stream), 0);
    assert_int_equal(stream_shutdown(&stream), 0);
    assert_true(stream.shut);
    assert_int_equal(stream_write(&stream, "x", 1), -1);
    assert_int_equal(errno, EPIPE);
    tls_peer_wait(peer, POLLIN);
    assert_int_equal(recv(peer, data, sizeof data, 0), 0);
    /* The other direction goes on, to its own end. */
    assert_int_equal(send(peer, "abc", 3, 0), 3);
    assert_int_equal(read_soon(&stream, data, sizeof data), 3);
    shutdown(peer, SHUT_WR);
    assert_int_equal(read_soon(&stream, data, sizeof data), 0);
    assert_true(stream.eof);
    assert_false(stream.broken);
    assert_int_equal(stream_read(&stream, data, sizeof data), 0);
    stream_close(&stream);
    close(peer);
}

static void plain_refused_write(void **state)
{
    struct stream stream;
    int peer;
    static char data[65536];
    (void)state;
    plain_pair(&stream, &peer);
    size_t sent = fill(&stream), got = 0;
    assert_int_equal(stream.bytes_written, sent);
    while (got < sent) {
        tls_peer_wait(peer, POLLIN);
        got += (size_t)recv(peer, data, sizeof data, 0);
    }
    tls_peer_wait(stream.fd, POLLOUT);
    assert_int_equal(stream_write(&stream, "x", 1), 1);
    assert_int_equal(stream.write_wants, 0);
    stream_close(&stream);
    close(peer);
}

/* A write that fails leaves what the peer said before it went. */
static void plain_broken_pipe_still_reads(void **state)
{
    struct stream stream;
    int pair[2];
    char data[8];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    stream_init(&stream, pair[0]);
    stream_set_options(&stream);
    assert_int_equal(send(pair[1], "abc", 3, 0), 3);
    close(pair[1]);
    assert_int_equal(stream_write(&stream, "x", 1), -1);
    assert_int_equal(errno, EPIPE);
    assert_true(stream.broken);
    assert_false(stream.eof);
    assert_int_equal(stream_shutdown(&stream), -1);
    assert_int_equal(errno, EPIPE);
    assert_int_equal(stream_read(&stream, data, sizeof data), 3);
    assert_int_equal(stream_read(&stream, data, sizeof data), 0);
    stream_close(&stream);
}

static void plain_ends(void **state)
{
    struct stream stream;
    int peer;
    char data[8];
    (void)state;
    plain_pair(&stream, &peer);
    stream_abort(&stream);
    assert_closed(&stream);
    stream_abort(&stream);
    stream_close(&stream);
    assert_closed(&stream);
    tls_peer_wait(peer, POLLIN);
    assert_int_equal(recv(peer, data, sizeof data, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    close(peer);

    /* And the stream that is reset says so. */
    plain_pair(&stream, &peer);
    struct stream other;
    stream_init(&other, peer);
    stream_abort(&other);
    assert_int_equal(read_soon(&stream, data, sizeof data), -1);
    assert_int_equal(errno, ECONNRESET);
    assert_true(stream.eof);
    assert_true(stream.broken);
    assert_int_equal(stream_read(&stream, data, sizeof data), -1);
    assert_int_equal(errno, ECONNABORTED);
    stream_close(&stream);
    assert_closed(&stream);
}

/* ---- TLS ---------------------------------------------------------------------------------- */

/* Waits until all that the client has written is there to be read. */
static void await_arrival(const struct link *link, uint64_t before)
{
    uint64_t sent = BIO_number_written(SSL_get_wbio(link->client)) - before;
    for (int waiting = 0; (uint64_t)waiting < sent; sched_yield())
        assert_int_equal(ioctl(link->server.fd, FIONREAD, &waiting), 0);
}

/* What allows to wait without a read that is refused: nothing in the socket, nothing in OpenSSL. */
static void tls_tells_what_is_left(void **state)
{
    char data[STREAM_RECORD];
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct link link = tls_link(version);
        BIO *wire = SSL_get_wbio(link.client);
        uint64_t before = BIO_number_written(wire);
        assert_int_equal(SSL_write(link.client, "ab", 2), 2);
        await_arrival(&link, before);
        assert_int_equal(stream_read(&link.server, data, 2), 2);
        assert_true(link.server.drained);
        assert_false(stream_has_unread(&link.server));

        /* Two records are taken at once, and read one by one. */
        before = BIO_number_written(wire);
        assert_int_equal(SSL_write(link.client, "ab", 2), 2);
        assert_int_equal(SSL_write(link.client, "cd", 2), 2);
        await_arrival(&link, before);
        assert_int_equal(stream_read(&link.server, data, sizeof data), 2);
        assert_true(link.server.drained);
        assert_true(stream_has_unread(&link.server));
        assert_int_equal(stream_read(&link.server, data, sizeof data), 2);
        assert_false(stream_has_unread(&link.server));

        /* More than OpenSSL's buffer takes. */
        before = BIO_number_written(wire);
        for (int i = 0; i < 4; i++)
            assert_int_equal(SSL_write(link.client, bulk, STREAM_RECORD), STREAM_RECORD);
        await_arrival(&link, before);
        assert_true(stream_read(&link.server, data, sizeof data) > 0);
        assert_false(link.server.drained);

        for (size_t left = 3; left > 0; left--)
            assert_int_equal(stream_read(&link.server, data, sizeof data), STREAM_RECORD);
        assert_int_equal(stream_read(&link.server, data, sizeof data), -1);
        assert_int_equal(errno, EAGAIN);
        assert_true(link.server.drained);
        link_release(&link);
    }
}

static void tls_bytes_travel(void **state)
{
    char data[64];
    int error;
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct link link = tls_link(version);
        assert_int_equal(stream_read(&link.server, data, sizeof data), -1);
        assert_int_equal(errno, EAGAIN);
        assert_int_equal(link.server.read_wants, POLLIN);
        assert_int_equal(SSL_write(link.client, "abcdef", 6), 6);
        assert_int_equal(read_soon(&link.server, data, 2), 2);
        assert_true(stream_has_unread(&link.server));
        assert_int_equal(stream_read(&link.server, data + 2, 9), 4);
        assert_false(stream_has_unread(&link.server));
        assert_memory_equal(data, "abcdef", 6);
        assert_int_equal(link.server.bytes_read, 6);
        assert_int_equal(stream_write(&link.server, "ghi", 3), 3);
        assert_int_equal(tls_peer_read(link.client, data, 3, &error), 3);
        assert_memory_equal(data, "ghi", 3);
        link_release(&link);
    }
}

/* OpenSSL reads ahead: several records come out of one read(2), and only a read that would
 * block says that nothing is left. */
static void tls_reads_ahead_without_losing_a_record(void **state)
{
    char data[64];
    int waiting = 0;
    (void)state;
    struct link link = tls_link(0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(SSL_write(link.client, "record", 6), 6);
    /* All five have arrived: nothing follows the client's half-close. */
    shutdown(link.fd, SHUT_WR);
    tls_peer_wait(link.server.fd, POLLRDHUP);
    assert_int_equal(stream_read(&link.server, data, sizeof data), 6);
    assert_int_equal(ioctl(link.server.fd, FIONREAD, &waiting), 0);
    assert_int_equal(waiting, 0);
    for (int i = 1; i < 5; i++)
        assert_int_equal(stream_read(&link.server, data, sizeof data), 6);
    assert_int_equal(stream_read(&link.server, data, sizeof data), -1);
    assert_int_equal(errno, ECONNABORTED);
    link_release(&link);
}

/* A refused write is repeated from another place, with the same bytes, until all have gone. */
static void tls_moving_write_buffer(void **state)
{
    static char got[BULK];
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct link link = tls_link(version);
        int small = 4096, error, refused = 0;
        setsockopt(link.server.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
        size_t sent = 0, received = 0;
        while (sent < BULK) {
            size_t len = BULK - sent < 20000 ? BULK - sent : 20000;
            char *copy = malloc(len);
            memcpy(copy, bulk + sent, len);
            ssize_t n = stream_write(&link.server, copy, len);
            free(copy);
            if (n > 0) {
                sent += (size_t)n;
                continue;
            }
            assert_int_equal(errno, EAGAIN);
            assert_int_equal(link.server.write_wants, POLLOUT);
            refused++;
            struct pollfd both[2] = {{.fd = link.server.fd, .events = POLLOUT},
                                     {.fd = link.fd, .events = POLLIN}};
            assert_true(poll(both, 2, 10000) > 0);
            size_t count = 0;
            SSL_read_ex(link.client, got + received, BULK - received, &count);
            received += count;
        }
        assert_true(refused > 0);
        received += tls_peer_read(link.client, got + received, BULK - received, &error);
        assert_int_equal(received, BULK);
        assert_memory_equal(got, bulk, BULK);
        assert_int_equal(link.server.bytes_written, BULK);
        link_release(&link);
    }
}

static void tls_end_or_truncation(void **state)
{
    char data[8];
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct link link = tls_link(version);
        assert_int_equal(SSL_write(link.client, "abc", 3), 3);
        assert_int_equal(SSL_shutdown(link.client), 0);
        assert_int_equal(read_soon(&link.server, data, sizeof data), 3);
        assert_int_equal(read_soon(&link.server, data, sizeof data), 0);
        assert_true(link.server.eof);
        assert_false(link.server.broken);
        assert_int_equal(stream_write(&link.server, "abc", 3), 3);
        link_release(&link);

        link = tls_link(version);
        assert_int_equal(SSL_write(link.client, "abc", 3), 3);
        shutdown(link.fd, SHUT_WR);
        assert_int_equal(read_soon(&link.server, data, sizeof data), 3);
        assert_int_equal(read_soon(&link.server, data, sizeof data), -1);
        assert_int_equal(errno, ECONNABORTED);
        assert_true(link.server.eof);
        assert_true(link.server.broken);
        assert_int_equal(stream_read(&link.server, data, sizeof data), -1);
        assert_int_equal(errno, ECONNABORTED);
        assert_int_equal(stream_write(&link.server, "abc", 3), -1);
        assert_int_equal(errno, EPIPE);
        link_release(&link);
    }
}

static void tls_garbage_breaks_the_stream(void **state)
{
    char data[8];
    (void)state;
    struct link link = tls_link(0);
    assert_int_equal(send(link.fd,
                          "\x17\x03\x03\x00\x20"
                          "0123456789abcdef0123456789abcdef",
                          37, 0),
                     37);
    assert_int_equal(read_soon(&link.server, data, sizeof data), -1);
    assert_int_equal(errno, EPROTO);
    assert_true(link.server.eof);
    assert_true(link.server.broken);
    /* What one stream leaves in the thread's error queue is not blamed on another. */
    struct link other = tls_link(0);
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
    assert_int_equal(stream_read(&other.server, data, sizeof data), -1);
    assert_int_equal(errno, EAGAIN);
    assert_false(other.server.broken);
    link_release(&link);
    link_release(&other);
}

static void tls_close_says_goodbye(void **state)
{
    char data[8];
    int error;
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct link link = tls_link(version);
        assert_int_equal(stream_write(&link.server, "abc", 3), 3);
        stream_close(&link.server);
        assert_closed(&link.server);
        assert_int_equal(tls_peer_read(link.client, data, sizeof data, &error), 3);
        assert_int_equal(error, SSL_ERROR_ZERO_RETURN);
        link_release(&link);
    }
}

static void tls_abort_does_not(void **state)
{
    char data[8];
    int error;
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct link link = tls_link(version);
        stream_abort(&link.server);
        assert_closed(&link.server);
        stream_abort(&link.server);
        tls_peer_wait(link.fd, POLLIN);
        assert_int_equal(tls_peer_read(link.client, data, sizeof data, &error), 0);
        assert_int_equal(error, SSL_ERROR_SYSCALL);
        assert_int_equal(errno, ECONNRESET);
        link_release(&link);
    }
}

static void tls_half_close(void **state)
{
    char data[8];
    int error;
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct link link = tls_link(version);
        assert_int_equal(stream_shutdown(&link.server), 0);
        assert_int_equal(stream_shutdown(&link.server), 0);
        assert_int_equal(stream_write(&link.server, "x", 1), -1);
        assert_int_equal(errno, EPIPE);
        assert_int_equal(tls_peer_read(link.client, data, sizeof data, &error), 0);
        assert_int_equal(error, SSL_ERROR_ZERO_RETURN);
        /* FIN follows close_notify. */
        tls_peer_wait(link.fd, POLLRDHUP);
        assert_int_equal(SSL_write(link.client, "abc", 3), 3);
        assert_int_equal(read_soon(&link.server, data, sizeof data), 3);
        link_release(&link);
    }
}

/* A goodbye that does not fit waits for its turn; asking again sends it, and reads nothing. */
static void tls_shutdown_can_be_refused(void **state)
{
    static char data[65536];
    int fds[2];
    (void)state;
    /* A Unix socket that is full stays so until somebody reads; TCP finds room for more. */
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    struct link link = tls_link_on(fds, 0);
    assert_int_equal(SSL_write(link.client, "abc", 3), 3);
    /* It is filled below OpenSSL, so that no refused write stands before the goodbye. */
    size_t raw = 0;
    for (ssize_t n; (n = send(link.server.fd, bulk, BULK, 0)) > 0;)
        raw += (size_t)n;
    assert_int_equal(stream_shutdown(&link.server), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(link.server.write_wants, POLLOUT);
    assert_false(link.server.shut);
    assert_int_equal(stream_shutdown(&link.server), -1);
    assert_int_equal(errno, EAGAIN);
    for (size_t got = 0; got < raw;) {
        tls_peer_wait(link.fd, POLLIN);
        ssize_t n = recv(link.fd, data, sizeof data, 0);
        got += (size_t)n;
    }
    tls_peer_wait(link.server.fd, POLLOUT);
    assert_int_equal(stream_shutdown(&link.server), 0);
    assert_true(link.server.shut);
    size_t tail = 0;
    for (ssize_t n = 1; n > 0; tail += (size_t)n) {
        tls_peer_wait(link.fd, POLLIN);
        n = recv(link.fd, data, sizeof data, 0);
        assert_true(n >= 0);
    }
    assert_int_equal(tail, 24); /* one alert: header, level, description, type, tag */
    assert_int_equal(read_soon(&link.server, data, sizeof data), 3);
    link_release(&link);
}

/* A close in the middle of a refused write sends nothing that would pass for an end. */
static void tls_close_after_a_refused_write(void **state)
{
    static char data[65536];
    int error;
    (void)state;
    struct link link = tls_link(0);
    size_t sent = fill(&link.server), got = 0;
    stream_close(&link.server);
    do
        got += tls_peer_read(link.client, data, sizeof data, &error);
    while (error == SSL_ERROR_NONE);
    assert_int_equal(got, sent);
    assert_int_equal(error, SSL_ERROR_SSL);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_UNEXPECTED_EOF_WHILE_READING);
    ERR_clear_error();
    link_release(&link);
}

/* Ends of connections, even rude ones, do not cost sessions. */
static void tls_sessions_outlive_streams(void **state)
{
    (void)state;
    for (int how = 0; how < 2; how++) {
        struct link link = tls_link(TLS1_2_VERSION);
        struct stream client;
        stream_init(&client, link.fd);
        client.ssl = link.client;
        SSL_SESSION *session = SSL_get1_session(client.ssl);
        if (how == 0)
            stream_close(&client);
        else
            stream_abort(&client);
        assert_true(SSL_SESSION_is_resumable(session));
        SSL_SESSION_free(session);
        link.client = NULL;
        link.fd = -1;
        link_release(&link);
    }
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_bytes_travel),
        cmocka_unit_test(plain_half_close),
        cmocka_unit_test(plain_refused_write),
        cmocka_unit_test(plain_broken_pipe_still_reads),
        cmocka_unit_test(plain_ends),
        cmocka_unit_test(tls_tells_what_is_left),
        cmocka_unit_test(tls_bytes_travel),
        cmocka_unit_test(tls_reads_ahead_without_losing_a_record),
        cmocka_unit_test(tls_moving_write_buffer),
        cmocka_unit_test(tls_end_or_truncation),
        cmocka_unit_test(tls_garbage_breaks_the_stream),
        cmocka_unit_test(tls_close_says_goodbye),
        cmocka_unit_test(tls_abort_does_not),
        cmocka_unit_test(tls_half_close),
        cmocka_unit_test(tls_shutdown_can_be_refused),
        cmocka_unit_test(tls_close_after_a_refused_write),
        cmocka_unit_test(tls_sessions_outlive_streams),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
