/* Buffers: the window, growing, the pool, and its counter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>

#include "base/buf.h"
#include "base/metrics.h"

static void assert_content(const struct buf *buf, const char *expected)
{
    struct span s = buf_span(buf);
    assert_int_equal(s.len, strlen(expected));
    assert_memory_equal(s.data, expected, s.len);
}

/* `len` bytes that differ from their neighbours. */
static void append_pattern(struct buf *buf, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = (char)('a' + i % 23);
        buf_append(buf, &c, 1);
    }
}

static void assert_pattern(const struct buf *buf, size_t start, size_t len)
{
    struct span s = buf_span(buf);
    assert_int_equal(s.len, len);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(s.data[i], 'a' + (start + i) % 23);
}

static void is_nothing_at_first(void **state)
{
    struct buf buf = {0};
    (void)state;
    assert_int_equal(buf_len(&buf), 0);
    assert_int_equal(buf_room(&buf), 0);
    assert_null(buf_tail(&buf));
    assert_true(span_is_empty(buf_span(&buf)));
    buf_trim(&buf);
    buf_release(&buf);
    buf_append(&buf, "", 0);
    assert_null(buf.data);
}

static void produces_and_consumes(void **state)
{
    struct buf buf = {0};
    (void)state;
    assert_int_equal(buf_reserve(&buf, 5), 0);
    memcpy(buf_tail(&buf), "hello", 5);
    buf_produce(&buf, 5);
    buf_consume(&buf, 2);
    assert_content(&buf, "llo");
    buf_consume(&buf, 3);
    assert_int_equal(buf.start, 0);
    assert_int_equal(buf_room(&buf), BUF_SMALL);
    buf_release(&buf);
    assert_null(buf.data);
}

static void moves_to_the_front_before_it_grows(void **state)
{
    struct buf buf = {0};
    (void)state;
    append_pattern(&buf, BUF_SMALL);
    const char *block = buf.data;
    buf_consume(&buf, 1000);
    assert_int_equal(buf_reserve(&buf, 500), 0);
    assert_ptr_equal(buf.data, block);
    assert_int_equal(buf.start, 0);
    assert_pattern(&buf, 1000, 24);
    buf_release(&buf);
}

static void grows_through_all_sizes(void **state)
{
    static const uint32_t sizes[] = {BUF_SMALL, BUF_MEDIUM, BUF_IO, BUF_HEAD, BUF_MAX};
    struct buf buf = {0};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        buf_release(&buf);
        append_pattern(&buf, sizes[i]);
        assert_int_equal(buf.cap, sizes[i]);
        assert_pattern(&buf, 0, sizes[i]);
    }
    buf_release(&buf);
}

static void refuses_what_is_too_much(void **state)
{
    struct buf buf = {0};
    (void)state;
    append_pattern(&buf, 100);
    errno = 0;
    assert_int_equal(buf_reserve(&buf, BUF_MAX - 99), -1);
    assert_int_equal(errno, EMSGSIZE);
    assert_int_equal(buf_reserve(&buf, SIZE_MAX), -1);
    assert_pattern(&buf, 0, 100);
    assert_false(buf.failed);
    assert_int_equal(buf_reserve(&buf, BUF_MAX - 100), 0);
    assert_pattern(&buf, 0, 100);
    buf_release(&buf);
}

/* Beyond the largest block of the pool there is one of its own size, which is not kept. */
static void holds_what_must_not_be_lost(void **state)
{
    struct buf buf = {0};
    int64_t before = metrics_get(METRIC_BUFFERS);
    (void)state;
    assert_int_equal(buf_reserve_large(&buf, 100), 0);
    assert_int_equal(buf.cap, BUF_SMALL);
    assert_int_equal(buf_reserve_large(&buf, 5 * BUF_MAX), 0);
    append_pattern(&buf, 5 * BUF_MAX);
    assert_int_equal(buf.cap, 5 * BUF_MAX);
    assert_int_equal(metrics_get(METRIC_BUFFERS), before + 1);
    buf_consume(&buf, BUF_MAX);
    buf_trim(&buf);
    assert_pattern(&buf, BUF_MAX, 4 * BUF_MAX);
    buf_consume(&buf, 4 * BUF_MAX - 100);
    buf_trim(&buf);
    assert_int_equal(buf.cap, BUF_SMALL);
    assert_pattern(&buf, 5 * BUF_MAX - 100, 100);
    buf_release(&buf);
    assert_int_equal(metrics_get(METRIC_BUFFERS), before);
}

