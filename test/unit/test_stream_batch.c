/* net/stream_batch: records that leave together, and a kernel that takes less than it promised.
 *
 * net/stream is compiled into this test with getsockopt and send in disguise, so that the kernel
 * can be made to promise too much, and calls be counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static int room_getsockopt(int fd, int level, int name, void *value, socklen_t *size);
static ssize_t counted_send(int fd, const void *data, size_t size, int flags);

#define getsockopt room_getsockopt
#define send       counted_send
#include "net/stream.c"
#undef getsockopt
#undef send

#include "net/tls.h"
#include "net/tls_identity.h"
#include "noise.h"
#include "tls_peer.h"

#define BULK ((size_t)1 << 20)

static struct tls_identity *identity;
static struct tls_server *tls;
static char bulk[BULK], got[BULK];
static bool promises_all;
static int send_error; /* what sending fails with, if it is to fail */
static unsigned sends;

static int room_getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
    int result = getsockopt(fd, level, name, value, size);
    if (promises_all && name == SO_MEMINFO)
        ((uint32_t *)value)[SK_MEMINFO_SNDBUF] = UINT32_MAX;
    return result;
}

static ssize_t counted_send(int fd, const void *data, size_t size, int flags)
{
    sends++;
    errno = send_error;
    return send_error ? -1 : send(fd, data, size, flags);
}

static struct tls_identity *lookup(void *arg, const char *name, const struct address *local,
                                   const struct room_ticket *ticket)
{
    (void)arg, (void)name, (void)local, (void)ticket;
    return tls_identity_ref(identity);
}

struct link {
    struct stream server;
    SSL_CTX *ctx;
    SSL *client;
    int fd; /* the client's */
};

/* A stream whose handshake is done, and its client. `buffer`: of the kernel's for sending. */
static void link_init(struct link *link, int version, int buffer)
{
    int fds[2];
    *link = (struct link){.ctx = tls_peer_client_ctx(version)};
    tls_peer_tcp_pair(fds);
    if (buffer) {
        setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
        setsockopt(fds[0], SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    }
    stream_init(&link->server, fds[1]);
    assert_int_equal(tls_accept(tls, &link->server), 0);
    link->fd = fds[0];
    link->client = tls_peer_connect(link->ctx, link->fd, "batch.test");
    assert_int_equal(tls_peer_handshake(&link->server, link->client).server, 0);
    sends = 0;
}

static void link_release(struct link *link)
{
    SSL_free(link->client);
    SSL_CTX_free(link->ctx);
    close(link->fd);
    stream_close(&link->server);
    promises_all = false;
    send_error = 0;
}

/* What the client can read now, behind the `received` bytes that it has. */
static size_t take(struct link *link, size_t received, size_t size)
{
    size_t count = 0;
    SSL_read_ex(link->client, got + received, size, &count);
    return count;
}

static void records_leave_together(void **state)
{
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct link link;
        int error;
        link_init(&link, version, 4 << 20);
        assert_int_equal(stream_write(&link.server, bulk, 65536), 65536);
        assert_int_equal(sends, 1);
        assert_null(link.server.held);
        assert_int_equal(link.server.bytes_written, 65536);
        /* More than a batch: the caller goes on from there. */
        ssize_t n = stream_write(&link.server, bulk + 65536, BULK / 2);
        assert_int_equal(sends, 2);
        assert_int_equal(n, 65536);
        /* A record by itself takes the usual way. */
        size_t sent = 65536 + (size_t)n;
        assert_int_equal(stream_write(&link.server, bulk + sent, 100), 100);
        assert_int_equal(sends, 2);
        sent += 100;
        assert_int_equal(tls_peer_read(link.client, got, sent, &error), sent);
        assert_memory_equal(got, bulk, sent);
        link_release(&link);
    }
}

/* What is held goes out in its place, and nothing overtakes it: neither what is written next nor
 * a goodbye; and reading does not wait for it. */
