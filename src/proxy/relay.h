/* A relay is one direction of an exchange or a tunnel, from a stream to another.
 *
 *      from ──read──► in ──────────────────────────────write──► to     length, until-close
 *                     in ──decode──► out ──────────────write──► to     framing changes
 *
 * Bytes whose framing does not change go straight from `in` to the stream; others are decoded
 * (chunked, H19) and encoded into `out` first. `out` may also be filled by the owner, with a
 * head that goes before the body. Nothing is read while anything waits to be written, so a
 * relay never holds more than one buffer of undelivered bytes.
 *
 * Bytes that flow, and whose receiver has room, are moved in larger pieces and past `in`
 * (net/bulk.h).
 *
 * A relay keeps all its progress in itself and can be moved on by any worker. */
#ifndef PORTICO_PROXY_RELAY_H
#define PORTICO_PROXY_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "http/http_chunk.h"
#include "http/http_head.h"
#include "net/stream.h"
#include "proxy/turn.h"

struct relay {
    struct stream *from; /* borrowed, as the next two */
    struct stream *to;
    struct buf *in;           /* read and not looked at; may hold what follows the body */
    struct buf out;           /* ready to be written */
    enum http_framing source; /* how the body comes */
    enum http_framing sink;   /* how it goes out */
    uint64_t remaining;       /* of a body of known length */
    struct http_chunk chunk;  /* of a chunked one */
    bool flowing;             /* the last read found as much as it asked for, or plenty */
    uint32_t portion;         /* the most to move at once: grows while the receiver reads */
    uint64_t acknowledged;    /* by the receiver, as the portion was last thought over */
    uint64_t wary_until;      /* `body` up to which, after a receiver that did not, it is little */
    bool complete;            /* the end of the body has been taken from `in` */
    uint64_t body;            /* content bytes taken from `in` so far */
};

enum relay_result {
    RELAY_DONE,        /* the whole body has been written */
    RELAY_WANTS_READ,  /* `from` has nothing: wait for from->read_wants */
    RELAY_WANTS_WRITE, /* `to` takes nothing: wait for to->write_wants */
    RELAY_TURN_OVER,   /* the connection has had its share; more could be done */
    RELAY_FROM_ENDED,  /* `from` ended before the body did (H21) */
    RELAY_TO_FAILED,   /* `to` is gone; errno is the reason */
    RELAY_MALFORMED,   /* the chunked body is not one */
    RELAY_NO_MEMORY
};

/* For a body that begins. `from_framing` HTTP_FRAMING_NONE is complete at once. Keeps what is
 * in `out`. */
void relay_begin(struct relay *relay, struct stream *from, struct buf *in, struct stream *to,
                 enum http_framing source, uint64_t length, enum http_framing sink);

/* Moves what can be moved until the turn is over, and at least one step (a read or a write). */
enum relay_result relay_move(struct relay *relay, struct turn *turn);

/* Adds what a relay that has stopped with `result` can wait for: at `from`, and at `to`. */
void relay_add_events(const struct relay *relay, enum relay_result result, short *from, short *to);

/* Writes what is in `out`, and nothing else: RELAY_DONE, RELAY_WANTS_WRITE or
 * RELAY_TO_FAILED. */
enum relay_result relay_flush(struct relay *relay, struct turn *turn);

/* Joins the body's first bytes, if they have come, to the head in `out`: a small message
 * then leaves in one segment. RELAY_DONE, RELAY_MALFORMED or RELAY_NO_MEMORY. */
enum relay_result relay_join(struct relay *relay);

#endif
