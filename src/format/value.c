/* This file gives trees of values their memory, and finds keys in their tables.
 *
 * Memory comes from a chain of blocks and is never given back singly: a grown array leaves
 * its old items behind, which doubling bounds by the size of the new ones. Any thread may use
 * a tree, one at a time.
 *
 * Invariants:
 *   1. A table with entries has an index of at least twice as many places, and every entry is in
 *      it.
 *   2. Every string and key is followed by a NUL that is not part of it.
 *   3. What is allocated is bounded by the text and by the number of values, which has a limit: a
 *      few bytes of text can be a value, which takes fifty times as much. */
#include "format/value.h"

#include <stdalign.h>
#include <stdlib.h>

#define BLOCK_SIZE (32u * 1024u)

struct value_block {
    struct value_block *next;
    size_t used;
    size_t size;
    alignas(max_align_t) char data[];
};

struct value_tree *value_tree_new(void)
{
    struct value_tree *tree = calloc(1, sizeof *tree);
    if (tree == NULL)
        return NULL;
    tree->max = VALUE_COUNT_MAX;
    tree->root = value_table_new(tree);
    if (tree->root == NULL) {
        value_tree_free(tree);
        return NULL;
    }
    return tree;
}

void value_tree_free(struct value_tree *tree)
{
    if (tree == NULL)
        return;
    while (tree->blocks) {
        struct value_block *block = tree->blocks;
        tree->blocks = block->next;
        free(block);
    }
    free(tree);
}

/* A request that would waste much of a block gets one of its own, behind the current one. */
static struct value_block *add_block(struct value_tree *tree, size_t size)
{
    bool own = size > BLOCK_SIZE / 4;
    size_t room = own ? size : BLOCK_SIZE;
    struct value_block *block = malloc(sizeof *block + room);
    if (block == NULL)
        return NULL;
    block->used = 0;
    block->size = room;
    if (own && tree->blocks) {
        block->next = tree->blocks->next;
        tree->blocks->next = block;
    } else {
        block->next = tree->blocks;
        tree->blocks = block;
    }
    return block;
}

void *value_alloc(struct value_tree *tree, size_t size)
{
    const size_t align = alignof(max_align_t);
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + align - 1) / align * align;
    struct value_block *block = tree->blocks;
    if (block == NULL || block->size - block->used < size)
        block = add_block(tree, size);
    if (block == NULL)
        return NULL;
    void *memory = block->data + block->used;
    block->used += size;
    return memory;
}

bool value_copy(struct value_tree *tree, struct span text, struct span *copy)
{
    char *data = value_alloc(tree, text.len + 1);
    if (data == NULL)
        return false;
    if (text.len)
        memcpy(data, text.data, text.len);
    data[text.len] = '\0';
    *copy = span_make(data, text.len);
    return true;
}

struct value_table *value_table_new(struct value_tree *tree)
{
    struct value_table *table = value_alloc(tree, sizeof *table);
    if (table)
        *table = (struct value_table){0};
    return table;
}

struct value_array *value_array_new(struct value_tree *tree)
{
    struct value_array *array = value_alloc(tree, sizeof *array);
    if (array)
        *array = (struct value_array){0};
    return array;
}

static void index_put(struct value_table *table, uint32_t entry)
{
    uint32_t mask = table->index_size - 1;
    uint32_t place = table->entries[entry].hash & mask;
    while (table->index[place])
        place = (place + 1) & mask;
    table->index[place] = entry + 1;
}

struct value_entry *value_table_find(const struct value_table *table, struct span key)
{
    uint32_t hash = span_hash(key);
    if (table->index == NULL) {
        for (uint32_t i = 0; i < table->count; i++)
            if (table->entries[i].hash == hash && span_eq(table->entries[i].key, key))
                return &table->entries[i];
        return NULL;
    }
    uint32_t mask = table->index_size - 1;
    for (uint32_t place = hash & mask; table->index[place]; place = (place + 1) & mask) {
        struct value_entry *entry = &table->entries[table->index[place] - 1];
        if (entry->hash == hash && span_eq(entry->key, key))
            return entry;
    }
    return NULL;
}

/* `items` with room for twice as many, its content copied; NULL when out of memory. */
static void *grow(struct value_tree *tree, const void *items, size_t item_size, uint32_t count,
                  uint32_t *capacity)
{
    if (*capacity > UINT32_MAX / 4)
        return NULL;
    uint32_t larger = *capacity ? *capacity * 2 : 2;
    void *grown = value_alloc(tree, larger * item_size);
    if (grown == NULL)
        return NULL;
    if (count)
        memcpy(grown, items, count * item_size);
    *capacity = larger;
    return grown;
}

static bool table_grow(struct value_tree *tree, struct value_table *table)
{
    struct value_entry *entries =
        grow(tree, table->entries, sizeof *entries, table->count, &table->capacity);
    if (entries == NULL)
        return false;
    table->entries = entries;
    uint32_t size = table->capacity * 2;
    uint32_t *index = value_alloc(tree, size * sizeof *index);
    if (index == NULL)
        return false;
    memset(index, 0, size * sizeof *index);
    table->index = index;
    table->index_size = size;
    for (uint32_t i = 0; i < table->count; i++)
        index_put(table, i);
    return true;
}

struct value_entry *value_table_add(struct value_tree *tree, struct value_table *table,
                                    struct span key, const struct value *value)
{
    if (tree->count == tree->max || (table->count == table->capacity && !table_grow(tree, table)))
        return NULL;
    tree->count++;
    struct value_entry *entry = &table->entries[table->count];
    *entry = (struct value_entry){.key = key,
                                  .line = value->line,
                                  .column = value->column,
                                  .hash = span_hash(key),
                                  .value = *value};
    index_put(table, table->count++);
    return entry;
}

struct value *value_array_add(struct value_tree *tree, struct value_array *array,
                              const struct value *value)
{
    if (tree->count == tree->max)
        return NULL;
    if (array->count == array->capacity) {
        struct value *items =
            grow(tree, array->items, sizeof *items, array->count, &array->capacity);
        if (items == NULL)
            return NULL;
        array->items = items;
    }
    tree->count++;
    array->items[array->count] = *value;
    return &array->items[array->count++];
}

const char *value_type_name(enum value_type type)
{
    static const char *const names[] = {[VALUE_NONE] = "nothing",
                                        [VALUE_NULL] = "null",
                                        [VALUE_PLAIN] = "text",
                                        [VALUE_STRING] = "a string",
                                        [VALUE_INTEGER] = "an integer",
                                        [VALUE_FLOAT] = "a number with a fraction",
                                        [VALUE_BOOLEAN] = "a boolean",
                                        [VALUE_OFFSET_DATETIME] = "a date with a time",
                                        [VALUE_LOCAL_DATETIME] = "a date with a time",
                                        [VALUE_LOCAL_DATE] = "a date",
                                        [VALUE_LOCAL_TIME] = "a time of day",
                                        [VALUE_ARRAY] = "an array",
                                        [VALUE_TABLE] = "a table"};
    return names[type];
}
