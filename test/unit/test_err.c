/* Operators' errors: what is set, kept, cleared and cut off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/err.h"

static void sets_everything(void **state)
{
    struct err err;
    char text[128];
    (void)state;
    memset(&err, 'x', sizeof err);
    assert_int_equal(err_set(&err, "no %s, %d expected", "value", 3), -1);
    assert_string_equal(err.message, "no value, 3 expected");
    assert_string_equal(err.file, "");
    assert_string_equal(err.hint, "");
    assert_int_equal(err_hint(&err, "write %d", 3), -1);
    assert_int_equal(err_place(&err, "a.toml", 4, 7), -1);
    assert_string_equal(err.message, "no value, 3 expected");
    assert_string_equal(err.hint, "write 3");
    err_format(&err, text, sizeof text);
    assert_string_equal(text, "a.toml:4:7: no value, 3 expected");
    err_set(&err, "other");
    err_format(&err, text, sizeof text);
    assert_string_equal(text, "other");
    assert_int_equal(err.line, 0);
    assert_string_equal(err.hint, "");
}

static void formats_what_is_known(void **state)
{
    struct err err;
    char text[128], small[8];
    (void)state;
    err_set(&err, "empty");
    err_place(&err, "a.toml", 0, 0);
    err_format(&err, text, sizeof text);
    assert_string_equal(text, "a.toml: empty");
    snprintf(err.pointer, sizeof err.pointer, "/routes/0");
    err_format(&err, text, sizeof text);
    assert_string_equal(text, "a.toml: /routes/0: empty");
    err_place(&err, "a.toml", 2, 0);
    err_format(&err, text, sizeof text);
    assert_string_equal(text, "a.toml:2: empty");
    err_format(&err, small, sizeof small);
    assert_string_equal(small, "a.toml:");
}

static void formats_a_line(void **state)
{
    struct err err;
    char text[sizeof err];
    (void)state;
    err_set(&err, "wrong");
    err_place(&err, "a.toml", 3, 0);
    err_format_line(&err, text, sizeof text);
    assert_string_equal(text, "a.toml:3: wrong");
    err_hint(&err, "write\nthis");
    err_format_line(&err, text, sizeof text);
    assert_string_equal(text, "a.toml:3: wrong; hint: write this");
}

static void names_an_errno(void **state)
{
    struct err err;
    (void)state;
    assert_int_equal(err_set_errno(&err, ENOENT, "%s cannot be read", "a.toml"), -1);
    assert_string_equal(err.message, "a.toml cannot be read: No such file or directory");
}

static void wraps_itself(void **state)
{
    struct err err;
    (void)state;
    err_set(&err, "inner");
    err_place(&err, "a.toml", 1, 1);
    err_set(&err, "%s: outer: %s", err.file, err.message);
    assert_string_equal(err.message, "a.toml: outer: inner");
}

static void cuts_off(void **state)
{
    struct err err;
    char large[1000];
    (void)state;
    memset(large, 'a', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    err_set_errno(&err, ENOENT, "%s", large);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    err_hint(&err, "%s", large);
    assert_int_equal(strlen(err.hint), sizeof err.hint - 1);
    err_place(&err, large, 1, 1);
    assert_int_equal(strlen(err.file), sizeof err.file - 1);
}

static void nobody_may_want_to_know(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, "x"), -1);
    assert_int_equal(err_set_errno(NULL, ENOENT, "x"), -1);
    assert_int_equal(err_hint(NULL, "x"), -1);
    assert_int_equal(err_place(NULL, "x", 1, 1), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_everything),
        cmocka_unit_test(formats_what_is_known),
        cmocka_unit_test(formats_a_line),
        cmocka_unit_test(names_an_errno),
        cmocka_unit_test(wraps_itself),
        cmocka_unit_test(cuts_off),
        cmocka_unit_test(nobody_may_want_to_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
