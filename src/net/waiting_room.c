/* The waiting room: see waiting_room.h for the states, the invariants and the lock order. What is
 * here are the slots: who parks, who takes, who wakes. What the kernel reported of a descriptor
 * is net/watch's, and the order in which it is taken net/room_queue's.
 *
 * Two things make a slot cheap. Deadlines lie in an array of their own, eight bytes a slot, so
 * that the acceptor's sweep over thousands of parked connections is a pass over a few pages
 * and not over their slots; an entry is written under its slot's mutex and read by the sweep
 * without it, as a hint that is checked again under the mutex. And the memory of slots is
 * mapped but not touched before a slot is first used; `high_water` says how far that is.
 *
 * Descriptors are registered for reading. The first wait to write adds EPOLLOUT, and each repeats
 * the registration, upon which the kernel reports once more what holds: so EPOLLOUT need not be
 * kept, and connection_yield gets to the back of the kernel's queue. */
#include "net/waiting_room.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/yield_point.h"
#include "net/watch.h"

#define ROOM_MAGIC 0x526f6f6du /* "Room" */
#define CACHE_LINE 64u
/* Descriptors that are neither a client's nor its upstream's: idle ones in the pools, the workers'
 * pipes, files, listeners. The lowest free number is always the next, so none of a connection's is
 * higher than twice the slots and these; if one were, its wait would fail with EMFILE. */
#define OTHER_DESCRIPTORS 8192u

/* Those that were woken and not taken yet; who was woken first is the first. */
struct woken {
    struct room_slot *first, *last;
};

struct room {
    unsigned magic;
    struct room_queues queues;
    struct watch_table watches;
    uint32_t slots;
    size_t slot_size;
    char *memory;                /* owned: slots * slot_size, mapped */
    _Atomic int64_t *deadlines;  /* owned: one for each slot, CLOCK_NEVER unless it is parked */
    _Atomic uint32_t high_water; /* slots that were ever acquired */

    pthread_mutex_t mutex;
    struct room_slot *free_first;    /* guarded by mutex */
    struct woken woken[ROOM_QUEUES]; /* guarded by mutex: handshakes come after all others */
    bool stopping;                   /* guarded by mutex */
};

static struct room_slot *slot_at(const struct room *room, uint32_t index)
{
    check(index < room->slots);
    return (struct room_slot *)(void *)(room->memory + (size_t)index * room->slot_size);
}

