/* The parser reads TOML's statements, keys, arrays and inline tables, and goes on after a problem.
 *
 * There is one rule for going on: the rest of the line is skipped, and of what follows all that the
 * open brackets hold, up to the next header at the latest. If it is a header or a key that could
 * not be read, nobody knows what the lines below belong to, so they go into a table that hangs
 * nowhere. All of that only serves to find the next problem, since a file with a problem has no
 * tree. Who may add to which table is decided in toml_define.c.
 *
 * Invariant: keys, brackets and braces around a value number at most VALUE_DEPTH_MAX, which bounds
 * the recursion. */
#include "format/toml_parse.h"

#include <stdio.h>

#include "format/toml_define.h"
#include "format/toml_lex.h"
#include "format/toml_scalar.h"
#include "format/toml_string.h"

struct parser {
    struct toml_lex lex;
    struct builder builder;
    struct value_table *current; /* where the next key goes */
    unsigned depth;              /* of `current` */
    int open;                    /* brackets and braces that the next byte is in */
    bool has_recovered;          /* from the problem that was just reported */
};

static bool parse_value(struct parser *p, struct value *value);

/* ---- Keys ---- */

static bool parse_quoted_key(struct parser *p, struct span *name)
{
    struct place place = toml_here(&p->lex);
    struct value string;
    if (span_has_prefix(toml_rest(&p->lex), SPAN("\"\"\"")) ||
        span_has_prefix(toml_rest(&p->lex), SPAN("'''")))
        return builder_problem(&p->builder, PROBLEM_SYNTAX, place, NULL,
                               "a key cannot be a string of several lines; a single pair of quotes "
                               "was expected");
    if (!toml_string(&p->lex, &string))
        return false;
    *name = string.string;
    return true;
}

static bool parse_bare_key(struct parser *p, struct place place, struct span *name)
{
    static const char behind[] = " \t\r\n.=:[]{},#\"\'";
    const char *start = p->lex.at;
    while (p->lex.at < p->lex.end && text_is_word(*p->lex.at))
        p->lex.at++;
    if (p->lex.at == start)
        return toml_unexpected(&p->lex, "a key");
    if (p->lex.at < p->lex.end && strchr(behind, *p->lex.at) == NULL)
        return toml_unexpected(&p->lex, "\"=\", or, in a key without quotes, one of A-Z, a-z, 0-9, "
                                        "\"_\" and \"-\"");
    struct span word = span_make(start, (size_t)(p->lex.at - start));
    return builder_copy(&p->builder, place, word, name);
}

/* A dotted key, with white space around the dots and behind it. The builder goes as deep as the
 * key leads. */
static bool parse_key(struct parser *p, struct toml_key *key)
{
    key->count = 0;
    do {
        toml_skip_space(&p->lex);
        struct place place = toml_here(&p->lex);
        struct span *name = &key->parts[key->count].name;
        int c = toml_peek(&p->lex);
        if (!builder_enter(&p->builder, place) ||
            !(c == '"' || c == '\'' ? parse_quoted_key(p, name) : parse_bare_key(p, place, name)))
            return false;
        key->parts[key->count++].place = place;
        toml_skip_space(&p->lex);
    } while (toml_take(&p->lex, '.'));
    return true;
}

/* ---- Going on ---- */

/* Does a header begin at `at`? In an array, [1] and [true] are none. */
static bool is_header(const char *at, const char *end)
{
    for (int i = 0; i < 2 && at < end && *at == '['; i++)
        at++;
    const char *word = at;
    while (at < end && text_is_word(*at))
        at++;
    struct span name = span_make(word, (size_t)(at - word));
    char first = name.len ? span_lower(name.data[0]) : '\0';
    return at < end && (*at == ']' || *at == '.') &&
           (first == '_' || (first >= 'a' && first <= 'z')) && !span_eq(name, SPAN("true")) &&
           !span_eq(name, SPAN("false")) && !span_eq(name, SPAN("inf")) &&
           !span_eq(name, SPAN("nan"));
}

