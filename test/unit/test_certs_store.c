/* certs/store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/thread.h"
#include "certs/issue.h"
#include "certs/local_ca.h"
#include "certs/store.h"
#include "net/tls_identity.h"
#include "temp_dir.h"

#define WAITING  3                   /* handshakes for one certificate */
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

/* Rooms stay until the end, as a server's does until its store is gone: whoever wakes a slot is not
 * done with its room when the slot is taken. */
static struct room *rooms[64];
static atomic_uint room_count;

static struct room *open_room(void)
{
    unsigned index = atomic_fetch_add(&room_count, 1);
    check(index < sizeof rooms / sizeof *rooms);
    return rooms[index] = room_new(WAITING, sizeof(struct room_slot));
}

static int close_rooms(void **state)
{
    (void)state;
    for (unsigned i = 0; i < atomic_load(&room_count); i++)
        room_free(rooms[i]);
    return 0;
}

/* As a handshake: parks while the certificate is not loaded. */
static struct tls_identity *look_up(struct certs_store *store, const char *name,
                                    const struct address *local)
{
    static _Thread_local struct room *room;
    if (room == NULL)
        room = open_room();
    struct room_slot *slot = room_acquire(room);
    struct room_ticket ticket = room_next_wait(room, slot);
    struct tls_identity *identity;
    while ((identity = certs_store_lookup(store, name, local, &ticket)) == NULL &&
           errno == EAGAIN) {
        if (room_park(room, slot, NULL, 0, CLOCK_NEVER) == ROOM_PARKED)
            assert_ptr_equal(room_take(room), slot);
        ticket = room_next_wait(room, slot);
    }
    int why = errno;
    room_release(room, slot);
    errno = why;
    return identity;
}

static bool is_known(struct certs_store *store, const char *name)
{
    struct tls_identity *identity = look_up(store, name, &nowhere);
    tls_identity_unref(identity);
    return identity != NULL;
}

static bool is_local(struct certs_store *store, const char *ip)
{
    struct address address;
    assert_true(address_parse_ip(span_str(ip), 443, &address));
    struct tls_identity *identity = look_up(store, NULL, &address);
    tls_identity_unref(identity);
    return identity != NULL;
}

