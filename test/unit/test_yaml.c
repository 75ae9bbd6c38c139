/* YAML: every style, every place, what is refused, what words without quotes are, limits. The
 * exact words of problems are in test_wrong.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "format/yaml.h"
#include "guard_page.h"
#include "tree_text.h"

static void assert_tree(const char *text, const char *tree)
{
    assert_parsed(yaml_parse, span_str(text), tree, "");
}

/* The first problem is at that place, and says something with that word in it. */
static void assert_refused(const char *text, unsigned line, unsigned column, const char *word)
{
    struct problems problems = {0};
    assert_null(yaml_parse("t", span_str(text), &problems));
    problems_sort(&problems);
    if (problems_is_empty(&problems))
        print_message("accepted: %s\n", text);
    assert_false(problems_is_empty(&problems));
    const struct err *first = &problems.items[0];
    if (first->line != line || first->column != column || !strstr(first->message, word))
        print_message("%s: %u:%u %s\n", text, first->line, first->column, first->message);
    assert_int_equal(first->line, line);
    assert_int_equal(first->column, column);
    assert_non_null(strstr(first->message, word));
    problems_release(&problems);
}

static void reads_every_style(void **state)
{
    (void)state;
    assert_tree("", "{}");
    assert_tree("# nothing\n", "{}");
    assert_tree("---\n...\n", "{}");
    assert_tree("\xef\xbb\xbf"
                "a: b\r\n",
                "{a@1:1: <b>@1:4}");
    assert_tree("a: b c # d\n'e': 'f'' g'\n\"h\": \"\\u00e9\\n\"\n",
                "{a@1:1: <b c>@1:4, e@2:1: \"f' g\"@2:6, h@3:1: \"\xc3\xa9\n\"@3:6}");
    assert_tree("a:\n  - b\n  -\n    c: d\n    e: f\n  - - g\n",
                "{a@1:1: [<b>@2:5, {c@4:5: <d>@4:8, e@5:5: <f>@5:8}@4:5, [<g>@6:7]@6:5]@2:3}");
    assert_tree("a:\n- b\nc: |\n  d\n", "{a@1:1: [<b>@2:3]@2:1, c@3:1: \"d\n\"@3:4}");
    assert_tree("{a: [b, 'c', {d: e}], \"f\":1}",
                "{a@1:2: [<b>@1:6, \"c\"@1:9, {d@1:15: <e>@1:18}@1:14]@1:5, f@1:23: <1>@1:27}");
    assert_tree("a:\nb: ''\n", "{a@1:1: null@1:3, b@2:1: \"\"@2:4}");
    assert_tree("\xc3\xa9: \xc3\xa9\xc3\xa9 # \xc3\xa9\n\xe2\x82\xac\xe2\x82\xac: [x, y]\n",
                "{\xc3\xa9@1:1: <\xc3\xa9\xc3\xa9>@1:4, "
                "\xe2\x82\xac\xe2\x82\xac@2:1: [<x>@2:6, <y>@2:9]@2:5}");
}

static void refuses_by_name(void **state)
{
    (void)state;
    assert_refused("a: &x 1\n", 1, 4, "anchor");
    assert_refused("a: *x\n", 1, 4, "alias");
    assert_refused("a:\n  <<: {b: c}\n", 2, 3, "merge key");
    assert_refused("a: !!str 1\n", 1, 4, "tag");
    assert_refused("a: !x [1]\n", 1, 4, "tag");
    assert_refused("a: !x {b: c}\n", 1, 4, "tag");
    assert_refused("a: &x [1]\nb: &y {c: d}\n", 1, 4, "anchor");
    assert_refused("&k a: b\n", 1, 1, "anchor");
    assert_refused("a: 1\n---\nb: 2\n", 2, 1, "another document");
    assert_refused("%YAML 1.1\n---\na: 1\n", 1, 1, "directive");
    assert_refused("%TAG ! tag:x,2000:\n---\na: 1\n", 1, 1, "directive");
    assert_refused("[a, b]: c\n", 1, 1, "key is a list");
    assert_refused("? {a: b}\n: c\n", 1, 3, "key is a mapping");
    assert_refused("?\n: a\n", 1, 2, "key is missing");
    assert_refused("a: 1\nb: 2\na: 3\n", 3, 1, "already defined on line 1");
    assert_refused("- a\n", 1, 1, "holds a list");
    assert_refused("a\n", 1, 1, "holds text");
    /* What is quoted is none of these. */
    assert_tree("'<<': '*x'\nb: '&y'\nc: '!z'\n",
                "{<<@1:1: \"*x\"@1:7, b@2:1: \"&y\"@2:4, c@3:1: \"!z\"@3:4}");
}

