/* The waiting room: see waiting_room.h for the states, the invariants and the lock order.
 *
 * Two things make a slot cheap. Deadlines lie in an array of their own, eight bytes a slot, so
 * that the acceptor's sweep over thousands of parked connections is a pass over a few pages
 * and not over their slots; an entry is written under its slot's mutex and read by the sweep
 * without it, as a hint that is checked again under the mutex. And the memory of slots is
 * mapped but not touched before a slot is first used; `high_water` says how far that is.
 *
 * A watch is what the room knows of one descriptor. Watches lie in an array, by descriptor, and
 * are type-stable for that reason. `reported` is one atomic word, its low half what was reported
 * and not told yet, its high half a number that changes with every registration, so that an event
 * which was harvested before its descriptor was closed does not reach the next one of that
 * number; the epoll datum is the descriptor and the same number. IN is taken out of `reported`
 * when it is told. RDHUP, HUP and ERR stay: they do not end before the descriptor does, and a
 * connection that has seen the end does not wait to read.
 *
 * Watches are registered for reading. The first wait to write adds EPOLLOUT, and each repeats
 * the registration, upon which the kernel reports once more what holds: so EPOLLOUT need not be
 * kept, and connection_yield gets to the back of the kernel's queue.
 *
 * The eventfd is registered edge-triggered and never read: every write wakes one worker. Marks
 * are eventfds of the same kind, one in each queue.
 *
 * The queue of handshakes is a second epoll set, registered in the first level-triggered. What is
 * level-triggered goes back to the end of the kernel's list whenever it is reported, so in each
 * round through all that is ready one handshake gets a turn: a thousand of them take as much
 * from the others as one connection would. The other way round, when hundreds of connections
 * are always ready, a worker looks among the handshakes after HANDSHAKE_TURN turns of others. */
#include "net/waiting_room.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/yield_point.h"

#define ROOM_MAGIC 0x526f6f6du /* "Room" */
#define CACHE_LINE 64u
#define NOBODY     UINT32_MAX
/* Descriptors that are neither a client's nor its upstream's: the lowest free number is always
 * the next, so none of a connection's is higher than twice the slots and these. */
#define OTHER_DESCRIPTORS 8192u
#define ENDS              ((uint32_t)(EPOLLRDHUP | EPOLLHUP | EPOLLERR))

/* What the room knows of one descriptor; see above. */
struct watch {
    _Atomic uint64_t reported;
    _Atomic uint32_t owner; /* a slot's number, or NOBODY */
};

/* Data that name no descriptor: their low halves are above all numbers of descriptors. */
#define WAKE_DATUM       UINT64_MAX
#define HANDSHAKES_DATUM (UINT64_MAX - 1)
#define MARK_DATUM       (UINT64_MAX - 2)

/* A full handshake costs about as much as this number of ordinary turns (src/README.md has the
 * figures), so a machine that cannot do it all is shared by halves. */
#define HANDSHAKE_TURN 32u

struct mark {
    int fd;                 /* an eventfd */
    _Atomic int64_t passed; /* when it came to the head of its queue; CLOCK_NEVER: it is queued */
};

struct room {
    unsigned magic;
    int epoll_fds[ROOM_QUEUES];
    struct mark marks[ROOM_QUEUES];
    int wake_fd;
    uint32_t slots;
    size_t slot_size;
    char *memory;                /* owned: slots * slot_size, mapped */
    _Atomic int64_t *deadlines;  /* owned: one for each slot, CLOCK_NEVER unless it is parked */
    _Atomic uint32_t high_water; /* slots that were ever acquired */
    struct watch *watches;       /* owned: by descriptor, mapped */
    uint32_t watch_count;

    pthread_mutex_t mutex;
    struct room_slot *free_first;  /* guarded by mutex */
    struct room_slot *woken_first; /* guarded by mutex */
    struct room_slot *woken_last;  /* guarded by mutex */
    bool stopping;                 /* guarded by mutex */
};

static struct room_slot *slot_at(const struct room *room, uint32_t index)
{
    check(index < room->slots);
    return (struct room_slot *)(void *)(room->memory + (size_t)index * room->slot_size);
}

static size_t deadlines_size(const struct room *room)
{
    return (size_t)room->slots * sizeof *room->deadlines;
}

static size_t watches_size(const struct room *room)
{
    return (size_t)room->watch_count * sizeof *room->watches;
}

static void *map(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* Opens an eventfd in a queue, each write to which makes one event. The descriptor, or -1. */
static int open_bell(struct room *room, enum room_queue queue, uint64_t datum)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = datum};
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd != -1 && epoll_ctl(room->epoll_fds[queue], EPOLL_CTL_ADD, fd, &event) == -1) {
        close(fd);
        return -1;
    }
    return fd;
}

