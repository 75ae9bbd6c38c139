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

/* The JSON Schema (draft 2020-12) of the configuration lets editors complete and check it in all
 * formats. It refuses nothing that Portico accepts. The other way round it is more generous: the
 * length of durations, numbers inside of addresses, hosts that occur twice and what variables of
 * the environment hold are beyond it. */
void json_schema_print(FILE *out);

#endif
