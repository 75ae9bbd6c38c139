/* net/waiting_room: states, generations, deadlines, wakes and ends, step by step in one thread.
 * What happens when threads meet is in test_waiting_room_races.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "room_guest.h"
#include "tls_peer.h"

static void slots_are_given_and_given_back(void **state)
{
    struct room *room = guest_room(2);
    struct guest *a = guest_enter(room), *b = guest_enter(room);
    (void)state;
    assert_ptr_not_equal(a, b);
    assert_int_equal(a->slot.state, SLOT_RUNNING);
    assert_int_equal(a->slot.index, 0);
    assert_int_equal(b->slot.index, 1);
    assert_null(room_acquire(room));
    b->visits = 7;
    uint32_t generation = b->slot.generation;
    guest_leave(room, b);
    assert_int_equal(b->slot.state, SLOT_FREE);
    struct guest *again = (struct guest *)(void *)room_acquire(room);
    assert_ptr_equal(again, b);
    assert_int_equal(again->slot.generation, generation + 1);
    assert_int_equal(again->visits, 7);
    room_release(room, &again->slot);
    guest_leave(room, a);
    room_free(room);
}

static void a_wait_ends_when_its_descriptor_is_ready(void **state)
{
    struct room *room = guest_room(2);
    struct guest *a = guest_enter(room);
    int64_t parks = metrics_get(METRIC_PARKS_TOTAL);
    uint32_t generation = a->slot.generation;
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(guest_park(room, a, 1, CLOCK_NEVER), ROOM_PARKED);
        assert_int_equal(a->slot.state, SLOT_PARKED);
        assert_int_equal(a->slot.generation, ++generation);
        assert_true(a->stream[0].in_epoll);
        assert_false(a->stream[1].in_epoll);
        assert_true(room_is_quiet(room));
        guest_write(a, 0);
        assert_ptr_equal(guest_take(room), a);
        assert_int_equal(a->slot.state, SLOT_RUNNING);
        assert_true(room_is_quiet(room));
        assert_int_equal(guest_read(a, 0), 1);
    }
    assert_true(metrics_get(METRIC_PARKS_TOTAL) >= parks + 3);
    guest_leave(room, a);
    room_free(room);
}

/* Invariant 4. */
static void an_edge_that_nobody_waits_for_is_kept(void **state)
{
    struct room *room = guest_room(2);
    struct guest *a = guest_enter(room);
    (void)state;
    assert_int_equal(guest_park(room, a, 2, CLOCK_NEVER), ROOM_PARKED);
    guest_write(a, 0);
    assert_ptr_equal(guest_take(room), a);
    /* It runs. */
    guest_write(a, 0);
    assert_true(room_is_quiet(room));
    assert_int_equal(guest_read(a, 0), 2);
    uint32_t generation = a->slot.generation;
    assert_int_equal(guest_park(room, a, 1, 100), ROOM_READY);
    assert_int_equal(a->slot.state, SLOT_RUNNING);
    assert_int_equal(a->slot.generation, generation + 1);
    assert_int_equal(room_sweep(room, 1000), CLOCK_NEVER);
    /* It waits for the other one. */
    struct room_interest other = {&a->stream[1], POLLIN};
    assert_int_equal(room_park(room, &a->slot, &other, 1, CLOCK_NEVER), ROOM_PARKED);
    guest_write(a, 0);
    assert_true(room_is_quiet(room));
    guest_write(a, 1);
    assert_ptr_equal(guest_take(room), a);
    assert_int_equal(guest_park(room, a, 1, CLOCK_NEVER), ROOM_READY);
    assert_int_equal(guest_read(a, 0), 1);
    assert_int_equal(guest_park(room, a, 1, CLOCK_NEVER), ROOM_PARKED);
    assert_true(room_is_quiet(room));
    guest_write(a, 0);
    assert_ptr_equal(guest_take(room), a);
    guest_leave(room, a);
    room_free(room);
}

