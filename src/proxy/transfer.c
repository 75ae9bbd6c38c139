/* The phase EXCHANGE moves a request up and its answer down, both at once.
 *
 * phase_exchange moves whichever direction can move and waits for both when neither can. An
 * answer that starts early does not stop the upload (H22); an upstream that takes no more is
 * still read, since its answer says why; and when the answer ends first, the rest of the
 * request goes to LINGER.
 *
 * Invariants
 *  1. The answer's head is in down.out before anything of its body, and nothing is read from
 *     the upstream between them; so what has been said to the client is always a prefix of one
 *     well-formed answer, or of 1xx heads and one.
 *  2. The request's head is kept until the first byte of an answer, for H24. */
#include <errno.h>
#include <poll.h>

#include "proxy/exchange.h"
#include "proxy/forward.h"
#include "proxy/phase.h"
#include "proxy/upstream_pool.h"

/* Pipelined requests are read ahead to this, and no further, while one is being answered. */
#define READ_AHEAD 16384u

/* Has the whole request been taken by the upstream? */
static bool is_uploaded(const struct exchange *x)
{
    return !x->upload_broken && x->head_sent == buf_len(&x->head) && x->up.complete &&
           buf_len(&x->up.out) == 0;
}

/* --- the request, upwards ----------------------------------------------------------------- */

static enum relay_result send_head(struct exchange *x, struct turn *turn)
{
    while (x->head_sent < buf_len(&x->head)) {
        struct span rest = span_from(buf_span(&x->head), x->head_sent);
        ssize_t n = stream_write(&x->upstream, rest.data, rest.len);
        if (n == -1)
            return errno == EAGAIN ? RELAY_WANTS_WRITE : RELAY_TO_FAILED;
        x->head_sent += (uint32_t)n;
        turn->moved += (uint64_t)n;
    }
    return RELAY_DONE;
}

/* Moves the request. RELAY_DONE also when the upstream takes no more of it. */
static enum relay_result upload(struct exchange *x, struct turn *turn)
{
    if (x->upload_broken)
        return RELAY_DONE;
    enum relay_result result = send_head(x, turn);
    if (result == RELAY_DONE)
        result = relay_move(&x->up, turn);
    if (result == RELAY_TO_FAILED) {
        x->upload_broken = true;
        result = RELAY_DONE;
    }
    if (x->up.body > 0)
        x->awaits_continue = false;
    return result;
}

/* The minimum rate of a request's body, averaged over windows of time spent waiting for it.
 * True when the client has been too slow. */
static bool is_body_too_slow(struct exchange *x, int64_t now)
{
    int64_t window = x->route->timeouts.body;
    if (x->body_wait_began) {
        x->body_waited += now - x->body_wait_began;
        x->body_wait_began = 0;
    }
    if (x->config->body_rate == 0 || x->body_waited < window)
        return false;
    uint64_t owed = (uint64_t)(x->body_waited / CLOCK_MS) * x->config->body_rate / 1000;
    if (x->up.body - x->body_mark < owed)
        return true;
    x->body_waited = 0;
    x->body_mark = x->up.body;
    return false;
}

/* --- the answer, downwards ---------------------------------------------------------------- */

/* How an answer's body goes to this client (H19, H20). */
static enum http_framing choose_sink(const struct exchange *x, const struct http_response *answer)
{
    switch (answer->framing) {
    case HTTP_FRAMING_CHUNKED:
    case HTTP_FRAMING_CLOSE:
        return x->minor >= 1 ? HTTP_FRAMING_CHUNKED : HTTP_FRAMING_CLOSE;
    case HTTP_FRAMING_NONE:
    case HTTP_FRAMING_LENGTH:
        break;
    }
    return answer->framing;
}

/* The final head: from here on the answer is the upstream's. */
static enum relay_result begin_answer(struct connection *c, const struct http_response *answer,
                                      size_t size)
{
    struct exchange *x = c->exchange;
    enum http_framing sink = choose_sink(x, answer);
    /* An upload that is still under way may never end; its connection is not used again. */
    if (sink == HTTP_FRAMING_CLOSE || !is_uploaded(x) || connection_is_draining(c))
        x->keep_alive = false;
    size_t before = buf_len(&x->down.out);
    forward_response(&x->down.out, answer, x->minor, sink,
                     x->keep_alive ? FORWARD_KEEP_ALIVE : FORWARD_CLOSE);
    x->head_bytes += buf_len(&x->down.out) - before;
    x->status = (int)answer->status;
    x->answer_known = true;
    x->upstream_keeps = answer->keep_alive && answer->framing != HTTP_FRAMING_CLOSE;
    x->upstream_idle = answer->keep_alive_timeout;
    buf_consume(&x->answer_in, size);
    relay_begin(&x->down, &x->upstream, &x->answer_in, &c->client, answer->framing,
                answer->content_length, sink);
    return x->down.out.failed ? RELAY_NO_MEMORY : relay_join(&x->down);
}

