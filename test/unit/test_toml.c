/* TOML: every kind of value, who may add to what, places, recovery, limits. The exact words of
 * problems are in test_wrong.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "format/toml_parse.h"
#include "guard_page.h"

struct parsed {
    struct value_tree *tree;
    struct problems problems;
};

static struct parsed parse(struct span text)
{
    struct parsed parsed = {0};
    parsed.tree = toml_parse("t", text, &parsed.problems);
    assert_int_equal(parsed.tree != NULL, problems_is_empty(&parsed.problems));
    problems_sort(&parsed.problems);
    return parsed;
}

static void done(struct parsed *parsed)
{
    value_tree_free(parsed->tree);
    problems_release(&parsed->problems);
}

static const struct value *get(const struct parsed *parsed, const char *key)
{
    const struct value_entry *entry = value_table_find(parsed->tree->root, span_str(key));
    assert_non_null(entry);
    return &entry->value;
}

/* "k = TEXT" is valid and k is the string. */
static void assert_text(const char *text, struct span expected)
{
    char file[512];
    int len = snprintf(file, sizeof file, "k = %s", text);
    struct parsed parsed = parse(span_make(file, (size_t)len));
    assert_true(problems_is_empty(&parsed.problems));
    const struct value *value = get(&parsed, "k");
    assert_int_equal(value->type, VALUE_STRING);
    assert_int_equal(value->string.len, expected.len);
    assert_memory_equal(value->string.data, expected.data, expected.len);
    assert_int_equal(value->string.data[expected.len], '\0');
    done(&parsed);
}

static void assert_integer(const char *text, int64_t expected)
{
    char file[128];
    int len = snprintf(file, sizeof file, "k = %s", text);
    struct parsed parsed = parse(span_make(file, (size_t)len));
    assert_true(problems_is_empty(&parsed.problems));
    assert_int_equal(get(&parsed, "k")->type, VALUE_INTEGER);
    assert_true(get(&parsed, "k")->integer == expected);
    done(&parsed);
}

static double number(const char *text)
{
    char file[256];
    int len = snprintf(file, sizeof file, "k = %s", text);
    struct parsed parsed = parse(span_make(file, (size_t)len));
    assert_true(problems_is_empty(&parsed.problems));
    assert_int_equal(get(&parsed, "k")->type, VALUE_FLOAT);
    double real = get(&parsed, "k")->real;
    done(&parsed);
    return real;
}

static void assert_problems(const char *text, size_t count)
{
    struct parsed parsed = parse(span_str(text));
    if (parsed.problems.count != count)
        print_message("%s\n", text);
    assert_int_equal(parsed.problems.count, count);
    done(&parsed);
}

static void assert_valid(const char *text)
{
    assert_problems(text, 0);
}

static void assert_invalid(const char *text)
{
    struct parsed parsed = parse(span_str(text));
    if (problems_is_empty(&parsed.problems))
        print_message("accepted: %s\n", text);
    assert_false(problems_is_empty(&parsed.problems));
    done(&parsed);
}

static void reads_strings(void **state)
{
    (void)state;
    assert_text("\"\"", SPAN(""));
    assert_text("''", SPAN(""));
    assert_text("\"a\\tb\\u00e9\\U0001F600\\x41\\e\\\\\\\"\"", SPAN("a\tb\xc3\xa9\xf0\x9f\x98\x80"
                                                                    "A\x1b\\\""));
    assert_text("\"a\\u0000b\"", SPAN("a\0b"));
    assert_text("'C:\\n'", SPAN("C:\\n"));
    assert_text("\"\"\"\nline\n  two\"\"\"", SPAN("line\n  two"));
    assert_text("\"\"\"\r\na\r\nb\"\"\"", SPAN("a\r\nb"));
    assert_text("\"\"\"a \\\n\n   \t b\"\"\"", SPAN("a b"));
    assert_text("\"\"\"a \\  \r\n   b\"\"\"", SPAN("a b"));
    assert_text("\"\"\"\"a\"\" b\"\"\"\"\"", SPAN("\"a\"\" b\"\""));
    assert_text("'''\n'a'' b'''''", SPAN("'a'' b''"));
    assert_text("\"\"\"\"\"\"", SPAN(""));
    assert_text("\"\"\"\\\"\"\"\"", SPAN("\""));
    assert_text("'# no comment'", SPAN("# no comment"));
    assert_text("\"\ttab\"", SPAN("\ttab"));
}