static void a_wait_may_be_for_a_reset(void **state)
{
    struct room *room = guest_room(2);
    struct guest *a = guest_enter(room);
    struct room_interest interest = {&a->stream[0], POLLERR};
    (void)state;
    /* Before and after it is registered. */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(room_park(room, &a->slot, &interest, 1, 100), ROOM_PARKED);
        guest_write(a, 0);
        assert_true(room_is_quiet(room));
        assert_int_equal(room_sweep(room, 100), CLOCK_NEVER);
        assert_ptr_equal(guest_take(room), a);
    }
    assert_int_equal(room_park(room, &a->slot, &interest, 1, CLOCK_NEVER), ROOM_PARKED);
    /* An end with something unread is a reset. */
    assert_int_equal(stream_write(&a->stream[0], "x", 1), 1);
    close(a->peer[0]);
    a->peer[0] = -1;
    assert_ptr_equal(guest_take(room), a);
    assert_true(stream_is_reset(&a->stream[0]));
    assert_int_equal(room_park(room, &a->slot, &interest, 1, CLOCK_NEVER), ROOM_READY);
    guest_leave(room, a);
    room_free(room);
}

static void a_wait_may_be_for_writing(void **state)
{
    struct room *room = guest_room(2);
    struct guest *a = guest_enter(room);
    struct room_interest interest = {&a->stream[0], POLLOUT};
    char bytes[4096] = {0};
    (void)state;
    guest_write(a, 0);
    while (send(a->stream[0].fd, bytes, sizeof bytes, 0) > 0) {
    }
    assert_int_equal(room_park(room, &a->slot, &interest, 1, CLOCK_NEVER), ROOM_PARKED);
    /* It can be read, but that is not what it waits for. */
    assert_true(room_is_quiet(room));
    while (recv(a->peer[0], bytes, sizeof bytes, 0) > 0) {
    }
    assert_ptr_equal(guest_take(room), a);
    /* Each such wait asks how things stand. */
    for (int i = 0; i < 3; i++) {
        interest.events = i == 2 ? POLLIN | POLLOUT : POLLOUT;
        assert_int_equal(room_park(room, &a->slot, &interest, 1, CLOCK_NEVER), ROOM_PARKED);
        assert_ptr_equal(guest_take(room), a);
    }
    guest_leave(room, a);
    room_free(room);
}

static void whoever_is_ready_first_is_served_first(void **state)
{
    struct room *room = guest_room(3);
    struct guest *guests[3];
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        guests[i] = guest_enter(room);
        assert_int_equal(guest_park(room, guests[i], 2, CLOCK_NEVER), ROOM_PARKED);
    }
    static const unsigned order[] = {1, 2, 0};
    for (unsigned i = 0; i < 3; i++)
        guest_write(guests[order[i]], i % 2);
    for (unsigned i = 0; i < 3; i++)
        assert_ptr_equal(guest_take(room), guests[order[i]]);
    for (unsigned i = 0; i < 3; i++)
        guest_leave(room, guests[i]);
    room_free(room);
}

/* Both descriptors are ready: one event takes the connection, the other is kept. */
static void of_two_ready_descriptors_one_counts(void **state)
{
    struct room *room = guest_room(2);
    struct guest *a = guest_enter(room);
    (void)state;
    guest_write(a, 0);
    guest_write(a, 1);
    assert_int_equal(guest_park(room, a, 2, CLOCK_NEVER), ROOM_PARKED);
    assert_ptr_equal(guest_take(room), a);
    assert_true(room_is_quiet(room));
    assert_int_equal(guest_read(a, 0), 1);
    assert_int_equal(guest_park(room, a, 2, CLOCK_NEVER), ROOM_READY);
    assert_int_equal(guest_read(a, 1), 1);
    assert_int_equal(guest_park(room, a, 2, CLOCK_NEVER), ROOM_PARKED);
    assert_true(room_is_quiet(room));
    guest_write(a, 1);
    assert_ptr_equal(guest_take(room), a);
    guest_leave(room, a);
    room_free(room);
}

static void a_wait_that_cannot_begin(void **state)
{
    struct room *room = guest_room(2);
    struct guest *a = guest_enter(room);
    struct stream closed = STREAM_CLOSED;
    struct room_interest interests[] = {{&a->stream[0], POLLIN}, {&closed, POLLIN}};
    (void)state;
    guest_write(a, 0);
    assert_int_equal(room_park(room, &a->slot, interests, 2, 100), ROOM_FAILED);
    assert_int_equal(errno, EBADF);
    assert_int_equal(a->slot.state, SLOT_RUNNING);
    /* The one that was registered already fires for nobody, and there is no deadline. */
    assert_int_equal(room_sweep(room, 1000), CLOCK_NEVER);
    assert_true(room_is_quiet(room));
    guest_leave(room, a);
    room_free(room);
}

