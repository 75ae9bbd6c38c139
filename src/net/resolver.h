/* The resolver turns names into addresses, without ever making a worker wait.
 *
 * getaddrinfo runs in a few threads of the resolver's own. A worker asks; the answer comes
 * from the cache, or the worker parks its connection and the answer wakes it. One look-up is
 * in flight for a name, however many ask. A stale answer is served while it is refreshed; a
 * failure is remembered for a second, so that a missing name costs one look-up a second and
 * not one a request. IP literals are answered without a look-up. */
#ifndef PORTICO_NET_RESOLVER_H
#define PORTICO_NET_RESOLVER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/address.h"
#include "net/waiting_room.h"

#define RESOLVER_ADDRESSES 8u /* at most so many of a name are tried */

enum resolver_result { RESOLVER_DONE, RESOLVER_PENDING, RESOLVER_FAILED };

struct resolver;

/* Threads ("resolver") are started as names come, up to `threads` at a time. NULL with `err`. */
struct resolver *resolver_new(unsigned threads, struct err *err);

/* Ends the threads and frees everything, for the end of the process: a look-up that goes on for
 * longer than a second is left behind with what it needs. The rooms of all tickets still
 * stand; whoever waits is not woken any more. NULL is fine. */
void resolver_free(struct resolver *resolver);

/* Looks `host` up (a name or an IP literal, without brackets). RESOLVER_DONE: addresses[0..
 * *count) with `port`, in the order to try them. RESOLVER_PENDING: `ticket` is woken once the
 * answer is known, then ask again. RESOLVER_FAILED: `why` says it in a few words. */
enum resolver_result resolver_lookup(struct resolver *resolver, const char *host, uint16_t port,
                                     struct room_ticket ticket,
                                     struct address addresses[RESOLVER_ADDRESSES], size_t *count,
                                     char *why, size_t why_size);

/* An address of `host` did not work: the next look-up asks anew instead of the cache. One that
 * is in flight already counts as new. */
void resolver_forget(struct resolver *resolver, const char *host);

#endif