struct room *room_new(uint32_t slots, size_t slot_size)
{
    check(slots > 0 && slots < (1u << 30) && slot_size >= sizeof(struct room_slot));
    struct room *room = calloc(1, sizeof *room);
    if (room == NULL)
        return NULL;
    room->magic = ROOM_MAGIC;
    room->slots = slots;
    room->slot_size = (slot_size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    pthread_mutex_init(&room->mutex, NULL);
    /* Of large pieces calloc touches nothing, as mmap does not. */
    room->watches.count = 2 * slots + OTHER_DESCRIPTORS;
    room->watches.items = calloc(room->watches.count, sizeof *room->watches.items);
    room->deadlines = calloc(slots, sizeof *room->deadlines);
    void *memory = mmap(NULL, slots * room->slot_size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    room->memory = memory == MAP_FAILED ? NULL : memory;
    if (room_queues_init(&room->queues) == 0 && room->watches.items && room->deadlines &&
        room->memory)
        return room;
    room_free(room);
    return NULL;
}

void room_free(struct room *room)
{
    if (room == NULL)
        return;
    int saved = errno;
    uint32_t used = atomic_load(&room->high_water);
    for (uint32_t i = 0; i < used; i++) {
        check(slot_at(room, i)->state == SLOT_FREE);
        pthread_mutex_destroy(&slot_at(room, i)->mutex);
    }
    free((void *)room->deadlines);
    if (room->memory)
        munmap(room->memory, room->slots * room->slot_size);
    free(room->watches.items);
    room_queues_release(&room->queues);
    pthread_mutex_destroy(&room->mutex);
    room->magic = 0;
    free(room);
    errno = saved;
}

static void set_deadline_locked(struct room *room, const struct room_slot *slot, int64_t deadline)
{
    atomic_store_explicit(&room->deadlines[slot->index], deadline, memory_order_relaxed);
}

struct room_slot *room_acquire(struct room *room)
{
    check_magic(room, ROOM_MAGIC);
    pthread_mutex_lock(&room->mutex);
    struct room_slot *slot = room->free_first;
    uint32_t fresh = atomic_load_explicit(&room->high_water, memory_order_relaxed);
    if (slot) {
        room->free_first = slot->next;
    } else if (fresh < room->slots) {
        slot = slot_at(room, fresh);
        pthread_mutex_init(&slot->mutex, NULL);
        slot->index = fresh;
        set_deadline_locked(room, slot, CLOCK_NEVER);
        atomic_store_explicit(&room->high_water, fresh + 1, memory_order_release);
    }
    pthread_mutex_unlock(&room->mutex);
    if (slot == NULL)
        return NULL;
    pthread_mutex_lock(&slot->mutex);
    check(slot->state == SLOT_FREE);
    slot->state = SLOT_RUNNING;
    slot->queue = ROOM_MAIN;
    slot->next = NULL;
    pthread_mutex_unlock(&slot->mutex);
    return slot;
}

void room_release(struct room *room, struct room_slot *slot)
{
    YIELD_POINT("room_release");
    pthread_mutex_lock(&slot->mutex);
    check(slot->state == SLOT_RUNNING);
    slot->state = SLOT_FREE;
    slot->generation++;
    slot->wake_pending = false;
    pthread_mutex_unlock(&slot->mutex);

    pthread_mutex_lock(&room->mutex);
    slot->next = room->free_first;
    room->free_first = slot;
    pthread_mutex_unlock(&room->mutex);
}

/* Registers a descriptor, or registers it anew, upon which the kernel reports what holds. */
static int register_locked(struct room *room, const struct room_slot *slot, struct watch *watch,
                           struct stream *stream, uint32_t events)
{
    if (!stream->in_epoll)
        watch_renew(watch);
    bool out = stream->in_epoll_out || (events & EPOLLOUT);
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET | (out ? (uint32_t)EPOLLOUT : 0u),
        .data.u64 = watch_datum(watch, stream->fd),
    };
    int op = stream->in_epoll ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(room->queues.epoll_fds[slot->queue], op, stream->fd, &event) == -1)
        return -1;
    stream->in_epoll = true;
    stream->in_epoll_out = out;
    return 0;
}

/* The owner is about to hear that there may be something to read. */
static void tell(struct watch *watch, struct stream *stream)
{
    watch_tell(watch);
    stream->drained = false;
}

/* Makes the slot wait for one descriptor more. ROOM_PARKED: nothing prevents it. */
static enum room_parked wait_for_locked(struct room *room, struct room_slot *slot,
                                        const struct room_interest *interest)
{
    struct stream *stream = interest->stream;
    uint32_t events = watch_events(interest->events);
    struct watch *watch = watch_find(&room->watches, stream->fd);
    if (watch == NULL) {
        errno = stream->fd < 0 ? EBADF : EMFILE;
        return ROOM_FAILED;
    }
    slot->waiting_events[slot->waiting_count] = (uint8_t)interest->events;
    slot->waiting[slot->waiting_count++] = stream;
    watch_own(watch, slot->index);
    if (!stream->in_epoll || (events & EPOLLOUT))
        return register_locked(room, slot, watch, stream, events) == -1 ? ROOM_FAILED : ROOM_PARKED;
    /* Invariant 4: after the owner was written. */
    if ((watch_untold(watch) & events) == 0)
        return ROOM_PARKED;
    tell(watch, stream);
    return ROOM_READY;
}

enum room_parked room_park(struct room *room, struct room_slot *slot,
                           const struct room_interest *interests, size_t count, int64_t deadline)
{
    enum room_parked parked = ROOM_PARKED;
    check_magic(room, ROOM_MAGIC);
    check(count <= ROOM_INTERESTS);
    YIELD_POINT("room_park");
    pthread_mutex_lock(&slot->mutex);
    check(slot->state == SLOT_RUNNING);
    slot->generation++;
    if (slot->wake_pending) {
        slot->wake_pending = false;
        pthread_mutex_unlock(&slot->mutex);
        return ROOM_WOKEN;
    }
    slot->waiting_count = 0;
    for (size_t i = 0; i < count && parked == ROOM_PARKED; i++) {
        parked = wait_for_locked(room, slot, &interests[i]);
        YIELD_POINT("room_park waiting");
    }
    if (parked == ROOM_PARKED) {
        slot->state = SLOT_PARKED;
        set_deadline_locked(room, slot, deadline);
    }
    pthread_mutex_unlock(&slot->mutex);
    if (parked == ROOM_PARKED)
        metrics_add(METRIC_PARKS_TOTAL, 1);
    return parked;
}