/* ---- deadlines ---------------------------------------------------------------------------- */

static void a_sweep_wakes_whose_time_is_over(void **state)
{
    static const int64_t deadlines[] = {500, CLOCK_NEVER, 300, 200, 400, 500};
    struct room *room = guest_room(8);
    struct guest *guests[6];
    (void)state;
    assert_int_equal(room_sweep(room, 1000), CLOCK_NEVER);
    for (unsigned i = 0; i < 6; i++) {
        guests[i] = guest_enter(room);
        assert_int_equal(guest_park(room, guests[i], 1, deadlines[i]), ROOM_PARKED);
    }
    assert_int_equal(room_sweep(room, 199), 200);
    assert_true(room_is_quiet(room));
    assert_int_equal(room_sweep(room, 300), 400);
    assert_int_equal(guests[2]->slot.state, SLOT_WOKEN);
    assert_ptr_equal(guest_take(room), guests[2]);
    assert_int_equal(guests[2]->slot.state, SLOT_RUNNING);
    assert_ptr_equal(guest_take(room), guests[3]);
    assert_true(room_is_quiet(room));
    /* Nothing is woken twice, and what is not parked has no deadline. */
    assert_int_equal(room_sweep(room, 300), 400);
    assert_true(room_is_quiet(room));
    guest_write(guests[4], 0);
    assert_ptr_equal(guest_take(room), guests[4]);
    assert_int_equal(room_sweep(room, 400), 500);
    assert_int_equal(room_sweep(room, 500), CLOCK_NEVER);
    assert_ptr_equal(guest_take(room), guests[0]);
    assert_ptr_equal(guest_take(room), guests[5]);
    assert_int_equal(room_sweep(room, CLOCK_NEVER - 1), CLOCK_NEVER);
    assert_int_equal(guests[1]->slot.state, SLOT_PARKED);
    guest_write(guests[1], 0);
    assert_ptr_equal(guest_take(room), guests[1]);
    for (unsigned i = 0; i < 6; i++)
        guest_leave(room, guests[i]);
    assert_int_equal(room_sweep(room, CLOCK_NEVER - 1), CLOCK_NEVER);
    room_free(room);
}

/* ---- wakes -------------------------------------------------------------------------------- */

static void a_wake_ends_the_wait_it_names(void **state)
{
    struct room *room = guest_room(2);
    struct guest *a = guest_enter(room);
    struct room_ticket first = room_next_wait(room, &a->slot);
    (void)state;
    assert_int_equal(guest_park(room, a, 1, 100), ROOM_PARKED);
    room_wake(first);
    room_wake(first);
    assert_int_equal(a->slot.state, SLOT_WOKEN);
    assert_int_equal(room_sweep(room, 1000), CLOCK_NEVER);
    assert_ptr_equal(guest_take(room), a);
    assert_true(room_is_quiet(room));
    /* The wait is over: its ticket wakes no other one. */
    room_wake(first);
    assert_int_equal(guest_park(room, a, 1, CLOCK_NEVER), ROOM_PARKED);
    room_wake(first);
    assert_true(room_is_quiet(room));
    assert_int_equal(a->slot.state, SLOT_PARKED);
    guest_write(a, 0);
    assert_ptr_equal(guest_take(room), a);
    guest_leave(room, a);
    room_free(room);
}

/* A connection that was woken and is ready as well is taken once. */
static void woken_and_ready(void **state)
{
    struct room *room = guest_room(2);
    struct guest *a = guest_enter(room);
    struct room_ticket ticket = room_next_wait(room, &a->slot);
    (void)state;
    assert_int_equal(guest_park(room, a, 2, CLOCK_NEVER), ROOM_PARKED);
    guest_write(a, 0);
    room_wake(ticket);
    guest_write(a, 1);
    assert_ptr_equal(guest_take(room), a);
    assert_true(room_is_quiet(room));
    guest_leave(room, a);
    room_free(room);
}

