/* base/turnstile: how many run, who comes in when one sleeps, and who stays out afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

#include "base/check.h"
#include "base/turnstile.h"

enum step { ENTER, PASS, HAND_OVER, SLEEP, AWAKE, LEAVE };

/* A worker that does one step after the other as it is told, and says when it has. */
struct worker {
    struct turnstile *turnstile;
    pthread_t thread;
    sem_t go, done;
    enum step step;
};

static void *run(void *arg)
{
    struct worker *worker = arg;
    for (;;) {
        check(sem_wait(&worker->go) == 0);
        switch (worker->step) {
        case ENTER:
            turnstile_enter(worker->turnstile);
            break;
        case PASS:
            turnstile_pass(worker->turnstile);
            break;
        case HAND_OVER:
            turnstile_hand_over();
            break;
        case SLEEP:
            turnstile_sleep();
            break;
        case AWAKE:
            turnstile_awake();
            break;
        case LEAVE:
            turnstile_leave(worker->turnstile);
            check(!turnstile_is_held());
            sem_post(&worker->done);
            return NULL;
        }
        check(turnstile_is_held() == (worker->step != SLEEP));
        sem_post(&worker->done);
    }
}

static void start(struct worker *worker, struct turnstile *turnstile)
{
    worker->turnstile = turnstile;
    check(sem_init(&worker->go, 0, 0) == 0 && sem_init(&worker->done, 0, 0) == 0);
    check(pthread_create(&worker->thread, NULL, run, worker) == 0);
}

static void tell(struct worker *worker, enum step step)
{
    worker->step = step;
    sem_post(&worker->go);
}

static void await(struct worker *worker)
{
    check(sem_wait(&worker->done) == 0);
}

static void make(struct worker *worker, enum step step)
{
    tell(worker, step);
    await(worker);
}

static void leave(struct worker *worker)
{
    make(worker, LEAVE);
    pthread_join(worker->thread, NULL);
    sem_destroy(&worker->go);
    sem_destroy(&worker->done);
}

/* Until so many stand outside; it is their last action before they sleep. */
static void await_outside(struct turnstile *turnstile, unsigned count)
{
    while (atomic_load(&turnstile->outside.count) != count)
        sched_yield();
}

static void assert_running(struct turnstile *turnstile, unsigned count)
{
    assert_int_equal(atomic_load(&turnstile->running), count);
}

static void as_many_as_there_are_permits(void **state)
{
    struct turnstile turnstile;
    struct worker workers[4];
    (void)state;
    turnstile_init(&turnstile, 2);
    for (unsigned i = 0; i < 4; i++)
        start(&workers[i], &turnstile);
    make(&workers[0], ENTER);
    make(&workers[1], ENTER);
    tell(&workers[2], ENTER);
    await_outside(&turnstile, 1);
    tell(&workers[3], ENTER);
    await_outside(&turnstile, 2);
    assert_running(&turnstile, 2);
    /* Who runs goes on from turn to turn. */
    make(&workers[0], PASS);
    make(&workers[1], PASS);
    /* Those who leave are succeeded. */
    leave(&workers[0]);
    leave(&workers[1]);
    await(&workers[2]);
    await(&workers[3]);
    assert_running(&turnstile, 2);
    leave(&workers[2]);
    leave(&workers[3]);
    turnstile_release(&turnstile);
}

static void count_up(void *arg)
{
    atomic_fetch_add((atomic_uint *)arg, 1);
}

/* Whoever sleeps or has to stay out says so before, and so does whoever will be busy. */
static void hands_over_first(void **state)
{
    struct turnstile turnstile;
    struct worker a, b;
    atomic_uint count = 0;
    (void)state;
    turnstile_hand_over(); /* of no pool */
    turnstile_init(&turnstile, 1);
    turnstile_on_hand_over(&turnstile, count_up, &count);
    start(&a, &turnstile);
    start(&b, &turnstile);
    make(&a, ENTER);
    make(&a, PASS);
    assert_int_equal(atomic_load(&count), 0);
    make(&a, HAND_OVER);
    assert_int_equal(atomic_load(&count), 1);
    make(&a, SLEEP);
    assert_int_equal(atomic_load(&count), 2);
    make(&b, ENTER);
    make(&a, AWAKE); /* and two run */
    tell(&b, PASS);
    await_outside(&turnstile, 1);
    assert_int_equal(atomic_load(&count), 3);
    leave(&a);
    await(&b);
    leave(&b);
    turnstile_release(&turnstile);
}

