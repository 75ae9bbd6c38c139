/* A tree of values holds what a configuration file says, and where in the file it says it.
 *
 * The parsers of format/ build one, config/ reads it. Everything in a tree (values, keys,
 * strings) lives in the tree's own memory, where it does not move, and is freed with it, all at
 * once. Tables keep the order in which their keys were written and find a key in constant time. */
#ifndef PORTICO_FORMAT_VALUE_H
#define PORTICO_FORMAT_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

enum value_type {
    VALUE_NONE,
    VALUE_NULL,  /* JSON's null; in YAML, nothing where a value could be */
    VALUE_PLAIN, /* YAML's text without quotes, as `string`: what it is depends on what is
                    expected (yaml_resolve) */
    VALUE_STRING,
    VALUE_INTEGER,
    VALUE_FLOAT,
    VALUE_BOOLEAN,
    VALUE_DATE, /* a date, a time or both as it is written, in `string`: no setting takes one */
    VALUE_ARRAY,
    VALUE_TABLE
};

struct value {
    enum value_type type;
    unsigned line;   /* where it begins, from 1; 0 when its parser was not asked for places */
    unsigned column; /* from 1, in characters; or 0 */
    union {
        struct span string; /* UTF-8; may hold NUL, and a NUL follows it */
        int64_t integer;
        double real;
        bool boolean;
        struct value_table *table; /* of an array as well */
    };
};

/* What a table holds under a key, or an item of an array, whose key is empty. */
struct value_entry {
    struct span key; /* as value.string */
    unsigned line;   /* of the key */
    unsigned column;
    struct value value;
    const struct value_table *table; /* that holds it */
    struct value_entry *next;        /* in the order of the file */
    struct value_entry *same_place;  /* in the tree's index */
};

struct value_table {
    struct value_tree *tree; /* that it lives in */
    struct value_entry *first, *last;
    uint32_t count;
    uint8_t origin; /* the parser's own: how the table came about */
};

/* Tables, arrays and keys around a value, together. */
#define VALUE_DEPTH_MAX 64u

/* How many values a file may have. 10 MiB of routes have fewer; so many take some 220 MB of
 * memory. */
#define VALUE_COUNT_MAX 1000000u

struct value_tree {
    struct value_block *blocks; /* owned */
    struct value_table *root;
    size_t count; /* values that were added to tables and arrays */
    size_t max;   /* how many may be */
    uint32_t places;
    struct value_entry *index[]; /* the entries of all tables, by table and key */
};

/* A tree with an empty root, for VALUE_COUNT_MAX values, or NULL when out of memory. It is made for
 * a text of `size` bytes, and slower when the text is larger. */
struct value_tree *value_tree_new(size_t size);
void value_tree_free(struct value_tree *tree); /* NULL is fine */

/* Memory that lives as long as the tree, aligned for anything. NULL when there is none. */
void *value_alloc(struct value_tree *tree, size_t size);

/* A copy of `text` in the tree, followed by a NUL. False when out of memory. */
bool value_copy(struct value_tree *tree, struct span text, struct span *copy);

/* An empty table or array. NULL when out of memory. */
struct value_table *value_table_new(struct value_tree *tree);

/* The entry of `key`, or NULL. */
struct value_entry *value_table_find(const struct value_table *table, struct span key);

/* Appends `value` under `key`, which lies in the tree's memory and is not in the table yet. An item
 * of an array has no key. The entry, or NULL when the tree takes no more. */
struct value_entry *value_table_add(struct value_table *table, struct span key,
                                    const struct value *value);

/* "a string", "an integer", …: for sentences. */
const char *value_type_name(enum value_type type);

#endif
