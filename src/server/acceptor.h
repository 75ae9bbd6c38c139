/* The acceptor: one thread that takes connections in and watches the clock.
 *
 * It polls the listening sockets, admits or turns away, and parks what it admits in the
 * waiting room, where the workers find it. Between accepting it sweeps the deadlines of parked
 * connections and of idle upstream connections. It never speaks to a peer. */
#ifndef PORTICO_SERVER_ACCEPTOR_H
#define PORTICO_SERVER_ACCEPTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "proxy/service.h"
#include "server/admission.h"

#define ACCEPTOR_LISTENERS 32u

struct acceptor_listener {
    int fd; /* owned */
    bool secure;
};

struct acceptor;

/* Takes over the listeners. NULL with `err`. */
struct acceptor *acceptor_new(struct service *service, struct admission *admission,
                              const struct acceptor_listener *listeners, size_t count,
                              struct err *err);

/* Starts the thread. 0, or -1 with `err`. */
int acceptor_start(struct acceptor *acceptor, struct err *err);

/* A connection has ended: one that waits for room may come in. Any thread. */
void acceptor_notify(struct acceptor *acceptor);

/* Closes the listeners; the clock is watched on. Returns once they are closed. */
void acceptor_close_listeners(struct acceptor *acceptor);

/* Ends the thread, if it was started, and frees. NULL is fine. */
void acceptor_free(struct acceptor *acceptor);

#endif