/* Invariant 5. */
static void a_wake_before_the_wait_is_kept(void **state)
{
    struct room *room = guest_room(2);
    struct guest *a = guest_enter(room);
    struct room_ticket ticket = room_next_wait(room, &a->slot);
    (void)state;
    room_wake(ticket);
    room_wake(ticket);
    assert_true(room_is_quiet(room));
    assert_int_equal(guest_park(room, a, 2, 100), ROOM_WOKEN);
    assert_int_equal(a->slot.state, SLOT_RUNNING);
    assert_false(a->stream[0].in_epoll || a->stream[1].in_epoll);
    assert_int_equal(room_sweep(room, 1000), CLOCK_NEVER);
    /* That was the wait it named. */
    room_wake(ticket);
    assert_int_equal(guest_park(room, a, 2, CLOCK_NEVER), ROOM_PARKED);
    room_wake(ticket);
    assert_true(room_is_quiet(room));
    guest_write(a, 1);
    assert_ptr_equal(guest_take(room), a);
    guest_leave(room, a);
    room_free(room);
}

static void a_wake_does_not_reach_the_next_connection(void **state)
{
    struct room *room = guest_room(2);
    struct guest *a = guest_enter(room);
    (void)state;
    /* Of a wait that never began, of one that did, and of one whose wake was pending. */
    for (int how = 0; how < 3; how++) {
        struct room_ticket ticket = room_next_wait(room, &a->slot);
        if (how == 1) {
            assert_int_equal(guest_park(room, a, 1, CLOCK_NEVER), ROOM_PARKED);
            guest_write(a, 0);
            assert_ptr_equal(guest_take(room), a);
        }
        if (how == 2)
            room_wake(ticket);
        guest_leave(room, a);
        room_wake(ticket);
        assert_ptr_equal(guest_enter(room), a);
        room_wake(ticket);
        assert_int_equal(guest_park(room, a, 1, CLOCK_NEVER), ROOM_PARKED);
        room_wake(ticket);
        assert_true(room_is_quiet(room));
        guest_write(a, 0);
        assert_ptr_equal(guest_take(room), a);
    }
    guest_leave(room, a);
    room_free(room);
}

static void wake_all_reaches_everyone_once(void **state)
{
    struct room *room = guest_room(5);
    struct guest *parked = guest_enter(room), *running = guest_enter(room);
    struct guest *woken = guest_enter(room), *gone = guest_enter(room);
    struct room_ticket ticket = room_next_wait(room, &woken->slot);
    (void)state;
    assert_int_equal(guest_park(room, parked, 1, CLOCK_NEVER), ROOM_PARKED);
    assert_int_equal(guest_park(room, woken, 1, CLOCK_NEVER), ROOM_PARKED);
    guest_leave(room, gone);
    room_wake(ticket);
    room_wake_all(room);
    assert_ptr_equal(guest_take(room), woken);
    assert_ptr_equal(guest_take(room), parked);
    /* Who was running hears of it as it parks, once. */
    assert_int_equal(guest_park(room, running, 1, CLOCK_NEVER), ROOM_WOKEN);
    assert_int_equal(guest_park(room, running, 1, CLOCK_NEVER), ROOM_PARKED);
    /* Who comes later does not. */
    assert_ptr_equal(guest_enter(room), gone);
    assert_int_equal(guest_park(room, gone, 1, CLOCK_NEVER), ROOM_PARKED);
    assert_int_equal(guest_park(room, woken, 1, CLOCK_NEVER), ROOM_PARKED);
    assert_true(room_is_quiet(room));
    room_wake_all(room);
    for (int i = 0; i < 3; i++)
        guest_leave(room, guest_take(room));
    guest_leave(room, parked);
    room_free(room);
}

/* ---- descriptors that leave --------------------------------------------------------------- */

/* Moves a's second stream to b, as through the pool; its peer stays with a. */
static void move_stream(struct room *room, struct guest *a, struct guest *b)
{
    room_forget(room, &a->stream[1]);
    stream_close(&b->stream[1]);
    b->stream[1] = a->stream[1];
    a->stream[1] = STREAM_CLOSED;
}

