/* This file reads TOML's strings, numbers, dates, true and false (TOML 1.1.0, String to Local
 * Time).
 *
 * A string is read twice: first its closing quotes are looked for, then what lies between is
 * checked and copied. So a bad escape is one problem, and what follows the string is not taken for
 * a part of it, nor its end for something else. Any other word is cut out and compared with the
 * forms of numbers and dates. What is no value is most often text that lacks its quotes. strtod
 * goes by the locale's decimal point: Portico stays in the C locale. */
#include "format/toml_scalar.h"

#include <errno.h>
#include <stdlib.h>

#include "base/utf8.h"

/* ---- Strings ---- */

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

/* ---- Numbers and dates ---- */

/* In a form, a capital letter or 9 stands for what its row here says. */
static const struct set {
    char name;
    const char *characters;
    enum { ONE, RUN, PARTS } count; /* one of them, or more; PARTS: single "_" may stand between */
} sets[] = {{'9', "0123456789", ONE},
            {'P', "123456789", ONE},
            {'F', "0123456789", RUN},
            {'D', "0123456789", PARTS},
            {'X', "0123456789abcdefABCDEF", PARTS},
            {'O', "01234567", PARTS},
            {'B', "01", PARTS},
            {'S', "+-", ONE},
            {'E', "eE", ONE},
            {'T', "Tt ", ONE},
            {'Z', "Zz", ONE}};

/* What is in parentheses may be missing. */
static const struct form {
    const char *form;
    enum value_type type;
    int base; /* of an integer; 0: a float; -1: no number */
} forms[] = {{"(S)0", VALUE_INTEGER, 10},
             {"(S)P(D)(_D)", VALUE_INTEGER, 10},
             {"0xX", VALUE_INTEGER, 16},
             {"0oO", VALUE_INTEGER, 8},
             {"0bB", VALUE_INTEGER, 2},
             {"(S)0(.D)(E(S)D)", VALUE_FLOAT, 0},
             {"(S)P(D)(_D)(.D)(E(S)D)", VALUE_FLOAT, 0},
             {"(S)inf", VALUE_FLOAT, 0},
             {"(S)nan", VALUE_FLOAT, 0},
             {"true", VALUE_BOOLEAN, -1},
             {"false", VALUE_BOOLEAN, -1},
             {"99:99(:99(.F))", VALUE_DATE, -1},
             {"9999-99-99(T99:99(:99(.F))(Z))", VALUE_DATE, -1},
             {"9999-99-99T99:99(:99(.F))S99:99", VALUE_DATE, -1}};

/* Skips one character of a form in `text`: what the set of that name has, or else the character
 * itself. NULL when something else is there. */
static const char *match_one(const char *text, char name)
{
    const struct set *set = sets, *end = sets + sizeof sets / sizeof *sets;
    while (set < end && set->name != name)
        set++;
    if (set == end)
        return *text == name ? text + 1 : NULL;
    size_t count = strspn(text, set->characters);
    for (; set->count == PARTS && count && text[count] == '_';
         count = strspn(text, set->characters))
        text += count + 1;
    return count ? text + (set->count == ONE ? 1 : count) : NULL;
}

/* The same for a form, up to its end or the end of a parenthesis. */
static const char *match(const char *text, const char *form)
{
    for (; text && *form && *form != ')'; form++) {
        if (*form != '(') {
            text = match_one(text, *form);
            continue;
        }
        const char *behind = match(text, form + 1);
        text = behind ? behind : text;
        for (int depth = 1; depth > 0;) {
            form++;
            depth += (*form == '(') - (*form == ')');
        }
    }
    return text;
}

static unsigned two(const char *digits)
{
    return (unsigned)(digits[0] - '0') * 10 + (unsigned)(digits[1] - '0');
}

