/* TOML's strings: "basic" and 'literal', of one line and of several (TOML 1.1.0, String).
 *
 * Two passes over each: find_close looks for the closing quotes, then decode checks and copies
 * what lies between. So a bad escape costs the one string, and the lexer knows where it is. */
#include "format/toml_lex.h"

#include "base/utf8.h"

struct quoting {
    char quote;
    bool is_multi;
    bool is_literal;
};

static const char *skip_escaped(const char *at, const char *end)
{
    return end - at >= 2 && at[1] != '\n' ? at + 2 : at + 1;
}

/* Where the content that begins at `at` ends, or NULL if it never does. Up to two quotes may
 * stand right before the three that close a string of several lines. */
static const char *find_close(const char *at, const char *end, struct quoting quoting)
{
    while (at < end) {
        if (*at == '\\' && !quoting.is_literal) {
            at = skip_escaped(at, end);
        } else if (*at == '\n' && !quoting.is_multi) {
            return NULL;
        } else if (*at != quoting.quote) {
            at++;
        } else if (!quoting.is_multi) {
            return at;
        } else {
            const char *run = at;
            while (run < end && *run == quoting.quote && run - at < 5)
                run++;
            if (run - at >= 3)
                return run - 3;
            at = run;
        }
    }
    return NULL;
}

static int unclosed(struct toml_lex *lex, struct toml_place open, struct quoting quoting)
{
    const char *start = lex->at;
    struct err *err;
    if (quoting.is_multi) {
        lex->at = lex->end; /* everything behind it may be part of it */
        err = toml_problem(lex, open, "this string is never closed; %s was expected",
                           quoting.is_literal ? "'''" : "\"\"\"");
        err_hint(err, "it began here and runs to the end of the file");
        return -1;
    }
    err = toml_problem(lex, open, "this string is not closed; %s was expected on the same line",
                       quoting.is_literal ? "an apostrophe (')" : "a quotation mark (\")");
    while (!toml_is_line_end(lex)) {
        const char *hint = toml_lookalike(lex);
        if (hint && *lex->at == '\xe2' && lex->at > start) {
            err_hint(err, "its end looks like a typographic quotation mark: use a plain one");
            break;
        }
        lex->at++;
    }
    return -1;
}

/* A backslash at the end of a line takes the newline and all white space behind it. False if
 * it is not at the end of a line. */
static bool fold_line(struct toml_lex *lex, const char *close)
{
    const char *at = lex->at + 1;
    while (at < close && (*at == ' ' || *at == '\t'))
        at++;
    if (at == close || (*at != '\n' && !(close - at >= 2 && at[0] == '\r' && at[1] == '\n')))
        return false;
    struct toml_lex inside = *lex;
    inside.end = close;
    inside.at = at;
    while (toml_is_line_end(&inside) && inside.at < close) {
        toml_skip_line(&inside);
        toml_skip_space(&inside);
    }
    inside.end = lex->end;
    *lex = inside;
    return true;
}

static int bad_escape(struct toml_lex *lex, const char *close)
{
    struct toml_place place = toml_here(lex);
    char letter = lex->at + 1 < close ? lex->at[1] : '\0';
    struct err *err;
    if (letter == 'x' || letter == 'u' || letter == 'U') {
        err = toml_problem(lex, place,
                           "\\%c has no character's %s hexadecimal digits behind it; \\x41, "
                           "\\u00E9 or \\U0001F600 was expected",
                           letter,
                           letter == 'x'   ? "two"
                           : letter == 'u' ? "four"
                                           : "eight");
    } else {
        struct toml_lex behind = *lex;
        behind.at++;
        behind.end = close;
        char what[TEXT_DESCRIBE];
        err = toml_problem(lex, place,
                           "a backslash with %s behind it means nothing; one of \\\\ \\\" \\n \\r "
                           "\\t \\b \\f \\e \\x \\u \\U was expected",
                           behind.at == close ? "nothing" : toml_describe(&behind, what));
    }
    return err_hint(err, "for a plain backslash write two, or use apostrophes instead of "
                         "quotation marks: 'C:\\dir'");
}

