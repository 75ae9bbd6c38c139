/* proxy/turn: when a turn is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "proxy/turn.h"

static struct room *room;

static int open_room(void **state)
{
    (void)state;
    room = room_new(1, sizeof(struct room_slot));
    return room == NULL;
}

static int close_room(void **state)
{
    (void)state;
    room_free(room);
    return 0;
}

/* It begins later than any test ends: it is not the time. */
#define NOT_YET (-3600 * CLOCK_SECOND)

/* A turn that began so many microseconds ago, or a little longer. */
static struct turn began(int64_t ago)
{
    return (struct turn){.room = room, .began = clock_now() - ago};
}

static void many_bytes(void **state)
{
    struct turn turn = began(NOT_YET);
    (void)state;
    turn.moved = TURN_LONG_BYTES - 1;
    assert_false(turn_is_over(&turn));
    turn.moved = TURN_LONG_BYTES;
    assert_false(turn_is_over(&turn));
    turn.moved = TURN_BYTES;
    assert_true(turn_is_over(&turn));
}

static void much_time(void **state)
{
    struct turn turn = began(NOT_YET);
    (void)state;
    assert_false(turn_is_over(&turn));
    turn = began(TURN_TIME);
    assert_true(turn_is_over(&turn));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_bytes),
        cmocka_unit_test(much_time),
    };
    return cmocka_run_group_tests(tests, open_room, close_room);
}
