/* The registry of upstreams. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "proxy/upstream.h"

#define NOW (1000 * CLOCK_SECOND)

static struct config_route route_to(const char *upstream, const char *host, uint16_t port)
{
    return (struct config_route){
        .upstream.text = (char *)(uintptr_t)upstream,
        .upstream.host = (char *)(uintptr_t)host,
        .upstream.port = port,
    };
}

/* A pooled connection; returns the upstream's end. */
static int add(const struct config_route *route, int64_t expires)
{
    const struct upstream *upstream = route->upstream_state;
    struct address address = {.sa.v4 = {.sin_family = AF_INET}, .len = sizeof(struct sockaddr_in)};
    struct stream stream;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    stream_init(&stream, ends[0]);
    metrics_add(METRIC_UPSTREAM_OPEN, 1);
    upstream_pool_put(upstream->pool, &stream, &address, NOW, expires);
    return ends[1];
}

static void assert_closed(int peer)
{
    char byte;
    assert_int_equal(recv(peer, &byte, 1, MSG_DONTWAIT), 0);
    close(peer);
}

static void routes_with_the_same_upstream_share_it(void **state)
{
    char name[] = "nas:8080", host[] = "nas";
    struct config_route routes[] = {
        route_to(name, host, 8080),
        route_to("[::1]:80", "::1", 80),
        route_to("nas:8080", "nas", 8080),
        route_to("builtin:hello", NULL, 0),
    };
    struct config config = {.routes = routes, .route_count = 4};
    struct upstreams *upstreams = upstreams_new();
    (void)state;
    assert_non_null(upstreams);
    assert_int_equal(upstreams_attach(upstreams, &config), 0);

    const struct upstream *nas = routes[0].upstream_state;
    const struct upstream *v6 = routes[1].upstream_state;
    const struct upstream *builtin = routes[3].upstream_state;
    memset(name, 'x', sizeof name - 1); /* nothing is borrowed from the configuration */
    memset(host, 'x', sizeof host - 1);
    assert_string_equal(nas->name, "nas:8080");
    assert_string_equal(nas->host, "nas");
    assert_int_equal(nas->port, 8080);
    assert_string_equal(v6->host, "::1");
    assert_int_equal(v6->port, 80);
    assert_null(builtin->host);
    assert_ptr_equal(routes[2].upstream_state, nas);
    assert_ptr_not_equal(v6->pool, nas->pool);
    upstreams_free(upstreams);
}

/* So many that a look at all of them for each would be felt. */
static void many_upstreams(void **state)
{
    enum { COUNT = 20000 };
    static struct config_route routes[COUNT];
    static char names[COUNT][16];
    struct config config = {.routes = routes, .route_count = COUNT};
    struct upstreams *upstreams = upstreams_new();
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof names[i], "h%d:80", i);
        routes[i] = route_to(names[i], "h", 80);
    }
    assert_int_equal(upstreams_attach(upstreams, &config), 0);
    for (int i = 0; i < COUNT; i++) {
        struct upstream *upstream = routes[i].upstream_state;
        assert_string_equal(upstream->name, names[i]);
        routes[i].upstream.text = names[COUNT - 1 - i];
    }
    struct upstream *last = routes[COUNT - 1].upstream_state;
    assert_int_equal(upstreams_attach(upstreams, &config), 0);
    assert_ptr_equal(routes[0].upstream_state, last);
    upstreams_free(upstreams);
}

static void upstreams_outlive_configurations(void **state)
{
    struct config_route old[] = {route_to("nas:80", "nas", 80), route_to("git:80", "git", 80)};
    struct config_route new[] = {route_to("wiki:80", "wiki", 80), route_to("nas:80", "nas", 80)};
    struct config old_config = {.routes = old, .route_count = 2};
    struct config new_config = {.routes = new, .route_count = 2};
    struct upstreams *upstreams = upstreams_new();
    struct stream stream;
    struct address address;
    (void)state;
    assert_non_null(upstreams);
    assert_int_equal(upstreams_attach(upstreams, &old_config), 0);
    int peer = add(&old[0], CLOCK_NEVER);
    assert_int_equal(upstreams_attach(upstreams, &new_config), 0);
    assert_ptr_equal(new[1].upstream_state, old[0].upstream_state);
    assert_ptr_not_equal(new[0].upstream_state, old[1].upstream_state);
    const struct upstream *nas = new[1].upstream_state;
    assert_true(upstream_pool_get(nas->pool, NOW, CLOCK_NEVER, &stream, &address));
    stream_close(&stream);
    metrics_add(METRIC_UPSTREAM_OPEN, -1);
    assert_closed(peer);
    upstreams_free(upstreams);
}

