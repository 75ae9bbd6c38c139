/* Trust says whose forwarding fields are believed ([server] trusted_proxies).
 *
 * The networks are compiled once for each configuration and belong to it, so a request is judged
 * by the configuration that it is served under, however old its connection is. */
#ifndef PORTICO_PROXY_TRUST_H
#define PORTICO_PROXY_TRUST_H

#include <stdbool.h>

#include "config/config.h"
#include "net/address.h"

/* Compiles the networks of a configuration that is not published yet. 0, or -1 when out of
 * memory. */
int trust_attach(struct config *config);

/* Is the client one of the trusted proxies? */
bool trust_has(const struct config *config, const struct address *client);

#endif
