/* JSON: every kind of value, what is refused though cJSON takes it, places of what does not parse,
 * limits. The words of problems are in test_wrong.c. */
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

/* {"k": TEXT} has one problem: of its code, at that column, or without a place. */
static void assert_refused(const char *text, const char *code, unsigned column)
{
    char file[512];
    struct problems problems = {0};
    int len = snprintf(file, sizeof file, "{\"k\": %s}", text);
    value_tree_free(json_parse("t", span_make(file, (size_t)len), &problems));
    if (problems.count != 1 || strcmp(problems.items[0].code, code) != 0 ||
        problems.items[0].column != column)
        fail_msg("%s: %zu problems; %s at %u", text, problems.count,
                 problems.count ? problems.items[0].message : "",
                 problems.count ? problems.items[0].column : 0);
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
    assert_tree("{\"a\":[9007199254740991,-9007199254740991]}",
                "{a: [9007199254740991, -9007199254740991]}");
    assert_tree("{\"a\":[0.5,-1.25,1e300]}", "{a: [0.5f, -1.25f, 1.0000000000000001e+300f]}");
    /* No longer exact, so no longer integers: nothing takes them for what was not written. */
    assert_tree("{\"a\":[9007199254740992,9007199254740993,-9007199254740993]}",
                "{a: [9007199254740992f, 9007199254740992f, -9007199254740992f]}");
}

static void reports_duplicates_by_their_pointers(void **state)
{
    (void)state;
    static const char *const pointers[] = {"/b/1/a", "/\xc3\xa9~1", "/b"};
    struct problems problems = {0};
    /* Keys are compared as they are read. */
    struct value_tree *tree =
        json_parse("t",
                   SPAN("{\"b\": [0, {\"a\": 1, \"\\u0061\": 2}], \"\xc3\xa9/\": 1,\n"
                        " \"\xc3\xa9/\": 2, \"A\": 3, \"b\": 4}"),
                   &problems);
    assert_int_equal(problems.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(problems.items[i].pointer, pointers[i]);
        assert_string_equal(problems.items[i].code, "duplicate-key");
        assert_int_equal(problems.items[i].line, 0);
    }
    assert_string_equal(problems.pointer, "");
    problems_release(&problems);
    value_tree_free(tree);
}

static void refuses_what_is_no_value(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned column; /* in the text */
    } wrong[] = {
        {".5", 1},
        {"-", 1},
        {"+1", 1},
        {"1e", 2},
        {"0x1", 2},
        {"1_0", 2},
        {"1 2", 3},
        {"True", 1},
        {"nul", 1},
        {"nulll", 5},
        {"'x'", 1},
        {"\"\\x\"", 2},
        {"\"\\u12\"", 2},
        {"\"\\u0000\"", 2},
        {"\"\\uGGGG\"", 2},
        {"\"\\ud800\"", 2},
        {"\"\\udc00\"", 2},
        {"\"\\ud800\\u0041\"", 2},
        {"\"\\\\\\u0000\"", 4},
        {"\"a", 1},
        {"\"\\n", 1},
        {"[1,]", 4},
        {"[,1]", 2},
        {"[1,,2]", 4},
        {"[1 2]", 4},
        {"[1", 3},
        {"]", 1},
        {"{\"a\":1,}", 8},
        {"{\"a\" 1}", 6},
        {"{\"a\":}", 6},
        {"{a:1}", 2},
        {"{1:1}", 2},
        {"{\"a\":1 \"b\":2}", 8},
        {"{,}", 2},
        {"{\"a\"}", 5},
        {"", 1},
        {"1 // c", 3},
        {"/* c */ 1", 1},
        {"# c\n1", 1},
        {"1}{", 3},
        {"[}", 2},
        {"{]", 2},
        {"\xc2\xa0 1", 1},
        {"\"\\'\"", 2},
        {"`x`", 1},
        {"\"\xc3\xa9\\x\"", 3},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_refused(wrong[i].text, "syntax", 6 + wrong[i].column);
    assert_refused("\"caf\xe9\"", "bad-encoding", 11);
}

