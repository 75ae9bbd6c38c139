/* The log's rings: every alignment of lines around the end, filling up, and two threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/log_ring.h"

static char large[LOG_RING_SIZE];

static void assert_taken(struct log_ring *ring, int64_t time, const char *line, size_t len)
{
    static char out[LOG_RING_SIZE];
    struct log_record record;
    assert_true(log_ring_peek(ring, &record));
    assert_int_equal(record.time, time);
    assert_int_equal(record.len, len + 1);
    log_ring_take(ring, &record, out);
    assert_memory_equal(out, line, len);
    assert_int_equal(out[len], '\n');
}

static void goes_round(void **state)
{
    struct log_ring *ring = log_ring_new(0);
    struct log_record record;
    (void)state;
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (char)('a' + i % 23);
    assert_false(log_ring_peek(ring, &record));
    /* 997 is prime: headers and lines end up across the end of the ring at every place. */
    for (int i = 0; i < 2000; i++) {
        size_t len = (size_t)i % 997;
        assert_int_equal(log_ring_push(ring, i, span_make(large + i % 23, len)), LOG_PUSH_DONE);
        assert_taken(ring, i, large + i % 23, len);
    }
    assert_false(log_ring_peek(ring, &record));
    log_ring_free(ring);
}

static void fills_up(void **state)
{
    struct log_ring *ring = log_ring_new(0);
    struct log_record record;
    enum log_push pushed;
    int count = 0, halves = 0;
    (void)state;
    while ((pushed = log_ring_push(ring, count, span_make(large, 1000))) != LOG_PUSH_FULL) {
        halves += pushed == LOG_PUSH_HALF;
        count++;
    }
    assert_int_equal(count, LOG_RING_SIZE / (sizeof record + 1001));
    assert_int_equal(halves, 1);
    for (int i = 0; i < count; i++) {
        assert_taken(ring, i, large, 1000);
        assert_int_equal(log_ring_push(ring, count + i, span_make(large, 1000)), LOG_PUSH_DONE);
    }
    assert_int_equal(log_ring_push(ring, 0, span_make(large, 1000)), LOG_PUSH_FULL);
    log_ring_free(ring);
}

static void takes_what_fits_exactly(void **state)
{
    struct log_ring *ring = log_ring_new(0);
    size_t most = LOG_RING_SIZE - sizeof(struct log_record) - 1;
    (void)state;
    assert_int_equal(log_ring_push(ring, 1, span_make(large, most + 1)), LOG_PUSH_FULL);
    assert_int_equal(log_ring_push(ring, 1, span_make(large, SIZE_MAX)), LOG_PUSH_FULL);
    assert_int_equal(log_ring_push(ring, 1, span_make(large, most)), LOG_PUSH_HALF);
    assert_int_equal(log_ring_push(ring, 2, SPAN("")), LOG_PUSH_FULL);
    assert_taken(ring, 1, large, most);
    assert_int_equal(log_ring_push(ring, 2, span_make(NULL, 0)), LOG_PUSH_DONE);
    assert_taken(ring, 2, "", 0);
    log_ring_free(ring);
}

static void is_over_once_empty(void **state)
{
    struct log_ring *ring = log_ring_new(1);
    (void)state;
    assert_int_equal(ring->kind, 1);
    assert_false(log_ring_is_over(ring));
    log_ring_push(ring, 1, SPAN("last"));
    log_ring_finish(ring);
    assert_false(log_ring_is_over(ring));
    assert_taken(ring, 1, "last", 4);
    assert_true(log_ring_is_over(ring));
    log_ring_free(ring);
}

#define LINES 20000

static void *produce(void *arg)
{
    struct log_ring *ring = arg;
    for (int i = 0; i < LINES; i++) {
        char text[256];
        int len = snprintf(text, sizeof text, "%0*d", 1 + i % 250, i);
        while (log_ring_push(ring, i, span_make(text, (size_t)len)) == LOG_PUSH_FULL)
            sched_yield();
    }
    log_ring_finish(ring);
    return NULL;
}

static void two_threads_agree(void **state)
{
    struct log_ring *ring = log_ring_new(0);
    pthread_t producer;
    (void)state;
    assert_int_equal(pthread_create(&producer, NULL, produce, ring), 0);
    for (int i = 0; i < LINES; i++) {
        char expected[256];
        struct log_record record;
        int len = snprintf(expected, sizeof expected, "%0*d", 1 + i % 250, i);
        while (!log_ring_peek(ring, &record))
            sched_yield();
        assert_taken(ring, i, expected, (size_t)len);
    }
    pthread_join(producer, NULL);
    assert_true(log_ring_is_over(ring));
    log_ring_free(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_round),
        cmocka_unit_test(fills_up),
        cmocka_unit_test(takes_what_fits_exactly),
        cmocka_unit_test(is_over_once_empty),
        cmocka_unit_test(two_threads_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
