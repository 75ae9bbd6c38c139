/* A turn: a worker serving one connection, from taking it to parking it.
 *
 * It carries what the worker lends to the connection, and measures what it has had: after
 * TURN_BYTES or TURN_TIME it must let others go first, however fast it is. */
#ifndef PORTICO_PROXY_TURN_H
#define PORTICO_PROXY_TURN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "config/config.h"

#define TURN_BYTES ((uint64_t)1024 * 1024)
#define TURN_TIME  (2 * CLOCK_MS)
/* Bytes that must have moved before a worker blocks for a connection instead of parking it:
 * otherwise two thousand trickles add up to a full pool. And how long it then waits. */
#define TURN_PATIENCE_BYTES ((uint64_t)16 * 1024)
#define TURN_PATIENCE       (1 * CLOCK_MS)

struct turn {
    struct config *config; /* borrowed from the worker's snapshot */
    int64_t began;
    uint64_t moved; /* bytes read and written */
};

static inline bool turn_is_over(const struct turn *turn)
{
    return turn->moved >= TURN_BYTES || clock_now() - turn->began >= TURN_TIME;
}

#endif
