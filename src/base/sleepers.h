/* Threads that sleep until they are called, one at a time, whoever fell asleep last first: its
 * caches are the warmest.
 *
 * It stands where a condition variable would, for callers that must not wait. glibc's signal may
 * wait (before 2.41) until a thread that was called earlier has run, and a signal given to one that
 * does not run, because a debugger or the scheduler has it, is one that nobody else gets. Here who
 * is called is off the list at once, and nobody wakes but who was called.
 *
 * The list is guarded by a mutex of its owner's. */
#ifndef PORTICO_BASE_SLEEPERS_H
#define PORTICO_BASE_SLEEPERS_H

#include <pthread.h>
#include <stdatomic.h>

struct sleeper;

/* All zero: nobody sleeps. */
struct sleepers {
    struct sleeper *last; /* borrowed from their stacks */
    atomic_uint count;    /* written under the mutex, may be read without */
};

/* Sleeps until called; the mutex is free meanwhile. */
void sleepers_join(struct sleepers *sleepers, pthread_mutex_t *mutex);

/* Takes one off the list, which is then to be called; NULL when nobody sleeps. Under the mutex. */
struct sleeper *sleepers_take(struct sleepers *sleepers);

/* Calls whom sleepers_take gave, once; NULL: nobody. With or without the mutex; never waits. */
void sleeper_call(struct sleeper *sleeper);

#endif