static void what_happens_between_two_connections_is_kept(void **state)
{
    struct room *room = guest_room(3);
    struct stream never = STREAM_CLOSED;
    (void)state;
    room_forget(room, &never);
    for (int hung_up = 0; hung_up < 2; hung_up++) {
        struct guest *a = guest_enter(room), *b = guest_enter(room);
        assert_int_equal(guest_park(room, a, 2, CLOCK_NEVER), ROOM_PARKED);
        guest_write(a, 0);
        assert_ptr_equal(guest_take(room), a);
        move_stream(room, a, b);
        if (hung_up) {
            close(a->peer[1]);
            a->peer[1] = -1;
        } else {
            guest_write(a, 1);
        }
        assert_true(room_is_quiet(room));
        struct room_interest interest = {&b->stream[1], POLLIN};
        assert_true(b->stream[1].in_epoll);
        assert_int_equal(room_park(room, &b->slot, &interest, 1, CLOCK_NEVER), ROOM_READY);
        assert_int_equal(guest_read(b, 1), !hung_up);
        assert_true(b->stream[1].eof == hung_up);
        if (!hung_up) {
            assert_int_equal(room_park(room, &b->slot, &interest, 1, CLOCK_NEVER), ROOM_PARKED);
            guest_write(a, 1);
            assert_ptr_equal(guest_take(room), b);
        }
        guest_leave(room, a);
        guest_leave(room, b);
    }
    room_free(room);
}

/* ---- reads that are saved ----------------------------------------------------------------- */

/* A guest that has read `size` bytes of the two that came. */
static struct guest *reader(struct room *room, size_t size)
{
    struct guest *a = guest_enter(room);
    char bytes[3];
    assert_true(room_expect_silence(room, &a->stream[0])); /* its first wait will look */
    assert_int_equal(a->stream[0].read_wants, POLLIN);
    assert_int_equal(guest_park(room, a, 1, CLOCK_NEVER), ROOM_PARKED);
    guest_write(a, 0);
    guest_write(a, 0);
    assert_ptr_equal(guest_take(room), a);
    assert_false(room_expect_silence(room, &a->stream[0]));
    assert_int_equal(stream_read(&a->stream[0], bytes, size), size < 2 ? size : 2);
    return a;
}

static void silence_after_a_read_that_took_everything(void **state)
{
    struct room *room = guest_room(2);
    struct guest *a = reader(room, 3);
    (void)state;
    assert_true(room_expect_silence(room, &a->stream[0]));
    assert_int_equal(guest_park(room, a, 1, CLOCK_NEVER), ROOM_PARKED);
    assert_true(room_is_quiet(room));
    guest_write(a, 0);
    assert_ptr_equal(guest_take(room), a);
    guest_leave(room, a);
    room_free(room);
}

static void no_silence_while_something_may_be_left(void **state)
{
    struct room *room = guest_room(2);
    (void)state;
    for (size_t size = 1; size <= 2; size++) {
        struct guest *a = reader(room, size);
        assert_false(room_expect_silence(room, &a->stream[0]));
        guest_leave(room, a);
    }
    room_free(room);
}

/* What is reported after the read, and what was told without being read. */
static void no_silence_after_an_edge(void **state)
{
    struct room *room = guest_room(2);
    struct guest *a = reader(room, 3);
    (void)state;
    guest_write(a, 0);
    assert_true(room_is_quiet(room));
    assert_false(room_expect_silence(room, &a->stream[0]));
    assert_int_equal(guest_read(a, 0), 1);
    assert_true(room_expect_silence(room, &a->stream[0]));
    assert_int_equal(guest_park(room, a, 2, CLOCK_NEVER), ROOM_PARKED);
    guest_write(a, 0);
    assert_ptr_equal(guest_take(room), a);
    assert_false(room_expect_silence(room, &a->stream[0]));
    assert_int_equal(guest_read(a, 0), 1);
    assert_true(room_expect_silence(room, &a->stream[0]));
    guest_leave(room, a);
    room_free(room);
}

/* A last byte and the end behind it come in one edge; the read takes the byte. */
static void no_silence_before_an_end(void **state)
{
    struct room *room = guest_room(2);
    struct guest *a = guest_enter(room);
    (void)state;
    assert_int_equal(guest_park(room, a, 1, CLOCK_NEVER), ROOM_PARKED);
    guest_write(a, 0);
    close(a->peer[0]);
    a->peer[0] = -1;
    assert_ptr_equal(guest_take(room), a);
    assert_int_equal(guest_read(a, 0), 1);
    assert_false(room_expect_silence(room, &a->stream[0]));
    assert_int_equal(guest_read(a, 0), 0);
    assert_true(a->stream[0].eof);
    assert_false(room_expect_silence(room, &a->stream[0]));
    guest_leave(room, a);
    room_free(room);
}

