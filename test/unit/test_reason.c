/* Reasons and metrics: the tables hold together, and counting counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/metrics.h"
#include "base/reason.h"

static void none_is_nothing(void **state)
{
    (void)state;
    assert_int_equal(reason_status(REASON_NONE), 0);
    assert_string_equal(reason_code(REASON_NONE), "-");
    assert_string_equal(reason_sentence(REASON_NONE), "");
}

/* Codes stand in log lines and status words: unique, without spaces, and with the status. */
static void codes_are_consistent(void **state)
{
    (void)state;
    for (int r = 1; r < REASON_COUNT; r++) {
        const char *code = reason_code((enum reason)r);
        int status = reason_status((enum reason)r);
        char prefix[16];
        assert_true(strlen(code) > 0 && strlen(code) < 24);
        assert_int_equal(strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"), strlen(code));
        assert_true(status == 0 || (status >= 400 && status <= 599));
        snprintf(prefix, sizeof prefix, "E%d-", status);
        assert_int_equal(strncmp(code, prefix, strlen(prefix)) == 0, status != 0);
        for (int other = 1; other < r; other++)
            assert_string_not_equal(code, reason_code((enum reason)other));
    }
}

static void sentences_are_sentences(void **state)
{
    (void)state;
    for (int r = 1; r < REASON_COUNT; r++) {
        const char *sentence = reason_sentence((enum reason)r);
        assert_true(isupper((unsigned char)sentence[0]));
        assert_int_equal(sentence[strlen(sentence) - 1], '.');
    }
}

static void *count_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < 1000; i++) {
        reason_count(REASON_UPSTREAM_REFUSED);
        metrics_add(METRIC_REQUESTS_TOTAL, 1);
        metrics_add(METRIC_TUNNELS, i % 2 ? 1 : -1);
    }
    return NULL;
}

static void threads_count_together(void **state)
{
    pthread_t threads[4];
    uint64_t before = reason_total(REASON_UPSTREAM_REFUSED);
    int64_t requests = metrics_get(METRIC_REQUESTS_TOTAL), tunnels = metrics_get(METRIC_TUNNELS);
    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_many, NULL), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(reason_total(REASON_UPSTREAM_REFUSED), before + 4000);
    assert_int_equal(metrics_get(METRIC_REQUESTS_TOTAL), requests + 4000);
    assert_int_equal(metrics_get(METRIC_TUNNELS), tunnels);
}

static void words_are_unique(void **state)
{
    static const char *const words[METRIC_COUNT] = {
#define METRIC(name, word, meaning) word,
#include "base/metrics.def"
#undef METRIC
    };
    (void)state;
    for (int m = 0; m < METRIC_COUNT; m++) {
        assert_int_equal(strspn(words[m], "abcdefghijklmnopqrstuvwxyz_"), strlen(words[m]));
        for (int other = 0; other < m; other++)
            assert_string_not_equal(words[m], words[other]);
    }
}

static void formats_all_of_them(void **state)
{
    char text[4096], expected[64];
    (void)state;
    metrics_add(METRIC_UPSTREAM_IDLE, -2);
    reason_count(REASON_SILENT);
    metrics_format(text, sizeof text);
    assert_int_equal(strncmp(text, "workers_busy=0 connections=0 ", 29), 0);
    assert_non_null(strstr(text, " upstream_idle=-2 "));
    snprintf(expected, sizeof expected, " SILENT=%" PRIu64, reason_total(REASON_SILENT));
    assert_non_null(strstr(text, expected));
    assert_null(strstr(text, "E502-NAME"));
    assert_null(strchr(text, '\n'));
    metrics_add(METRIC_UPSTREAM_IDLE, 2);
}

static void formats_into_any_size(void **state)
{
    char whole[4096], part[4096];
    (void)state;
    metrics_format(whole, sizeof whole);
    for (size_t size = 1; size <= strlen(whole) + 1; size++) {
        memset(part, 'x', sizeof part);
        metrics_format(part, size);
        assert_int_equal(strlen(part), size - 1);
        assert_memory_equal(part, whole, size - 1);
        assert_int_equal(part[size], 'x');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_is_nothing),         cmocka_unit_test(codes_are_consistent),
        cmocka_unit_test(sentences_are_sentences), cmocka_unit_test(threads_count_together),
        cmocka_unit_test(words_are_unique),        cmocka_unit_test(formats_all_of_them),
        cmocka_unit_test(formats_into_any_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
