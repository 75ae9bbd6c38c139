/* In an overload, when more comes than the workers can do, new connections are turned away until
 * they have caught up, instead of everybody waiting for ever longer.
 *
 * What decides is how long whatever is ready waits for a worker: [server] max_wait. It is
 * measured with marks that go through the waiting room's queues like connections do. Only new
 * connections are turned away, and those that wait for their very first turn and have waited
 * too long; whoever is being served stays. An overloaded queue of handshakes turns away TLS
 * connections only; the main queue, both. */
#ifndef PORTICO_SERVER_OVERLOAD_H
#define PORTICO_SERVER_OVERLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "proxy/service.h"

/* One queue. Times are microseconds, as everywhere. */
struct queue_age {
    int64_t max_wait; /* CLOCK_NEVER: there is no limit */
    int64_t observed; /* when it was last looked at */
    int64_t marked;   /* when the mark was put into the queue; CLOCK_NEVER: there is none */
    int64_t waited;   /* how long the mark has waited, or did */
    bool is_over;     /* the limit: new connections are turned away */
    int64_t longest;  /* the longest that a mark has waited since it is; 0 otherwise */
};

void queue_age_init(struct queue_age *age, int64_t max_wait);

/* A mark has been put into the queue; there was none. */
void queue_age_mark(struct queue_age *age, int64_t now);

/* Looks at the mark, which came to the head of the queue at `passed` (CLOCK_NEVER: not yet).
 * To be called at least ten times a second while there is a mark. */
void queue_age_observe(struct queue_age *age, int64_t now, int64_t passed);

/* All of it; the acceptor only. */
struct overload {
    struct service *service; /* borrowed */
    struct queue_age queues[ROOM_QUEUES];
    bool arrivals; /* since the last tick */
    bool shedding;
    bool said;        /* the log knows that it began */
    int64_t began;    /* shedding */
    int64_t said_at;  /* when a beginning was last written to the log */
    uint64_t counted; /* connections turned away that the log knows of */
};

/* `max_wait` 0: never. Prepares the service's part as well. */
void overload_init(struct overload *overload, struct service *service, int64_t max_wait);

/* From now on that is the limit. What goes on is over when a mark says so, as usual. */
void overload_set_max_wait(struct overload *overload, int64_t max_wait);

/* May a new connection come in? */
bool overload_admits(struct overload *overload, bool secure);

/* Measures and decides. At least ten times a second while there are connections. */
void overload_tick(struct overload *overload, int64_t now);

#endif
