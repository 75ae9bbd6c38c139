/* The resolver, with a source that the tests control (what it answers, when, and what time it
 * is) and a real waiting room.
 *
 * net/resolver is compiled into this test with getaddrinfo and the clock in disguise.
 *
 * The hook on the yield point "resolver answered" counts answers, so that tests can await one
 * that nobody waits for; it also uses the resolver, which would hang if the resolver held its
 * lock while it wakes. */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <netdb.h>

static int ask_source(const char *name, const char *service, const struct addrinfo *hints,
                      struct addrinfo **list);
static int64_t source_now(void);

#include "base/clock.h"

#define getaddrinfo ask_source
#define clock_now   source_now
#include "net/resolver.c"
#undef getaddrinfo
#undef clock_now

#define SLOTS   64u
#define ANSWERS 12u

/* Where answers and the time come from; the system without. */
static struct source {
    int (*ask)(void *arg, const char *name, struct addrinfo **list);
    int64_t (*now)(void *arg);
    void *arg;
} source;

static int ask_source(const char *name, const char *service, const struct addrinfo *hints,
                      struct addrinfo **list)
{
    return source.ask ? source.ask(source.arg, name, list)
                      : getaddrinfo(name, service, hints, list);
}

static int64_t source_now(void)
{
    return source.now ? source.now(source.arg) : clock_now();
}

static struct fixture {
    struct resolver *resolver;
    struct room *room;
    struct room_slot *slot;
    _Atomic int64_t now;

    pthread_mutex_t mutex;
    pthread_cond_t changed;
    const char *texts[ANSWERS]; /* guarded by mutex, as all that follows: up to a NULL */
    int error;                  /* an EAI_ code instead */
    bool held;                  /* look-ups wait */
    unsigned asked;
    unsigned answered;
    char name[NI_MAXHOST]; /* asked for last */
    char thread[16];       /* that asked last */

    /* The answer to the last look-up. */
    struct address addresses[RESOLVER_ADDRESSES];
    size_t count;
    char why[64];
} fixture;

static int append(const char *text, struct addrinfo **tail)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    return getaddrinfo(text, NULL, &hints, tail);
}

static int fixture_ask(void *arg, const char *name, struct addrinfo **list)
{
    struct fixture *f = arg;
    pthread_mutex_lock(&f->mutex);
    f->asked++;
    snprintf(f->name, sizeof f->name, "%s", name);
    pthread_getname_np(pthread_self(), f->thread, sizeof f->thread);
    pthread_cond_broadcast(&f->changed);
    while (f->held)
        pthread_cond_wait(&f->changed, &f->mutex);
    int error = f->error;
    for (unsigned i = 0; error == 0 && f->texts[i]; i++) {
        error = append(f->texts[i], list);
        list = &(*list)->ai_next;
    }
    pthread_mutex_unlock(&f->mutex);
    errno = EACCES; /* for EAI_SYSTEM */
    return error;
}

static int64_t fixture_now(void *arg)
{
    struct fixture *f = arg;
    return atomic_load(&f->now);
}

static void on_yield_point(const char *name)
{
    struct fixture *f = &fixture;
    if (strcmp(name, "resolver answered") != 0)
        return;
    resolver_forget(f->resolver, "nobody asked for this");
    pthread_mutex_lock(&f->mutex);
    f->answered++;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->mutex);
}

static void answer_with(struct fixture *f, const char *first, const char *second)
{
    pthread_mutex_lock(&f->mutex);
    f->texts[0] = first;
    f->texts[1] = second;
    f->texts[2] = NULL;
    f->error = 0;
    pthread_mutex_unlock(&f->mutex);
}

static void fail_with(struct fixture *f, int error)
{
    pthread_mutex_lock(&f->mutex);
    f->error = error;
    pthread_mutex_unlock(&f->mutex);
}

static void hold(struct fixture *f, bool held)
{
    pthread_mutex_lock(&f->mutex);
    f->held = held;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->mutex);
}

static void await(struct fixture *f, const unsigned *counter, unsigned value)
{
    pthread_mutex_lock(&f->mutex);
    while (*counter < value)
        pthread_cond_wait(&f->changed, &f->mutex);
    assert_int_equal(*counter, value);
    pthread_mutex_unlock(&f->mutex);
}

static unsigned asked(struct fixture *f)
{
    pthread_mutex_lock(&f->mutex);
    unsigned count = f->asked;
    pthread_mutex_unlock(&f->mutex);
    return count;
}

static enum resolver_result look_up_for(struct fixture *f, const struct room_slot *slot,
                                        const char *host)
{
    return resolver_lookup(f->resolver, host, 8080, room_next_wait(f->room, slot), f->addresses,
                           &f->count, f->why, sizeof f->why);
}

