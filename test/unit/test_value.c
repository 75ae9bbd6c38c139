/* The tree of values: order, look-up, limits, memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/builder.h"

static struct span numbered(char out[32], unsigned i)
{
    return span_make(out, (size_t)snprintf(out, 32, "key-%u", i));
}

static void add_integer(struct value_table *table, struct span key, int64_t integer)
{
    struct span copy;
    struct value value = {.type = VALUE_INTEGER, .line = 1, .column = 2, .integer = integer};
    assert_true(value_copy(table->tree, key, &copy));
    assert_non_null(value_table_add(table, copy, &value));
}

static void tables_keep_order_and_find_keys(void **state)
{
    (void)state;
    struct value_tree *tree = value_tree_new(0);
    char text[32];
    assert_non_null(tree);
    assert_null(value_table_find(tree->root, SPAN("key-0")));
    for (unsigned i = 0; i < 10000; i++)
        add_integer(tree->root, numbered(text, i), i);
    assert_int_equal(tree->root->count, 10000);
    const struct value_entry *entry = tree->root->first;
    for (unsigned i = 0; i < 10000; i++, entry = entry->next) {
        assert_ptr_equal(value_table_find(tree->root, numbered(text, i)), entry);
        assert_int_equal(entry->value.integer, i);
    }
    assert_null(entry);
    assert_null(value_table_find(tree->root, SPAN("key-10000")));
    value_tree_free(tree);
}

static void keys_are_bytes(void **state)
{
    (void)state;
    struct value_tree *tree = value_tree_new(0);
    add_integer(tree->root, SPAN(""), 1);
    add_integer(tree->root, SPAN("a\0b"), 2);
    add_integer(tree->root, SPAN("a"), 3);
    assert_int_equal(value_table_find(tree->root, SPAN(""))->value.integer, 1);
    assert_int_equal(value_table_find(tree->root, SPAN("a\0b"))->value.integer, 2);
    assert_int_equal(value_table_find(tree->root, SPAN("a"))->value.integer, 3);
    assert_null(value_table_find(tree->root, SPAN("a\0c")));
    value_tree_free(tree);
}

/* All tables share an index, and yet have keys of their own. Items of arrays have none. */
static void tables_are_apart(void **state)
{
    (void)state;
    struct value_tree *tree = value_tree_new(0);
    struct value_table *tables[5000];
    const struct value item = {.type = VALUE_INTEGER};
    for (unsigned i = 0; i < 5000; i++) {
        assert_non_null(tables[i] = value_table_new(tree));
        add_integer(tables[i], SPAN("a"), i);
        assert_non_null(value_table_add(tree->root, (struct span){0}, &item));
    }
    for (unsigned i = 0; i < 5000; i++)
        assert_int_equal(value_table_find(tables[i], SPAN("a"))->value.integer, i);
    assert_null(value_table_find(tree->root, SPAN("a")));
    assert_null(value_table_find(tree->root, SPAN("")));
    assert_int_equal(tree->root->count, 5000);
    value_tree_free(tree);
}

static void memory_is_aligned_and_apart(void **state)
{
    (void)state;
    struct value_tree *tree = value_tree_new(0);
    char *small[100];
    for (size_t i = 0; i < 100; i++) {
        size_t size = i % 10 == 0 ? 100000 : i; /* blocks of their own in between */
        small[i] = value_alloc(tree, size);
        assert_non_null(small[i]);
        assert_int_equal((uintptr_t)small[i] % _Alignof(max_align_t), 0);
        memset(small[i], (int)i, size);
    }
    for (size_t i = 1; i < 100; i++)
        assert_int_equal(small[i][0], (char)i);
    assert_null(value_alloc(tree, SIZE_MAX));
    value_tree_free(tree);
    value_tree_free(NULL);
}

static void copies_end_with_a_nul(void **state)
{
    (void)state;
    struct value_tree *tree = value_tree_new(0);
    struct span copy;
    assert_true(value_copy(tree, SPAN("ab"), &copy));
    assert_int_equal(copy.len, 2);
    assert_string_equal(copy.data, "ab");
    assert_true(value_copy(tree, span_make(NULL, 0), &copy));
    assert_string_equal(copy.data, "");
    value_tree_free(tree);
}

static void a_tree_has_a_limit(void **state)
{
    (void)state;
    struct value_tree *tree = value_tree_new(0);
    struct value value = {.type = VALUE_INTEGER};
    struct problems problems = {0};
    assert_int_equal(tree->max, VALUE_COUNT_MAX);
    struct value_table *array = value_table_new(tree);
    tree->max = 2;
    add_integer(tree->root, SPAN("a"), 1);
    assert_non_null(value_table_add(array, (struct span){0}, &value));
    assert_null(value_table_add(array, (struct span){0}, &value));
    assert_null(value_table_add(tree->root, SPAN("b"), &value));
    assert_int_equal(array->count, 1);
    struct builder builder = {.file = "a.toml", .problems = &problems, .tree = tree};
    assert_false(builder_exhausted(&builder, (struct place){3, 4}));
    assert_string_equal(problems.items[0].code, problem_kinds[PROBLEM_TOO_LARGE].code);
    assert_int_equal(problems.items[0].line, 3);
    tree->max = 3;
    builder_exhausted(&builder, (struct place){0, 0});
    assert_string_equal(problems.items[1].code, problem_kinds[PROBLEM_MEMORY].code);
    problems_release(&problems);
    value_tree_free(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_keep_order_and_find_keys),
        cmocka_unit_test(keys_are_bytes),
        cmocka_unit_test(tables_are_apart),
        cmocka_unit_test(memory_is_aligned_and_apart),
        cmocka_unit_test(copies_end_with_a_nul),
        cmocka_unit_test(a_tree_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