static void remembers_a_failed_append(void **state)
{
    static const char large[BUF_MAX];
    struct buf buf = {0};
    (void)state;
    buf_append_str(&buf, "abc");
    buf_append(&buf, large, sizeof large);
    assert_true(buf.failed);
    buf_append_str(&buf, "def");
    assert_content(&buf, "abc");
    buf_release(&buf);
    assert_false(buf.failed);
}

static void appends_text_and_numbers(void **state)
{
    struct buf buf = {0};
    (void)state;
    buf_append_str(&buf, "a=-1;");
    buf_append_uint(&buf, 0);
    buf_append_str(&buf, ";");
    buf_append_uint(&buf, UINT64_MAX);
    buf_append_span(&buf, SPAN(";x"));
    assert_content(&buf, "a=-1;0;18446744073709551615;x");
    buf_release(&buf);
}

static void trims(void **state)
{
    struct buf buf = {0};
    (void)state;
    append_pattern(&buf, BUF_IO);
    buf_consume(&buf, BUF_IO - 50);
    buf_trim(&buf);
    assert_int_equal(buf.cap, BUF_SMALL);
    assert_pattern(&buf, BUF_IO - 50, 50);
    buf_consume(&buf, 50);
    buf_trim(&buf);
    assert_null(buf.data);
    assert_int_equal(buf_room(&buf), 0);
}

static void counts_blocks(void **state)
{
    struct buf bufs[64] = {0};
    int64_t before = metrics_get(METRIC_BUFFERS);
    (void)state;
    for (size_t i = 0; i < 64; i++)
        buf_append_str(&bufs[i], "x");
    assert_int_equal(metrics_get(METRIC_BUFFERS), before + 64);
    for (size_t i = 0; i < 64; i++)
        buf_release(&bufs[i]);
    assert_int_equal(metrics_get(METRIC_BUFFERS), before);
}

static void *release_many(void *arg)
{
    struct buf *bufs = arg;
    for (size_t i = 0; i < 64; i++)
        buf_release(&bufs[i]);
    buf_thread_release();
    return NULL;
}

/* Blocks are freed by another thread than took them. */
static void blocks_change_threads(void **state)
{
    struct buf bufs[64] = {0};
    pthread_t thread;
    (void)state;
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 64; i++)
            append_pattern(&bufs[i], 3000);
        assert_int_equal(pthread_create(&thread, NULL, release_many, bufs), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
}

/* A block is as large as was asked for, wherever it comes from, and is counted like any other. */
static void blocks_for_other_things(void **state)
{
    static const size_t sizes[] = {1, BUF_SMALL, BUF_SMALL + 1, BUF_IO, BUF_MAX};
    int64_t before = metrics_get(METRIC_BUFFERS);
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        void *block = buf_block_get(sizes[i]);
        assert_non_null(block);
        memset(block, 0xff, sizes[i]);
        assert_int_equal(metrics_get(METRIC_BUFFERS), before + 1);
        buf_block_put(block, sizes[i]);
        void *again = buf_block_get(sizes[i]);
        assert_ptr_equal(again, block);
        buf_block_put(again, sizes[i]);
    }
    assert_int_equal(metrics_get(METRIC_BUFFERS), before);
}

static int release_pool(void **state)
{
    (void)state;
    buf_thread_release();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_nothing_at_first),
        cmocka_unit_test(produces_and_consumes),
        cmocka_unit_test(moves_to_the_front_before_it_grows),
        cmocka_unit_test(grows_through_all_sizes),
        cmocka_unit_test(refuses_what_is_too_much),
        cmocka_unit_test(holds_what_must_not_be_lost),
        cmocka_unit_test(remembers_a_failed_append),
        cmocka_unit_test(appends_text_and_numbers),
        cmocka_unit_test(trims),
        cmocka_unit_test(counts_blocks),
        cmocka_unit_test(blocks_change_threads),
        cmocka_unit_test(blocks_for_other_things),
    };
    return cmocka_run_group_tests(tests, NULL, release_pool);
}
