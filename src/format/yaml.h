/* YAML: text to tree. A sober part of it: mappings, lists and text in one document. Aliases,
 * anchors, merge keys, tags and directives are refused, and what a word without quotes means
 * is decided by what is expected in its place, not by how it looks. */
#ifndef PORTICO_FORMAT_YAML_H
#define PORTICO_FORMAT_YAML_H

#include <stdbool.h>

#include "base/span.h"
#include "format/problems.h"
#include "format/value.h"

/* Mappings and lists around a value, together. */
#define YAML_DEPTH_MAX 64u

/* Parses `text` and reports every problem found, under the name `file`, in no particular
 * order. The tree holds what could be read, also when there are problems; NULL only when
 * memory ran out (which is a problem as well). Text without quotes is a VALUE_PLAIN, nothing
 * where a value could be a VALUE_NULL. Takes time in proportion to the text. Pure. */
struct value_tree *yaml_parse(const char *file, struct span text, struct problems *problems);

/* What a VALUE_PLAIN is where a value of the type `expected` is expected: a string as it is
 * written, an integer in plain decimal digits, true or false. False when it is none; *value is
 * then unchanged. */
bool yaml_resolve(enum value_type expected, struct value *value);

/* Why the text, which yaml_resolve refused, is not what it seems to be, and what to write: for
 * a hint. NULL when it is no trap. Returns `out` or a constant. */
#define YAML_TRAP 160u
const char *yaml_trap(struct span text, char out[YAML_TRAP]);

#endif
