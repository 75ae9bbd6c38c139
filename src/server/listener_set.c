/* The set of listeners: see listener_set.h. Main opens the first set, the thread "admin" those
 * of a reload; closing is the acceptor's, which polls them.
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

void listener_set_match(const struct listener_set *old, const struct listener_set *wanted,
                        int same[LISTENER_SET_MAX])
{
    bool taken[LISTENER_SET_MAX] = {false};
    for (size_t i = 0; i < wanted->count; i++) {
        same[i] = -1;
        for (size_t k = 0; k < old->count && same[i] == -1; k++) {
            if (taken[k] || !is_same(&wanted->items[i], &old->items[k]))
                continue;
            same[i] = (int)k;
            taken[k] = true;
        }
    }
}

/* Those of `old` that are on the address's port and are not kept may be bound beside. */
static void share_leaving(const struct listener_set *old, const int same[LISTENER_SET_MAX],
                          size_t wanted, uint16_t port, bool share)
{
    for (size_t k = 0; k < old->count; k++) {
        bool kept = false;
        for (size_t i = 0; i < wanted; i++)
            kept = kept || same[i] == (int)k;
        if (!kept && address_port(&old->items[k].bound) == port)
            listener_share(old->items[k].fd, share);
    }
}

/* Opens one. 1: opened, 0: this machine has no such addresses, -1: err. */
static int open_one(struct listening *item, const struct listener_set *old,
                    const int same[LISTENER_SET_MAX], size_t wanted, struct err *err)
{
    struct address any;
    char text[ADDRESS_TEXT];
    item->bound = item->wanted;
    item->fd = listener_open(&item->bound, err);
    if (item->fd == -1 && errno == EADDRINUSE) {
        uint16_t port = address_port(&item->wanted);
        share_leaving(old, same, wanted, port, true);
        item->fd = listener_open_shared(&item->bound, err);
        int error = errno;
        share_leaving(old, same, wanted, port, false);
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
    return 1;
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

int listener_set_open(struct listener_set *set, const struct listener_set *old,
                      const struct config *config, struct err *err)
{
    struct listener_set wanted;
    int same[LISTENER_SET_MAX];
    set->count = 0;
    collect(&wanted, config);
    listener_set_match(old, &wanted, same);
    for (size_t i = 0; i < wanted.count; i++) {
        struct listening *item = &wanted.items[i];
        int opened = 1;
        if (same[i] != -1)
            *item = old->items[same[i]];
        else
            opened = open_one(item, old, same, wanted.count, err);
        if (opened == -1)
            goto failed;
        if (opened == 1)
            set->items[set->count++] = *item;
    }
    if (set->count > 0)
        return 0;
    err_set(err, "there is no address to listen on");
failed:
    for (size_t i = 0; i < set->count; i++) {
        bool ours = true;
        for (size_t k = 0; k < old->count; k++)
            ours = ours && set->items[i].fd != old->items[k].fd;
        if (ours)
            close(set->items[i].fd);
    }
    set->count = 0;
    return -1;
}
