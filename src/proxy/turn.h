/* A turn: a worker serving one connection, from taking it to parking it.
 *
 * It carries what the worker lends to the connection, and measures what it has had: after
 * TURN_BYTES or TURN_TIME it must let others go first, however fast it is. The clock is looked
 * at when the turn begins, when it may be over, and before a wait; in between `now` will do. */
#ifndef PORTICO_PROXY_TURN_H
#define PORTICO_PROXY_TURN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "config/config.h"

#define TURN_BYTES ((uint64_t)1024 * 1024)
#define TURN_TIME  (2 * CLOCK_MS)

struct turn {
    struct config *config; /* borrowed from the worker's snapshot */
    int64_t began;
    int64_t now;    /* when the clock was last looked at */
    uint64_t moved; /* bytes read and written */
};

static inline bool turn_is_over(struct turn *turn)
{
    if (turn->moved >= TURN_BYTES)
        return true;
    turn->now = clock_now();
    return turn->now - turn->began >= TURN_TIME;
}

#endif
