/* The reference is what there is to say about each key of the configuration file and each
 * variable of the environment, as `portico help KEY` shows it and as config/reference.md. */
#ifndef PORTICO_CONFIG_REFERENCE_H
#define PORTICO_CONFIG_REFERENCE_H

#include <stdio.h>

#include "config/schema.h"

/* For a terminal. */
void reference_section(const struct section *section, FILE *out); /* with its keys */
void reference_setting(const struct section *section, const struct setting *setting, FILE *out);
void reference_variable(const struct setting *variable, FILE *out);

/* Everything, in Markdown. */
void reference_markdown(FILE *out);

#endif
