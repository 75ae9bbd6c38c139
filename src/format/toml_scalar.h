/* This module reads TOML's values that hold no others: strings, numbers, dates, true and false. */
#ifndef PORTICO_FORMAT_TOML_SCALAR_H
#define PORTICO_FORMAT_TOML_SCALAR_H

#include <stdbool.h>

#include "format/toml_lex.h"
#include "format/value.h"

/* Reads the string that begins with the next byte, which is a quotation mark or an apostrophe.
 * False, with the problem reported, if it is none. */
bool toml_string(struct toml_lex *lex, struct value *value);

/* The same for anything but a string, an array or an inline table. */
bool toml_scalar(struct toml_lex *lex, struct value *value);

#endif