/* The first of the woken, or NULL. *stopping is set when there is none and the room is being
 * left. Whoever leaves more behind wakes the next worker for them. */
static struct room_slot *pop_woken(struct room *room, bool *stopping)
{
    pthread_mutex_lock(&room->mutex);
    struct woken *others = &room->woken[ROOM_MAIN], *handshakes = &room->woken[ROOM_HANDSHAKES];
    struct woken *woken = others->first ? others : handshakes;
    struct room_slot *slot = woken->first;
    if (slot)
        woken->first = slot->next;
    *stopping = slot == NULL && room->stopping;
    bool again = others->first || handshakes->first || room->stopping;
    pthread_mutex_unlock(&room->mutex);
    if (again) {
        room_queues_wake(&room->queues);
        room_hand_over(room);
    }
    if (slot) {
        pthread_mutex_lock(&slot->mutex);
        check(slot->state == SLOT_WOKEN);
        slot->state = SLOT_RUNNING;
        pthread_mutex_unlock(&slot->mutex);
    }
    return slot;
}

/* The stream that the parked slot waits for and that these events of `fd` are about, or NULL. */
static struct stream *awaited_locked(const struct room_slot *slot, int fd, uint32_t events)
{
    for (unsigned i = 0; i < slot->waiting_count; i++)
        if (slot->waiting[i]->fd == fd && (watch_events(slot->waiting_events[i]) & events) != 0)
            return slot->waiting[i];
    return NULL;
}

/* The slot that waits for this event, if there is one. */
static struct room_slot *take_event(struct room *room, const struct epoll_event *event)
{
    int fd = watch_datum_fd(event->data.u64);
    struct watch *watch = watch_find(&room->watches, fd);
    bool taken = false;
    YIELD_POINT("room_take");
    if (!watch_report(watch, event))
        return NULL;
    YIELD_POINT("room_take reported");
    uint32_t owner = watch_owner(watch);
    YIELD_POINT("room_take owner");
    if (owner == WATCH_NOBODY)
        return NULL;
    struct room_slot *slot = slot_at(room, owner);
    pthread_mutex_lock(&slot->mutex);
    struct stream *stream =
        slot->state == SLOT_PARKED ? awaited_locked(slot, fd, watch_due(watch, event)) : NULL;
    if (stream) {
        tell(watch, stream);
        slot->state = SLOT_RUNNING;
        set_deadline_locked(room, slot, CLOCK_NEVER);
        taken = true;
    }
    pthread_mutex_unlock(&slot->mutex);
    return taken ? slot : NULL;
}

struct room_slot *room_take(struct room *room)
{
    struct room_slot *slot = NULL;
    bool stopping = false;
    check_magic(room, ROOM_MAGIC);
    while (slot == NULL && !stopping) {
        struct epoll_event event;
        switch (room_queues_next(&room->queues, &event)) {
        case ROOM_NEWS_WAKE:
            slot = pop_woken(room, &stopping);
            break;
        case ROOM_NEWS_EVENT:
            slot = take_event(room, &event);
            break;
        case ROOM_NEWS_NONE:
            break;
        }
    }
    return slot;
}

void room_hand_over(struct room *room)
{
    room_queues_hand_over(&room->queues);
}

struct room_ticket room_next_wait(struct room *room, const struct room_slot *slot)
{
    return (struct room_ticket){room, slot->index, slot->generation + 1};
}

/* PARKED to WOKEN; for a running slot the wake is kept (invariant 5). Gives the slot's mutex back.
 */
