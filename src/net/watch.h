/* Watches: what the kernel has reported of a descriptor, until it has been told to a connection.
 *
 * A descriptor is registered edge-triggered, and once: every change is reported one time, to
 * whichever worker asks next, at whatever moment, and the connection may be running, or may wait
 * for something else, or be on its way out. So what is reported is written down here, and not
 * handed over on the spot. Watches lie in a table by descriptor and are type-stable for that
 * reason: whoever holds an event can look at its watch, whatever has become of the descriptor.
 *
 * `reported` is one atomic word: its low half is what was reported and not told yet, its high
 * half the registration's number. The epoll datum is the descriptor and the same number.
 *
 * Invariants
 *  1. The number changes with every registration, and only the thread that has the descriptor
 *     registers it. An event whose number is another one belongs to a descriptor that was closed
 *     (or changed queues) since, and reaches nobody: it is not written down (watch_report), and
 *     it is looked at once more by whoever is about to take a connection for it (watch_due).
 *  2. No edge is lost between one who reports and one who begins to wait. The first writes into
 *     `reported` and then reads `owner`; the second writes `owner` and then reads `reported`.
 *     All four are sequentially consistent, so one of them at least sees the other.
 *  3. IN is taken out when it is told, and before the connection reads: an edge that comes while
 *     it reads stays. RDHUP, HUP and ERR are never taken out: they end with the descriptor, and
 *     so does every connection that goes on reading until it sees them, after which it does not
 *     wait to read any more.
 *     PRI stays likewise, and ends no wait: whoever has it sends urgent data, and then a read can
 *     end at the mark before it has taken everything (room_expect_silence).
 *  4. OUT is not written down. Each wait to write registers anew, upon which the kernel reports
 *     what holds. */
#ifndef PORTICO_NET_WATCH_H
#define PORTICO_NET_WATCH_H

#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#define WATCH_NOBODY UINT32_MAX
/* What is written down. */
#define WATCH_KEPT ((uint32_t)(EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR))

struct watch {
    _Atomic uint64_t reported;
    _Atomic uint32_t owner; /* the slot that waits, or waited last; or WATCH_NOBODY */
};

struct watch_table {
    struct watch *items; /* owned: by descriptor, zero, and touched as far as descriptors go */
    uint32_t count;
};

/* The watch of a descriptor; NULL when there is none for its number. */
static inline struct watch *watch_find(const struct watch_table *table, int fd)
{
    return fd >= 0 && (uint32_t)fd < table->count ? &table->items[fd] : NULL;
}

/* What epoll reports that ends a wait for these events of poll(2). */
static inline uint32_t watch_events(short events)
{
    return (events & POLLIN ? (uint32_t)EPOLLIN | EPOLLRDHUP : 0u) |
           (events & POLLOUT ? (uint32_t)EPOLLOUT : 0u) | (uint32_t)(EPOLLHUP | EPOLLERR);
}

/* ---- for who has the descriptor ----------------------------------------------------------- */

/* Before it is registered: nothing has been reported of it, and what is on its way is stale. */
static inline void watch_renew(struct watch *watch)
{
    uint64_t reported = atomic_load_explicit(&watch->reported, memory_order_relaxed);
    atomic_store(&watch->reported, ((reported >> 32) + 1) << 32);
}

/* What its events are to carry. */
static inline uint64_t watch_datum(struct watch *watch, int fd)
{
    uint64_t reported = atomic_load_explicit(&watch->reported, memory_order_relaxed);
    return (reported >> 32) << 32 | (uint32_t)fd;
}

/* From now on this slot is the one to look at. */
static inline void watch_own(struct watch *watch, uint32_t slot)
{
    if (atomic_load_explicit(&watch->owner, memory_order_relaxed) != slot)
        atomic_store(&watch->owner, slot);
}

static inline void watch_disown(struct watch *watch)
{
    atomic_store(&watch->owner, WATCH_NOBODY);
}

/* What was reported and not told, of WATCH_KEPT. */
static inline uint32_t watch_untold(struct watch *watch)
{
    return (uint32_t)atomic_load(&watch->reported);
}

/* The connection is about to hear that there may be something to read. */
static inline void watch_tell(struct watch *watch)
{
    atomic_fetch_and(&watch->reported, ~(uint64_t)EPOLLIN);
}

/* ---- for who has an event ----------------------------------------------------------------- */

static inline int watch_datum_fd(uint64_t datum)
{
    return (int)(uint32_t)datum;
}

/* Writes an event down. False when it is stale. */
static inline bool watch_report(struct watch *watch, const struct epoll_event *event)
{
    uint64_t reported = atomic_load(&watch->reported);
    do {
        if (reported >> 32 != event->data.u64 >> 32)
            return false;
    } while (!atomic_compare_exchange_weak(&watch->reported, &reported,
                                           reported | (event->events & WATCH_KEPT)));
    return true;
}

/* The slot to look at, after the event was written down; or WATCH_NOBODY. */
static inline uint32_t watch_owner(struct watch *watch)
{
    return atomic_load(&watch->owner);
}

/* What of this event is still news, now that the owner stands still: nothing when it has become
 * stale, and no IN that was told since. Under the mutex of the owner's slot. */
static inline uint32_t watch_due(struct watch *watch, const struct epoll_event *event)
{
    uint64_t reported = atomic_load(&watch->reported);
    if (reported >> 32 != event->data.u64 >> 32)
        return 0;
    return (uint32_t)reported | (event->events & (uint32_t)EPOLLOUT);
}

#endif
