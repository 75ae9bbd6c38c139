/* Dates as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/date.h"
#include "base/thread.h"

#define SECONDS(n) (INT64_C(n) * CLOCK_SECOND)

static void assert_text(struct span text, const char *expected)
{
    char copy[64];
    assert_true(span_copy(text, copy, sizeof copy));
    assert_string_equal(copy, expected);
}

static void known_dates(void **state)
{
    (void)state;
    /* The example of RFC 9110, 5.6.7. */
    assert_text(date_text(DATE_HTTP, SECONDS(784111777)), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_text(date_text(DATE_CLF, SECONDS(784111777)), "06/Nov/1994:08:49:37 +0000");
    assert_text(date_text(DATE_HTTP, SECONDS(1795407648)), "Mon, 23 Nov 2026 04:20:48 GMT");
    assert_text(date_text(DATE_CLF, SECONDS(1795407648)), "23/Nov/2026:04:20:48 +0000");
    assert_text(date_text(DATE_ISO, SECONDS(1795407648)), "2026-11-23T04:20:48");
    /* A leap day, and a century that is one. */
    assert_text(date_text(DATE_HTTP, SECONDS(951782400)), "Tue, 29 Feb 2000 00:00:00 GMT");
    assert_text(date_text(DATE_CLF, SECONDS(4102444799)), "31/Dec/2099:23:59:59 +0000");
    /* Beyond 32 bits. */
    assert_text(date_text(DATE_HTTP, SECONDS(4294967296)), "Sun, 07 Feb 2106 06:28:16 GMT");
}

static void edges(void **state)
{
    (void)state;
    assert_text(date_text(DATE_HTTP, 0), "Thu, 01 Jan 1970 00:00:00 GMT");
    assert_text(date_text(DATE_HTTP, -1), "Thu, 01 Jan 1970 00:00:00 GMT");
    assert_text(date_text(DATE_CLF, INT64_MIN), "01/Jan/1970:00:00:00 +0000");
    assert_text(date_text(DATE_HTTP, INT64_MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
    assert_text(date_text(DATE_CLF, INT64_MAX), "31/Dec/9999:23:59:59 +0000");
}

/* The very first question of a thread may be about second 0, which an unused cache must not
 * take for its own. */
static void *ask_for_the_epoch(void *arg)
{
    (void)arg;
    assert_int_equal(date_text(DATE_HTTP, 0).len, 29);
    assert_int_equal(date_text(DATE_CLF, 0).len, 26);
    return NULL;
}

static void fresh_thread(void **state)
{
    pthread_t thread;
    (void)state;
    assert_int_equal(thread_start(&thread, "fresh", ask_for_the_epoch, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void cached_by_the_second(void **state)
{
    (void)state;
    assert_text(date_text(DATE_HTTP, SECONDS(100)), "Thu, 01 Jan 1970 00:01:40 GMT");
    assert_text(date_text(DATE_HTTP, SECONDS(100) + 999999), "Thu, 01 Jan 1970 00:01:40 GMT");
    assert_text(date_text(DATE_HTTP, SECONDS(101)), "Thu, 01 Jan 1970 00:01:41 GMT");
    /* The forms do not share their second, and a clock may be set back. */
    assert_text(date_text(DATE_CLF, SECONDS(200)), "01/Jan/1970:00:03:20 +0000");
    assert_text(date_text(DATE_HTTP, SECONDS(100)), "Thu, 01 Jan 1970 00:01:40 GMT");
}

static void months_and_weekdays(void **state)
{
    static const char *const expected[] = {
        "Thu, 15 Jan 2026", "Sun, 15 Feb 2026", "Sun, 15 Mar 2026", "Wed, 15 Apr 2026",
        "Fri, 15 May 2026", "Mon, 15 Jun 2026", "Wed, 15 Jul 2026", "Sat, 15 Aug 2026",
        "Tue, 15 Sep 2026", "Thu, 15 Oct 2026", "Sun, 15 Nov 2026", "Tue, 15 Dec 2026"};
    (void)state;
    for (int month = 0; month < 12; month++) {
        struct tm tm = {.tm_year = 126, .tm_mon = month, .tm_mday = 15};
        struct span text = date_text(DATE_HTTP, (int64_t)timegm(&tm) * CLOCK_SECOND);
        assert_text(span_first(text, 16), expected[month]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_dates),         cmocka_unit_test(edges),
        cmocka_unit_test(fresh_thread),        cmocka_unit_test(cached_by_the_second),
        cmocka_unit_test(months_and_weekdays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
