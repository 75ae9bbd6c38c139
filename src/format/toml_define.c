/* TOML's definitions. Part of the parser, which is described in toml_parse.c.
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

#include <stdio.h>

/* The first `count` parts, for messages. */
static const char *key_text(const struct toml_key *key, unsigned count, char out[ERR_QUOTE])
{
    char joined[ERR_QUOTE], part[ERR_QUOTE];
    size_t len = 0;
    for (unsigned i = 0; i < count && len < sizeof joined - 1; i++) {
        int added = snprintf(joined + len, sizeof joined - len, "%s%s", i ? "." : "",
                             err_quote(key->parts[i].name, part));
        len += added > 0 ? (size_t)added : 0;
    }
    if (len > sizeof joined - 1)
        len = sizeof joined - 1;
    err_quote(span_make(joined, len), out);
    return out;
}

/* A new table under part `i` of the key. */
static struct value_table *add_table(struct toml_lex *lex, struct value_table *table,
                                     const struct toml_key *key, unsigned i, uint8_t origin)
{
    struct toml_place place = key->parts[i].place;
    struct value value = {.type = VALUE_TABLE, .line = place.line, .column = place.column};
    value.table = value_table_new(lex->tree);
    if (value.table == NULL ||
        value_table_add(lex->tree, table, key->parts[i].name, &value) == NULL) {
        toml_exhausted(lex);
        return NULL;
    }
    value.table->origin = origin;
    return value.table;
}

/* Reports that the key's first `count` parts are taken. */
static void report_taken(struct toml_lex *lex, const struct toml_key *key, unsigned count,
                         const struct value_entry *entry, const char *hint)
{
    char text[ERR_QUOTE];
    struct err *err = toml_problem(
        lex, key->parts[count - 1].place,
        "\"%s\" is already defined on line %u, as %s; a name that is not taken was expected",
        key_text(key, count, text), entry->line, value_type_name(entry->value.type));
    err_hint(problems_recode(err, PROBLEM_DUPLICATE_KEY), "%s", hint);
}

/* The table that a header passes through. */
static struct value_table *enter_by_header(struct toml_lex *lex, struct value_table *table,
                                           const struct toml_key *key, unsigned i)
{
    struct value_entry *entry = value_table_find(table, key->parts[i].name);
    if (entry == NULL)
        return add_table(lex, table, key, i, TOML_IMPLICIT);
    struct value *value = &entry->value;
    if (value->type == VALUE_TABLE && value->table->origin != TOML_INLINE)
        return value->table;
    if (value->type == VALUE_ARRAY && value->array->origin == TOML_OF_TABLES)
        return value->array->items[value->array->count - 1].table;
    if (value->type == VALUE_TABLE)
        report_taken(lex, key, i + 1, entry, "a table in braces is complete: add to it there");
    else if (value->type != VALUE_BAD)
        report_taken(lex, key, i + 1, entry, "only a table can hold keys: rename one of the two");
    return NULL;
}

static struct value_table *open_table(struct toml_lex *lex, struct value_table *table,
                                      const struct toml_key *key)
{
    struct span name = key->parts[key->count - 1].name;
    struct toml_place place = key->parts[key->count - 1].place;
    struct value_entry *entry = value_table_find(table, name);
    if (entry == NULL)
        return add_table(lex, table, key, key->count - 1, TOML_HEADER);
    struct value *value = &entry->value;
    if (value->type == VALUE_TABLE && value->table->origin == TOML_IMPLICIT) {
        value->table->origin = TOML_HEADER;
        value->line = place.line;
        value->column = place.column;
        return value->table;
    }
    char text[ERR_QUOTE];
    key_text(key, key->count, text);
    if (value->type == VALUE_TABLE && value->table->origin == TOML_HEADER)
        err_hint(problems_recode(
                     toml_problem(lex, place,
                                  "the table [%s] is already defined on line %u; each table was "
                                  "expected once",
                                  text, value->line),
                     PROBLEM_DUPLICATE_KEY),
                 "put the keys together under one header; only a list of tables has a header for "
                 "each, in double brackets: [[%s]]",
                 text);
    else if (value->type == VALUE_ARRAY && value->array->origin == TOML_OF_TABLES)
        err_hint(problems_recode(
                     toml_problem(lex, place,
                                  "\"%s\" is a list of tables since line %u; double brackets were "
                                  "expected",
                                  text, entry->line),
                     PROBLEM_DUPLICATE_KEY),
                 "write [[%s]]", text);
    else if (value->type != VALUE_BAD)
        report_taken(lex, key, key->count, entry, "add to it where it is defined");
    return NULL;
}