static void reads_integers(void **state)
{
    (void)state;
    assert_integer("0", 0);
    assert_integer("+0", 0);
    assert_integer("-0", 0);
    assert_integer("1_000", 1000);
    assert_integer("9223372036854775807", INT64_MAX);
    assert_integer("-9223372036854775808", INT64_MIN);
    assert_integer("0x7fff_ffff_ffff_ffff", INT64_MAX);
    assert_integer("0xDeadBeef", 0xdeadbeef);
    assert_integer("0o755", 0755);
    assert_integer("0b1101", 13);
    assert_integer("0x00ff", 255);
    assert_invalid("k = 9223372036854775808");
    assert_invalid("k = -9223372036854775809");
    assert_invalid("k = 0x8000000000000000");
    assert_invalid("k = 99999999999999999999999999");
    assert_invalid("k = +0x1");
    assert_invalid("k = 0x");
    assert_invalid("k = 1__0");
}

static void reads_floats(void **state)
{
    (void)state;
    assert_true(number("3.25") == 3.25);
    assert_true(number("-1e3") == -1000.0);
    assert_true(number("1_0.2_5E+0_1") == 102.5);
    assert_true(number("inf") == (double)INFINITY);
    assert_true(number("-inf") == -(double)INFINITY);
    assert_true(isnan(number("nan")));
    assert_true(isnan(number("-nan")));
    assert_true(signbit(number("-0.0")) != 0);
    /* Longer than any buffer on the stack. */
    assert_true(number("0.1000000000000000000000000000000000000000000000000000000000000000000000"
                       "00000000000000000000000000") == 0.1);
}

static void reads_dates(void **state)
{
    (void)state;
    struct parsed parsed = parse(SPAN("a = 1979-05-27T07:32:01.5-07:30\nb = 1979-05-27 07:32\n"
                                      "c = 2000-02-29\nd = 07:32:60.123456789123 # leap second\n"
                                      "e = 1979-05-27t07:32z"));
    assert_true(problems_is_empty(&parsed.problems));
    for (const struct value_entry *e = parsed.tree->root->first; e; e = e->next)
        assert_int_equal(e->value.type, VALUE_DATE);
    assert_true(span_eq(get(&parsed, "b")->string, SPAN("1979-05-27 07:32")));
    assert_true(span_eq(get(&parsed, "d")->string, SPAN("07:32:60.123456789123")));
    done(&parsed);
    assert_invalid("k = 1900-02-29");
    assert_invalid("k = 2023-04-31");
    assert_invalid("k = 24:00");
    assert_invalid("k = 2023-04-30T10:00:00+24:00");
    assert_invalid("k = 2023-04-30T10:00:00.");
    assert_invalid("k = 2023-04-30T");
}

static void nests(void **state)
{
    (void)state;
    struct parsed parsed = parse(SPAN("a = [1, [\"x\", {b.c = true, b.d = 2,}], # comment\n]\n"
                                      "[t.u]\nv.w = 1\n[[t.list]]\nx = 1\n[[t.list]]\n"
                                      "[t.list.sub]\ny = 2\n[t]\nz = 3"));
    assert_true(problems_is_empty(&parsed.problems));
    const struct value *a = get(&parsed, "a");
    assert_int_equal(a->table->count, 2);
    const struct value *inside = &a->table->last->value.table->last->value;
    assert_int_equal(inside->type, VALUE_TABLE);
    assert_int_equal(inside->table->first->value.table->count, 2);
    const struct value *t = get(&parsed, "t");
    const struct value_entry *list = value_table_find(t->table, SPAN("list"));
    assert_int_equal(list->value.table->count, 2);
    assert_non_null(value_table_find(list->value.table->last->value.table, SPAN("sub")));
    assert_non_null(value_table_find(t->table, SPAN("z")));
    done(&parsed);
}

