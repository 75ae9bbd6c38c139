/* TOML's statements, arrays and inline tables, and how to go on after a problem.
 *
 * A value that could not be read leaves a VALUE_BAD, a line that could not be understood is
 * skipped, and so are the lines that seem to belong to the bracket it stood in. What stands
 * under a header that could not be read, or under a line that may have been meant as one, goes
 * into a table that hangs nowhere. Who may add to
 * which table is decided in toml_define.c; words are read in toml_lex.c.
 *
 * Invariants:
 *   1. Keys, brackets and braces above a value number at most TOML_DEPTH_MAX, which bounds
 *      the recursion.
 *   2. Every recovery moves past at least one newline, or to a statement in a later line. */
#include "format/toml_parse.h"

#include <stdio.h>

#include "format/toml_define.h"
#include "format/toml_lex.h"

struct parser {
    struct toml_lex lex;
    struct value_table *current; /* where the next key goes */
    unsigned depth;              /* of `current` */
    bool is_nowhere;             /* `current` hangs nowhere */
    char lost_in;                /* the innermost bracket where the parser got lost, or 0 */
    bool is_at_statement;        /* lost, but right before a statement: do not skip its line */
};

static int parse_value(struct parser *p, struct value *value, unsigned depth);

/* A dotted key, with white space around the dots and behind it. */
static int parse_key(struct parser *p, struct toml_key *key, unsigned depth)
{
    key->count = 0;
    do {
        toml_skip_space(&p->lex);
        struct toml_place place = toml_here(&p->lex);
        if (depth + key->count >= TOML_DEPTH_MAX) {
            problems_recode(toml_problem(&p->lex, place,
                                         "this key lies too deep; at most %u levels were expected",
                                         TOML_DEPTH_MAX),
                            PROBLEM_TOO_DEEP);
            return -1;
        }
        key->parts[key->count].place = place;
        if (toml_key(&p->lex, &key->parts[key->count].name) < 0)
            return -1;
        key->count++;
        toml_skip_space(&p->lex);
    } while (toml_take(&p->lex, '.'));
    return 0;
}

/* ---- Statements ---- */

/* Does a statement begin at `at`? Only used where none can be part of what is being read, so
 * that a bracket that was never closed does not swallow the rest of the file. */
static bool is_header(const char *at, const char *end)
{
    for (int i = 0; i < 2 && at < end && *at == '['; i++)
        at++;
    const char *word = at;
    while (at < end && toml_is_bare(*at))
        at++;
    struct span name = span_make(word, (size_t)(at - word));
    if (name.len == 0 || at == end || !(*at == ']' || *at == '.'))
        return false;
    return ((span_lower(name.data[0]) >= 'a' && span_lower(name.data[0]) <= 'z') ||
            name.data[0] == '_') &&
           !span_eq(name, SPAN("true")) && !span_eq(name, SPAN("false")) &&
           !span_eq(name, SPAN("inf")) && !span_eq(name, SPAN("nan"));
}

static bool is_assignment(const char *at, const char *end)
{
    const char *start = at;
    while (at < end && (toml_is_bare(*at) || *at == '.'))
        at++;
    if (at == start)
        return false;
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return at < end && *at == '=';
}

/* The same question while lost in `bracket`: keys may be part of an inline table, unless they
 * stand at the very beginning of a line. */
static bool is_statement(struct parser *p, char bracket)
{
    const char *at = p->lex.at, *end = p->lex.end;
    if (at < end && *at == '[')
        return is_header(at, end);
    return (bracket == '[' || toml_here(&p->lex).column == 1) && is_assignment(at, end);
}

static void recover(struct parser *p)
{
    char bracket = p->lost_in;
    bool is_at_statement = p->is_at_statement;
    p->lost_in = 0;
    p->is_at_statement = false;
    if (is_at_statement)
        return;
    toml_skip_line(&p->lex);
    while (bracket && p->lex.at < p->lex.end) {
        toml_skip_space(&p->lex);
        if (is_statement(p, bracket))
            return;
        toml_skip_line(&p->lex);
    }
}

