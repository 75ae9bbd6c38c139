/* The queues of the waiting room: see room_queue.h. Workers take, the acceptor marks. */
#include "net/room_queue.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/yield_point.h"

/* Data that name no descriptor: their low halves are above all numbers of descriptors. */
#define WAKE_DATUM       UINT64_MAX
#define HANDSHAKES_DATUM (UINT64_MAX - 1)
#define MARK_DATUM       (UINT64_MAX - 2)

/* A full handshake costs about as much as this number of ordinary turns (src/DECISIONS.md has the
 * figures), so a machine that cannot do it all is shared by halves. */
#define HANDSHAKE_TURN 32u

/* Opens an eventfd in a queue, each write to which makes one event. The descriptor, or -1. */
static int open_bell(const struct room_queues *queues, enum room_queue queue, uint64_t datum)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = datum};
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd != -1 && epoll_ctl(queues->epoll_fds[queue], EPOLL_CTL_ADD, fd, &event) == -1) {
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

int room_queues_init(struct room_queues *queues)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = HANDSHAKES_DATUM};
    queues->wake_fd = -1;
    pthread_mutex_init(&queues->mutex, NULL);
    check(sem_init(&queues->calls, 0, 0) == 0);
    for (int i = 0; i < ROOM_QUEUES; i++)
        queues->epoll_fds[i] = queues->marks[i].fd = -1;
    for (int i = 0; i < ROOM_QUEUES; i++) {
        queues->epoll_fds[i] = epoll_create1(EPOLL_CLOEXEC);
        if (queues->epoll_fds[i] == -1)
            return -1;
        queues->marks[i].fd = open_bell(queues, (enum room_queue)i, MARK_DATUM);
        if (queues->marks[i].fd == -1)
            return -1;
    }
    if (epoll_ctl(queues->epoll_fds[ROOM_MAIN], EPOLL_CTL_ADD, queues->epoll_fds[ROOM_HANDSHAKES],
                  &event) == -1)
        return -1;
    queues->wake_fd = open_bell(queues, ROOM_MAIN, WAKE_DATUM);
    return queues->wake_fd == -1 ? -1 : 0;
}

static void close_open(int fd)
{
    if (fd != -1)
        close(fd);
}

void room_queues_release(struct room_queues *queues)
{
    pthread_mutex_destroy(&queues->mutex);
    sem_destroy(&queues->calls);
    close_open(queues->wake_fd);
    for (int i = 0; i < ROOM_QUEUES; i++) {
        close_open(queues->marks[i].fd);
        close_open(queues->epoll_fds[i]);
    }
}

static void pass_mark(struct room_queues *queues, enum room_queue queue)
{
    atomic_store(&queues->marks[queue].passed, clock_now());
}

/* The head of the handshakes; ROOM_NEWS_NONE: another worker has it, or it was a mark. */
static enum room_news next_handshake(struct room_queues *queues, struct epoll_event *event)
{
    if (epoll_wait(queues->epoll_fds[ROOM_HANDSHAKES], event, 1, 0) != 1)
        return ROOM_NEWS_NONE;
    if (event->data.u64 != MARK_DATUM)
        return ROOM_NEWS_EVENT;
    pass_mark(queues, ROOM_HANDSHAKES);
    return ROOM_NEWS_NONE;
}

/* A look at the main queue, for `timeout` milliseconds. How many events there were. */
static unsigned look(const struct room_queues *queues, struct epoll_event *events, unsigned max,
                     int timeout)
{
    int count = epoll_wait(queues->epoll_fds[ROOM_MAIN], events, (int)max, timeout);
    check(count >= 0 || errno == EINTR);
    return count > 0 ? (unsigned)count : 0;
}

/* Waits for events, which are then in `taken`; or for a signal to be over. Nobody else does. */
static void look_out_locked(struct room_queues *queues)
{
    struct epoll_event events[ROOM_BATCH];
    queues->is_watched = true;
    pthread_mutex_unlock(&queues->mutex);
    YIELD_POINT("room_queues_next looking out");
    unsigned count = look(queues, events, ROOM_BATCH, -1);
    pthread_mutex_lock(&queues->mutex);
    queues->is_watched = false;
    check(queues->next == queues->end);
    memcpy(queues->taken, events, count * sizeof events[0]);
    queues->next = 0;
    queues->end = count;
}

/* Sleeps until somebody calls. */
static void rest_locked(struct room_queues *queues)
{
    atomic_fetch_add(&queues->resting, 1);
    pthread_mutex_unlock(&queues->mutex);
    while (sem_wait(&queues->calls) == -1)
        check(errno == EINTR);
    pthread_mutex_lock(&queues->mutex);
}

/* Calls somebody who rests, if anybody does. */
static void call_locked(struct room_queues *queues)
{
    if (atomic_load(&queues->resting) == 0)
        return;
    atomic_fetch_sub(&queues->resting, 1);
    check(sem_post(&queues->calls) == 0);
}

/* While somebody looks out: an event if there is one just now, or else a rest. True when *event has
 * one. */
static bool look_or_rest_locked(struct room_queues *queues, struct epoll_event *event)
{
    pthread_mutex_unlock(&queues->mutex);
    bool found = look(queues, event, 1, 0) == 1;
    YIELD_POINT("room_queues_next about to rest");
    pthread_mutex_lock(&queues->mutex);
    if (!found && queues->is_watched && queues->next == queues->end)
        rest_locked(queues);
    return found;
}

static void next_event(struct room_queues *queues, struct epoll_event *event)
{
    bool found = false;
    pthread_mutex_lock(&queues->mutex);
    while (!found) {
        if (queues->next < queues->end) {
            *event = queues->taken[queues->next++];
            found = true;
        } else if (queues->is_watched) {
            found = look_or_rest_locked(queues, event);
        } else {
            look_out_locked(queues);
        }
    }
    if (queues->end - queues->next >= ROOM_BACKLOG)
        call_locked(queues);
    pthread_mutex_unlock(&queues->mutex);
}

void room_queues_hand_over(struct room_queues *queues)
{
    /* Who rests by now can be seen without the mutex: it began to while somebody looked out, who
     * had the mutex after that. */
    if (atomic_load(&queues->resting) == 0)
        return;
    pthread_mutex_lock(&queues->mutex);
    if (!queues->is_watched)
        call_locked(queues);
    pthread_mutex_unlock(&queues->mutex);
}

enum room_news room_queues_next(struct room_queues *queues, struct epoll_event *event)
{
    static _Thread_local unsigned turns; /* since this worker looked among the handshakes */
    if (++turns > HANDSHAKE_TURN) {
        turns = 0;
        if (next_handshake(queues, event) == ROOM_NEWS_EVENT)
            return ROOM_NEWS_EVENT;
    }
    next_event(queues, event);
    switch (event->data.u64) {
    case WAKE_DATUM:
        return ROOM_NEWS_WAKE;
    case HANDSHAKES_DATUM:
        turns = 0;
        return next_handshake(queues, event);
    case MARK_DATUM:
        pass_mark(queues, ROOM_MAIN);
        return ROOM_NEWS_NONE;
    default:
        return ROOM_NEWS_EVENT;
    }
}

void room_queues_wake(struct room_queues *queues)
{
    ring(queues->wake_fd);
}

void room_queues_mark(struct room_queues *queues, enum room_queue queue)
{
    atomic_store(&queues->marks[queue].passed, CLOCK_NEVER);
    ring(queues->marks[queue].fd);
}

int64_t room_queues_mark_passed(const struct room_queues *queues, enum room_queue queue)
{
    return atomic_load(&queues->marks[queue].passed);
}
