/* proxy/service: the configuration in force, and those who hold an older one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/metrics.h"
#include "config/load.h"
#include "proxy/service.h"

static struct config *load(void)
{
    struct config_problems problems = {0};
    struct config *config = config_load_text(
        "test.toml",
        SPAN("[[routes]]\nhost = \"a.test\"\nupstream = \"127.0.0.1:80\"\ncert_type = \"none\"\n"),
        &problems);
    config_problems_release(&problems);
    assert_non_null(config);
    return config;
}

static void a_snapshot_outlives_its_successor(void **state)
{
    struct service service = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    struct config *first = load(), *second = load();
    (void)state;
    service_publish(&service, first);
    struct config *held = service_config(&service);
    assert_ptr_equal(held, first);
    assert_int_equal(atomic_load(&first->refs), 2);
    service_publish(&service, second);
    assert_int_equal(atomic_load(&held->refs), 1);
    struct config *now = service_config(&service);
    assert_ptr_equal(now, second);
    config_unref(now);
    config_unref(held);
    service_publish(&service, NULL);
    assert_int_equal(metrics_get(METRIC_CONFIGS), 0);
}

#define READERS 3u
#define ROUNDS  500u

static void *hold_snapshots(void *arg)
{
    struct service *service = arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct config *config = service_config(service);
        if (config->route_count != 1)
            return config;
        config_unref(config);
    }
    return NULL;
}

static void published_while_in_use(void **state)
{
    struct service service = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    pthread_t readers[READERS];
    (void)state;
    service_publish(&service, load());
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, hold_snapshots, &service), 0);
    for (unsigned i = 0; i < ROUNDS / 10; i++)
        service_publish(&service, load());
    for (unsigned i = 0; i < READERS; i++) {
        void *broken;
        pthread_join(readers[i], &broken);
        assert_null(broken);
    }
    service_publish(&service, NULL);
    assert_int_equal(metrics_get(METRIC_CONFIGS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_outlives_its_successor),
        cmocka_unit_test(published_while_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