/* What a store says to standard error from birth to death, having tried every certificate. */
static char *log_of(const char *dir, const struct config *config)
{
    fflush(stderr);
    int kept = dup(2), fd = open(temp_dir_path(dir, "stderr"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(fd, 2);
    close(fd);
    struct certs_store *store = certs_store_new(config, NULL);
    for (size_t i = 0; store && i < config->route_count; i++)
        (void)is_known(store, config->routes[i].host);
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
    *strchr(warning, '\n') = '\0';
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

/* A directory where a file is to be: nobody can read it, nor put another in its place. */
static void obstruct(const char *dir, const char *host)
{
    char name[128];
    for (int i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "self-signed/%s.%s", host, i ? "crt" : "key");
        unlink(temp_dir_path(dir, name));
    }
    assert_int_equal(mkdir(temp_dir_path(dir, name), 0700), 0);
}

static void await_quarantine(struct certs_store *store, const char *host, bool expected)
{
    int64_t end = clock_now() + PATIENCE;
    while (certs_store_is_quarantined(store, host) != expected) {
        assert_true(clock_now() < end);
        usleep(1000);
    }
}

static void a_certificate_that_cannot_be_made_is_its_hosts_trouble_alone(void **state)
{
    struct config config = all_routes(*state);
    certs_store_free(open_store(&config));
    obstruct(*state, "app.test");
    char *log = log_of(*state, &config);
    assert_non_null(strstr(log, "app.test"));
    assert_non_null(strstr(log, "self-signed/app.test.crt"));
    assert_non_null(strstr(log, "HTTP answers 503"));
    assert_null(strstr(log, "acme.test.crt"));
    free(log);

    struct certs_store *store = open_store(&config);
    errno = 0;
    assert_false(is_known(store, "app.test"));
    assert_int_equal(errno, ENOKEY);
    await_quarantine(store, "app.test", true);
    assert_true(is_known(store, "acme.test"));
    assert_false(certs_store_is_quarantined(store, "acme.test"));
    assert_false(is_known(store, "other.test"));
    assert_int_equal(errno, ENOENT);
    assert_false(certs_store_is_quarantined(store, "other.test"));

    /* The next configuration gives it another chance, also when it is the same one. */
    assert_int_equal(rmdir(temp_dir_path(*state, "self-signed/app.test.crt")), 0);
    struct certs_hosts *hosts = certs_hosts_new(store, &config, NULL);
    assert_non_null(hosts);
    certs_store_publish(store, hosts);
    assert_true(is_known(store, "app.test"));
    await_quarantine(store, "app.test", false);
    certs_store_free(store);
}

/* Good certificates are served without it; those that are missing are their hosts' trouble. */
static void a_root_of_no_use_does_not_stop_the_start(void **state)
{
    struct config some = config_of(*state, routes, 1), all = all_routes(*state);
    free(log_of(*state, &some));
    temp_dir_write(*state, "local-ca.crt", "nothing");
    char *log = log_of(*state, &all);
    assert_non_null(strstr(log, "root is damaged"));
    assert_non_null(strstr(log, "certificates that are there are served"));
    assert_non_null(strstr(log, "no certificate for acme.test"));
    assert_null(strstr(log, "app.test"));
    free(log);

    struct certs_store *store = open_store(&all);
    assert_true(is_known(store, "app.test"));
    assert_false(certs_store_is_quarantined(store, "app.test"));
    await_quarantine(store, "acme.test", true);
    certs_store_free(store);
}

static void a_directory_that_cannot_be_used_stops_the_start(void **state)
{
    struct config config = all_routes(*state);
    struct err err = {0};
    temp_dir_write(*state, "file", "");
    config.cert_dir = (char *)(uintptr_t)temp_dir_path(*state, "file");
    assert_null(certs_store_new(&config, &err));
    assert_non_null(strstr(err.message, config.cert_dir));
}

/* ---- waiting ------------------------------------------------------------------------------ */

/* Somebody else has the lock, so nothing can be made. */
static int take_lock(const char *dir)
{
    int lock = open(temp_dir_path(dir, ".lock"), O_RDWR | O_CREAT, 0600);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    return lock;
}

/* Slots that are parked until the certificate of `host` is loaded. */
static struct room *wait_for(struct certs_store *store, const char *host)
{
    struct room *room = open_room();
    for (int i = 0; i < WAITING; i++) {
        struct room_slot *slot = room_acquire(room);
        struct room_ticket ticket = room_next_wait(room, slot);
        assert_null(certs_store_lookup(store, host, &nowhere, &ticket));
        assert_int_equal(errno, EAGAIN);
        assert_int_equal(room_park(room, slot, NULL, 0, CLOCK_NEVER), ROOM_PARKED);
    }
    return room;
}

/* All of them have been woken, once. */
static void all_go_on(struct room *room)
{
    for (int i = 0; i < WAITING; i++)
        room_release(room, room_take(room));
}

static void all_who_wait_are_woken(void **state)
{
    struct config config = config_of(*state, routes, 2), none = config_of(*state, NULL, 0);
    struct config_route loaded[] = {routes[0]};
    struct config first = config_of(*state, loaded, 1);
    struct certs_store *store = open_store(&first);
    assert_true(is_known(store, "app.test"));

    int lock = take_lock(*state);
    certs_store_publish(store, certs_hosts_new(store, &config, NULL));
    struct room *waiting = wait_for(store, "acme.test");
    assert_false(certs_store_is_quarantined(store, "acme.test"));
    assert_true(is_known(store, "app.test")); /* nobody else notices */

    /* By a reload, which they may not be affected by; by the end of the store. */
    certs_store_publish(store, certs_hosts_new(store, &config, NULL));
    all_go_on(waiting);
    waiting = wait_for(store, "acme.test");
    certs_store_publish(store, certs_hosts_new(store, &none, NULL));
    all_go_on(waiting);
    assert_false(is_known(store, "acme.test"));

    /* By the certificate. */
    certs_store_publish(store, certs_hosts_new(store, &config, NULL));
    waiting = wait_for(store, "acme.test");
    close(lock);
    all_go_on(waiting);
    assert_true(is_known(store, "acme.test"));
    certs_store_free(store);
}

/* However many come and leave again while the disk takes its time: each costs as little as the
 * first, and they take no more than so much memory. */
static void there_is_a_limit_to_who_waits(void **state)
{
    const uint32_t slots = 1u << 16;
    struct config config = config_of(*state, routes, 2), first = config_of(*state, routes, 1);
    struct certs_store *store = open_store(&first);
    assert_true(is_known(store, "app.test"));
    struct room *room = rooms[atomic_fetch_add(&room_count, 1)] =
        room_new(slots, sizeof(struct room_slot));

    int lock = take_lock(*state);
    certs_store_publish(store, certs_hosts_new(store, &config, NULL));
    uint32_t count = 0;
    do {
        const struct room_ticket ticket = {room, count % slots, 1};
        assert_null(certs_store_lookup(store, "acme.test", &nowhere, &ticket));
    } while (errno == EAGAIN && ++count < 4 * slots);
    assert_int_equal(errno, ENOKEY);
    assert_in_range(count, slots, 2 * slots);
    close(lock);
    for (int64_t end = clock_now() + PATIENCE; !is_known(store, "acme.test");) {
        assert_true(clock_now() < end);
        usleep(1000);
    }
    certs_store_free(store);
}

static void a_directory_that_does_not_answer(void **state)
{
    struct config config = all_routes(*state);
    struct err err = {0};
    int lock = take_lock(*state);
    assert_null(certs_store_new(&config, &err));
    assert_non_null(strstr(err.message, *state));
    assert_non_null(strstr(err.hint, ".lock"));
    (void)lock; /* kept: the store's thread stays behind */
}

/* ---- other hosts -------------------------------------------------------------------------- */

static struct tls_identity *identity_of(struct certs_store *store, const char *name)
{
    struct tls_identity *identity = look_up(store, name, &nowhere);
    tls_identity_unref(identity); /* the store has one too */
    return identity;
}

static void unchanged_hosts_keep_their_identities(void **state)
{
    struct config_route fewer[] = {routes[0]}, more[] = {routes[0], routes[1], routes[3]};
    struct config small = config_of(*state, fewer, 1), large = config_of(*state, more, 3);
    struct certs_store *store = open_store(&small);
    struct tls_identity *before = identity_of(store, "app.test");
    assert_non_null(before);
    assert_false(is_known(store, "acme.test"));

    struct certs_hosts *hosts = certs_hosts_new(store, &large, NULL);
    assert_non_null(hosts);
    assert_false(is_known(store, "acme.test")); /* not published yet */
    certs_store_publish(store, hosts);
    assert_true(is_known(store, "acme.test"));
    assert_true(is_local(store, "127.0.0.1"));
    assert_ptr_equal(identity_of(store, "app.test"), before);

    certs_hosts_free(certs_hosts_new(store, &small, NULL)); /* and nothing has changed */
    assert_true(is_known(store, "acme.test"));

    certs_store_publish(store, certs_hosts_new(store, &small, NULL));
    assert_false(is_known(store, "acme.test"));
    assert_ptr_equal(identity_of(store, "app.test"), before);
    certs_store_free(store);
}

/* From nothing to certify to something, and back. */
static void the_first_host_with_a_certificate(void **state)
{
    const char *dir = temp_dir_path(*state, "certs");
    struct config none = config_of(dir, &routes[2], 1), all = all_routes(dir);
    struct certs_store *store = open_store(&none);
    assert_int_equal(access(dir, F_OK), -1);
    certs_store_publish(store, certs_hosts_new(store, &all, NULL));
    assert_true(is_known(store, "app.test"));
    certs_store_publish(store, certs_hosts_new(store, &none, NULL));
    assert_false(is_known(store, "app.test"));

    struct err err = {0};
    struct certs_store *other = open_store(&none);
    temp_dir_write(*state, "file", "");
    all.cert_dir = (char *)(uintptr_t)temp_dir_path(*state, "file");
    assert_null(certs_hosts_new(other, &all, &err));
    assert_non_null(strstr(err.message, all.cert_dir));
    assert_false(is_known(other, "app.test"));
    certs_store_free(other);
    certs_store_free(store);
}

/* ---- afterwards --------------------------------------------------------------------------- */

static bool has_changed(const char *dir, const char *name, const char *before)
{
    char *text = temp_dir_read(dir, name);
    bool changed = strcmp(text, before) != 0;
    free(text);
    return changed;
}

/* Waits until the file differs from `before`. */
static void await_change(const char *dir, const char *name, const char *before)
{
    for (int64_t end = clock_now() + PATIENCE; !has_changed(dir, name, before);) {
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
        usleep(50); /* handshakes do not come more often either */
    }
    tls_thread_release();
    return NULL;
}

/* The text of the file of app.test's certificate, made so that it falls due at `due`. */
static char *make_due_at(const char *dir, time_t due)
{
    const time_t term = 90 * ISSUE_DAY + 3600, made = due + term / 3 - 90 * ISSUE_DAY;
    struct local_ca_leaf leaf;
    struct local_ca *ca = local_ca_open(dir, made, NULL);
    unlink(temp_dir_path(dir, "self-signed/app.test.crt"));
    assert_int_equal(local_ca_get(ca, "app.test", made, &leaf, NULL), 0);
    assert_int_equal(leaf.renew_at, due);
    tls_identity_unref(leaf.identity);
    local_ca_free(ca);
    return temp_dir_read(dir, "self-signed/app.test.crt");
}

static void certificates_are_renewed_while_in_use(void **state)
{
    struct config config = config_of(*state, routes, 1);
    struct asker asker = {0};
    struct tls_identity *old = NULL;
    pthread_t threads[2];
    /* On a busy machine it may be renewed before it is in use: then once more, with more time. */
    for (time_t seconds = 1; old == NULL; seconds *= 2) {
        assert_true(seconds < 60);
        char *before = make_due_at(*state, (time_t)(clock_wall() / CLOCK_SECOND) + seconds);
        asker.store = open_store(&config);
        old = look_up(asker.store, "app.test", &nowhere);
        if (has_changed(*state, "self-signed/app.test.crt", before)) {
            tls_identity_unref(old);
            old = NULL;
            certs_store_free(asker.store);
        }
        free(before);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(thread_start(&threads[i], "asker", ask, &asker), 0);
    for (int64_t end = clock_now() + 60 * CLOCK_SECOND + PATIENCE;
         identity_of(asker.store, "app.test") == old || atomic_load(&asker.answers) == 0;) {
        assert_true(clock_now() < end);
        usleep(5000);
    }
    atomic_store(&asker.stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    certs_store_free(asker.store);
    /* Whoever holds the old one keeps it. */
    assert_ptr_equal(tls_identity_ref(old), old);
    tls_identity_unref(old);
    tls_identity_unref(old);
}

/* Handshakes go on while hosts come and go around theirs. */
static void hosts_are_replaced_while_in_use(void **state)
{
    struct config_route fewer[] = {routes[0]};
    struct config small = config_of(*state, fewer, 1), large = all_routes(*state);
    struct asker asker = {.store = open_store(&small)};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(thread_start(&threads[i], "asker", ask, &asker), 0);
    for (int i = 0; i < 50 || atomic_load(&asker.answers) < 100; i++)
        certs_store_publish(asker.store,
                            certs_hosts_new(asker.store, i % 2 ? &small : &large, NULL));
    atomic_store(&asker.stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    certs_store_free(asker.store);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, temp_dir_setup, temp_dir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_and_addresses),
        TEST(nothing_to_certify_touches_no_disk),
        TEST(the_start_is_logged),
        TEST(the_warning_about_acme_is_bounded),
        TEST(a_certificate_that_cannot_be_made_is_its_hosts_trouble_alone),
        TEST(a_root_of_no_use_does_not_stop_the_start),
        TEST(a_directory_that_cannot_be_used_stops_the_start),
        TEST(all_who_wait_are_woken),
        TEST(there_is_a_limit_to_who_waits),
        TEST(unchanged_hosts_keep_their_identities),
        TEST(the_first_host_with_a_certificate),
        TEST(hosts_are_replaced_while_in_use),
        TEST(damage_is_mended_in_the_background),
        TEST(certificates_are_renewed_while_in_use),
        TEST(a_directory_that_does_not_answer),
    };
    return cmocka_run_group_tests(tests, NULL, close_rooms);
}
