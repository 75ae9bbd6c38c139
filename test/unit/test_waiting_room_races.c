/* net/waiting_room: what happens when threads meet. The orders that matter are forced through
 * the yield points, one by one; at the end many threads meet as they like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "interleave.h"
#include "room_guest.h"

static struct room *room;

static int begin(void **state)
{
    (void)state;
    room = guest_room(4);
    interleave_begin();
    return 0;
}

/* Everyone has left, or room_free ends the test. */
static int end(void **state)
{
    (void)state;
    interleave_end();
    room_free(room);
    return 0;
}

/* Something done by a thread of its own, so that it can be stopped in the middle. */
struct deed {
    const char *name;
    pthread_t thread;
    void (*run)(struct deed *deed);
    struct guest *guest;
    struct room_ticket ticket;
    int64_t deadline; /* of a park; `now` of a sweep */
    int64_t earliest;
    enum room_parked parked;
};

static void *run_deed(void *arg)
{
    struct deed *deed = arg;
    interleave_enter(deed->name);
    deed->run(deed);
    return NULL;
}

static void deed_start(struct deed *deed)
{
    check(pthread_create(&deed->thread, NULL, run_deed, deed) == 0);
}

static void deed_join(struct deed *deed)
{
    pthread_join(deed->thread, NULL);
}

static void do_park(struct deed *deed)
{
    deed->parked = guest_park(room, deed->guest, 2, deed->deadline);
}

static void do_sweep(struct deed *deed)
{
    deed->earliest = room_sweep(room, deed->deadline);
}

static void do_wake(struct deed *deed)
{
    room_wake(deed->ticket);
}

static void do_leave(struct deed *deed)
{
    guest_leave(room, deed->guest);
}

/* A guest whose event a taker "worker" has harvested, and stands at `point` with it. */
static struct guest *harvested_up_to(struct taker *taker, const char *point, int64_t deadline)
{
    struct guest *a = guest_enter(room);
    assert_int_equal(guest_park(room, a, 2, deadline), ROOM_PARKED);
    interleave_stop("worker", point);
    taker_start(taker, room, "worker");
    guest_write(a, 0);
    interleave_await("worker", point);
    return a;
}

/* The same, and it has not looked at it yet. */
static struct guest *harvested(struct taker *taker, int64_t deadline)
{
    return harvested_up_to(taker, "room_take", deadline);
}

/* ---- parking ------------------------------------------------------------------------------ */

/* One descriptor of the wait fires before the other belongs to it. */
static void one_fires_in_the_middle_of_parking(void **state)
{
    struct taker taker;
    struct guest *a = guest_enter(room);
    struct deed park = {.name = "parker", .run = do_park, .guest = a, .deadline = 100};
    (void)state;
    interleave_stop("parker", "room_park waiting");
    interleave_stop("worker", "room_take");
    taker_start(&taker, room, "worker");
    deed_start(&park);
    interleave_await("parker", "room_park waiting");
    guest_write(a, 0);
    interleave_await("worker", "room_take");
    interleave_go("worker", "room_take");
    interleave_go("parker", "room_park waiting");
    assert_ptr_equal(taker_join(&taker), a);
    deed_join(&park);
    assert_int_equal(park.parked, ROOM_PARKED);
    assert_int_equal(room_sweep(room, 1000), CLOCK_NEVER);
    guest_write(a, 1);
    assert_true(room_is_quiet(room));
    guest_leave(room, a);
}

/* A byte that the connection reads by itself, while the worker that harvested its edge stands
 * at `point`. */
static struct guest *read_ahead_of(struct taker *taker, const char *point)
{
    struct guest *a = guest_enter(room);
    assert_int_equal(guest_park(room, a, 2, CLOCK_NEVER), ROOM_PARKED);
    guest_write(a, 0);
    assert_ptr_equal(guest_take(room), a);
    assert_int_equal(guest_read(a, 0), 1);
    interleave_stop("worker", point);
    taker_start(taker, room, "worker");
    guest_write(a, 1);
    interleave_await("worker", point);
    assert_int_equal(guest_read(a, 1), 1);
    return a;
}

/* The worker has dropped what it came with: it takes somebody else, who waits and has something. */
static struct guest *another_is_taken_by(struct taker *taker)
{
    struct guest *b = guest_enter(room);
    guest_write(b, 0);
    assert_int_equal(guest_park(room, b, 1, CLOCK_NEVER), ROOM_PARKED);
    assert_ptr_equal(taker_join(taker), b);
    return b;
}

