/* server/overload: when a queue counts as overloaded, by an injected clock, and what the
 * acceptor makes of it; and proxy/refusal, which is what it says then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "log_pipes.h"
#include "room_guest.h"
#include "server/overload.h"

#define MS     CLOCK_MS
#define QUEUED CLOCK_NEVER

/* Looks every 100 ms from `from` to `to` at a mark that does not come to the head. */
static void look_on(struct queue_age *age, int64_t from, int64_t to)
{
    for (int64_t now = from; now <= to; now += 100 * MS)
        queue_age_observe(age, now, QUEUED);
}

static void a_mark_that_waits_too_long(void **state)
{
    struct queue_age age;
    (void)state;
    queue_age_init(&age, 1000 * MS);
    queue_age_mark(&age, 0);
    look_on(&age, 100 * MS, 1000 * MS);
    assert_false(age.is_over);
    queue_age_observe(&age, 1001 * MS, QUEUED);
    assert_true(age.is_over);
    assert_int_equal(age.waited, 1001 * MS);
    /* At its head at last, it is still old. */
    queue_age_observe(&age, 1100 * MS, 1050 * MS);
    assert_true(age.is_over);
    assert_int_equal(age.waited, 1050 * MS);
    /* The next one is faster, but not fast enough to be sure; the one after is. */
    queue_age_mark(&age, 1100 * MS);
    look_on(&age, 1200 * MS, 1700 * MS);
    queue_age_observe(&age, 1701 * MS, 1700 * MS);
    assert_true(age.is_over);
    queue_age_mark(&age, 1800 * MS);
    look_on(&age, 1900 * MS, 2300 * MS);
    queue_age_observe(&age, 2400 * MS, 2300 * MS);
    assert_false(age.is_over);
}

static void a_quiet_queue(void **state)
{
    struct queue_age age;
    (void)state;
    queue_age_init(&age, 1 * MS);
    /* No mark: however long nobody looked, nothing waited. */
    queue_age_observe(&age, 3600 * CLOCK_SECOND, 0);
    assert_false(age.is_over);
    /* One that was taken at once, and looked at much later. */
    queue_age_mark(&age, 3600 * CLOCK_SECOND);
    queue_age_observe(&age, 7200 * CLOCK_SECOND, 3600 * CLOCK_SECOND + 100);
    assert_false(age.is_over);
    assert_int_equal(age.waited, 100);
}

/* SIGSTOP, or a virtual machine that was paused: all marks are old, and nobody is to blame. */
static void a_process_that_was_stopped(void **state)
{
    struct queue_age age;
    (void)state;
    queue_age_init(&age, 1000 * MS);
    queue_age_mark(&age, 0);
    queue_age_observe(&age, 60 * CLOCK_SECOND, QUEUED);
    assert_false(age.is_over);
    queue_age_observe(&age, 60 * CLOCK_SECOND + 100 * MS, 60 * CLOCK_SECOND);
    assert_false(age.is_over);
    /* The mark was passed as the process went on, before anybody looked. */
    queue_age_mark(&age, 61 * CLOCK_SECOND);
    queue_age_observe(&age, 99 * CLOCK_SECOND, 99 * CLOCK_SECOND);
    assert_false(age.is_over);
    /* An acceptor that is itself short of time notices all the same, if later. */
    queue_age_mark(&age, 100 * CLOCK_SECOND);
    for (int i = 1; i <= 6; i++)
        queue_age_observe(&age, (100 + i) * CLOCK_SECOND, QUEUED);
    assert_true(age.is_over);
}

static void tick_until(struct overload *overload, int64_t *now, bool shedding, struct room *passing)
{
    while (overload->shedding != shedding) {
        if (passing)
            assert_true(room_is_quiet(passing)); /* which takes the marks */
        *now += 100 * MS;
        overload_tick(overload, *now);
    }
}

static void new_connections_are_turned_away_and_let_in_again(void **state)
{
    struct service service = {.room = guest_room(2)};
    struct overload overload;
    int64_t now = clock_now();
    (void)state;
    overload_init(&overload, &service, CLOCK_SECOND);
    assert_true(overload_admits(&overload, false));
    overload_tick(&overload, now);
    assert_int_equal(room_mark_passed(service.room, ROOM_MAIN), QUEUED);
    assert_int_equal(atomic_load(&service.max_age[true]), CLOCK_NEVER);
    tick_until(&overload, &now, true, NULL);
    assert_int_equal(metrics_get(METRIC_SHEDDING), 1);
    for (int secure = 0; secure <= 1; secure++) {
        assert_false(overload_admits(&overload, secure));
        assert_int_equal(atomic_load(&service.max_age[secure]), CLOCK_SECOND);
    }
    tick_until(&overload, &now, false, service.room);
    assert_int_equal(metrics_get(METRIC_SHEDDING), 0);
    for (int secure = 0; secure <= 1; secure++) {
        assert_true(overload_admits(&overload, secure));
        assert_int_equal(atomic_load(&service.max_age[secure]), CLOCK_NEVER);
    }
    room_free(service.room);
}

