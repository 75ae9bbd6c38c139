/* JSON's grammar, as an automaton over words: what may come next depends on what came last and
 * on the innermost bracket.
 *
 * cJSON would notice most of this, but not all (it takes any byte below the space for white
 * space), not exactly where, and only the first. Usual slips (a comma too many or too few, a
 * key without quotes) are reported and taken for what was meant; at anything else the check
 * ends. */
#include "format/json_check.h"

#include "format/json.h"
#include "format/json_scan.h"
#include "format/text.h"
#include "format/value.h"

enum state {
    EXPECT_VALUE,
    EXPECT_FIRST_VALUE, /* or the array's end */
    EXPECT_KEY,
    EXPECT_FIRST_KEY, /* or the object's end */
    EXPECT_COLON,
    EXPECT_MORE, /* a comma or the bracket's end; without a bracket, the end of the text */
};

struct check {
    struct json_scan scan;
    enum state state;
    unsigned depth;
    struct json_token open[JSON_DEPTH_MAX]; /* the brackets around the next word */
    struct json_token comma;                /* before the next word, in EXPECT_VALUE and _KEY */
    unsigned line, column;                  /* behind the last word */
    bool is_behind_string;                  /* which was a string */
    size_t count;                           /* of values so far, and the root */
};

static bool in_object(const struct check *check)
{
    return check->depth > 0 && json_is_mark(&check->open[check->depth - 1], '{');
}

/* Reports a word that is none of those expected. */
static struct err *unexpected(struct check *check, const struct json_token *token,
                              const char *expected)
{
    char what[TEXT_DESCRIBE];
    struct err *err = json_problem(&check->scan, token->line, token->column,
                                   "%s is unexpected here; %s was expected",
                                   text_describe(token->text, what), expected);
    const char *hint = text_lookalike(token->text);
    if (hint && token->word == JSON_OTHER)
        err_hint(err, "%s", hint);
    return err;
}

/* The text ends too early. Returns false. */
static bool unclosed(struct check *check, const struct json_token *token)
{
    if (check->depth == 0) {
        unexpected(check, token, "a value");
        return false;
    }
    const struct json_token *open = &check->open[check->depth - 1];
    json_problem(&check->scan, open->line, open->column,
                 "this %s is not closed; a \"%s\" was expected before the end of the file",
                 in_object(check) ? "object" : "array", in_object(check) ? "}" : "]");
    return false;
}

static bool open_bracket(struct check *check, const struct json_token *token)
{
    if (check->depth == JSON_DEPTH_MAX) {
        problems_recode(
            json_problem(&check->scan, token->line, token->column,
                         "brackets are nested too deep; at most %u levels were expected",
                         JSON_DEPTH_MAX),
            PROBLEM_TOO_DEEP);
        return false;
    }
    check->open[check->depth++] = *token;
    check->state = in_object(check) ? EXPECT_FIRST_KEY : EXPECT_FIRST_VALUE;
    return true;
}

static bool close_bracket(struct check *check)
{
    check->depth--;
    check->state = EXPECT_MORE;
    return true;
}

/* Behind a comma stands the bracket's end. */
static bool trailing_comma(struct check *check, const struct json_token *token)
{
    err_hint(json_problem(&check->scan, check->comma.line, check->comma.column,
                          "\",\" is unexpected before \"%c\"; another %s was expected behind it",
                          token->text.data[0], in_object(check) ? "key" : "value"),
             "remove the comma: JSON has none behind the last one");
    return close_bracket(check);
}

static bool take_value(struct check *check, const struct json_token *token)
{
    bool is_first = check->state == EXPECT_FIRST_VALUE;
    if (!json_is_mark(token, ']') && check->count++ > VALUE_COUNT_MAX) { /* the root is none */
        check->scan.has_problem = true;
        value_too_many(check->scan.file, token->line, token->column, check->scan.problems);
        return false;
    }
    if (json_is_mark(token, '{') || json_is_mark(token, '['))
        return open_bracket(check, token);
    check->state = EXPECT_MORE;
    if (token->word == JSON_STRING || token->word == JSON_SCALAR)
        return true;
    if (json_is_mark(token, ']') && check->depth && !in_object(check))
        return is_first ? close_bracket(check) : trailing_comma(check, token);
    struct err *err = unexpected(check, token, "a value");
    if (json_is_mark(token, ','))
        err_hint(err, "a value is missing before the comma, or there is one comma too many");
    return false;
}

static bool take_key(struct check *check, const struct json_token *token)
{
    bool is_first = check->state == EXPECT_FIRST_KEY;
    char quoted[ERR_QUOTE];
    if (json_is_mark(token, '}'))
        return is_first ? close_bracket(check) : trailing_comma(check, token);
    check->state = EXPECT_COLON;
    if (token->word == JSON_STRING)
        return true;
    if (token->word != JSON_NAME) {
        unexpected(check, token, "a key in quotation marks");
        return false;
    }
    err_quote(token->text, quoted);
    err_hint(json_problem(&check->scan, token->line, token->column,
                          "the key %s has no quotes; a key in quotation marks was expected",
                          quoted),
             "write \"%s\"", quoted);
    return true;
}