/* The edge is reported, and its connection parks before the reporter looks for it. */
static void reported_before_parking(void **state)
{
    static const char *const points[] = {"room_take reported", "room_take owner"};
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct taker taker;
        struct guest *a = read_ahead_of(&taker, points[i]);
        assert_int_equal(guest_park(room, a, 2, CLOCK_NEVER), ROOM_READY);
        /* Told to the one who parked, and not twice, even if it has parked again. */
        assert_int_equal(guest_park(room, a, 2, CLOCK_NEVER), ROOM_PARKED);
        interleave_go("worker", points[i]);
        struct guest *b = another_is_taken_by(&taker);
        assert_int_equal(a->slot.state, SLOT_PARKED);
        guest_write(a, 1);
        assert_ptr_equal(guest_take(room), a);
        guest_leave(room, a);
        guest_leave(room, b);
    }
}

/* The edge is reported only after its connection has parked. */
static void reported_after_parking(void **state)
{
    struct taker taker;
    struct guest *a = read_ahead_of(&taker, "room_take");
    (void)state;
    assert_int_equal(guest_park(room, a, 2, CLOCK_NEVER), ROOM_PARKED);
    interleave_go("worker", "room_take");
    assert_ptr_equal(taker_join(&taker), a);
    assert_int_equal(guest_park(room, a, 2, CLOCK_NEVER), ROOM_PARKED);
    assert_true(room_is_quiet(room));
    guest_write(a, 0);
    assert_ptr_equal(guest_take(room), a);
    guest_leave(room, a);
}

/* A descriptor goes from one connection to another, as through the pool, while a worker that
 * has its edge stands at `point`. */
static struct guest *moved(struct taker *taker, const char *point, struct guest **former)
{
    struct guest *a = guest_enter(room), *b = guest_enter(room);
    assert_int_equal(guest_park(room, a, 2, CLOCK_NEVER), ROOM_PARKED);
    guest_write(a, 0);
    assert_ptr_equal(guest_take(room), a);
    assert_int_equal(guest_read(a, 0), 1);
    interleave_stop("worker", point);
    taker_start(taker, room, "worker");
    guest_write(a, 1);
    interleave_await("worker", point);
    room_forget(room, &a->stream[1]);
    stream_close(&b->stream[1]);
    b->stream[1] = a->stream[1];
    a->stream[1] = STREAM_CLOSED;
    assert_int_equal(guest_park(room, a, 1, CLOCK_NEVER), ROOM_PARKED);
    *former = a;
    return b;
}

static void moved_before_its_edge_is_reported(void **state)
{
    struct taker taker;
    struct guest *a, *b = moved(&taker, "room_take", &a);
    struct room_interest interest = {&b->stream[1], POLLIN};
    (void)state;
    assert_int_equal(room_park(room, &b->slot, &interest, 1, CLOCK_NEVER), ROOM_PARKED);
    interleave_go("worker", "room_take");
    assert_ptr_equal(taker_join(&taker), b);
    assert_int_equal(a->slot.state, SLOT_PARKED);
    guest_write(a, 0);
    assert_ptr_equal(guest_take(room), a);
    guest_leave(room, a);
    guest_leave(room, b);
}

static void moved_after_its_edge_is_reported(void **state)
{
    struct taker taker;
    struct guest *a, *b = moved(&taker, "room_take owner", &a);
    struct room_interest interest = {&b->stream[1], POLLIN};
    (void)state;
    assert_int_equal(room_park(room, &b->slot, &interest, 1, CLOCK_NEVER), ROOM_READY);
    interleave_go("worker", "room_take owner");
    /* The former owner waits for something else. */
    guest_write(a, 0);
    assert_ptr_equal(taker_join(&taker), a);
    assert_int_equal(guest_read(a, 0), 1);
    assert_int_equal(guest_read(b, 1), 1);
    guest_leave(room, a);
    guest_leave(room, b);
}

static void a_wake_comes_just_before_parking(void **state)
{
    struct guest *a = guest_enter(room);
    struct deed park = {.name = "parker", .run = do_park, .guest = a, .deadline = 100};
    struct room_ticket ticket = room_next_wait(room, &a->slot);
    (void)state;
    interleave_stop("parker", "room_park");
    deed_start(&park);
    interleave_await("parker", "room_park");
    room_wake(ticket);
    interleave_go("parker", "room_park");
    deed_join(&park);
    assert_int_equal(park.parked, ROOM_WOKEN);
    assert_int_equal(a->slot.state, SLOT_RUNNING);
    assert_int_equal(room_sweep(room, 1000), CLOCK_NEVER);
    guest_leave(room, a);
}

