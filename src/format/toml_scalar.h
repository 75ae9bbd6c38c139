/* This module reads TOML's values of one word: numbers, dates, true and false. */
#ifndef PORTICO_FORMAT_TOML_SCALAR_H
#define PORTICO_FORMAT_TOML_SCALAR_H

#include <stdbool.h>

#include "format/toml_lex.h"
#include "format/value.h"

/* Reads anything but a string, an array or an inline table. False, with the problem reported, if
 * the next word is no such value. */
bool toml_scalar(struct toml_lex *lex, struct value *value);

#endif
