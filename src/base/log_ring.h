/* Rings: the way of log lines from one thread (the producer) to the log thread (the
 * consumer). Internal to the log.
 *
 *        consumed                 written
 *   ┌───────┼────────────────────────┼────────────┐
 *   │ room  │ header line header ... │    room    │   positions only grow; the place in
 *   └───────┴────────────────────────┴────────────┘   `bytes` is the position modulo its size
 *
 * Invariants
 *  1. Only the producer moves `written`, only the consumer moves `consumed`, and consumed ≤
 *     written ≤ consumed + LOG_RING_SIZE.
 *  2. The bytes between them belong to the consumer, the others to the producer. Moving a
 *     position hands bytes over: release on one side, acquire on the other.
 *  3. Storing `written` is sequentially consistent, since a producer that then reads that the
 *     consumer is awake must be sure that the consumer will see its line (log.c). */
#ifndef PORTICO_BASE_LOG_RING_H
#define PORTICO_BASE_LOG_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

#define LOG_RING_SIZE ((size_t)512 << 10) /* a power of two */

/* What precedes a line in the ring. */
struct log_record {
    int64_t time; /* wall clock: the log thread writes the oldest line of all rings first */
    uint32_t len; /* with the newline */
};

struct log_ring {
    struct log_ring *next; /* the log's list */
    unsigned kind;         /* fixed after init: the log's enum log_kind */
    atomic_size_t written;
    atomic_size_t consumed;
    atomic_bool finished; /* the producer has gone; nothing follows what was written */
    char bytes[LOG_RING_SIZE];
};

enum log_push { LOG_PUSH_FULL, LOG_PUSH_DONE, LOG_PUSH_HALF };

/* NULL without memory. */
struct log_ring *log_ring_new(unsigned kind);
void log_ring_free(struct log_ring *ring);

/* Producer: appends `line` and a newline. LOG_PUSH_FULL when there is no room for all of it,
 * LOG_PUSH_HALF when it made the ring more than half full. */
enum log_push log_ring_push(struct log_ring *ring, int64_t time, struct span line);

/* Producer: the last call. */
void log_ring_finish(struct log_ring *ring);

/* Consumer: the oldest line's header; false when there is none. */
bool log_ring_peek(struct log_ring *ring, struct log_record *record);

/* Consumer: copies the oldest line, `record` long, to `out` and removes it. */
void log_ring_take(struct log_ring *ring, const struct log_record *record, char *out);

/* Consumer: removes all lines. */
void log_ring_discard(struct log_ring *ring);

/* Consumer: whether the producer has gone and every line was taken. */
bool log_ring_is_over(struct log_ring *ring);

#endif
