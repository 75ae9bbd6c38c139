/* The waiting room: every connection that no worker is serving.
 *
 * It is an epoll set, and the kernel's ready list is the queue between the acceptor and the
 * workers, and between a worker and the next. Connections whose TLS handshake is not done wait
 * in a queue of their own, which has the share of one connection in the other, or of one turn
 * in every few where very many are ready: a flood of handshakes delays nobody else by much, and
 * nobody else stops the handshakes. A connection waits in a slot; slots are
 * type-stable (their memory is never returned while the room stands), and a slot number with
 * a generation names one wait of one connection for ever.
 *
 *            room_acquire             room_park              room_take
 *     FREE ───────────────► RUNNING ────────────► PARKED ───────────────► RUNNING
 *       ▲                      │                    │  room_wake             ▲
 *       └──── room_release ────┘                    └─────────► WOKEN ───────┘
 *
 * A descriptor is registered once, when it is first waited for, and edge-triggered: waiting for
 * it again costs no system call. What the kernel reports of it is kept in its watch, whoever
 * has it (a parked connection, a running one, the upstream pool), until it has been told to a
 * connection that waits for it.
 *
 * Invariants
 *  1. A slot's mutex guards its state, generation, deadline, wait and flags, and nothing else.
 *     Parking and taking happen under it, so whoever takes sees everything the parker wrote.
 *  2. Parking makes generation + 1. A wake that names another generation is stale and is dropped;
 *     so is an event of a descriptor that was closed since.
 *  3. Only the thread that took a connection touches its streams, and only it closes them.
 *  4. No edge is lost, and none is told twice. Who reports one writes it into the watch and then
 *     looks at the watch's owner; who parks makes itself the owner and then looks into the
 *     watch: one of them at least sees the other. What was told is taken out of the watch before
 *     the connection goes on, so an edge that comes while it reads is kept for its next wait,
 *     which then does not begin (ROOM_READY). An edge that nobody waits for is kept likewise.
 *  5. A wake for the wait that is about to begin (it names generation + 1 of a running slot)
 *     is kept, and parking then answers at once. No wake is lost, and none reaches another
 *     connection.
 *
 * Edges suffice for reading, since a wait to read begins only after a read that would have
 * blocked, or one that provably took everything (room_expect_silence). Waits to write are rare,
 * and each asks the kernel anew how things stand.
 *
 * Lock order: a slot's mutex, then the room's. Nothing is logged or allocated under either. */
#ifndef PORTICO_NET_WAITING_ROOM_H
#define PORTICO_NET_WAITING_ROOM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/room_queue.h"
#include "net/stream.h"

enum slot_state { SLOT_FREE, SLOT_RUNNING, SLOT_PARKED, SLOT_WOKEN };

#define ROOM_INTERESTS 2u /* a connection waits for its client, its upstream, or both */

struct room;

/* The first member of whatever waits. */
struct room_slot {
    pthread_mutex_t mutex;
    struct room_slot *next; /* guarded by the room's mutex: free list, or list of the woken */
    uint32_t index;         /* fixed after init */
    uint32_t generation;    /* guarded by mutex; the owner may read it */
    uint8_t state;          /* enum slot_state; guarded by mutex */
    uint8_t queue;          /* enum room_queue; owner only */
    bool wake_pending;      /* guarded by mutex: invariant 5 */
    uint8_t waiting_count;  /* guarded by mutex, as what follows: the wait while PARKED */
    uint8_t waiting_events[ROOM_INTERESTS]; /* poll's */
    struct stream *waiting[ROOM_INTERESTS];
};

/* A wait that somebody else may end: what room_wake needs. */
struct room_ticket {
    struct room *room; /* borrowed */
    uint32_t index;
    uint32_t generation;
};

/* One descriptor of a wait: `events` is POLLIN, POLLOUT or both, or POLLERR. */
struct room_interest {
    struct stream *stream;
    short events;
};

/* A room with `slots` slots of `slot_size` bytes, each beginning with a struct room_slot and
 * otherwise zero. Memory is reserved, not used, until a slot is first acquired. NULL with
 * errno. */
struct room *room_new(uint32_t slots, size_t slot_size);
void room_free(struct room *room); /* every slot is free, every thread has left */

/* A free slot, now RUNNING and the caller's; NULL when all are taken. What lies behind its
 * struct room_slot is as the last user left it, or zero. */
struct room_slot *room_acquire(struct room *room);

/* Gives a RUNNING slot back. Its streams are closed or forgotten. */
void room_release(struct room *room, struct room_slot *slot);

enum room_parked {
    ROOM_PARKED, /* the caller must not touch it any more */
    ROOM_WOKEN,  /* a wake came first (invariant 5): still the caller's, who goes on */
    ROOM_READY,  /* a descriptor of the wait was reported before (invariant 4): the same */
    ROOM_FAILED  /* the kernel refused, with errno: still the caller's, who closes it */
};

/* Parks a RUNNING slot until one of `count` (at most ROOM_INTERESTS) descriptors is ready, the
 * deadline (CLOCK_NEVER: none) has passed, or it is woken. */
enum room_parked room_park(struct room *room, struct room_slot *slot,
                           const struct room_interest *interests, size_t count, int64_t deadline);

/* Takes the next connection that can go on, blocking until there is one. NULL once room_stop
 * was called and every woken connection has been taken.
 *
 * Threads that come back soon save each other from being woken: with little to do, one of them gets
 * it all. So who takes a connection and will be busy for longer than a moment, or stays away, has
 * to say so (room_hand_over), or what becomes ready meanwhile may have to wait for it. */
struct room_slot *room_take(struct room *room);

/* The caller of room_take is busy: another thread that waits in room_take is to take what comes. */
void room_hand_over(struct room *room);

/* Names the wait that the running slot will begin when it parks next. */
struct room_ticket room_next_wait(struct room *room, const struct room_slot *slot);

/* Wakes the connection if it is still in that wait, or about to begin it. Any thread. */
void room_wake(struct room_ticket ticket);

/* Wakes everyone whose deadline has passed, and returns the earliest deadline of the others
 * (CLOCK_NEVER if there is none). The acceptor only. */
int64_t room_sweep(struct room *room, int64_t now);

/* Wakes everyone who is parked: for draining and for shutdown. */
void room_wake_all(struct room *room);

/* Where a RUNNING slot waits from now on: ROOM_MAIN, unless something else was said since
 * room_acquire. `stream` is the only one that it has waited for. Owner only. */
void room_enter_queue(struct room *room, struct room_slot *slot, enum room_queue queue,
                      struct stream *stream);

/* Puts a mark at the end of a queue. A worker that comes to it notes the time, and so it is known
 * how long whatever becomes ready now has to wait. One mark at a time; the acceptor only. */
void room_mark(struct room *room, enum room_queue queue);

/* When the last mark came to the head of its queue; CLOCK_NEVER while it waits. */
int64_t room_mark_passed(const struct room *room, enum room_queue queue);

/* A stream leaves its connection alive (for the upstream pool, say): what happens on it from now
 * on is kept in its watch for whoever waits for it next. Not needed before closing. Owner only. */
void room_forget(struct room *room, struct stream *stream);

/* May a wait to read begin without the read that is refused: one system call less? True, and
 * read_wants is set as a refused read does, when the last read took all there was, nothing lies
 * unread inside OpenSSL, where no edge comes from, and nothing was reported since. */
bool room_expect_silence(struct room *room, struct stream *stream);

/* Lets room_take return NULL in every worker. */
void room_stop(struct room *room);

#endif
