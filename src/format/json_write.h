/* Writing JSON (RFC 8259): to a stream, as it is said, two spaces a level.
 *
 *     struct json_writer json = {.out = stdout};
 *     json_begin(&json, NULL, '{');
 *     json_string(&json, "name", "portico");
 *     json_end(&json, '}');
 *
 * `key` is the member's name in an object, and NULL in an array and at the top. */
#ifndef PORTICO_FORMAT_JSON_WRITE_H
#define PORTICO_FORMAT_JSON_WRITE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/span.h"
#include "format/value.h"

/* Zero it to begin, but for `out`. Errors are those of `out`. */
struct json_writer {
    FILE *out; /* borrowed */
    unsigned depth;
    bool has_items; /* in what is open now */
};

void json_begin(struct json_writer *json, const char *key, char bracket); /* '{' or '[' */
void json_end(struct json_writer *json, char bracket);                    /* '}' or ']' */
void json_string(struct json_writer *json, const char *key,
                 const char *text); /* what is no UTF-8 becomes U+FFFD */
void json_integer(struct json_writer *json, const char *key, int64_t number);
void json_boolean(struct json_writer *json, const char *key, bool truth);

/* Text that may hold NUL, and bytes that are no UTF-8, which become U+FFFD. */
void json_text(struct json_writer *json, const char *key, struct span text);

/* A value that is JSON already. */
void json_raw(struct json_writer *json, const char *key, const char *value);

/* Writes the table as a whole document: what json_parse reads from it is the same. Values may be
 * strings, integers, booleans, arrays and tables. */
void json_write(FILE *out, const struct value_table *root);

#endif
