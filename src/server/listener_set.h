/* The set of listeners is what [server] listen asks for, opened, and what becomes of it when
 * another configuration asks for something else. */
#ifndef PORTICO_SERVER_LISTENER_SET_H
#define PORTICO_SERVER_LISTENER_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "config/config.h"
#include "config/schema.h"
#include "net/address.h"

#define LISTENER_SET_MAX (2u * SCHEMA_ADDRESSES_MAX)

/* One listener: HTTP or HTTPS on an address. */
struct listening {
    struct address wanted; /* port 0: the kernel chooses */
    struct address bound;
    bool secure;
    int fd;
};

struct listener_set {
    struct listening items[LISTENER_SET_MAX];
    size_t count;
};

bool listener_set_has(const struct listener_set *set, int fd);

/* Opens what `config` asks for into `set`; what `old` has already is taken from there, open as
 * it is. 0; or -1 with `err`, and nothing has changed. */
int listener_set_open(struct listener_set *set, const struct listener_set *old,
                      const struct config *config, struct err *err);

#endif
