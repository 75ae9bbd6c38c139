/* Clocks: what poll(2) is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>

#include "base/clock.h"

static void rounds_up(void **state)
{
    (void)state;
    assert_int_equal(clock_poll_timeout(1001, 1000), 1);
    assert_int_equal(clock_poll_timeout(2000, 1000), 1);
    assert_int_equal(clock_poll_timeout(2001, 1000), 2);
    assert_int_equal(clock_poll_timeout(10 * CLOCK_SECOND, 0), 10000);
}

static void what_has_passed_is_now(void **state)
{
    (void)state;
    assert_int_equal(clock_poll_timeout(1000, 1000), 0);
    assert_int_equal(clock_poll_timeout(0, 1000), 0);
    assert_int_equal(clock_poll_timeout(INT64_MIN, INT64_MAX - 1), 0);
}

static void never_is_for_ever(void **state)
{
    (void)state;
    assert_int_equal(clock_poll_timeout(CLOCK_NEVER, 1000), -1);
    assert_int_equal(clock_poll_timeout(CLOCK_NEVER, CLOCK_NEVER), -1);
}

static void far_is_not_early(void **state)
{
    (void)state;
    assert_int_equal(clock_poll_timeout(3600 * CLOCK_SECOND, 0), 3600000);
    assert_int_equal(clock_poll_timeout(CLOCK_NEVER - 1, 0), INT_MAX);
}

static void clocks_go_on(void **state)
{
    int64_t first = clock_now(), wall = clock_wall();
    (void)state;
    while (clock_now() == first) {
    }
    assert_true(clock_now() > first);
    assert_true(wall > INT64_C(1600000000) * CLOCK_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds_up),         cmocka_unit_test(what_has_passed_is_now),
        cmocka_unit_test(never_is_for_ever), cmocka_unit_test(far_is_not_early),
        cmocka_unit_test(clocks_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