static void a_wake_comes_in_the_middle_of_parking(void **state)
{
    struct guest *a = guest_enter(room);
    struct deed park = {.name = "parker", .run = do_park, .guest = a, .deadline = 100};
    struct deed wake = {.name = "waker", .run = do_wake, .ticket = room_next_wait(room, &a->slot)};
    (void)state;
    interleave_stop("parker", "room_park waiting");
    interleave_stop("waker", "room_wake");
    deed_start(&wake);
    deed_start(&park);
    interleave_await("waker", "room_wake");
    interleave_await("parker", "room_park waiting");
    interleave_go("waker", "room_wake");
    interleave_go("parker", "room_park waiting");
    deed_join(&wake);
    deed_join(&park);
    assert_int_equal(park.parked, ROOM_PARKED);
    assert_ptr_equal(guest_take(room), a);
    assert_true(room_is_quiet(room));
    guest_leave(room, a);
}

/* ---- taking ------------------------------------------------------------------------------- */

/* The sweep has seen a deadline that is over, and the connection is taken before it acts. */
static void taken_before_the_sweep_wakes(void **state)
{
    struct guest *a = guest_enter(room);
    struct deed sweep = {.name = "sweeper", .run = do_sweep, .deadline = 200};
    (void)state;
    assert_int_equal(guest_park(room, a, 2, 100), ROOM_PARKED);
    interleave_stop("sweeper", "room_sweep");
    deed_start(&sweep);
    interleave_await("sweeper", "room_sweep");
    guest_write(a, 0);
    assert_ptr_equal(guest_take(room), a);
    interleave_go("sweeper", "room_sweep");
    deed_join(&sweep);
    assert_int_equal(sweep.earliest, CLOCK_NEVER);
    assert_int_equal(a->slot.state, SLOT_RUNNING);
    assert_true(room_is_quiet(room));
    guest_leave(room, a);
}

/* The same, and it is parked again with another deadline, which the sweep must report. */
static void parked_anew_before_the_sweep_wakes(void **state)
{
    struct guest *a = guest_enter(room);
    struct deed sweep = {.name = "sweeper", .run = do_sweep, .deadline = 200};
    (void)state;
    assert_int_equal(guest_park(room, a, 2, 100), ROOM_PARKED);
    interleave_stop("sweeper", "room_sweep");
    deed_start(&sweep);
    interleave_await("sweeper", "room_sweep");
    guest_write(a, 0);
    assert_ptr_equal(guest_take(room), a);
    assert_int_equal(guest_read(a, 0), 1);
    assert_int_equal(guest_park(room, a, 2, 300), ROOM_PARKED);
    interleave_go("sweeper", "room_sweep");
    deed_join(&sweep);
    assert_int_equal(sweep.earliest, 300);
    assert_int_equal(a->slot.state, SLOT_PARKED);
    assert_true(room_is_quiet(room));
    guest_write(a, 1);
    assert_ptr_equal(guest_take(room), a);
    guest_leave(room, a);
}

/* The event is harvested, and the sweep is faster. */
static void swept_before_it_is_taken(void **state)
{
    struct taker taker;
    struct guest *a = harvested(&taker, 100);
    (void)state;
    assert_int_equal(room_sweep(room, 200), CLOCK_NEVER);
    assert_int_equal(a->slot.state, SLOT_WOKEN);
    interleave_go("worker", "room_take");
    assert_ptr_equal(taker_join(&taker), a);
    assert_int_equal(a->slot.state, SLOT_RUNNING);
    /* Taken once, as one that was woken: the event was dropped. */
    assert_true(room_is_quiet(room));
    guest_leave(room, a);
}

static void taken_before_it_is_woken(void **state)
{
    struct guest *a = guest_enter(room);
    struct deed wake = {.name = "waker", .run = do_wake, .ticket = room_next_wait(room, &a->slot)};
    (void)state;
    assert_int_equal(guest_park(room, a, 2, CLOCK_NEVER), ROOM_PARKED);
    interleave_stop("waker", "room_wake");
    deed_start(&wake);
    interleave_await("waker", "room_wake");
    guest_write(a, 0);
    assert_ptr_equal(guest_take(room), a);
    interleave_go("waker", "room_wake");
    deed_join(&wake);
    assert_true(room_is_quiet(room));
    assert_int_equal(guest_park(room, a, 0, 100), ROOM_PARKED);
    assert_int_equal(room_sweep(room, 100), CLOCK_NEVER);
    assert_ptr_equal(guest_take(room), a);
    guest_leave(room, a);
}

