/* This module looks names up for a command, through the resolver that serves requests (resolver.h).
 *
 * The command has nothing else to do, so it asks the resolver again every few milliseconds, which
 * is as good as to wait. Few names are in flight at a time, since each question leaves a
 * ticket. */
#include "net/lookup.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"

#define THREADS 16u
#define AT_ONCE 64u

/* Asks for what is not known yet; how many names are in flight. */
static size_t ask(struct resolver *resolver, struct room_ticket ticket, struct lookup *lookups,
                  size_t count)
{
    size_t pending = 0;
    for (size_t i = 0; i < count && pending < AT_ONCE; i++) {
        struct lookup *l = &lookups[i];
        if (l->result == RESOLVER_PENDING)
            l->result = resolver_lookup(resolver, l->host, l->port, ticket, l->addresses, &l->count,
                                        l->why, sizeof l->why);
        pending += l->result == RESOLVER_PENDING;
    }
    return pending;
}

void lookup_all(struct lookup *lookups, size_t count, int64_t patience)
{
    const struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};
    int64_t until = clock_now() + patience;
    struct resolver *resolver = resolver_new(THREADS, NULL);
    struct room *room = room_new(1, sizeof(struct room_slot));
    struct room_slot *slot = room ? room_acquire(room) : NULL;

    for (size_t i = 0; i < count; i++) {
        lookups[i].result = lookups[i].host ? RESOLVER_PENDING : RESOLVER_DONE;
        lookups[i].count = 0;
        snprintf(lookups[i].why, sizeof lookups[i].why, "%s",
                 resolver && slot ? "no name server has answered in time"
                                  : "the resolver cannot be started");
    }
    while (resolver && slot && ask(resolver, room_next_wait(room, slot), lookups, count) > 0 &&
           clock_now() < until)
        nanosleep(&pause, NULL);
    resolver_free(resolver);
    if (slot)
        room_release(room, slot);
    if (room)
        room_free(room);
}
