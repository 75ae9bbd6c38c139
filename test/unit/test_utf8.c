/* UTF-8: what is a character, and where text stops being text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "guard_page.h"

static void assert_char(struct span s, size_t len)
{
    assert_int_equal(utf8_char(span_make(guard_page_copy(s), s.len)), len);
}

static void knows_characters(void **state)
{
    (void)state;
    assert_char(SPAN("a"), 1);
    assert_char(SPAN("\0"), 1);
    assert_char(SPAN("\x7f"), 1);
    assert_char(SPAN("\xc2\x80"), 2);
    assert_char(SPAN("\xdf\xbf"), 2);
    assert_char(SPAN("\xe0\xa0\x80"), 3);
    assert_char(SPAN("\xed\x9f\xbf"), 3);
    assert_char(SPAN("\xee\x80\x80"), 3);
    assert_char(SPAN("\xef\xbf\xbf"), 3);
    assert_char(SPAN("\xf0\x90\x80\x80"), 4);
    assert_char(SPAN("\xf4\x8f\xbf\xbf"), 4);
}

static void refuses_what_is_none(void **state)
{
    (void)state;
    assert_char(SPAN(""), 0);
    assert_char(SPAN("\x80"), 0);             /* a tail alone */
    assert_char(SPAN("\xc0\x80"), 0);         /* overlong */
    assert_char(SPAN("\xc1\xbf"), 0);         /* overlong */
    assert_char(SPAN("\xe0\x9f\xbf"), 0);     /* overlong */
    assert_char(SPAN("\xf0\x8f\xbf\xbf"), 0); /* overlong */
    assert_char(SPAN("\xed\xa0\x80"), 0);     /* a surrogate */
    assert_char(SPAN("\xf4\x90\x80\x80"), 0); /* beyond U+10FFFF */
    assert_char(SPAN("\xf5\x80\x80\x80"), 0);
    assert_char(SPAN("\xff"), 0);
    assert_char(SPAN("\xc2"), 0); /* cut off */
    assert_char(SPAN("\xe2\x82"), 0);
    assert_char(SPAN("\xf0\x9f\x98"), 0);
    assert_char(SPAN("\xe2\x28\xa1"), 0);
    assert_char(SPAN("\xe2\x82\x28"), 0);
}

static void finds_the_first_bad_byte(void **state)
{
    (void)state;
    assert_int_equal(utf8_find_bad(SPAN("")), 0);
    assert_int_equal(utf8_find_bad(SPAN("a\xc3\xa9z")), 4);
    assert_int_equal(utf8_find_bad(SPAN("a\xc3\xa9\xe9z")), 3);
    assert_int_equal(utf8_find_bad(SPAN("a\xc3")), 1);
}

static void encodes_what_it_reads(void **state)
{
    (void)state;
    char out[4];
    for (uint32_t code = 1; code <= 0x10ffff; code++) {
        if (code >= 0xd800 && code <= 0xdfff)
            continue;
        size_t len = utf8_encode(code, out);
        assert_int_equal(len, code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4);
        assert_int_equal(utf8_char(span_make(out, len)), len);
    }
    assert_int_equal(utf8_encode(0x20ac, out), 3);
    assert_memory_equal(out, "\xe2\x82\xac", 3);
}

static void knows_widths(void **state)
{
    (void)state;
    assert_int_equal(utf8_width(SPAN("a")), 1);
    assert_int_equal(utf8_width(SPAN("\xc3\xa9")), 1);         /* e with an acute accent */
    assert_int_equal(utf8_width(SPAN("\xcc\x80")), 0);         /* U+0300, the first that combines */
    assert_int_equal(utf8_width(SPAN("\xe2\x80\x8b")), 0);     /* zero-width space */
    assert_int_equal(utf8_width(SPAN("\xe2\x80\x9c")), 1);     /* a typographic quotation mark */
    assert_int_equal(utf8_width(SPAN("\xef\xbb\xbf")), 0);     /* byte order mark */
    assert_int_equal(utf8_width(SPAN("\xe1\x84\x80")), 2);     /* U+1100, the first wide one */
    assert_int_equal(utf8_width(SPAN("\xe6\xbc\xa2")), 2);     /* a Han character */
    assert_int_equal(utf8_width(SPAN("\xef\xbc\xbb")), 2);     /* a full-width bracket */
    assert_int_equal(utf8_width(SPAN("\xef\xbd\xb1")), 1);     /* a half-width Katakana */
    assert_int_equal(utf8_width(SPAN("\xf0\x9f\x9a\x80")), 2); /* a rocket */
    assert_int_equal(utf8_width(SPAN("\xf4\x8f\xbf\xbf")), 1); /* the last code point */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_characters),
        cmocka_unit_test(refuses_what_is_none),
        cmocka_unit_test(finds_the_first_bad_byte),
        cmocka_unit_test(encodes_what_it_reads),
        cmocka_unit_test(knows_widths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
