/* This module moves the bytes of a relay (relay.h).
 *
 * Invariants
 *  1. `in` is looked at only when `out` is empty, and `from` is read only when both are empty of
 *     body bytes: what is undelivered fits one buffer.
 *  2. A refused write is repeated with the same bytes first: they stay where they are, at the
 *     front of `out` or of `in`. OpenSSL requires it.
 *  3. More than a record's worth is read only when `to` has room for it, and written before
 *     anything else is done: what is undelivered when the receiver stalls is a record, unless the
 *     kernel did not keep its word. How far its word goes is learned: a relay moves little at
 *     first, more while the receiver reads, and after a mistake a record at a time for a while.
 *  4. RELAY_WANTS_WRITE is only answered after a write that was refused, and RELAY_WANTS_READ after
 *     such a read or splice: whoever waits may count on the kernel knowing. */
#include "proxy/relay.h"

#include <errno.h>
#include <poll.h>

#include "base/check.h"
#include "net/bulk.h"

/* One read, and one TLS record's worth. */
#define READ_SIZE 16384u
/* The least that is moved in bulk: less is not worth knowing whether there is room for it. */
#define BULK_MIN ((size_t)64 * 1024)
/* What goes in single records after a receiver that took less than it had room for. */
#define WARY_BYTES ((uint64_t)1 << 20)
/* The most that may be under way to a receiver that keeps up. More made no difference to the CPU
 * time, and may be the sign of a slow receiver. */
#define KEEPS_UP_MAX ((size_t)128 * 1024)

void relay_begin(struct relay *relay, struct stream *from, struct buf *in, struct stream *to,
                 enum http_framing source, uint64_t length, enum http_framing sink)
{
    relay->from = from;
    relay->in = in;
    relay->to = to;
    relay->source = source;
    relay->sink = sink;
    relay->remaining = source == HTTP_FRAMING_LENGTH ? length : 0;
    relay->chunk = (struct http_chunk){0};
    relay->flowing = false;
    relay->portion = BULK_MIN;
    relay->acknowledged = to->bytes_written;
    relay->wary_until = 0;
    relay->complete = source == HTTP_FRAMING_NONE || (source == HTTP_FRAMING_LENGTH && length == 0);
    relay->body = 0;
}

/* Does the body travel unchanged? */
static bool is_verbatim(const struct relay *relay)
{
    return relay->source != HTTP_FRAMING_CHUNKED && relay->sink != HTTP_FRAMING_CHUNKED;
}

/* The body's bytes at the front of `in`, of a source that is not chunked. */
static struct span body_bytes(const struct relay *relay)
{
    struct span bytes = buf_span(relay->in);
    return relay->source == HTTP_FRAMING_LENGTH && relay->remaining < bytes.len
               ? span_first(bytes, (size_t)relay->remaining)
               : bytes;
}

/* `len` bytes of such a body are on their way. */
static void body_moved(struct relay *relay, size_t len)
{
    relay->body += len;
    if (relay->source == HTTP_FRAMING_LENGTH) {
        relay->remaining -= len;
        relay->complete = relay->remaining == 0;
    }
}

static void body_taken(struct relay *relay, size_t len)
{
    buf_consume(relay->in, len);
    body_moved(relay, len);
}

static void append_framed(struct relay *relay, struct span content)
{
    char line[HTTP_CHUNK_HEAD_MAX];
    if (content.len == 0)
        return;
    if (relay->sink == HTTP_FRAMING_CHUNKED)
        buf_append(&relay->out, line, http_chunk_head(content.len, line));
    buf_append_span(&relay->out, content);
    if (relay->sink == HTTP_FRAMING_CHUNKED)
        buf_append(&relay->out, "\r\n", 2);
}

static void append_last_chunk(struct relay *relay)
{
    if (relay->sink == HTTP_FRAMING_CHUNKED)
        buf_append(&relay->out, "0\r\n\r\n", 5);
}

/* Decodes all of `in` that belongs to a chunked body, packing the content to its front, so that
 * many small chunks travel on as one. *content is what was found. */
