/* The queues of the waiting room: two epoll sets, and the kernel's ready lists in them are the
 * queues of work. One event is taken at a time, so that none waits behind another in private.
 *
 * The queue of handshakes is a second set, registered in the first level-triggered. What is
 * level-triggered goes back to the end of the kernel's list whenever it is reported, so in each
 * round through all that is ready one handshake gets a turn: a thousand of them take as much
 * from the others as one connection would. The other way round, when hundreds of connections
 * are always ready, a worker looks among the handshakes after HANDSHAKE_TURN turns of others.
 *
 * Bells are eventfds that are registered edge-triggered and never read: every write is one event,
 * for one worker. One of them wakes; the others, one in each queue, are the marks.
 *
 * Everything is fixed after init, but for the time at which a mark was passed; any thread may
 * call anything at any time, except that one thread sets the marks. */
#ifndef PORTICO_NET_ROOM_QUEUE_H
#define PORTICO_NET_ROOM_QUEUE_H

#include <stdint.h>

struct epoll_event;

enum room_queue { ROOM_MAIN, ROOM_HANDSHAKES, ROOM_QUEUES };

struct room_mark {
    int fd;                 /* owned: an eventfd */
    _Atomic int64_t passed; /* when it came to the head of its queue; CLOCK_NEVER: it is queued */
};

struct room_queues {
    int epoll_fds[ROOM_QUEUES]; /* owned; descriptors are registered in them with data whose low
                                   half is the descriptor (net/watch) */
    struct room_mark marks[ROOM_QUEUES];
    int wake_fd; /* owned: an eventfd */
};

/* 0, or -1 with errno; room_queues_release is due in either case. */
int room_queues_init(struct room_queues *queues);
void room_queues_release(struct room_queues *queues);

enum room_news {
    ROOM_NEWS_NONE,  /* nothing for the caller, who asks again */
    ROOM_NEWS_WAKE,  /* room_queues_wake was called */
    ROOM_NEWS_EVENT, /* of a descriptor */
};

/* The next of what has happened, in *event if it is of a descriptor; waits for it. */
enum room_news room_queues_next(struct room_queues *queues, struct epoll_event *event);

/* Makes one worker's room_queues_next answer ROOM_NEWS_WAKE; several calls may have one answer. */
void room_queues_wake(struct room_queues *queues);

/* Puts a mark at the end of a queue, and tells when the last one came to its head (CLOCK_NEVER
 * while it is on its way): see room_mark. */
void room_queues_mark(struct room_queues *queues, enum room_queue queue);
int64_t room_queues_mark_passed(const struct room_queues *queues, enum room_queue queue);

#endif
