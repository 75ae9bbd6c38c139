/* base/sleepers: who is called, and who sleeps on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/check.h"
#include "base/sleepers.h"

#define THREADS 4u

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct sleepers sleepers;

struct thread {
    pthread_t id;
    atomic_bool is_awake;
};

static void *sleep_once(void *arg)
{
    struct thread *thread = arg;
    pthread_mutex_lock(&mutex);
    sleepers_join(&sleepers, &mutex);
    atomic_store(&thread->is_awake, true);
    pthread_mutex_unlock(&mutex);
    return NULL;
}

/* One after the other, so that their order is known. */
static void start(struct thread *threads)
{
    for (unsigned i = 0; i < THREADS; i++) {
        atomic_init(&threads[i].is_awake, false);
        check(pthread_create(&threads[i].id, NULL, sleep_once, &threads[i]) == 0);
        while (atomic_load(&sleepers.count) != i + 1)
            sched_yield();
    }
}

static struct sleeper *take(void)
{
    pthread_mutex_lock(&mutex);
    struct sleeper *sleeper = sleepers_take(&sleepers);
    pthread_mutex_unlock(&mutex);
    return sleeper;
}

static void the_last_is_called_first(void **state)
{
    struct thread threads[THREADS];
    (void)state;
    start(threads);
    for (unsigned i = THREADS; i-- > 0;) {
        sleeper_call(take());
        pthread_join(threads[i].id, NULL);
        for (unsigned k = 0; k < THREADS; k++)
            assert_int_equal(atomic_load(&threads[k].is_awake), k >= i);
    }
    assert_null(take());
    sleeper_call(NULL);
}

/* Those who were called do not run, since they get no mutex; the next call is for the next. */
static void each_is_called_once(void **state)
{
    struct thread threads[THREADS];
    (void)state;
    start(threads);
    pthread_mutex_lock(&mutex);
    for (unsigned i = THREADS; i-- > 0;) {
        assert_int_equal(atomic_load(&sleepers.count), i + 1);
        sleeper_call(sleepers_take(&sleepers));
    }
    assert_null(sleepers_take(&sleepers));
    pthread_mutex_unlock(&mutex);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i].id, NULL);
}

/* A call that comes between leaving the list and falling asleep is not lost. */
static void a_call_in_advance(void **state)
{
    struct thread threads[THREADS];
    struct sleeper *taken[THREADS];
    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        for (unsigned i = 0; i < THREADS; i++) {
            atomic_init(&threads[i].is_awake, false);
            check(pthread_create(&threads[i].id, NULL, sleep_once, &threads[i]) == 0);
        }
        for (unsigned i = 0; i < THREADS; i++)
            while ((taken[i] = take()) == NULL)
                sched_yield();
        for (unsigned i = 0; i < THREADS; i++)
            sleeper_call(taken[i]);
        for (unsigned i = 0; i < THREADS; i++)
            pthread_join(threads[i].id, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_is_called_first),
        cmocka_unit_test(each_is_called_once),
        cmocka_unit_test(a_call_in_advance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
