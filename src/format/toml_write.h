/* Writing TOML (1.0 and later): a tree to a stream, as a person would have laid it out. */
#ifndef PORTICO_FORMAT_TOML_WRITE_H
#define PORTICO_FORMAT_TOML_WRITE_H

#include <stdio.h>

#include "format/value.h"

/* Writes the table as a whole document: what toml_parse reads from it is the same. Values may be
 * strings, integers, booleans, arrays and tables, which suffice for configurations. Errors are
 * those of `out`. */
void toml_write(FILE *out, const struct value_table *root);

#endif
