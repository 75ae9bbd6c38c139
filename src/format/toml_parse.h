/* TOML 1.1.0: text to tree. */
#ifndef PORTICO_FORMAT_TOML_PARSE_H
#define PORTICO_FORMAT_TOML_PARSE_H

#include "base/span.h"
#include "format/problems.h"
#include "format/value.h"

/* Keys, brackets and braces around a value, together. */
#define TOML_DEPTH_MAX 64u

/* Parses `text` and reports every problem found, under the name `file`, in no particular
 * order. The tree holds what could be read, also when there are problems; NULL only when
 * memory ran out (which is a problem as well). Takes time in proportion to the text. Pure. */
struct value_tree *toml_parse(const char *file, struct span text, struct problems *problems);

#endif
