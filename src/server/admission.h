/* Admission limits how many connections one client may have.
 *
 * Clients are counted by address (IPv6: by /64, which is what one customer gets), whether or
 * not they ever say anything; trusted proxies speak for many and are not counted. The acceptor
 * admits; workers, as connections end, give back. */
#ifndef PORTICO_SERVER_ADMISSION_H
#define PORTICO_SERVER_ADMISSION_H

#include <stdbool.h>
#include <stddef.h>

#include "net/address.h"

struct admission;

struct admission *admission_new(void); /* NULL when out of memory */
void admission_free(struct admission *admission);

/* Counts one more connection of the client; false when it has `max` (0: no limit), which is
 * the configuration's in force, and may be less than it was. */
bool admission_enter(struct admission *admission, const struct address *client, unsigned max);

/* One that was counted has ended. */
void admission_leave(struct admission *admission, const struct address *client);

#endif
