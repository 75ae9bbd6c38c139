/* This module reads YAML: text to tree. It knows a sober part of it: mappings, lists and text in
 * one document. Aliases, anchors, merge keys, tags and directives are refused, and what a word
 * without quotes means is decided by what is expected in its place, not by how it looks. */
#ifndef PORTICO_FORMAT_YAML_H
#define PORTICO_FORMAT_YAML_H

#include <stdbool.h>

#include "base/span.h"
#include "format/problems.h"
#include "format/value.h"

/* Parses `text` and reports the problems found under the name `file`, in no particular order. NULL
 * if there are any. Text without quotes is a VALUE_PLAIN, nothing where a value could be a
 * VALUE_NULL. Takes time in proportion to the text. Pure. */
struct value_tree *yaml_parse(const char *file, struct span text, struct problems *problems);

/* What a VALUE_PLAIN is where a value of the type `expected` is expected: a string as it is
 * written, an integer in plain decimal digits, true or false. False when it is none; *value is
 * then unchanged. */
bool yaml_resolve(enum value_type expected, struct value *value);

/* Why the text, which yaml_resolve refused, is not what it seems to be, and what to write: for a
 * hint. NULL when it is no trap. */
const char *yaml_trap(struct span text);

#endif
