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
};

static bool in_object(const struct check *check)
{
    return check->depth > 0 && json_is_mark(&check->open[check->depth - 1], '{');
}

/* Reports a word that is none of those expected. Returns false. */
static bool unexpected(struct check *check, const struct json_token *token, const char *expected)
{
    char what[TEXT_DESCRIBE];
    struct err *err = json_problem(&check->scan, token->line, token->column,
                                   "%s is unexpected here; %s was expected",
                                   text_describe(token->text, what), expected);
    const char *hint = text_lookalike(token->text);
    if (hint && token->word == JSON_OTHER)
        err_hint(err, "%s", hint);
    return false;
}

/* The text ends too early. Returns false. */
static bool unclosed(struct check *check, const struct json_token *token)
{
    if (check->depth == 0)
        return unexpected(check, token, "a value");
    const struct json_token *open = &check->open[check->depth - 1];
    json_problem(&check->scan, open->line, open->column,
                 "this %s is not closed; a \"%s\" was expected before the end of the file",
                 in_object(check) ? "object" : "array", in_object(check) ? "}" : "]");
    return false;
}

static bool open_bracket(struct check *check, const struct json_token *token)
{
    if (check->depth == JSON_DEPTH_MAX) {
        json_problem(&check->scan, token->line, token->column,
                     "brackets are nested too deep; at most %u levels were expected",
                     JSON_DEPTH_MAX);
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
    if (json_is_mark(token, '{') || json_is_mark(token, '['))
        return open_bracket(check, token);
    check->state = EXPECT_MORE;
    if (token->word == JSON_STRING || token->word == JSON_SCALAR)
        return true;
    if (json_is_mark(token, ']') && check->depth && !in_object(check))
        return is_first ? close_bracket(check) : trailing_comma(check, token);
    return unexpected(check, token, "a value");
}

static bool take_key(struct check *check, const struct json_token *token)
{
    bool is_first = check->state == EXPECT_FIRST_KEY;
    char quoted[PROBLEMS_QUOTE];
    if (json_is_mark(token, '}'))
        return is_first ? close_bracket(check) : trailing_comma(check, token);
    check->state = EXPECT_COLON;
    if (token->word == JSON_STRING)
        return true;
    if (token->word != JSON_NAME)
        return unexpected(check, token, "a key in quotation marks");
    problems_quote(token->text, quoted);
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
    if (token->text.len == 0 || token->text.data[0] != '=')
        return unexpected(check, token, "\":\" and a value");
    unexpected(check, token, "\":\"");
    check->scan.at++; /* the "=", in place of a colon */
    return true;
}

static bool take_more(struct check *check, const struct json_token *token, bool *is_again)
{
    char bracket = in_object(check) ? '}' : ']';
    if (check->depth == 0)
        return unexpected(check, token, "the end of the file (or one brace around all of it)");
    if (json_is_mark(token, bracket))
        return close_bracket(check);
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
    return unexpected(check, token, in_object(check) ? "\",\" or \"}\"" : "\",\" or \"]\"");
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
        if (is_lost)
            break;
    }
    return !check.scan.has_problem;
}
