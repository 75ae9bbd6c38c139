/* Writing trees: what is written in any format is what its parser reads from it, whatever the
 * text; and it is laid out for people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/format.h"
#include "format/value.h"
#include "format/yaml.h"
#include "guard_page.h"
#include "tree_text.h"

static const struct format *const formats[] = {&format_toml, &format_json, &format_yaml};
#define NOTATIONS (sizeof formats / sizeof *formats)

static char *written(const struct format *format, const struct value_table *root, size_t *len)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, len);
    assert_non_null(out);
    format->write(out, root);
    fclose(out);
    return text;
}

static bool is_same_table(const struct value_table *a, const struct value_table *b);

/* Is `read` what was written? A plain one is what is expected in its place. */
static bool is_same(const struct value *wrote, struct value read)
{
    if (read.type == VALUE_PLAIN)
        yaml_resolve(wrote->type, &read);
    if (read.type != wrote->type)
        return false;
    switch (read.type) {
    case VALUE_STRING:
        return span_eq(wrote->string, read.string);
    case VALUE_INTEGER:
        return wrote->integer == read.integer;
    case VALUE_BOOLEAN:
        return wrote->boolean == read.boolean;
    case VALUE_ARRAY:
        for (uint32_t i = 0; i < wrote->array->count; i++)
            if (read.array->count != wrote->array->count ||
                !is_same(&wrote->array->items[i], read.array->items[i]))
                return false;
        return read.array->count == wrote->array->count;
    default:
        return is_same_table(wrote->table, read.table);
    }
}

static bool is_same_table(const struct value_table *wrote, const struct value_table *read)
{
    if (wrote->count != read->count)
        return false;
    for (uint32_t i = 0; i < wrote->count; i++) {
        const struct value_entry *entry = value_table_find(read, wrote->entries[i].key);
        if (entry == NULL || !is_same(&wrote->entries[i].value, entry->value))
            return false;
    }
    return true;
}

/* Through every format and back. */
static void assert_survives(const struct value_table *root)
{
    for (size_t i = 0; i < NOTATIONS; i++) {
        size_t len;
        char *text = written(formats[i], root, &len);
        struct problems problems = {0};
        struct value_tree *tree = formats[i]->parse(
            "t", span_make(guard_page_copy(span_make(text, len)), len), &problems);
        assert_non_null(tree);
        char *why = problems_text(&problems), *read = tree_text(tree);
        if (!problems_is_empty(&problems) || !is_same_table(root, tree->root))
            fail_msg("%s:\n%.*s\nis read as %s\n%s", formats[i]->name, (int)len, text, read, why);
        free(read);
        free(why);
        problems_release(&problems);
        value_tree_free(tree);
        free(text);
    }
}

static struct span keep(struct value_tree *tree, struct span text)
{
    struct span copy;
    assert_true(value_copy(tree, text, &copy));
    return copy;
}

static void add(struct value_tree *tree, struct value_table *table, const char *key,
                const struct value *value)
{
    assert_non_null(value_table_add(tree, table, keep(tree, span_str(key)), value));
}

static struct value string(struct value_tree *tree, struct span text)
{
    return (struct value){.type = VALUE_STRING, .string = keep(tree, text)};
}

/* Everywhere that text can stand: as a value, in a list, in a table inside of a list, as a key. */
static void try_text(struct span text)
{
    struct value_tree *tree = value_tree_new();
    struct value value = string(tree, text);
    struct value list = {.type = VALUE_ARRAY, .array = value_array_new(tree)};
    struct value tables = {.type = VALUE_ARRAY, .array = value_array_new(tree)};
    struct value table = {.type = VALUE_TABLE, .table = value_table_new(tree)};
    add(tree, table.table, "one text", &value);
    add(tree, table.table, "many texts", &list);
    value_table_add(tree, table.table, value.string, &value);
    for (int i = 0; i < 2; i++) {
        value_array_add(tree, list.array, &value);
        value_array_add(tree, tables.array, &table);
    }
    add(tree, tree->root, "value", &value);
    add(tree, tree->root, "tables", &tables);
    add(tree, tree->root, "table", &table);
    assert_survives(tree->root);
    value_tree_free(tree);
}

