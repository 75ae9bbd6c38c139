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

static void knows_what_cannot_be_seen(void **state)
{
    (void)state;
    assert_true(utf8_is_invisible(0x200b));  /* zero-width space */
    assert_true(utf8_is_invisible(0xfeff));  /* byte order mark */
    assert_false(utf8_is_invisible(0x300));  /* combines with a letter */
    assert_false(utf8_is_invisible(0x201c)); /* a typographic quotation mark */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_characters),          cmocka_unit_test(refuses_what_is_none),
        cmocka_unit_test(finds_the_first_bad_byte),  cmocka_unit_test(encodes_what_it_reads),
        cmocka_unit_test(knows_what_cannot_be_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
