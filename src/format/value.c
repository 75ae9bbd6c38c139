/* This file gives trees of values their memory, and finds keys in their tables.
 *
 * Memory comes from a chain of blocks and is never given back singly. All tables of a tree share
 * one index, whose size goes by that of the text and never changes: entries in the same place of it
 * are chained, one or two of them. Any thread may use a tree, one at a time.
 *
 * Invariants:
 *   1. Every entry with a key is in the index, in the chain of its table and key.
 *   2. Every string and key is followed by a NUL that is not part of it.
 *   3. What is allocated is bounded by the text and by the number of values, which has a limit: a
 *      few bytes of text can be a value, which takes fifty times as much. */
#include "format/value.h"

#include <stdalign.h>
#include <stdlib.h>

#define BLOCK_SIZE (32u * 1024u)
#define KEY_SIZE   16u /* bytes of a text: hardly any key and its value take less */

struct value_block {
    struct value_block *next;
    size_t used;
    size_t size;
    alignas(max_align_t) char data[];
};

struct value_tree *value_tree_new(size_t size)
{
    uint32_t places = 64 + (uint32_t)(size / KEY_SIZE);
    struct value_tree *tree = calloc(1, sizeof *tree + places * sizeof *tree->index);
    if (tree == NULL)
        return NULL;
    tree->places = places;
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

void *value_alloc(struct value_tree *tree, size_t size)
{
    const size_t align = alignof(max_align_t);
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + align - 1) / align * align;
    struct value_block *block = tree->blocks;
    if (block == NULL || block->size - block->used < size) {
        size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        block = malloc(sizeof *block + room);
        if (block == NULL)
            return NULL;
        *block = (struct value_block){.next = tree->blocks, .size = room};
        tree->blocks = block;
    }
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
        *table = (struct value_table){.tree = tree};
    return table;
}

/* Where the chain of the table and key begins. The factor spreads the bits (Fibonacci hashing). */
static struct value_entry **place_of(const struct value_table *table, struct span key)
{
    uint32_t address = (uint32_t)((uintptr_t)table / alignof(max_align_t));
    uint32_t hash = (span_hash(key) + address) * 2654435769u;
    return &table->tree->index[((uint64_t)hash * table->tree->places) >> 32];
}

struct value_entry *value_table_find(const struct value_table *table, struct span key)
{
    struct value_entry *entry = *place_of(table, key);
    while (entry && !(entry->table == table && span_eq(entry->key, key)))
        entry = entry->same_place;
    return entry;
}

struct value_entry *value_table_add(struct value_table *table, struct span key,
                                    const struct value *value)
{
    struct value_tree *tree = table->tree;
    struct value_entry *entry = tree->count < tree->max ? value_alloc(tree, sizeof *entry) : NULL;
    if (entry == NULL)
        return NULL;
    *entry = (struct value_entry){
        .key = key, .line = value->line, .column = value->column, .value = *value, .table = table};
    if (key.data) {
        struct value_entry **place = place_of(table, key);
        entry->same_place = *place;
        *place = entry;
    }
    *(table->last ? &table->last->next : &table->first) = entry;
    table->last = entry;
    table->count++;
    tree->count++;
    return entry;
}

const char *value_type_name(enum value_type type)
{
    static const char *const names[] = {
        [VALUE_NONE] = "nothing",       [VALUE_NULL] = "null",
        [VALUE_PLAIN] = "text",         [VALUE_STRING] = "a string",
        [VALUE_INTEGER] = "an integer", [VALUE_FLOAT] = "a number with a fraction",
        [VALUE_BOOLEAN] = "a boolean",  [VALUE_DATE] = "a date or a time",
        [VALUE_ARRAY] = "an array",     [VALUE_TABLE] = "a table"};
    return names[type];
}
