/* certs/store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/thread.h"
#include "certs/issue.h"
#include "certs/local_ca.h"
#include "certs/store.h"
#include "temp_dir.h"

#define PATIENCE (10 * CLOCK_SECOND) /* only a failing test takes it */

static struct config_route routes[] = {
    {.host = (char[]){"app.test"}, .cert_type = CERT_SELF_SIGNED},
    {.host = (char[]){"acme.test"}, .cert_type = CERT_ACME},
    {.host = (char[]){"plain.test"}, .cert_type = CERT_NONE},
    {.host = (char[]){"127.0.0.1"}, .cert_type = CERT_SELF_SIGNED},
    {.host = (char[]){"2001:db8:0:0::1"}, .cert_type = CERT_SELF_SIGNED},
};

static struct config config_of(const char *dir, struct config_route *list, size_t count)
{
    return (struct config){
        .cert_dir = (char *)(uintptr_t)dir, .routes = list, .route_count = count};
}

static struct config all_routes(const char *dir)
{
    return config_of(dir, routes, sizeof routes / sizeof *routes);
}

static struct certs_store *open_store(const struct config *config)
{
    struct err err = {0};
    struct certs_store *store = certs_store_new(config, &err);
    if (store == NULL)
        fail_msg("%s", err.message);
    return store;
}

static const struct address nowhere;

static bool is_known(struct certs_store *store, const char *name)
{
    struct tls_identity *identity = certs_store_lookup(store, name, &nowhere);
    tls_identity_unref(identity);
    return identity != NULL;
}

static bool is_local(struct certs_store *store, const char *ip)
{
    struct address address;
    assert_true(address_parse_ip(span_str(ip), 443, &address));
    struct tls_identity *identity = certs_store_lookup(store, NULL, &address);
    tls_identity_unref(identity);
    return identity != NULL;
}