/* Decodes the escape at lex->at to *out. 0, or -1 with the problem reported. */
static int escape(struct toml_lex *lex, const char *close, char **out)
{
    static const char letters[] = "btnfre\"\\", meanings[] = "\b\t\n\f\r\x1b\"\\";
    const char *at = lex->at + 1;
    char letter = at < close ? *at : '\0';
    const char *known = letter ? strchr(letters, letter) : NULL;
    if (known) {
        *(*out)++ = meanings[known - letters];
        lex->at += 2;
        return 0;
    }
    size_t digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
    int64_t code = digits ? text_hex(span_make(at + 1, (size_t)(close - at - 1)), digits) : -1;
    if (code < 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return bad_escape(lex, close);
    *out += utf8_encode((uint32_t)code, *out);
    lex->at += 2 + digits;
    return 0;
}

/* A byte that is neither an escape nor a quote. */
static int plain(struct toml_lex *lex, struct quoting quoting, char **out)
{
    char c = *lex->at;
    if (quoting.is_multi && toml_is_line_end(lex)) {
        if (c == '\r')
            *(*out)++ = '\r';
        *(*out)++ = '\n';
        toml_skip_line(lex);
        return 0;
    }
    if (((unsigned char)c < 0x20 && c != '\t') || c == 0x7f) {
        char what[TEXT_DESCRIBE];
        struct err *err = toml_problem(lex, toml_here(lex), "%s in a string; text was expected",
                                       toml_describe(lex, what));
        return err_hint(err, "in quotation marks it can be written as \\x%02X",
                        (unsigned)(unsigned char)c);
    }
    *(*out)++ = c;
    lex->at++;
    return 0;
}

/* Checks and copies the bytes up to `close` into `out`, which has room for as many. Reports
 * the first problem only, but always arrives at `close`. Returns the length, or -1. */
static ptrdiff_t decode(struct toml_lex *lex, const char *close, struct quoting quoting, char *out)
{
    char *start = out;
    bool is_bad = false;
    while (lex->at < close && !is_bad) {
        if (*lex->at != '\\' || quoting.is_literal)
            is_bad = plain(lex, quoting, &out) < 0;
        else if (!quoting.is_multi || !fold_line(lex, close))
            is_bad = escape(lex, close, &out) < 0;
    }
    while (lex->at < close) {
        if (toml_is_line_end(lex))
            toml_skip_line(lex);
        else
            lex->at++;
    }
    return is_bad ? -1 : out - start;
}

int toml_string(struct toml_lex *lex, struct value *value)
{
    struct toml_place open = toml_here(lex);
    *value = (struct value){.type = VALUE_BAD, .line = open.line, .column = open.column};
    struct quoting quoting = {.quote = *lex->at, .is_literal = *lex->at == '\''};
    if (lex->end - lex->at >= 3 && lex->at[1] == quoting.quote && lex->at[2] == quoting.quote)
        quoting.is_multi = true;
    lex->at += quoting.is_multi ? 3 : 1;
    if (quoting.is_multi && lex->at < lex->end && toml_is_line_end(lex))
        toml_skip_line(lex);

    const char *close = find_close(lex->at, lex->end, quoting);
    if (close == NULL)
        return unclosed(lex, open, quoting);
    char *out = value_alloc(lex->tree, (size_t)(close - lex->at) + 1);
    if (out == NULL)
        return toml_exhausted(lex);
    ptrdiff_t len = decode(lex, close, quoting, out);
    lex->at += quoting.is_multi ? 3 : 1;
    if (len < 0)
        return 0;
    out[len] = '\0';
    value->type = VALUE_STRING;
    value->string = span_make(out, (size_t)len);
    return 0;
}
