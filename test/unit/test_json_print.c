/* Writing JSON: what is printed is valid, and set for people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "format/json_print.h"

static void prints_for_people_and_parsers(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    cJSON *root = cJSON_CreateObject(), *inner;
    json_add(root, "a\"\\", "\"\n\t:\t\x01 \x7f\xc3\xa9/");
    json_add(root, "bad", "\xff\xc3-\xc0\x80");
    json_add_span(root, "span", span_first(SPAN("abc"), 2));
    json_add(root, "nothing", "");
    json_add_number(root, "number", 4294967295);
    json_add_number(root, "none", 0);
    inner = cJSON_AddObjectToObject(root, "inner");
    cJSON_AddItemToObject(inner, "list", cJSON_CreateIntArray((const int[]){1, 2}, 2));
    json_print(root, out);
    fclose(out);
    assert_string_equal(text, "{\n"
                              "  \"a\\\"\\\\\": \"\\\"\\n\\t:\\t\\u0001 \x7f\xc3\xa9/\",\n"
                              "  \"bad\": \"\\ufffd\\ufffd-\\ufffd\\ufffd\",\n"
                              "  \"span\": \"ab\",\n"
                              "  \"nothing\": null,\n"
                              "  \"number\": 4294967295,\n"
                              "  \"none\": null,\n"
                              "  \"inner\": {\n"
                              "    \"list\": [1, 2]\n"
                              "  }\n"
                              "}\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(prints_for_people_and_parsers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
