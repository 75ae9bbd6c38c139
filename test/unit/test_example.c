/* The configurations that come with Portico: they load, and the annotated one shows every key
 * with its default. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/load.h"
#include "config/schema.h"
#include "format/toml_parse.h"

static struct config *load(const char *path)
{
    struct config_problems problems = {0};
    struct config *config = config_load(path, NULL, &problems);
    config_problems_print(&problems, stdout);
    assert_int_equal(problems.found.count, 0);
    config_problems_release(&problems);
    assert_non_null(config);
    return config;
}

static void demo_loads(void **state)
{
    (void)state;
    struct config *config = load("config/demo.toml");
    for (size_t i = 0; i < config->route_count; i++)
        assert_string_equal(config->routes[i].upstream.text, "builtin:hello");
    assert_non_null(route_find(config->table, SPAN("127.0.0.1")));
    config_unref(config);
}

/* Are all the section's keys in the table, and those of the sections in it? */
static void check_section(const struct section *section, const struct value_table *table)
{
    for (const struct setting *setting = section->settings; setting->name; setting++) {
        bool is_shown = value_table_find(table, span_str(setting->name)) != NULL;
        if (!is_shown)
            print_message("not shown: %s.%s\n", section->path, setting->name);
        assert_true(is_shown);
    }
    for (const struct section *in = NULL; (in = schema_next(section, in)) != NULL;) {
        const struct value_entry *entry = value_table_find(table, span_str(schema_name(in)));
        if (entry == NULL)
            print_message("not shown: %s\n", in->path);
        assert_non_null(entry);
        check_section(in,
                      in->is_list ? entry->value.table->first->value.table : entry->value.table);
    }
}

/* Each under its section, and nothing that is commented out. */
static void example_shows_every_key(void **state)
{
    (void)state;
    char text[16384];
    FILE *file = fopen("config/example.toml", "rb");
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof text, file);
    fclose(file);
    assert_true(len < sizeof text);
    struct problems problems = {0};
    struct value_tree *tree = toml_parse("t", span_make(text, len), &problems);
    assert_non_null(tree);
    check_section(schema_sections, tree->root);
    value_tree_free(tree);
    problems_release(&problems);
}

/* It says that what it shows is what a key that is left out has. */
static void example_shows_the_defaults(void **state)
{
    (void)state;
    struct config *example = load("config/example.toml");
    struct config_problems problems = {0};
    struct config *bare = config_load_text(
        "t", SPAN("[[routes]]\nhost = \"a.test\"\nupstream = \"a:1\"\n"), &problems);
    assert_non_null(bare);
    assert_memory_equal(&example->timeouts, &bare->timeouts, sizeof bare->timeouts);
    assert_int_equal(example->workers, bare->workers);
    assert_int_equal(example->drain, bare->drain);
    assert_int_equal(example->max_connections, bare->max_connections);
    assert_int_equal(example->max_per_client, bare->max_per_client);
    assert_int_equal(example->max_wait, bare->max_wait);
    assert_int_equal(example->body_rate, bare->body_rate);
    assert_int_equal(example->access_log, bare->access_log);
    assert_int_equal(example->log_level, bare->log_level);
    assert_int_equal(example->watch, bare->watch);
    assert_int_equal(example->routes[0].cert_type, bare->routes[0].cert_type);
    for (size_t i = 0; i < 3; i++) {
        if (bare->listen[i])
            assert_string_equal(example->listen[i], bare->listen[i]);
        else
            assert_null(example->listen[i]);
    }
    assert_null(example->trusted_proxies[0]);
    config_unref(bare);
    config_unref(example);
    config_problems_release(&problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(demo_loads),
        cmocka_unit_test(example_shows_every_key),
        cmocka_unit_test(example_shows_the_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
