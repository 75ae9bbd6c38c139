/* Admission: how many connections one client may have.
 *
 * Clients are counted by address (IPv6: by /64, which is what one customer gets), whether or
 * not they ever say anything; trusted proxies speak for many and are not counted. The acceptor
 * admits; workers, as connections end, give back. */
#ifndef PORTICO_SERVER_ADMISSION_H
#define PORTICO_SERVER_ADMISSION_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "net/address.h"

struct admission;

/* For the limits and trusted proxies of `config`. NULL when out of memory. */
struct admission *admission_new(const struct config *config);
void admission_free(struct admission *admission);

bool admission_is_trusted(const struct admission *admission, const struct address *client);

/* Counts one more connection of the client; false when it has as many as it may. */
bool admission_enter(struct admission *admission, const struct address *client);

/* One that was counted has ended. */
void admission_leave(struct admission *admission, const struct address *client);

#endif