static void guards_definitions(void **state)
{
    (void)state;
    assert_invalid("a = 1\na = 2");
    assert_invalid("a = 1\n\"a\" = 2");
    assert_invalid("[a]\n[a]");
    assert_invalid("[a.b]\n[a]\n[a]");
    assert_invalid("a.b = 1\n[a]");
    assert_invalid("[a]\nb.c = 1\n[a.b]");
    assert_invalid("[a.b.c]\nz = 1\n[a]\nb.c.t = 1");
    assert_invalid("a = {b = 1}\n[a]");
    assert_invalid("a = {b = {}}\n[a.b.c]");
    assert_invalid("a = {b = 1}\na.c = 1");
    assert_invalid("a = []\n[[a]]");
    assert_invalid("[[a]]\n[a]");
    assert_invalid("[a]\n[[a]]");
    assert_invalid("[a.b]\n[[a]]");
    assert_invalid("a = 1\n[a.b]");
    assert_invalid("a = {b = 1, b.c = 2}");
    assert_valid("[a.b]\n[a]");
    assert_valid("[a]\nb.c = 1\n[a.b.d]");
    assert_valid("[a.b]\n[a.c]\n[a]\nd = 1");
    assert_valid("a.b = 1\na.c = 2");
    assert_valid("[[a]]\n[a.b]\n[[a]]\n[a.b]");
}

static void keeps_places(void **state)
{
    (void)state;
    struct parsed parsed = parse(SPAN("\xef\xbb\xbf# \xc3\xa9\n\"\xc3\xa9\" = 'x'\r\n\n  [ t ]\n"
                                      "\tk = [\n  1,\n  \"\"\"\n\n\"\"\", 2 ]"));
    assert_true(problems_is_empty(&parsed.problems));
    const struct value_entry *entry = value_table_find(parsed.tree->root, SPAN("\xc3\xa9"));
    assert_int_equal(entry->line, 2);
    assert_int_equal(entry->column, 1);
    assert_int_equal(entry->value.column, 7); /* characters, not bytes */
    const struct value *t = get(&parsed, "t");
    assert_int_equal(t->line, 4);
    assert_int_equal(t->column, 5);
    const struct value_entry *k = value_table_find(t->table, SPAN("k"));
    assert_int_equal(k->line, 5);
    assert_int_equal(k->column, 2);
    const struct value_table *items = k->value.table;
    assert_int_equal(items->first->value.line, 6);
    assert_int_equal(items->first->next->value.line, 7);
    assert_int_equal(items->last->value.line, 9); /* behind a string of several lines */
    assert_int_equal(items->last->value.column, 6);
    done(&parsed);
}

/* The lines of all problems, as text. */
static void assert_lines(const char *text, const char *expected)
{
    struct parsed parsed = parse(span_str(text));
    char lines[256] = "";
    for (size_t i = 0, len = 0; i < parsed.problems.count && len < 200; i++)
        len +=
            (size_t)snprintf(lines + len, 16, "%s%u", i ? " " : "", parsed.problems.items[i].line);
    if (strcmp(lines, expected) != 0)
        print_message("%s\n", text);
    assert_string_equal(lines, expected);
    done(&parsed);
}

static void finds_the_next_problem(void **state)
{
    (void)state;
    assert_lines("a = ?\nb = 1\nc = \"open\nd = 2\n= 3\na = 1\ne = [1,\n 2\nf = ?\n[x\n"
                 "a = 1\n[y]\nh = ?\nh = 1\nh = 2\nh = 3\n[y]",
                 "1 3 5 7 13 15 16 17");
    assert_lines("a = {\n  b = 1,\n  c = [ # here\n    d,\n    ?,\n  ],\n}\ne = ?\n", "4 8");
    assert_lines("[x\na = 1\na = 2\n[y]\nb = 1\nb = 2\n", "1 3 6");
    assert_lines("a: [\n  1,\n]\nb = ?\n", "1 4");
    assert_lines("a = [\n  ?,\n  [1],\n  [true],\n  [b],\n", "2 5");
    assert_lines("a = [{\nb = 'x'\nc = 'y'\n}, {\nb = 'z'\n}]\nd = ?", "2 7");
}

