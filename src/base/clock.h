/* This header reads clocks. Every duration and every deadline in Portico is an int64_t of
 * microseconds; every deadline is on the monotonic clock, so a stepped wall clock ends nothing
 * early. */
#ifndef PORTICO_BASE_CLOCK_H
#define PORTICO_BASE_CLOCK_H

#include <limits.h>
#include <stdint.h>
#include <time.h>

#define CLOCK_MS     INT64_C(1000)
#define CLOCK_SECOND INT64_C(1000000)
#define CLOCK_NEVER  INT64_MAX /* a deadline that does not come */

/* Monotonic time in microseconds. */
static inline int64_t clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * CLOCK_SECOND + now.tv_nsec / 1000;
}

/* Wall-clock time in microseconds since the epoch, for logs and certificates only. */
static inline int64_t clock_wall(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * CLOCK_SECOND + now.tv_nsec / 1000;
}

/* CPU time that the calling thread has used, in microseconds: it does not pass while others run. */
static inline int64_t clock_thread_cpu(void)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * CLOCK_SECOND + used.tv_nsec / 1000;
}

/* Milliseconds until `deadline` for poll(2) and epoll_wait(2), rounded up so that waking is
 * never early; 0 when it has passed, -1 for CLOCK_NEVER. Capped at INT_MAX (24 days). */
static inline int clock_poll_timeout(int64_t deadline, int64_t now)
{
    if (deadline == CLOCK_NEVER)
        return -1;
    if (deadline <= now)
        return 0;
    int64_t ms = (deadline - now - 1) / CLOCK_MS + 1;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

#endif
