/* A route that is right, but can hardly be meant: warnings that cost no look at the world. */
#ifndef PORTICO_CONFIG_REVIEW_H
#define PORTICO_CONFIG_REVIEW_H

#include "config/config.h"
#include "config/setting.h"
#include "format/value.h"

/* Warns of a host that no client can ask for, or that no public CA gives certificates for. `host`
 * is where the file has it. */
void review_route(const struct config_route *route, const struct value *host,
                  struct setting_context *context);

#endif