static void one_mistake_is_one_problem(void **state)
{
    (void)state;
    assert_problems("a = [\n  one,\n  2,\n]\nb = 1", 1);
    assert_problems("a = [\n  'x' 'y',\n  'z',\n]\nb = 1", 1);
    assert_problems("a = [\n  [1, 2],\n  [3\n]\nb = 1", 1);
    assert_problems("a = {\n  b = 1\n  c = 2\n}\nd = 1", 1);
    assert_problems("a = {\n  b = 1,\n\nc = 2\n[d]\n", 1);
    assert_problems("[[a]\nb = 1\n[[a]\nb = 1\n[[a]]\nb = 1\n", 2);
    assert_problems("a = \"\"\"\nnever\nclosed\nb = 1", 1);
    assert_problems("a = \"\"\"\nbad \\q\nescapes \\q\n\"\"\"\nb = 1", 1);
    assert_problems("a: 1\nb: 2", 2);
    assert_problems("a: 'x'\nb: c", 2);
    assert_problems("a = hello world\n", 1);
    assert_problems("[a]\n[b\nx = 1\nx = 2\n", 2);
}

static void refuses_what_is_no_text(void **state)
{
    (void)state;
    assert_problems("\xff\xfe[\0a\0]\0", 1);
    assert_lines("a = 1\n'\xe9' = ?\n= 1", "2"); /* not UTF-8 */
}