static void ring(int bell)
{
    uint64_t one = 1;
    ssize_t written = write(bell, &one, sizeof one);
    /* EAGAIN would mean 2^64-2 unread signals. */
    check(written == (ssize_t)sizeof one);
}

/* Opens the queues, the one of the handshakes inside the other, with their bells. */
static int open_queues(struct room *room)
{
    for (int i = 0; i < ROOM_QUEUES; i++) {
        room->epoll_fds[i] = epoll_create1(EPOLL_CLOEXEC);
        if (room->epoll_fds[i] == -1)
            return -1;
        room->marks[i].fd = open_bell(room, (enum room_queue)i, MARK_DATUM);
        if (room->marks[i].fd == -1)
            return -1;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = HANDSHAKES_DATUM};
    if (epoll_ctl(room->epoll_fds[ROOM_MAIN], EPOLL_CTL_ADD, room->epoll_fds[ROOM_HANDSHAKES],
                  &event) == -1)
        return -1;
    room->wake_fd = open_bell(room, ROOM_MAIN, WAKE_DATUM);
    return room->wake_fd == -1 ? -1 : 0;
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
    room->wake_fd = -1;
    for (int i = 0; i < ROOM_QUEUES; i++)
        room->epoll_fds[i] = room->marks[i].fd = -1;
    pthread_mutex_init(&room->mutex, NULL);
    if (open_queues(room) == -1)
        goto fail;
    room->memory = map(slots * room->slot_size);
    room->deadlines = map(deadlines_size(room));
    room->watch_count = 2 * slots + OTHER_DESCRIPTORS;
    room->watches = map(watches_size(room));
    if (room->memory == NULL || room->deadlines == NULL || room->watches == NULL)
        goto fail;
    return room;

fail:
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
    if (room->watches)
        munmap(room->watches, watches_size(room));
    if (room->deadlines)
        munmap((void *)room->deadlines, deadlines_size(room));
    if (room->memory)
        munmap(room->memory, room->slots * room->slot_size);
    if (room->wake_fd != -1)
        close(room->wake_fd);
    for (int i = 0; i < ROOM_QUEUES; i++) {
        if (room->marks[i].fd != -1)
            close(room->marks[i].fd);
        if (room->epoll_fds[i] != -1)
            close(room->epoll_fds[i]);
    }
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

/* The watch of a descriptor; NULL when its number is beyond all bounds. */
static struct watch *watch_of(const struct room *room, int fd)
{
    return fd >= 0 && (uint32_t)fd < room->watch_count ? &room->watches[fd] : NULL;
}

/* What epoll reports that ends a wait for these events of poll(2). */
static uint32_t epoll_events(short events)
{
    return (events & POLLIN ? (uint32_t)EPOLLIN | EPOLLRDHUP : 0u) |
           (events & POLLOUT ? (uint32_t)EPOLLOUT : 0u) | (uint32_t)(EPOLLHUP | EPOLLERR);
}

/* Registers a descriptor, or registers it anew, upon which the kernel reports what holds. */
static int watch_register(struct room *room, const struct room_slot *slot, struct watch *watch,
                          struct stream *stream, uint32_t events)
{
    uint64_t reported = atomic_load_explicit(&watch->reported, memory_order_relaxed);
    if (!stream->in_epoll) {
        reported = ((reported >> 32) + 1) << 32;
        atomic_store(&watch->reported, reported);
    }
    bool out = stream->in_epoll_out || (events & EPOLLOUT);
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLRDHUP | EPOLLET | (out ? (uint32_t)EPOLLOUT : 0u),
        .data.u64 = (reported >> 32) << 32 | (uint32_t)stream->fd,
    };
    int op = stream->in_epoll ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(room->epoll_fds[slot->queue], op, stream->fd, &event) == -1)
        return -1;
    stream->in_epoll = true;
    stream->in_epoll_out = out;
    return 0;
}

/* The owner is about to hear that there may be something to read. */
static void tell(struct watch *watch, struct stream *stream)
{
    atomic_fetch_and(&watch->reported, ~(uint64_t)EPOLLIN);
    stream->drained = false;
}