/* Notes where the parser got lost. Returns -1. */
static int lost(struct parser *p, char bracket)
{
    if (p->lost_in == 0)
        p->lost_in = bracket;
    return -1;
}

/* Between two items: has the bracket's end been forgotten? */
static bool is_unclosed(struct parser *p, const struct value *open, char bracket, bool is_certain)
{
    bool at_end = p->lex.at == p->lex.end;
    bool next_line = p->lex.line > open->line;
    if (!at_end && !(next_line && is_statement(p, is_certain ? bracket : '{') &&
                     (is_certain || *p->lex.at == '[')))
        return false;
    struct toml_place place = {open->line, open->column};
    struct err *err =
        toml_problem(&p->lex, place, "this %s is not closed; a \"%c\" was expected before %s",
                     bracket == '[' ? "array" : "table", bracket == '[' ? ']' : '}',
                     at_end ? "the end of the file" : "the next statement");
    if (!at_end)
        err_hint(err, "the next statement stands on line %u", p->lex.line);
    p->is_at_statement = !at_end;
    lost(p, bracket);
    return true;
}

/* ---- Values ---- */

static int too_deep(struct parser *p, char bracket)
{
    problems_recode(toml_problem(&p->lex, toml_here(&p->lex),
                                 "brackets are nested too deep; at most %u levels were expected",
                                 TOML_DEPTH_MAX),
                    PROBLEM_TOO_DEEP);
    return lost(p, bracket);
}

#define BRACE_LINES 100u /* how far to look for a closing brace */

/* Is the brace that the parser is in closed further down, before any header? */
static bool is_closed_below(const struct parser *p)
{
    const char *at = p->lex.at, *end = p->lex.end;
    int depth = 1;
    for (unsigned lines = 0; at < end && depth > 0 && lines < BRACE_LINES; at++) {
        depth += (*at == '{') - (*at == '}');
        if (*at != '\n')
            continue;
        lines++;
        if (is_header(at + 1, end))
            return false;
    }
    return depth == 0;
}

/* Behind a key's value in braces that end on a later line: does another key follow, with no
 * comma in between? Reports it, once for the braces, so that the parser can go on. */
static bool is_comma_missing(struct parser *p, struct toml_place behind, const struct value *item,
                             bool *is_reported)
{
    if (p->lex.line == behind.line || !is_assignment(p->lex.at, p->lex.end) || !is_closed_below(p))
        return false;
    if (!*is_reported && item->type != VALUE_BAD)
        err_hint(toml_problem(&p->lex, behind,
                              "a comma is missing here; \",\" was expected between two keys in "
                              "braces"),
                 "write a comma behind each value, or a header above keys without braces");
    *is_reported = true;
    return true;
}

/* Behind an item: a comma (0), the closing bracket (1), or neither (-1, reported). */
static int parse_separator(struct parser *p, const struct value *open, const struct value *item,
                           char bracket, bool *is_reported)
{
    char close = bracket == '[' ? ']' : '}';
    struct toml_place behind = toml_here(&p->lex);
    toml_skip_blank(&p->lex);
    if (toml_take(&p->lex, ','))
        return 0;
    if (toml_take(&p->lex, close))
        return 1;
    if (bracket == '{' && is_comma_missing(p, behind, item, is_reported))
        return 0;
    if (is_unclosed(p, open, bracket, true))
        return -1;
    if (item->type == VALUE_BAD)
        return lost(p, bracket);
    struct toml_place place = toml_here(&p->lex);
    int c = toml_peek(&p->lex);
    bool is_item = c == '"' || c == '\'' || c == '[' || c == '{' || toml_is_bare((char)c);
    char what[TEXT_DESCRIBE];
    struct err *err = toml_problem(&p->lex, place,
                                   "%s is unexpected here; \",\" or \"%c\" was "
                                   "expected",
                                   toml_describe(&p->lex, what), close);
    if (is_item)
        err_hint(err, "a comma is missing before it");
    else if (place.line != open->line)
        err_hint(err, "the \"%c\" on line %u is still open", bracket, open->line);
    return lost(p, bracket);
}