static void woken_before_it_is_taken(void **state)
{
    struct taker taker, other;
    struct guest *a = harvested(&taker, CLOCK_NEVER);
    struct room_ticket ticket = {room, a->slot.index, a->slot.generation};
    (void)state;
    taker_start(&other, room, "other");
    room_wake(ticket);
    assert_ptr_equal(taker_join(&other), a);
    interleave_go("worker", "room_take");
    /* The worker that has the stale event takes nothing, until there is something. */
    struct guest *b = another_is_taken_by(&taker);
    guest_leave(room, a);
    guest_leave(room, b);
}

/* Two workers, one with each of the two events of one wait. */
static void two_workers_with_two_events(void **state)
{
    struct taker one, two;
    struct guest *a = harvested(&one, CLOCK_NEVER);
    (void)state;
    interleave_stop("second", "room_take");
    taker_start(&two, room, "second");
    guest_write(a, 1);
    interleave_await("second", "room_take");
    interleave_go("second", "room_take");
    assert_ptr_equal(taker_join(&two), a);
    interleave_go("worker", "room_take");
    struct guest *b = another_is_taken_by(&one);
    guest_leave(room, a);
    guest_leave(room, b);
}

/* ---- closing ------------------------------------------------------------------------------ */

/* The guest whose event was harvested leaves; the next one has its slot and the numbers of its
 * descriptors. */
static struct guest *succeed(struct guest *a)
{
    int fds[ROOM_INTERESTS] = {a->stream[0].fd, a->stream[1].fd};
    assert_int_equal(room_sweep(room, 100), CLOCK_NEVER);
    assert_ptr_equal(guest_take(room), a);
    guest_leave(room, a);
    struct guest *next = guest_enter(room);
    assert_ptr_equal(next, a);
    for (unsigned i = 0; i < ROOM_INTERESTS; i++) {
        if (next->stream[i].fd == fds[i])
            continue;
        if (next->peer[0] == fds[i])
            next->peer[0] = dup(next->peer[0]);
        else if (next->peer[1] == fds[i])
            next->peer[1] = dup(next->peer[1]);
        else if (next->stream[1 - i].fd == fds[i])
            next->stream[1 - i].fd = dup(next->stream[1 - i].fd);
        check(dup2(next->stream[i].fd, fds[i]) == fds[i]);
        close(next->stream[i].fd);
        next->stream[i].fd = fds[i];
    }
    return next;
}

/* However far the worker has come with the event. */
static void a_reused_descriptor_that_is_parked(void **state)
{
    static const char *const points[] = {"room_take", "room_take reported", "room_take owner"};
    (void)state;
    for (unsigned i = 0; i < sizeof points / sizeof points[0]; i++) {
        struct taker taker;
        struct guest *a = harvested_up_to(&taker, points[i], 100);
        int fd = a->stream[0].fd;
        struct guest *next = succeed(a);
        assert_int_equal(next->stream[0].fd, fd);
        assert_int_equal(guest_park(room, next, 2, CLOCK_NEVER), ROOM_PARKED);
        interleave_go("worker", points[i]);
        /* The event was the former connection's. */
        struct guest *b = another_is_taken_by(&taker);
        assert_int_equal(next->slot.state, SLOT_PARKED);
        guest_write(next, 0);
        assert_ptr_equal(guest_take(room), next);
        guest_leave(room, next);
        guest_leave(room, b);
    }
}

static void a_reused_descriptor_that_is_not(void **state)
{
    struct taker taker;
    struct guest *next = succeed(harvested(&taker, 100));
    (void)state;
    interleave_go("worker", "room_take");
    guest_write(next, 1);
    struct guest *b = another_is_taken_by(&taker);
    assert_int_equal(next->slot.state, SLOT_RUNNING);
    guest_leave(room, next);
    guest_leave(room, b);
}

/* A wake comes between the closing of a connection and the end of its slot: the next one does
 * not hear of it. */
