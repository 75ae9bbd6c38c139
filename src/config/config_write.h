/* Writing a configuration: what is in force, in any format. */
#ifndef PORTICO_CONFIG_CONFIG_WRITE_H
#define PORTICO_CONFIG_CONFIG_WRITE_H

#include "config/config.h"

/* Every setting of the schema that has a value, at its place and in its order; without those that
 * are what they would be anyway, unless `with_defaults`. Loading it again gives the same, secrets
 * apart. Errors are those of `out`. */
void config_write(const struct config *config, const struct format *format, bool with_defaults,
                  FILE *out);

#endif
