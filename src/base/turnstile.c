/* The turnstile: see turnstile.h. Any thread.
 *
 * Invariants
 *  1. `running` counts the threads that hold a permit. It exceeds `permits` only by those who
 *     came back from sleep, and comes down as turns end.
 *  2. Nobody waits outside while a permit is free, but for those that somebody was called for:
 *     whoever gives one back below the limit calls one of them, and who is called looks again. */
#include "base/turnstile.h"

#include "base/check.h"

static _Thread_local struct turnstile *mine; /* whose pool the thread belongs to */
static _Thread_local bool held;

void turnstile_init(struct turnstile *turnstile, unsigned permits)
{
    check(permits > 0);
    *turnstile = (struct turnstile){.permits = permits};
    pthread_mutex_init(&turnstile->mutex, NULL);
}

void turnstile_release(struct turnstile *turnstile)
{
    check(atomic_load(&turnstile->running) == 0 && turnstile->outside.last == NULL);
    pthread_mutex_destroy(&turnstile->mutex);
}

static unsigned running_locked(const struct turnstile *turnstile)
{
    return atomic_load_explicit(&turnstile->running, memory_order_relaxed);
}

static void take_locked(struct turnstile *turnstile)
{
    atomic_store_explicit(&turnstile->running, running_locked(turnstile) + 1, memory_order_relaxed);
    held = true;
}

static void give_locked(struct turnstile *turnstile)
{
    atomic_store_explicit(&turnstile->running, running_locked(turnstile) - 1, memory_order_relaxed);
    held = false;
    if (running_locked(turnstile) < turnstile->permits)
        sleeper_call(sleepers_take(&turnstile->outside));
}

static void wait_locked(struct turnstile *turnstile)
{
    while (running_locked(turnstile) >= turnstile->permits && !turnstile->open)
        sleepers_join(&turnstile->outside, &turnstile->mutex);
    take_locked(turnstile);
}

void turnstile_on_hand_over(struct turnstile *turnstile, void (*hand_over)(void *arg), void *arg)
{
    turnstile->hand_over = hand_over;
    turnstile->arg = arg;
}

void turnstile_hand_over(void)
{
    if (mine != NULL && mine->hand_over != NULL)
        mine->hand_over(mine->arg);
}

void turnstile_enter(struct turnstile *turnstile)
{
    check(mine == NULL);
    mine = turnstile;
    pthread_mutex_lock(&turnstile->mutex);
    wait_locked(turnstile);
    pthread_mutex_unlock(&turnstile->mutex);
}

void turnstile_pass(struct turnstile *turnstile)
{
    check(mine == turnstile && held);
    if (running_locked(turnstile) <= turnstile->permits)
        return;
    turnstile_hand_over();
    pthread_mutex_lock(&turnstile->mutex);
    if (running_locked(turnstile) > turnstile->permits && !turnstile->open) {
        give_locked(turnstile);
        wait_locked(turnstile);
    }
    pthread_mutex_unlock(&turnstile->mutex);
}

void turnstile_leave(struct turnstile *turnstile)
{
    check(mine == turnstile && held);
    pthread_mutex_lock(&turnstile->mutex);
    give_locked(turnstile);
    pthread_mutex_unlock(&turnstile->mutex);
    mine = NULL;
}

void turnstile_sleep(void)
{
    if (mine == NULL)
        return;
    check(held);
    turnstile_hand_over();
    pthread_mutex_lock(&mine->mutex);
    give_locked(mine);
    pthread_mutex_unlock(&mine->mutex);
}

void turnstile_awake(void)
{
    if (mine == NULL)
        return;
    check(!held);
    pthread_mutex_lock(&mine->mutex);
    take_locked(mine);
    pthread_mutex_unlock(&mine->mutex);
}

bool turnstile_is_held(void)
{
    return held;
}

void turnstile_open(struct turnstile *turnstile)
{
    pthread_mutex_lock(&turnstile->mutex);
    turnstile->open = true;
    while (turnstile->outside.last)
        sleeper_call(sleepers_take(&turnstile->outside));
    pthread_mutex_unlock(&turnstile->mutex);
}