static enum resolver_result look_up(struct fixture *f, const char *host)
{
    return look_up_for(f, f->slot, host);
}

static void wait_in_room(struct fixture *f)
{
    if (room_park(f->room, f->slot, NULL, 0, CLOCK_NEVER) == ROOM_PARKED)
        assert_ptr_equal(room_take(f->room), f->slot);
}

/* As a worker does: waits for as long as the answer is pending. */
static enum resolver_result resolve(struct fixture *f, const char *host)
{
    enum resolver_result result;
    while ((result = look_up(f, host)) == RESOLVER_PENDING)
        wait_in_room(f);
    return result;
}

static void assert_address(const struct fixture *f, size_t which, const char *text)
{
    char formatted[ADDRESS_TEXT];
    assert_true(which < f->count);
    assert_string_equal(address_format(&f->addresses[which], formatted), text);
}

static void start(struct fixture *f, unsigned threads)
{
    struct err err;
    source = (struct source){fixture_ask, fixture_now, f};
    f->resolver = resolver_new(threads, &err);
    assert_non_null(f->resolver);
    atomic_store(&yield_point_hook, on_yield_point);
}

static int set_up(void **state)
{
    struct fixture *f = &fixture;
    *f = (struct fixture){.now = 1000 * CLOCK_SECOND};
    pthread_mutex_init(&f->mutex, NULL);
    pthread_cond_init(&f->changed, NULL);
    f->room = room_new(SLOTS, sizeof(struct room_slot));
    assert_non_null(f->room);
    f->slot = room_acquire(f->room);
    answer_with(f, "192.0.2.1", NULL);
    start(f, 2);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    hold(f, false);
    resolver_free(f->resolver);
    atomic_store(&yield_point_hook, NULL);
    room_release(f->room, f->slot);
    room_free(f->room);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->mutex);
    return 0;
}

static void literals_are_answered_at_once(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(look_up(f, "127.0.0.1"), RESOLVER_DONE);
    assert_int_equal(f->count, 1);
    assert_address(f, 0, "127.0.0.1:8080");
    assert_int_equal(look_up(f, "2001:db8::1"), RESOLVER_DONE);
    assert_int_equal(f->count, 1);
    assert_address(f, 0, "[2001:db8::1]:8080");
    assert_int_equal(asked(f), 0);
}

static void a_name_is_asked_for_once(void **state)
{
    struct fixture *f = *state;
    answer_with(f, "2001:db8::7", "192.0.2.7");
    assert_int_equal(look_up(f, "NAS.home"), RESOLVER_PENDING);
    wait_in_room(f);
    assert_int_equal(look_up(f, "nas.HOME"), RESOLVER_DONE);
    assert_int_equal(f->count, 2);
    assert_address(f, 0, "[2001:db8::7]:8080");
    assert_address(f, 1, "192.0.2.7:8080");
    assert_int_equal(asked(f), 1);
    assert_string_equal(f->name, "NAS.home");
    assert_memory_equal(f->thread, "resolver", strlen("resolver"));

    atomic_fetch_add(&f->now, 10 * CLOCK_SECOND - 1);
    assert_int_equal(look_up(f, "nas.home"), RESOLVER_DONE);
    assert_int_equal(asked(f), 1);
    assert_int_equal(resolve(f, "nas"), RESOLVER_DONE);
    assert_int_equal(asked(f), 2);
}

static void addresses_are_few_and_different(void **state)
{
    static const char *const texts[ANSWERS] = {
        "192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.3", "192.0.2.4",
        "192.0.2.5", "192.0.2.6",        "192.0.2.7", "192.0.2.8", "192.0.2.9", NULL};
    struct fixture *f = *state;
    pthread_mutex_lock(&f->mutex);
    memcpy(f->texts, texts, sizeof texts);
    pthread_mutex_unlock(&f->mutex);
    assert_int_equal(resolve(f, "many"), RESOLVER_DONE);
    assert_int_equal(f->count, RESOLVER_ADDRESSES);
    for (size_t i = 0; i < f->count; i++) {
        char text[ADDRESS_TEXT];
        snprintf(text, sizeof text, "192.0.2.%zu:8080", i + 1);
        assert_address(f, i, text);
    }
}

