/* Pools of idle upstream connections (rows H23 and H24 of the table in src/README.md), on
 * socket pairs and, where a reset is needed, on loopback TCP. */
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "proxy/upstream_pool.h"

#define NOW (1000 * CLOCK_SECOND)

static atomic_uint total;
static struct upstream_pool *pool;
static const struct address somewhere = {
    .sa.v4 = {.sin_family = AF_INET, .sin_port = 0x5000, .sin_addr = {0x0100007f}},
    .len = sizeof(struct sockaddr_in),
};

static int set_up(void **state)
{
    (void)state;
    atomic_store(&total, 0);
    pool = upstream_pool_new(&total);
    assert_non_null(pool);
    return 0;
}

/* Whatever a test did, nothing may be left over. */
static int tear_down(void **state)
{
    (void)state;
    upstream_pool_free(pool);
    assert_int_equal(atomic_load(&total), 0);
    assert_int_equal(metrics_get(METRIC_UPSTREAM_IDLE), 0);
    assert_int_equal(metrics_get(METRIC_UPSTREAM_OPEN), 0);
    return 0;
}

/* A connection to an upstream; returns the upstream's end. */
static int open_connection(struct stream *stream)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    stream_init(stream, ends[0]);
    metrics_add(METRIC_UPSTREAM_OPEN, 1);
    return ends[1];
}

/* A pooled one. */
static int add(int64_t since, int64_t expires)
{
    struct stream stream;
    int peer = open_connection(&stream);
    upstream_pool_put(pool, &stream, &somewhere, since, expires);
    assert_int_equal(stream.fd, -1);
    return peer;
}

static void done_with(struct stream *stream)
{
    stream_close(stream);
    metrics_add(METRIC_UPSTREAM_OPEN, -1);
}

static bool is_closed(int peer)
{
    char byte;
    ssize_t got = recv(peer, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got == -1 && errno == ECONNRESET);
}

/* Is this the connection whose other end is `peer`? */
static bool leads_to(struct stream *stream, int peer)
{
    char byte = 0;
    return stream_write(stream, "x", 1) == 1 && recv(peer, &byte, 1, 0) == 1 && byte == 'x';
}

static bool take(int64_t now, int64_t max_idle, struct stream *stream)
{
    struct address address;
    bool taken = upstream_pool_get(pool, now, max_idle, stream, &address);
    if (taken)
        assert_memory_equal(&address, &somewhere, sizeof address);
    return taken;
}

static void newest_first(void **state)
{
    struct stream stream;
    int peers[3];
    (void)state;
    assert_false(take(NOW, CLOCK_NEVER, &stream));
    for (int i = 0; i < 3; i++)
        peers[i] = add(NOW + i, NOW + 4 * CLOCK_SECOND);
    assert_int_equal(metrics_get(METRIC_UPSTREAM_IDLE), 3);
    for (int i = 2; i >= 0; i--) {
        assert_true(take(NOW + 3, CLOCK_NEVER, &stream));
        assert_true(leads_to(&stream, peers[i]));
        assert_int_equal(metrics_get(METRIC_UPSTREAM_IDLE), i);
        done_with(&stream);
        close(peers[i]);
    }
    assert_false(take(NOW + 3, CLOCK_NEVER, &stream));
}

static void a_stream_comes_back_as_it_was_put(void **state)
{
    struct stream stream, before;
    int peer = open_connection(&stream);
    (void)state;
    stream.in_epoll = true;
    stream.bytes_read = 17;
    before = stream;
    upstream_pool_put(pool, &stream, &somewhere, NOW, CLOCK_NEVER);
    assert_true(take(NOW, 0, &stream));
    assert_int_equal(stream.fd, before.fd);
    assert_true(stream.in_epoll);
    assert_int_equal(stream.bytes_read, 17);
    done_with(&stream);
    close(peer);
}

/* H23: the end of a pooled connection, or bytes on it, and the next one is taken. */
static void h23_dead_connections_are_passed_over(void **state)
{
    struct stream stream;
    int alive = add(NOW, CLOCK_NEVER);
    int ended = add(NOW, CLOCK_NEVER);
    int talking = add(NOW, CLOCK_NEVER);
    (void)state;
    assert_int_equal(shutdown(ended, SHUT_WR), 0);
    assert_int_equal(send(talking, "HTTP/1.1 408 \r\n", 15, 0), 15);
    assert_true(take(NOW, CLOCK_NEVER, &stream));
    assert_true(leads_to(&stream, alive));
    assert_true(is_closed(ended));
    assert_true(is_closed(talking));
    assert_int_equal(metrics_get(METRIC_UPSTREAM_OPEN), 1);
    done_with(&stream);
    close(alive);
    close(ended);
    close(talking);
}

