/* A tree of values holds what a configuration file says, and where in the file it says it.
 *
 * The parsers of format/ build one, config/ reads it. Everything in a tree (values, keys,
 * strings) lives in the tree's own memory and is freed with it, all at once. Tables keep the
 * order in which their keys were written and find a key in constant time. */
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
    /* Dates that there are, as they are written, in `string`: no setting takes one. */
    VALUE_OFFSET_DATETIME, /* 1979-05-27T07:32:00-07:00 */
    VALUE_LOCAL_DATETIME,  /* 1979-05-27T07:32:00 */
    VALUE_LOCAL_DATE,      /* 1979-05-27 */
    VALUE_LOCAL_TIME,      /* 07:32:00 */
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
        struct value_array *array;
        struct value_table *table;
    };
};

/* Items move when the array grows: keep pointers to the array or table inside an item, which
 * never move, not to the item. */
struct value_array {
    struct value *items;
    uint32_t count;
    uint32_t capacity;
    uint8_t origin; /* the parser's own: how the array came about */
};

struct value_entry {
    struct span key; /* as value.string */
    unsigned line;   /* of the key */
    unsigned column;
    uint32_t hash;
    struct value value;
};

struct value_table {
    struct value_entry *entries; /* in the order of the file; they move when it grows */
    uint32_t count;
    uint32_t capacity;
    uint32_t *index; /* open addressing: number of the entry + 1, or 0; NULL while empty */
    uint32_t index_size;
    uint8_t origin; /* the parser's own: how the table came about */
};

/* Tables, arrays and keys around a value, together. */
#define VALUE_DEPTH_MAX 64u

/* Values that a file may have: more than fit into 10 MiB of routes, and not more than some 150 MB
 * of memory take. */
#define VALUE_COUNT_MAX 1000000u

struct value_tree {
    struct value_block *blocks; /* owned */
    struct value_table *root;
    size_t count; /* values that were added to tables and arrays */
    size_t max;   /* how many may be */
};

/* A tree with an empty root, for VALUE_COUNT_MAX values, or NULL when out of memory. */
struct value_tree *value_tree_new(void);
void value_tree_free(struct value_tree *tree); /* NULL is fine */

/* Memory that lives as long as the tree, aligned for anything. NULL when there is none. */
void *value_alloc(struct value_tree *tree, size_t size);

/* A copy of `text` in the tree, followed by a NUL. False when out of memory. */
bool value_copy(struct value_tree *tree, struct span text, struct span *copy);

struct value_table *value_table_new(struct value_tree *tree);
struct value_array *value_array_new(struct value_tree *tree);

/* The entry of `key`, or NULL. */
struct value_entry *value_table_find(const struct value_table *table, struct span key);

/* Appends `value` under `key` (in the tree's memory; not in the table yet). The entry, or
 * NULL when the tree takes no more. */
struct value_entry *value_table_add(struct value_tree *tree, struct value_table *table,
                                    struct span key, const struct value *value);

/* Appends. The item, or NULL when the tree takes no more. */
struct value *value_array_add(struct value_tree *tree, struct value_array *array,
                              const struct value *value);

/* "a string", "an integer", …: for sentences. */
const char *value_type_name(enum value_type type);

#endif
