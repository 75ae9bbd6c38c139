/* The table of routes finds the route of a host in one look-up.
 *
 * A host entry is one name of the configuration. Exact names for now. Immutable; part of a
 * struct config. */
#ifndef PORTICO_CONFIG_ROUTE_H
#define PORTICO_CONFIG_ROUTE_H

#include <stddef.h>

#include "base/span.h"

struct config_route;
struct route_table;

/* Compiles `routes` (borrowed, must outlive the table): of those with the same host, the first;
 * and none whose host is NULL. NULL when out of memory. */
struct route_table *route_table_new(const struct config_route *routes, size_t count);
void route_table_free(struct route_table *table);

/* The route for a host (row H06: any case, a trailing dot is ignored; the port is off
 * already, IPv6 literals have no brackets), or NULL. */
const struct config_route *route_find(const struct route_table *table, struct span host);

#endif
