/* Problems that show no secret: see config_mask.h.
 *
 * A problem is shown with its line, and a file that cannot be parsed has no tree that would say
 * where its secrets stand. So they are looked for in the text, in a way that suits all notations:
 * behind a word that is the name of a secret, or nearly, or one that other programs have for
 * theirs, and a "=" or ":", everything up to the closing quotation mark, or without quotes the
 * rest of the line and the lines below that are indented deeper or begin with no key. Too much may
 * be hidden in that way, but hardly too little.
 *
 * What config/ itself says never quotes a secret. What the parsers say quotes the text around the
 * place that they name, at most PROBLEMS_QUOTE bytes of it. */
#include "config/config_mask.h"

#include <stdlib.h>
#include <string.h>

#include "config/schema.h"
#include "config/secret.h"
#include "config/suggest.h"
#include "format/text.h"
#include "format/utf8.h"

#define WORD_MAX 40u /* no name of a secret is longer */
#define SLIP_MAX 4u  /* characters that may have come into one by mistake */

/* Is a value by that name not to be shown? */
static bool is_secret_name(struct span word)
{
    static const char *const others[] = {"password",   "passwd",       "passphrase", "secret",
                                         "token",      "api_key",      "apikey",     "credentials",
                                         "auth_token", "access_token", "basic_auth"};
    struct suggest suggest = {.word = word};
    if (word.len > WORD_MAX)
        return false;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (span_eq_nocase(word, span_str(others[i])))
            return true;
    for (size_t i = 0; i < schema_setting_count; i++) {
        const struct setting *setting = &schema_settings[i];
        if (!setting->is_secret)
            continue;
        suggest_offer(&suggest, setting->name);
        if (suggest.best || span_eq_nocase(word, span_str(setting->name)))
            return true;
    }
    return false;
}

static size_t end_of_line(struct span text, size_t at)
{
    return at + span_find(span_from(text, at), '\n');
}

static size_t skip(struct span text, size_t at, const char *characters)
{
    while (at < text.len && text.data[at] && strchr(characters, text.data[at]))
        at++;
    return at;
}

static bool has_at(struct span text, size_t at, char c)
{
    return at < text.len && text.data[at] == c;
}

/* Where a value that begins with a quotation mark at `at` ends; behind all that follows on its
 * line if that cannot be right. */
static size_t end_of_quoted(struct span text, size_t at)
{
    char quote = text.data[at];
    bool is_long = has_at(text, at + 1, quote) && has_at(text, at + 2, quote);
    at += is_long ? 3 : 1;
    for (; at < text.len; at++) {
        bool is_double = has_at(text, at + 1, quote);
        if (quote == '"' && text.data[at] == '\\')
            at++;
        else if (text.data[at] == quote && quote == '\'' && is_double && !is_long)
            at++; /* YAML's apostrophe */
        else if (text.data[at] == quote && (!is_long || (is_double && has_at(text, at + 2, quote))))
            break;
    }
    size_t behind = skip(text, skip(text, at, "\"'"), " \t\r");
    bool is_end = behind >= text.len || strchr("\n,}]#", text.data[behind]) != NULL;
    return at >= text.len ? text.len : is_end ? at : end_of_line(text, at);
}

/* The spaces that the line of `at` begins with. */
static size_t indentation(struct span text, size_t at)
{
    while (at > 0 && text.data[at - 1] != '\n')
        at--;
    return skip(text, at, " ") - at;
}

/* Does the line at `at` begin with a key, a header, a bracket or a comment? */
static bool begins_anew(struct span text, size_t at)
{
    at = skip(text, at, " \t-");
    if (at == text.len || strchr("[]{}#", text.data[at]))
        return true;
    size_t word = at = skip(text, at, "\"'");
    while (at < text.len && text_is_word(text.data[at]))
        at++;
    size_t sign = skip(text, at, "\"' \t");
    return at > word && (has_at(text, sign, ':') || has_at(text, sign, '=')) &&
           (sign + 1 == text.len || strchr(" \t\r\n\"'", text.data[sign + 1]) != NULL);
}

/* Where a value without quotes at `at` ends, whose key stands in a line indented by `indent`. */
static size_t end_of_bare(struct span text, size_t at, size_t indent)
{
    size_t end = end_of_line(text, at);
    while (end + 1 < text.len) {
        size_t next = end_of_line(text, end + 1);
        bool is_blank = skip(text, end + 1, " \t\r\n") >= next;
        if (!is_blank && indentation(text, end + 1) <= indent && begins_anew(text, end + 1))
            break;
        end = next;
    }
    return end;
}

/* Marks the value behind the name that ends at `at`, if there is one. Returns its end. */
static size_t hide_value(struct span text, size_t at, char *hidden)
{
    size_t begin = skip(text, at, " \t\"'"), end;
    for (size_t last = begin + SLIP_MAX; begin < text.len && begin < last; begin++)
        if (text_is_word(text.data[begin]) || strchr("=:", text.data[begin]))
            break;
    begin = skip(text, begin, " \t\"'");
    if (!has_at(text, begin, '=') && !has_at(text, begin, ':'))
        return at;
    begin = skip(text, begin + 1, " \t\r\n");
    if (begin == text.len)
        return begin;
    if (text.data[begin] == '"' || text.data[begin] == '\'') {
        end = end_of_quoted(text, begin);
        begin = skip(text, begin, "\"'");
    } else {
        end = end_of_bare(text, begin, indentation(text, at));
    }
    if (end > begin)
        memset(hidden + begin, 1, end - begin);
    return end > at ? end : at;
}

