/* This module serves a connection, phase by phase (connection.h). The switch in connection_serve
 * is the proxy: every request goes through it, and each of its cases is one function to read.
 *
 * Invariants
 *  1. Whoever holds a connection (took it from the room, or has just opened it) is the only
 *     one to touch it; it ends by parking or by closing, and after either it is out of hand.
 *  2. A parked connection holds no buffer without unread bytes, and no exchange between two
 *     requests.
 *  3. connection_wait is the only place where a peer is waited for. */
#include "proxy/connection.h"

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>

#include "base/check.h"
#include "base/log.h"
#include "base/metrics.h"
#include "proxy/phase.h"

/* What an idle plain connection costs, but for the kernel's share. */
_Static_assert(sizeof(struct connection) <= 384, "what only a request needs belongs to exchange");

/* What LINGER discards before it gives up. */
#define LINGER_BYTES ((uint64_t)1 << 20)

const char *phase_name(enum phase phase)
{
    static const char *const names[] = {"handshake", "head",   "connect",
                                        "exchange",  "tunnel", "linger"};
    check((size_t)phase < sizeof names / sizeof names[0]);
    return names[phase];
}

void connection_open(struct connection *c, struct service *service, int fd,
                     const struct address *client, bool secure, bool counted)
{
    /* Not the slot: somebody who holds a stale ticket may have its mutex this very moment. */
    memset((char *)c + sizeof c->slot, 0, sizeof *c - sizeof c->slot);
    c->magic = CONNECTION_MAGIC;
    c->service = service;
    c->client_address = *client;
    c->secure = secure;
    c->counted = counted;
    c->phase = secure ? PHASE_HANDSHAKE : PHASE_HEAD;
    c->phase_began = clock_now();
    stream_init(&c->client, fd);
    if (secure)
        room_enter_queue(service->room, &c->slot, ROOM_HANDSHAKES, &c->client);
    metrics_add(METRIC_CONNECTIONS, 1);
    metrics_add(METRIC_CONNECTIONS_TOTAL, 1);
}

/* Closes everything and gives the slot back. Only with the connection in hand (RUNNING). */
static void connection_close(struct connection *c)
{
    check_magic(c, CONNECTION_MAGIC);
    struct service *service = c->service;
    exchange_end(c);
    stream_close(&c->client);
    buf_release(&c->in);
    c->magic = 0;
    metrics_add(METRIC_CONNECTIONS, -1);
    service->connection_ended(service->connection_ended_arg, &c->client_address, c->counted);
    room_release(service->room, &c->slot);
}

bool connection_is_stale(const struct connection *c)
{
    int64_t age = clock_now() - c->phase_began;
    return age > atomic_load_explicit(&c->service->max_age[c->secure], memory_order_relaxed);
}

enum step connection_turn_away(struct connection *c)
{
    refusal_send(&c->service->overloaded, connection_transport(c)->fd, c->secure);
    return STEP_CLOSE;
}

bool connection_is_draining(const struct connection *c)
{
    return atomic_load_explicit(&c->service->ending, memory_order_relaxed) != ENDING_NOT;
}

enum step connection_end(struct connection *c, enum reason reason)
{
    char address[ADDRESS_TEXT];
    reason_count(reason);
    if (reason != REASON_IDLE)
        log_write(LOG_INFO, "%s closed: %s%s%s", address_format(&c->client_address, address),
                  reason_code(reason), c->detail ? ": " : "", c->detail ? c->detail : "");
    return STEP_CLOSE;
}

enum step connection_abort(struct connection *c)
{
    exchange_end(c); /* its log line wants to know what was sent */
    stream_abort(&c->client);
    return STEP_CLOSE;
}

enum step connection_finish(struct connection *c, bool input_unread)
{
    int waiting = 0;
    if (c->client.eof || c->client.broken)
        return STEP_CLOSE;
    /* Closing a socket with unread input sends a reset, which can destroy the answer on its
     * way (RFC 9112, 9.6). */
    if (!input_unread && ioctl(connection_transport(c)->fd, FIONREAD, &waiting) == 0 &&
        waiting == 0)
        return STEP_CLOSE;
    buf_release(&c->in);
    stream_shutdown(&c->client);
    c->phase = PHASE_LINGER;
    c->phase_began = clock_now();
    return STEP_NEXT;
}

static enum step phase_linger(struct connection *c, struct turn *turn)
{
    char discarded[16384];
    int64_t deadline = c->phase_began + turn->config->timeouts.linger;
    for (;;) {
        ssize_t n = stream_read(&c->client, discarded, sizeof discarded);
        if (n > 0) {
            c->lingered += (uint64_t)n;
            turn->moved += (uint64_t)n;
            if (c->lingered > LINGER_BYTES || clock_now() >= deadline)
                return STEP_CLOSE;
            if (turn_is_over(turn))
                /* Over TLS the next input may lie inside OpenSSL already; after the half-close
                 * a socket always counts as writable. */
                return connection_yield(c, POLLOUT, 0);
            continue;
        }
        if (n == 0 || errno != EAGAIN)
            return STEP_CLOSE;
        return connection_wait(c, turn, c->client.read_wants, 0, deadline) ? STEP_PARK : STEP_CLOSE;
    }
}

