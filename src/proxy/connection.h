/* A connection is a client, from accept to close.
 *
 *     HANDSHAKE → HEAD → CONNECT → EXCHANGE → HEAD again (keep-alive)
 *                   │                 ├──→ TUNNEL → CLOSE     101 Switching Protocols
 *                   └─────────────────┴──→ LINGER → CLOSE     closing with unread input
 *
 * A connection is always in one phase, and everything that a phase needs to go on lies in
 * struct connection: no phase keeps half-done work in locals, so any worker can resume it.
 * Each phase is one function (proxy/phase.h) that works until it is done or would have to wait.
 *
 * A connection lives in a slot of the waiting room and belongs to the thread that took it;
 * the acceptor opens it and parks it at once. */
#ifndef PORTICO_PROXY_CONNECTION_H
#define PORTICO_PROXY_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/reason.h"
#include "config/config.h"
#include "http/http_head.h"
#include "net/address.h"
#include "net/stream.h"
#include "net/waiting_room.h"
#include "proxy/exchange.h"
#include "proxy/service.h"
#include "proxy/turn.h"

#define CONNECTION_MAGIC 0x436f6e6eu /* "Conn" */

enum phase {
    PHASE_HANDSHAKE,
    PHASE_HEAD,
    PHASE_CONNECT,
    PHASE_EXCHANGE,
    PHASE_TUNNEL,
    PHASE_LINGER,
};

struct connection {
    struct room_slot slot; /* first: the waiting room's */
    unsigned magic;

    /* fixed while the connection is open */
    struct service *service; /* borrowed */
    struct address client_address;
    bool secure;  /* came in through an HTTPS listener */
    bool counted; /* against the limit per client */

    /* owner only, as everything below */
    enum phase phase;
    struct stream client;
    struct buf in;         /* from the client, not consumed yet */
    struct http_scan scan; /* HEAD: how far the head in `in` has been looked at */
    int64_t phase_began;   /* HANDSHAKE, HEAD (of its first byte, or of the silence), LINGER */
    bool head_begun;       /* HEAD: the first byte is here */
    bool answered;         /* HEAD: an answer has gone out this very moment */
    unsigned requests;     /* heads that were complete */
    uint64_t lingered;     /* LINGER: bytes discarded */
    const char *detail;    /* static text for the log line of an end without an answer */

    struct exchange *exchange; /* owned, pooled; NULL while no request is in the works */

    /* The wait to park with: filled by connection_wait. */
    struct room_interest wait[ROOM_INTERESTS];
    uint8_t wait_count;
    int64_t wait_deadline;
};

/* What the client's bytes come over: its socket, TLS and SNI are asked for here. */
static inline struct stream *connection_transport(struct connection *connection)
{
    return &connection->client;
}

/* Does an end of what the client sends mean that it is gone (H27)? Else it may have half-closed. */
static inline bool connection_end_is_final(const struct connection *connection)
{
    return connection->secure;
}

/* Makes a slot from room_acquire into a connection on the accepted descriptor `fd`. */
void connection_open(struct connection *connection, struct service *service, int fd,
                     const struct address *client, bool secure, bool counted);

/* Parks a connection that was just opened until its first byte. */
void connection_await_first_byte(struct connection *connection, int64_t handshake_or_head);

/* Serves a connection that room_take gave, until it is parked or closed: the way of every
 * request through the proxy. */
void connection_serve(struct connection *connection, struct turn *turn);

const char *phase_name(enum phase phase);

#endif