static void goes_on_behind_what_it_refuses(void **state)
{
    (void)state;
    assert_parsed(yaml_parse, SPAN("a: *x\nb: &y 1\n? [c]\n: d\ne: !t 2\nb: 3\nf: 4\n"), "",
                  "1:4 an alias is unexpected here; a plain key or value was expected\n"
                  "2:4 an anchor is unexpected here; a plain key or value was expected\n"
                  "3:3 this key is a list; text was expected\n"
                  "5:4 a tag is unexpected here; a plain key or value was expected\n"
                  "6:1 the key \"b\" is already defined on line 2; each key was expected once\n");
}

static void finds_faults_where_they_are(void **state)
{
    (void)state;
    assert_refused("a:\n\tb: c\n", 2, 1, "tab");
    assert_refused("a: b: c\n", 1, 5, "\":\" is unexpected");
    assert_refused("a:\n    b: c\n  d: e\n", 3, 3, "indented differently");
    assert_refused("a: [b, c\nd: e\n", 1, 4, "\"[\" is not closed");
    assert_refused("a: {b: c\nd: e\n", 1, 4, "\"{\" is not closed");
    assert_refused("a: 'b\nc: d\n", 1, 4, "string is not closed");
    assert_refused("a: \"\\q\"\n", 1, 5, "escape");
    assert_refused("a: @b\n", 1, 4, "\"@\" is unexpected");
    assert_refused("a: *\n", 1, 4, "\"*\" is unexpected");
    assert_refused("a: - b\n", 1, 4, "\"-\" is unexpected");
    assert_refused("a: b\nc\n", 2, 1, "this is no key");
    assert_refused("a: b\x01\n", 1, 5, "0x01");
    assert_refused("a: b\rc: d\n", 1, 5, "carriage return");
    assert_refused("a: b\xc2\x85"
                   "c: d\n",
                   1, 5, "control character");
    assert_refused("\xc3\xa9: b\xe2\x80\xa8"
                   "c: d\n",
                   1, 5, "line separator");
    assert_refused("a: caf\xe9\n", 1, 7, "0xE9");
    assert_refused("a: b\n \xef\xbb\xbf"
                   "c: d\n",
                   2, 2, "byte order mark");
    assert_refused("a:\n  -\xc2\xa0"
                   "b: c\n    d: e\n",
                   2, 4, "no-break space");
    assert_parsed(yaml_parse, SPAN("a: \0\n"), "",
                  "0:0 the file holds NUL bytes; a text file was expected\n");
}

/* The text, directly before a page that nobody may touch. */
static struct span guarded(const char *text)
{
    return span_make(guard_page_copy(span_str(text)), strlen(text));
}

static bool resolves(enum value_type expected, const char *text, struct value *value)
{
    *value = (struct value){.type = VALUE_PLAIN, .string = guarded(text)};
    bool result = yaml_resolve(expected, value);
    assert_int_equal(value->type, result ? expected : VALUE_PLAIN);
    return result;
}

static void resolves_by_what_is_expected(void **state)
{
    (void)state;
    static const char *const no_integers[] = {
        "",    "012",  "00",  "0x1F", "0o17", "0b1",  "1_000", "1:30", "+5",
        "1.0", "1e3",  "yes", "no",   "null", "~",    "-",     "--1",  " 1",
        "1 ",  ".inf", "-01", "1,0",  "on",   "true", "ten",   "5s",   "99999999999999999999"};
    static const char *const no_booleans[] = {"yes", "no", "on", "off", "True", "TRUE",  "y",
                                              "1",   "0",  "",   "~",   "null", "false "};
    struct value value;
    for (size_t i = 0; i < sizeof no_integers / sizeof *no_integers; i++) {
        assert_false(resolves(VALUE_INTEGER, no_integers[i], &value));
        assert_true(resolves(VALUE_STRING, no_integers[i], &value));
        assert_true(span_eq(value.string, span_str(no_integers[i])));
    }
    for (size_t i = 0; i < sizeof no_booleans / sizeof *no_booleans; i++)
        assert_false(resolves(VALUE_BOOLEAN, no_booleans[i], &value));
    assert_true(resolves(VALUE_BOOLEAN, "true", &value) && value.boolean);
    assert_true(resolves(VALUE_BOOLEAN, "false", &value) && !value.boolean);
    assert_true(resolves(VALUE_INTEGER, "0", &value) && value.integer == 0);
    assert_true(resolves(VALUE_INTEGER, "-7", &value) && value.integer == -7);
    assert_true(resolves(VALUE_INTEGER, "9223372036854775807", &value));
    assert_true(value.integer == INT64_MAX);
    assert_false(resolves(VALUE_ARRAY, "x", &value));
}

