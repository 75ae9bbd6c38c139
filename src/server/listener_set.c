/* This module opens the set of listeners (listener_set.h). Main opens the first set, the thread
 * "admin" those of a reload; closing is the acceptor's, which polls them.
 *
 * A new listener can overlap with one that is about to go (0.0.0.0 becomes 127.0.0.1, on the
 * same port), which the kernel refuses unless both have SO_REUSEPORT. They get it for the
 * moment of binding only: with it, a second Portico could start on the same port unnoticed. */
#include "server/listener_set.h"

#include <errno.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "net/listener.h"

static bool is_same(const struct listening *a, const struct listening *b)
{
    return a->secure == b->secure && address_same_ip(&a->wanted, &b->wanted) &&
           address_port(&a->wanted) == address_port(&b->wanted);
}

bool listener_set_has(const struct listener_set *set, int fd)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->items[i].fd == fd)
            return true;
    return false;
}

/* What `old` has already and `set` wants is taken over, each listener once: with port 0 two can
 * look alike. */
static void keep(struct listener_set *set, const struct listener_set *old)
{
    for (size_t k = 0; k < old->count; k++)
        for (size_t i = 0; i < set->count; i++)
            if (set->items[i].fd == -1 && is_same(&set->items[i], &old->items[k])) {
                set->items[i] = old->items[k];
                break;
            }
}

/* Those of `old` that are on the address's port and are not kept may be bound beside. */
static void share_leaving(const struct listener_set *old, const struct listener_set *set,
                          uint16_t port, bool share)
{
    for (size_t k = 0; k < old->count; k++)
        if (!listener_set_has(set, old->items[k].fd) && address_port(&old->items[k].bound) == port)
            listener_share(old->items[k].fd, share);
}

/* Opens one. 0, also if this machine has no such addresses (then its descriptor stays -1); or -1
 * with `err`. */
static int open_one(struct listening *item, const struct listener_set *old,
                    const struct listener_set *set, struct err *err)
{
    struct address any;
    char text[ADDRESS_TEXT];
    item->bound = item->wanted;
    item->fd = listener_open(&item->bound, false, err);
    if (item->fd == -1 && errno == EADDRINUSE) {
        uint16_t port = address_port(&item->wanted);
        share_leaving(old, set, port, true);
        item->fd = listener_open(&item->bound, true, err);
        int error = errno;
        share_leaving(old, set, port, false);
        errno = error;
    }
    bool is_any = address_parse_ip(SPAN("::"), 0, &any) && address_same_ip(&any, &item->wanted);
    if (item->fd == -1 && address_is_v6(&item->wanted) &&
        (errno == EAFNOSUPPORT || (errno == EADDRNOTAVAIL && is_any))) {
        log_write(LOG_INFO, "not listening on %s: this machine has no IPv6",
                  address_format(&item->wanted, text));
        return 0;
    }
    if (item->fd == -1)
        return -1;
    log_write(LOG_INFO, "listening on %s %s", item->secure ? "https" : "http",
              address_format(&item->bound, text));
    return 0;
}

static void collect(struct listener_set *wanted, const struct config *config)
{
    wanted->count = 0;
    for (char **host = config->listen; *host; host++) {
        for (int secure = 0; secure <= 1; secure++) {
            check(wanted->count < LISTENER_SET_MAX); /* as was their number */
            struct listening *item = &wanted->items[wanted->count++];
            *item = (struct listening){.secure = secure, .fd = -1};
            bool ok = address_parse_ip(
                span_str(*host), secure ? config->https_port : config->http_port, &item->wanted);
            check(ok); /* checked as the configuration was loaded */
        }
    }
}

/* Closes those that `old` has not. */
static void close_new(struct listener_set *set, const struct listener_set *old)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->items[i].fd != -1 && !listener_set_has(old, set->items[i].fd))
            close(set->items[i].fd);
    set->count = 0;
}

int listener_set_open(struct listener_set *set, const struct listener_set *old,
                      const struct config *config, struct err *err)
{
    size_t opened = 0;
    collect(set, config);
    keep(set, old);
    for (size_t i = 0; i < set->count; i++)
        if (set->items[i].fd == -1 && open_one(&set->items[i], old, set, err) == -1) {
            close_new(set, old);
            return -1;
        }
    for (size_t i = 0; i < set->count; i++)
        if (set->items[i].fd != -1)
            set->items[opened++] = set->items[i];
    set->count = opened;
    return opened > 0 ? 0 : err_set(err, "there is no address to listen on");
}