static void one_look_up_is_in_flight_however_many_ask(void **state)
{
    struct fixture *f = *state;
    struct room_slot *slots[SLOTS - 1];
    hold(f, true);
    for (size_t i = 0; i < SLOTS - 1; i++) {
        slots[i] = room_acquire(f->room);
        assert_int_equal(look_up_for(f, slots[i], "nas"), RESOLVER_PENDING);
        assert_int_equal(room_park(f->room, slots[i], NULL, 0, CLOCK_NEVER), ROOM_PARKED);
    }
    hold(f, false);
    for (size_t i = 0; i < SLOTS - 1; i++) {
        struct room_slot *slot = room_take(f->room);
        assert_int_equal(look_up_for(f, slot, "nas"), RESOLVER_DONE);
    }
    assert_int_equal(asked(f), 1);
    for (size_t i = 0; i < SLOTS - 1; i++)
        room_release(f->room, slots[i]);
}

/* The first to ask has not parked when the answer comes. Waiters are woken in their order, so
 * once the second has been woken, so has the first. */
static void an_answer_before_parking_is_not_lost(void **state)
{
    struct fixture *f = *state;
    struct room_slot *second = room_acquire(f->room);
    hold(f, true);
    assert_int_equal(look_up(f, "nas"), RESOLVER_PENDING);
    assert_int_equal(look_up_for(f, second, "nas"), RESOLVER_PENDING);
    assert_int_equal(room_park(f->room, second, NULL, 0, CLOCK_NEVER), ROOM_PARKED);
    hold(f, false);
    assert_ptr_equal(room_take(f->room), second);
    assert_int_equal(room_park(f->room, f->slot, NULL, 0, CLOCK_NEVER), ROOM_WOKEN);
    assert_int_equal(look_up(f, "nas"), RESOLVER_DONE);
    room_release(f->room, second);
}

static void waiters_may_go_away_or_ask_again(void **state)
{
    struct fixture *f = *state;
    struct room_slot *gone = room_acquire(f->room);
    hold(f, true);
    assert_int_equal(look_up_for(f, gone, "nas"), RESOLVER_PENDING);
    room_release(f->room, gone);
    for (int i = 0; i < 20; i++) {
        struct room_ticket ticket = room_next_wait(f->room, f->slot);
        assert_int_equal(look_up(f, "nas"), RESOLVER_PENDING);
        room_wake(ticket); /* for another reason */
        wait_in_room(f);
    }
    hold(f, false);
    assert_int_equal(resolve(f, "nas"), RESOLVER_DONE);
    assert_int_equal(asked(f), 1);
}

static void stale_addresses_are_served_while_one_refresh_runs(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(resolve(f, "nas"), RESOLVER_DONE);
    answer_with(f, "192.0.2.2", NULL);
    hold(f, true);
    atomic_fetch_add(&f->now, 10 * CLOCK_SECOND);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(look_up(f, "nas"), RESOLVER_DONE);
        assert_address(f, 0, "192.0.2.1:8080");
    }
    await(f, &f->asked, 2);
    assert_int_equal(look_up(f, "nas"), RESOLVER_DONE);
    assert_address(f, 0, "192.0.2.1:8080");
    hold(f, false);
    await(f, &f->answered, 2);
    assert_int_equal(look_up(f, "nas"), RESOLVER_DONE);
    assert_address(f, 0, "192.0.2.2:8080");
    assert_int_equal(asked(f), 2);
}

static void too_stale_is_unknown(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(resolve(f, "nas"), RESOLVER_DONE);
    answer_with(f, "192.0.2.2", NULL);
    atomic_fetch_add(&f->now, 600 * CLOCK_SECOND);
    assert_int_equal(look_up(f, "nas"), RESOLVER_PENDING);
    wait_in_room(f);
    assert_int_equal(look_up(f, "nas"), RESOLVER_DONE);
    assert_address(f, 0, "192.0.2.2:8080");
}

static void a_failed_refresh_leaves_stale_addresses(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(resolve(f, "nas"), RESOLVER_DONE);
    fail_with(f, EAI_AGAIN);
    atomic_fetch_add(&f->now, 10 * CLOCK_SECOND);
    assert_int_equal(look_up(f, "nas"), RESOLVER_DONE);
    await(f, &f->answered, 2);
    atomic_fetch_add(&f->now, CLOCK_SECOND - 1);
    assert_int_equal(look_up(f, "nas"), RESOLVER_DONE);
    assert_int_equal(asked(f), 2); /* not yet again */
    atomic_fetch_add(&f->now, 1);
    assert_int_equal(look_up(f, "nas"), RESOLVER_DONE);
    assert_address(f, 0, "192.0.2.1:8080");
    await(f, &f->answered, 3);

    /* Now they turn out not to work: what the name servers say counts again. */
    resolver_forget(f->resolver, "nas");
    assert_int_equal(look_up(f, "nas"), RESOLVER_PENDING);
    wait_in_room(f);
    assert_int_equal(look_up(f, "nas"), RESOLVER_FAILED);
}