static void too_many_handshakes_turn_away_tls_only(void **state)
{
    struct service service = {0};
    struct overload overload;
    (void)state;
    overload_init(&overload, &service, CLOCK_SECOND);
    overload.queues[ROOM_HANDSHAKES].is_over = true;
    assert_true(overload_admits(&overload, false));
    assert_false(overload_admits(&overload, true));
}

static void it_can_be_switched_off(void **state)
{
    struct service service = {.room = guest_room(2)};
    struct overload overload;
    (void)state;
    overload_init(&overload, &service, 0);
    for (int64_t now = 0; now < 3600 * CLOCK_SECOND; now += CLOCK_SECOND) {
        assert_true(overload_admits(&overload, true));
        overload_tick(&overload, now);
    }
    assert_int_not_equal(room_mark_passed(service.room, ROOM_MAIN), QUEUED);
    room_free(service.room);
}

/* Another limit is in force at once; without one, what goes on comes to its end. */
static void the_limit_can_change(void **state)
{
    struct service service = {.room = guest_room(2)};
    struct overload overload;
    int64_t now = clock_now();
    (void)state;
    overload_init(&overload, &service, 0);
    assert_true(overload_admits(&overload, false));
    overload_tick(&overload, now);
    overload_set_max_wait(&overload, CLOCK_SECOND);
    overload_tick(&overload, now);
    tick_until(&overload, &now, true, NULL);
    assert_false(overload_admits(&overload, false));
    overload_set_max_wait(&overload, 0);
    tick_until(&overload, &now, false, service.room);
    assert_true(overload_admits(&overload, false));
    assert_int_equal(metrics_get(METRIC_SHEDDING), 0);
    room_free(service.room);
}

/* Where nobody arrives, nothing is measured. */
static void marks_need_arrivals(void **state)
{
    struct service service = {.room = guest_room(2)};
    struct overload overload;
    int64_t now = clock_now();
    (void)state;
    overload_init(&overload, &service, CLOCK_SECOND);
    overload_tick(&overload, now);
    assert_int_not_equal(room_mark_passed(service.room, ROOM_MAIN), QUEUED);
    assert_true(overload_admits(&overload, false));
    overload_tick(&overload, now);
    assert_int_equal(room_mark_passed(service.room, ROOM_MAIN), QUEUED);
    assert_true(room_is_quiet(service.room));
    overload_tick(&overload, now);
    assert_int_not_equal(room_mark_passed(service.room, ROOM_MAIN), QUEUED);
    room_free(service.room);
}

/* A mark that had come to its head before anybody looked: its wait is told, not the next mark's. */
static void the_log_says_how_long_the_wait_was(void **state)
{
    struct service service = {.room = guest_room(2)};
    struct overload overload;
    int64_t began = clock_now();
    overload_init(&overload, &service, 2 * MS);
    assert_int_equal(log_test_setup(state), 0);
    log_test_start();
    assert_true(overload_admits(&overload, false));
    overload_tick(&overload, began);
    while (clock_now() - began <= 3 * MS)
        ;
    assert_true(room_is_quiet(service.room)); /* which takes the mark */
    assert_true(overload_admits(&overload, false));
    overload_tick(&overload, clock_now());
    assert_true(overload.shedding);
    assert_matches(next_line(&error_log), "overload: connections wait ([3-9]|[1-9][0-9]+) ms ");
    log_test_teardown(state);
    room_free(service.room);
}

static void a_refusal_is_a_whole_answer(void **state)
{
    struct refusal refusal;
    int pair[2];
    char text[512] = "";
    (void)state;
    refusal_init(&refusal, REASON_OVERLOAD);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(send(pair[1], "GET", 3, 0), 3);
    refusal_send(&refusal, pair[0], false);
    close(pair[0]);
    ssize_t len = recv(pair[1], text, sizeof text - 1, 0);
    assert_true(len > 0);
    assert_non_null(strstr(text, "HTTP/1.1 503 Service Unavailable\r\n"));
    assert_non_null(strstr(text, "\r\nRetry-After: "));
    const char *length = strstr(text, "\r\nContent-Length: ");
    const char *body = strstr(text, "\r\n\r\nE503-OVERLOAD: ");
    assert_true(length && body);
    assert_int_equal(strtoul(length + 18, NULL, 10), strlen(body + 4));
    /* The unread request did not make a reset of it. */
    assert_int_equal(recv(pair[1], text, sizeof text, 0), 0);
    close(pair[1]);
    assert_int_equal(reason_total(REASON_OVERLOAD), 1);
    /* Over TLS it is only counted. */
    refusal_send(&refusal, -1, true);
    assert_int_equal(reason_total(REASON_OVERLOAD), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mark_that_waits_too_long),
        cmocka_unit_test(a_quiet_queue),
        cmocka_unit_test(a_process_that_was_stopped),
        cmocka_unit_test(new_connections_are_turned_away_and_let_in_again),
        cmocka_unit_test(too_many_handshakes_turn_away_tls_only),
        cmocka_unit_test(it_can_be_switched_off),
        cmocka_unit_test(the_limit_can_change),
        cmocka_unit_test(marks_need_arrivals),
        cmocka_unit_test(the_log_says_how_long_the_wait_was),
        cmocka_unit_test(a_refusal_is_a_whole_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