static void keeps_awkward_text(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        " ",
                                        " x",
                                        "x ",
                                        "a b",
                                        "\"",
                                        "'",
                                        "\\",
                                        "\"\"\"",
                                        "'''",
                                        "it's",
                                        "a\"b\\c",
                                        "\\u0041",
                                        "no",
                                        "No",
                                        "y",
                                        "on",
                                        "null",
                                        "Null",
                                        "~",
                                        "true",
                                        "False",
                                        "yes",
                                        "012",
                                        "0",
                                        "007",
                                        "1",
                                        "-1",
                                        "+1",
                                        "0x1f",
                                        "0o17",
                                        "1e3",
                                        ".5",
                                        ".inf",
                                        ".nan",
                                        "nan",
                                        "inf",
                                        "1:30",
                                        "1_000",
                                        "2026-11-23",
                                        "12:00:00",
                                        "a:b",
                                        "a: b",
                                        "a:",
                                        ":a",
                                        ":",
                                        "a #b",
                                        "#a",
                                        "- a",
                                        "-",
                                        "--- a",
                                        "---",
                                        "...",
                                        "? a",
                                        "& a",
                                        "&a",
                                        "*a",
                                        "!a",
                                        "!!str a",
                                        "%a",
                                        "@a",
                                        "`a",
                                        "|",
                                        ">",
                                        "{",
                                        "}",
                                        "[",
                                        "]",
                                        "[a]",
                                        "{a: b}",
                                        ",",
                                        "a,b",
                                        "a, b",
                                        "=",
                                        "<<",
                                        "${",
                                        "${HOME}",
                                        "$",
                                        "$$",
                                        "${A:-b}",
                                        "file:x",
                                        "a@b.test",
                                        "127.0.0.1:80",
                                        "[::1]:80",
                                        "::",
                                        "app.test:8080",
                                        "10s",
                                        "\n",
                                        "a\nb",
                                        "a\n",
                                        "\na",
                                        "\t",
                                        "a\tb",
                                        "\r",
                                        "a\r\nb",
                                        "\x01",
                                        "\x1b[31m",
                                        "\x7f",
                                        "\xc2\x80",
                                        "\xc2\x85",
                                        "\xc2\x9f",
                                        "\xc2\xa0",
                                        "\xc3\xa9",
                                        "\xe2\x80\xa8",
                                        "\xe2\x80\xa9",
                                        "\xef\xbb\xbf",
                                        "\xef\xbb\xbf\x61",
                                        "\xef\xbf\xbd",
                                        "\xe2\x80\x8b",
                                        "\xe2\x80\x9c",
                                        "\xf0\x9f\x8f\x9b",
                                        "e\xcc\x81",
                                        "\xe7\x95\xaa",
                                        "a\xc2\xa0",
                                        "caf\xc3\xa9 = \"x\""};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        try_text(span_str(texts[i]));
}

/* Every character of one byte, alone and between letters. */
static void keeps_every_character(void **state)
{
    (void)state;
    for (char c = 1; c > 0; c++) {
        const char text[] = {'a', c, 'b', '\0'};
        try_text(span_str(text));
        try_text(span_make(text + 1, 1));
        if (c == 0x7f)
            break;
    }
}

/* Random ones of characters that mean something to somebody. */
static void keeps_random_text(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "a", "Z",  "0", "9",  " ",  "  ",   ":",    ": ",       "\"",       "'",           "\\",
        "#", " #", "-", "\n", "\t", "\r",   "{",    "}",        "[",        "]",           ",",
        "&", "*",  "$", "${", "%",  "\x01", "\x1f", "\xc3\xa9", "\xc2\x85", "\xe2\x80\xa8"};
    unsigned seed = 7;
    for (int round = 0; round < 1000; round++) {
        char text[64] = "";
        size_t len = 0, count = (seed >> 16) % 12;
        for (size_t i = 0; i < count; i++) {
            seed = seed * 1103515245u + 12345u;
            const char *piece = pieces[(seed >> 16) % (sizeof pieces / sizeof *pieces)];
            len += (size_t)snprintf(text + len, sizeof text - len, "%s", piece);
        }
        seed = seed * 1103515245u + 12345u;
        try_text(span_make(text, len));
    }
}

