/* The rules of TOML's definitions, which toml_define.h describes, are invariants of the tree.
 *
 * Invariants:
 *   1. Every table says in `origin` how it came about, which decides who may still add to it:
 *
 *        origin          [header] of it       dotted key through it
 *        TOML_IMPLICIT   defines it, once     makes it TOML_DOTTED
 *        TOML_HEADER     refused              refused
 *        TOML_DOTTED     refused              adds
 *        TOML_INLINE     refused              refused
 *
 *      A header may pass through all but inline ones on its way down.
 *   2. An array is TOML_OF_TABLES (grown by [[headers]], never empty) or a TOML_LITERAL, which
 *      nothing adds to. */
#include "format/toml_define.h"

/* What a part of a key is: one that is passed through, on the way to a header or to a key, or the
 * last one of a header in single or in double brackets. */
enum role { BEFORE_HEADER, BEFORE_KEY, SINGLE_HEADER, DOUBLE_HEADER };

/* Reports that the name has been given to `entry`. Returns NULL. */
static struct value_table *taken(struct builder *builder, struct place place,
                                 const struct value_entry *entry, enum role role)
{
    const struct value *value = &entry->value;
    bool is_list = value->type == VALUE_ARRAY && value->array->origin == TOML_OF_TABLES;
    const char *what = value_type_name(value->type), *expected = "a name that is not taken",
               *hint = "add to it where it is defined, or rename one of the two";
    if (role == SINGLE_HEADER && value->type == VALUE_TABLE &&
        value->table->origin == TOML_HEADER) {
        expected = "each table once";
        hint = "put the keys together under one header; only a list of tables has a header for "
               "each, in double brackets";
    } else if (role == SINGLE_HEADER && is_list) {
        what = "a list of tables";
        expected = hint = "double brackets";
    } else if (role == DOUBLE_HEADER && value->type == VALUE_TABLE) {
        what = "a single table";
        expected = "single brackets, or double ones from the first on";
        hint = "if the first one begins a list, write double brackets there as well";
    }
    builder_problem(builder, PROBLEM_DUPLICATE_KEY, place, hint,
                    "this name is already defined on line %u, as %s; %s was expected", entry->line,
                    what, expected);
    return NULL;
}

/* A new table at `place`, as an item of `list`. */
static struct value_table *add_item(struct builder *builder, struct value_array *list,
                                    struct place place)
{
    struct value item;
    if (!builder_table(builder, place, &item) || !builder_append(builder, list, &item))
        return NULL;
    item.table->origin = TOML_HEADER;
    return item.table;
}

/* A new table, or the first one of a list, under a name that is not taken. */
static struct value_table *add_table(struct builder *builder, struct value_table *table,
                                     struct span name, struct place place, enum role role)
{
    struct value value;
    if (role == DOUBLE_HEADER) {
        if (!builder_array(builder, place, &value) ||
            !builder_add(builder, table, name, place, &value))
            return NULL;
        value.array->origin = TOML_OF_TABLES;
        return add_item(builder, value.array, place);
    }
    if (!builder_table(builder, place, &value) || !builder_add(builder, table, name, place, &value))
        return NULL;
    value.table->origin = role == BEFORE_KEY      ? TOML_DOTTED
                          : role == BEFORE_HEADER ? TOML_IMPLICIT
                                                  : TOML_HEADER;
    return value.table;
}

/* The table that part `i` of the key leads to from `table`. */
static struct value_table *step(struct builder *builder, struct value_table *table,
                                const struct toml_key *key, unsigned i, enum role role)
{
    struct place place = key->parts[i].place;
    struct value_entry *entry = value_table_find(table, key->parts[i].name);
    if (entry == NULL)
        return add_table(builder, table, key->parts[i].name, place, role);
    struct value *value = &entry->value;
    if (value->type == VALUE_ARRAY && value->array->origin == TOML_OF_TABLES) {
        if (role == BEFORE_HEADER)
            return value->array->items[value->array->count - 1].table;
        if (role == DOUBLE_HEADER)
            return add_item(builder, value->array, place);
    }
    if (value->type != VALUE_TABLE)
        return taken(builder, place, entry, role);
    uint8_t *origin = &value->table->origin;
    if (role == BEFORE_HEADER && *origin != TOML_INLINE)
        return value->table;
    if (role == BEFORE_KEY && (*origin == TOML_DOTTED || *origin == TOML_IMPLICIT)) {
        *origin = TOML_DOTTED;
        return value->table;
    }
    if (role == SINGLE_HEADER && *origin == TOML_IMPLICIT) {
        *origin = TOML_HEADER;
        value->line = place.line;
        value->column = place.column;
        return value->table;
    }
    return taken(builder, place, entry, role);
}

struct value_table *toml_define_table(struct builder *builder, const struct toml_key *key,
                                      bool is_list)
{
    struct value_table *table = builder->tree->root;
    for (unsigned i = 0; table && i + 1 < key->count; i++)
        table = step(builder, table, key, i, BEFORE_HEADER);
    if (table == NULL)
        return NULL;
    return step(builder, table, key, key->count - 1, is_list ? DOUBLE_HEADER : SINGLE_HEADER);
}

bool toml_define_value(struct builder *builder, struct value_table *table,
                       const struct toml_key *key, const struct value *value)
{
    unsigned last = key->count - 1;
    for (unsigned i = 0; table && i < last; i++)
        table = step(builder, table, key, i, BEFORE_KEY);
    return table &&
           builder_add(builder, table, key->parts[last].name, key->parts[last].place, value);
}
