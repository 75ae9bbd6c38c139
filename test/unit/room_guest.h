/* What waits in the waiting room of a test: a guest has two streams on socket pairs, as a
 * connection has one to its client and one to its upstream. */
#ifndef PORTICO_TEST_ROOM_GUEST_H
#define PORTICO_TEST_ROOM_GUEST_H

#include <pthread.h>

#include "net/waiting_room.h"

struct guest {
    struct room_slot slot; /* first */
    struct stream stream[ROOM_INTERESTS];
    int peer[ROOM_INTERESTS]; /* the other ends */
    int visits;               /* what the test wants to count */
};

struct room *guest_room(uint32_t slots);

/* Acquires a slot and opens both streams. */
struct guest *guest_enter(struct room *room);

/* Closes everything and releases the slot. The guest is RUNNING. */
void guest_leave(struct room *room, struct guest *guest);

/* Parks until one of the first `count` streams can be read. */
enum room_parked guest_park(struct room *room, struct guest *guest, size_t count, int64_t deadline);

/* A byte for the guest's stream `which`. */
void guest_write(const struct guest *guest, unsigned which);

/* Takes what has come; the number of bytes. */
size_t guest_read(struct guest *guest, unsigned which);

/* room_take, as a guest. */
struct guest *guest_take(struct room *room);

/* Is there nothing to take? Whatever event lies before it must be stale: a guest that parks for
 * the purpose is woken and must be the first to come. */
bool room_is_quiet(struct room *room);

/* A worker that takes once, in a thread of that name (interleave.h). */
struct taker {
    struct room *room;
    const char *name;
    pthread_t thread;
    struct guest *taken; /* after taker_join; NULL when the room was left */
};

void taker_start(struct taker *taker, struct room *room, const char *name);
struct guest *taker_join(struct taker *taker);

#endif
