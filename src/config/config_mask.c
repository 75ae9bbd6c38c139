/* Problems that show no secret: see config_mask.h.
 *
 * A problem is shown with its line, and a file that cannot be parsed has no tree that would say
 * where its secrets stand. So they are looked for in the text, in a way that suits all formats:
 * behind a word that is nearly the name of a secret, or has in it what such names have in other
 * programs, escaped or not. With a "=" or ":" behind it that is everything up to the closing
 * quotation mark or bracket, else the rest of the line, and the lines below that are indented
 * deeper or begin with no key. Of a key that Portico does not know nobody can say what it holds, so
 * its value is hidden as well, unless the key is nearly one that is known. Too much may be hidden
 * in that way (what follows "auth" in a host, say), but hardly too little.
 *
 * What config/ itself says never quotes a secret. What the parsers say quotes the text around the
 * place that they name, at most ERR_QUOTE bytes of it. */
#include "config/config_mask.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "config/schema.h"
#include "config/secret.h"
#include "config/suggest.h"
#include "format/text.h"

#define WORD_MAX 128u /* bytes of a word that are looked at */
#define SLIP_MAX 4u   /* characters that may have come into one by mistake */
#define NEAR_MAX 100u /* unknown keys of which it is asked what they are near to */

/* Why a byte is hidden. */
enum mask { MASK_NONE, MASK_UNKNOWN, MASK_SECRET };

/* A word of the text, in lower case and with its escapes decoded. */
struct word {
    char text[WORD_MAX];
    size_t len;
};

/* Is `word` nearly the name of a secret that Portico has? */
static bool is_nearly_secret(struct span word)
{
    struct suggest suggest = {.word = word};
    for (size_t i = 0; i < schema_setting_count && suggest.best == NULL; i++)
        if (schema_settings[i].is_secret)
            suggest_offer(&suggest, schema_settings[i].name);
    return suggest.best != NULL;
}

/* Is a value by that name not to be shown? A part of the name is enough, however it is set off
 * from the others. */
