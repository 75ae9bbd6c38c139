/* The turnstile: of a pool of threads, about as many run as there are cores.
 *
 * More runnable threads than cores take the cores from each other; too few leave cores idle when
 * one of them sleeps in the kernel. So the pool is larger than the number of permits, and only
 * who holds a permit takes work. A thread gives its permit back before a call that may sleep,
 * which lets another one in, and has one again after it: even when none is left, since it holds
 * somebody's connection and must not wait behind those who hold nothing. Whoever then comes to
 * the end of its turn and finds too many running stays out until somebody sleeps.
 *
 * Between two turns this costs one look at a number.
 *
 * Who looks for work may have sent the others to rest meanwhile. Before a thread sleeps or waits
 * here, and whenever it says that it will be busy for longer than a moment, the pool's owner is
 * told (turnstile_on_hand_over), so that somebody else looks. */
#ifndef PORTICO_BASE_TURNSTILE_H
#define PORTICO_BASE_TURNSTILE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/sleepers.h"

struct turnstile {
    unsigned permits; /* fixed before the first thread enters, as the next two */
    void (*hand_over)(void *arg);
    void *arg; /* borrowed */
    pthread_mutex_t mutex;
    atomic_uint running;     /* written under mutex, read without: threads that hold a permit */
    struct sleepers outside; /* guarded by mutex, as the next: threads that wait for one */
    bool open;
};

void turnstile_init(struct turnstile *turnstile, unsigned permits);
void turnstile_release(struct turnstile *turnstile); /* every thread has left */

/* What is to be done when a thread of the pool will not come back for work soon. Must not block. */
void turnstile_on_hand_over(struct turnstile *turnstile, void (*hand_over)(void *arg), void *arg);

/* The calling thread will be busy for longer than a moment; in a thread that is of no pool it does
 * nothing, as the next two. */
void turnstile_hand_over(void);

/* The calling thread becomes one of the pool, and waits for a permit. */
void turnstile_enter(struct turnstile *turnstile);

/* Between two turns: goes on at once, or waits outside while too many are running. */
void turnstile_pass(struct turnstile *turnstile);

/* The calling thread gives its permit back for good. */
void turnstile_leave(struct turnstile *turnstile);

/* Around a call that may sleep. */
void turnstile_sleep(void);
void turnstile_awake(void);

/* Does the calling thread hold a permit? Then it must not sleep. */
bool turnstile_is_held(void);

/* From now on nobody waits: for the end. */
void turnstile_open(struct turnstile *turnstile);

#endif
