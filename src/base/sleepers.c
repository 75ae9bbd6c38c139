/* Sleepers: see sleepers.h. */
#include "base/sleepers.h"

#include <errno.h>
#include <semaphore.h>

#include "base/check.h"

/* On the stack of the one who sleeps, which it does not leave before it has been called. */
struct sleeper {
    struct sleeper *next;
    sem_t called;
};

void sleepers_join(struct sleepers *sleepers, pthread_mutex_t *mutex)
{
    struct sleeper self = {.next = sleepers->last};
    check(sem_init(&self.called, 0, 0) == 0);
    sleepers->last = &self;
    atomic_fetch_add(&sleepers->count, 1);
    pthread_mutex_unlock(mutex);
    while (sem_wait(&self.called) == -1)
        check(errno == EINTR);
    sem_destroy(&self.called);
    pthread_mutex_lock(mutex);
}

struct sleeper *sleepers_take(struct sleepers *sleepers)
{
    struct sleeper *sleeper = sleepers->last;
    if (sleeper) {
        sleepers->last = sleeper->next;
        atomic_fetch_sub(&sleepers->count, 1);
    }
    return sleeper;
}

void sleeper_call(struct sleeper *sleeper)
{
    if (sleeper)
        check(sem_post(&sleeper->called) == 0);
}