static void sweeping_visits_every_pool(void **state)
{
    struct config_route routes[] = {route_to("a:80", "a", 80), route_to("b:80", "b", 80),
                                    route_to("c:80", "c", 80)};
    struct config config = {.routes = routes, .route_count = 3};
    struct upstreams *upstreams = upstreams_new();
    (void)state;
    assert_non_null(upstreams);
    assert_int_equal(upstreams_sweep(upstreams, NOW), CLOCK_NEVER);
    assert_int_equal(upstreams_attach(upstreams, &config), 0);
    int second = add(&routes[0], NOW + 20);
    int first = add(&routes[1], NOW + 10);
    int third = add(&routes[2], NOW + 30);
    int fourth = add(&routes[2], NOW + 40);
    assert_int_equal(upstreams_sweep(upstreams, NOW), NOW + 10);
    assert_int_equal(upstreams_sweep(upstreams, NOW + 10), NOW + 20);
    assert_closed(first);
    assert_int_equal(upstreams_sweep(upstreams, NOW + 30), NOW + 40);
    assert_closed(second);
    assert_closed(third);
    upstreams_close_idle(upstreams);
    assert_closed(fourth);
    assert_int_equal(metrics_get(METRIC_UPSTREAM_IDLE), 0);
    int fifth = add(&routes[0], CLOCK_NEVER);
    upstreams_free(upstreams);
    assert_closed(fifth);
    assert_int_equal(metrics_get(METRIC_UPSTREAM_IDLE), 0);
    assert_int_equal(metrics_get(METRIC_UPSTREAM_OPEN), 0);
}

/* The limit is the registry's, whatever the number of upstreams. */
static void all_pools_count_together(void **state)
{
    enum { POOLS = UPSTREAMS_IDLE_MAX / POOL_IDLE_MAX + 1 };
    struct config_route routes[POOLS];
    char names[POOLS][16];
    struct config config = {.routes = routes, .route_count = POOLS};
    struct upstreams *upstreams = upstreams_new();
    (void)state;
    assert_non_null(upstreams);
    for (int i = 0; i < POOLS; i++) {
        snprintf(names[i], sizeof names[i], "h%d:80", i);
        routes[i] = route_to(names[i], "h", 80);
    }
    assert_int_equal(upstreams_attach(upstreams, &config), 0);
    for (int i = 0; i < POOLS; i++)
        for (unsigned j = 0; j < POOL_IDLE_MAX; j++)
            close(add(&routes[i], CLOCK_NEVER)); /* ended, but nobody has looked */
    assert_int_equal(metrics_get(METRIC_UPSTREAM_IDLE), UPSTREAMS_IDLE_MAX);
    upstreams_free(upstreams);
    assert_int_equal(metrics_get(METRIC_UPSTREAM_IDLE), 0);
}

struct reader {
    struct upstreams *upstreams;
    atomic_bool stop;
};

static void *keep_sweeping(void *arg)
{
    struct reader *reader = arg;
    while (!atomic_load(&reader->stop))
        upstreams_sweep(reader->upstreams, NOW);
    return NULL;
}

static void sweeping_and_attaching_go_together(void **state)
{
    struct reader reader = {.upstreams = upstreams_new()};
    pthread_t thread;
    (void)state;
    assert_non_null(reader.upstreams);
    assert_int_equal(pthread_create(&thread, NULL, keep_sweeping, &reader), 0);
    for (int i = 0; i < 200; i++) {
        char name[16];
        snprintf(name, sizeof name, "h%d:80", i);
        struct config_route route = route_to(name, "h", 80);
        struct config config = {.routes = &route, .route_count = 1};
        assert_int_equal(upstreams_attach(reader.upstreams, &config), 0);
        close(add(&route, NOW + i % 2 + 1));
    }
    atomic_store(&reader.stop, true);
    pthread_join(thread, NULL);
    assert_int_equal(upstreams_sweep(reader.upstreams, NOW + 1), NOW + 2);
    assert_int_equal(metrics_get(METRIC_UPSTREAM_IDLE), 100);
    upstreams_free(reader.upstreams);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes_with_the_same_upstream_share_it),
        cmocka_unit_test(many_upstreams),
        cmocka_unit_test(upstreams_outlive_configurations),
        cmocka_unit_test(sweeping_visits_every_pool),
        cmocka_unit_test(all_pools_count_together),
        cmocka_unit_test(sweeping_and_attaching_go_together),
    };
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max; /* some shells start with fewer than one test needs */
    setrlimit(RLIMIT_NOFILE, &files);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
