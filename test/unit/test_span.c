/* Spans: edges, NULs, and input against the end of its array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/span.h"
#include "guard_page.h"

#define NOTHING ((struct span){NULL, 0})

static void assert_span(struct span s, const char *expected)
{
    assert_int_equal(s.len, strlen(expected));
    assert_memory_equal(s.data, expected, s.len);
}

static void compares(void **state)
{
    (void)state;
    assert_true(span_eq(SPAN("a\0b"), SPAN("a\0b")));
    assert_false(span_eq(SPAN("a\0b"), SPAN("a\0c")));
    assert_false(span_eq(SPAN("a"), SPAN("ab")));
    assert_false(span_eq(SPAN("a"), SPAN("A")));
    assert_true(span_eq(NOTHING, SPAN("")));
    assert_true(span_eq_nocase(SPAN("Transfer-ENCODING"), SPAN("transfer-encoding")));
    assert_false(span_eq_nocase(SPAN("host"), SPAN("hos")));
    assert_true(span_eq_nocase(NOTHING, NOTHING));
    assert_int_equal(span_hash(SPAN("Host")), span_hash(SPAN("host")));
    assert_int_not_equal(span_hash(SPAN("Host")), span_hash(SPAN("Hosts")));
    /* ASCII letters only: '@' and '`', '[' and '{' differ by the same bit; so do É and é. */
    assert_false(span_eq_nocase(SPAN("@["), SPAN("`{")));
    assert_false(span_eq_nocase(SPAN("\xc9"), SPAN("\xe9")));
    assert_int_equal(span_lower('Z'), 'z');
    assert_int_equal(span_lower('['), '[');
}

static void finds_ends(void **state)
{
    (void)state;
    assert_true(span_has_prefix(SPAN("http://x"), SPAN("http://")));
    assert_false(span_has_prefix(SPAN("http"), SPAN("http:")));
    assert_true(span_has_prefix(NOTHING, NOTHING));
    assert_true(span_has_suffix(SPAN("a.test"), SPAN(".test")));
    assert_true(span_has_suffix(SPAN("a"), SPAN("")));
    assert_false(span_has_suffix(SPAN("test"), SPAN(".test")));
    assert_true(span_has_suffix(NOTHING, NOTHING));
}

static void finds_bytes(void **state)
{
    (void)state;
    assert_int_equal(span_find(SPAN("a:b:c"), ':'), 1);
    assert_int_equal(span_find(SPAN("abc"), ':'), 3);
    assert_int_equal(span_find(SPAN("a\0:"), ':'), 2);
    assert_int_equal(span_find(NOTHING, ':'), 0);
    /* Never beyond the end, even if the byte is there. */
    assert_int_equal(span_find(span_make("ab:", 2), ':'), 2);
}

static void cuts(void **state)
{
    (void)state;
    assert_span(span_from(SPAN("abc"), 1), "bc");
    assert_span(span_from(SPAN("abc"), 3), "");
    assert_span(span_from(SPAN("abc"), 9), "");
    assert_true(span_is_empty(span_from(NOTHING, 0)));
    assert_true(span_is_empty(span_from(NOTHING, 4)));
    assert_span(span_first(SPAN("abc"), 2), "ab");
    assert_span(span_first(SPAN("abc"), 9), "abc");
    assert_span(span_str("abc"), "abc");
    assert_true(span_is_empty(span_str(NULL)));
}

static void trims(void **state)
{
    (void)state;
    assert_span(span_trim(SPAN(" \t a b \t")), "a b");
    assert_span(span_trim(SPAN(" \t ")), "");
    assert_span(span_trim(SPAN("\r\n")), "\r\n");
    assert_true(span_is_empty(span_trim(NOTHING)));
}

static void splits(void **state)
{
    struct span rest = SPAN("a,,b"), part;
    (void)state;
    assert_true(span_split(&rest, ',', &part));
    assert_span(part, "a");
    assert_true(span_split(&rest, ',', &part));
    assert_span(part, "");
    assert_true(span_split(&rest, ',', &part));
    assert_span(part, "b");
    assert_false(span_split(&rest, ',', &part));

    rest = SPAN("a,");
    assert_true(span_split(&rest, ',', &part));
    assert_true(span_split(&rest, ',', &part));
    assert_span(part, "");
    assert_false(span_split(&rest, ',', &part));

    rest = SPAN("");
    assert_true(span_split(&rest, ',', &part));
    assert_span(part, "");
    assert_false(span_split(&rest, ',', &part));
}

static void parses_numbers(void **state)
{
    static const char *const bad[] = {
        "", "-1", "+1", " 1", "1 ", "0x1", "1a", "18446744073709551616", "99999999999999999999999"};
    uint64_t value = 7;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct span text = span_str(bad[i]);
        text.data = guard_page_copy(text);
        assert_false(span_parse_uint(text, UINT64_MAX, &value));
        assert_int_equal(value, 7);
    }
    assert_false(span_parse_uint(SPAN("1\0"), UINT64_MAX, &value));
    assert_true(span_parse_uint(SPAN("18446744073709551615"), UINT64_MAX, &value));
    assert_true(value == UINT64_MAX);
    assert_true(span_parse_uint(SPAN("000"), 0, &value));
    assert_int_equal(value, 0);
    assert_true(span_parse_uint(SPAN("65535"), 65535, &value));
    assert_false(span_parse_uint(SPAN("65536"), 65535, &value));
    assert_false(span_parse_uint(SPAN("9"), 5, &value));
    assert_true(span_parse_uint(span_make("12345", 2), 99, &value));
    assert_int_equal(value, 12);
}

static void copies(void **state)
{
    char out[4] = "xyz";
    (void)state;
    assert_true(span_copy(SPAN("abc"), out, sizeof out));
    assert_string_equal(out, "abc");
    assert_false(span_copy(SPAN("abcd"), out, sizeof out));
    assert_string_equal(out, "");
    assert_false(span_copy(SPAN("a\0b"), out, sizeof out));
    assert_string_equal(out, "");
    assert_true(span_copy(NOTHING, out, sizeof out));
    assert_string_equal(out, "");
    assert_false(span_copy(SPAN(""), out, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares),       cmocka_unit_test(finds_ends),
        cmocka_unit_test(finds_bytes),    cmocka_unit_test(cuts),
        cmocka_unit_test(trims),          cmocka_unit_test(splits),
        cmocka_unit_test(parses_numbers), cmocka_unit_test(copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