static enum parse_result decode_chunks(struct relay *relay, struct span *content)
{
    char *front = relay->in->data + relay->in->start;
    size_t packed = 0;
    size_t at = 0;
    enum parse_result result = PARSE_MORE;
    struct span in = buf_span(relay->in);
    while (result == PARSE_MORE && at < in.len) {
        size_t consumed;
        struct span data;
        result = http_chunk_decode(&relay->chunk, span_from(in, at), &consumed, &data);
        if (data.len) {
            memmove(front + packed, data.data, data.len);
            packed += data.len;
        }
        at += consumed;
    }
    *content = span_make(front, packed);
    relay->body += packed;
    relay->complete = result == PARSE_DONE;
    /* The content lies in consumed space and is used before `in` is touched again. */
    buf_consume(relay->in, at);
    return result;
}

/* Takes what is in `in` and puts it, framed, into `out`. */
static enum relay_result encode(struct relay *relay)
{
    struct span content;
    if (relay->source == HTTP_FRAMING_CHUNKED) {
        if (decode_chunks(relay, &content) == PARSE_BAD)
            return RELAY_MALFORMED;
        append_framed(relay, content);
    } else {
        content = body_bytes(relay);
        append_framed(relay, content);
        body_taken(relay, content.len);
    }
    if (relay->complete)
        append_last_chunk(relay);
    return relay->out.failed ? RELAY_NO_MEMORY : RELAY_DONE;
}

enum relay_result relay_join(struct relay *relay)
{
    if (relay->complete || buf_len(relay->in) == 0 || buf_len(&relay->out) > READ_SIZE / 2)
        return RELAY_DONE;
    if (buf_len(&relay->out) + buf_len(relay->in) + HTTP_CHUNK_HEAD_MAX + 8 > BUF_IO)
        return RELAY_DONE;
    return encode(relay);
}

/* RELAY_DONE when `len` or fewer bytes were written, of which *written says how many. */
static enum relay_result write_some(struct relay *relay, struct turn *turn, struct span bytes,
                                    size_t *written)
{
    ssize_t n = stream_write(relay->to, bytes.data, bytes.len);
    if (n == -1)
        return errno == EAGAIN ? RELAY_WANTS_WRITE : RELAY_TO_FAILED;
    *written = (size_t)n;
    turn->moved += (size_t)n;
    return RELAY_DONE;
}

enum relay_result relay_flush(struct relay *relay, struct turn *turn)
{
    while (buf_len(&relay->out)) {
        size_t written;
        enum relay_result result = write_some(relay, turn, buf_span(&relay->out), &written);
        if (result != RELAY_DONE)
            return result;
        buf_consume(&relay->out, written);
    }
    if (stream_flush(relay->to) == -1)
        return errno == EAGAIN ? RELAY_WANTS_WRITE : RELAY_TO_FAILED;
    return RELAY_DONE;
}

/* `to` was given no more than it had room for, and did not take all of it. */
static void become_wary(struct relay *relay)
{
    relay->portion = BULK_MIN;
    relay->wary_until = relay->body + WARY_BYTES;
}

/* Moves what is in `in` towards `to`. */
static enum relay_result forward(struct relay *relay, struct turn *turn)
{
    if (!is_verbatim(relay))
        return encode(relay);
    size_t written;
    enum relay_result result = write_some(relay, turn, body_bytes(relay), &written);
    if (result == RELAY_DONE)
        body_taken(relay, written);
    if (relay->to->held != NULL)
        become_wary(relay);
    return result;
}

/* A receiver that has read since the last time is given twice as much at once; one that has not,
 * half: as it comes to a stand, what the kernel may yet refuse is little. */
static void adapt(struct relay *relay, size_t under_way)
{
    uint64_t written = relay->to->bytes_written;
    uint64_t acknowledged = written > under_way ? written - under_way : 0;
    if (acknowledged > relay->acknowledged && relay->portion < BULK_MAX)
        relay->portion *= 2;
    else if (acknowledged <= relay->acknowledged && relay->portion > BULK_MIN)
        relay->portion /= 2;
    relay->acknowledged = acknowledged;
}

/* How much to move in bulk: what `to` has room for, or 0. Only bytes that flow, and go out as they
 * came in. Where what is refused would have to be kept, the kernel's word is good for `portion`;
 * where it can stay, *sure says that it need not: a receiver that keeps up, to which little is
 * under way, takes once more as much as it has taken. */
