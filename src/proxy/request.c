/* The phase HEAD reads a request's head, and begins what becomes of it.
 *
 * The head is scanned as it arrives and decided about once it is complete (proxy/decision); what
 * was decided is begun here. Everything that is needed from the head later is copied out (the
 * log's texts) or written (the head that goes upstream) before this phase ends: its bytes do not
 * outlive it. */
#include <errno.h>
#include <poll.h>

#include "base/check.h"
#include "base/metrics.h"
#include "proxy/decision.h"
#include "proxy/phase.h"
#include "proxy/reply.h"
#include "proxy/trust.h"

/* Fields in the access line are for people; whoever sends megabytes gets them cut off. */
#define LOG_FIELD_MAX   1024u
#define LOG_VERSION_MAX 16u

/* How long the client may take for what it is doing: RFC 9112 leaves it to us. */
static int64_t head_deadline(const struct connection *c, const struct config_timeouts *timeouts)
{
    bool kept_alive = !c->head_begun && c->requests > 0;
    return c->phase_began + (kept_alive ? timeouts->keep_alive : timeouts->head);
}

static uint32_t keep_text(struct buf *text, struct span s)
{
    buf_append_span(text, s);
    return (uint32_t)s.len;
}

static uint32_t keep_field(struct buf *text, const struct http_request *request, struct span name)
{
    const struct http_field *field = http_field_find(request->fields, request->field_count, name);
    return field ? keep_text(text, span_first(field->value, LOG_FIELD_MAX)) : 0;
}

/* What only the access line needs. */
static void remember_for_log(struct exchange_log *log, const struct http_request *request)
{
    log->method = keep_text(&log->text, request->method);
    log->target = keep_text(&log->text, request->target);
    log->version = keep_text(&log->text, span_first(request->version, LOG_VERSION_MAX));
    if (request->host.len)
        log->host = keep_text(&log->text, span_first(request->host, LOG_FIELD_MAX));
    else
        log->host = keep_field(&log->text, request, SPAN("Host"));
    log->referer = keep_field(&log->text, request, SPAN("Referer"));
    log->agent = keep_field(&log->text, request, SPAN("User-Agent"));
}

/* Copies what the exchange needs of the head beyond this phase. */
static void remember(struct connection *c, const struct http_request *request)
{
    struct exchange *x = c->exchange;
    struct exchange_log *log = &x->log;
    char id[REQUEST_ID_MAX + 1];

    forward_request_id(request, id);
    log->request_id = (uint8_t)keep_text(&log->text, span_str(id));
    buf_append(&log->text, "", 1);
    if (x->config->access_log)
        remember_for_log(log, request);

    x->minor = (uint8_t)request->minor;
    x->is_head = request->is_head;
    x->is_idempotent = request->is_idempotent;
    x->keep_alive = request->keep_alive;
    x->wants_upgrade = request->wants_upgrade;
    x->wants_html = reply_wants_html(request);
    x->awaits_continue = request->expect_continue;
    /* "Content-Length: 0" travels on, but there is no body to be consumed or left over. */
    bool is_empty = request->framing == HTTP_FRAMING_LENGTH && request->content_length == 0;
    x->framing = is_empty ? HTTP_FRAMING_NONE : request->framing;
    x->content_length = request->content_length;
}

/* Where its body ends, or whether it has one, is anybody's guess. */
static void distrust(struct exchange *x)
{
    x->framing = HTTP_FRAMING_CLOSE;
    x->keep_alive = false;
}

/* A head that cannot be taken apart, or that took too long. What there is of it says who asked for
 * what, and how the answer is to look. */
static enum step refuse(struct connection *c, struct turn *turn, enum reason reason)
{
    struct http_request request;
    enum reason ignored;
    struct span head = buf_len(&c->in) ? span_from(buf_span(&c->in), c->scan.skipped) : SPAN("");

    c->requests++;
    if (exchange_begin(c, turn->config) == -1)
        return connection_end(c, REASON_MEMORY);
    (void)http_request_parse(head, &request, &ignored);
    if (request.method.len)
        remember(c, &request);
    distrust(c->exchange);
    return c->exchange->log.text.failed ? connection_abort(c) : exchange_fail(c, reason);
}

/* The client has gone, or wants nothing more. */
static enum step ended(struct connection *c)
{
    if (!c->head_begun)
        return STEP_CLOSE;
    c->detail = "in the middle of a request's head";
    return connection_end(c, REASON_CLIENT_GONE);
}

static enum step timed_out(struct connection *c, struct turn *turn)
{
    if (c->head_begun)
        return refuse(c, turn, REASON_HEAD_TIMEOUT);
    return connection_end(c, c->requests ? REASON_IDLE : REASON_SILENT);
}

/* A read into `in`, without the system call where it would be in vain. */
static ssize_t read_client(struct connection *c)
{
    bool silent = c->answered && room_expect_silence(c->service->room, &c->client);
    c->answered = false;
    if (silent) {
        errno = EAGAIN;
        return -1;
    }
    return c->client.eof ? 0 : stream_read(&c->client, buf_tail(&c->in), buf_room(&c->in));
}