static bool take_colon(struct check *check, const struct json_token *token)
{
    check->state = EXPECT_VALUE;
    if (json_is_mark(token, ':'))
        return true;
    bool is_equals = token->text.len > 0 && token->text.data[0] == '=';
    unexpected(check, token, is_equals ? "\":\"" : "\":\" and a value");
    if (!is_equals)
        return false;
    check->scan.at++; /* the "=", in place of a colon */
    return true;
}

/* Something stands behind the value that should be the whole file. Returns false. */
static bool behind_root(struct check *check, const struct json_token *token)
{
    char what[TEXT_DESCRIBE];
    struct err *err = json_problem(&check->scan, token->line, token->column,
                                   "%s is unexpected here; the end of the file was expected",
                                   text_describe(token->text, what));
    if (json_is_mark(token, ':') || json_is_mark(token, ','))
        err_hint(err, "put braces around the whole file: { ... }");
    else if (json_is_mark(token, '{'))
        err_hint(err, "a file holds one object: merge the two");
    else if (json_is_mark(token, '}') || json_is_mark(token, ']'))
        err_hint(err, "there is one bracket too many, here or before");
    return false;
}

/* A string that is followed by letters at once ended too early, or the one before it too late.
 * Returns false. */
static bool misquoted(struct check *check, const struct json_token *token)
{
    err_hint(json_problem(&check->scan, token->line, token->column,
                          "text follows a quotation mark here; \",\" or the end of the %s was "
                          "expected",
                          in_object(check) ? "object" : "array"),
             "further left a quotation mark is missing, or one inside of text lacks its backslash: "
             "\\\"");
    return false;
}

static bool take_more(struct check *check, const struct json_token *token, bool *is_again)
{
    char bracket = in_object(check) ? '}' : ']';
    if (check->depth == 0)
        return behind_root(check, token);
    if (json_is_mark(token, bracket))
        return close_bracket(check);
    if (check->is_behind_string && token->line == check->line && token->column == check->column &&
        (token->word == JSON_NAME || token->word == JSON_SCALAR))
        return misquoted(check, token);
    check->state = in_object(check) ? EXPECT_KEY : EXPECT_VALUE;
    check->comma = *token;
    if (json_is_mark(token, ','))
        return true;
    if (token->word == JSON_STRING || token->word == JSON_NAME || token->word == JSON_SCALAR ||
        json_is_mark(token, '{') || json_is_mark(token, '[')) {
        json_problem(&check->scan, check->line, check->column,
                     "a comma is missing here; \",\" was expected before the next %s",
                     in_object(check) ? "key" : "value");
        *is_again = true;
        return true;
    }
    const struct json_token *open = &check->open[check->depth - 1];
    struct err *err =
        unexpected(check, token, bracket == '}' ? "\",\" or \"}\"" : "\",\" or \"]\"");
    if (token->word == JSON_MARK && token->line != open->line)
        err_hint(err, "the \"%c\" on line %u is still open", open->text.data[0], open->line);
    return false;
}

/* One word. `is_again`: it was not used up. False: the check is over, or lost. */
static bool take(struct check *check, const struct json_token *token, bool *is_again)
{
    *is_again = false;
    if (token->word == JSON_END && (check->depth > 0 || check->state != EXPECT_MORE))
        return unclosed(check, token);
    switch (check->state) {
    case EXPECT_VALUE:
    case EXPECT_FIRST_VALUE:
        return take_value(check, token);
    case EXPECT_KEY:
    case EXPECT_FIRST_KEY:
        return take_key(check, token);
    case EXPECT_COLON:
        return take_colon(check, token);
    case EXPECT_MORE:
        break;
    }
    return token->word != JSON_END && take_more(check, token, is_again);
}

bool json_check(const char *file, struct span text, struct problems *problems)
{
    struct check check = {.state = EXPECT_VALUE};
    struct json_token token;
    bool goes_on = true;
    json_scan_init(&check.scan, file, text, problems);
    while (goes_on && !problems_is_full(problems)) {
        bool is_key = check.state == EXPECT_KEY || check.state == EXPECT_FIRST_KEY ||
                      (check.state == EXPECT_MORE && in_object(&check));
        bool is_again = true, had_problem = check.scan.has_problem;
        check.scan.has_problem = false;
        token = json_next(&check.scan, is_key);
        bool is_lost = token.word == JSON_OTHER && check.scan.has_problem;
        while (!is_lost && goes_on && is_again)
            goes_on = take(&check, &token, &is_again);
        check.scan.has_problem = check.scan.has_problem || had_problem;
        check.line = token.line;
        check.column = token.end_column;
        check.is_behind_string = token.word == JSON_STRING;
        if (is_lost)
            break;
    }
    return !check.scan.has_problem;
}