static void h23_a_reset_connection_is_passed_over(void **state)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof name;
    struct linger reset = {.l_onoff = 1};
    struct stream stream;
    (void)state;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&name, &len), 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof name), 0);
    int peer = accept(listener, NULL, NULL);
    stream_init(&stream, fd);
    metrics_add(METRIC_UPSTREAM_OPEN, 1);
    upstream_pool_put(pool, &stream, &somewhere, NOW, CLOCK_NEVER);
    assert_int_equal(setsockopt(peer, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
    close(peer);
    assert_false(take(NOW, CLOCK_NEVER, &stream));
    assert_int_equal(metrics_get(METRIC_UPSTREAM_OPEN), 0);
    close(listener);
}

/* H24: what must not be sent twice takes only connections that were idle for a moment. */
static void h24_long_idle_connections_are_left_alone(void **state)
{
    struct stream stream;
    int older = add(NOW, CLOCK_NEVER);
    int newer = add(NOW + CLOCK_SECOND, CLOCK_NEVER);
    (void)state;
    assert_false(take(NOW + 2 * CLOCK_SECOND, CLOCK_SECOND - 1, &stream));
    assert_true(take(NOW + 2 * CLOCK_SECOND, CLOCK_SECOND, &stream));
    assert_true(leads_to(&stream, newer));
    done_with(&stream);
    assert_false(take(NOW + 2 * CLOCK_SECOND, CLOCK_SECOND, &stream));
    assert_int_equal(metrics_get(METRIC_UPSTREAM_IDLE), 1);
    assert_true(take(NOW + 2 * CLOCK_SECOND, CLOCK_NEVER, &stream));
    assert_true(leads_to(&stream, older));
    done_with(&stream);
    close(older);
    close(newer);
}

static void expired_connections_are_not_given(void **state)
{
    struct stream stream;
    int longer = add(NOW, NOW + 10);
    int shorter = add(NOW, NOW + 5);
    int never = add(NOW, NOW);
    (void)state;
    assert_true(is_closed(never));
    assert_true(take(NOW + 5, CLOCK_NEVER, &stream));
    assert_true(leads_to(&stream, longer));
    assert_true(is_closed(shorter));
    done_with(&stream);
    close(longer);
    close(shorter);
    close(never);
}

static void sweeping_closes_what_has_expired(void **state)
{
    struct stream stream;
    int last = add(NOW, NOW + 30);
    int first = add(NOW, NOW + 10);
    int second = add(NOW, NOW + 20);
    (void)state;
    assert_int_equal(upstream_pool_sweep(pool, NOW + 9), NOW + 10);
    assert_int_equal(metrics_get(METRIC_UPSTREAM_IDLE), 3);
    assert_int_equal(upstream_pool_sweep(pool, NOW + 10), NOW + 20);
    assert_true(is_closed(first));
    assert_false(is_closed(second));
    assert_int_equal(metrics_get(METRIC_UPSTREAM_IDLE), 2);
    assert_int_equal(metrics_get(METRIC_UPSTREAM_OPEN), 2);
    assert_true(take(NOW + 10, CLOCK_NEVER, &stream)); /* the order stays */
    assert_true(leads_to(&stream, second));
    done_with(&stream);
    assert_int_equal(upstream_pool_sweep(pool, NOW + 30), CLOCK_NEVER);
    assert_true(is_closed(last));
    close(first);
    close(second);
    close(last);
}

/* However many: they are not closed all at a time. */
static void sweeping_closes_hundreds(void **state)
{
    enum { HUNDREDS = 300 };
    (void)state;
    int stays = add(NOW, NOW + 20);
    for (int i = 0; i < HUNDREDS; i++)
        close(add(NOW, NOW + 10));
    assert_int_equal(upstream_pool_sweep(pool, NOW + 10), NOW + 20);
    assert_int_equal(metrics_get(METRIC_UPSTREAM_IDLE), 1);
    assert_false(is_closed(stays));
    close(stays);
}

static void a_full_pool_takes_no_more(void **state)
{
    int peers[POOL_IDLE_MAX + 1];
    (void)state;
    for (unsigned i = 0; i <= POOL_IDLE_MAX; i++)
        peers[i] = add(NOW, CLOCK_NEVER);
    assert_int_equal(metrics_get(METRIC_UPSTREAM_IDLE), POOL_IDLE_MAX);
    assert_true(is_closed(peers[POOL_IDLE_MAX]));
    assert_false(is_closed(peers[POOL_IDLE_MAX - 1]));
    assert_int_equal(atomic_load(&total), POOL_IDLE_MAX);
    upstream_pool_clear(pool);
    assert_int_equal(metrics_get(METRIC_UPSTREAM_IDLE), 0);
    for (unsigned i = 0; i <= POOL_IDLE_MAX; i++) {
        assert_true(is_closed(peers[i]));
        close(peers[i]);
    }
}

/* What a thousand busy clients need is there when they ask again, though for a moment none of them
 * did. */
static void a_thousand_find_theirs(void **state)
{
    enum { CLIENTS = 1000 };
    int peers[CLIENTS];
    (void)state;
    for (int i = 0; i < CLIENTS; i++)
        peers[i] = add(NOW, NOW + CLOCK_SECOND);
    for (int i = CLIENTS; i-- > 0;) {
        struct stream stream;
        assert_true(take(NOW, CLOCK_NEVER, &stream));
        assert_true(leads_to(&stream, peers[i]));
        done_with(&stream);
        close(peers[i]);
    }
}

static void all_pools_together_are_limited(void **state)
{
    (void)state;
    atomic_store(&total, UPSTREAMS_IDLE_MAX - 1); /* in other pools */
    int fits = add(NOW, CLOCK_NEVER);
    int refused = add(NOW, CLOCK_NEVER);
    assert_false(is_closed(fits));
    assert_true(is_closed(refused));
    assert_int_equal(atomic_load(&total), UPSTREAMS_IDLE_MAX);
    upstream_pool_clear(pool);
    assert_true(is_closed(fits));
    assert_int_equal(atomic_load(&total), UPSTREAMS_IDLE_MAX - 1);
    atomic_store(&total, 0);
    close(fits);
    close(refused);
}

/* Workers that take and give back, one that sweeps: no connection has two owners. */
#define WORKERS     4
#define CONNECTIONS 6
#define ROUNDS      2000

static atomic_int owners[CONNECTIONS];
static atomic_uint shared_by_two;
static atomic_uint taken;

static void *work(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        struct stream stream;
        struct address address;
        if (!upstream_pool_get(pool, NOW, CLOCK_NEVER, &stream, &address))
            continue;
        atomic_fetch_add(&taken, 1);
        size_t which = stream.bytes_read;
        if (atomic_fetch_add(&owners[which], 1) != 0)
            atomic_fetch_add(&shared_by_two, 1);
        atomic_fetch_sub(&owners[which], 1);
        upstream_pool_put(pool, &stream, &address, NOW, NOW + 1);
    }
    return NULL;
}

