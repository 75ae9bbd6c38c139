/* Writing JSON: what is written is valid, and keeps every byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "format/json_write.h"

static void nests_and_separates(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len;
    struct json_writer json = {.out = open_memstream(&text, &len)};
    assert_non_null(json.out);
    json_begin(&json, NULL, '{');
    json_begin(&json, "empty", '[');
    json_end(&json, ']');
    json_begin(&json, "list", '[');
    json_integer(&json, NULL, INT64_MIN);
    json_boolean(&json, NULL, true);
    json_begin(&json, NULL, '{');
    json_end(&json, '}');
    json_end(&json, ']');
    json_raw(&json, "raw", "[1, 2]");
    json_boolean(&json, "last", false);
    json_end(&json, '}');
    fclose(json.out);
    assert_string_equal(text, "{\n"
                              "  \"empty\": [],\n"
                              "  \"list\": [\n"
                              "    -9223372036854775808,\n"
                              "    true,\n"
                              "    {}\n"
                              "  ],\n"
                              "  \"raw\": [1, 2],\n"
                              "  \"last\": false\n"
                              "}\n");
    free(text);
}

static void escapes(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len;
    struct json_writer json = {.out = open_memstream(&text, &len)};
    assert_non_null(json.out);
    json_begin(&json, NULL, '{');
    json_string(&json, "a\"\\", "\"\\\n\x01\x1f \x7f\xc3\xa9/");
    json_end(&json, '}');
    fclose(json.out);
    assert_string_equal(text, "{\n  \"a\\\"\\\\\": "
                              "\"\\\"\\\\\\n\\u0001\\u001f \x7f\xc3\xa9/\"\n}\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nests_and_separates),
        cmocka_unit_test(escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
