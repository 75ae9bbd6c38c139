/* The environment: what variables say about a configuration. */
#ifndef PORTICO_CONFIG_ENVIRONMENT_H
#define PORTICO_CONFIG_ENVIRONMENT_H

#include "config/config.h"
#include "format/problems.h"

/* Fills the members of `config` that variables decide, or their defaults; an empty variable counts
 * as not set. What is wrong is added to `problems`. */
void environment_load(struct config *config, struct problems *problems);

#endif