static void *sweep(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++)
        upstream_pool_sweep(pool, NOW);
    return NULL;
}

static void many_threads_share_a_pool(void **state)
{
    pthread_t threads[WORKERS + 1];
    int peers[CONNECTIONS];
    (void)state;
    for (int i = 0; i < CONNECTIONS; i++) {
        struct stream stream;
        peers[i] = open_connection(&stream);
        stream.bytes_read = (uint64_t)i;
        upstream_pool_put(pool, &stream, &somewhere, NOW, NOW + 1);
    }
    for (int i = 0; i <= WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, i < WORKERS ? work : sweep, NULL), 0);
    for (int i = 0; i <= WORKERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&taken), WORKERS * ROUNDS);
    assert_int_equal(atomic_load(&shared_by_two), 0);
    assert_int_equal(metrics_get(METRIC_UPSTREAM_IDLE), CONNECTIONS);
    assert_int_equal(upstream_pool_sweep(pool, NOW + 1), CLOCK_NEVER);
    for (int i = 0; i < CONNECTIONS; i++) {
        assert_true(is_closed(peers[i]));
        close(peers[i]);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

/* Upstreams stay when no configuration names them any more: what an empty pool takes, it takes for
 * good, time and again. */
static void an_empty_pool_is_small(void **state)
{
    (void)state;
    assert_in_range(malloc_usable_size(pool), 1, 256);
    size_t before = mallinfo2().uordblks;
    for (unsigned i = 0; i < POOL_IDLE_MAX; i++)
        close(add(NOW, NOW + CLOCK_SECOND));
    assert_int_equal(atomic_load(&total), POOL_IDLE_MAX);
    upstream_pool_sweep(pool, NOW + CLOCK_SECOND);
    assert_int_equal(atomic_load(&total), 0);
    assert_true(mallinfo2().uordblks < before + 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(newest_first),
        TEST(a_stream_comes_back_as_it_was_put),
        TEST(h23_dead_connections_are_passed_over),
        TEST(h23_a_reset_connection_is_passed_over),
        TEST(h24_long_idle_connections_are_left_alone),
        TEST(expired_connections_are_not_given),
        TEST(sweeping_closes_what_has_expired),
        TEST(sweeping_closes_hundreds),
        TEST(a_full_pool_takes_no_more),
        TEST(a_thousand_find_theirs),
        TEST(all_pools_together_are_limited),
        TEST(an_empty_pool_is_small),
        TEST(many_threads_share_a_pool),
    };
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max; /* some shells start with fewer than these tests need */
    setrlimit(RLIMIT_NOFILE, &files);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
