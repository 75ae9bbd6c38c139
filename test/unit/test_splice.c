/* net/splice: between TCP and Unix sockets, with receivers that take as little as a test wants.
 *
 * Compiled into this test with fcntl in disguise, so that the pipe can be kept small. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static int pipe_fcntl(int fd, int command, int size);

#define fcntl pipe_fcntl
#include "net/splice.c"
#undef fcntl

#include "noise.h"
#include "tls_peer.h"

#define BULK       ((size_t)8 << 20)
#define SMALL_PIPE ((size_t)65536) /* what a pipe holds when nothing was asked for; pipe(7) */

static char bulk[BULK], got[BULK];
static bool keeps_pipe_small;

static int pipe_fcntl(int fd, int command, int size)
{
    errno = EPERM;
    return keeps_pipe_small ? -1 : fcntl(fd, command, size);
}

/* A sender's peer, what it is spliced from and to, and a receiver's peer. */
struct path {
    int source;
    struct stream from, to;
    int sink;
    struct buf rest;
    size_t sent, received;
};

static void pair(int fds[2], bool is_unix)
{
    if (is_unix)
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    else
        tls_peer_tcp_pair(fds);
}

static void path_init(struct path *path, bool from_unix, bool to_unix)
{
    int fds[2];
    *path = (struct path){0};
    pair(fds, from_unix);
    path->source = fds[0];
    stream_init(&path->from, fds[1]);
    pair(fds, to_unix);
    path->sink = fds[0];
    stream_init(&path->to, fds[1]);
}

static void path_release(struct path *path)
{
    close(path->source);
    close(path->sink);
    stream_close(&path->from);
    stream_close(&path->to);
    buf_release(&path->rest);
    splice_thread_release();
}

/* Sends up to `size` more bytes, as many as the kernel takes. */
static void give(struct path *path, size_t size)
{
    ssize_t n = send(path->source, bulk + path->sent, size, MSG_NOSIGNAL);
    path->sent += n > 0 ? (size_t)n : 0;
}

/* Receives what is there, up to `size` bytes. */
static void take(struct path *path, size_t size)
{
    ssize_t n = recv(path->sink, got + path->received, size, 0);
    path->received += n > 0 ? (size_t)n : 0;
}

/* Writes the rest, as far as it goes. */
static void write_rest(struct path *path)
{
    struct span rest = buf_span(&path->rest);
    ssize_t n = rest.len ? stream_write(&path->to, rest.data, rest.len) : 0;
    if (n > 0)
        buf_consume(&path->rest, (size_t)n);
    buf_trim(&path->rest);
}

static size_t count_descriptors(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 1000; fd++)
        count += fcntl(fd, F_GETFD) != -1;
    return count;
}

static void assert_pipe_is_empty(void)
{
    char byte;
    assert_int_equal(read(pipe_ends.out, &byte, 1), -1);
    assert_int_equal(errno, EAGAIN);
}

/* Whoever is slower, whatever the sockets are, however large the pipe is. */
static void bytes_come_out_as_they_went_in(void **state)
{
    (void)state;
    for (int i = 0; i < 16; i++) {
        struct path path;
        size_t slow = i & 1 ? 3000 : BULK, lazy = i & 2 ? 50000 : BULK;
        size_t whole = slow < BULK || lazy < BULK ? BULK / 8 : BULK;
        keeps_pipe_small = i & 4;
        path_init(&path, i & 8, i & 4);
        while (path.received < whole) {
            size_t left = whole - path.sent;
            give(&path, left < slow ? left : slow);
            if (buf_len(&path.rest) == 0) {
                ssize_t n = splice_move(&path.from, &path.to, BULK, &path.rest);
                assert_true(n > 0 || errno == EAGAIN);
                assert_true(n <= (ssize_t)(keeps_pipe_small ? SMALL_PIPE : SPLICE_MAX));
                assert_pipe_is_empty();
            }
            take(&path, lazy);
            write_rest(&path);
            assert_int_equal(path.from.bytes_read, path.to.bytes_written + buf_len(&path.rest));
        }
        assert_int_equal(path.received, whole);
        assert_memory_equal(got, bulk, whole);
        path_release(&path);
    }
    keeps_pipe_small = false;
}

/* Invariant 3: a body ends where it ends, and the next request is still to be read. */
static void never_more_than_was_asked_for(void **state)
{
    struct path path;
    char next[8];
    (void)state;
    path_init(&path, false, false);
    assert_int_equal(send(path.source, "body next", 9, 0), 9);
    tls_peer_wait(path.from.fd, POLLIN);
    assert_int_equal(splice_move(&path.from, &path.to, 5, &path.rest), 5);
    tls_peer_wait(path.sink, POLLIN);
    take(&path, 100);
    assert_int_equal(path.received, 5);
    assert_memory_equal(got, "body ", 5);
    assert_int_equal(stream_read(&path.from, next, sizeof next), 4);
    assert_memory_equal(next, "next", 4);
    path_release(&path);
}

