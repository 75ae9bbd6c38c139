/* An exchange is one request and its answer.
 *
 * It begins when a head is complete (proxy/request.c), gets an upstream (proxy/dial.c) or an
 * answer of Portico's own, and moves request bytes up and answer bytes down, full-duplex, until
 * both have ended (proxy/transfer.c). It holds a reference to the configuration it began
 * with. A connection that has none (idle, in its handshake, reading a head) does not hold the
 * memory of one either. */
#ifndef PORTICO_PROXY_EXCHANGE_H
#define PORTICO_PROXY_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/reason.h"
#include "config/config.h"
#include "net/address.h"
#include "net/stream.h"
#include "proxy/relay.h"
#include "proxy/upstream.h"

/* What the access line will need, copied from the head before its buffer is used again: the
 * texts lie behind each other in `text`. */
struct exchange_log {
    struct buf text;
    uint32_t method, target, version, host, referer, agent; /* lengths */
    uint8_t request_id;                                     /* length; its NUL is not counted */
};

enum dial { DIAL_POOL, DIAL_LOOK_UP, DIAL_NEXT_ADDRESS, DIAL_CONNECTING };

struct exchange {
    /* The request */
    struct config *config;            /* a reference */
    const struct config_route *route; /* in config; NULL when none was found */
    struct exchange_log log;
    uint8_t minor;
    bool is_head;
    bool is_idempotent;
    bool keep_alive; /* the client's wish, and ours as long as nothing forbids it */
    bool wants_upgrade;
    bool wants_html;
    bool awaits_continue; /* Expect: 100-continue, and neither 1xx nor body has come */
    enum http_framing framing;
    uint64_t content_length;
    int64_t began;

    /* The upstream: CONNECT and after */
    struct upstream *target; /* borrowed; NULL for an answer of Portico's own */
    struct stream upstream;
    struct address address;     /* where `upstream` leads, or is being connected to */
    struct buf addresses;       /* CONNECT: of struct address; those still to be tried first */
    enum dial dial;             /* CONNECT: how far it has come */
    bool pooled;                /* the connection has carried another exchange */
    bool retried;               /* a pooled one was dead, and this is the second try: H24 */
    bool resolved_anew;         /* the name was looked up again after every address failed */
    enum reason connect_reason; /* why the last address did not work */
    int64_t dial_began;         /* CONNECT as a whole */
    int64_t address_began;      /* the look-up, or the attempt at one address */

    /* Both directions */
    struct buf head; /* the request's head; kept until the first byte of an answer */
    uint32_t head_sent;
    struct relay up;      /* the request's body */
    struct relay down;    /* the answer */
    bool upload_broken;   /* the upstream takes no more; its answer is still read */
    struct buf answer_in; /* from the upstream */
    struct http_scan scan;
    bool answer_begun;      /* its first byte is here */
    bool answer_known;      /* the final head is parsed, and on its way */
    bool upstream_keeps;    /* the upstream's connection may be used again */
    uint32_t upstream_idle; /* seconds of Keep-Alive: timeout, or 0 */
    int status;             /* of the answer; 0 while unknown */
    uint64_t head_bytes;    /* of the answer, sent or to be sent: not body in the log */
    uint64_t client_begin;  /* client.bytes_written as the exchange began */
    enum reason reason;

    /* Deadlines */
    int64_t answer_since;    /* when the upstream last took something: it owes us an answer since */
    uint64_t upstream_mark;  /* upstream.bytes_written at that time */
    int64_t client_since;    /* since when the client has not read; 0 while it does */
    uint64_t client_mark;    /* stream_taken(client) at that time */
    int64_t body_waited;     /* in this window, time spent waiting for the client's body */
    int64_t body_wait_began; /* 0 while not waiting */
    uint64_t body_mark;      /* up.body as the window began */
    int64_t watch_at;        /* from when on the client is watched for going away */
    int64_t upstream_us;     /* until the answer's head had come; -1: no upstream was asked */

    /* TUNNEL */
    int64_t tunnel_active;   /* when something last moved */
    bool up_shut, down_shut; /* the end of that direction has been passed on */
};

#endif
