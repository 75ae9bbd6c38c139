/* net/room_queue: who looks out, who rests, and who is called. Workers are threads that take one
 * event each, when they are told to; events are bells in the main queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "interleave.h"
#include "net/room_queue.h"

#define BELLS (2 * ROOM_BATCH)

static struct room_queues queues;
static int bells[BELLS];

static int setup(void **state)
{
    (void)state;
    queues = (struct room_queues){0};
    if (room_queues_init(&queues) == -1)
        return -1;
    for (unsigned i = 0; i < BELLS; i++) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = i};
        bells[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (epoll_ctl(queues.epoll_fds[ROOM_MAIN], EPOLL_CTL_ADD, bells[i], &event) == -1)
            return -1;
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < BELLS; i++)
        close(bells[i]);
    room_queues_release(&queues);
    return 0;
}

static void ring(unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++)
        assert_int_equal(eventfd_write(bells[i], 1), 0);
}

static unsigned take(void)
{
    struct epoll_event event;
    while (room_queues_next(&queues, &event) != ROOM_NEWS_EVENT)
        ;
    return (unsigned)event.data.u64;
}

struct worker {
    pthread_t thread;
    const char *name;
    unsigned taken;
    atomic_bool done;
};

static void *take_one(void *arg)
{
    struct worker *worker = arg;
    interleave_enter(worker->name);
    worker->taken = take();
    atomic_store(&worker->done, true);
    return NULL;
}

static void worker_start(struct worker *worker, const char *name)
{
    worker->name = name;
    atomic_init(&worker->done, false);
    assert_int_equal(pthread_create(&worker->thread, NULL, take_one, worker), 0);
}

static unsigned worker_join(struct worker *worker)
{
    pthread_join(worker->thread, NULL);
    return worker->taken;
}

/* Whoever has taken something does not come back, so others are called until each has something:
 * two who are called at once may find one batch, and one of them begins to rest again beside what
 * is left over. */
static unsigned worker_join_handing_over(struct worker *worker)
{
    while (!atomic_load(&worker->done)) {
        room_queues_hand_over(&queues);
        sched_yield();
    }
    return worker_join(worker);
}

static void await_resting(unsigned count)
{
    while (atomic_load(&queues.resting) != count)
        sched_yield();
}

/* One looks out, the other rests: it sees none of what comes meanwhile, but goes on when whoever
 * looked out is busy for long. */
static void who_is_busy_hands_over(void **state)
{
    struct worker workers[2];
    (void)state;
    for (unsigned i = 0; i < 2; i++)
        worker_start(&workers[i], "any");
    await_resting(1);
    ring(0, 1);
    /* Whichever it was that looked out, it is gone with the event. */
    pthread_mutex_lock(&queues.mutex);
    while (queues.is_watched) {
        pthread_mutex_unlock(&queues.mutex);
        sched_yield();
        pthread_mutex_lock(&queues.mutex);
    }
    pthread_mutex_unlock(&queues.mutex);
    ring(1, 1);
    assert_int_equal(atomic_load(&queues.resting), 1);
    room_queues_hand_over(&queues);
    unsigned first = worker_join(&workers[0]), second = worker_join(&workers[1]);
    assert_int_equal(first + second, 1);
    assert_int_equal(atomic_load(&queues.resting), 0);
}

/* While somebody looks out, nobody is called in vain. */
static void who_is_watched_need_not_hand_over(void **state)
{
    struct worker workers[3];
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        worker_start(&workers[i], "any");
    await_resting(2);
    for (unsigned i = 0; i < 100; i++)
        room_queues_hand_over(&queues);
    assert_int_equal(atomic_load(&queues.resting), 2);
    for (unsigned i = 0; i < 3; i++) {
        ring(i, 1);
        room_queues_hand_over(&queues);
    }
    unsigned sum = 0;
    for (unsigned i = 0; i < 3; i++)
        sum += worker_join_handing_over(&workers[i]);
    assert_int_equal(sum, 0 + 1 + 2);
}

/* One is about to look out, and the others have gone to rest. */
static void gather(struct worker workers[3])
{
    interleave_begin();
    interleave_stop("first", "room_queues_next looking out");
    worker_start(&workers[0], "first");
    interleave_await("first", "room_queues_next looking out");
    worker_start(&workers[1], "second");
    worker_start(&workers[2], "third");
    await_resting(2);
}

/* A backlog calls one who rests, and who comes calls the next while there is one. */
static void a_backlog_calls_others(void **state)
{
    struct worker workers[3];
    unsigned sum = 0;
    (void)state;
    gather(workers);
    ring(0, ROOM_BACKLOG + 2);
    interleave_go("first", "room_queues_next looking out");
    for (unsigned i = 0; i < 3; i++)
        sum += worker_join(&workers[i]);
    assert_int_equal(sum, 0 + 1 + 2);
    interleave_end();
    for (unsigned i = 3; i < ROOM_BACKLOG + 2; i++)
        assert_int_equal(take(), i);
}

/* What is less is left for whoever comes back first, in order. */
static void less_calls_nobody(void **state)
{
    struct worker workers[3];
    (void)state;
    gather(workers);
    ring(0, ROOM_BACKLOG);
    interleave_go("first", "room_queues_next looking out");
    assert_int_equal(worker_join(&workers[0]), 0);
    for (unsigned i = 1; i < ROOM_BACKLOG; i++)
        assert_int_equal(take(), i);
    assert_int_equal(atomic_load(&queues.resting), 2);
    interleave_end();
    ring(0, 2);
    unsigned second = worker_join_handing_over(&workers[1]);
    assert_int_equal(second + worker_join_handing_over(&workers[2]), 0 + 1);
}

/* More than a look takes stays with the kernel, and comes in order. */
static void more_than_a_batch(void **state)
{
    (void)state;
    ring(0, BELLS);
    for (unsigned i = 0; i < BELLS; i++)
        assert_int_equal(take(), i);
}

/* Nobody begins to rest when whoever looked out has just gone to work. */
static void nobody_rests_unwatched(void **state)
{
    struct worker workers[2];
    (void)state;
    interleave_begin();
    interleave_stop("first", "room_queues_next looking out");
    interleave_stop("second", "room_queues_next about to rest");
    worker_start(&workers[0], "first");
    interleave_await("first", "room_queues_next looking out");
    worker_start(&workers[1], "second");
    interleave_await("second", "room_queues_next about to rest");
    ring(0, 1);
    interleave_go("first", "room_queues_next looking out");
    assert_int_equal(worker_join(&workers[0]), 0);
    room_queues_hand_over(&queues); /* in vain: it does not rest yet */
    interleave_go("second", "room_queues_next about to rest");
    ring(1, 1);
    assert_int_equal(worker_join(&workers[1]), 1);
    interleave_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_is_busy_hands_over, setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_watched_need_not_hand_over, setup, teardown),
        cmocka_unit_test_setup_teardown(a_backlog_calls_others, setup, teardown),
        cmocka_unit_test_setup_teardown(less_calls_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(more_than_a_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_rests_unwatched, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
