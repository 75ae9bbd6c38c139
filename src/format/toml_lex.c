/* TOML's words: white space, comments, keys and strings. Numbers and dates are in
 * toml_scalar.c.
 *
 * Invariants:
 *   1. `at` never moves back, and only take_newline moves it over a newline.
 *   2. `counted` <= `at`, on the same line: columns are counted once, however many tokens a
 *      line holds.
 *   3. A string's closing quotes are found before its content is decoded, so that a bad
 *      escape costs the string and not the rest of the file. */
#include "format/toml_lex.h"

#include <stdarg.h>

#include "base/utf8.h"

void toml_lex_init(struct toml_lex *lex, const char *file, struct span text,
                   struct value_tree *tree, struct problems *problems)
{
    text = text_without_mark(text);
    *lex = (struct toml_lex){.file = file,
                             .tree = tree,
                             .problems = problems,
                             .at = text.data,
                             .end = text.data + text.len,
                             .counted = text.data,
                             .line = 1,
                             .column = 1};
}

struct toml_place toml_here(struct toml_lex *lex)
{
    for (; lex->counted < lex->at; lex->counted++)
        if (!utf8_is_tail(*lex->counted))
            lex->column++;
    return (struct toml_place){lex->line, lex->column};
}

struct err *toml_problem(struct toml_lex *lex, struct toml_place place, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct err *err = problems_vadd(lex->problems, PROBLEM_SYNTAX, lex->file, place.line,
                                    place.column, format, args);
    va_end(args);
    return err;
}

int toml_exhausted(struct toml_lex *lex)
{
    if (!lex->is_exhausted)
        value_exhausted(lex->tree, lex->file, toml_here(lex).line, toml_here(lex).column,
                        lex->problems);
    lex->is_exhausted = true;
    return -1;
}

static struct span rest(const struct toml_lex *lex)
{
    return span_make(lex->at, (size_t)(lex->end - lex->at));
}

/* Length of the newline at `at`: 1 for LF, 2 for CRLF, else 0. A CR alone is none. */
static size_t newline_length(const char *at, const char *end)
{
    if (at < end && *at == '\n')
        return 1;
    return end - at >= 2 && at[0] == '\r' && at[1] == '\n' ? 2 : 0;
}

static bool take_newline(struct toml_lex *lex)
{
    size_t len = newline_length(lex->at, lex->end);
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
    return lex->at == lex->end || newline_length(lex->at, lex->end) > 0;
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
    bool reported = false;
    for (; !toml_is_line_end(lex); lex->at++) {
        if (!text_is_control(*lex->at) || reported)
            continue;
        char what[TEXT_DESCRIBE];
        toml_problem(lex, toml_here(lex), "%s in a comment; text was expected",
                     toml_describe(lex, what));
        reported = true;
    }
}

void toml_skip_blank(struct toml_lex *lex)
{
    do {
        toml_skip_space(lex);
        toml_skip_comment(lex);
    } while (take_newline(lex));
}

void toml_skip_line(struct toml_lex *lex)
{
    const char *newline = memchr(lex->at, '\n', (size_t)(lex->end - lex->at));
    lex->at = newline ? newline : lex->end;
    take_newline(lex);
}

/* What other languages put where TOML has something else. */
static const struct {
    const char *text;
    const char *hint;
} foreign[] = {
    {"//", "a comment begins with #"},
    {"/*", "a comment begins with #"},
    {";", "a comment begins with #, and a line needs no mark at its end"},
    {"$", "text needs quotes; variables of the environment are not replaced"},
};

const char *toml_describe(const struct toml_lex *lex, char out[TEXT_DESCRIBE])
{
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (span_has_prefix(rest(lex), span_str(foreign[i].text))) {
            snprintf(out, TEXT_DESCRIBE, "\"%s\"", foreign[i].text);
            return out;
        }
    return text_describe(rest(lex), out);
}

const char *toml_lookalike(const struct toml_lex *lex)
{
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (span_has_prefix(rest(lex), span_str(foreign[i].text)))
            return foreign[i].hint;
    return text_lookalike(rest(lex));
}