static enum relay_result switch_protocols(struct connection *c, const struct http_response *answer,
                                          size_t size)
{
    struct exchange *x = c->exchange;
    forward_response(&x->down.out, answer, x->minor, HTTP_FRAMING_NONE, FORWARD_UPGRADE);
    x->head_bytes += buf_len(&x->down.out);
    x->status = 101;
    x->answer_known = true;
    buf_consume(&x->answer_in, size);
    tunnel_begin(c);
    return x->down.out.failed ? RELAY_NO_MEMORY : RELAY_DONE;
}

/* A complete head of `size` bytes lies in answer_in. RELAY_MALFORMED: `*reason` says why. */
static enum relay_result take_head(struct connection *c, const struct turn *turn, size_t size,
                                   enum reason *reason)
{
    struct exchange *x = c->exchange;
    struct http_response answer;
    char *head = x->answer_in.data + x->answer_in.start;
    x->scan = (struct http_scan){0};
    if (http_response_parse(head, size, x->is_head, &answer, reason) != PARSE_DONE)
        return RELAY_MALFORMED;
    x->upstream_us = turn->now - x->dial_began;
    if (answer.status == 101) {
        if (x->wants_upgrade && is_uploaded(x))
            return switch_protocols(c, &answer, size);
        *reason = REASON_UPSTREAM_UPGRADE;
        return RELAY_MALFORMED;
    }
    if (answer.status >= 200) {
        *reason = REASON_ANSWER_CHUNK; /* all that can be wrong from here on */
        return begin_answer(c, &answer, size);
    }
    x->awaits_continue = false;
    if (x->minor >= 1) {
        size_t before = buf_len(&x->down.out);
        forward_response(&x->down.out, &answer, x->minor, HTTP_FRAMING_NONE, FORWARD_KEEP_ALIVE);
        x->head_bytes += buf_len(&x->down.out) - before;
    }
    buf_consume(&x->answer_in, size);
    return x->down.out.failed ? RELAY_NO_MEMORY : RELAY_DONE;
}

static enum relay_result read_head(struct exchange *x, struct turn *turn)
{
    if (buf_reserve(&x->answer_in, x->answer_in.data ? 1 : READ_AHEAD) == -1)
        return RELAY_NO_MEMORY;
    ssize_t n = stream_read(&x->upstream, buf_tail(&x->answer_in), buf_room(&x->answer_in));
    if (n == -1 && errno == EAGAIN)
        return RELAY_WANTS_READ;
    if (n <= 0)
        return RELAY_FROM_ENDED;
    if (!x->answer_begun && x->head_sent == buf_len(&x->head)) {
        buf_release(&x->head);
        x->head_sent = 0;
    }
    x->answer_begun = true;
    buf_produce(&x->answer_in, (size_t)n);
    turn->moved += (uint64_t)n;
    return RELAY_DONE;
}

/* Moves the answer: 1xx heads, the final one, the body. `just_asked`: the last of the request has
 * gone out this very moment. RELAY_MALFORMED: `*reason` says why. */
static enum relay_result download(struct connection *c, struct turn *turn, bool just_asked,
                                  enum reason *reason)
{
    struct exchange *x = c->exchange;
    *reason = REASON_UPSTREAM_ANSWER;
    if (just_asked && !x->answer_begun && room_expect_silence(c->service->room, &x->upstream))
        return RELAY_WANTS_READ;
    for (bool first = true; !x->answer_known;) {
        size_t size;
        enum parse_result scanned = PARSE_MORE;
        enum relay_result result = relay_flush(&x->down, turn);
        if (result != RELAY_DONE)
            return result;
        if (buf_len(&x->answer_in))
            scanned = http_scan(&x->scan, HTTP_RESPONSE, buf_span(&x->answer_in), &size, reason);
        if (scanned == PARSE_BAD)
            return RELAY_MALFORMED;
        if (scanned == PARSE_DONE) {
            result = take_head(c, turn, size, reason);
            if (result == RELAY_DONE && !x->answer_known && turn_is_over(turn))
                return RELAY_TURN_OVER; /* one interim head after the other */
        } else {
            if (!first && turn_is_over(turn))
                return RELAY_TURN_OVER;
            first = false;
            result = read_head(x, turn);
        }
        if (result != RELAY_DONE)
            return result;
    }
    *reason = REASON_ANSWER_CHUNK;
    return c->phase == PHASE_TUNNEL ? RELAY_DONE : relay_move(&x->down, turn);
}

/* --- ends --------------------------------------------------------------------------------- */