static void a_kernel_that_promises_too_much(void **state)
{
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct link link;
        size_t sent = 0, received = 0, held = 0;
        char byte;
        link_init(&link, version, 32768);
        promises_all = true;
        while (received < BULK) {
            size_t size = BULK - sent < 100000 ? BULK - sent : 100000;
            ssize_t n = size ? stream_write(&link.server, bulk + sent, size) : 0;
            if (n == -1) {
                assert_int_equal(errno, EAGAIN);
                assert_int_equal(link.server.write_wants, POLLOUT);
            }
            sent += n > 0 ? (size_t)n : 0;
            if (link.server.held) {
                held++;
                assert_true(stream_taken(&link.server) <= sent);
                assert_int_equal(stream_read(&link.server, &byte, 1), -1);
                assert_int_equal(errno, EAGAIN);
                assert_int_equal(link.server.read_wants, POLLIN);
                if (stream_flush(&link.server) == -1) {
                    assert_int_equal(errno, EAGAIN);
                    assert_int_equal(link.server.write_wants, POLLOUT);
                    if (sent == BULK && stream_shutdown(&link.server) == 0)
                        assert_null(link.server.held);
                }
            }
            received += take(&link, received, BULK - received);
        }
        assert_true(held > 1);
        assert_int_equal(sent, BULK);
        assert_memory_equal(got, bulk, BULK);
        assert_int_equal(stream_flush(&link.server), 0);
        assert_int_equal(stream_taken(&link.server), BULK);
        assert_int_equal(stream_shutdown(&link.server), 0);
        tls_peer_wait(link.fd, POLLIN);
        assert_int_equal(take(&link, 0, 1), 0);
        assert_int_equal(SSL_get_shutdown(link.client), SSL_RECEIVED_SHUTDOWN);
        link_release(&link);
    }
}

/* Writes until the kernel is full and something is held, and keeps it so. Returns how much was
 * written. */
static size_t fill_up(struct link *link)
{
    size_t sent = 0;
    promises_all = true;
    while (stream_flush(&link->server) == 0 || link->server.held == NULL) {
        ssize_t n = stream_write(&link->server, bulk + sent, 100000);
        assert_true(n > 0);
        sent += (size_t)n;
    }
    assert_int_equal(errno, EAGAIN);
    send_error = EAGAIN;
    return sent;
}

/* The client says something, with `updates` requests for a key update before it. */
static void say(struct link *link, int updates, const char *word)
{
    while (updates-- > 0) {
        assert_int_equal(SSL_key_update(link->client, SSL_KEY_UPDATE_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(link->client), 1);
    }
    assert_int_equal(SSL_write(link->client, word, 4), 4);
}

/* What the server reads of that, once it is there: the count, 0 at the end, or -1 when it waits for
 * something else. */
static ssize_t hear(struct link *link, char word[5])
{
    ssize_t n;
    memset(word, 0, 5);
    while ((n = stream_read(&link->server, word, 4)) == -1 && link->server.read_wants == POLLIN)
        tls_peer_wait(link->server.fd, POLLIN);
    return n;
}

/* The client takes all of `sent` bytes of the bulk, and they are what they were. */
static void take_all(struct link *link, size_t sent)
{
    send_error = 0;
    for (size_t received = 0; received < sent;) {
        stream_flush(&link->server);
        received += take(link, received, sent - received);
    }
    assert_memory_equal(got, bulk, sent);
}

/* A client that does not read is read nonetheless; what TLS has to say meanwhile, and what is
 * written later with the keys that this brought, leaves in its order. */
static void reading_goes_on(void **state)
{
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct link link;
        char word[5];
        link_init(&link, version, 32768);
        size_t sent = fill_up(&link);
        say(&link, 0, "more");
        assert_int_equal(hear(&link, word), 4);
        assert_string_equal(word, "more");
        assert_int_equal(link.server.held->answers, 0);
        if (version == TLS1_3_VERSION) {
            size_t len = link.server.held->len;
            say(&link, 2, "last");
            assert_int_equal(hear(&link, word), 4);
            assert_string_equal(word, "last");
            assert_true(link.server.held->answers > 0);
            assert_int_equal(link.server.held->len, len + link.server.held->answers);
        }
        assert_int_equal(stream_write(&link.server, bulk + sent, 100), -1);
        assert_int_equal(errno, EAGAIN);
        take_all(&link, sent);
        ssize_t n = stream_write(&link.server, bulk + sent, 50000);
        assert_true(n > 0);
        memmove(bulk, bulk + sent, (size_t)n);
        take_all(&link, (size_t)n);
        link_release(&link);
        noise_fill(bulk, BULK);
    }
}

