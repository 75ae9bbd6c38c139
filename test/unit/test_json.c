/* JSON: every kind of value, every place, what is refused though cJSON takes it, limits. The
 * exact words of problems are in test_wrong.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "format/json.h"
#include "guard_page.h"
#include "tree_text.h"

static void assert_tree(const char *text, const char *tree)
{
    assert_parsed(json_parse, span_str(text), tree, "");
}

/* {"k": TEXT} has a problem, with cJSON's consent or without. */
static void assert_refused(const char *text)
{
    char file[512];
    struct problems problems = {0};
    int len = snprintf(file, sizeof file, "{\"k\": %s}", text);
    struct value_tree *tree = json_parse("t", span_make(file, (size_t)len), &problems);
    assert_non_null(tree);
    if (problems_is_empty(&problems))
        print_message("accepted: %s\n", text);
    assert_false(problems_is_empty(&problems));
    assert_true(problems.items[0].line == 1 && problems.items[0].column > 1);
    value_tree_free(tree);
    problems_release(&problems);
}

static void reads_every_kind_of_value(void **state)
{
    (void)state;
    assert_tree("{}", "{}");
    assert_tree(" \t\r\n", "{}");
    assert_tree("", "{}");
    assert_tree("\xef\xbb\xbf{ }\r\n", "{}");
    assert_tree("{\"a\":[],\"b\":{},\"c\":\"\",\"\":null,\"d\":[true,false]}",
                "{a: [], b: {}, c: \"\", : null, d: [true, false]}");
    assert_tree("{\"a\": \"\\\"\\\\\\/\\n\\u00e9\\ud83d\\ude00 \xc3\xa9\"}",
                "{a: \"\"\\/\n\xc3\xa9\xf0\x9f\x98\x80 \xc3\xa9\"}");
    assert_tree("{\"a\":[{\"b\":[[1]]},{\"c\":2}]}", "{a: [{b: [[1]]}, {c: 2}]}");
}

static void reads_numbers(void **state)
{
    (void)state;
    assert_tree("{\"a\":[0,-0,10,-7,10.0,1e3,1E+2,100e-2]}",
                "{a: [0, 0, 10, -7, 10, 1000, 100, 1]}");
    assert_tree("{\"a\":[9007199254740992,-9007199254740992]}",
                "{a: [9007199254740992, -9007199254740992]}");
    assert_tree("{\"a\":[0.5,-1.25,1e300]}", "{a: [0.5f, -1.25f, 1.0000000000000001e+300f]}");
}

static void has_places_when_asked(void **state)
{
    (void)state;
    static const char text[] = "{ \"a\" : [1, {\"\xc3\xa9\": \"x\"}, []],\r\n"
                               "\t\"b\":{\n}\n  , \"c\": {\"d\": -1.5, \"e\": [true\n,null]}}";
    assert_parsed(json_parse_placed, span_str(text),
                  "{a@1:3: [1@1:10, {\xc3\xa9@1:14: \"x\"@1:19}@1:13, []@1:25]@1:9, "
                  "b@2:2: {}@2:6, "
                  "c@4:5: {d@4:11: -1.5f@4:16, e@4:22: [true@4:28, null@5:2]@4:27}@4:10}",
                  "");
    assert_tree(text, "{a: [1, {\xc3\xa9: \"x\"}, []], b: {}, c: {d: -1.5f, e: [true, null]}}");
}

static void reports_duplicates_with_both_places(void **state)
{
    (void)state;
    assert_parsed(json_parse_placed,
                  SPAN("{\"a\": 1,\n \"b\": {\"a\": 2},\n \"a\": [3], \"c\": 4}"),
                  "{a@1:2: 1@1:7, b@2:2: {a@2:8: 2@2:13}@2:7, c@3:12: 4@3:17}",
                  "3:2 the key \"a\" is already defined on line 1; each key was expected once\n");
    /* Keys are compared as they are read. */
    assert_parsed(json_parse_placed, SPAN("{\"\\u0061\": 1, \"A\": 2, \"a\": 3}"),
                  "{a@1:2: 1@1:12, A@1:15: 2@1:20}",
                  "1:23 the key \"a\" is already defined on line 1; each key was expected once\n");
}

