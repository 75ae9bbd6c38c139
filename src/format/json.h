/* JSON (RFC 8259): text to tree.
 *
 * Problems of all kinds have their places. Values have them only when they are asked for, since
 * cJSON keeps none: a caller that finds something wrong with the content parses once more. */
#ifndef PORTICO_FORMAT_JSON_H
#define PORTICO_FORMAT_JSON_H

#include "base/span.h"
#include "format/problems.h"
#include "format/value.h"

/* Brackets and braces around a value, together. */
#define JSON_DEPTH_MAX 64u

/* The largest whole number that is kept exactly, 2^53: JSON's numbers are doubles. */
#define JSON_INTEGER_MAX 9007199254740992

/* Parses `text`, an object, and reports the problems found under the name `file`, in no
 * particular order. The tree is empty when the text is no JSON; NULL only when memory ran out
 * (which is a problem as well). Takes time in proportion to the text. Pure, but for cJSON's
 * note of its last error: one thread at a time. */
struct value_tree *json_parse(const char *file, struct span text, struct problems *problems);

/* The same, and every value and key has its place. */
struct value_tree *json_parse_placed(const char *file, struct span text, struct problems *problems);

/* The same for any value, in the memory of `tree`. 0, or -1 when it could not be read. */
int json_parse_value(const char *file, struct span text, bool with_places, struct value_tree *tree,
                     struct value *value, struct problems *problems);

#endif
