/* What `portico check` sees when it looks around. */
#ifndef PORTICO_CLI_CHECK_WORLD_H
#define PORTICO_CLI_CHECK_WORLD_H

#include <stdbool.h>

#include "config/config.h"

/* Adds warnings of what does not fit the configuration now, in the order of their places: with
 * `look_up`, upstreams whose names do not resolve (which takes some seconds at most, however many
 * there are); certificates that cannot be read, or expire. The configuration was loaded with its
 * places. */
void check_world(const struct config *config, bool look_up, struct problems *problems);

#endif