/* The handshake failed: what to do about it. */
static enum step handshake_failed(struct connection *c, struct turn *turn, enum reason why)
{
    switch (why) {
    case REASON_SILENT:
        /* Connected and gone without a byte: health checks do that all day. */
        return STEP_CLOSE;
    case REASON_BAD_TLS_PORT:
        /* Plain HTTP on the HTTPS port: say so in plain HTTP. */
        if (exchange_begin(c, turn->config) == -1)
            return connection_end(c, REASON_MEMORY);
        return exchange_fail(c, why);
    default:
        return connection_end(c, why);
    }
}

static enum step phase_handshake(struct connection *c, struct turn *turn)
{
    static _Thread_local char detail[160];
    enum reason why = REASON_HANDSHAKE_FAILED;
    int64_t deadline = c->phase_began + turn->config->timeouts.handshake;

    if (stream_is_plain(&c->client)) {
        if (turn->now >= deadline)
            return connection_end(c, REASON_SILENT);
        if (connection_is_draining(c))
            return STEP_CLOSE;
        if (connection_is_stale(c))
            return connection_turn_away(c);
        if (tls_accept(c->service->tls, &c->client) == -1)
            return connection_end(c, REASON_MEMORY);
    }
    room_hand_over(turn->room);
    struct room_ticket ticket = room_next_wait(c->service->room, &c->slot);
    if (tls_handshake(&c->client, &ticket, &why, detail, sizeof detail) == -1) {
        if (errno != EAGAIN) {
            c->detail = detail;
            return handshake_failed(c, turn, why);
        }
        short wants = (short)(c->client.read_wants | c->client.write_wants);
        if (connection_wait(c, turn, wants, 0, deadline))
            return STEP_PARK;
        c->detail = wants ? NULL : "its certificate is not loaded yet";
        return connection_end(c, REASON_HANDSHAKE_TIMEOUT);
    }
    room_enter_queue(c->service->room, &c->slot, ROOM_MAIN, &c->client);
    c->phase = PHASE_HEAD;
    c->phase_began = clock_now();
    return STEP_NEXT;
}

static void set_wait(struct connection *c, short client_events, short upstream_events,
                     int64_t deadline)
{
    c->wait_count = 0;
    if (client_events)
        c->wait[c->wait_count++] = (struct room_interest){&c->client, client_events};
    if (upstream_events)
        c->wait[c->wait_count++] = (struct room_interest){&c->exchange->upstream, upstream_events};
    c->wait_deadline = deadline;
}

bool connection_wait(struct connection *c, const struct turn *turn, short client_events,
                     short upstream_events, int64_t deadline)
{
    if (turn->now >= deadline)
        return false;
    set_wait(c, client_events, upstream_events, deadline);
    return true;
}

enum step connection_yield(struct connection *c, short client_events, short upstream_events)
{
    set_wait(c, client_events, upstream_events, clock_now());
    return STEP_PARK;
}

/* A parked connection holds its unread and undelivered bytes, in blocks of their size. */
static void trim(struct connection *c)
{
    buf_trim(&c->in);
    if (c->exchange == NULL)
        return;
    buf_trim(&c->exchange->answer_in);
    buf_trim(&c->exchange->up.out);
    buf_trim(&c->exchange->down.out);
}

/* Parks, unless what it waits for has come by now and its turn is not over. If it is over, others
 * go first: waiting to write as well makes the kernel look anew, and queue what it finds. */
static enum room_parked park(struct connection *c, struct turn *turn)
{
    struct room *room = c->service->room;
    trim(c);
    enum room_parked parked = room_park(room, &c->slot, c->wait, c->wait_count, c->wait_deadline);
    if (parked != ROOM_READY || !turn_is_over(turn))
        return parked;
    for (unsigned i = 0; i < c->wait_count; i++)
        c->wait[i].events |= POLLOUT;
    return room_park(room, &c->slot, c->wait, c->wait_count, c->wait_deadline);
}

/* At the very end nobody is waited for any more. */
static bool is_over(const struct connection *c)
{
    return atomic_load_explicit(&c->service->ending, memory_order_relaxed) == ENDING_NOW;
}

void connection_serve(struct connection *c, struct turn *turn)
{
    enum step step = STEP_NEXT;
    check_magic(c, CONNECTION_MAGIC);
    while (step != STEP_CLOSE && !is_over(c)) {
        switch (c->phase) {
        case PHASE_HANDSHAKE:
            step = phase_handshake(c, turn);
            break;
        case PHASE_HEAD:
            step = phase_head(c, turn);
            break;
        case PHASE_CONNECT:
            step = phase_connect(c, turn);
            break;
        case PHASE_EXCHANGE:
            step = phase_exchange(c, turn);
            break;
        case PHASE_TUNNEL:
            step = phase_tunnel(c, turn);
            break;
        case PHASE_LINGER:
            step = phase_linger(c, turn);
            break;
        }
        if (step == STEP_PARK) {
            enum room_parked parked = park(c, turn);
            if (parked == ROOM_PARKED)
                return;
            step = parked == ROOM_FAILED ? STEP_CLOSE : STEP_NEXT;
        }
    }
    if (c->exchange && step != STEP_CLOSE) {
        c->exchange->reason = REASON_SHUTDOWN;
        connection_abort(c);
    }
    connection_close(c);
}

void connection_await_first_byte(struct connection *c, int64_t timeout)
{
    set_wait(c, POLLIN, 0, c->phase_began + timeout);
    enum room_parked parked;
    do
        parked = room_park(c->service->room, &c->slot, c->wait, c->wait_count, c->wait_deadline);
    while (parked == ROOM_WOKEN);
    if (parked == ROOM_FAILED)
        connection_close(c);
}