int toml_unexpected(struct toml_lex *lex, const char *expected)
{
    if (lex->at < lex->end && utf8_char(rest(lex)) == 0)
        return -1; /* not UTF-8: reported before parsing began */
    char what[TEXT_DESCRIBE];
    struct err *err = toml_problem(lex, toml_here(lex), "%s is unexpected here; %s was expected",
                                   toml_describe(lex, what), expected);
    const char *hint = toml_lookalike(lex);
    if (hint)
        err_hint(err, "%s", hint);
    return -1;
}

/* May the next byte follow a bare key (wrongly perhaps, but not as a part of it)? */
static bool ends_bare_key(const struct toml_lex *lex)
{
    return toml_is_line_end(lex) ||
           (*lex->at != '\0' && strchr(" \t.=:[]{},#\"'", *lex->at) != NULL);
}

static int bad_bare_key(struct toml_lex *lex, const char *start)
{
    if (toml_lookalike(lex) || utf8_char(rest(lex)) == 0 || text_is_control(*lex->at))
        return toml_unexpected(lex, "a letter, a digit, \"_\", \"-\" or \"=\"");
    char what[TEXT_DESCRIBE], word[ERR_QUOTE];
    struct err *err =
        toml_problem(lex, toml_here(lex),
                     "%s is unexpected in a key; only A-Z, a-z, 0-9, \"_\" and \"-\" were expected",
                     toml_describe(lex, what));
    while (!ends_bare_key(lex))
        lex->at++;
    struct span key = span_make(start, (size_t)(lex->at - start));
    return err_hint(err, "any other key needs quotes: \"%s\"", err_quote(key, word));
}

static int quoted_key(struct toml_lex *lex, struct span *key)
{
    char quote = *lex->at;
    if (lex->end - lex->at >= 3 && lex->at[1] == quote && lex->at[2] == quote) {
        toml_problem(lex, toml_here(lex),
                     "a key cannot be a string of several lines; a single pair of quotes was "
                     "expected");
        return -1;
    }
    struct value string;
    if (toml_string(lex, &string) < 0 || string.type != VALUE_STRING)
        return -1;
    *key = string.string;
    return 0;
}

int toml_key(struct toml_lex *lex, struct span *key)
{
    int c = toml_peek(lex);
    if (c == '"' || c == '\'')
        return quoted_key(lex, key);
    const char *start = lex->at;
    while (lex->at < lex->end && toml_is_bare(*lex->at))
        lex->at++;
    if (lex->at == start)
        return toml_unexpected(lex, "a key");
    if (!ends_bare_key(lex))
        return bad_bare_key(lex, start);
    *key = span_make(start, (size_t)(lex->at - start));
    return value_copy(lex->tree, *key, key) ? 0 : toml_exhausted(lex);
}

/* What a word without quotes cannot reach beyond, whatever it was meant to be. */
static bool ends_word(char c)
{
    return text_is_control(c) || c == ',' || c == ']' || c == '}' || c == '#';
}

/* How many digits stand first. */
static size_t digits_at(struct span text)
{
    size_t count = 0;
    while (count < text.len && text.data[count] >= '0' && text.data[count] <= '9')
        count++;
    return count;
}

/* The digits of a number written 08, 1k or 1.000.000, into `out` of at least 32 bytes. False
 * if `word` looks like none of these; four groups with dots rather are an address. */
static bool is_number_slip(struct span word, char out[32])
{
    static const char zeros[] = "000000000", prefixes[] = "kKMG";
    struct span rest = word, group;
    size_t count = digits_at(word), len = 0, groups = 0;
    if (count == 0 || word.len > 18)
        return false;
    if (word.len == count + 1 && strchr(prefixes, word.data[count]) != NULL) {
        int exponent = word.data[count] == 'M' ? 6 : word.data[count] == 'G' ? 9 : 3;
        snprintf(out, 32, "%.*s%.*s", (int)count, word.data, exponent, zeros);
        return true;
    }
    for (; span_split(&rest, '.', &group); groups++) {
        if (digits_at(group) != group.len || group.len == 0 || (groups && group.len != 3))
            return false;
        memcpy(out + len, group.data, group.len);
        len += group.len;
        if (rest.len == 0)
            break;
    }
    size_t zero = 0;
    while (zero + 1 < len && out[zero] == '0')
        zero++;
    memmove(out, out + zero, len - zero);
    out[len - zero] = '\0';
    return groups != 3;
}

