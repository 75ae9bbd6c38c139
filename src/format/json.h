/* JSON (RFC 8259) becomes a tree of values, as cJSON understands it.
 *
 * Values have no places: a problem of a text that parses is named by its JSON pointer. */
#ifndef PORTICO_FORMAT_JSON_H
#define PORTICO_FORMAT_JSON_H

#include "base/span.h"
#include "format/problems.h"
#include "format/value.h"

#define JSON_DEPTH_MAX 1000u /* brackets and braces around a value: cJSON's own limit */

/* Parses `text`, an object or blank, which a NUL follows, and reports the problems found under the
 * name `file`. NULL if there are any. Pure, but for cJSON's note of its last error: one thread at a
 * time. */
struct value_tree *json_parse(const char *file, struct span text, struct problems *problems);

#endif
