/* Files that are no TOML: see toml_kind.h. Pure. */
#include "format/toml_kind.h"

#include "format/utf8.h"

bool toml_check_encoding(const char *file, struct span text, struct problems *problems)
{
    if (span_has_prefix(text, SPAN("\xff\xfe")) || span_has_prefix(text, SPAN("\xfe\xff"))) {
        err_hint(problems_add(problems, file, 0, 0, "the file is UTF-16; UTF-8 was expected"),
                 "save it again as UTF-8 (some editors call UTF-16 \"Unicode\")");
        return false;
    }
    if (text.len && memchr(text.data, '\0', text.len)) {
        err_hint(problems_add(problems, file, 0, 0,
                              "the file holds NUL bytes; a text file was expected"),
                 "it is binary, or was saved as UTF-16: save it as UTF-8");
        return false;
    }
    if (utf8_find_bad(text) == text.len)
        return true;
    unsigned line = 1;
    size_t start = 0;
    while (start < text.len && !problems_is_full(problems)) {
        size_t len = span_find(span_from(text, start), '\n');
        struct span whole = span_first(span_from(text, start), len);
        size_t bad = utf8_find_bad(whole);
        unsigned column = 1;
        for (size_t i = 0; i < bad; i++)
            column += utf8_is_tail(whole.data[i]) ? 0 : 1;
        if (bad < whole.len)
            err_hint(problems_add(problems, file, line, column,
                                  "the byte 0x%02X is not UTF-8; UTF-8 text was expected",
                                  (unsigned)(unsigned char)whole.data[bad]),
                     "save the file again as UTF-8");
        start += len + 1;
        line++;
    }
    return true;
}

/* What the first line that says anything (without white space around it) belongs to, or NULL
 * for TOML. */
static const char *language_of(struct span line)
{
    if (line.data[0] == '{' || span_eq(line, SPAN("[")) || span_eq(line, SPAN("[{")))
        return "JSON";
    if (span_eq(line, SPAN("---")) || span_has_prefix(line, SPAN("%YAML")) ||
        span_has_prefix(line, SPAN("- ")))
        return "YAML";
    /* "key:" alone; a value behind it would rather be a slip for "=". */
    return line.len > 1 && span_find(line, ':') == line.len - 1 ? "YAML" : NULL;
}

bool toml_check_language(const char *file, struct span text, struct problems *problems)
{
    struct span rest = text, line;
    if (span_has_prefix(rest, SPAN("\xef\xbb\xbf")))
        rest = span_from(rest, 3);
    for (unsigned number = 1; rest.len && span_split(&rest, '\n', &line); number++) {
        if (span_has_suffix(line, SPAN("\r")))
            line.len--;
        struct span words = span_trim(line);
        if (words.len == 0 || words.data[0] == '#')
            continue;
        const char *language = language_of(words);
        if (language == NULL)
            return true;
        err_hint(problems_add(problems, file, number, (unsigned)(words.data - line.data) + 1,
                              "this looks like %s; TOML was expected", language),
                 "in TOML, a table begins with its name in brackets, and each of its keys has a "
                 "line of its own: key = \"value\"");
        return false;
    }
    return true;
}