static void nothing_has_come(void **state)
{
    struct path path;
    (void)state;
    path_init(&path, false, false);
    assert_int_equal(splice_move(&path.from, &path.to, BULK, &path.rest), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(path.from.read_wants, POLLIN);
    assert_int_equal(path.to.write_wants, 0);
    assert_false(path.from.eof);
    path_release(&path);
}

static void ends(void **state)
{
    struct path path;
    (void)state;
    for (int is_unix = 0; is_unix < 2; is_unix++) {
        path_init(&path, is_unix, false);
        assert_int_equal(send(path.source, "abc", 3, 0), 3);
        shutdown(path.source, SHUT_WR);
        tls_peer_wait(path.from.fd, POLLRDHUP);
        assert_int_equal(splice_move(&path.from, &path.to, BULK, &path.rest), 3);
        assert_int_equal(splice_move(&path.from, &path.to, BULK, &path.rest), 0);
        assert_true(path.from.eof);
        assert_false(path.from.broken);
        path_release(&path);
    }
    path_init(&path, false, false);
    struct stream source;
    stream_init(&source, path.source);
    stream_abort(&source);
    path.source = -1;
    tls_peer_wait(path.from.fd, POLLERR);
    assert_int_equal(splice_move(&path.from, &path.to, BULK, &path.rest), -1);
    assert_int_equal(errno, ECONNRESET);
    assert_true(path.from.eof);
    assert_true(path.from.broken);
    assert_false(path.to.broken);
    path_release(&path);
}

/* A receiver that takes next to nothing, though it was promised more: all is handed back, in one
 * block, however much it is. */
static void what_is_not_taken_comes_back(void **state)
{
    int small = 4096;
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct path path;
        path_init(&path, true, false);
        setsockopt(path.to.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
        setsockopt(path.sink, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        size_t most = 0;
        while (path.received < BULK / 16) {
            give(&path, BULK / 16 - path.sent);
            if (buf_len(&path.rest) == 0)
                splice_move(&path.from, &path.to, BULK, &path.rest);
            assert_pipe_is_empty();
            most = most > buf_len(&path.rest) ? most : buf_len(&path.rest);
            write_rest(&path);
            take(&path, i ? 1000 : BULK);
        }
        assert_true(most > 0);
        assert_memory_equal(got, bulk, BULK / 16);
        path_release(&path);
    }
}

/* A receiver that is gone: the bytes come back, and writing them says what happened. */
static void a_receiver_that_is_gone(void **state)
{
    struct path path;
    (void)state;
    path_init(&path, false, true);
    close(path.sink);
    path.sink = -1;
    give(&path, 30000);
    tls_peer_wait(path.from.fd, POLLIN);
    ssize_t n = splice_move(&path.from, &path.to, BULK, &path.rest);
    assert_true(n > 0);
    assert_int_equal(buf_len(&path.rest), n);
    assert_int_equal(path.to.bytes_written, 0);
    assert_int_equal(stream_write(&path.to, path.rest.data, buf_len(&path.rest)), -1);
    assert_int_equal(errno, EPIPE);
    path_release(&path);
}

static void assert_unsupported(struct path *path)
{
    assert_int_equal(splice_move(&path->from, &path->to, BULK, &path->rest), -1);
    assert_int_equal(errno, ENOTSUP);
    assert_false(path->from.eof);
    assert_int_equal(path->from.read_wants, 0);
    assert_int_equal(buf_len(&path->rest), 0);
}

/* No descriptors are left for a pipe; later they are. */
static void no_pipe_to_be_had(void **state)
{
    struct path path;
    struct rlimit limit, none;
    (void)state;
    path_init(&path, false, false);
    give(&path, 100);
    tls_peer_wait(path.from.fd, POLLIN);
    getrlimit(RLIMIT_NOFILE, &limit);
    none = limit;
    none.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &none);
    assert_unsupported(&path);
    setrlimit(RLIMIT_NOFILE, &limit);
    assert_int_equal(splice_move(&path.from, &path.to, BULK, &path.rest), 100);
    path_release(&path);
}

static void what_the_kernel_cannot_splice(void **state)
{
    struct path path;
    (void)state;
    path_init(&path, false, false);
    stream_close(&path.from);
    stream_init(&path.from, epoll_create1(EPOLL_CLOEXEC));
    assert_unsupported(&path);
    path_release(&path);
}

static void threads_leave_no_pipe_behind(void **state)
{
    struct path path;
    size_t before = count_descriptors();
    (void)state;
    path_init(&path, false, false);
    give(&path, 100);
    tls_peer_wait(path.from.fd, POLLIN);
    assert_int_equal(splice_move(&path.from, &path.to, BULK, &path.rest), 100);
    path_release(&path);
    splice_thread_release();
    assert_int_equal(count_descriptors(), before);
}

static int setup(void **state)
{
    (void)state;
    noise_fill(bulk, BULK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_thread_release();
    return 0;
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_out_as_they_went_in),
        cmocka_unit_test(never_more_than_was_asked_for),
        cmocka_unit_test(nothing_has_come),
        cmocka_unit_test(ends),
        cmocka_unit_test(what_is_not_taken_comes_back),
        cmocka_unit_test(a_receiver_that_is_gone),
        cmocka_unit_test(no_pipe_to_be_had),
        cmocka_unit_test(what_the_kernel_cannot_splice),
        cmocka_unit_test(threads_leave_no_pipe_behind),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