static void forgetting_asks_anew(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(resolve(f, "nas"), RESOLVER_DONE);
    answer_with(f, "192.0.2.2", NULL);
    resolver_forget(f->resolver, "unknown");
    resolver_forget(f->resolver, "NAS");
    hold(f, true);
    assert_int_equal(look_up(f, "nas"), RESOLVER_PENDING);
    await(f, &f->asked, 2);
    resolver_forget(f->resolver, "nas"); /* again, by another: the look-up in flight counts */
    assert_int_equal(look_up(f, "nas"), RESOLVER_PENDING);
    hold(f, false);
    assert_int_equal(resolve(f, "nas"), RESOLVER_DONE);
    assert_address(f, 0, "192.0.2.2:8080");
    assert_int_equal(asked(f), 2);
}

static void failures_are_kept_for_a_second(void **state)
{
    struct fixture *f = *state;
    fail_with(f, EAI_NONAME);
    assert_int_equal(resolve(f, "nas"), RESOLVER_FAILED);
    assert_string_equal(f->why, gai_strerror(EAI_NONAME));
    assert_int_equal(f->count, 0);
    answer_with(f, "192.0.2.2", NULL);
    atomic_fetch_add(&f->now, CLOCK_SECOND - 1);
    assert_int_equal(look_up(f, "nas"), RESOLVER_FAILED);
    resolver_forget(f->resolver, "nas"); /* a latecomer, with addresses from before */
    assert_int_equal(look_up(f, "nas"), RESOLVER_FAILED);
    assert_int_equal(asked(f), 1);
    atomic_fetch_add(&f->now, 1);
    assert_int_equal(look_up(f, "nas"), RESOLVER_PENDING);
    wait_in_room(f);
    assert_int_equal(look_up(f, "nas"), RESOLVER_DONE);
    assert_int_equal(asked(f), 2);
}

static void failures_say_why(void **state)
{
    struct fixture *f = *state;
    fail_with(f, EAI_SYSTEM);
    assert_int_equal(resolve(f, "system"), RESOLVER_FAILED);
    assert_string_equal(f->why, strerror(EACCES));
    answer_with(f, NULL, NULL);
    assert_int_equal(resolve(f, "nothing"), RESOLVER_FAILED);
    assert_string_equal(f->why, "no usable address");
    assert_int_equal(asked(f), 2);
}

static const char *numbered(unsigned i)
{
    static char name[32];
    snprintf(name, sizeof name, "host%u", i);
    return name;
}

static void *free_resolver(void *arg)
{
    resolver_free(arg);
    return NULL;
}

static void ends_with_look_ups_in_flight_and_in_the_queue(void **state)
{
    struct fixture *f = *state;
    pthread_t thread;
    hold(f, true);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(look_up(f, numbered(i)), RESOLVER_PENDING);
    await(f, &f->asked, 2);
    assert_int_equal(pthread_create(&thread, NULL, free_resolver, f->resolver), 0);
    hold(f, false);
    pthread_join(thread, NULL);
    start(f, 1);
}

/* A server in miniature: workers look names up for connections, park them while the answer is
 * pending, and now and then find that an address does not work. */
#define NAMES       4u
#define CONNECTIONS 32u
#define LOOK_UPS    100u
#define WORKERS     4u

struct connection {
    struct room_slot slot;
    unsigned done;
};

static struct crowd {
    struct resolver *resolver;
    struct room *room;
    _Atomic int64_t now;
    atomic_uint in_flight[NAMES];
    atomic_uint overlaps; /* look-ups of a name that was being looked up already */
    atomic_uint done;
    atomic_uint closed;
} crowd;

static int crowd_ask(void *arg, const char *name, struct addrinfo **list)
{
    struct crowd *c = arg;
    unsigned which = (unsigned)(name[0] - 'a');
    if (atomic_fetch_add(&c->in_flight[which], 1) != 0)
        atomic_fetch_add(&c->overlaps, 1);
    int error = append("192.0.2.1", list);
    atomic_fetch_sub(&c->in_flight[which], 1);
    return error;
}

static int64_t crowd_now(void *arg)
{
    struct crowd *c = arg;
    return atomic_fetch_add(&c->now, CLOCK_SECOND / 2);
}