static bool is_assignment(const char *at, const char *end)
{
    const char *start = at;
    while (at < end && (text_is_word(*at) || *at == '.'))
        at++;
    bool has_key = at > start;
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return has_key && at < end && *at == '=';
}

/* Skips the rest of the line, and further lines until the open brackets are closed: false if a
 * header or the end of the text comes before that. Brackets in strings are not told apart. */
static bool recover(struct parser *p)
{
    const char *at = p->lex.at, *end = p->lex.end;
    for (; at < end && (*at != '\n' || p->open > 0); at++) {
        p->open += (*at == '[' || *at == '{') - (*at == ']' || *at == '}');
        if (*at != '\n')
            continue;
        const char *line = at + 1;
        while (line < end && (*line == ' ' || *line == '\t'))
            line++;
        if (line < end && *line == '[' && is_header(line, end)) {
            at = line;
            break;
        }
    }
    bool is_closed = p->open <= 0;
    toml_skip_to(&p->lex, at);
    p->open = 0;
    p->has_recovered = true;
    return is_closed;
}

/* ---- Arrays and inline tables ---- */

/* What stands in brackets or braces and is being read. */
struct group {
    struct place open;   /* the bracket */
    struct place behind; /* the last item */
    char bracket;
};

static bool enter(struct parser *p, struct group *group, char bracket)
{
    *group = (struct group){.open = toml_here(&p->lex), .bracket = bracket};
    p->open += toml_take(&p->lex, bracket);
    return builder_enter(&p->builder, group->open);
}

/* Takes the closing bracket, if it is next. */
static bool leave(struct parser *p, const struct group *group)
{
    toml_skip_blank(&p->lex);
    if (!toml_take(&p->lex, group->bracket == '[' ? ']' : '}'))
        return false;
    p->open--;
    p->builder.depth--;
    return true;
}

/* Does a statement, or nothing at all, follow in a line below the bracket? A key and "=" in
 * braces are none if they may be an item. */
static bool is_unclosed(const struct parser *p, const struct group *group, bool may_be_item)
{
    const char *at = p->lex.at, *end = p->lex.end;
    if (at == end)
        return true;
    return p->lex.line > group->open.line &&
           ((*at == '[' && is_header(at, end)) ||
            ((group->bracket == '[' || !may_be_item) && is_assignment(at, end)));
}

/* Reports that the bracket is not closed, or that no comma stands between keys in braces of
 * several lines: it depends on what follows. Returns false. */
static bool unclosed(struct parser *p, const struct group *group)
{
    bool at_end = p->lex.at == p->lex.end, is_key = !at_end && *p->lex.at != '[';
    char hint[64] = "the end of the file comes before that";
    if (!at_end)
        snprintf(hint, sizeof hint, "the next statement stands on line %u", p->lex.line);
    if (recover(p) && group->bracket == '{' && is_key)
        return builder_problem(
            &p->builder, PROBLEM_SYNTAX, group->behind,
            "write a comma behind each value, or a header above keys without braces",
            "a comma is missing here; \",\" was expected between two keys in braces");
    return builder_unclosed(&p->builder, group->open, group->bracket, hint);
}

/* Takes the comma behind an item, or the closing bracket (*is_closed). */
static bool parse_separator(struct parser *p, struct group *group, bool *is_closed)
{
    group->behind = toml_here(&p->lex);
    *is_closed = leave(p, group);
    if (*is_closed || toml_take(&p->lex, ','))
        return true;
    if (is_unclosed(p, group, false))
        return unclosed(p, group);
    char c = *p->lex.at;
    bool is_item = strchr("\"'[{", c) != NULL || text_is_word(c);
    return builder_unexpected(&p->builder, toml_here(&p->lex), toml_rest(&p->lex),
                              group->bracket == '[' ? "\",\" or \"]\"" : "\",\" or \"}\"",
                              is_item ? "a comma is missing before it" : NULL);
}

static bool parse_assignment(struct parser *p, struct value_table *table);

static bool parse_item(struct parser *p, const struct value *list)
{
    struct value item;
    if (list->type == VALUE_TABLE)
        return parse_assignment(p, list->table);
    return parse_value(p, &item) && builder_append(&p->builder, list->array, &item);
}

