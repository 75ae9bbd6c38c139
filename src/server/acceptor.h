/* The acceptor is the one thread that takes connections in and watches the clock.
 *
 * It polls the listening sockets, admits or turns away, and parks what it admits in the
 * waiting room, where the workers find it. Between accepting it sweeps the deadlines of parked
 * connections and of idle upstream connections. It never speaks to a peer. */
#ifndef PORTICO_SERVER_ACCEPTOR_H
#define PORTICO_SERVER_ACCEPTOR_H

#include "base/err.h"
#include "proxy/service.h"
#include "server/admission.h"
#include "server/listener_set.h"

struct acceptor;

/* Takes over the listeners' descriptors. NULL with `err`. */
struct acceptor *acceptor_new(struct service *service, struct admission *admission,
                              const struct listener_set *listeners, struct err *err);

/* Starts the thread. 0, or -1 with `err`. */
int acceptor_start(struct acceptor *acceptor, struct err *err);

/* A connection has ended: one that waits for room may come in. Any thread. */
void acceptor_notify(struct acceptor *acceptor);

/* Other listeners take the place of the present ones: it takes over those that are new, and
 * closes those that are not among them, having accepted what waits there. An empty set ends
 * accepting; the clock is watched on. Returns once that is done. */
void acceptor_set_listeners(struct acceptor *acceptor, const struct listener_set *listeners);

/* Ends the thread, if it was started, and frees. NULL is fine. */
void acceptor_free(struct acceptor *acceptor);

#endif