static struct value_table *open_array_item(struct toml_lex *lex, struct value_table *table,
                                           const struct toml_key *key)
{
    struct span name = key->parts[key->count - 1].name;
    struct toml_place place = key->parts[key->count - 1].place;
    struct value_entry *entry = value_table_find(table, name);
    struct value item = {.type = VALUE_TABLE, .line = place.line, .column = place.column};
    if (entry == NULL) {
        struct value array = item;
        array.type = VALUE_ARRAY;
        array.array = value_array_new(lex->tree);
        if (array.array)
            entry = value_table_add(lex->tree, table, name, &array);
        if (entry)
            array.array->origin = TOML_OF_TABLES;
    } else if (entry->value.type == VALUE_TABLE) {
        char text[ERR_QUOTE];
        key_text(key, key->count, text);
        err_hint(problems_recode(
                     toml_problem(lex, place,
                                  "\"%s\" is a single table since line %u; single brackets, or "
                                  "double ones from the first on, were expected",
                                  text, entry->value.line),
                     PROBLEM_DUPLICATE_KEY),
                 "if line %u begins a list, write [[%s]] there as well", entry->value.line, text);
        return NULL;
    } else if (entry->value.type != VALUE_ARRAY || entry->value.array->origin != TOML_OF_TABLES) {
        if (entry->value.type != VALUE_BAD)
            report_taken(lex, key, key->count, entry, "rename one of the two");
        return NULL;
    }
    item.table = value_table_new(lex->tree);
    if (entry == NULL || item.table == NULL ||
        value_array_add(lex->tree, entry->value.array, &item) == NULL) {
        toml_exhausted(lex);
        return NULL;
    }
    item.table->origin = TOML_HEADER;
    return item.table;
}

/* The table that a dotted key passes through. */
static struct value_table *enter_by_key(struct toml_lex *lex, struct value_table *table,
                                        const struct toml_key *key, unsigned i)
{
    struct value_entry *entry = value_table_find(table, key->parts[i].name);
    if (entry == NULL)
        return add_table(lex, table, key, i, TOML_DOTTED);
    struct value *value = &entry->value;
    if (value->type == VALUE_TABLE &&
        (value->table->origin == TOML_DOTTED || value->table->origin == TOML_IMPLICIT)) {
        value->table->origin = TOML_DOTTED;
        return value->table;
    }
    if (value->type != VALUE_BAD)
        report_taken(lex, key, i + 1, entry,
                     "add to it where it is defined, or rename one of the two");
    return NULL;
}

struct value_table *toml_define_header(struct toml_lex *lex, const struct toml_key *key,
                                       bool is_array)
{
    struct value_table *table = lex->tree->root;
    for (unsigned i = 0; table && i + 1 < key->count; i++)
        table = enter_by_header(lex, table, key, i);
    if (table == NULL)
        return NULL;
    return is_array ? open_array_item(lex, table, key) : open_table(lex, table, key);
}

/* The key's last part is taken. */
static void report_taken_key(struct toml_lex *lex, const struct toml_key *key,
                             const struct value_entry *entry)
{
    char text[ERR_QUOTE];
    if (entry->value.type == VALUE_TABLE) {
        report_taken(lex, key, key->count, entry, "add to it where it is defined");
        return;
    }
    struct err *err =
        toml_problem(lex, key->parts[0].place,
                     "the key \"%s\" is already defined on line %u; each key was expected once",
                     key_text(key, key->count, text), entry->line);
    err_hint(problems_recode(err, PROBLEM_DUPLICATE_KEY), "remove one of the two");
}

struct value_table *toml_define_key(struct toml_lex *lex, struct value_table *table,
                                    const struct toml_key *key)
{
    for (unsigned i = 0; table && i + 1 < key->count; i++)
        table = enter_by_key(lex, table, key, i);
    if (table == NULL)
        return NULL;
    const struct value_entry *taken = value_table_find(table, key->parts[key->count - 1].name);
    if (taken == NULL)
        return table;
    report_taken_key(lex, key, taken);
    return NULL;
}
