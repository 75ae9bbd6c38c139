/* Text is described in text.h. All functions are pure. */
#include "format/text.h"

#include <stdio.h>

#include "base/err.h"
#include "base/utf8.h"

struct place text_place(struct span text, size_t offset)
{
    struct place place = {1, 1};
    for (size_t i = 0; i < offset; i++) {
        place.line += text.data[i] == '\n';
        place.column = text.data[i] == '\n' ? 1 : place.column + !utf8_is_tail(text.data[i]);
    }
    return place;
}

struct span text_without_mark(struct span text)
{
    return span_has_prefix(text, SPAN("\xef\xbb\xbf")) ? span_from(text, 3) : text;
}

bool text_is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

int64_t text_hex(struct span text, size_t count)
{
    int64_t number = 0;
    if (text.len < count)
        return -1;
    for (size_t i = 0; i < count; i++) {
        char c = span_lower(text.data[i]);
        if (c >= '0' && c <= '9')
            number = number * 16 + (c - '0');
        else if (c >= 'a' && c <= 'f')
            number = number * 16 + (c - 'a' + 10);
        else
            return -1;
    }
    return number;
}

/* What editors, web pages and word processors put where a parser knows something else. */
static const struct lookalike {
    const char *bytes;
    const char *name;
    const char *hint;
} lookalikes[] = {
#define QUOTE_HINT  "it was probably pasted in: use the plain quotation mark \" instead"
#define UNSEEN_HINT "it was probably pasted in and cannot be seen: delete it"
#define SPACE_HINT  "it was probably pasted in: use a plain space instead"
    {"\xe2\x80\x9c", "a typographic quotation mark (U+201C)", QUOTE_HINT},
    {"\xe2\x80\x9d", "a typographic quotation mark (U+201D)", QUOTE_HINT},
    {"\xe2\x80\x9e", "a typographic quotation mark (U+201E)", QUOTE_HINT},
    {"\xe2\x80\x98", "a typographic apostrophe (U+2018)", QUOTE_HINT},
    {"\xe2\x80\x99", "a typographic apostrophe (U+2019)", QUOTE_HINT},
    {"\xc2\xab", "a typographic quotation mark (U+00AB)", QUOTE_HINT},
    {"\xc2\xbb", "a typographic quotation mark (U+00BB)", QUOTE_HINT},
    {"\xc2\xa0", "a no-break space (U+00A0)", SPACE_HINT},
    {"\xe2\x80\xaf", "a narrow no-break space (U+202F)", SPACE_HINT},
    {"\xe2\x80\x8b", "a zero-width space (U+200B)", UNSEEN_HINT},
    {"\xe2\x80\xa8", "a line separator (U+2028)", UNSEEN_HINT},
    {"\xe2\x80\xa9", "a paragraph separator (U+2029)", UNSEEN_HINT},
    {"\xc2\x85", "the control character U+0085", UNSEEN_HINT},
    {"\xe3\x80\x80", "an ideographic space (U+3000)", SPACE_HINT},
    {"\xef\xbb\xbf", "a byte order mark (U+FEFF)",
     "it may only be the very first character of a file: delete it"},
    {"`", "a backquote", "use the plain quotation mark \" instead"},
    {"\"", "a quotation mark", NULL},
    {"\t", "a tab", NULL},
    {"\n", "the end of the line", NULL},
    {"\r\n", "the end of the line", NULL},
    {"\r", "a carriage return without a line feed",
     "save the file with the line ends of Linux or of Windows"},
};

/* The row of the character that `rest` begins with; without a name if there is none. */
static struct lookalike lookalike_of(struct span rest)
{
    for (size_t i = 0; i < sizeof lookalikes / sizeof *lookalikes; i++)
        if (span_has_prefix(rest, span_str(lookalikes[i].bytes)))
            return lookalikes[i];
    return (struct lookalike){0};
}

const char *text_describe(struct span rest, char out[TEXT_DESCRIBE])
{
    struct lookalike row = lookalike_of(rest);
    size_t len = utf8_char(rest);
    char quoted[ERR_QUOTE];
    if (rest.len == 0)
        return "the end of the file";
    if (row.name)
        return row.name;
    if (len == 0 || text_is_control(rest.data[0]))
        snprintf(out, TEXT_DESCRIBE, "%s 0x%02X", len ? "the control character" : "the byte",
                 (unsigned)(unsigned char)rest.data[0]);
    else
        snprintf(out, TEXT_DESCRIBE, "\"%s\"", err_quote(span_first(rest, len), quoted));
    return out;
}

const char *text_lookalike(struct span rest)
{
    return lookalike_of(rest).hint;
}

const char *text_word_hint(struct span word)
{
    static const char *const words[] = {"null", "~",  "true", "false", "yes",
                                        "no",   "on", "off",  "y",     "n"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (span_eq_nocase(word, span_str(words[i])))
            return i < 2 ? "this means no value at all: to get the default, leave the key out"
                         : "a boolean is written true or false, in small letters; text needs "
                           "quotes";
    return NULL;
}
