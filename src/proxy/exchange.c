/* This module begins exchanges, answers them for Portico itself, and ends them in the log
 * (exchange.h). What happens in between is in transfer.c.
 *
 * Once `answer_known`, an exchange that fails can only abort the client's connection; before, it
 * is answered with the reason's status. */
#include "proxy/exchange.h"

#include "base/check.h"
#include "base/metrics.h"
#include "proxy/access_log.h"
#include "proxy/phase.h"

int exchange_begin(struct connection *c, struct config *config)
{
    check(c->exchange == NULL);
    struct exchange *x = buf_block_get(sizeof *x);
    if (x == NULL)
        return -1;
    *x = (struct exchange){
        .config = config_ref(config),
        .minor = 1,
        .framing = HTTP_FRAMING_CLOSE, /* until the head says where the body ends */
        .began = c->phase_began,
        .upstream = STREAM_CLOSED,
        .upstream_us = -1,
        .client_begin = c->client.bytes_written,
    };
    x->up.from = x->down.to = &c->client;
    x->up.to = x->down.from = &x->upstream;
    x->down.complete = true;
    c->exchange = x;
    c->scan = (struct http_scan){0};
    return 0;
}

struct reply exchange_reply(const struct exchange *x)
{
    return (struct reply){
        .head_only = x->is_head,
        .keep_alive = x->keep_alive && x->framing == HTTP_FRAMING_NONE,
        .html = x->wants_html,
        .client_minor = x->minor,
        .request_id = x->log.request_id ? x->log.text.data : NULL,
    };
}

/* The answer begins `at` bytes into down.out, behind what is left of interim heads. */
static enum step answer(struct connection *c, enum reason reason, size_t at)
{
    struct exchange *x = c->exchange;
    if (x->down.out.failed)
        return connection_abort(c);
    x->target = NULL;
    x->answer_known = true;
    x->down.complete = true;
    x->keep_alive = x->keep_alive && x->framing == HTTP_FRAMING_NONE;
    x->reason = reason;
    x->status = reply_status(&x->down.out);
    struct span out = span_from(buf_span(&x->down.out), at);
    const char *blank = memmem(out.data, out.len, "\r\n\r\n", 4);
    x->head_bytes += blank ? (uint64_t)(blank - out.data) + 4 : out.len;
    c->phase = PHASE_EXCHANGE;
    return STEP_NEXT;
}

enum step exchange_answer(struct connection *c)
{
    return answer(c, REASON_NONE, 0);
}

enum step exchange_fail(struct connection *c, enum reason reason)
{
    struct exchange *x = c->exchange;
    upstream_close(c, true);
    if (x->answer_known || reason_status(reason) == 0) {
        x->reason = reason;
        return connection_abort(c);
    }
    struct reply reply = exchange_reply(x);
    size_t before = buf_len(&x->down.out);
    reply_error(&x->down.out, &reply, reason);
    return answer(c, reason, before);
}

static struct span take_text(struct span *rest, size_t len)
{
    struct span text = span_first(*rest, len);
    *rest = span_from(*rest, len);
    return text;
}

static void write_access_line(const struct connection *c)
{
    const struct exchange *x = c->exchange;
    const struct exchange_log *log = &x->log;
    uint64_t taken = stream_taken(&c->client);
    uint64_t sent = taken > x->client_begin ? taken - x->client_begin : 0;
    uint64_t body = sent > x->head_bytes ? sent - x->head_bytes : 0;
    /* The framing of chunks is not content. */
    if (x->target && x->down.body < body)
        body = x->down.body;
    struct access_entry entry = {
        .client = &c->client_address,
        /* 499: what is commonly logged for a client that left before its answer began. */
        .status = x->status ? x->status : 499,
        .bytes = body,
        .duration_us = clock_now() - x->began,
        .upstream_us = x->upstream_us,
        .reason = x->reason,
        .host = span_make("-", 1),
    };
    if (log->text.data) {
        struct span rest = buf_span(&log->text);
        entry.request_id = rest.data;
        rest = span_from(rest, log->request_id + 1u);
        entry.method = take_text(&rest, log->method);
        entry.target = take_text(&rest, log->target);
        entry.version = take_text(&rest, log->version);
        entry.host = take_text(&rest, log->host);
        entry.referer = take_text(&rest, log->referer);
        entry.agent = take_text(&rest, log->agent);
        entry.has_request_line = entry.method.len && entry.target.len;
    }
    if (x->route)
        entry.host = span_str(x->route->host);
    access_log_write(&entry);
}

void exchange_end(struct connection *c)
{
    struct exchange *x = c->exchange;
    if (x == NULL)
        return;
    if (c->phase == PHASE_TUNNEL)
        metrics_add(METRIC_TUNNELS, -1);
    if (x->config->access_log)
        write_access_line(c);
    metrics_add(METRIC_REQUESTS_TOTAL, 1);
    if (x->reason != REASON_NONE)
        reason_count(x->reason);
    /* Whatever is still open here did not come to a good end (H21). */
    upstream_close(c, true);
    buf_release(&x->log.text);
    buf_release(&x->addresses);
    buf_release(&x->head);
    buf_release(&x->up.out);
    buf_release(&x->down.out);
    buf_release(&x->answer_in);
    config_unref(x->config);
    c->exchange = NULL;
    buf_block_put(x, sizeof *x);
}
