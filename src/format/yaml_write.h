/* Writing YAML: a tree to a stream, so that YAML 1.1 and 1.2 read the same from it. */
#ifndef PORTICO_FORMAT_YAML_WRITE_H
#define PORTICO_FORMAT_YAML_WRITE_H

#include <stdio.h>

#include "format/value.h"

/* Writes the table as a whole document: what yaml_parse and yaml_resolve read from it is the
 * same. Values may be strings, integers, booleans, arrays and tables. Errors are those of
 * `out`. */
void yaml_write(FILE *out, const struct value_table *root);

#endif