/* What a store says to standard error from birth to death. */
static char *log_of(const char *dir, const struct config *config)
{
    fflush(stderr);
    int kept = dup(2), fd = open(temp_dir_path(dir, "stderr"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(fd, 2);
    close(fd);
    struct certs_store *store = certs_store_new(config, NULL);
    certs_store_free(store);
    dup2(kept, 2);
    close(kept);
    assert_non_null(store);
    return temp_dir_read(dir, "stderr");
}

/* ---- look-ups ----------------------------------------------------------------------------- */

static void names_and_addresses(void **state)
{
    struct config config = all_routes(*state);
    /* First with certificates just made, then with those that the first one left. */
    for (int i = 0; i < 2; i++) {
        struct certs_store *store = open_store(&config);
        assert_true(is_known(store, "app.test"));
        assert_true(is_known(store, "acme.test"));
        assert_false(is_known(store, "plain.test"));
        assert_false(is_known(store, "other.test"));
        assert_false(is_known(store, "app.tes"));
        assert_false(is_known(store, NULL));
        assert_true(is_local(store, "127.0.0.1"));
        assert_false(is_local(store, "127.0.0.2"));
        assert_true(is_local(store, "2001:db8::1"));
        assert_false(is_local(store, "::1"));
        certs_store_free(store);
    }
    assert_int_equal(temp_dir_count(temp_dir_path(*state, "self-signed")), 8);
}

static void nothing_to_certify_touches_no_disk(void **state)
{
    const char *dir = temp_dir_path(*state, "certs");
    struct config_route plain = {.host = (char[]){"plain.test"}, .cert_type = CERT_NONE};
    struct config config = config_of(dir, &plain, 1);
    struct certs_store *store = open_store(&config);
    assert_false(is_known(store, "plain.test"));
    assert_false(is_local(store, "127.0.0.1"));
    certs_store_free(store);
    assert_int_equal(access(dir, F_OK), -1);
    config.route_count = 0;
    certs_store_free(open_store(&config));
    certs_store_free(NULL);
}

/* ---- the start ---------------------------------------------------------------------------- */

static void the_start_is_logged(void **state)
{
    struct config config = all_routes(*state);
    char *log = log_of(*state, &config);
    struct local_ca *ca = local_ca_open(*state, 0, NULL);
    assert_non_null(strstr(log, temp_dir_path(*state, "local-ca.crt")));
    assert_non_null(strstr(log, local_ca_fingerprint(ca)));
    char *warning = strstr(log, "warn");
    assert_non_null(warning);
    assert_non_null(strstr(warning, "acme.test"));
    assert_null(strstr(warning + 1, "warn"));
    assert_null(strstr(warning, "app.test"));
    local_ca_free(ca);
    free(log);
}

static void the_warning_about_acme_is_bounded(void **state)
{
    enum { COUNT = 100 };
    static char hosts[COUNT][40];
    static struct config_route many[COUNT];
    for (int i = 0; i < COUNT; i++) {
        snprintf(hosts[i], sizeof hosts[i], "a-host-with-the-number-%d.test", i);
        many[i] = (struct config_route){.host = hosts[i], .cert_type = CERT_ACME};
    }
    struct config config = config_of(*state, many, COUNT);
    char *log = log_of(*state, &config);
    char *warning = strstr(log, "warn"), *end = strchr(warning, '\n');
    assert_true(end - warning < 600);
    assert_non_null(strstr(warning, "number-0.test, "));
    assert_non_null(strstr(warning, " more\n"));
    free(log);
}

static void a_host_without_a_certificate_stops_the_start(void **state)
{
    struct config config = all_routes(*state);
    struct err err = {0};
    certs_store_free(open_store(&config));
    unlink(temp_dir_path(*state, "self-signed/app.test.crt"));
    unlink(temp_dir_path(*state, "self-signed/app.test.key"));
    assert_int_equal(mkdir(temp_dir_path(*state, "self-signed/app.test.crt"), 0700), 0);
    assert_null(certs_store_new(&config, &err));
    assert_non_null(strstr(err.message, "app.test"));
    assert_non_null(strstr(err.message, "self-signed/app.test.crt"));

    config.cert_dir = (char *)(uintptr_t)temp_dir_path(*state, "self-signed/acme.test.crt");
    assert_null(certs_store_new(&config, &err));
    assert_non_null(strstr(err.message, config.cert_dir));
}

/* ---- afterwards --------------------------------------------------------------------------- */

/* Waits until the file differs from `before`. */
static void await_change(const char *dir, const char *name, const char *before)
{
    for (int64_t end = clock_now() + PATIENCE;;) {
        char *text = temp_dir_read(dir, name);
        bool same = strcmp(text, before) == 0;
        free(text);
        if (!same)
            return;
        assert_true(clock_now() < end);
        usleep(5000);
    }
}

/* The thread looks at everything first thing, and nobody need ask for a host to have its
 * damaged certificate mended. */
static void damage_is_mended_in_the_background(void **state)
{
    struct config config = all_routes(*state);
    certs_store_free(open_store(&config));
    temp_dir_write(*state, "self-signed/app.test.crt", "rubbish");
    struct certs_store *store = open_store(&config);
    await_change(*state, "self-signed/app.test.crt", "rubbish");
    assert_true(is_known(store, "app.test"));
    certs_store_free(store);
}

/* Handshakes go on while a certificate that falls due in a second is replaced. */
struct asker {
    struct certs_store *store;
    atomic_bool stop;
    atomic_uint answers;
};

static void *ask(void *arg)
{
    struct asker *asker = arg;
    while (!atomic_load(&asker->stop)) {
        check(is_known(asker->store, "app.test"));
        atomic_fetch_add(&asker->answers, 1);
    }
    tls_thread_release();
    return NULL;
}

static void certificates_are_renewed_while_in_use(void **state)
{
    const time_t term = 90 * ISSUE_DAY + 3600;
    const time_t due = (time_t)(clock_wall() / CLOCK_SECOND) + 1;
    const time_t made = due + term / 3 - 90 * ISSUE_DAY;
    struct config config = config_of(*state, routes, 1);
    struct local_ca_leaf leaf;
    struct local_ca *ca = local_ca_open(*state, made, NULL);
    assert_int_equal(local_ca_get(ca, "app.test", made, &leaf, NULL), 0);
    assert_int_equal(leaf.renew_at, due);
    tls_identity_unref(leaf.identity);
    local_ca_free(ca);
    char *before = temp_dir_read(*state, "self-signed/app.test.crt");

    pthread_t threads[2];
    struct asker asker = {.store = open_store(&config)};
    struct tls_identity *old = certs_store_lookup(asker.store, "app.test", &nowhere);
    for (int i = 0; i < 2; i++)
        assert_int_equal(thread_start(&threads[i], "asker", ask, &asker), 0);
    /* Another identity alone proves nothing: the thread and the first asker may both have loaded
     * the old leaf. */
    for (int64_t end = clock_now() + PATIENCE;;) {
        struct tls_identity *now = certs_store_lookup(asker.store, "app.test", &nowhere);
        tls_identity_unref(now);
        char *file = temp_dir_read(*state, "self-signed/app.test.crt");
        bool renewed = now != old && strcmp(file, before) != 0;
        free(file);
        if (renewed)
            break;
        assert_true(clock_now() < end);
        usleep(5000);
    }
    atomic_store(&asker.stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_true(atomic_load(&asker.answers) > 0);
    certs_store_free(asker.store);
    /* Whoever holds the old one keeps it. */
    assert_ptr_equal(tls_identity_ref(old), old);
    tls_identity_unref(old);
    tls_identity_unref(old);

    free(before);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, temp_dir_setup, temp_dir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_and_addresses),
        TEST(nothing_to_certify_touches_no_disk),
        TEST(the_start_is_logged),
        TEST(the_warning_about_acme_is_bounded),
        TEST(a_host_without_a_certificate_stops_the_start),
        TEST(damage_is_mended_in_the_background),
        TEST(certificates_are_renewed_while_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