static void names_traps(void **state)
{
    (void)state;
    static const struct {
        const char *text, *word;
    } traps[] = {{"no", "true or false"}, {"On", "true or false"},
                 {"~", "no value"},       {"NULL", "no value"},
                 {"True", "small"},       {"012", "zeros"},
                 {"08", "zeros"},         {"0x1F", "this number"},
                 {"0b11", "this number"}, {"-0o17", "this number"},
                 {"1_000", "alone"},      {"1:30", "alone"},
                 {"+5", "plus"}};
    for (size_t i = 0; i < sizeof traps / sizeof *traps; i++) {
        const char *trap = yaml_trap(guarded(traps[i].text));
        assert_non_null(trap);
        assert_non_null(strstr(trap, traps[i].word));
    }
    static const char *const none[] = {"many", "1.5", "", "-", "true", "x:y", "_", "0x"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_null(yaml_trap(guarded(none[i])));
}

/* `count` times `part` behind "a: ", or below it. */
static void assert_too_deep(unsigned count, const char *before, const char *part)
{
    size_t start = strlen(before), len = strlen(part);
    char *text = calloc(1, start + count * len + 1);
    assert_non_null(text);
    memcpy(text, before, start);
    for (unsigned i = 0; i < count; i++)
        memcpy(text + start + i * len, part, len);
    struct problems problems = {0};
    value_tree_free(yaml_parse("t", span_str(text), &problems));
    assert_true(problems.count > 0);
    assert_non_null(strstr(problems.items[problems.count - 1].message, "too deep"));
    problems_release(&problems);
    free(text);
}

static void limits_depth(void **state)
{
    (void)state;
    assert_too_deep(100000, "a: ", "[");
    assert_too_deep(100000, "a: ", "{a: ");
    assert_too_deep(100000, "a: ", "[{a: ");
    assert_too_deep(100000, "a:\n ", "- ");
    assert_too_deep(100000, "a:\n ", "? ");
    assert_too_deep(VALUE_DEPTH_MAX, "a: ", "[");
    char text[2 * VALUE_DEPTH_MAX + 8] = "a: ";
    memset(text + 3, '[', VALUE_DEPTH_MAX - 1);
    memset(text + 3 + VALUE_DEPTH_MAX - 1, ']', VALUE_DEPTH_MAX - 1);
    struct problems problems = {0};
    value_tree_free(yaml_parse("t", span_str(text), &problems));
    assert_true(problems_is_empty(&problems));
    problems_release(&problems);
}

/* Every beginning of a text that has everything, right before forbidden memory. */
static void reads_no_byte_too_far(void **state)
{
    (void)state;
    struct span text = SPAN("%YAML 1.1\r\n--- # c\na: [b, 'c''', \"\\u00e9\\n\xc3\xa9\"]\n"
                            "d: &e !!f |\n  g\n  h\ni: *e\n<<: {j: k}\n? [l]\n: >-\n m\n"
                            "n:\n- o\n-\xc2\xa0p: - q\n\t@");
    for (size_t len = 0; len <= text.len; len++) {
        struct problems problems = {0};
        value_tree_free(
            yaml_parse("t", span_make(guard_page_copy(span_first(text, len)), len), &problems));
        assert_true(len < text.len || !problems_is_empty(&problems));
        problems_release(&problems);
    }
    struct span good = SPAN("a: [b, 'c']");
    assert_parsed(yaml_parse, span_make(guard_page_copy(good), good.len),
                  "{a@1:1: [<b>@1:5, \"c\"@1:8]@1:4}", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_style),
        cmocka_unit_test(refuses_by_name),
        cmocka_unit_test(goes_on_behind_what_it_refuses),
        cmocka_unit_test(finds_faults_where_they_are),
        cmocka_unit_test(resolves_by_what_is_expected),
        cmocka_unit_test(names_traps),
        cmocka_unit_test(limits_depth),
        cmocka_unit_test(reads_no_byte_too_far),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
