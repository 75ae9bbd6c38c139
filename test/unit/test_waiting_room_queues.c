/* net/waiting_room: the queue of the handshakes, its share beside the main queue, and marks.
 * What is counted are turns, never time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "room_guest.h"

#define GUESTS 160u

static struct guest *guests[GUESTS];

/* `main` guests in the main queue and `handshakes` in the other, all of them ready. */
static struct room *ready_room(unsigned in_main, unsigned handshakes)
{
    struct room *room = guest_room(GUESTS + 1);
    for (unsigned i = 0; i < in_main + handshakes; i++) {
        guests[i] = guest_enter(room);
        if (i >= in_main)
            room_enter_queue(room, &guests[i]->slot, ROOM_HANDSHAKES, &guests[i]->stream[0]);
        assert_int_equal(guest_park(room, guests[i], 1, CLOCK_NEVER), ROOM_PARKED);
        guest_write(guests[i], 0);
    }
    return room;
}

/* Serves so many turns; whoever had one is ready again at once. */
static void serve(struct room *room, unsigned turns)
{
    while (turns-- > 0) {
        struct guest *guest = guest_take(room);
        guest->visits++;
        assert_int_equal(guest_read(guest, 0), 1);
        assert_int_equal(guest_park(room, guest, 1, CLOCK_NEVER), ROOM_PARKED);
        guest_write(guest, 0);
    }
}

static unsigned visits(unsigned from, unsigned count)
{
    unsigned sum = 0;
    for (unsigned i = from; i < from + count; i++)
        sum += (unsigned)guests[i]->visits;
    return sum;
}

static void empty(struct room *room, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        guest_leave(room, guest_take(room));
    room_free(room);
}

static void all_handshakes_together_have_the_share_of_one(void **state)
{
    struct room *room = ready_room(3, 50);
    (void)state;
    serve(room, 200);
    assert_in_range(visits(3, 50), 48, 54);
    /* Among themselves they are served in turn. */
    for (unsigned i = 3; i < 53; i++)
        assert_in_range(guests[i]->visits, 0, 2);
    for (unsigned i = 0; i < 3; i++)
        assert_in_range(guests[i]->visits, 48, 51);
    empty(room, 53);
}

static void many_busy_ones_do_not_stop_the_handshakes(void **state)
{
    struct room *room = ready_room(150, 2);
    (void)state;
    serve(room, 1500);
    /* In rounds alone they would have had ten turns. */
    assert_in_range(visits(150, 2), 1500 / 40, 1500 / 25);
    for (unsigned i = 0; i < 150; i++)
        assert_in_range(guests[i]->visits, 7, 11);
    empty(room, 152);
}

static void handshakes_alone_have_everything(void **state)
{
    struct room *room = ready_room(0, 20);
    (void)state;
    serve(room, 100);
    for (unsigned i = 0; i < 20; i++)
        assert_in_range(guests[i]->visits, 4, 6);
    empty(room, 20);
}

/* A thousand handshakes whose certificate has come hold up nobody else that is woken. */
static void woken_handshakes_come_last(void **state)
{
    static const unsigned order[] = {2, 3, 0, 1};
    struct room *room = guest_room(4);
    struct room_ticket tickets[4];
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        guests[i] = guest_enter(room);
        if (i < 2)
            room_enter_queue(room, &guests[i]->slot, ROOM_HANDSHAKES, &guests[i]->stream[0]);
        tickets[i] = room_next_wait(room, &guests[i]->slot);
        assert_int_equal(room_park(room, &guests[i]->slot, NULL, 0, CLOCK_NEVER), ROOM_PARKED);
    }
    for (unsigned i = 0; i < 4; i++)
        room_wake(tickets[i]);
    for (unsigned i = 0; i < 4; i++) {
        assert_ptr_equal(guest_take(room), guests[order[i]]);
        guest_leave(room, guests[order[i]]);
    }
    room_free(room);
}

/* A handshake is over: armed or not, the descriptor waits in the main queue from then on. */
static void from_queue_to_queue(void **state)
{
    struct room *room = guest_room(2);
    struct guest *a = guest_enter(room);
    (void)state;
    assert_int_equal(a->slot.queue, ROOM_MAIN);
    room_enter_queue(room, &a->slot, ROOM_HANDSHAKES, &a->stream[0]);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(guest_park(room, a, 1, CLOCK_NEVER), ROOM_PARKED);
        assert_true(room_is_quiet(room));
        if (i == 0)
            guest_write(a, 0);
        else
            room_wake_all(room);
        assert_ptr_equal(guest_take(room), a);
        room_enter_queue(room, &a->slot, i == 0 ? ROOM_MAIN : ROOM_HANDSHAKES, &a->stream[0]);
        if (i == 0)
            assert_int_equal(guest_read(a, 0), 1);
    }
    assert_int_equal(guest_park(room, a, 1, CLOCK_NEVER), ROOM_PARKED);
    assert_true(room_is_quiet(room));
    guest_write(a, 0);
    assert_ptr_equal(guest_take(room), a);
    guest_leave(room, a);
    /* Whoever has the slot next begins in the main queue. */
    assert_ptr_equal(guest_enter(room), a);
    assert_int_equal(a->slot.queue, ROOM_MAIN);
    guest_leave(room, a);
    room_free(room);
}

static void a_mark_is_behind_what_is_ready(void **state)
{
    struct room *room = ready_room(2, 0);
    (void)state;
    room_mark(room, ROOM_MAIN);
    for (unsigned i = 0; i < 2; i++) {
        guest_leave(room, guest_take(room));
        assert_int_equal(room_mark_passed(room, ROOM_MAIN), CLOCK_NEVER);
    }
    assert_true(room_is_quiet(room));
    assert_int_not_equal(room_mark_passed(room, ROOM_MAIN), CLOCK_NEVER);
    /* And again. */
    room_mark(room, ROOM_MAIN);
    assert_int_equal(room_mark_passed(room, ROOM_MAIN), CLOCK_NEVER);
    assert_true(room_is_quiet(room));
    assert_in_range(room_mark_passed(room, ROOM_MAIN), 1, clock_now());
    room_free(room);
}

static void a_mark_among_the_handshakes(void **state)
{
    struct room *room = ready_room(0, 3);
    (void)state;
    room_mark(room, ROOM_HANDSHAKES);
    for (unsigned i = 0; i < 3; i++) {
        guest_leave(room, guest_take(room));
        assert_int_equal(room_mark_passed(room, ROOM_HANDSHAKES), CLOCK_NEVER);
    }
    while (room_mark_passed(room, ROOM_HANDSHAKES) == CLOCK_NEVER)
        assert_true(room_is_quiet(room));
    room_free(room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_handshakes_together_have_the_share_of_one),
        cmocka_unit_test(many_busy_ones_do_not_stop_the_handshakes),
        cmocka_unit_test(handshakes_alone_have_everything),
        cmocka_unit_test(woken_handshakes_come_last),
        cmocka_unit_test(from_queue_to_queue),
        cmocka_unit_test(a_mark_is_behind_what_is_ready),
        cmocka_unit_test(a_mark_among_the_handshakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