/* Each of these is no JSON, and is read all the same. */
static void tolerates_what_cjson_does(void **state)
{
    (void)state;
    assert_tree("{\"a\":[01,-01,1.,1.e1]}", "{a: [1, -1, 1, 10]}");
    assert_tree("{\"a\":\"x\ty\nz\",\x0c\"b\"\x01:1}", "{a: \"x\ty\nz\", b: 1}");
}

static void assert_problem(struct span text, const char *words)
{
    struct problems problems = {0};
    assert_null(json_parse("t", text, &problems));
    char *said = problems_text(&problems);
    assert_string_equal(said, words);
    free(said);
    problems_release(&problems);
}

static void refuses_what_is_no_text(void **state)
{
    (void)state;
    assert_problem(SPAN("{\"a\": \"\0\"}"),
                   "0:0 the file holds NUL bytes; a text file was expected\n");
    assert_problem(SPAN("\xff\xfe{\0}\0"), "0:0 the file is UTF-16; UTF-8 was expected\n");
    assert_problem(SPAN("[]"), "0:0 the file holds an array; an object was expected\n");
    assert_problem(SPAN("{}\n \xef\xbb\xbf"),
                   "2:2 a byte order mark (U+FEFF) is unexpected here; the end of the file was "
                   "expected\n");
    assert_problem(SPAN("{\n \"a\": [\n {"),
                   "3:2 this \"{\" is not closed; a \"}\" was expected\n");
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

static void assert_depth(unsigned count, const char *open, const char *close, const char *code)
{
    struct problems problems = {0};
    char *text = nested(count, open, close);
    value_tree_free(json_parse("t", span_str(text), &problems));
    assert_int_equal(problems.count, code ? 1 : 0);
    if (code)
        assert_string_equal(problems.items[0].code, code);
    problems_release(&problems);
    free(text);
}

static void limits_depth(void **state)
{
    (void)state;
    assert_depth(JSON_DEPTH_MAX, "[", "]", "wrong-type");
    assert_depth(JSON_DEPTH_MAX, "{\"a\":", "}", NULL);
    assert_depth(JSON_DEPTH_MAX + 1, "[", "]", "too-deep");
    assert_depth(JSON_DEPTH_MAX + 1, "{\"a\":", "}", "too-deep");
    assert_depth(100000, "[{\"a\":", "", "too-deep");
}

/* Every beginning of a text that has everything, with its NUL right before forbidden memory. */
static void reads_no_byte_too_far(void **state)
{
    (void)state;
    static const char text[] = "{\"a\": [1.5e+3, -0, \"\\u00e9\\ud83d\\ude00\\n\xc3\xa9\"],\r\n"
                               "\"b\": {\"c\" : null}}";
    for (size_t len = 1; len < sizeof text - 1; len++) {
        char beginning[sizeof text] = {0};
        struct problems problems = {0};
        memcpy(beginning, text, len);
        struct span prefix = span_make(guard_page_copy(span_make(beginning, len + 1)), len);
        value_tree_free(json_parse("t", prefix, &problems));
        assert_false(problems_is_empty(&problems));
        problems_release(&problems);
    }
}

/* More values than a file may have are refused, at the first. */
static void values_are_counted(void **state)
{
    (void)state;
    char *text = malloc(2 * VALUE_COUNT_MAX + 16);
    for (unsigned more = 0; more < 2; more++) {
        struct problems problems = {0};
        assert_non_null(text);
        memcpy(text, "{\"a\":[", 6);
        size_t len = 6;
        for (size_t i = 0; i < VALUE_COUNT_MAX - 1 + more; i++, len += 2)
            memcpy(text + len, "0,", 2);
        memcpy(text + len - 1, "]}", 3);
        value_tree_free(json_parse("t", span_make(text, len + 1), &problems));
        assert_int_equal(problems.count, more);
        if (more)
            assert_string_equal(problems.items[0].code, "too-large");
        problems_release(&problems);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_kind_of_value),
        cmocka_unit_test(reads_numbers),
        cmocka_unit_test(reports_duplicates_by_their_pointers),
        cmocka_unit_test(refuses_what_is_no_value),
        cmocka_unit_test(tolerates_what_cjson_does),
        cmocka_unit_test(refuses_what_is_no_text),
        cmocka_unit_test(limits_depth),
        cmocka_unit_test(reads_no_byte_too_far),
        cmocka_unit_test(values_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