static void wake_and_unlock(struct room *room, struct room_slot *slot)
{
    bool was_empty = false;
    if (slot->state == SLOT_RUNNING)
        slot->wake_pending = true;
    if (slot->state == SLOT_PARKED) {
        slot->state = SLOT_WOKEN;
        set_deadline_locked(room, slot, CLOCK_NEVER);
        slot->next = NULL;
        pthread_mutex_lock(&room->mutex);
        struct woken *woken = &room->woken[slot->queue];
        was_empty = woken->first == NULL;
        if (was_empty)
            woken->first = slot;
        else
            woken->last->next = slot;
        woken->last = slot;
        pthread_mutex_unlock(&room->mutex);
    }
    pthread_mutex_unlock(&slot->mutex);
    if (was_empty)
        room_queues_wake(&room->queues);
}

void room_wake(struct room_ticket ticket)
{
    struct room *room = ticket.room;
    check_magic(room, ROOM_MAGIC);
    struct room_slot *slot = slot_at(room, ticket.index);
    YIELD_POINT("room_wake");
    pthread_mutex_lock(&slot->mutex);
    if (slot->generation + (slot->state == SLOT_RUNNING) == ticket.generation)
        wake_and_unlock(room, slot);
    else
        pthread_mutex_unlock(&slot->mutex);
}

/* Wakes the slot if its deadline has passed. Returns the deadline that it has after that: it
 * may have been taken, and parked anew, since its deadline was read. */
static int64_t wake_expired(struct room *room, struct room_slot *slot, int64_t now)
{
    YIELD_POINT("room_sweep");
    pthread_mutex_lock(&slot->mutex);
    int64_t deadline = atomic_load_explicit(&room->deadlines[slot->index], memory_order_relaxed);
    if (slot->state == SLOT_PARKED && deadline <= now) {
        wake_and_unlock(room, slot);
        return CLOCK_NEVER;
    }
    pthread_mutex_unlock(&slot->mutex);
    return deadline;
}

int64_t room_sweep(struct room *room, int64_t now)
{
    int64_t earliest = CLOCK_NEVER;
    uint32_t used = atomic_load_explicit(&room->high_water, memory_order_acquire);
    for (uint32_t i = 0; i < used; i++) {
        int64_t deadline = atomic_load_explicit(&room->deadlines[i], memory_order_relaxed);
        if (deadline <= now)
            deadline = wake_expired(room, slot_at(room, i), now);
        if (deadline < earliest)
            earliest = deadline;
    }
    room_hand_over(room); /* somebody may be busy for longer than it thought */
    return earliest;
}

void room_wake_all(struct room *room)
{
    uint32_t used = atomic_load_explicit(&room->high_water, memory_order_acquire);
    for (uint32_t i = 0; i < used; i++) {
        pthread_mutex_lock(&slot_at(room, i)->mutex);
        wake_and_unlock(room, slot_at(room, i));
    }
}

void room_enter_queue(struct room *room, struct room_slot *slot, enum room_queue queue,
                      struct stream *stream)
{
    struct epoll_event unused = {0};
    if (stream->in_epoll)
        epoll_ctl(room->queues.epoll_fds[slot->queue], EPOLL_CTL_DEL, stream->fd, &unused);
    stream->in_epoll = false;
    stream->in_epoll_out = false;
    slot->queue = (uint8_t)queue;
}

void room_mark(struct room *room, enum room_queue queue)
{
    room_queues_mark(&room->queues, queue);
}

int64_t room_mark_passed(const struct room *room, enum room_queue queue)
{
    return room_queues_mark_passed(&room->queues, queue);
}

void room_forget(struct room *room, struct stream *stream)
{
    struct watch *watch = watch_find(&room->watches, stream->fd);
    if (watch && stream->in_epoll)
        watch_disown(watch);
}

bool room_expect_silence(struct room *room, struct stream *stream)
{
    struct watch *watch = watch_find(&room->watches, stream->fd);
    if (watch == NULL || stream->eof || stream_has_unread(stream))
        return false;
    /* What is not registered yet is looked at by the kernel as its wait begins. */
    if (stream->in_epoll && watch_untold(watch) != 0)
        tell(watch, stream);
    if (stream->in_epoll && !stream->drained)
        return false;
    stream->read_wants = POLLIN;
    return true;
}

void room_stop(struct room *room)
{
    pthread_mutex_lock(&room->mutex);
    room->stopping = true;
    pthread_mutex_unlock(&room->mutex);
    room_queues_wake(&room->queues);
}
