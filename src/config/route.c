/* The table of routes is a hash table of host names with open addressing, at most half full.
 * Immutable after construction, so any thread may read it. Peers choose what is looked up, the
 * operator what is stored: the longest probe is fixed when the table is built. */
#include "config/route.h"

#include <stdint.h>
#include <stdlib.h>

#include "config/names.h"

struct route_table {
    size_t mask; /* slots - 1; a power of two */
    const struct config_route *slots[];
};

static const struct config_route *find(const struct route_table *table, struct span host,
                                       size_t *slot)
{
    for (*slot = span_hash(host) & table->mask; table->slots[*slot];
         *slot = (*slot + 1) & table->mask)
        if (span_eq_nocase(span_str(table->slots[*slot]->host), host))
            return table->slots[*slot];
    return NULL;
}

struct route_table *route_table_new(const struct config_route *routes, size_t count)
{
    size_t slots = 8;
    while (slots < count * 2 + 1)
        slots *= 2;
    struct route_table *table = calloc(1, sizeof *table + slots * sizeof table->slots[0]);
    if (table == NULL)
        return NULL;
    table->mask = slots - 1;
    for (size_t i = 0; i < count; i++) {
        size_t slot;
        if (routes[i].host && find(table, span_str(routes[i].host), &slot) == NULL)
            table->slots[slot] = &routes[i];
    }
    return table;
}

void route_table_free(struct route_table *table)
{
    free(table);
}

const struct config_route *route_find(const struct route_table *table, struct span host)
{
    char ip[HOST_TEXT];
    size_t slot;
    if (host.len > 1 && host.data[host.len - 1] == '.')
        host.len--;
    if (span_find(host, ':') < host.len && ip_canonical(host, ip))
        host = span_str(ip);
    return find(table, host, &slot);
}