/* "k = [[…]]" and the like with `depth` brackets. */
static struct parsed parse_deep(const char *open, const char *middle, const char *close,
                                unsigned depth)
{
    char text[2048];
    size_t len = (size_t)snprintf(text, sizeof text, "k = ");
    for (unsigned i = 0; i < depth; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s", open);
    len += (size_t)snprintf(text + len, sizeof text - len, "%s", middle);
    for (unsigned i = 0; i < depth; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s", close);
    return parse(span_make(text, len));
}

static void limits_depth(void **state)
{
    (void)state;
    struct parsed parsed = parse_deep("[", "1", "]", VALUE_DEPTH_MAX - 1);
    assert_true(problems_is_empty(&parsed.problems));
    done(&parsed);
    parsed = parse_deep("[", "1", "]", VALUE_DEPTH_MAX);
    assert_int_equal(parsed.problems.count, 1);
    done(&parsed);
    parsed = parse_deep("{a=", "1", "}", VALUE_DEPTH_MAX);
    assert_int_equal(parsed.problems.count, 1);
    done(&parsed);
    char keys[512] = "k";
    for (unsigned i = 0; i < VALUE_DEPTH_MAX; i++)
        memcpy(keys + 1 + i * 2, ".k", 3);
    size_t len = strlen(keys);
    memcpy(keys + len, " = 1", 5);
    assert_problems(keys, 1);
    memcpy(keys + len - 2, " = 1", 5);
    assert_valid(keys);
}

static void limits_problems(void **state)
{
    (void)state;
    char text[8192] = "";
    for (size_t i = 0; i < 1000; i++)
        memcpy(text + i * 6, "a = ?\n", 7);
    struct parsed parsed = parse(span_str(text));
    assert_int_equal(parsed.problems.count, PROBLEMS_MAX);
    assert_true(problems_is_full(&parsed.problems));
    done(&parsed);
}

static const char everything[] =
    "# comment\r\n\"a\\u00e9\".'b' . c = \"x\\n\\x41\\U0001F600\"\n"
    "i = [ +1, 0xff, 0o7, 0b1, 1_0, -2.5e-3, inf, -nan, true, false ]\n"
    "d = [1979-05-27T07:32:00.5+01:00, 1979-05-27 07:32, 1979-05-27, 07:32:00]\n"
    "m = \"\"\"\nx \\\n  y\"\"\"\"\"\nl = '''\n''x'''\n"
    "t = { a.b = 1, # c\n c = {}, }\n[x.y]\nz = 1\n[[p]]\n[[p]]\nq.r = ''\n[p.s]\n";

/* No prefix of a valid file is read beyond its end. */
static void never_reads_beyond_the_end(void **state)
{
    (void)state;
    assert_valid(everything);
    for (size_t len = 0; len <= sizeof everything - 1; len++) {
        struct span prefix = span_make(everything, len);
        struct parsed parsed = parse(span_make(guard_page_copy(prefix), len));
        done(&parsed);
    }
}

/* Every byte replaced by every other: no crash, and the parser always ends. */
static void survives_damage(void **state)
{
    (void)state;
    static const char bytes[] = "\0\t\n\r \"'#.=[]{},\\\x7f\x80\xc3\xff"
                                "a0";
    char text[sizeof everything];
    for (size_t i = 0; i < sizeof everything - 1; i++)
        for (size_t j = 0; j < sizeof bytes - 1; j++) {
            memcpy(text, everything, sizeof everything);
            text[i] = bytes[j];
            struct parsed parsed = parse(span_make(text, sizeof everything - 1));
            done(&parsed);
        }
}

/* Time is in proportion to the size: the work of ten files of a size is at least a quarter of
 * that of one file ten times as large. */
static double seconds_for(const char *unit, const char *before, size_t size)
{
    size_t unit_len = strlen(unit), len = strlen(before);
    char *text = malloc(size + unit_len + len + 32);
    assert_non_null(text);
    memcpy(text, before, len);
    for (unsigned i = 0; len < size; i++) {
        const char *number_sign = strchr(unit, '%');
        if (number_sign)
            len += (size_t)snprintf(text + len, 32, "k%u = %u\n", i, i);
        else {
            memcpy(text + len, unit, unit_len);
            len += unit_len;
        }
    }
    struct timespec start, end;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
    struct parsed parsed = parse(span_make(text, len));
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    done(&parsed);
    free(text);
    return (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
}

static void takes_linear_time(void **state)
{
    (void)state;
    static const struct {
        const char *before, *unit;
    } shapes[] = {{"", "%"},
                  {"a = [", "1,"},
                  {"a = \"", "x"},
                  {"", "[[a]]\nb=1\n"},
                  {"a = [", "'\xc3\xa9',"},
                  {"a = ", "["},
                  {"", "a = [\n"},
                  {"", "a."},
                  {"a = '''", "''x"},
                  {"", "a = '\n"},
                  {"a = \"\"\"", "\\\n"},
                  {"a={b=[\n{c=1},", "\n[c=1},"}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        double small = 0, large = seconds_for(shapes[i].unit, shapes[i].before, 400000);
        for (int j = 0; j < 10; j++)
            small += seconds_for(shapes[i].unit, shapes[i].before, 40000);
        if (large > small * 4 + 0.05)
            print_message("shape %zu: %f s, in ten pieces %f s\n", i, large, small);
        assert_true(large <= small * 4 + 0.05);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_strings),
        cmocka_unit_test(reads_integers),
        cmocka_unit_test(reads_floats),
        cmocka_unit_test(reads_dates),
        cmocka_unit_test(nests),
        cmocka_unit_test(guards_definitions),
        cmocka_unit_test(keeps_places),
        cmocka_unit_test(finds_the_next_problem),
        cmocka_unit_test(one_mistake_is_one_problem),
        cmocka_unit_test(refuses_what_is_no_text),
        cmocka_unit_test(limits_depth),
        cmocka_unit_test(limits_problems),
        cmocka_unit_test(never_reads_beyond_the_end),
        cmocka_unit_test(survives_damage),
        cmocka_unit_test(takes_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
