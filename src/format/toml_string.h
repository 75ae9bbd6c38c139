/* This module reads TOML's strings: "basic" and 'literal', of one line and of several. */
#ifndef PORTICO_FORMAT_TOML_STRING_H
#define PORTICO_FORMAT_TOML_STRING_H

#include <stdbool.h>

#include "format/toml_lex.h"
#include "format/value.h"

/* Reads the string that begins with the next byte, which is a quotation mark or an apostrophe.
 * False, with the problem reported, if it is none. */
bool toml_string(struct toml_lex *lex, struct value *value);

#endif
