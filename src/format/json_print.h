/* This module writes JSON: cJSON makes the text, and this prints it so that people can read it.
 *
 * Members of an object stand on a line each, two spaces a level. Names and texts that cJSON copies
 * are C strings. When memory runs out, cJSON's functions that make and add items do nothing (they
 * take NULL for an item or object as well), and the object lacks members. */
#ifndef PORTICO_FORMAT_JSON_PRINT_H
#define PORTICO_FORMAT_JSON_PRINT_H

#include <stdio.h>

#include <cjson/cJSON.h>

#include "base/span.h"

/* Adds `text`, which holds no NUL, as a member, or null when it is NULL or empty. */
void json_add(cJSON *object, const char *key, const char *text);
void json_add_span(cJSON *object, const char *key, struct span text);

/* Adds `number` as a member, or null when it is 0. */
void json_add_number(cJSON *object, const char *key, unsigned number);

/* Prints the document and frees it. Bytes that are no UTF-8 become U+FFFD. */
void json_print(cJSON *root, FILE *out);

#endif
