/* This module decides which table a header of TOML opens or a key belongs in, and who may still
 * add to what (TOML 1.1.0, Table, Inline Table, Array of Tables). */
#ifndef PORTICO_FORMAT_TOML_DEFINE_H
#define PORTICO_FORMAT_TOML_DEFINE_H

#include <stdbool.h>

#include "base/span.h"
#include "format/builder.h"
#include "format/value.h"

/* How a table came about: its `origin`. */
enum { TOML_IMPLICIT, TOML_HEADER, TOML_DOTTED, TOML_INLINE };

/* How an array came about: its `origin`. */
enum { TOML_LITERAL, TOML_OF_TABLES };

struct toml_key {
    struct {
        struct span name; /* in the tree's memory */
        struct place place;
    } parts[VALUE_DEPTH_MAX];
    unsigned count; /* at least 1 */
};

/* The table that [key], or [[key]] if `is_list`, opens. NULL, with the problem reported, when the
 * name is taken. */
struct value_table *toml_define_table(struct builder *builder, const struct toml_key *key,
                                      bool is_list);

/* Gives `key`, which was written in `table`, its value. False, with the problem reported, when the
 * name is taken. */
bool toml_define_value(struct builder *builder, struct value_table *table,
                       const struct toml_key *key, const struct value *value);

#endif