static void release_upstream(struct connection *c, const struct turn *turn, bool uploaded)
{
    struct exchange *x = c->exchange;
    struct upstream_pool *pool = x->target->pool;
    int64_t idle = x->route->timeouts.upstream_idle;
    if (x->upstream_idle > 0 && (int64_t)(x->upstream_idle - 1) * CLOCK_SECOND < idle)
        idle = (int64_t)(x->upstream_idle - 1) * CLOCK_SECOND;
    /* H23: bytes behind the answer belong to nobody. */
    if (!x->upstream_keeps || !uploaded || idle <= 0 || buf_len(&x->answer_in) || x->upstream.eof ||
        connection_is_draining(c)) {
        upstream_close(c, !uploaded);
        return;
    }
    room_forget(c->service->room, &x->upstream);
    upstream_pool_put(pool, &x->upstream, &x->address, turn->now, turn->now + idle);
}

/* The answer has gone out, all of it. */
static enum step finish(struct connection *c, const struct turn *turn)
{
    struct exchange *x = c->exchange;
    bool uploaded = x->target ? is_uploaded(x) : x->framing == HTTP_FRAMING_NONE;
    bool keep = x->keep_alive && uploaded && !connection_is_draining(c);
    if (x->target)
        release_upstream(c, turn, uploaded);
    exchange_end(c);
    /* H27: a client that has said its last may still be owed answers to what it said before. */
    if (!keep || (c->client.eof && buf_len(&c->in) == 0))
        return connection_finish(c, !uploaded || buf_len(&c->in) > 0);
    c->phase = PHASE_HEAD;
    c->phase_began = turn->now;
    c->head_begun = false;
    c->answered = true;
    return STEP_NEXT;
}

/* The client ended before its body did. A plain one that is being answered already may mean
 * just that: it has seen enough to know that the rest is not wanted (H22, H27). */
static bool gives_up_upload(struct connection *c)
{
    struct exchange *x = c->exchange;
    if (!x->answer_known || connection_end_is_final(c) || c->client.broken)
        return false;
    x->upload_broken = true;
    return true;
}

/* Can the request be sent once more? Of a body none may be gone: that of a client which waits to
 * be told to go on is not even here. */
static bool is_repeatable(const struct exchange *x)
{
    bool consumed =
        x->framing == HTTP_FRAMING_LENGTH ? x->up.body > 0 : x->framing != HTTP_FRAMING_NONE;
    return x->is_idempotent && !consumed;
}

/* The upstream ended before its answer did. */
static enum step upstream_ended(struct connection *c)
{
    struct exchange *x = c->exchange;
    if (x->answer_known)
        return exchange_fail(c, REASON_ANSWER_SHORT);
    if (!x->pooled || x->retried || x->answer_begun || !is_repeatable(x))
        return exchange_fail(c, REASON_UPSTREAM_CLOSED);
    /* H24: it died while it lay in the pool, and so have its like. */
    upstream_pool_clear(x->target->pool);
    upstream_close(c, false);
    dial_anew(x);
    x->retried = true;
    x->head_sent = 0;
    x->upload_broken = false;
    c->phase = PHASE_CONNECT;
    return STEP_NEXT;
}

/* While the upstream takes no more of the request, or the client has said its last, nothing is read
 * from it, and nothing can be known of it but that it has reset the connection. False when it
 * has. */
static bool watch_for_reset(const struct connection *c, short *client_events)
{
    *client_events |= POLLERR;
    return !stream_is_reset(&c->client);
}

/* Reads what the client sends while it waits for its answer: nothing, or its next requests, or
 * its end. False when it is gone (H27). */
static bool watch_client(struct connection *c, struct turn *turn, short *client_events)
{
    if (c->client.eof || buf_len(&c->in) >= READ_AHEAD)
        return watch_for_reset(c, client_events);
    if (buf_reserve(&c->in, READ_AHEAD - buf_len(&c->in)) == -1)
        return true;
    while (buf_len(&c->in) < READ_AHEAD) {
        ssize_t n = stream_read(&c->client, buf_tail(&c->in), READ_AHEAD - buf_len(&c->in));
        if (n > 0) {
            buf_produce(&c->in, (size_t)n);
            turn->moved += (uint64_t)n;
            room_hand_over(turn->room); /* over TLS each byte may be a record of its own */
            continue;
        }
        if (n == 0)
            return !connection_end_is_final(c) && watch_for_reset(c, client_events);
        *client_events |= c->client.read_wants;
        return errno == EAGAIN;
    }
    return watch_for_reset(c, client_events);
}

/* --- waiting ------------------------------------------------------------------------------ */

struct deadline {
    int64_t at;
    enum reason reason;
};

