/* Variables in text values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/expand.h"
#include "guard_page.h"

struct row {
    const char *text;
    const char *expanded;   /* NULL: refused */
    enum problem_code code; /* then */
};

/* In the environment: A=alpha, B=${A}, Q='" # x', E='', BAD=\xff. */
static const struct row rows[] = {
    {"", "", 0},
    {"plain", "plain", 0},
    {"${A}", "alpha", 0},
    {"x${A}y${A}", "xalphayalpha", 0},
    {"${A:-b}", "alpha", 0},
    {"${NONE:-b c}", "b c", 0},
    {"${NONE:-}", "", 0},
    {"${NONE:--}", "-", 0},
    {"${NONE:-:-}", ":-", 0},
    {"${NONE:-{}", "{", 0},
    {"${NONE:-$}", "$", 0},
    {"${NONE:-$}}", "$}", 0},
    {"${E:-empty}", "empty", 0},
    {"${B}", "${A}", 0}, /* what a variable holds is not looked at again */
    {"${Q}", "\" # x", 0},
    {"$${A}", "${A}", 0},
    {"$$${A}", "$${A}", 0},
    {"$${", "${", 0},
    {"$${A}${A}", "${A}alpha", 0},
    {"$", "$", 0},
    {"$$", "$$", 0},
    {"$$$", "$$$", 0},
    {"a$", "a$", 0},
    {"$A", "$A", 0},
    {"$ {A}", "$ {A}", 0},
    {"{A}", "{A}", 0},
    {"}", "}", 0},
    {"${A}}", "alpha}", 0},
    {"${_1}", NULL, PROBLEM_UNSET_VARIABLE},
    {"${NONE}", NULL, PROBLEM_UNSET_VARIABLE},
    {"${E}", NULL, PROBLEM_UNSET_VARIABLE},
    {"${a}", NULL, PROBLEM_UNSET_VARIABLE}, /* case matters */
    {"${A}${NONE}", NULL, PROBLEM_UNSET_VARIABLE},
    {"${BAD}", NULL, PROBLEM_BAD_VARIABLE},
    {"${", NULL, PROBLEM_BAD_VARIABLE},
    {"${}", NULL, PROBLEM_BAD_VARIABLE},
    {"${A", NULL, PROBLEM_BAD_VARIABLE},
    {"x${A:-", NULL, PROBLEM_BAD_VARIABLE},
    {"${A:}", NULL, PROBLEM_BAD_VARIABLE},
    {"${A:=b}", NULL, PROBLEM_BAD_VARIABLE},
    {"${A-b}", NULL, PROBLEM_BAD_VARIABLE},
    {"${A b}", NULL, PROBLEM_BAD_VARIABLE},
    {"${ A}", NULL, PROBLEM_BAD_VARIABLE},
    {"${1}", NULL, PROBLEM_BAD_VARIABLE},
    {"${1A}", NULL, PROBLEM_BAD_VARIABLE},
    {"${\xc3\xa4}", NULL, PROBLEM_BAD_VARIABLE},
    {"${:-b}", NULL, PROBLEM_BAD_VARIABLE},
    {"${A:-${B}}", NULL, PROBLEM_BAD_VARIABLE},
    {"${${A}}", NULL, PROBLEM_BAD_VARIABLE},
    {"${A:-$${B}", NULL, PROBLEM_BAD_VARIABLE},
};

/* Whether it could be expanded, and to what; the text lies directly before a page that nobody may
 * touch. */
static bool expands(struct span text, struct value_tree *tree, struct span *expanded,
                    struct err *err)
{
    bool has_variables;
    text.data = guard_page_copy(text);
    return expand(text, tree, expanded, &has_variables, err) == 0;
}

static void follows_the_table(void **state)
{
    (void)state;
    struct value_tree *tree = value_tree_new(0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        struct span expanded;
        struct err err = {0};
        if (row->expanded == NULL) {
            assert_false(expands(span_str(row->text), tree, &expanded, &err));
            assert_string_equal(err.code, problem_kinds[row->code].code);
            assert_true(err.message[0] && (err.hint[0] || strstr(err.message, "UTF-8")));
            assert_null(strstr(err.message, "alpha"));
            continue;
        }
        assert_true(expands(span_str(row->text), tree, &expanded, &err));
        assert_true(span_eq(expanded, span_str(row->expanded)));
        if (strchr(row->text, '$')) /* else it is the text itself */
            assert_int_equal(expanded.data[expanded.len], '\0');
    }
    value_tree_free(tree);
}

/* Texts of the characters that mean something: what comes out is what went in, or is refused. */
static void takes_any_text(void **state)
{
    (void)state;
    static const char letters[] = "$${{}}:-AAE_ 1\xc3\xa4";
    uint32_t random = 1;
    unsigned good = 0, bad = 0;
    struct value_tree *tree = value_tree_new(0);
    for (unsigned round = 0; round < 20000; round++) {
        char text[16];
        size_t len = round % sizeof text;
        for (size_t i = 0; i < len; i++) {
            random = random * 1664525u + 1013904223u;
            text[i] = letters[(random >> 16) % (sizeof letters - 1)];
        }
        struct span expanded = {0};
        struct err err = {0};
        bool ok = expands(span_make(text, len), tree, &expanded, &err);
        assert_true(ok || err.message[0]);
        if (ok && memchr(text, '$', len) == NULL)
            assert_true(span_eq(expanded, span_make(text, len)));
        good += ok;
        bad += !ok;
    }
    assert_true(good > 1000 && bad > 1000);
    value_tree_free(tree);
}

static void is_limited(void **state)
{
    (void)state;
    struct value_tree *tree = value_tree_new(0);
    char *text = malloc(EXPAND_MAX * 2);
    size_t len = 0;
    while (len < EXPAND_MAX)
        len += (size_t)snprintf(text + len, 8, "${A}");
    struct span expanded;
    struct err err = {0};
    assert_false(expands(span_make(text, len), tree, &expanded, &err));
    assert_non_null(strstr(err.message, "65536"));
    assert_true(expands(span_make(text, len / 2), tree, &expanded, &err));
    memset(text, 'x', len);
    assert_true(expands(span_make(text, len), tree, &expanded, &err));
    free(text);
    value_tree_free(tree);
}

int main(void)
{
    setenv("A", "alpha", 1);
    setenv("B", "${A}", 1);
    setenv("Q", "\" # x", 1);
    setenv("E", "", 1);
    setenv("BAD", "\xff", 1);
    unsetenv("NONE");
    unsetenv("_1");
    unsetenv("a");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_the_table),
        cmocka_unit_test(takes_any_text),
        cmocka_unit_test(is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