/* False when the answer is pending. */
static bool crowd_step(struct crowd *c, struct connection *connection)
{
    struct address addresses[RESOLVER_ADDRESSES];
    size_t count;
    char why[64];
    unsigned step = connection->slot.index + connection->done;
    char name[] = {(char)('a' + step % NAMES), '\0'};
    if (resolver_lookup(c->resolver, name, 80, room_next_wait(c->room, &connection->slot),
                        addresses, &count, why, sizeof why) != RESOLVER_DONE)
        return false;
    if (step % 7 == 0)
        resolver_forget(c->resolver, name);
    connection->done++;
    atomic_fetch_add(&c->done, 1);
    return true;
}

static void *crowd_work(void *arg)
{
    struct crowd *c = arg;
    struct room_slot *slot;
    while ((slot = room_take(c->room)) != NULL) {
        struct connection *connection = (struct connection *)(void *)slot;
        enum room_parked parked = ROOM_WOKEN;
        while (parked == ROOM_WOKEN && connection->done < LOOK_UPS)
            if (!crowd_step(c, connection))
                parked = room_park(c->room, slot, NULL, 0, CLOCK_NEVER);
        if (parked == ROOM_PARKED)
            continue;
        room_release(c->room, slot);
        if (atomic_fetch_add(&c->closed, 1) + 1 == CONNECTIONS)
            room_stop(c->room);
    }
    return NULL;
}

static void many_threads_ask(void **state)
{
    struct crowd *c = &crowd;
    pthread_t workers[WORKERS];
    struct err err;
    (void)state;
    c->room = room_new(CONNECTIONS, sizeof(struct connection));
    source = (struct source){crowd_ask, crowd_now, c};
    c->resolver = resolver_new(3, &err);
    assert_non_null(c->room);
    assert_non_null(c->resolver);
    for (unsigned i = 0; i < CONNECTIONS; i++)
        assert_int_equal(room_park(c->room, room_acquire(c->room), NULL, 0, CLOCK_NEVER),
                         ROOM_PARKED);
    room_wake_all(c->room);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&workers[i], NULL, crowd_work, c), 0);
    for (unsigned i = 0; i < WORKERS; i++)
        pthread_join(workers[i], NULL);
    resolver_free(c->resolver);
    room_free(c->room);
    assert_int_equal(atomic_load(&c->done), CONNECTIONS * LOOK_UPS);
    assert_int_equal(atomic_load(&c->overlaps), 0);
}

static unsigned count_threads(void)
{
    char path[300], name[16];
    unsigned count = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
        FILE *file = fopen(path, "r");
        if (file && fgets(name, sizeof name, file) && strncmp(name, "resolver", 8) == 0)
            count++;
        if (file)
            fclose(file);
    }
    closedir(tasks);
    return count;
}

/* There are no more threads than it takes. */
static void names_that_hang_hold_up_no_other(void **state)
{
    struct fixture *f = *state;
    char name[16];
    resolver_free(f->resolver);
    start(f, 40);
    assert_in_range(count_threads(), 0, 1);
    hold(f, true);
    for (unsigned i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "dead%u", i);
        assert_int_equal(look_up(f, name), RESOLVER_PENDING);
    }
    await(f, &f->asked, 20);
    assert_in_range(count_threads(), 20, 21);
    hold(f, false);
}

static void the_system_knows_localhost(void **state)
{
    struct fixture *f = *state;
    struct err err;
    resolver_free(f->resolver);
    source = (struct source){0};
    f->resolver = resolver_new(1, &err);
    assert_non_null(f->resolver);
    assert_int_equal(resolve(f, "localhost"), RESOLVER_DONE);
    for (size_t i = 0; i < f->count; i++) {
        char text[ADDRESS_TEXT];
        address_format(&f->addresses[i], text);
        assert_true(strcmp(text, "127.0.0.1:8080") == 0 || strcmp(text, "[::1]:8080") == 0);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(literals_are_answered_at_once),
        TEST(a_name_is_asked_for_once),
        TEST(addresses_are_few_and_different),
        TEST(one_look_up_is_in_flight_however_many_ask),
        TEST(an_answer_before_parking_is_not_lost),
        TEST(waiters_may_go_away_or_ask_again),
        TEST(stale_addresses_are_served_while_one_refresh_runs),
        TEST(too_stale_is_unknown),
        TEST(a_failed_refresh_leaves_stale_addresses),
        TEST(forgetting_asks_anew),
        TEST(failures_are_kept_for_a_second),
        TEST(failures_say_why),
        TEST(ends_with_look_ups_in_flight_and_in_the_queue),
        TEST(names_that_hang_hold_up_no_other),
        TEST(the_system_knows_localhost),
        cmocka_unit_test(many_threads_ask),
    };
    alarm(120); /* a wake that is lost must not hang the run */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