/* The items of `list`, an array or a table, up to the closing bracket. */
static bool parse_list(struct parser *p, const struct value *list, char bracket)
{
    struct group group;
    bool is_closed = false;
    if (!enter(p, &group, bracket))
        return false;
    while (!is_closed && !leave(p, &group)) {
        if (is_unclosed(p, &group, true))
            return unclosed(p, &group);
        if (!parse_item(p, list) || !parse_separator(p, &group, &is_closed))
            return false;
    }
    return true;
}

static bool parse_value(struct parser *p, struct value *value)
{
    struct place place = toml_here(&p->lex);
    *value = (struct value){.line = place.line, .column = place.column};
    switch (toml_peek(&p->lex)) {
    case '"':
    case '\'':
        return toml_string(&p->lex, value);
    case '[':
        return builder_array(&p->builder, place, value) && parse_list(p, value, '[');
    case '{':
        if (!builder_table(&p->builder, place, value))
            return false;
        value->table->origin = TOML_INLINE;
        return parse_list(p, value, '{');
    default:
        return toml_scalar(&p->lex, value);
    }
}

/* ---- Statements ---- */

/* What follows belongs nowhere, until a header is understood. Returns false. */
static bool go_nowhere(struct parser *p)
{
    struct value nowhere;
    if (builder_table(&p->builder, toml_here(&p->lex), &nowhere))
        p->current = nowhere.table;
    return false;
}

/* One key = value, into `table`. */
static bool parse_assignment(struct parser *p, struct value_table *table)
{
    struct toml_key key;
    struct value value;
    unsigned depth = p->builder.depth;
    if (!parse_key(p, &key) ||
        !(toml_take(&p->lex, '=') || toml_unexpected(&p->lex, "\"=\" and a value")))
        return go_nowhere(p);
    toml_skip_space(&p->lex);
    if (!parse_value(p, &value))
        return false;
    p->builder.depth = depth;
    return toml_define_value(&p->builder, table, &key, &value);
}

/* [a.b] or [[a.b]]. */
static bool parse_header(struct parser *p)
{
    struct toml_key key;
    toml_take(&p->lex, '[');
    bool is_list = toml_take(&p->lex, '[');
    p->builder.depth = 0;
    if (!parse_key(p, &key))
        return go_nowhere(p);
    if (!toml_take(&p->lex, ']') || (is_list && !toml_take(&p->lex, ']'))) {
        toml_unexpected(&p->lex, is_list ? "\"]]\"" : "\"]\"");
        return go_nowhere(p);
    }
    p->depth = p->builder.depth;
    p->current = toml_define_table(&p->builder, &key, is_list);
    return p->current != NULL || go_nowhere(p);
}

/* The rest of a statement's line must be empty. */
static bool parse_line_end(struct parser *p, const char *expected)
{
    toml_skip_space(&p->lex);
    toml_skip_comment(&p->lex);
    return toml_is_line_end(&p->lex) || toml_unexpected(&p->lex, expected);
}

static bool parse_statement(struct parser *p)
{
    p->builder.depth = p->depth;
    p->has_recovered = false;
    if (toml_peek(&p->lex) == '[')
        return parse_header(p) && parse_line_end(p, "the end of the line behind the header");
    return parse_assignment(p, p->current) &&
           parse_line_end(p, "the end of the line behind the value");
}

struct value_tree *toml_parse(const char *file, struct span text, struct problems *problems)
{
    struct parser p = {0};
    if (!builder_begin(&p.builder, file, text, problems))
        return builder_finish(&p.builder);
    toml_lex_init(&p.lex, &p.builder, text);
    p.current = p.builder.tree->root;
    p.current->origin = TOML_HEADER;
    for (toml_skip_blank(&p.lex); p.lex.at < p.lex.end; toml_skip_blank(&p.lex)) {
        if (!parse_statement(&p) && !p.has_recovered)
            recover(&p);
        if (p.builder.is_over || problems_is_full(problems))
            break;
    }
    return builder_finish(&p.builder);
}