/* Makes the slot wait for one descriptor more. ROOM_PARKED: nothing prevents it. */
static enum room_parked wait_for_locked(struct room *room, struct room_slot *slot,
                                        const struct room_interest *interest)
{
    struct stream *stream = interest->stream;
    uint32_t events = epoll_events(interest->events);
    struct watch *watch = watch_of(room, stream->fd);
    if (watch == NULL) {
        errno = stream->fd < 0 ? EBADF : EMFILE;
        return ROOM_FAILED;
    }
    slot->waiting_events[slot->waiting_count] = (uint8_t)interest->events;
    slot->waiting[slot->waiting_count++] = stream;
    if (atomic_load_explicit(&watch->owner, memory_order_relaxed) != slot->index ||
        !stream->in_epoll)
        atomic_store(&watch->owner, slot->index);
    if (!stream->in_epoll || (events & EPOLLOUT))
        return watch_register(room, slot, watch, stream, events) == -1 ? ROOM_FAILED : ROOM_PARKED;
    /* Invariant 4: after the owner was written. */
    if ((atomic_load(&watch->reported) & events) == 0)
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

static void signal_workers(struct room *room)
{
    ring(room->wake_fd);
}

/* The first of the woken, or NULL. *stopping is set when there is none and the room is being
 * left. Whoever leaves more behind wakes the next worker for them. */
static struct room_slot *pop_woken(struct room *room, bool *stopping)
{
    pthread_mutex_lock(&room->mutex);
    struct room_slot *slot = room->woken_first;
    if (slot) {
        room->woken_first = slot->next;
        if (room->woken_first == NULL)
            room->woken_last = NULL;
    }
    *stopping = slot == NULL && room->stopping;
    bool again = room->woken_first != NULL || room->stopping;
    pthread_mutex_unlock(&room->mutex);
    if (again)
        signal_workers(room);
    if (slot) {
        pthread_mutex_lock(&slot->mutex);
        check(slot->state == SLOT_WOKEN);
        slot->state = SLOT_RUNNING;
        pthread_mutex_unlock(&slot->mutex);
    }
    return slot;
}

/* Writes an event into its watch. False when its descriptor was closed since. */
static bool report(struct watch *watch, const struct epoll_event *event)
{
    uint64_t reported = atomic_load(&watch->reported);
    do {
        if (reported >> 32 != event->data.u64 >> 32)
            return false;
    } while (!atomic_compare_exchange_weak(&watch->reported, &reported,
                                           reported | (event->events & (EPOLLIN | ENDS))));
    return true;
}

/* The stream that the parked slot waits for and that this event is about, or NULL. */
static struct stream *awaited_locked(const struct room_slot *slot, int fd, uint32_t events)
{
    for (unsigned i = 0; i < slot->waiting_count; i++)
        if (slot->waiting[i]->fd == fd && (epoll_events(slot->waiting_events[i]) & events) != 0)
            return slot->waiting[i];
    return NULL;
}

/* The slot that waits for this event, if there is one. */
static struct room_slot *take_event(struct room *room, const struct epoll_event *event)
{
    int fd = (int)(uint32_t)event->data.u64;
    struct watch *watch = watch_of(room, fd);
    bool taken = false;
    YIELD_POINT("room_take");
    if (!report(watch, event))
        return NULL;
    YIELD_POINT("room_take reported");
    uint32_t owner = atomic_load(&watch->owner);
    YIELD_POINT("room_take owner");
    if (owner == NOBODY)
        return NULL;
    struct room_slot *slot = slot_at(room, owner);
    pthread_mutex_lock(&slot->mutex);
    struct stream *stream =
        slot->state == SLOT_PARKED ? awaited_locked(slot, fd, event->events) : NULL;
    if (stream) {
        tell(watch, stream);
        slot->state = SLOT_RUNNING;
        set_deadline_locked(room, slot, CLOCK_NEVER);
        taken = true;
    }
    pthread_mutex_unlock(&slot->mutex);
    return taken ? slot : NULL;
}

static void pass_mark(struct room *room, enum room_queue queue)
{
    atomic_store(&room->marks[queue].passed, clock_now());
}

/* The connection at the head of the handshakes, or NULL: another worker has it, or it was
 * something else. */
static struct room_slot *take_handshake(struct room *room)
{
    struct epoll_event event;
    if (epoll_wait(room->epoll_fds[ROOM_HANDSHAKES], &event, 1, 0) != 1)
        return NULL;
    if (event.data.u64 != MARK_DATUM)
        return take_event(room, &event);
    pass_mark(room, ROOM_HANDSHAKES);
    return NULL;
}

struct room_slot *room_take(struct room *room)
{
    static _Thread_local unsigned turns; /* since this worker looked among the handshakes */
    check_magic(room, ROOM_MAGIC);
    for (;;) {
        struct epoll_event event;
        struct room_slot *slot;
        bool stopping = false;
        if (++turns > HANDSHAKE_TURN) {
            turns = 0;
            if ((slot = take_handshake(room)) != NULL)
                return slot;
        }
        int count = epoll_wait(room->epoll_fds[ROOM_MAIN], &event, 1, -1);
        if (count == -1) {
            check(errno == EINTR);
            continue;
        }
        switch (event.data.u64) {
        case WAKE_DATUM:
            slot = pop_woken(room, &stopping);
            break;
        case HANDSHAKES_DATUM:
            turns = 0;
            slot = take_handshake(room);
            break;
        case MARK_DATUM:
            pass_mark(room, ROOM_MAIN);
            continue;
        default:
            slot = take_event(room, &event);
        }
        if (slot || stopping)
            return slot;
    }
}

struct room_ticket room_next_wait(struct room *room, const struct room_slot *slot)
{
    return (struct room_ticket){room, slot->index, slot->generation + 1};
}

/* PARKED to WOKEN. The caller signals after unlocking if this answers true. */
static bool wake_locked(struct room *room, struct room_slot *slot)
{
    slot->state = SLOT_WOKEN;
    set_deadline_locked(room, slot, CLOCK_NEVER);
    slot->next = NULL;
    pthread_mutex_lock(&room->mutex);
    bool was_empty = room->woken_first == NULL;
    if (was_empty)
        room->woken_first = slot;
    else
        room->woken_last->next = slot;
    room->woken_last = slot;
    pthread_mutex_unlock(&room->mutex);
    return was_empty;
}

void room_wake(struct room_ticket ticket)
{
    struct room *room = ticket.room;
    bool first = false;
    check_magic(room, ROOM_MAGIC);
    struct room_slot *slot = slot_at(room, ticket.index);
    YIELD_POINT("room_wake");
    pthread_mutex_lock(&slot->mutex);
    if (slot->state == SLOT_PARKED && slot->generation == ticket.generation)
        first = wake_locked(room, slot);
    else if (slot->state == SLOT_RUNNING && slot->generation + 1 == ticket.generation)
        slot->wake_pending = true;
    pthread_mutex_unlock(&slot->mutex);
    if (first)
        signal_workers(room);
}

/* Wakes the slot if its deadline has passed. Returns the deadline that it has after that: it
 * may have been taken, and parked anew, since its deadline was read. */
static int64_t wake_expired(struct room *room, struct room_slot *slot, int64_t now)
{
    bool first = false;
    YIELD_POINT("room_sweep");
    pthread_mutex_lock(&slot->mutex);
    int64_t deadline = atomic_load_explicit(&room->deadlines[slot->index], memory_order_relaxed);
    if (slot->state == SLOT_PARKED && deadline <= now) {
        first = wake_locked(room, slot);
        deadline = CLOCK_NEVER;
    }
    pthread_mutex_unlock(&slot->mutex);
    if (first)
        signal_workers(room);
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
    return earliest;
}

void room_wake_all(struct room *room)
{
    uint32_t used = atomic_load_explicit(&room->high_water, memory_order_acquire);
    for (uint32_t i = 0; i < used; i++) {
        struct room_slot *slot = slot_at(room, i);
        bool first = false;
        pthread_mutex_lock(&slot->mutex);
        if (slot->state == SLOT_PARKED)
            first = wake_locked(room, slot);
        else if (slot->state == SLOT_RUNNING)
            slot->wake_pending = true;
        pthread_mutex_unlock(&slot->mutex);
        if (first)
            signal_workers(room);
    }
}

void room_enter_queue(struct room *room, struct room_slot *slot, enum room_queue queue,
                      struct stream *stream)
{
    struct epoll_event unused = {0};
    if (stream->in_epoll)
        epoll_ctl(room->epoll_fds[slot->queue], EPOLL_CTL_DEL, stream->fd, &unused);
    stream->in_epoll = false;
    stream->in_epoll_out = false;
    slot->queue = queue;
}

void room_mark(struct room *room, enum room_queue queue)
{
    atomic_store(&room->marks[queue].passed, CLOCK_NEVER);
    ring(room->marks[queue].fd);
}

int64_t room_mark_passed(const struct room *room, enum room_queue queue)
{
    return atomic_load(&room->marks[queue].passed);
}

void room_forget(struct room *room, struct stream *stream)
{
    struct watch *watch = watch_of(room, stream->fd);
    if (watch && stream->in_epoll)
        atomic_store(&watch->owner, NOBODY);
}

bool room_expect_silence(struct room *room, struct stream *stream)
{
    struct watch *watch = watch_of(room, stream->fd);
    if (watch == NULL || stream->ssl != NULL || stream->eof)
        return false;
    /* What is not registered yet is looked at by the kernel as its wait begins. */
    if (stream->in_epoll && (atomic_load(&watch->reported) & (EPOLLIN | ENDS)) != 0)
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
    signal_workers(room);
}