static void keeps_shapes_and_numbers(void **state)
{
    (void)state;
    struct value_tree *tree = value_tree_new();
    assert_survives(tree->root);
    struct value empty_table = {.type = VALUE_TABLE, .table = value_table_new(tree)};
    struct value empty_list = {.type = VALUE_ARRAY, .array = value_array_new(tree)};
    struct value mixed = {.type = VALUE_ARRAY, .array = value_array_new(tree)};
    struct value deep = {.type = VALUE_TABLE, .table = value_table_new(tree)};
    struct value one = string(tree, SPAN("x"));
    /* JSON's numbers are doubles. */
    const int64_t numbers[] = {0, 1, -1, 9007199254740991, -9007199254740991};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct value number = {.type = VALUE_INTEGER, .integer = numbers[i]};
        value_array_add(tree, mixed.array, &number);
    }
    for (int i = 0; i < 2; i++) {
        struct value truth = {.type = VALUE_BOOLEAN, .boolean = i};
        value_array_add(tree, mixed.array, &truth);
        add(tree, tree->root, i ? "true" : "false", &truth);
    }
    add(tree, deep.table, "empty", &empty_table);
    add(tree, deep.table, "none", &empty_list);
    add(tree, deep.table, "x", &one);
    value_array_add(tree, mixed.array, &empty_table);
    value_array_add(tree, mixed.array, &empty_list);
    value_array_add(tree, mixed.array, &deep);
    struct value nested = {.type = VALUE_ARRAY, .array = value_array_new(tree)};
    value_array_add(tree, nested.array, &mixed);
    struct value tables = {.type = VALUE_ARRAY, .array = value_array_new(tree)};
    value_array_add(tree, tables.array, &deep);
    value_array_add(tree, tables.array, &empty_table);
    add(tree, tree->root, "empty", &empty_table);
    add(tree, tree->root, "mixed", &mixed);
    add(tree, tree->root, "nested", &nested);
    add(tree, tree->root, "deep", &deep);
    add(tree, tree->root, "tables", &tables);
    struct value further = {.type = VALUE_TABLE, .table = value_table_new(tree)};
    add(tree, further.table, "deep er", &deep);
    add(tree, further.table, "tables", &tables);
    add(tree, tree->root, "further", &further);
    assert_survives(tree->root);
    value_tree_free(tree);
}

static const char layout_toml[] = "first = \"x\"\n"
                                  "\n"
                                  "[[routes]]\n"
                                  "host = \"a.test\"\n"
                                  "\n"
                                  "[[routes]]\n"
                                  "host = \"127.0.0.1\"\n"
                                  "\n"
                                  "[server]\n"
                                  "listen = [\"::1\", \"a\"]\n"
                                  "workers = 2\n";
static const char layout_json[] = "{\n"
                                  "  \"first\": \"x\",\n"
                                  "  \"routes\": [{\n"
                                  "      \"host\": \"a.test\"\n"
                                  "    }, {\n"
                                  "      \"host\": \"127.0.0.1\"\n"
                                  "    }],\n"
                                  "  \"server\": {\n"
                                  "    \"listen\": [\"::1\", \"a\"],\n"
                                  "    \"workers\": 2\n"
                                  "  }\n"
                                  "}\n";
static const char layout_yaml[] = "first: x\n"
                                  "routes:\n"
                                  "  - host: a.test\n"
                                  "  - host: \"127.0.0.1\"\n"
                                  "server:\n"
                                  "  listen: [\"::1\", \"a\"]\n"
                                  "  workers: 2\n";

static void is_laid_out_for_people(void **state)
{
    (void)state;
    const char *const expected[] = {layout_toml, layout_json, layout_yaml};
    struct problems problems = {0};
    struct value_tree *tree = format_toml.parse("t", span_str(layout_toml), &problems);
    for (size_t i = 0; i < NOTATIONS; i++) {
        size_t len;
        char *text = written(formats[i], tree->root, &len);
        assert_string_equal(text, expected[i]);
        free(text);
    }
    value_tree_free(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_awkward_text),     cmocka_unit_test(keeps_every_character),
        cmocka_unit_test(keeps_random_text),      cmocka_unit_test(keeps_shapes_and_numbers),
        cmocka_unit_test(is_laid_out_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
