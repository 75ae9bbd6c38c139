/* proxy/turn: when a turn says that it is no short one, and when it is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "proxy/turn.h"

static struct turnstile turnstile;
static unsigned told;

static void count(void *arg)
{
    (void)arg;
    told++;
}

static int enter(void **state)
{
    (void)state;
    told = 0;
    turnstile_init(&turnstile, 1);
    turnstile_on_hand_over(&turnstile, count, NULL);
    turnstile_enter(&turnstile);
    return 0;
}

static int leave(void **state)
{
    (void)state;
    turnstile_leave(&turnstile);
    turnstile_release(&turnstile);
    return 0;
}

/* It begins later than any test ends: it is not the time. */
#define NOT_YET (-3600 * CLOCK_SECOND)

/* A turn that began so many microseconds ago, or a little longer. */
static struct turn began(int64_t ago)
{
    return (struct turn){.began = clock_now() - ago};
}

static void many_bytes(void **state)
{
    struct turn turn = began(NOT_YET);
    (void)state;
    turn.moved = TURN_LONG_BYTES - 1;
    assert_false(turn_is_over(&turn));
    assert_int_equal(told, 0);
    turn.moved = TURN_LONG_BYTES;
    assert_false(turn_is_over(&turn));
    assert_int_equal(told, 1);
    turn.moved = TURN_BYTES - 1;
    assert_false(turn_is_over(&turn));
    assert_int_equal(told, 1); /* once a turn */
    turn.moved = TURN_BYTES;
    assert_true(turn_is_over(&turn));
}

static void much_time(void **state)
{
    struct turn turn = began(NOT_YET);
    (void)state;
    assert_false(turn_is_over(&turn));
    assert_int_equal(told, 0);
    turn = began(TURN_LONG_TIME);
    (void)turn_is_over(&turn);
    assert_int_equal(told, 1);
    turn = began(TURN_TIME);
    assert_true(turn_is_over(&turn));
    assert_int_equal(told, 2);
}

static void what_is_known_to_be_long(void **state)
{
    struct turn turn = began(NOT_YET);
    (void)state;
    turn_becomes_long(&turn);
    assert_int_equal(told, 1);
    turn_becomes_long(&turn);
    turn.moved = TURN_LONG_BYTES;
    assert_false(turn_is_over(&turn));
    assert_int_equal(told, 1);
    /* Whoever sleeps says so all the same: somebody else may have begun to look since. */
    turnstile_sleep();
    turnstile_awake();
    assert_int_equal(told, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(many_bytes, enter, leave),
        cmocka_unit_test_setup_teardown(much_time, enter, leave),
        cmocka_unit_test_setup_teardown(what_is_known_to_be_long, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
