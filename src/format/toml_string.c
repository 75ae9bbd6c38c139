/* A string of TOML is read twice (TOML 1.1.0, String): first its closing quotes are looked for,
 * then what lies between is checked and copied. So a bad escape is one problem, and what follows
 * the string is not taken for a part of it, nor its end for something else. */
#include "format/toml_string.h"

#include "base/utf8.h"

struct quoting {
    char quote;
    bool is_multi;
    bool is_literal;
};

/* Where the content that begins at `at` ends, or NULL if it never does. Up to two quotes may
 * stand right before the three that close a string of several lines. */
static const char *find_close(const char *at, const char *end, struct quoting quoting)
{
    while (at < end) {
        const char *run = at;
        while (run < end && *run == quoting.quote && run - at < 5)
            run++;
        if (run - at >= (quoting.is_multi ? 3 : 1))
            return quoting.is_multi ? run - 3 : at;
        if (*at == '\n' && !quoting.is_multi)
            return NULL;
        bool is_escape = *at == '\\' && !quoting.is_literal && end - at > 1 && at[1] != '\n';
        at = run > at ? run : at + (is_escape ? 2 : 1);
    }
    return NULL;
}

static bool unclosed(struct toml_lex *lex, struct place open, struct quoting quoting)
{
    const char *hint = NULL;
    if (quoting.is_multi) {
        lex->at = lex->end; /* everything behind it may be part of it */
        return builder_problem(
            lex->builder, PROBLEM_SYNTAX, open, "it began here and runs to the end of the file",
            "this string is never closed; %s was expected", quoting.is_literal ? "'''" : "\"\"\"");
    }
    for (; !toml_is_line_end(lex); lex->at++)
        if (*lex->at == '\xe2' && text_lookalike(toml_rest(lex)))
            hint = "its end looks like a typographic quotation mark: use a plain one";
    return builder_problem(lex->builder, PROBLEM_SYNTAX, open, hint,
                           "this string is not closed; %s was expected on the same line",
                           quoting.is_literal ? "an apostrophe (')" : "a quotation mark (\")");
}

/* A backslash at the end of a line takes the newline and all white space behind it. False if
 * it is not at the end of a line. */
static bool fold_line(struct toml_lex *inside)
{
    struct toml_lex ahead = *inside;
    ahead.at++;
    toml_skip_space(&ahead);
    if (!toml_take_newline(&ahead))
        return false;
    do
        toml_skip_space(&ahead);
    while (toml_take_newline(&ahead));
    *inside = ahead;
    return true;
}

/* Decodes the escape that is next to *out. */
static bool escape(struct toml_lex *inside, char **out)
{
    static const char letters[] = "btnfre\"\\", meanings[] = "\b\t\n\f\r\x1b\"\\";
    struct span rest = span_from(toml_rest(inside), 1);
    char letter = rest.len ? rest.data[0] : '\0';
    const char *known = letter ? strchr(letters, letter) : NULL;
    size_t digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
    int64_t code = known    ? meanings[known - letters]
                   : digits ? text_hex(span_from(rest, 1), digits)
                            : -1;
    if (code >= 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)) {
        *out += utf8_encode((uint32_t)code, *out);
        inside->at += 2 + digits;
        return true;
    }
    return builder_problem(inside->builder, PROBLEM_SYNTAX, toml_here(inside),
                           "for a plain backslash write two, or use apostrophes instead of "
                           "quotation marks: 'C:\\dir'",
                           "this backslash begins no escape; one of \\\\ \\\" \\n \\r \\t \\b \\f "
                           "\\e \\x41 \\u00E9 \\U0001F600 was expected");
}

/* A byte that is neither an escape nor a quote, or a newline. */
static bool plain(struct toml_lex *inside, struct quoting quoting, char **out)
{
    char c = *inside->at;
    if (quoting.is_multi && toml_is_line_end(inside)) {
        if (c == '\r')
            *(*out)++ = '\r';
        *(*out)++ = '\n';
        return toml_take_newline(inside);
    }
    *(*out)++ = c;
    if (!text_is_control(c)) {
        inside->at++;
        return true;
    }
    return builder_unexpected(inside->builder, toml_here(inside), toml_rest(inside), "text",
                              "in quotation marks it can be written as an escape, such as \\x07");
}

/* Checks and copies what is left of `inside` to `out`, which has room for as much. False, with the
 * first problem reported. */
static bool decode(struct toml_lex *inside, struct quoting quoting, char **out)
{
    while (inside->at < inside->end) {
        bool is_escape = *inside->at == '\\' && !quoting.is_literal;
        if (is_escape && quoting.is_multi && fold_line(inside))
            continue;
        if (is_escape ? !escape(inside, out) : !plain(inside, quoting, out))
            return false;
    }
    return true;
}

bool toml_string(struct toml_lex *lex, struct value *value)
{
    struct place open = toml_here(lex);
    struct quoting quoting = {.quote = *lex->at, .is_literal = *lex->at == '\''};
    quoting.is_multi =
        lex->end - lex->at >= 3 && lex->at[1] == quoting.quote && lex->at[2] == quoting.quote;
    lex->at += quoting.is_multi ? 3 : 1;
    if (quoting.is_multi)
        toml_take_newline(lex);
    const char *close = find_close(lex->at, lex->end, quoting), *end = lex->end;
    if (close == NULL)
        return unclosed(lex, open, quoting);
    char *start = value_alloc(lex->builder->tree, (size_t)(close - lex->at) + 1), *out = start;
    if (start == NULL)
        return builder_exhausted(lex->builder, open);
    lex->end = close;
    bool is_good = decode(lex, quoting, &out);
    toml_skip_to(lex, close);
    lex->end = end;
    lex->at += quoting.is_multi ? 3 : 1;
    *out = '\0';
    value->type = VALUE_STRING;
    value->string = span_make(start, (size_t)(out - start));
    return is_good;
}
