/* server/admission: who may come in, and how often. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/check.h"
#include "server/admission.h"

static unsigned limit; /* of the test at hand */

static struct admission *make_limited(unsigned max_per_client)
{
    struct admission *admission = admission_new();
    check(admission != NULL);
    limit = max_per_client;
    return admission;
}

static struct admission *make(void)
{
    return make_limited(0);
}

static struct address address(const char *text)
{
    struct address parsed;
    check(address_parse_ip(span_str(text), 1234, &parsed));
    return parsed;
}

static bool enter(struct admission *admission, const char *text)
{
    struct address client = address(text);
    return admission_enter(admission, &client, limit);
}

static void leave(struct admission *admission, const char *text)
{
    struct address client = address(text);
    admission_leave(admission, &client);
}

/* That nothing is left behind is checked by admission_free in every test. */
static void so_many_and_no_more(void **state)
{
    struct admission *admission = make_limited(3);
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_true(enter(admission, "192.0.2.1"));
    for (int i = 0; i < 10; i++)
        assert_false(enter(admission, "192.0.2.1"));
    assert_true(enter(admission, "192.0.2.2"));
    leave(admission, "192.0.2.1");
    assert_true(enter(admission, "192.0.2.1"));
    assert_false(enter(admission, "192.0.2.1"));
    for (int i = 0; i < 3; i++)
        leave(admission, "192.0.2.1");
    leave(admission, "192.0.2.2");
    admission_free(admission);
    admission_free(NULL);
}

static void ports_do_not_matter(void **state)
{
    struct admission *admission = make_limited(2);
    struct address client = address("192.0.2.1");
    (void)state;
    assert_true(admission_enter(admission, &client, limit));
    address_set_port(&client, 4321);
    assert_true(admission_enter(admission, &client, limit));
    address_set_port(&client, 1);
    assert_false(admission_enter(admission, &client, limit));
    leave(admission, "192.0.2.1");
    leave(admission, "192.0.2.1");
    admission_free(admission);
}

/* IPv6 counts by the /64 that a customer gets. */
static void networks_of_one_customer(void **state)
{
    struct admission *admission = make_limited(2);
    (void)state;
    assert_true(enter(admission, "2001:db8:1:2::1"));
    assert_true(enter(admission, "2001:db8:1:2:ffff:ffff:ffff:ffff"));
    assert_false(enter(admission, "2001:db8:1:2::3"));
    assert_true(enter(admission, "2001:db8:1:3::1"));
    leave(admission, "2001:db8:1:2::77");
    assert_true(enter(admission, "2001:db8:1:2::3"));
    leave(admission, "2001:db8:1:2::3");
    leave(admission, "2001:db8:1:2::1");
    leave(admission, "2001:db8:1:3::1");
    admission_free(admission);
}

/* An IPv4 address is the same client through either kind of socket, and no IPv6 network. */
static void the_two_families(void **state)
{
    struct admission *admission = make_limited(1);
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6};
    struct address client;
    (void)state;
    mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
    memcpy(&mapped.sin6_addr.s6_addr[12], (unsigned char[]){192, 0, 2, 1}, 4);
    address_from_sockaddr((struct sockaddr *)&mapped, sizeof mapped, &client);
    assert_true(enter(admission, "192.0.2.1"));
    assert_false(admission_enter(admission, &client, limit));
    assert_true(enter(admission, "::c000:201"));
    assert_true(enter(admission, "c000:201::"));
    admission_leave(admission, &client);
    leave(admission, "::c000:201");
    leave(admission, "c000:201::");
    admission_free(admission);
}

static void zero_is_no_limit(void **state)
{
    struct admission *admission = make_limited(0);
    (void)state;
    for (int i = 0; i < 2000; i++)
        assert_true(enter(admission, "192.0.2.1"));
    for (int i = 0; i < 2000; i++)
        leave(admission, "192.0.2.1");
    admission_free(admission);
}

/* The limit is the caller's, and may change from one call to the next. */
static void a_limit_that_changes(void **state)
{
    struct admission *admission = make();
    struct address client = address("192.0.2.1");
    (void)state;
    assert_true(admission_enter(admission, &client, 2));
    assert_true(admission_enter(admission, &client, 2));
    assert_false(admission_enter(admission, &client, 1));
    assert_true(admission_enter(admission, &client, 3));
    admission_leave(admission, &client);
    admission_leave(admission, &client);
    assert_false(admission_enter(admission, &client, 1));
    admission_leave(admission, &client);
    assert_true(admission_enter(admission, &client, 1));
    admission_leave(admission, &client);
    admission_free(admission);
}

/* Many clients, so that they share buckets; they leave in another order than they came. */
static void many_clients(void **state)
{
    enum { CLIENTS = 20000 };
    struct admission *admission = make_limited(1);
    struct address client = address("10.0.0.0");
    (void)state;
    for (uint32_t i = 0; i < CLIENTS; i++) {
        client.sa.v4.sin_addr.s_addr = htonl(0x0a000000u + i);
        assert_true(admission_enter(admission, &client, limit));
        assert_false(admission_enter(admission, &client, limit));
    }
    for (uint32_t i = 0; i < CLIENTS; i++) {
        client.sa.v4.sin_addr.s_addr = htonl(0x0a000000u + i * 7919u % CLIENTS);
        admission_leave(admission, &client);
        assert_true(admission_enter(admission, &client, limit));
        admission_leave(admission, &client);
    }
    admission_free(admission);
}

#define THREADS 4u
#define ROUNDS  3000u
#define LIMIT   2

struct crowd {
    struct admission *admission;
    atomic_int inside[2]; /* of two clients */
    atomic_uint admitted;
};

static void *come_and_go(void *arg)
{
    static const char *const clients[] = {"192.0.2.1", "2001:db8::1"};
    struct crowd *crowd = arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (!enter(crowd->admission, clients[i % 2]))
            continue;
        check(atomic_fetch_add(&crowd->inside[i % 2], 1) < LIMIT);
        atomic_fetch_add(&crowd->admitted, 1);
        atomic_fetch_sub(&crowd->inside[i % 2], 1);
        leave(crowd->admission, clients[i % 2]);
    }
    return NULL;
}

static void from_many_threads(void **state)
{
    struct crowd crowd = {.admission = make_limited(LIMIT)};
    pthread_t threads[THREADS];
    (void)state;
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &crowd), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_true(atomic_load(&crowd.admitted) > 0);
    admission_free(crowd.admission);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_many_and_no_more),
        cmocka_unit_test(ports_do_not_matter),
        cmocka_unit_test(networks_of_one_customer),
        cmocka_unit_test(the_two_families),
        cmocka_unit_test(zero_is_no_limit),
        cmocka_unit_test(a_limit_that_changes),
        cmocka_unit_test(many_clients),
        cmocka_unit_test(from_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
