/* Fuzzes the TOML parser and the whole of loading a configuration, from memory.
 *
 * These must hold, whatever the input:
 * 1. there is a tree, nested no deeper than TOML_DEPTH_MAX; every place lies inside the text,
 *    every string and key is followed by a NUL, and every key is found under its table;
 * 2. text without problems is UTF-8, and holds no VALUE_BAD;
 * 3. a configuration is loaded if and only if there is no problem; problems are in order, at
 *    most PROBLEMS_MAX, have something to say, and can be printed;
 * 4. the routes of a configuration are found under their hosts. */
#include <unistd.h>

#include "base/check.h"
#include "config/config.h"
#include "format/toml_parse.h"
#include "format/utf8.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static FILE *nowhere;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    nowhere = fopen("/dev/null", "w");
    check(nowhere != NULL);
    return 0;
}

static void check_value(const struct value *value, unsigned depth, unsigned lines, bool is_sound);

static void check_table(const struct value_table *table, unsigned depth, unsigned lines,
                        bool is_sound)
{
    for (uint32_t i = 0; i < table->count; i++) {
        const struct value_entry *entry = &table->entries[i];
        check(value_table_find(table, entry->key) == entry);
        check(entry->key.data[entry->key.len] == '\0');
        check(entry->line >= 1 && entry->line <= lines && entry->column >= 1);
        check_value(&entry->value, depth + 1, lines, is_sound);
    }
}

static void check_value(const struct value *value, unsigned depth, unsigned lines, bool is_sound)
{
    /* The tables in an array of tables hang one level lower than their header says. */
    check(depth <= 2 * TOML_DEPTH_MAX);
    check(value->line >= 1 && value->line <= lines && value->column >= 1);
    check(value->type != VALUE_BAD || !is_sound);
    if (value->type == VALUE_STRING)
        check(value->string.data[value->string.len] == '\0');
    if (value->type == VALUE_STRING && is_sound)
        check(utf8_find_bad(value->string) == value->string.len);
    if (value->type == VALUE_ARRAY)
        for (uint32_t i = 0; i < value->array->count; i++)
            check_value(&value->array->items[i], depth + 1, lines, is_sound);
    if (value->type == VALUE_TABLE)
        check_table(value->table, depth, lines, is_sound);
}

static void check_parsing(struct span text)
{
    struct problems problems = {0};
    unsigned lines = 1;
    for (size_t i = 0; i < text.len; i++)
        lines += text.data[i] == '\n';
    struct value_tree *tree = toml_parse("fuzz", text, &problems);
    check(tree != NULL);
    check(utf8_find_bad(text) == text.len || !problems_is_empty(&problems));
    check_table(tree->root, 0, lines, problems_is_empty(&problems));
    value_tree_free(tree);
    problems_release(&problems);
}

static void check_loading(struct span text)
{
    struct config_problems problems = {0};
    struct config *config = config_load_text("fuzz", text, &problems);
    check((config != NULL) == problems_is_empty(&problems.found));
    check(problems.found.count <= PROBLEMS_MAX);
    for (size_t i = 0; i < problems.found.count; i++) {
        const struct err *err = &problems.found.items[i];
        check(err->message[0] != '\0');
        check(i == 0 || err[-1].line <= err->line);
    }
    config_problems_print(&problems, nowhere);
    for (size_t i = 0; config && i < config->route_count; i++)
        check(route_find(config->table, span_str(config->routes[i].host)) == &config->routes[i]);
    check(config == NULL || config->route_count > 0);
    config_unref(config);
    config_problems_release(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* An allocation of exactly its size, so that a byte too far is seen. */
    char *exact = malloc(size ? size : 1);
    check(exact != NULL);
    if (size)
        memcpy(exact, data, size);
    check_parsing(span_make(exact, size));
    check_loading(span_make(exact, size));
    free(exact);
    return 0;
}
