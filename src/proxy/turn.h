/* A turn is a worker serving one connection, from taking it to parking it.
 *
 * It carries what the worker lends to the connection, and measures what it has had: after
 * TURN_BYTES or TURN_TIME it must let others go first, however fast it is. The clock is looked
 * at when the turn begins, when it may be over, and before a wait; in between `now` will do.
 *
 * Most turns take some microseconds, and until they are over nobody else need look for work
 * (room_take). One that will take longer, or has, lets somebody else look (room_hand_over). */
#ifndef PORTICO_PROXY_TURN_H
#define PORTICO_PROXY_TURN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "config/config.h"
#include "net/waiting_room.h"

#define TURN_BYTES ((uint64_t)1024 * 1024)
#define TURN_TIME  (2 * CLOCK_MS)
/* Longer than a moment. */
#define TURN_LONG_BYTES ((uint64_t)32 * 1024)
#define TURN_LONG_TIME  (CLOCK_MS / 10)

struct turn {
    struct config *config; /* a reference of the worker's */
    struct room *room;     /* borrowed: where others look for work */
    int64_t began;
    int64_t now;    /* when the clock was last looked at */
    uint64_t moved; /* bytes read and written */
};

static inline bool turn_is_over(struct turn *turn)
{
    if (turn->moved >= TURN_BYTES)
        return true;
    turn->now = clock_now();
    if (turn->moved >= TURN_LONG_BYTES || turn->now - turn->began >= TURN_LONG_TIME)
        room_hand_over(turn->room);
    return turn->now - turn->began >= TURN_TIME;
}

#endif