/* Reads once. STEP_NEXT: there is more in `in`. */
static enum step read_more(struct connection *c, struct turn *turn)
{
    size_t room = c->in.data ? 1 : BUF_IO;
    if (buf_reserve(&c->in, room) == -1)
        return connection_end(c, REASON_MEMORY);
    ssize_t n = read_client(c);
    if (n > 0) {
        buf_produce(&c->in, (size_t)n);
        turn->moved += (uint64_t)n;
        return STEP_NEXT;
    }
    if (n == 0 || errno != EAGAIN)
        return ended(c);
    if (!c->head_begun && connection_is_draining(c))
        return STEP_CLOSE;
    return connection_wait(c, turn, c->client.read_wants, 0,
                           head_deadline(c, &turn->config->timeouts))
               ? STEP_PARK
               : timed_out(c, turn);
}

static enum step redirect(struct connection *c, const struct decision *decision,
                          const struct http_request *request)
{
    struct exchange *x = c->exchange;
    struct reply reply = exchange_reply(x);
    decision_redirect(decision, x->config, request, &reply, &x->down.out);
    return exchange_answer(c);
}

static enum step hello(struct connection *c)
{
    struct exchange *x = c->exchange;
    struct reply reply = exchange_reply(x);
    struct reply_hello page = {
        .route = x->route->host,
        .client = c->client_address,
        .head = buf_span(&x->head),
        .tls_version = c->secure ? tls_version(connection_transport(c)) : NULL,
        .tls_cipher = c->secure ? tls_cipher(connection_transport(c)) : NULL,
    };
    reply_hello(&x->down.out, &reply, &page);
    return exchange_answer(c);
}

/* Begins what was decided. */
static enum step act(struct connection *c, const struct decision *decision,
                     const struct http_request *request, const struct decision_peer *peer)
{
    struct exchange *x = c->exchange;
    x->route = decision->route;
    if (decision->is_malformed)
        distrust(x);
    if (decision->verdict == VERDICT_REFUSE)
        return exchange_fail(c, decision->reason);
    if (decision->verdict == VERDICT_REDIRECT)
        return redirect(c, decision, request);

    decision_head(decision, request, peer, span_make(x->log.text.data, x->log.request_id),
                  &x->head);
    if (x->head.failed)
        return exchange_fail(c, REASON_MEMORY);
    if (decision->verdict == VERDICT_HELLO)
        return hello(c);
    x->target = x->route->upstream_state;
    c->phase = PHASE_CONNECT;
    return STEP_NEXT;
}

/* A complete head of `size` bytes lies at the front of `in`. */
static enum step begin_request(struct connection *c, struct turn *turn, size_t size)
{
    struct http_request request;
    struct span head = span_from(span_first(buf_span(&c->in), size), c->scan.skipped);
    struct decision_peer peer = {
        .client = {c->client_address, trust_has(turn->config, &c->client_address), c->secure},
        .sni = c->secure ? tls_sni(connection_transport(c)) : NULL,
        .fd = connection_transport(c)->fd,
        .is_quarantined = certs_store_is_quarantined,
        .certificates = c->service->certs,
    };

    c->requests++;
    if (exchange_begin(c, turn->config) == -1)
        return connection_end(c, REASON_MEMORY);
    struct decision decision = decide(c->exchange->config, head, &peer, &request);
    remember(c, &request);
    if (c->exchange->log.text.failed)
        return connection_abort(c);
    enum step step = act(c, &decision, &request, &peer);
    /* What follows the head is the body, or the next request. */
    if (step == STEP_NEXT)
        buf_consume(&c->in, size);
    return step;
}

/* Scans what has come. Empty lines before a head are not its beginning (H26). */
static enum parse_result scan(struct connection *c, const struct turn *turn, size_t *size,
                              enum reason *why)
{
    if (buf_len(&c->in) == 0)
        return PARSE_MORE;
    enum parse_result result = http_scan(&c->scan, HTTP_REQUEST, buf_span(&c->in), size, why);
    if (result == PARSE_MORE && c->scan.skipped == buf_len(&c->in)) {
        buf_release(&c->in);
        c->scan = (struct http_scan){0};
    } else if (!c->head_begun) {
        c->head_begun = true;
        c->phase_began = turn->now;
    }
    return result;
}

/* The turn is over, and the head is not: more of it may lie inside OpenSSL already. Whoever sends
 * and sends, and never a head, gets no more time than others. */
static enum step give_way(struct connection *c, struct turn *turn)
{
    if (turn->now >= head_deadline(c, &turn->config->timeouts))
        return timed_out(c, turn);
    return connection_yield(c, POLLOUT, 0);
}

/* Came in before the overload was noticed, and has waited for its first turn ever since. */
static bool is_to_be_shed(const struct connection *c)
{
    return !c->secure && c->requests == 0 && !c->head_begun && connection_is_stale(c);
}

enum step phase_head(struct connection *c, struct turn *turn)
{
    if (is_to_be_shed(c))
        return connection_turn_away(c);
    /* Pipelined requests are served in order, but not all in one turn. A client that reads none
     * of the answers is for the next exchange to find out. */
    if (buf_len(&c->in) && turn_is_over(turn))
        return connection_yield(c, POLLOUT, 0);
    for (bool first = true;; first = false) {
        size_t size;
        enum reason why;
        enum parse_result result = scan(c, turn, &size, &why);
        if (result == PARSE_DONE)
            return begin_request(c, turn, size);
        if (result == PARSE_BAD)
            return refuse(c, turn, why);
        if (!first && turn_is_over(turn))
            return give_way(c, turn);
        enum step step = read_more(c, turn);
        if (step != STEP_NEXT || c->phase != PHASE_HEAD)
            return step;
    }
}
