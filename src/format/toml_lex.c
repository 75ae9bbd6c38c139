/* The lexer is described in toml_lex.h. (TOML 1.1.0, Comment, and white space everywhere.)
 *
 * Invariants:
 *   1. `at` never moves back, and only toml_take_newline moves it over a newline.
 *   2. `counted` <= `at`, on the same line: columns are counted once, however many tokens a
 *      line holds. */
#include "format/toml_lex.h"

#include "base/utf8.h"

void toml_lex_init(struct toml_lex *lex, struct builder *builder, struct span text)
{
    *lex = (struct toml_lex){.builder = builder,
                             .at = text.data,
                             .end = text.data + text.len,
                             .counted = text.data,
                             .line = 1,
                             .column = 1};
}

struct place toml_here(struct toml_lex *lex)
{
    for (; lex->counted < lex->at; lex->counted++)
        if (!utf8_is_tail(*lex->counted))
            lex->column++;
    return (struct place){lex->line, lex->column};
}

/* ---- Moving on ---- */

/* Length of the newline at `at`: 1 for LF, 2 for CRLF, else 0. A CR alone is none. */
static size_t newline_length(const struct toml_lex *lex)
{
    if (toml_peek(lex) == '\n')
        return 1;
    return span_has_prefix(toml_rest(lex), SPAN("\r\n")) ? 2 : 0;
}

bool toml_take_newline(struct toml_lex *lex)
{
    size_t len = newline_length(lex);
    if (len == 0)
        return false;
    lex->at += len;
    lex->counted = lex->at;
    lex->line++;
    lex->column = 1;
    return true;
}

bool toml_is_line_end(const struct toml_lex *lex)
{
    return lex->at == lex->end || newline_length(lex) > 0;
}

void toml_skip_space(struct toml_lex *lex)
{
    while (lex->at < lex->end && (*lex->at == ' ' || *lex->at == '\t'))
        lex->at++;
}

void toml_skip_comment(struct toml_lex *lex)
{
    if (toml_peek(lex) != '#')
        return;
    while (lex->at < lex->end && !text_is_control(*lex->at))
        lex->at++;
}

void toml_skip_blank(struct toml_lex *lex)
{
    do {
        toml_skip_space(lex);
        toml_skip_comment(lex);
    } while (toml_take_newline(lex));
}

void toml_skip_to(struct toml_lex *lex, const char *place)
{
    while (lex->at < place) {
        const char *newline = memchr(lex->at, '\n', (size_t)(place - lex->at));
        lex->at = newline ? newline : place;
        if (newline)
            toml_take_newline(lex);
    }
}

/* ---- What is in the way ---- */

/* What other languages put where TOML has something else. */
static const struct {
    const char *text;
    const char *hint;
} foreign[] = {
    {"//", "a comment begins with #"},
    {"/*", "a comment begins with #"},
    {";", "a comment begins with #, and a line needs no mark at its end"},
    {"$", "text needs quotes, also around a variable of the environment"},
    {":", "a key and its value are joined by \"=\""},
    {",", "each key has a line of its own; a long number is written 1000 or 1_000"},
};

bool toml_unexpected(struct toml_lex *lex, const char *expected)
{
    const char *hint = NULL;
    for (size_t i = 0; hint == NULL && i < sizeof foreign / sizeof *foreign; i++)
        if (span_has_prefix(toml_rest(lex), span_str(foreign[i].text)))
            hint = foreign[i].hint;
    return builder_unexpected(lex->builder, toml_here(lex), toml_rest(lex), expected, hint);
}