static void who_sleeps_lets_another_in(void **state)
{
    struct turnstile turnstile;
    struct worker a, b;
    (void)state;
    turnstile_init(&turnstile, 1);
    start(&a, &turnstile);
    start(&b, &turnstile);
    make(&a, ENTER);
    tell(&b, ENTER);
    await_outside(&turnstile, 1);
    make(&a, SLEEP);
    await(&b);
    assert_running(&turnstile, 1);
    /* It does not wait as it comes back, but the next to end its turn stays out. */
    make(&a, AWAKE);
    assert_running(&turnstile, 2);
    tell(&b, PASS);
    await_outside(&turnstile, 1);
    assert_running(&turnstile, 1);
    make(&a, PASS);
    make(&a, SLEEP);
    await(&b);
    make(&a, AWAKE);
    tell(&a, PASS);
    await_outside(&turnstile, 1);
    leave(&b);
    await(&a);
    leave(&a);
    turnstile_release(&turnstile);
}

static void all_sleep_and_all_come_back(void **state)
{
    struct turnstile turnstile;
    struct worker workers[3];
    (void)state;
    turnstile_init(&turnstile, 1);
    for (unsigned i = 0; i < 3; i++) {
        start(&workers[i], &turnstile);
        make(&workers[i], ENTER);
        make(&workers[i], SLEEP);
    }
    assert_running(&turnstile, 0);
    for (unsigned i = 0; i < 3; i++)
        make(&workers[i], AWAKE);
    assert_running(&turnstile, 3);
    tell(&workers[0], PASS);
    tell(&workers[1], PASS);
    await_outside(&turnstile, 2);
    make(&workers[2], PASS);
    turnstile_open(&turnstile);
    await(&workers[0]);
    await(&workers[1]);
    for (unsigned i = 0; i < 3; i++)
        make(&workers[i], PASS);
    for (unsigned i = 0; i < 3; i++)
        leave(&workers[i]);
    turnstile_release(&turnstile);
}

static void threads_of_no_pool(void **state)
{
    (void)state;
    turnstile_sleep();
    assert_false(turnstile_is_held());
    turnstile_awake();
    assert_false(turnstile_is_held());
}

/* ---- a crowd ------------------------------------------------------------------------------ */

#define CROWD 8u
#define TURNS 300u

struct crowd {
    struct turnstile turnstile;
    atomic_uint turns;
};

static void *crowd_run(void *arg)
{
    struct crowd *crowd = arg;
    turnstile_enter(&crowd->turnstile);
    while (atomic_fetch_add(&crowd->turns, 1) < CROWD * TURNS) {
        turnstile_sleep();
        sched_yield();
        turnstile_awake();
        turnstile_pass(&crowd->turnstile);
    }
    turnstile_open(&crowd->turnstile);
    turnstile_leave(&crowd->turnstile);
    return NULL;
}

/* Nobody is left standing outside, whatever the order. */
static void a_crowd(void **state)
{
    struct crowd crowd = {0};
    pthread_t threads[CROWD];
    (void)state;
    turnstile_init(&crowd.turnstile, 2);
    for (unsigned i = 0; i < CROWD; i++)
        check(pthread_create(&threads[i], NULL, crowd_run, &crowd) == 0);
    for (unsigned i = 0; i < CROWD; i++)
        pthread_join(threads[i], NULL);
    assert_true(atomic_load(&crowd.turns) >= CROWD * TURNS);
    turnstile_release(&crowd.turnstile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_as_there_are_permits),
        cmocka_unit_test(hands_over_first),
        cmocka_unit_test(who_sleeps_lets_another_in),
        cmocka_unit_test(all_sleep_and_all_come_back),
        cmocka_unit_test(threads_of_no_pool),
        cmocka_unit_test(a_crowd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