/* Is there such a day, and such a time? The form is right. */
static bool is_possible(const char *date)
{
    static const unsigned days[] = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (date[2] != ':') {
        unsigned year = two(date) * 100 + two(date + 2), month = two(date + 5), day = two(date + 8);
        bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        if (month > 12 || day == 0 || day > days[month] || (month == 2 && day == 29 && !is_leap))
            return false;
        if (date[10] == '\0')
            return true;
        date += 11;
    }
    const char *offset = strpbrk(date, "+-");
    return two(date) <= 23 && two(date + 3) <= 59 &&
           (date[5] != ':' || two(date + 6) <= 60) && /* a leap second */
           (offset == NULL || (two(offset + 1) <= 23 && two(offset + 4) <= 59));
}

/* Takes the underscores out. False if it is too large for an integer. */
static bool read_number(char *word, int base, struct value *value)
{
    char *end = word;
    for (const char *from = word; *from; from++)
        if (*from != '_')
            *end++ = *from;
    *end = '\0';
    errno = 0;
    if (base == 0)
        value->real = strtod(word, NULL);
    else
        value->integer = strtoll(base == 10 ? word : word + 2, NULL, base);
    return base == 0 || errno == 0;
}

/* Reads the word, which lies in the tree's memory. False if it is no value; then *why is a hint if
 * there is more to say than that. */
static bool read_word(char *word, struct value *value, const char **why)
{
    const struct form *form = forms, *end = forms + sizeof forms / sizeof *forms;
    for (const char *rest; form < end; form++)
        if ((rest = match(word, form->form)) != NULL && *rest == '\0')
            break;
    if (form == end)
        return false;
    value->type = form->type;
    if (value->type == VALUE_BOOLEAN)
        value->boolean = *word == 't';
    else if (value->type == VALUE_DATE)
        value->string = span_str(word);
    if (value->type == VALUE_DATE && !is_possible(word))
        *why = "there is no such day or time";
    else if (form->base >= 0 && !read_number(word, form->base, value))
        *why = "a whole number has to fit in 64 bits";
    return *why == NULL;
}

/* Reports that the text that begins at `start` is no value. Returns false. It is not quoted, since
 * it may be a secret. It ends where any text without quotes would end. */
static bool bad_word(struct toml_lex *lex, struct place place, const char *start, const char *why)
{
    const char *end = start, *hint = "if it is text, it needs quotes";
    while (end < lex->end && !text_is_control(*end) && strchr(",]}#", *end) == NULL)
        end++;
    struct span word = span_trim(span_make(start, (size_t)(end - start)));
    if (span_has_suffix(word, SPAN("\"")) || span_has_suffix(word, SPAN("'")))
        hint = "if it is text, it needs one pair of quotes around all of it";
    else if (*start >= '0' && *start <= '9')
        hint = "if it is text, it needs quotes; a number is written in digits alone, such as 1000, "
               "without zeros in front";
    if (why == NULL)
        why = text_word_hint(word);
    return builder_problem(
        lex->builder, PROBLEM_SYNTAX, place, why ? why : hint,
        "this is not a value; text in quotes, a number, true or false was expected");
}

bool toml_scalar(struct toml_lex *lex, struct value *value)
{
    struct place place = toml_here(lex);
    const char *start = lex->at, *why = NULL;
    while (lex->at < lex->end &&
           (text_is_word(*lex->at) || strchr("+.:", *lex->at) ||
            (*lex->at == ' ' && lex->at - start == 10 && start[4] == '-' && start[7] == '-' &&
             lex->end - lex->at > 1 && lex->at[1] >= '0' && lex->at[1] <= '9'))) /* date and time */
        lex->at++;
    struct span word = span_make(start, (size_t)(lex->at - start));
    if (word.len == 0)
        return toml_unexpected(lex, "a value");
    if (!builder_copy(lex->builder, place, word, &word))
        return false;
    bool is_whole = toml_is_line_end(lex) || strchr(" \t,]}#", *lex->at) != NULL;
    return (is_whole && read_word((char *)word.data, value, &why)) ||
           bad_word(lex, place, start, why);
}
