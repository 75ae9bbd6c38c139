/* Text: encodings (which the builder checks), and the names of characters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "format/builder.h"
#include "guard_page.h"
#include "tree_text.h"

static struct span guarded(struct span text)
{
    return span_make(guard_page_copy(text), text.len);
}

static void assert_encoding(struct span text, bool is_text, const char *words)
{
    struct problems problems = {0};
    struct builder builder;
    text = guarded(text);
    assert_int_equal(builder_begin(&builder, "f", &text, &problems), is_text);
    value_tree_free(builder_finish(&builder));
    char *found = problems_text(&problems);
    assert_string_equal(found, words);
    free(found);
    problems_release(&problems);
}

static void checks_the_encoding(void **state)
{
    (void)state;
    assert_encoding(SPAN(""), true, "");
    assert_encoding(SPAN("\xef\xbb\xbf"
                         "a = \"\xc3\xa9\"\n"),
                    true, "");
    assert_encoding(SPAN("\xff\xfe"
                         "a\0"),
                    false, "0:0 the file is UTF-16; UTF-8 was expected\n");
    assert_encoding(SPAN("\xfe\xff"), false, "0:0 the file is UTF-16; UTF-8 was expected\n");
    assert_encoding(SPAN("\xff\0"), false,
                    "0:0 the file holds NUL bytes; a text file was expected\n");
    assert_encoding(SPAN("\xc3\xa9\n\xc3\xa9\xff\n\xe9"), false,
                    "2:2 the byte 0xFF is not UTF-8; UTF-8 text was expected\n");
    /* A character that the end cuts off is none. */
    assert_encoding(SPAN("c\xf0\x9f\x8f"), false,
                    "1:2 the byte 0xF0 is not UTF-8; UTF-8 text was expected\n");
}

/* A whole file of them: a page, and an end. */
static void drops_the_mark(void **state)
{
    (void)state;
    assert_true(span_eq(text_without_mark(guarded(SPAN("\xef\xbb\xbf"))), SPAN("")));
    assert_true(span_eq(text_without_mark(guarded(SPAN("\xef\xbb"))), SPAN("\xef\xbb")));
    assert_true(span_eq(text_without_mark(SPAN("\xef\xbb\xbf\xef\xbb\xbf")), SPAN("\xef\xbb\xbf")));
    assert_true(span_eq(text_without_mark(SPAN("a\xef\xbb\xbf")), SPAN("a\xef\xbb\xbf")));
}

static void reads_hexadecimal(void **state)
{
    (void)state;
    assert_int_equal(text_hex(guarded(SPAN("0aF9")), 4), 0x0af9);
    assert_int_equal(text_hex(SPAN("ffFFffFF"), 8), INT64_C(0xffffffff));
    assert_int_equal(text_hex(SPAN("12x"), 2), 0x12);
    assert_int_equal(text_hex(guarded(SPAN("123")), 4), -1);
    assert_int_equal(text_hex(guarded(SPAN("")), 2), -1);
    static const char *const bad[] = {"0g", "-1", " 1", "0x", "/0", ":0", "@0", "G0"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(text_hex(guarded(span_str(bad[i])), 2), -1);
}

/* Every byte: letters, digits, "_" and "-" make words, and controls but the tab no text. */
static void knows_characters(void **state)
{
    (void)state;
    static const char word[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    for (int c = 0; c < 256; c++) {
        assert_int_equal(text_is_word((char)c), memchr(word, c, sizeof word - 1) != NULL);
        assert_int_equal(text_is_control((char)c), (c < 32 && c != 9) || c == 127);
    }
}

static void describes_characters(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
        bool is_lookalike;
    } rows[] = {{"", "the end of the file", false},
                {"\nx", "the end of the line", false},
                {"\r\n", "the end of the line", false},
                {"\rx", "a carriage return without a line feed", true},
                {"x", "\"x\"", false},
                {" ", "\" \"", false},
                {"\t", "a tab", false},
                {"\"", "a quotation mark", false},
                {"`", "a backquote", true},
                {"\x1b[", "the control character 0x1B", false},
                {"\x7f", "the control character 0x7F", false},
                {"\xff", "the byte 0xFF", false},
                {"\xe2\x80", "the byte 0xE2", false},
                {"\xc2\x9bz", "\"?\"", false}, /* some terminals obey it */
                {"\xc3\xa9z", "\"\xc3\xa9\"", false},
                {"\xe2\x80\x9cz", "a typographic quotation mark (U+201C)", true},
                {"\xc2\xa0", "a no-break space (U+00A0)", true},
                {"\xef\xbb\xbf", "a byte order mark (U+FEFF)", true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[TEXT_DESCRIBE];
        struct span text = guarded(span_str(rows[i].text));
        assert_string_equal(text_describe(text, out), rows[i].words);
        assert_int_equal(text_lookalike(text) != NULL, rows[i].is_lookalike);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_the_encoding),  cmocka_unit_test(drops_the_mark),
        cmocka_unit_test(reads_hexadecimal),    cmocka_unit_test(knows_characters),
        cmocka_unit_test(describes_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
