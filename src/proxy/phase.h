/* A phase is a function that connection_serve calls; here is what the phases share. Internal to
 * proxy/.
 *
 * A phase works straight on until it is done (STEP_NEXT, having set the next phase), until it
 * would have to wait (STEP_PARK, having said for what through connection_wait), or until the
 * connection is at its end (STEP_CLOSE). Resumed, it looks at everything again: a wake-up
 * carries no news of its own, and a spurious one does no harm. */
#ifndef PORTICO_PROXY_PHASE_H
#define PORTICO_PROXY_PHASE_H

#include "proxy/connection.h"
#include "proxy/reply.h"

enum step { STEP_NEXT, STEP_PARK, STEP_CLOSE };

enum step phase_head(struct connection *connection, struct turn *turn);     /* request.c */
enum step phase_connect(struct connection *connection, struct turn *turn);  /* dial.c */
enum step phase_exchange(struct connection *connection, struct turn *turn); /* transfer.c */
enum step phase_tunnel(struct connection *connection, struct turn *turn);   /* tunnel.c */

/* The only place where a peer is waited for. Each events argument is POLLIN, POLLOUT, both or 0
 * (not waited for). False when the deadline has passed; else the phase returns STEP_PARK. */
bool connection_wait(struct connection *connection, const struct turn *turn, short client_events,
                     short upstream_events, int64_t deadline);

/* Parks at the back of the kernel's queue: for a connection that could go on but has had its
 * turn. Each events argument names what the connection can do or waits for. The kernel may not
 * agree (it calls a socket writable only once a third of its buffer is free), so the connection
 * goes on at the next sweep anyhow, and finds out what it has to wait for, and until when.
 * Returns STEP_PARK. */
enum step connection_yield(struct connection *connection, short client_events,
                           short upstream_events);

/* What to do with the client's connection once an answer has gone out and no other may
 * follow: LINGER if input may be unread, else close. */
enum step connection_finish(struct connection *connection, bool input_unread);

/* Aborts the client's connection, so that it cannot take what it got for complete (H21). */
enum step connection_abort(struct connection *connection);

/* Writes the log line of a connection that ends without an answer, and counts the reason.
 * Returns STEP_CLOSE. */
enum step connection_end(struct connection *connection, enum reason reason);

/* Is there an overload, and has it waited for its first turn for too long (service->max_age)? */
bool connection_is_stale(const struct connection *connection);

/* Turns it away for that, before it has said anything. Returns STEP_CLOSE. */
enum step connection_turn_away(struct connection *connection);

/* Has the server begun to end? */
bool connection_is_draining(const struct connection *connection);

/* exchange.c: begins the exchange for a head that is complete. 0, or -1 with errno ENOMEM. */
int exchange_begin(struct connection *connection, struct config *config);

/* How an answer of Portico's own is to be written for this exchange. */
struct reply exchange_reply(const struct exchange *exchange);

/* An answer of Portico's own instead of an upstream's: the whole of it is in
 * exchange->down.out. The phase is EXCHANGE then. */
enum step exchange_answer(struct connection *connection);

/* The error answer for `reason`; the upstream's connection, if any, is closed. If an answer has
 * already begun, the client's connection is aborted instead. */
enum step exchange_fail(struct connection *connection, enum reason reason);

/* Logs the exchange, if there is one, and releases all it holds and itself. */
void exchange_end(struct connection *connection);

/* dial.c: closes the upstream's connection; `abort` lets it see an aborted transfer (H21). */
void upstream_close(struct connection *connection, bool abort);

/* dial.c: CONNECT begins with the look-up: no pooled connection will do. */
void dial_anew(struct exchange *exchange);

/* tunnel.c: from an exchange whose 101 is in down.out. */
void tunnel_begin(struct connection *connection);

#endif