static void woken_while_leaving(void **state)
{
    struct guest *a = guest_enter(room);
    struct deed leave = {.name = "leaver", .run = do_leave, .guest = a};
    struct room_ticket ticket = room_next_wait(room, &a->slot);
    (void)state;
    interleave_stop("leaver", "room_release");
    deed_start(&leave);
    interleave_await("leaver", "room_release");
    room_wake(ticket);
    room_wake_all(room);
    interleave_go("leaver", "room_release");
    deed_join(&leave);
    assert_ptr_equal(guest_enter(room), a);
    assert_int_equal(guest_park(room, a, 1, CLOCK_NEVER), ROOM_PARKED);
    assert_true(room_is_quiet(room));
    guest_write(a, 0);
    assert_ptr_equal(guest_take(room), a);
    guest_leave(room, a);
}

/* ---- crowds ------------------------------------------------------------------------------- */

#define WORKERS 4u

static void everyone_leaves(void **state)
{
    struct taker takers[WORKERS];
    (void)state;
    for (unsigned i = 0; i < WORKERS; i++)
        taker_start(&takers[i], room, "worker");
    room_stop(room);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_null(taker_join(&takers[i]));
}

/* However many are woken at once and whoever takes them, each is taken. */
static void many_are_woken_at_once(void **state)
{
    struct taker takers[WORKERS];
    struct guest *guests[WORKERS];
    int visits = 0;
    (void)state;
    for (int round = 0; round < 50; round++) {
        for (unsigned i = 0; i < WORKERS; i++) {
            guests[i] = guest_enter(room);
            assert_int_equal(guest_park(room, guests[i], 1, 100), ROOM_PARKED);
            taker_start(&takers[i], room, "worker");
        }
        if (round % 2)
            room_wake_all(room);
        else
            room_sweep(room, 100);
        for (unsigned i = 0; i < WORKERS; i++)
            visits += ++taker_join(&takers[i])->visits;
        for (unsigned i = 0; i < WORKERS; i++)
            guest_leave(room, guests[i]);
    }
    assert_int_equal(visits, 50 * WORKERS);
}

#define CROWD       400u
#define CROWD_ROOM  24u
#define CROWD_BYTES 12u

/* Guests come as long as there are some left; feeders write their bytes, a byte at a time, and
 * hang up; workers read; a sweeper and a waker disturb. What a guest holds is touched without
 * locks, as a connection is. */
struct crowd {
    struct room *room;
    int feed[2]; /* a pipe: the peers that want to be fed */
    atomic_uint left;
    atomic_ullong read;
    atomic_ullong stray;
};

struct crowd_guest {
    struct room_slot slot;
    struct stream stream;
    unsigned visits, got;
};

/* ROOM_PARKED, or ROOM_READY: it must read. */
static enum room_parked crowd_park(struct crowd *crowd, struct crowd_guest *guest)
{
    struct room_interest interest = {&guest->stream, POLLIN};
    enum room_parked parked;
    do {
        int64_t deadline = guest->visits % 3 ? CLOCK_NEVER : (int64_t)guest->visits + 1;
        parked = room_park(crowd->room, &guest->slot, &interest, 1, deadline);
        if (parked == ROOM_WOKEN)
            atomic_fetch_add(&crowd->stray, 1);
    } while (parked == ROOM_WOKEN);
    check(parked != ROOM_FAILED);
    return parked;
}

/* Reads until it parks, or until the end: false. Every other time it saves the refused read. */
static bool crowd_serve(struct crowd *crowd, struct crowd_guest *guest)
{
    char bytes[CROWD_BYTES];
    do {
        ssize_t n = 0;
        do {
            if (guest->visits++ % 2 && room_expect_silence(crowd->room, &guest->stream))
                break;
            n = stream_read(&guest->stream, bytes, 1 + guest->visits % CROWD_BYTES);
            if (n == 0)
                return false;
            if (n > 0)
                guest->got += (unsigned)n;
        } while (n > 0);
    } while (crowd_park(crowd, guest) == ROOM_READY);
    return true;
}

static void *crowd_worker(void *arg)
{
    struct crowd *crowd = arg;
    struct crowd_guest *guest;
    while ((guest = (struct crowd_guest *)(void *)room_take(crowd->room)) != NULL) {
        if (crowd_serve(crowd, guest))
            continue;
        check(guest->got == CROWD_BYTES);
        atomic_fetch_add(&crowd->read, guest->got);
        stream_close(&guest->stream);
        room_release(crowd->room, &guest->slot);
        if (atomic_fetch_sub(&crowd->left, 1) == 1)
            room_stop(crowd->room);
    }
    return NULL;
}