/* The end of the name of a secret that begins with the word [begin, end) and goes on in the next
 * one, since a slip has put a few characters into the middle of it; or 0. */
static size_t end_of_broken_name(struct span text, size_t begin, size_t end)
{
    char joined[2 * WORD_MAX];
    size_t len = end - begin, next = end;
    while (next < text.len && next < end + SLIP_MAX && !text_is_word(text.data[next]))
        next++;
    size_t next_end = next;
    while (next_end < text.len && len + next_end - next <= WORD_MAX &&
           text_is_word(text.data[next_end]))
        next_end++;
    if (next == next_end || len + next_end - next > WORD_MAX)
        return 0;
    memcpy(joined, text.data + begin, len);
    memcpy(joined + len, text.data + next, next_end - next);
    return is_secret_name(span_make(joined, len + next_end - next)) ? next_end : 0;
}

/* Marks the value behind the word [begin, end), or behind it and the next one, if that is a secret.
 * Returns where to go on. */
static size_t hide_behind(struct span text, size_t begin, size_t end, char *hidden)
{
    size_t value_end = end;
    if (is_secret_name(span_make(text.data + begin, end - begin)))
        value_end = hide_value(text, end, hidden);
    if (value_end > end)
        return value_end;
    size_t name_end = end_of_broken_name(text, begin, end);
    if (name_end)
        value_end = hide_value(text, name_end, hidden);
    return name_end && value_end > name_end ? value_end : end;
}

/* Marks, for each byte of the text, what is to be hidden. False when that is nothing. */
static bool find_secrets(struct span text, char *hidden)
{
    bool found = false;
    for (size_t at = 0; at < text.len;) {
        size_t begin = at;
        while (at < text.len && text_is_word(text.data[at]))
            at++;
        if (at == begin) {
            at++;
            continue;
        }
        size_t end = hide_behind(text, begin, at, hidden);
        found = found || end > at;
        at = end;
    }
    return found;
}

/* Is anything hidden within `reach` bytes of a place? */
static bool is_near(struct span text, const char *hidden, size_t line, unsigned column,
                    size_t reach)
{
    size_t at = line;
    for (; column > 1 && at < text.len && text.data[at] != '\n'; column--)
        do
            at++;
        while (at < text.len && utf8_is_tail(text.data[at]));
    size_t from = at > reach ? at - reach : 0;
    size_t to = at + reach < text.len ? at + reach + 1 : text.len;
    return from < to && memchr(hidden + from, 1, to - from) != NULL;
}

static bool has_code(const struct err *err, enum problem_code code)
{
    return err->code == problem_kinds[code].code;
}

/* Replaces what parsers have quoted from the neighbourhood of a secret, once a line, since one slip
 * may confuse them several times. Problems are in the order of their lines. */
static void reword(struct problems *problems, struct span text, const char *hidden)
{
    size_t line = 0, kept = 0;
    unsigned number = 1, reworded = 0;
    for (size_t i = 0; i < problems->count; i++) {
        struct err *err = &problems->items[i];
        for (; number < err->line && line < text.len; number++)
            line = end_of_line(text, line) + 1;
        bool quotes_key = has_code(err, PROBLEM_DUPLICATE_KEY);
        bool quotes_text = has_code(err, PROBLEM_SYNTAX) || has_code(err, PROBLEM_UNSUPPORTED);
        if ((quotes_key || quotes_text) &&
            is_near(text, hidden, line, err->column, quotes_key ? 0 : PROBLEMS_QUOTE)) {
            if (reworded == err->line)
                continue;
            reworded = err->line;
            snprintf(err->message, sizeof err->message,
                     "this cannot be read, and is not shown, since a secret stands here or nearby; "
                     "%s were expected",
                     quotes_key ? "other keys" : "a key and its value");
            snprintf(err->hint, sizeof err->hint,
                     "look at the quotation marks, commas and brackets around it");
        }
        if (kept++ < i)
            problems->items[kept - 1] = *err;
    }
    problems->count = kept;
}

void config_problems_mask(struct config_problems *problems)
{
    struct span text = span_make(problems->source, problems->source_len);
    char *hidden = calloc(1, text.len + 1);
    if (hidden == NULL) { /* then no line is shown at all */
        secret_wipe(problems->source, problems->source_len);
        problems->source = NULL;
        problems->source_len = 0;
        return;
    }
    if (find_secrets(text, hidden)) {
        size_t used = 0;
        reword(&problems->found, text, hidden);
        for (size_t i = 0; i < text.len; i++) {
            char c = problems->source[i];
            if (hidden[i] && utf8_is_tail(c))
                continue;
            problems->source[used++] = hidden[i] && c != '\n' && c != '\r' ? '*' : c;
        }
        explicit_bzero(problems->source + used, text.len - used);
        problems->source_len = used;
    }
    free(hidden);
}
