/* Looking names up for a command: all at once, and for a limited time. (What serves requests asks
 * the resolver, net/resolver.h.) */
#ifndef PORTICO_NET_LOOKUP_H
#define PORTICO_NET_LOOKUP_H

#include <stddef.h>
#include <stdint.h>

#include "net/resolver.h"

/* The answer is not known. Beside it there are 0, found, and the EAI_ codes, negative in glibc. */
#define LOOKUP_UNKNOWN 1

/* Looks `count` names up, some at a time, and stores what came of it in results[]; of those that
 * have no answer `patience` later (microseconds), or if there is no thread to ask, LOOKUP_UNKNOWN.
 * A look-up that goes on is left behind. `ask` and its `arg` as in struct resolver_source. 0, or
 * -1 with errno. */
int lookup_all(const char *const *names, size_t count, int64_t patience,
               int (*ask)(void *arg, const char *name, struct addrinfo **list), void *arg,
               int *results);

#endif
