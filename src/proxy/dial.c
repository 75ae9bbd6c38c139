/* The phase CONNECT gets a connection to the upstream, from its pool or a new one.
 *
 * A pooled connection may have died unnoticed, and a request that was sent into it cannot
 * always be repeated; who may take one, and how old, is row H24. A new one takes a look-up
 * (parked until the resolver answers) and a connect(2) for each address in turn (parked until
 * the kernel answers). When every address has failed the name is looked up once more, since a
 * container that was restarted is somewhere else now. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/metrics.h"
#include "proxy/phase.h"
#include "proxy/upstream_pool.h"

/* A request that could not be repeated takes no pooled connection that was idle for longer. */
#define PROBABLY_ALIVE (1 * CLOCK_SECOND)
/* How long an answer may take before its client is watched for going away: watching costs a
 * system call, and most answers are there sooner. */
#define WATCH_AFTER (500 * CLOCK_MS)

void upstream_close(struct connection *c, bool abort)
{
    struct exchange *x = c->exchange;
    if (x->upstream.fd == -1)
        return;
    if (abort)
        stream_abort(&x->upstream);
    else
        stream_close(&x->upstream);
    metrics_add(METRIC_UPSTREAM_OPEN, -1);
}

void dial_anew(struct exchange *x)
{
    x->dial = DIAL_LOOK_UP;
    x->address_began = clock_now();
}

static enum step connected(struct connection *c, const struct turn *turn)
{
    struct exchange *x = c->exchange;
    buf_release(&x->addresses);
    x->answer_since = turn->now;
    x->watch_at = turn->now + WATCH_AFTER;
    x->upstream_mark = x->upstream.bytes_written;
    relay_begin(&x->up, &c->client, &c->in, &x->upstream, x->framing, x->content_length,
                x->framing);
    c->phase = PHASE_EXCHANGE;
    return STEP_NEXT;
}

static bool take_pooled(struct exchange *x, int64_t now)
{
    bool repeatable = x->is_idempotent && x->framing == HTTP_FRAMING_NONE;
    x->pooled = upstream_pool_get(x->target->pool, now, repeatable ? CLOCK_NEVER : PROBABLY_ALIVE,
                                  &x->upstream, &x->address);
    return x->pooled;
}

/* Why connect(2) failed, as a reason. */
static enum reason connect_failure(int error)
{
    switch (error) {
    case ECONNREFUSED:
        return REASON_UPSTREAM_REFUSED;
    case ECONNRESET: /* it was accepted, and reset before anybody looked */
        return REASON_UPSTREAM_CLOSED;
    case ETIMEDOUT:
        return REASON_CONNECT_TIMEOUT;
    default:
        return REASON_UPSTREAM_UNREACHABLE;
    }
}

/* The address at hand does not work: says so, for people, and forgets it. */
static void address_failed(struct connection *c, int error)
{
    struct exchange *x = c->exchange;
    char address[ADDRESS_TEXT], text[128];
    x->connect_reason = connect_failure(error);
    log_write(LOG_WARN, "%s: upstream %s at %s: %s", x->route->host, x->target->name,
              address_format(&x->address, address), strerror_r(error, text, sizeof text));
    upstream_close(c, false);
    x->dial = DIAL_NEXT_ADDRESS;
}

/* A socket for x->address; idle connections make room for it if they must. */
static int open_socket(struct connection *c)
{
    const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int family = c->exchange->address.sa.any.sa_family;
    int fd = socket(family, type, 0);
    if (fd == -1 && errno == EMFILE) {
        upstreams_close_idle(c->service->upstreams);
        fd = socket(family, type, 0);
    }
    return fd;
}

/* Begins to connect to the next address. False when there is none left. */
static bool try_next_address(struct connection *c)
{
    struct exchange *x = c->exchange;
    while (buf_len(&x->addresses) >= sizeof x->address) {
        memcpy(&x->address, buf_span(&x->addresses).data, sizeof x->address);
        buf_consume(&x->addresses, sizeof x->address);
        int fd = open_socket(c);
        if (fd == -1) {
            address_failed(c, errno);
            continue;
        }
        stream_init(&x->upstream, fd);
        stream_set_options(&x->upstream);
        metrics_add(METRIC_UPSTREAM_OPEN, 1);
        x->address_began = clock_now();
        x->dial = DIAL_CONNECTING;
        return true;
    }
    return false;
}

