/* TOML's definitions: which table a header opens or a key belongs in, and who may still add to
 * what (TOML 1.1.0, Table, Inline Table, Array of Tables). */
#ifndef PORTICO_FORMAT_TOML_DEFINE_H
#define PORTICO_FORMAT_TOML_DEFINE_H

#include "format/toml_lex.h"
#include "format/toml_parse.h"
#include "format/value.h"

/* How a table came about: its `origin`. */
enum { TOML_IMPLICIT, TOML_HEADER, TOML_DOTTED, TOML_INLINE };

/* How an array came about: its `origin`. */
enum { TOML_LITERAL, TOML_OF_TABLES };

struct toml_key {
    struct {
        struct span name;
        struct toml_place place;
    } parts[TOML_DEPTH_MAX];
    unsigned count; /* at least 1 */
};

/* The table that [key], or [[key]] if `is_array`, opens. NULL when the name is taken (reported,
 * unless what has it is a VALUE_BAD) or memory ran out. */
struct value_table *toml_define_header(struct toml_lex *lex, const struct toml_key *key,
                                       bool is_array);

/* The table that a key's last part belongs in, where `table` is the one it was written in.
 * NULL as above. */
struct value_table *toml_define_key(struct toml_lex *lex, struct value_table *table,
                                    const struct toml_key *key);

#endif
