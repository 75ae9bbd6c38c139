/* The phase TUNNEL moves bytes both ways after 101 Switching Protocols, until both ends have said
 * that they are done (H28).
 *
 * Each direction is a relay whose body lasts until its source ends; the end is passed on as a
 * half-close. A tunnel that loses one end to a reset loses the other one too. */
#include <errno.h>

#include "base/metrics.h"
#include "proxy/phase.h"

void tunnel_begin(struct connection *c)
{
    struct exchange *x = c->exchange;
    x->keep_alive = false;
    x->tunnel_active = clock_now();
    relay_begin(&x->up, &c->client, &c->in, &x->upstream, HTTP_FRAMING_CLOSE, 0,
                HTTP_FRAMING_CLOSE);
    relay_begin(&x->down, &x->upstream, &x->answer_in, &c->client, HTTP_FRAMING_CLOSE, 0,
                HTTP_FRAMING_CLOSE);
    c->phase = PHASE_TUNNEL;
    metrics_add(METRIC_TUNNELS, 1);
}

/* Moves one direction; once its source has ended and all is written, passes the end on. */
static enum relay_result move(struct relay *relay, struct turn *turn, bool *shut)
{
    if (*shut)
        return RELAY_DONE;
    enum relay_result result = relay_move(relay, turn);
    if (result != RELAY_DONE)
        return result;
    if (stream_shutdown(relay->to) == -1)
        return errno == EAGAIN ? RELAY_WANTS_WRITE : RELAY_TO_FAILED;
    *shut = true;
    return RELAY_DONE;
}

static enum step end(struct connection *c, enum reason reason)
{
    bool broken = reason == REASON_TUNNEL_BROKEN;
    c->exchange->reason = reason;
    upstream_close(c, broken);
    exchange_end(c);
    return broken ? connection_abort(c) : STEP_CLOSE;
}

static bool is_failure(enum relay_result result)
{
    return result == RELAY_FROM_ENDED || result == RELAY_TO_FAILED || result == RELAY_NO_MEMORY ||
           result == RELAY_MALFORMED;
}

enum step phase_tunnel(struct connection *c, struct turn *turn)
{
    struct exchange *x = c->exchange;
    const struct config_timeouts *timeouts = &x->route->timeouts;
    uint64_t moved = turn->moved;
    bool was_half = x->up_shut || x->down_shut;
    enum relay_result up = move(&x->up, turn, &x->up_shut);
    enum relay_result down = move(&x->down, turn, &x->down_shut);
    if (is_failure(up) || is_failure(down))
        return end(c, REASON_TUNNEL_BROKEN);
    if (up == RELAY_DONE && down == RELAY_DONE)
        return end(c, REASON_NONE);
    if (atomic_load_explicit(&c->service->ending, memory_order_relaxed) >= ENDING_TUNNELS)
        return end(c, REASON_SHUTDOWN);

    int64_t now = clock_now();
    bool half = up == RELAY_DONE || down == RELAY_DONE;
    if (turn->moved != moved || half != was_half)
        x->tunnel_active = now;
    int64_t deadline = x->tunnel_active + (half ? timeouts->tunnel_half : timeouts->tunnel);
    short client_events = 0, upstream_events = 0;
    relay_add_events(&x->up, up, &client_events, &upstream_events);
    relay_add_events(&x->down, down, &upstream_events, &client_events);
    if (up == RELAY_TURN_OVER || down == RELAY_TURN_OVER)
        return connection_yield(c, client_events, upstream_events);
    return connection_wait(c, turn, client_events, upstream_events, deadline)
               ? STEP_PARK
               : end(c, half ? REASON_TUNNEL_HALF : REASON_TUNNEL_IDLE);
}
