/* Problems: the limit, the order, the pointers, and text in messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "format/problems.h"
#include "guard_page.h"

static void says_what_and_where(void **state)
{
    (void)state;
    struct problems problems = {0};
    assert_true(problems_is_empty(&problems));
    struct err *err = problems_add(&problems, PROBLEM_SYNTAX, "f", 2, 3, "no %s", "good");
    assert_non_null(err);
    err_hint(err, "mend it");
    assert_string_equal(err->file, "f");
    assert_int_equal(err->line, 2);
    assert_int_equal(err->column, 3);
    assert_string_equal(err->message, "no good");
    assert_string_equal(err->hint, "mend it");
    assert_string_equal(err->code, "syntax");
    assert_string_equal(err->pointer, "");
    assert_false(err->is_warning);
    assert_false(problems_is_empty(&problems));
    err = problems_add(&problems, PROBLEM_MEMORY, NULL, 0, 0, "out of memory");
    assert_string_equal(err->file, "");
    assert_string_equal(err->hint, "");
    problems_release(&problems);
    assert_true(problems_is_empty(&problems));
    assert_null(problems.items);
}

static void warnings_are_no_errors(void **state)
{
    (void)state;
    struct problems problems = {0};
    struct err *err = problems_add(&problems, PROBLEM_UNRESOLVED, "f", 1, 1, "w");
    assert_true(err->is_warning);
    assert_false(problems_has_errors(&problems));
    assert_ptr_equal(problems_recode(err, PROBLEM_BAD_HOST), err);
    assert_string_equal(err->code, "bad-host");
    assert_true(problems_has_errors(&problems));
    problems_recode(err, PROBLEM_NEVER_MATCHES);
    assert_false(problems_has_errors(&problems));
    assert_null(problems_recode(NULL, PROBLEM_SYNTAX));
    problems_release(&problems);
}

static void there_is_a_limit(void **state)
{
    (void)state;
    struct problems problems = {0};
    for (unsigned i = 0; i < PROBLEMS_MAX; i++)
        assert_non_null(problems_add(&problems, PROBLEM_UNRESOLVED, "f", i, 1, "w"));
    assert_false(problems_is_full(&problems));
    assert_null(problems_add(&problems, PROBLEM_UNRESOLVED, "f", 1, 1, "w"));
    assert_true(problems_is_full(&problems));
    assert_false(problems_has_errors(&problems));
    assert_null(problems_add(&problems, PROBLEM_SYNTAX, "f", 1, 1, "e"));
    assert_true(problems_has_errors(&problems)); /* though it is not there to see */
    assert_int_equal(problems.count, PROBLEMS_MAX);
    assert_int_equal(problems.omitted, 2);
    problems_release(&problems);
    assert_false(problems_has_errors(&problems));
}

static void are_put_in_order(void **state)
{
    (void)state;
    static const struct {
        unsigned line, column;
        const char *message;
    } rows[] = {{3, 1, "f"}, {1, 9, "d"}, {0, 0, "a"}, {2, 1, "e"},
                {1, 2, "b"}, {0, 0, "A"}, {1, 2, "c"}, {3, 1, "F"}};
    struct problems problems = {0};
    char order[16] = "";
    problems_sort(&problems);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        problems_add(&problems, PROBLEM_SYNTAX, "f", rows[i].line, rows[i].column, "%s",
                     rows[i].message);
    problems_sort(&problems);
    for (size_t i = 0; i < problems.count; i++)
        order[i] = problems.items[i].message[0];
    assert_string_equal(order, "aAbcdefF");
    problems_release(&problems);
}

static void assert_pointer(struct problems *problems, const char *expected)
{
    struct err *err = problems_add(problems, PROBLEM_SYNTAX, "f", 1, 1, "x");
    assert_string_equal(err->pointer, expected);
}