static bool is_secret_name(const struct word *word)
{
    static const char *const marks[] = {"auth",       "passw",    "passphrase", "secret",
                                        "token",      "bearer",   "apikey",     "credential",
                                        "privatekey", "accesskey"};
    struct span all = span_make(word->text, word->len), rest = all, part;
    char joined[WORD_MAX + 1];
    size_t len = 0;
    for (size_t i = 0; i < all.len; i++)
        if (all.data[i] != '_' && all.data[i] != '-')
            joined[len++] = all.data[i];
    joined[len] = '\0';
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (strstr(joined, marks[i]))
            return true;
    if (strcmp(joined, "basic") == 0 || is_nearly_secret(all))
        return true;
    while (span_split(&rest, '_', &part))
        for (struct span piece; part.len && span_split(&part, '-', &piece);)
            if (is_nearly_secret(piece))
                return true;
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

/* The character that the escape at the start of `rest` stands for, if it is one of a word; its
 * length, or 0. */
static size_t word_escape(struct span rest, char *c)
{
    if (rest.len < 2 || rest.data[0] != '\\')
        return 0;
    size_t digits = rest.data[1] == 'x' ? 2 : rest.data[1] == 'u' ? 4 : rest.data[1] == 'U' ? 8 : 0;
    int64_t code = digits && rest.len >= 2 + digits ? text_hex(span_from(rest, 2), digits) : -1;
    if (code <= 0 || code > 0x7f || !text_is_word((char)code))
        return 0;
    *c = (char)code;
    return 2 + digits;
}

/* Adds what is a word at `at` to `word`; returns where it ends. */
static size_t take_word(struct span text, size_t at, struct word *word)
{
    while (at < text.len) {
        char c = text.data[at];
        size_t len = text_is_word(c) ? 1 : word_escape(span_from(text, at), &c);
        if (len == 0)
            break;
        if (word->len < WORD_MAX)
            word->text[word->len++] = span_lower(c);
        at += len;
    }
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

/* Does `at`, perhaps behind blanks, begin a key with its sign? */
static bool begins_key(struct span text, size_t at)
{
    size_t word = at = skip(text, at, " \t-,\"'");
    while (at < text.len && text_is_word(text.data[at]))
        at++;
    size_t sign = skip(text, at, "\"' \t");
    return at > word && (has_at(text, sign, ':') || has_at(text, sign, '=')) &&
           (sign + 1 == text.len || strchr(" \t\r\n\"'", text.data[sign + 1]) != NULL);
}

/* Does the line at `at` begin with a key, a header, a bracket or a comment? */
static bool begins_anew(struct span text, size_t at)
{
    size_t first = skip(text, at, " \t-");
    return first == text.len || strchr("[]{}#", text.data[first]) || begins_key(text, at);
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

/* Where the bracket at `at` is closed, whatever stands in between. */
static size_t end_of_bracket(struct span text, size_t at)
{
    size_t depth = 0;
    for (; at < text.len; at++) {
        if (strchr("[{", text.data[at]) && text.data[at])
            depth++;
        else if (strchr("]}", text.data[at]) && text.data[at] && --depth == 0)
            return at;
    }
    return at;
}

/* Does nothing stand on the line but the word that ends at `at`? */
static bool is_alone(struct span text, size_t at)
{
    size_t begin = at;
    struct word word = {.len = 0};
    while (begin > 0 && text.data[begin - 1] != '\n')
        begin--;
    begin = skip(text, begin, " \t-?{,\"'");
    return take_word(text, begin, &word) == at &&
           skip(text, at, " \t\r\"',") == end_of_line(text, at);
}

/* Where all ends that can belong to a name that ends at `at` and has no sign behind it: with the
 * line and those that continue it, and what begins a table or goes over lines in quotation marks
 * with the end of that. */
static size_t end_of_doubt(struct span text, size_t at)
{
    size_t line_end = end_of_line(text, at);
    size_t last = is_alone(text, at) && line_end < text.len ? line_end + 1 : at;
    size_t end = end_of_bare(text, last, indentation(text, at));
    size_t close = skip(text, at, " \t\"'");
    if (has_at(text, close, ']')) /* the head of a table: up to the next one */
        for (end = line_end; end < text.len; end = end_of_line(text, end + 1))
            if (has_at(text, skip(text, end + 1, " \t"), '['))
                return end;
    for (size_t i = at; i + 2 < line_end; i++)
        if (strchr("\"'", text.data[i]) && text.data[i] == text.data[i + 1] &&
            text.data[i] == text.data[i + 2]) {
            size_t quoted = end_of_quoted(text, i);
            return quoted > end ? quoted : end;
        }
    return end < text.len ? end : text.len;
}

static size_t hide(size_t begin, size_t end, enum mask why, char *hidden)
{
    if (end > begin)
        memset(hidden + begin, (int)why, end - begin);
    return end;
}

/* Marks the value behind the sign at `at`. Returns its end. */
static size_t hide_assigned(struct span text, size_t at, enum mask why, char *hidden)
{
    size_t begin = skip(text, at + 1, " \t\r\n");
    if (begin == text.len)
        return begin;
    if (text.data[begin] == '"' || text.data[begin] == '\'')
        return hide(skip(text, begin, "\"'"), end_of_quoted(text, begin), why, hidden);
    size_t end = end_of_bare(text, begin, indentation(text, at));
    size_t closed =
        strchr("[{", text.data[begin]) && text.data[begin] ? end_of_bracket(text, begin) : begin;
    return hide(begin, closed > end ? closed : end, why, hidden);
}

/* Marks what may be the value behind the name of a secret that ends at `at`. Returns its end. */
static size_t hide_value(struct span text, size_t at, char *hidden)
{
    size_t begin = skip(text, at, " \t\"'");
    for (size_t last = begin + SLIP_MAX; begin < text.len && begin < last; begin++)
        if (text_is_word(text.data[begin]) || strchr("=:\n", text.data[begin]))
            break;
    begin = skip(text, begin, " \t\"'");
    if (!has_at(text, begin, '=') && !has_at(text, begin, ':'))
        return hide(skip(text, at, " \t\"'"), end_of_doubt(text, at), MASK_SECRET, hidden);
    return hide_assigned(text, begin, MASK_SECRET, hidden);
}

/* The end of the name of a secret that begins with `word`, ends in the next one, and has in its
 * middle a few characters that a slip has put there; or 0. */
static size_t end_of_broken_name(struct span text, const struct word *word, size_t end)
{
    struct word joined = *word;
    size_t next = end;
    while (next < text.len && next < end + SLIP_MAX && !text_is_word(text.data[next]))
        next++;
    size_t next_end = take_word(text, next, &joined);
    return next_end > next && is_secret_name(&joined) ? next_end : 0;
}

/* Marks the value behind a word that ends at `end`, or behind it and the next one, if that is a
 * secret. Returns where to go on. */
static size_t hide_behind(struct span text, const struct word *word, size_t end, char *hidden)
{
    size_t name_end = is_secret_name(word) ? end : end_of_broken_name(text, word, end);
    size_t value_end = name_end ? hide_value(text, name_end, hidden) : end;
    return value_end > end ? value_end : end;
}

/* Is that the name of a key or a section, or nearly? *asked counts how often that was found out at
 * length. */
static bool is_known(struct span word, unsigned *asked)
{
    struct suggest suggest = {.word = word};
    bool may_ask = *asked < NEAR_MAX, is_exact = schema_alias(word) != NULL;
    for (size_t i = 0; i < schema_section_count; i++)
        is_exact = is_exact || span_eq_nocase(word, span_str(schema_sections[i].name));
    for (size_t i = 0; i < schema_setting_count; i++)
        is_exact = is_exact || span_eq_nocase(word, span_str(schema_settings[i].name));
    if (is_exact || !may_ask)
        return is_exact;
    ++*asked;
    for (size_t i = 0; i < schema_section_count; i++)
        suggest_offer(&suggest, schema_sections[i].name);
    for (size_t i = 0; i < schema_setting_count; i++)
        suggest_offer(&suggest, schema_settings[i].name);
    return suggest.best != NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Where the key ends that stands before the sign at `at`, with what a slip may have put in between;
 * 0 when there is none. */
static size_t end_of_key(struct span text, size_t at)
{
    for (size_t end = at; end > 0 && at - end <= 4 * SLIP_MAX; end--) {
        char c = text.data[end - 1];
        if (c == '\n' && text.data[at] == ':')
            return 0;
        if ((text_is_word(c) && c != '-') || (unsigned char)c >= 0x80)
            return end;
    }
    return 0;
}

/* Is there a sign at `at`, behind a key that Portico does not know? Of a key that has more than one
 * word, the last one counts. */
static bool is_behind_unknown(struct span text, size_t at, unsigned *asked)
{
    size_t before = at;
    if (!has_at(text, at, '=') && !has_at(text, at, ':'))
        return false;
    while (before > 0 && is_blank(text.data[before - 1]))
        before--;
    char last = before > 0 ? text.data[before - 1] : '\0';
    if (text.data[at] == ':' && /* no address */
        (has_at(text, at + 1, ':') || (last != '"' && last != '\'' && at + 1 < text.len &&
                                       strchr(" \t\r\n", text.data[at + 1]) == NULL)))
        return false;
    size_t end = end_of_key(text, at), last_word = end, begin;
    while (last_word > 0 && end - last_word < WORD_MAX &&
           (unsigned char)text.data[last_word - 1] >= 0x80)
        last_word--;
    for (begin = last_word; begin > 0 && last_word - begin < WORD_MAX; begin--)
        if (!text_is_word(text.data[begin - 1]))
            break;
    return end > 0 && !is_known(span_make(text.data + begin, last_word - begin), asked);
}

/* Does the value that begins at `begin` consist of other keys? Those are looked at on their own. */
static bool is_table(struct span text, size_t begin)
{
    if (has_at(text, begin, '{'))
        return begins_key(text, skip(text, begin + 1, " \t\r\n"));
    if (!has_at(text, begin, '&') && !has_at(text, begin, '\r') && !has_at(text, begin, '\n'))
        return false;
    return begins_key(text, end_of_line(text, begin) + 1);
}

#define SHORT_MAX 5u /* bytes of what is no secret: a number, true, null */

/* Is the value at `begin`, of the key in front of the sign at `at`, short? Then *end is where it
 * ends. */
static bool is_short(struct span text, size_t at, size_t begin, size_t *end)
{
    bool is_quoted = has_at(text, begin, '"') || has_at(text, begin, '\'');
    size_t behind = begin += is_quoted;
    while (behind < text.len && behind - begin <= SHORT_MAX &&
           !strchr(" \t\"',]}\r\n", text.data[behind]))
        behind++;
    if (behind - begin > SHORT_MAX || (is_quoted && !has_at(text, behind, text.data[begin - 1])))
        return false;
    *end = behind;
    behind = skip(text, behind + is_quoted, " \t\r");
    if (has_at(text, behind, ','))
        return begins_anew(text, skip(text, behind + 1, " \t\r\n"));
    if (has_at(text, behind, ']') || has_at(text, behind, '}'))
        return true;
    if (behind < text.len && text.data[behind] != '\n' && text.data[behind] != '#')
        return false;
    return is_quoted || end_of_bare(text, begin, indentation(text, at)) == end_of_line(text, begin);
}

/* Marks the value of an unknown key, behind the sign at `at`. Returns its end. */
static size_t hide_unknown(struct span text, size_t at, char *hidden)
{
    size_t begin = skip(text, at + 1, " \t"), end;
    if (is_table(text, begin))
        return begin + 1;
    begin = skip(text, begin, " \t\r\n");
    if (is_short(text, at, begin, &end))
        return end;
    if (has_at(text, begin, '[') || has_at(text, begin, '{'))
        return hide(begin, end_of_bracket(text, begin), MASK_UNKNOWN, hidden);
    return hide_assigned(text, at, MASK_UNKNOWN, hidden);
}

/* Marks, for each byte of the text, why it is to be hidden. False when none is. */
static bool find_secrets(struct span text, char *hidden)
{
    bool found = false;
    unsigned asked = 0;
    for (size_t at = 0; at < text.len;) {
        struct word word = {.len = 0};
        size_t name_end = take_word(text, at, &word), begin = at;
        if (name_end > at)
            at = hide_behind(text, &word, name_end, hidden);
        else if (is_behind_unknown(text, at, &asked))
            at = hide_unknown(text, at, hidden);
        found = found || at > name_end;
        if (at == begin)
            at++;
    }
    return found;
}

/* What may be quoted that is hidden, for a place: within `reach` bytes of it a secret, or, behind
 * it on its line, the value of an unknown key. */
static enum mask mask_near(struct span text, const char *hidden, size_t line, unsigned column,
                           size_t reach)
{
    size_t at = line;
    for (; column > 1 && at < text.len && text.data[at] != '\n'; column--)
        do
            at++;
        while (at < text.len && utf8_is_tail(text.data[at]));
    size_t from = at > reach ? at - reach : 0;
    size_t to = at + reach < text.len ? at + reach + 1 : text.len;
    if (from < to && memchr(hidden + from, MASK_SECRET, to - from))
        return MASK_SECRET;
    for (; at < to && text.data[at] != '\n'; at++)
        if (hidden[at])
            return MASK_UNKNOWN;
    return MASK_NONE;
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
    unsigned number = 1, reworded = ~0u; /* no line; that of a problem without a place is 0 */
    for (size_t i = 0; i < problems->count; i++) {
        struct err *err = &problems->items[i];
        for (; number < err->line && line < text.len; number++)
            line = end_of_line(text, line) + 1;
        bool quotes_key = has_code(err, PROBLEM_DUPLICATE_KEY);
        bool quotes_text = has_code(err, PROBLEM_SYNTAX) || has_code(err, PROBLEM_UNSUPPORTED);
        enum mask mask = MASK_NONE;
        if (quotes_key || quotes_text)
            mask = mask_near(text, hidden, line, err->column, quotes_key ? 0 : ERR_QUOTE);
        if (mask) {
            if (reworded == err->line)
                continue;
            reworded = err->line;
            snprintf(err->message, sizeof err->message,
                     "this cannot be read, and is not shown, since %s; %s were expected",
                     mask == MASK_SECRET ? "a secret stands here or nearby" : "it may be a secret",
                     quotes_key ? "other keys" : "a key and its value");
            if (!has_code(err, PROBLEM_UNSUPPORTED)) /* whose hints quote nothing */
                err_hint(err, "look at the quotation marks, commas and brackets around it");
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