static void refuses_what_is_no_value(void **state)
{
    (void)state;
    static const char *const wrong[] = {"01",
                                        "-01",
                                        "1.",
                                        ".5",
                                        "-.5",
                                        "+1",
                                        "-",
                                        "1e",
                                        "1e+",
                                        "1.e1",
                                        "0x1",
                                        "1_0",
                                        "1 2",
                                        "1e400",
                                        "-1e400",
                                        "9007199254740993",
                                        "-9007199254740993",
                                        "123456789012345678901234567890",
                                        "True",
                                        "nul",
                                        "nulll",
                                        "NaN",
                                        "-Infinity",
                                        "None",
                                        "'x'",
                                        "x",
                                        "\"\\x\"",
                                        "\"\\u12\"",
                                        "\"\\u0000\"",
                                        "\"\\ud800\"",
                                        "\"\\udc00\"",
                                        "\"\\ud800\\u0041\"",
                                        "\"a",
                                        "\"a\tb\"",
                                        "\"a\x01"
                                        "b\"",
                                        "\"a\nb\"",
                                        "[1,]",
                                        "[,1]",
                                        "[1,,2]",
                                        "[1 2]",
                                        "[1",
                                        "]",
                                        "{\"a\":1,}",
                                        "{\"a\" 1}",
                                        "{\"a\":}",
                                        "{a:1}",
                                        "{1:1}",
                                        "{\"a\":1 \"b\":2}",
                                        "{,}",
                                        "{\"a\"}",
                                        "",
                                        "1 // c",
                                        "/* c */ 1",
                                        "# c\n1",
                                        "\x0c"
                                        "1",
                                        "\x0b"
                                        "1",
                                        "1}{",
                                        "[}",
                                        "{]",
                                        "\xc2\xa0"
                                        "1",
                                        "\"\\'\"",
                                        "`x`"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_refused(wrong[i]);
    assert_refused("\"caf\xe9\"");
    assert_refused("\"\xed\xa0\x80\"");
    char longest[80];
    snprintf(longest, sizeof longest, "0.%061d", 1);
    char file[128];
    snprintf(file, sizeof file, "{\"k\": %s}", longest);
    struct problems problems = {0};
    value_tree_free(json_parse("t", span_str(file), &problems));
    assert_true(problems_is_empty(&problems));
    problems_release(&problems);
    snprintf(longest, sizeof longest, "0.%062d", 1);
    assert_refused(longest);
}

static void refuses_what_is_no_text(void **state)
{
    (void)state;
    assert_parsed(json_parse, SPAN("{\"a\": \"\0\"}"), "{}",
                  "0:0 the file holds NUL bytes; a text file was expected\n");
    assert_parsed(json_parse, SPAN("\xff\xfe{\0}\0"), "{}",
                  "0:0 the file is UTF-16; UTF-8 was expected\n");
    assert_parsed(json_parse, SPAN("[]"), "{}",
                  "0:0 the file holds an array; an object was expected\n");
    assert_parsed(json_parse_placed, SPAN("\n  5"), "{}",
                  "2:3 the file holds an integer; an object was expected\n");
    assert_parsed(json_parse, SPAN("{} \xef\xbb\xbf"), "{}",
                  "1:4 a byte order mark (U+FEFF) is unexpected here; the end of the file was "
                  "expected\n");
}

static void finds_several_problems(void **state)
{
    (void)state;
    assert_parsed(json_parse,
                  SPAN("{ // c\n'a': 1,\n b: [1 2,],\n \"c\": True\n \"d\": \"\t\",\n}\n"), "{}",
                  "1:3 a comment is unexpected here; JSON has none\n"
                  "2:1 an apostrophe is unexpected here; a quotation mark was expected\n"
                  "3:2 the key b has no quotes; a key in quotation marks was expected\n"
                  "3:7 a comma is missing here; \",\" was expected before the next value\n"
                  "3:9 \",\" is unexpected before \"]\"; another value was expected behind it\n"
                  "4:7 True is not a value; text in quotation marks, a number, true, false or "
                  "null was expected\n"
                  "4:11 a comma is missing here; \",\" was expected before the next key\n"
                  "5:8 a tab in a string; text was expected\n"
                  "5:10 \",\" is unexpected before \"}\"; another key was expected behind it\n");
}

/* `count` times `open`, a 1, `count` times `close`. */
static char *nested(unsigned count, const char *open, const char *close)
{
    size_t open_len = strlen(open), close_len = strlen(close);
    char *text = calloc(1, count * (open_len + close_len) + 2), *at = text;
    assert_non_null(text);
    for (unsigned i = 0; i < count; i++, at += open_len)
        memcpy(at, open, open_len);
    *at++ = '1';
    for (unsigned i = 0; i < count; i++, at += close_len)
        memcpy(at, close, close_len);
    return text;
}

static void assert_depth(unsigned count, const char *open, const char *close, bool is_good)
{
    struct problems problems = {0};
    struct value value;
    char *text = nested(count, open, close);
    struct value_tree *tree = value_tree_new();
    assert_int_equal(json_parse_value("t", span_str(text), true, tree, &value, &problems),
                     is_good ? 0 : -1);
    assert_int_equal(problems.count, is_good ? 0 : 1);
    if (!is_good)
        assert_non_null(strstr(problems.items[0].message, "too deep"));
    value_tree_free(tree);
    problems_release(&problems);
    free(text);
}

static void limits_depth(void **state)
{
    (void)state;
    assert_depth(JSON_DEPTH_MAX, "[", "]", true);
    assert_depth(JSON_DEPTH_MAX, "{\"a\":", "}", true);
    assert_depth(JSON_DEPTH_MAX + 1, "[", "]", false);
    assert_depth(JSON_DEPTH_MAX + 1, "{\"a\":", "}", false);
    assert_depth(100000, "[", "", false);
    assert_depth(100000, "{\"a\":", "", false);
    assert_depth(100000, "[{\"a\":", "", false);
}

/* Every beginning of a text that has everything, right before forbidden memory. */
static void reads_no_byte_too_far(void **state)
{
    (void)state;
    struct span text = SPAN("{\"a\": [1.5e+3, -0, \"\\u00e9\\ud83d\\ude00\\n\xc3\xa9\"],\r\n"
                            "'b': None, // c\n c: /* d */ 'x' \"e\" = \"\\x\", \"f\": nul }");
    for (size_t len = 0; len <= text.len; len++) {
        struct problems problems = {0};
        struct span prefix = span_make(guard_page_copy(span_first(text, len)), len);
        value_tree_free(json_parse("t", prefix, &problems));
        value_tree_free(json_parse_placed("t", prefix, &problems));
        assert_true(len == 0 || !problems_is_empty(&problems));
        problems_release(&problems);
    }
    struct span good = SPAN("{\"a\": [1.5e+3, \"\\u00e9\"], \"b\": null}");
    assert_parsed(json_parse, span_make(guard_page_copy(good), good.len),
                  "{a: [1500, \"\xc3\xa9\"], b: null}", "");
}

/* A tree that is full takes no more, wherever the next value stands, and says so once. */
static void values_are_counted(void **state)
{
    (void)state;
    static const char text[] = "{\"a\": [1, {\"b\": \"x\"}], \"c\": [[]], \"d\": null}";
    for (size_t max = 0; max <= 7; max++) {
        struct problems problems = {0};
        struct value value;
        struct value_tree *tree = value_tree_new();
        assert_non_null(tree);
        tree->max = max;
        int result = json_parse_value("t", SPAN(text), max % 2, tree, &value, &problems);
        assert_int_equal(result, max < 7 ? -1 : 0);
        assert_int_equal(problems.count, max < 7 ? 1 : 0);
        if (result < 0)
            assert_string_equal(problems.items[0].code, "too-large");
        problems_release(&problems);
        value_tree_free(tree);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_kind_of_value),
        cmocka_unit_test(reads_numbers),
        cmocka_unit_test(has_places_when_asked),
        cmocka_unit_test(reports_duplicates_with_both_places),
        cmocka_unit_test(refuses_what_is_no_value),
        cmocka_unit_test(refuses_what_is_no_text),
        cmocka_unit_test(finds_several_problems),
        cmocka_unit_test(limits_depth),
        cmocka_unit_test(reads_no_byte_too_far),
        cmocka_unit_test(values_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