/* RFC 6901 */
static void point_at_values(void **state)
{
    (void)state;
    struct problems problems = {0};
    size_t routes = problems_enter(&problems, SPAN("routes"));
    size_t item = problems_enter_item(&problems, 12);
    assert_pointer(&problems, "/routes/12");
    size_t key = problems_enter(&problems, SPAN("a/b~c"));
    assert_pointer(&problems, "/routes/12/a~1b~0c");
    size_t empty = problems_enter(&problems, SPAN(""));
    assert_pointer(&problems, "/routes/12/a~1b~0c/");
    problems_leave(&problems, empty);
    problems_leave(&problems, key);
    assert_pointer(&problems, "/routes/12");
    problems_leave(&problems, item);
    problems_leave(&problems, routes);
    assert_pointer(&problems, "");
    problems_release(&problems);
}

/* What cannot be pointed at is left out, and never cut. */
static void some_keys_are_left_out(void **state)
{
    (void)state;
    char longest[ERR_POINTER + 8];
    memset(longest, '~', sizeof longest);
    for (size_t len = 0; len <= sizeof longest; len++) {
        struct problems problems = {0};
        struct span text = span_make(longest, len);
        problems_enter(&problems, SPAN("a"));
        size_t mark = problems_enter(&problems, span_make(guard_page_copy(text), len));
        assert_int_equal(mark, 2);
        size_t used = strlen(problems.pointer);
        assert_true(used == 3 + 2 * len || used == 2);
        assert_true(used > 2 || len > (ERR_POINTER - 8) / 2);
        problems_enter(&problems, SPAN("b"));
        problems_leave(&problems, mark);
        assert_string_equal(problems.pointer, "/a");
    }
    struct problems problems = {0};
    problems_enter(&problems, SPAN("a"));
    problems_enter(&problems, SPAN("b\0c"));
    problems_enter(&problems, SPAN("\xff"));
    problems_enter(&problems, SPAN("\x1b[2J"));
    problems_enter(&problems, SPAN("\xc3\xa9"));
    assert_string_equal(problems.pointer, "/a/\xc3\xa9");
}

static void assert_quoted(struct span text, const char *expected)
{
    char out[ERR_QUOTE];
    assert_ptr_equal(err_quote(span_make(guard_page_copy(text), text.len), out), out);
    assert_string_equal(out, expected);
}

#define TEN   "0123456789"
#define SIXTY TEN TEN TEN TEN TEN TEN

static void quote_what_is_harmless(void **state)
{
    (void)state;
    assert_quoted(SPAN(""), "");
    assert_quoted(SPAN("app.test"), "app.test");
    assert_quoted(SPAN("caf\xc3\xa9 \xf0\x9f\x8f\x9b"), "caf\xc3\xa9 \xf0\x9f\x8f\x9b");
    assert_quoted(SPAN("a\0b\nc\x1b[31m\x7f"), "a?b?c?[31m?");
    assert_quoted(SPAN("\xc2\x9b\xc2\xa0"), "?\xc2\xa0"); /* C1: some terminals obey it */
    assert_quoted(SPAN("\xff\xc3"), "??");
    assert_quoted(SPAN("\xed\xa0\x80"), "???"); /* a surrogate */
    assert_quoted(SPAN(SIXTY), SIXTY);
    assert_quoted(SPAN(SIXTY "x"), SIXTY "...");
    char widest[61 * 4 + 1] = "", expected[ERR_QUOTE] = "";
    for (unsigned i = 0; i < 61; i++)
        memcpy(widest + 4 * i, "\xf0\x9f\x8f\x9b", 4);
    memcpy(expected, widest, 240);
    memcpy(expected + 240, "...", 4);
    assert_quoted(span_make(widest, 244), expected);
    assert_quoted(span_make(widest, 3), "???"); /* one that is cut off */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_and_where),    cmocka_unit_test(warnings_are_no_errors),
        cmocka_unit_test(there_is_a_limit),       cmocka_unit_test(are_put_in_order),
        cmocka_unit_test(point_at_values),        cmocka_unit_test(some_keys_are_left_out),
        cmocka_unit_test(quote_what_is_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
