/* The reference: what there is to say about each key of the configuration file and each
 * variable of the environment, as `portico help KEY` shows it and as config/reference.md. */
#ifndef PORTICO_CONFIG_REFERENCE_H
#define PORTICO_CONFIG_REFERENCE_H

#include <stdio.h>

#include "config/schema.h"

/* For a terminal. */
void reference_section(const struct section *section, FILE *out); /* with its keys */
void reference_setting(const struct setting *setting, FILE *out);
void reference_variable(const struct variable *variable, FILE *out);

/* Everything, in Markdown. */
void reference_markdown(FILE *out);

/* The values that a setting may have, `"10ms" to "1h"` or `0 to 1024`; NULL when its type says
 * it all. Returns `out`. */
#define REFERENCE_RANGE 96u
const char *reference_range(const struct setting *setting, char out[REFERENCE_RANGE]);

#endif