static void sooner(struct deadline *deadline, int64_t at, enum reason reason)
{
    if (at < deadline->at)
        *deadline = (struct deadline){at, reason};
}

/* Who is being waited for, and until when. */
static struct deadline find_deadline(struct connection *c, enum relay_result up,
                                     enum relay_result down, int64_t now)
{
    struct exchange *x = c->exchange;
    const struct config_timeouts *timeouts = &x->route->timeouts;
    struct deadline deadline = {CLOCK_NEVER, REASON_NONE};
    /* A read that waits for room to write in waits for the client to read. */
    bool client_owes =
        up == RELAY_WANTS_READ && c->client.read_wants == POLLIN && !x->awaits_continue;
    uint64_t taken = stream_taken(&c->client);

    if (x->upstream.bytes_written != x->upstream_mark || client_owes) {
        x->upstream_mark = x->upstream.bytes_written;
        x->answer_since = now;
    }
    if (x->target && !x->answer_known && !client_owes)
        sooner(&deadline, x->answer_since + timeouts->answer, REASON_ANSWER_TIMEOUT);
    if (client_owes) {
        x->body_wait_began = now;
        if (x->config->body_rate)
            sooner(&deadline, now + timeouts->body - x->body_waited, REASON_BODY_TIMEOUT);
    }
    if (down != RELAY_WANTS_WRITE) {
        x->client_since = 0;
    } else {
        if (x->client_since == 0 || x->client_mark < taken)
            x->client_since = now;
        x->client_mark = taken;
        sooner(&deadline, x->client_since + timeouts->write, REASON_CLIENT_STALLED);
    }
    return deadline;
}

/* Neither direction can move, or their turn is over. STEP_NEXT: try again. */
static enum step await(struct connection *c, struct turn *turn, enum relay_result up,
                       enum relay_result down)
{
    struct exchange *x = c->exchange;
    short client_events = 0, upstream_events = 0;
    int64_t now = turn->now = clock_now();
    struct deadline deadline = find_deadline(c, up, down, now);
    int64_t wake_at = deadline.at;

    if (now >= deadline.at)
        return exchange_fail(c, deadline.reason);
    relay_add_events(&x->up, up, &client_events, &upstream_events);
    relay_add_events(&x->down, down, &upstream_events, &client_events);
    if (x->target && client_events == 0) {
        if (now < x->watch_at)
            wake_at = x->watch_at < wake_at ? x->watch_at : wake_at;
        else if (up == RELAY_DONE ? !watch_client(c, turn, &client_events)
                                  : !watch_for_reset(c, &client_events))
            return exchange_fail(c, REASON_CLIENT_GONE);
    }
    if (up == RELAY_TURN_OVER || down == RELAY_TURN_OVER)
        return connection_yield(c, client_events, upstream_events);
    return connection_wait(c, turn, client_events, upstream_events, wake_at) ? STEP_PARK
                                                                             : STEP_NEXT;
}

enum step phase_exchange(struct connection *c, struct turn *turn)
{
    struct exchange *x = c->exchange;
    for (;;) {
        enum reason reason = REASON_NONE;
        uint64_t before = x->upstream.bytes_written;
        enum relay_result up = x->target ? upload(x, turn) : RELAY_DONE;
        bool just_asked =
            up == RELAY_DONE && !x->upload_broken && x->upstream.bytes_written != before;
        if (up == RELAY_FROM_ENDED && !gives_up_upload(c))
            return exchange_fail(c, REASON_CLIENT_GONE);
        if (up == RELAY_MALFORMED)
            return exchange_fail(c, REASON_BAD_CHUNK);
        if (up == RELAY_NO_MEMORY)
            return exchange_fail(c, REASON_MEMORY);
        if (x->target && is_body_too_slow(x, turn->now))
            return exchange_fail(c, REASON_BODY_TIMEOUT);

        enum relay_result down =
            x->target ? download(c, turn, just_asked, &reason) : relay_flush(&x->down, turn);
        switch (down) {
        case RELAY_DONE:
            return c->phase == PHASE_TUNNEL ? STEP_NEXT : finish(c, turn);
        case RELAY_TO_FAILED:
            return exchange_fail(c, REASON_CLIENT_GONE);
        case RELAY_FROM_ENDED:
            return upstream_ended(c);
        case RELAY_MALFORMED:
            return exchange_fail(c, reason);
        case RELAY_NO_MEMORY:
            return exchange_fail(c, REASON_MEMORY);
        case RELAY_WANTS_READ:
        case RELAY_WANTS_WRITE:
        case RELAY_TURN_OVER:
            break;
        }
        enum step step = await(c, turn, up, down);
        if (step != STEP_NEXT || c->phase != PHASE_EXCHANGE || !x->target)
            return step;
    }
}