/* A read ends at the mark of urgent data, short of what lies behind it. */
static void no_silence_at_urgent_data(void **state)
{
    struct room *room = guest_room(2);
    struct guest *a = guest_enter(room);
    int pair[2];
    (void)state;
    tls_peer_tcp_pair(pair);
    stream_close(&a->stream[0]);
    close(a->peer[0]);
    stream_init(&a->stream[0], pair[1]);
    a->peer[0] = pair[0];
    guest_write(a, 0);
    assert_int_equal(send(a->peer[0], "!", 1, MSG_OOB), 1);
    guest_write(a, 0);
    assert_int_equal(guest_park(room, a, 1, CLOCK_NEVER), ROOM_PARKED);
    assert_ptr_equal(guest_take(room), a);
    assert_int_equal(guest_read(a, 0), 1);
    assert_false(room_expect_silence(room, &a->stream[0]));
    assert_int_equal(guest_read(a, 0), 1);
    guest_leave(room, a);
    room_free(room);
}

/* ---- the room ----------------------------------------------------------------------------- */

/* Those who were woken are still served; then everyone may leave. */
static void stopping(void **state)
{
    struct room *room = guest_room(4);
    struct guest *guests[3];
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        guests[i] = guest_enter(room);
        assert_int_equal(guest_park(room, guests[i], 1, CLOCK_NEVER), ROOM_PARKED);
    }
    room_wake_all(room);
    room_stop(room);
    for (unsigned i = 0; i < 3; i++)
        assert_ptr_equal(guest_take(room), guests[i]);
    for (unsigned i = 0; i < 3; i++) {
        assert_null(guest_take(room));
        guest_leave(room, guests[i]);
    }
    assert_null(guest_take(room));
    room_free(room);
    room_free(NULL);
}

/* A large room costs address space, and memory only as it fills. */
static void memory_is_used_as_it_is_needed(void **state)
{
    const uint32_t slots = 1u << 16;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct room *room = room_new(slots, page);
    unsigned char there = 0xff;
    (void)state;
    assert_non_null(room);
    struct room_slot *slot = room_acquire(room);
    assert_int_equal(mincore((char *)slot, page, &there), 0);
    assert_int_equal(there & 1, 1);
    assert_int_equal(mincore((char *)slot + (slots - 1) * page, page, &there), 0);
    assert_int_equal(there & 1, 0);
    room_release(room, slot);
    room_free(room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_are_given_and_given_back),
        cmocka_unit_test(a_wait_ends_when_its_descriptor_is_ready),
        cmocka_unit_test(an_edge_that_nobody_waits_for_is_kept),
        cmocka_unit_test(a_wait_may_be_for_writing),
        cmocka_unit_test(a_wait_may_be_for_a_reset),
        cmocka_unit_test(whoever_is_ready_first_is_served_first),
        cmocka_unit_test(of_two_ready_descriptors_one_counts),
        cmocka_unit_test(a_wait_that_cannot_begin),
        cmocka_unit_test(a_sweep_wakes_whose_time_is_over),
        cmocka_unit_test(a_wake_ends_the_wait_it_names),
        cmocka_unit_test(woken_and_ready),
        cmocka_unit_test(a_wake_before_the_wait_is_kept),
        cmocka_unit_test(a_wake_does_not_reach_the_next_connection),
        cmocka_unit_test(wake_all_reaches_everyone_once),
        cmocka_unit_test(what_happens_between_two_connections_is_kept),
        cmocka_unit_test(silence_after_a_read_that_took_everything),
        cmocka_unit_test(no_silence_while_something_may_be_left),
        cmocka_unit_test(no_silence_after_an_edge),
        cmocka_unit_test(no_silence_before_an_end),
        cmocka_unit_test(no_silence_at_urgent_data),
        cmocka_unit_test(stopping),
        cmocka_unit_test(memory_is_used_as_it_is_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
