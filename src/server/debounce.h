/* Debouncing: one reaction to a burst of signals, once there has been quiet for a while, or the
 * burst has lasted for too long. Knows no clock but what it is told. */
#ifndef PORTICO_SERVER_DEBOUNCE_H
#define PORTICO_SERVER_DEBOUNCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#define DEBOUNCE_QUIET (150 * CLOCK_MS)
#define DEBOUNCE_MAX   (2 * CLOCK_SECOND)

struct debounce {
    int64_t first, last; /* of the signals not reacted to; CLOCK_NEVER: there is none */
};

#define DEBOUNCE_IDLE ((struct debounce){CLOCK_NEVER, CLOCK_NEVER})

static inline void debounce_signal(struct debounce *debounce, int64_t now)
{
    if (debounce->first == CLOCK_NEVER)
        debounce->first = now;
    debounce->last = now;
}

/* When to react; CLOCK_NEVER: not at all, for now. */
static inline int64_t debounce_due(const struct debounce *debounce)
{
    if (debounce->first == CLOCK_NEVER)
        return CLOCK_NEVER;
    int64_t quiet = debounce->last + DEBOUNCE_QUIET, late = debounce->first + DEBOUNCE_MAX;
    return quiet < late ? quiet : late;
}

/* True, once for each burst, when it is time to react. */
static inline bool debounce_take(struct debounce *debounce, int64_t now)
{
    if (now < debounce_due(debounce))
        return false;
    *debounce = DEBOUNCE_IDLE;
    return true;
}

#endif