/* Feeds a handful at a time, in turns. */
static void *crowd_feeder(void *arg)
{
    struct crowd *crowd = arg;
    int peers[8];
    size_t count = 0;
    do {
        int peer;
        for (count = 0; count < 8; peers[count++] = peer)
            if (read(crowd->feed[0], &peer, sizeof peer) != (ssize_t)sizeof peer)
                break;
        for (unsigned i = 0; i < CROWD_BYTES; i++)
            for (size_t p = 0; p < count; p++)
                check(send(peers[p], "x", 1, MSG_NOSIGNAL) == 1);
        for (size_t p = 0; p < count; p++)
            close(peers[p]);
    } while (count > 0);
    return NULL;
}

static void *crowd_disturber(void *arg)
{
    struct crowd *crowd = arg;
    uint32_t x = 1;
    while (atomic_load(&crowd->left) > 0) {
        x = x * 1664525u + 1013904223u;
        struct room_ticket ticket = {crowd->room, (x >> 16) % CROWD_ROOM, (x >> 8) % 128};
        room_wake(ticket);
        room_sweep(crowd->room, (int64_t)(x >> 24) % 32);
        if (x >> 26 == 0)
            room_wake_all(crowd->room);
    }
    return NULL;
}

static void crowd_enter(struct crowd *crowd)
{
    struct crowd_guest *guest;
    int pair[2];
    while ((guest = (struct crowd_guest *)(void *)room_acquire(crowd->room)) == NULL)
        sched_yield();
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
    stream_init(&guest->stream, pair[0]);
    guest->visits = guest->got = 0;
    check(crowd_park(crowd, guest) == ROOM_PARKED);
    check(write(crowd->feed[1], &pair[1], sizeof pair[1]) == (ssize_t)sizeof pair[1]);
}

static void a_crowd(void **state)
{
    struct crowd crowd = {.room = room_new(CROWD_ROOM, sizeof(struct crowd_guest)), .left = CROWD};
    pthread_t threads[WORKERS + 3];
    (void)state;
    assert_non_null(crowd.room);
    assert_int_equal(pipe2(crowd.feed, O_CLOEXEC), 0);
    /* The wakes name slots that exist. */
    struct room_slot *slots[CROWD_ROOM];
    for (unsigned i = 0; i < CROWD_ROOM; i++)
        slots[i] = room_acquire(crowd.room);
    for (unsigned i = 0; i < CROWD_ROOM; i++)
        room_release(crowd.room, slots[i]);

    for (unsigned i = 0; i < WORKERS; i++)
        check(pthread_create(&threads[i], NULL, crowd_worker, &crowd) == 0);
    check(pthread_create(&threads[WORKERS], NULL, crowd_feeder, &crowd) == 0);
    check(pthread_create(&threads[WORKERS + 1], NULL, crowd_feeder, &crowd) == 0);
    check(pthread_create(&threads[WORKERS + 2], NULL, crowd_disturber, &crowd) == 0);
    for (unsigned i = 0; i < CROWD; i++)
        crowd_enter(&crowd);
    close(crowd.feed[1]);
    for (unsigned i = 0; i < WORKERS + 3; i++)
        pthread_join(threads[i], NULL);
    close(crowd.feed[0]);
    assert_int_equal(atomic_load(&crowd.left), 0);
    assert_int_equal(atomic_load(&crowd.read), (uint64_t)CROWD * CROWD_BYTES);
    room_free(crowd.room);
}

int main(void)
{
#define RACE(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        RACE(one_fires_in_the_middle_of_parking),
        RACE(reported_before_parking),
        RACE(reported_after_parking),
        RACE(moved_before_its_edge_is_reported),
        RACE(moved_after_its_edge_is_reported),
        RACE(a_wake_comes_just_before_parking),
        RACE(a_wake_comes_in_the_middle_of_parking),
        RACE(taken_before_the_sweep_wakes),
        RACE(parked_anew_before_the_sweep_wakes),
        RACE(swept_before_it_is_taken),
        RACE(taken_before_it_is_woken),
        RACE(woken_before_it_is_taken),
        RACE(two_workers_with_two_events),
        RACE(a_reused_descriptor_that_is_parked),
        RACE(a_reused_descriptor_that_is_not),
        RACE(woken_while_leaving),
        RACE(everyone_leaves),
        RACE(many_are_woken_at_once),
        RACE(a_crowd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
