/* The JSON Schema (draft 2020-12) of the configuration lets editors complete and check it in all
 * formats. It refuses nothing that Portico accepts. The other way round it is more generous:
 * the length of durations, numbers inside of addresses, hosts that occur twice and
 * what variables of the environment hold are beyond it. */
#ifndef PORTICO_CONFIG_JSON_SCHEMA_H
#define PORTICO_CONFIG_JSON_SCHEMA_H

#include <stdio.h>

void json_schema_print(FILE *out);

#endif
