/* A review finds routes that are right one by one, but not beside each other, or that can hardly be
 * meant. */
#ifndef PORTICO_CONFIG_REVIEW_H
#define PORTICO_CONFIG_REVIEW_H

#include "config/config.h"

/* Writes down where each route stands in the file, and reports those whose host has a route
 * already. */
void review_duplicates(struct config *config, struct problems *problems);

/* Warns of hosts that no client can ask for, or that no public CA gives certificates for, in a
 * configuration without errors. It costs no look at the world. */
void review_routes(const struct config *config, struct problems *problems);

/* What there is to warn of, as the end of a sentence, and its code; or NULL. */
const char *review_host(const char *host, enum cert_type cert_type, enum problem_code *code);

#endif
