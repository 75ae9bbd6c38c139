/* Loading a configuration, with all that must hold: see loading.h. */
#include "loading.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/utf8.h"
#include "config/load.h"

/* What is true of every tree. */
struct bounds {
    unsigned depth, lines;
    bool has_places;
};

static void check_place(unsigned line, unsigned column, const struct bounds *bounds)
{
    if (bounds->has_places)
        check(line >= 1 && line <= bounds->lines && column >= 1);
    else
        check(line == 0 && column == 0);
}

static void check_value(const struct value *value, unsigned depth, const struct bounds *bounds);

static void check_table(const struct value_table *table, unsigned depth,
                        const struct bounds *bounds)
{
    for (const struct value_entry *entry = table->first; entry; entry = entry->next) {
        check(value_table_find(table, entry->key) == entry);
        check(entry->key.data[entry->key.len] == '\0');
        check_place(entry->line, entry->column, bounds);
        check_value(&entry->value, depth + 1, bounds);
    }
}

static void check_value(const struct value *value, unsigned depth, const struct bounds *bounds)
{
    check(depth <= bounds->depth);
    check_place(value->line, value->column, bounds);
    check(value->type != VALUE_NONE);
    if (value->type == VALUE_STRING || value->type == VALUE_PLAIN) {
        check(value->string.data[value->string.len] == '\0');
        check(utf8_find_bad(value->string) == value->string.len);
    }
    if (value->type == VALUE_ARRAY)
        for (const struct value_entry *item = value->table->first; item; item = item->next)
            check_value(&item->value, depth + 1, bounds);
    if (value->type == VALUE_TABLE)
        check_table(value->table, depth, bounds);
}

/* An allocation of exactly its size and the NUL behind it, so that a byte too far is seen. */
static struct span exact_copy(const uint8_t *data, size_t size)
{
    char *exact = malloc(size + 1);
    check(exact != NULL);
    if (size)
        memcpy(exact, data, size);
    exact[size] = '\0';
    return span_make(exact, size);
}

void fuzz_parsing(format_parser *parse, bool has_places, unsigned depth, const uint8_t *data,
                  size_t size)
{
    struct span text = exact_copy(data, size);
    struct problems problems = {0};
    struct bounds bounds = {.depth = depth, .lines = 1, .has_places = has_places};
    for (size_t i = 0; i < text.len; i++)
        bounds.lines += text.data[i] == '\n';
    struct value_tree *tree = parse("fuzz", text, &problems);
    check((tree != NULL) == problems_is_empty(&problems));
    check(utf8_find_bad(text) == text.len || !problems_is_empty(&problems));
    if (tree)
        check_table(tree->root, 0, &bounds);
    value_tree_free(tree);
    problems_release(&problems);
    free((char *)text.data);
}

static FILE *nowhere(void)
{
    static FILE *file;
    if (file == NULL)
        file = fopen("/dev/null", "w");
    check(file != NULL);
    return file;
}

void fuzz_loading(const struct format *format, const uint8_t *data, size_t size)
{
    struct span text = exact_copy(data, size);
    struct config_problems problems = {0};
    char name[32];
    snprintf(name, sizeof name, "fuzz.%s", format->name);
    struct config *config = config_load_text(name, text, &problems);
    check((config != NULL) == !problems_has_errors(&problems.found));
    check(problems.found.count <= PROBLEMS_MAX);
    for (size_t i = 0; i < problems.found.count; i++) {
        const struct err *err = &problems.found.items[i];
        check(err->message[0] != '\0');
        check(err->code != NULL);
        check(i == 0 || err[-1].line <= err->line);
    }
    config_problems_print(&problems, nowhere());
    for (size_t i = 0; config && i < config->route_count; i++)
        check(route_find(config->table, span_str(config->routes[i].host)) == &config->routes[i]);
    check(config == NULL || config->route_count > 0);
    config_unref(config);
    config_problems_release(&problems);
    free((char *)text.data);
}
