/* A command looks all its names up at once, and for a limited time. */
#ifndef PORTICO_NET_LOOKUP_H
#define PORTICO_NET_LOOKUP_H

#include <stddef.h>
#include <stdint.h>

#include "net/resolver.h"

struct lookup {
    const char *host; /* borrowed; NULL: there is nothing to look up, which is done at once */
    uint16_t port;
    /* What lookup_all fills in */
    enum resolver_result result; /* RESOLVER_PENDING: there was no answer in time */
    struct address addresses[RESOLVER_ADDRESSES];
    size_t count;
    char why[128]; /* there are none */
};

/* Looks the names up, each once however often it occurs, for at most `patience` (microseconds) and
 * a second; a look-up that goes on is left behind. */
void lookup_all(struct lookup *lookups, size_t count, int64_t patience);

#endif