/* Asks how the connect is doing by repeating the call: it begins, goes on, has succeeded or
 * failed. STEP_NEXT: done, or another address is to be tried. */
static enum step go_on_connecting(struct connection *c, struct turn *turn)
{
    struct exchange *x = c->exchange;
    if (connect(x->upstream.fd, &x->address.sa.any, x->address.len) == 0 || errno == EISCONN)
        return connected(c, turn);
    if (errno == EINTR)
        return STEP_NEXT;
    if (errno != EINPROGRESS && errno != EALREADY) {
        address_failed(c, errno);
        return STEP_NEXT;
    }
    if (connection_wait(c, turn, 0, POLLOUT, x->address_began + x->route->timeouts.connect))
        return STEP_PARK;
    address_failed(c, ETIMEDOUT);
    return STEP_NEXT;
}

static enum step name_failed(struct connection *c, const char *why)
{
    struct exchange *x = c->exchange;
    log_write(LOG_WARN, "%s: upstream %s: %s", x->route->host, x->target->name, why);
    return exchange_fail(c, REASON_UPSTREAM_NAME);
}

/* Fills x->addresses. STEP_NEXT: they are there, or the exchange has failed. */
static enum step look_up(struct connection *c, struct turn *turn)
{
    struct exchange *x = c->exchange;
    struct service *service = c->service;
    struct address addresses[RESOLVER_ADDRESSES];
    size_t count = 0;
    char why[128];

    switch (resolver_lookup(service->resolver, x->target->host, x->target->port,
                            room_next_wait(service->room, &c->slot), addresses, &count, why,
                            sizeof why)) {
    case RESOLVER_DONE:
        if (x->resolved_anew && count == 1 && address_same_ip(&addresses[0], &x->address))
            return exchange_fail(c, x->connect_reason);
        x->dial = DIAL_NEXT_ADDRESS;
        buf_append(&x->addresses, addresses, count * sizeof addresses[0]);
        return x->addresses.failed ? exchange_fail(c, REASON_MEMORY) : STEP_NEXT;
    case RESOLVER_FAILED:
        return name_failed(c, why);
    case RESOLVER_PENDING:
        break;
    }
    if (!connection_wait(c, turn, 0, 0, x->address_began + x->route->timeouts.connect))
        return name_failed(c, "looking up its name takes too long");
    return STEP_PARK;
}

/* Every address has failed. */
static enum step all_failed(struct connection *c)
{
    struct exchange *x = c->exchange;
    struct address literal;
    if (address_parse_ip(span_str(x->target->host), 0, &literal))
        return exchange_fail(c, x->connect_reason);
    resolver_forget(c->service->resolver, x->target->host);
    if (x->resolved_anew || x->connect_reason == REASON_CONNECT_TIMEOUT)
        return exchange_fail(c, x->connect_reason);
    x->resolved_anew = true;
    dial_anew(x);
    return STEP_NEXT;
}

enum step phase_connect(struct connection *c, struct turn *turn)
{
    struct exchange *x = c->exchange;
    enum step step = STEP_NEXT;
    check(x->target != NULL);
    while (step == STEP_NEXT && c->phase == PHASE_CONNECT) {
        switch (x->dial) {
        case DIAL_POOL:
            x->dial_began = turn->now;
            if (take_pooled(x, x->dial_began))
                step = connected(c, turn);
            else
                dial_anew(x);
            break;
        case DIAL_LOOK_UP:
            step = look_up(c, turn);
            break;
        case DIAL_NEXT_ADDRESS:
            if (!try_next_address(c))
                step = all_failed(c);
            break;
        case DIAL_CONNECTING:
            step = go_on_connecting(c, turn);
            break;
        }
    }
    return step;
}
