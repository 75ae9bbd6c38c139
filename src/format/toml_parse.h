/* This module reads TOML 1.1.0: text to tree. */
#ifndef PORTICO_FORMAT_TOML_PARSE_H
#define PORTICO_FORMAT_TOML_PARSE_H

#include "base/span.h"
#include "format/problems.h"
#include "format/value.h"

/* Parses `text` and reports the problems found under the name `file`, in no particular order. NULL
 * if there are any. Takes time in proportion to the text. Pure. */
struct value_tree *toml_parse(const char *file, struct span text, struct problems *problems);

#endif