static size_t bulk_size(struct relay *relay, bool *sure)
{
    if (!relay->flowing || !is_verbatim(relay) || relay->body < relay->wary_until)
        return 0;
    size_t under_way, size = stream_room(relay->to, &under_way);
    adapt(relay, under_way);
    if (size > relay->portion && !bulk_leaves_rest(relay->from, relay->to))
        size = relay->portion;
    if (relay->source == HTTP_FRAMING_LENGTH && size > relay->remaining)
        size = (size_t)relay->remaining;
    if (size > BULK_MAX)
        size = BULK_MAX;
    *sure = under_way <= KEEPS_UP_MAX && relay->body >= under_way + size;
    return size < BULK_MIN ? 0 : size;
}

/* Moves bytes past the empty `in`, into which comes what `to` did not take; as bulk_move. */
static ssize_t move_in_bulk(struct relay *relay, struct turn *turn, size_t size, bool sure)
{
    room_hand_over(turn->room);
    ssize_t n = bulk_move(relay->from, relay->to, size, sure, relay->in);
    if (n > 0) {
        size_t written = (size_t)n - buf_len(relay->in);
        turn->moved += (size_t)n + written;
        body_moved(relay, written);
    }
    if (buf_len(relay->in) > 0 || relay->to->held != NULL || (n == -1 && errno == ENOTSUP))
        become_wary(relay);
    return n;
}

/* Reads once into the empty `in`, as stream_read does. */
static ssize_t read_in(struct relay *relay, struct turn *turn)
{
    if (buf_reserve(relay->in, READ_SIZE) == -1)
        return -1;
    ssize_t n = stream_read(relay->from, buf_tail(relay->in), READ_SIZE);
    if (n > 0) {
        buf_produce(relay->in, (size_t)n);
        turn->moved += (size_t)n;
    }
    return n;
}

/* `in` is empty: reads once, or moves in bulk. */
static enum relay_result fill(struct relay *relay, struct turn *turn)
{
    ssize_t n = 0;
    size_t size = 0;
    bool sure = false;
    if (!relay->from->eof) {
        size = bulk_size(relay, &sure);
        n = -1;
        errno = ENOTSUP;
        if (size > 0)
            n = move_in_bulk(relay, turn, size, sure);
        if (n == -1 && errno == ENOTSUP)
            n = read_in(relay, turn);
    }
    if (n > 0) {
        /* A bulk of records that are small ends before there are none left. */
        relay->flowing = n >= READ_SIZE || (size > 0 && !stream_is_plain(relay->from) &&
                                            relay->from->read_wants == 0);
        return RELAY_DONE;
    }
    if (n == -1 && errno == EAGAIN)
        return RELAY_WANTS_READ;
    if (n == -1 && errno == ENOMEM)
        return RELAY_NO_MEMORY;
    /* A clean end completes a body that lasts until the end, and only that. */
    if (n == 0 && relay->source == HTTP_FRAMING_CLOSE && !relay->from->broken) {
        relay->complete = true;
        append_last_chunk(relay);
        return relay->out.failed ? RELAY_NO_MEMORY : RELAY_DONE;
    }
    return RELAY_FROM_ENDED;
}

enum relay_result relay_move(struct relay *relay, struct turn *turn)
{
    for (bool first = true;; first = false) {
        enum relay_result result = relay_flush(relay, turn);
        if (result == RELAY_DONE && relay->complete)
            return RELAY_DONE;
        /* One step is always made: the opposite direction, which is moved first and shares the
         * turn, would otherwise keep this one waiting for as long as it has something to move. */
        if (result == RELAY_DONE && !first && turn_is_over(turn))
            return RELAY_TURN_OVER;
        if (result == RELAY_DONE)
            result = buf_len(relay->in) ? forward(relay, turn) : fill(relay, turn);
        if (result != RELAY_DONE)
            return result;
    }
}

void relay_add_events(const struct relay *relay, enum relay_result result, short *from, short *to)
{
    if (result == RELAY_WANTS_READ)
        *from |= relay->from->read_wants;
    else if (result == RELAY_WANTS_WRITE)
        *to |= relay->to->write_wants;
    else if (result == RELAY_TURN_OVER)
        *to |= POLLOUT;
}
