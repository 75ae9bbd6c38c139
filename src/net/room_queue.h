/* The queues of the waiting room: two epoll sets, and the kernel's ready lists in them are the
 * queues of work.
 *
 * One worker at a time looks out for events; the others work or rest. It takes up to ROOM_BATCH
 * events at once, goes to work on the first, and leaves the others where every worker looks before
 * it looks further: none waits behind another in private. Whoever comes back from work looks out
 * again, so with little to do one worker does it all, and is spared from falling asleep and being
 * woken for each event. Somebody who rests is called when ROOM_BACKLOG events or more are left
 * over, and when whoever looked out last will be busy for longer than a moment
 * (room_queues_hand_over). Whoever is called is counted as called at once, and is the semaphore's
 * next: unlike a condition variable, it never makes the caller wait for those that were called
 * before.
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
 * Invariants
 *  1. Somebody looks out, or a worker is busy that will come back soon or has handed over. Nobody
 *     begins to rest but while somebody looks out, and who has looked out says so before it works.
 *  2. What was taken is empty when a batch is put there: its only source is the one who looks out,
 *     which nobody does while something is left.
 *
 * Descriptors are fixed after init. Any thread may call anything at any time, except that one
 * thread sets the marks. */
#ifndef PORTICO_NET_ROOM_QUEUE_H
#define PORTICO_NET_ROOM_QUEUE_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

/* What one look takes, and how much of it must be left over for somebody else to be called: less is
 * done sooner than somebody can be woken. src/DECISIONS.md has the figures. */
#define ROOM_BATCH   8u
#define ROOM_BACKLOG 3u

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

    pthread_mutex_t mutex;
    struct epoll_event taken[ROOM_BATCH]; /* guarded by mutex, as what follows */
    unsigned next, end;                   /* what is left of `taken` */
    bool is_watched;                      /* somebody looks out */
    atomic_uint resting; /* workers that rest and were not called; may be read without the mutex */
    sem_t calls;
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

/* The caller, who has taken something to do, will be busy for longer than a moment, or does not
 * come back: if nobody looks out, somebody who rests is to. */
void room_queues_hand_over(struct room_queues *queues);

/* Makes one worker's room_queues_next answer ROOM_NEWS_WAKE; several calls may have one answer. */
void room_queues_wake(struct room_queues *queues);

/* Puts a mark at the end of a queue, and tells when the last one came to its head (CLOCK_NEVER
 * while it is on its way): see room_mark. */
void room_queues_mark(struct room_queues *queues, enum room_queue queue);
int64_t room_queues_mark_passed(const struct room_queues *queues, enum room_queue queue);

#endif
