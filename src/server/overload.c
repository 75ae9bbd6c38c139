/* This module measures how long connections wait for a worker (overload.h). Everything runs on
 * the acceptor's thread, which publishes what the workers need to know in the service.
 *
 * Invariants
 *  1. A mark counts only the time that passed while this thread ran: of a pause between two
 *     looks, OVERLOAD_PAUSE at most. A process that was stopped, or whose whole machine stood
 *     still, is not overloaded, though every mark it finds is old.
 *  2. Marks are put only where connections arrive or are turned away: a machine that is left
 *     alone measures nothing, and no worker wakes up for it.
 *  3. It begins when a mark has waited for longer than max_wait, whether or not it has come to
 *     the head of its queue, and ends when one has come there in half of that. */
#include "server/overload.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

#define OVERLOAD_PAUSE (200 * CLOCK_MS)

void queue_age_init(struct queue_age *age, int64_t max_wait)
{
    *age = (struct queue_age){.max_wait = max_wait, .marked = CLOCK_NEVER};
}

void queue_age_mark(struct queue_age *age, int64_t now)
{
    age->marked = age->observed = now;
    age->waited = 0;
}

void queue_age_observe(struct queue_age *age, int64_t now, int64_t passed)
{
    int64_t since = now - age->observed;
    age->observed = now;
    if (age->marked == CLOCK_NEVER)
        return;
    age->waited += since < OVERLOAD_PAUSE ? since : OVERLOAD_PAUSE;
    if (passed != CLOCK_NEVER) {
        if (age->waited > passed - age->marked)
            age->waited = passed - age->marked;
        age->marked = CLOCK_NEVER;
        if (age->waited <= age->max_wait / 2)
            age->is_over = false;
    }
    if (age->waited > age->max_wait)
        age->is_over = true;
    if (!age->is_over)
        age->longest = 0;
    else if (age->waited > age->longest)
        age->longest = age->waited;
}

void overload_init(struct overload *overload, struct service *service, int64_t max_wait)
{
    *overload = (struct overload){.service = service, .said_at = -CLOCK_SECOND};
    for (int i = 0; i < ROOM_QUEUES; i++)
        queue_age_init(&overload->queues[i], max_wait > 0 ? max_wait : CLOCK_NEVER);
    atomic_store(&service->max_age[false], CLOCK_NEVER);
    atomic_store(&service->max_age[true], CLOCK_NEVER);
    refusal_init(&service->overloaded, REASON_OVERLOAD);
}

void overload_set_max_wait(struct overload *overload, int64_t max_wait)
{
    for (int i = 0; i < ROOM_QUEUES; i++)
        overload->queues[i].max_wait = max_wait > 0 ? max_wait : CLOCK_NEVER;
}

static bool sheds(const struct overload *overload, bool secure)
{
    return overload->queues[ROOM_MAIN].is_over ||
           (secure && overload->queues[ROOM_HANDSHAKES].is_over);
}

bool overload_admits(struct overload *overload, bool secure)
{
    overload->arrivals = true;
    return !sheds(overload, secure);
}

/* Beginning and end, at most one pair of lines a second: with a small max_wait they can follow
 * each other quickly. What ended before its line was due has none. */
static void say(struct overload *overload, int64_t now)
{
    uint64_t total = reason_total(REASON_OVERLOAD);
    if (overload->shedding && !overload->said && now - overload->said_at >= CLOCK_SECOND) {
        const struct queue_age *queue = &overload->queues[ROOM_MAIN];
        bool all = queue->is_over;
        queue = all ? queue : &overload->queues[ROOM_HANDSHAKES];
        log_write(LOG_WARN,
                  "overload: %s wait %lld ms for a worker, and max_wait is %lld ms; new %s are "
                  "turned away (%s) until that is over",
                  all ? "connections" : "TLS handshakes", (long long)(queue->longest / CLOCK_MS),
                  (long long)(queue->max_wait / CLOCK_MS), all ? "connections" : "TLS connections",
                  reason_code(REASON_OVERLOAD));
        overload->said = true;
        overload->said_at = now;
    } else if (!overload->shedding && overload->said) {
        log_write(LOG_INFO,
                  "overload: over after %lld ms; connections turned away since the last such "
                  "line: %llu",
                  (long long)((now - overload->began) / CLOCK_MS),
                  (unsigned long long)(total - overload->counted));
        overload->said = false;
        overload->counted = total;
    }
}

/* What follows from the queues. */
static void decide(struct overload *overload, int64_t now)
{
    struct service *service = overload->service;
    for (int secure = 0; secure <= 1; secure++)
        atomic_store_explicit(&service->max_age[secure],
                              sheds(overload, secure) ? overload->queues[ROOM_MAIN].max_wait
                                                      : CLOCK_NEVER,
                              memory_order_relaxed);
    bool shedding = sheds(overload, true);
    if (shedding != overload->shedding) {
        overload->shedding = shedding;
        metrics_add(METRIC_SHEDDING, shedding ? 1 : -1);
        if (shedding)
            overload->began = now;
    }
    say(overload, now);
}

void overload_tick(struct overload *overload, int64_t now)
{
    struct room *room = overload->service->room;
    if (overload->queues[ROOM_MAIN].max_wait == CLOCK_NEVER && !overload->shedding)
        return;
    for (int i = 0; i < ROOM_QUEUES; i++) {
        struct queue_age *queue = &overload->queues[i];
        queue_age_observe(queue, now, room_mark_passed(room, (enum room_queue)i));
        if (queue->marked == CLOCK_NEVER && (overload->arrivals || overload->shedding)) {
            queue_age_mark(queue, now);
            room_mark(room, (enum room_queue)i);
        }
    }
    overload->arrivals = false;
    decide(overload, now);
}