static int parse_array(struct parser *p, struct value *value, unsigned depth)
{
    if (depth >= TOML_DEPTH_MAX)
        return too_deep(p, '[');
    value->array = value_array_new(p->lex.tree);
    if (value->array == NULL)
        return toml_exhausted(&p->lex);
    value->type = VALUE_ARRAY;
    toml_take(&p->lex, '[');
    for (;;) {
        toml_skip_blank(&p->lex);
        if (toml_take(&p->lex, ']'))
            return 0;
        if (is_unclosed(p, value, '[', true))
            return -1;
        struct value item;
        if (parse_value(p, &item, depth + 1) < 0)
            return lost(p, '[');
        if (value_array_add(p->lex.tree, value->array, &item) == NULL)
            return toml_exhausted(&p->lex);
        int ended = parse_separator(p, value, &item, '[', NULL);
        if (ended)
            return ended < 0 ? -1 : 0;
    }
}

/* Takes the "=" behind a key; a ":" is reported and taken for one. */
static int parse_equals(struct parser *p)
{
    if (toml_take(&p->lex, '='))
        return 0;
    if (toml_peek(&p->lex) != ':')
        return toml_unexpected(&p->lex, "\"=\" and a value");
    err_hint(
        toml_problem(&p->lex, toml_here(&p->lex), "\":\" is unexpected here; \"=\" was expected"),
        "a key and its value are joined by \"=\"");
    toml_take(&p->lex, ':');
    return 0;
}

/* One key = value, into `table`. A key that is taken is reported, and its value read all the
 * same. -1: the parser is lost; the key, if it was read, is there as a VALUE_BAD. */
static int parse_assignment(struct parser *p, struct value_table *table, unsigned depth,
                            struct value *value)
{
    struct toml_key key;
    *value = (struct value){.type = VALUE_BAD};
    if (parse_key(p, &key, depth) < 0 || parse_equals(p) < 0) {
        table->is_damaged = true;
        return -1;
    }
    table = toml_define_key(&p->lex, table, &key);
    toml_skip_space(&p->lex);
    int result = parse_value(p, value, depth + key.count);
    if (result < 0) {
        value->type = VALUE_BAD;
        if (table)
            table->is_damaged = true; /* it may have swallowed what follows */
    }
    if (table == NULL)
        return result;
    unsigned last = key.count - 1;
    struct value_entry *entry = value_table_add(p->lex.tree, table, key.parts[last].name, value);
    if (entry == NULL)
        return toml_exhausted(&p->lex);
    entry->line = key.parts[last].place.line;
    entry->column = key.parts[last].place.column;
    return result;
}

static int parse_inline_table(struct parser *p, struct value *value, unsigned depth)
{
    if (depth >= TOML_DEPTH_MAX)
        return too_deep(p, '{');
    value->table = value_table_new(p->lex.tree);
    if (value->table == NULL)
        return toml_exhausted(&p->lex);
    value->type = VALUE_TABLE;
    value->table->origin = TOML_INLINE;
    toml_take(&p->lex, '{');
    bool is_reported = false;
    for (;;) {
        toml_skip_blank(&p->lex);
        if (toml_take(&p->lex, '}'))
            return 0;
        if (is_unclosed(p, value, '{', false))
            return -1;
        struct value item;
        if (parse_assignment(p, value->table, depth + 1, &item) < 0)
            return lost(p, '{');
        int ended = parse_separator(p, value, &item, '{', &is_reported);
        if (ended)
            return ended < 0 ? -1 : 0;
    }
}

static int parse_value(struct parser *p, struct value *value, unsigned depth)
{
    struct toml_place place = toml_here(&p->lex);
    *value = (struct value){.type = VALUE_BAD, .line = place.line, .column = place.column};
    switch (toml_peek(&p->lex)) {
    case '"':
    case '\'':
        return toml_string(&p->lex, value);
    case '[':
        return parse_array(p, value, depth);
    case '{':
        return parse_inline_table(p, value, depth);
    default:
        return toml_scalar(&p->lex, value);
    }
}

