/* A configuration as a tree again: what is in force, to be written in any format. */
#ifndef PORTICO_CONFIG_CONFIG_TREE_H
#define PORTICO_CONFIG_CONFIG_TREE_H

#include <stdbool.h>

#include "config/config.h"
#include "format/value.h"

/* Every setting of the schema that has a value, at its place and in its order; without those
 * that are what they would be anyway, unless `with_defaults`. Strings, integers, booleans, arrays
 * and tables only. Loading it again gives the same, secrets apart. NULL when out of memory. */
struct value_tree *config_tree_new(const struct config *config, bool with_defaults);

#endif