/* A peer that asks and asks, and takes no answer, is not read until it does. */
static void answers_have_an_end(void **state)
{
    struct link link;
    char word[5];
    (void)state;
    link_init(&link, TLS1_3_VERSION, 32768);
    size_t sent = fill_up(&link);
    say(&link, 200, "more");
    assert_int_equal(hear(&link, word), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(link.server.read_wants, POLLOUT);
    assert_false(link.server.eof);
    assert_in_range(link.server.held->answers, 1, 1024);
    take_all(&link, sent);
    assert_int_equal(stream_flush(&link.server), 0);
    assert_int_equal(hear(&link, word), 4);
    assert_string_equal(word, "more");
    assert_int_equal(stream_write(&link.server, bulk, 100), 100);
    take_all(&link, 100);
    link_release(&link);
}

/* Nobody takes what is held any more: what the peer has said is still there to be read, up to its
 * end, and nothing is written for it. */
static void a_broken_stream_can_be_read(void **state)
{
    struct link link;
    char word[5];
    (void)state;
    link_init(&link, TLS1_3_VERSION, 32768);
    fill_up(&link);
    say(&link, 100, "more");
    say(&link, 0, "last");
    SSL_shutdown(link.client);
    send_error = EPIPE;
    assert_int_equal(hear(&link, word), 4);
    assert_string_equal(word, "more");
    assert_true(link.server.broken);
    assert_int_equal(stream_flush(&link.server), -1);
    assert_int_equal(errno, EPIPE);
    assert_int_equal(hear(&link, word), 4);
    assert_string_equal(word, "last");
    assert_int_equal(hear(&link, word), 0);
    assert_true(link.server.eof);
    link_release(&link);
}

/* A stream that ends, or breaks, while something is held. */
static void held_bytes_of_a_stream_that_ends(void **state)
{
    (void)state;
    for (int breaks = 0; breaks < 2; breaks++) {
        struct link link;
        link_init(&link, 0, 32768);
        promises_all = true;
        while (link.server.held == NULL)
            assert_true(stream_write(&link.server, bulk, 100000) > 0);
        if (breaks) {
            link.server.broken = true;
            assert_int_equal(stream_flush(&link.server), -1);
            assert_int_equal(errno, EPIPE);
            assert_int_equal(stream_write(&link.server, bulk, 1), -1);
            assert_int_equal(errno, EPIPE);
        }
        stream_close(&link.server);
        assert_null(link.server.held);
        link_release(&link);
    }
}

/* A record that was refused by itself is the first of the next batch. */
static void a_refused_record_goes_first(void **state)
{
    struct link link;
    size_t sent = 0, received = 0;
    int large = 4 << 20;
    ssize_t n;
    (void)state;
    link_init(&link, 0, 32768);
    while ((n = stream_write(&link.server, bulk + sent, 16384)) > 0)
        sent += (size_t)n;
    assert_int_equal(errno, EAGAIN);
    setsockopt(link.server.fd, SOL_SOCKET, SO_SNDBUF, &large, sizeof large);
    sends = 0;
    n = stream_write(&link.server, bulk + sent, 65536);
    assert_int_equal(n, 65536);
    assert_int_equal(sends, 1);
    for (sent += 65536; received < sent; received += take(&link, received, sent - received))
        stream_flush(&link.server);
    assert_memory_equal(got, bulk, sent);
    link_release(&link);
}

static int setup(void **state)
{
    (void)state;
    noise_fill(bulk, BULK);
    identity = tls_peer_make_identity("batch.test");
    tls = tls_server_new(lookup, NULL, NULL);
    return tls == NULL;
}

static int teardown(void **state)
{
    (void)state;
    tls_server_free(tls);
    tls_identity_unref(identity);
    stream_thread_release();
    tls_thread_release();
    return 0;
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_leave_together),
        cmocka_unit_test(a_kernel_that_promises_too_much),
        cmocka_unit_test(reading_goes_on),
        cmocka_unit_test(answers_have_an_end),
        cmocka_unit_test(a_broken_stream_can_be_read),
        cmocka_unit_test(held_bytes_of_a_stream_that_ends),
        cmocka_unit_test(a_refused_record_goes_first),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