/* The hint for a word that is no value: how it would be one. */
static int hint_for_word(struct err *err, struct span word)
{
    char quoted[ERR_QUOTE], number[32];
    if (is_number_slip(word, number))
        return err_hint(err, "if it is a number, write its digits alone: %s", number);
    struct span text = word;
    while (text.len && strchr("\"'", text.data[text.len - 1]) != NULL)
        text.len--;
    bool is_plain = text.len > 0;
    for (size_t i = 0; i < text.len; i++)
        is_plain = is_plain && text.data[i] != '"' && text.data[i] != '\\';
    if (!is_plain)
        return err_hint(err, "if it is text, write one pair of quotes around all of it");
    return err_hint(err, "if it is text, it needs quotes%s: \"%s\"",
                    text.len < word.len ? " at both ends" : "", err_quote(text, quoted));
}

/* Something that begins at `start` stands where a value should: most often text that lacks its
 * quotes, so it is taken as far as text goes. Returns 0. */
static int bad_word(struct toml_lex *lex, struct toml_place place, const char *start,
                    const char *why)
{
    static const struct {
        const char *word;
        const char *hint;
    } known[] = {{"true", "write true"},
                 {"yes", "write true"},
                 {"on", "write true"},
                 {"false", "write false"},
                 {"no", "write false"},
                 {"off", "write false"},
                 {"null", "there is no null: leave the key out"},
                 {"nil", "there is no null: leave the key out"},
                 {"none", "text needs quotes (\"none\"); to say nothing, leave the key out"}};
    char quoted[ERR_QUOTE];
    while (!toml_is_line_end(lex) && !ends_word(*lex->at))
        lex->at++;
    struct span word = span_trim(span_make(start, (size_t)(lex->at - start)));
    struct err *err = toml_problem(
        lex, place, "%s is not a value: %s; text in quotes, a number, true or false was expected",
        err_quote(word, quoted), why);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (span_eq_nocase(word, span_str(known[i].word))) {
            err_hint(err, "%s", known[i].hint);
            return 0;
        }
    hint_for_word(err, word);
    return 0;
}

static bool is_token(char c)
{
    return toml_is_bare(c) || c == '+' || c == '.' || c == ':';
}

/* A date and its time may be parted by one space. */
static bool is_date_before_time(const struct toml_lex *lex, const char *start)
{
    const char *at = lex->at;
    return at - start == 10 && start[4] == '-' && start[7] == '-' && lex->end - at >= 4 &&
           at[0] == ' ' && at[1] >= '0' && at[1] <= '9' && at[2] >= '0' && at[2] <= '9' &&
           at[3] == ':';
}

int toml_scalar(struct toml_lex *lex, struct value *value)
{
    struct toml_place place = toml_here(lex);
    *value = (struct value){.type = VALUE_BAD, .line = place.line, .column = place.column};
    const char *start = lex->at;
    while (lex->at < lex->end && is_token(*lex->at))
        lex->at++;
    if (is_date_before_time(lex, start))
        for (lex->at++; lex->at < lex->end && is_token(*lex->at);)
            lex->at++;
    if (lex->at == start)
        return toml_unexpected(lex, "a value");
    if (!toml_is_line_end(lex) && *lex->at != ' ' && *lex->at != '\t' && !ends_word(*lex->at))
        return bad_word(lex, place, start, "it has no quotes");
    struct span token = span_make(start, (size_t)(lex->at - start));
    const char *why = toml_scalar_parse(lex->tree, token, value);
    return why ? bad_word(lex, place, start, why) : 0;
}