/* The rest of a statement's line must be empty. `is_silent`: something was reported already. */
static int end_line(struct parser *p, const char *behind, bool is_silent)
{
    toml_skip_space(&p->lex);
    toml_skip_comment(&p->lex);
    if (toml_is_line_end(&p->lex))
        return 0;
    if (is_silent)
        return -1;
    p->current->is_damaged = true; /* by what else stands on this line */
    bool is_comma = toml_peek(&p->lex) == ',';
    char what[80];
    snprintf(what, sizeof what, "the end of the line behind the %s", behind);
    if (!is_comma)
        return toml_unexpected(&p->lex, what);
    return err_hint(toml_problem(&p->lex, toml_here(&p->lex),
                                 "\",\" is unexpected here; %s was expected", what),
                    "each key has a line of its own; a long number is written 1000 or 1_000");
}

/* [a.b] or [[a.b]]. */
static int parse_header(struct parser *p)
{
    toml_take(&p->lex, '[');
    bool is_array = toml_take(&p->lex, '[');
    struct toml_key key;
    if (parse_key(p, &key, 0) < 0)
        return -1;
    if (!toml_take(&p->lex, ']') || (is_array && !toml_take(&p->lex, ']')))
        return toml_unexpected(&p->lex, is_array ? "\"]]\"" : "\"]\"");
    struct value_table *table = toml_define_header(&p->lex, &key, is_array);
    if (table) {
        p->current = table;
        p->depth = key.count;
        p->is_nowhere = false;
    }
    return end_line(p, "header", false);
}

/* What follows belongs nowhere until a header is understood. 0, or -1 when out of memory. */
static int go_nowhere(struct parser *p)
{
    p->current = value_table_new(p->lex.tree);
    if (p->current == NULL)
        return toml_exhausted(&p->lex);
    p->is_nowhere = true;
    return 0;
}

/* Was the unreadable line at `at` meant as a header? Then it has no "=", and within a table a
 * bracket of some kind, or something pasted in, before its first letter. */
static bool is_broken_header(const char *at, const char *end, bool in_table)
{
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    size_t len = (size_t)((newline ? newline : end) - at);
    if (memchr(at, '=', len) != NULL)
        return false;
    for (size_t i = 0; in_table && i < len && !toml_is_bare(at[i]); i++)
        if ((unsigned char)at[i] >= 0x80 || at[i] == '[' || at[i] == '(' || at[i] == '<')
            return true;
    return !in_table;
}

static int parse_statement(struct parser *p)
{
    const char *start = p->lex.at;
    struct value_table *root = p->lex.tree->root;
    if (toml_peek(&p->lex) == '[') {
        if (go_nowhere(p) < 0)
            return -1;
        int result = parse_header(p);
        if (p->is_nowhere)
            root->is_damaged = true;
        return result;
    }
    struct value value;
    if (parse_assignment(p, p->current, p->depth, &value) == 0)
        return end_line(p, "value", value.type == VALUE_BAD);
    bool has_key = value.line > 0; /* the value's place is the first thing known behind a key */
    if (!has_key && is_broken_header(start, p->lex.end, p->current != root && !p->is_nowhere)) {
        root->is_damaged = true;
        go_nowhere(p);
    }
    return -1;
}

struct value_tree *toml_parse(const char *file, struct span text, struct problems *problems)
{
    struct value_tree *tree = value_tree_new();
    if (tree == NULL) {
        problems_add(problems, PROBLEM_MEMORY, file, 0, 0, "out of memory");
        return NULL;
    }
    struct parser p = {.current = tree->root};
    tree->root->origin = TOML_HEADER;
    toml_lex_init(&p.lex, file, text, tree, problems);
    if (!text_check_encoding(file, text, problems) ||
        !text_check_language(file, text, TEXT_TOML, problems)) {
        tree->root->is_damaged = true;
        return tree;
    }
    for (;;) {
        toml_skip_blank(&p.lex);
        if (p.lex.at == p.lex.end || p.lex.is_exhausted || problems_is_full(problems))
            break;
        if (parse_statement(&p) < 0)
            recover(&p);
    }
    if (p.lex.is_exhausted) {
        value_tree_free(tree);
        return NULL;
    }
    return tree;
}
