/* A review finds routes that are right one by one, but not beside each other, or that can hardly be
 * meant. */
#ifndef PORTICO_CONFIG_REVIEW_H
#define PORTICO_CONFIG_REVIEW_H

#include "config/config.h"
#include "config/setting.h"

/* Writes down where each route stands in the file, and reports those whose host has a route
 * already. */
void review_duplicates(struct config *config, struct setting_context *context);

/* Warns of a host that no client can ask for, or that no public CA gives certificates for; `host`
 * is where the file has it. It costs no look at the world. */
void review_route(const struct config_route *route, const struct value *host,
                  struct setting_context *context);

/* The same of all routes of a configuration without errors. */
void review_routes(const struct config *config, struct setting_context *context);

#endif
