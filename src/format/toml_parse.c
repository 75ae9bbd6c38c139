/* The parser reads TOML's statements, keys, arrays and inline tables, and goes on after a problem.
 *
 * There is one rule for going on: the rest of the line is skipped, and of what follows all that the
 * open brackets hold, up to the next header at the latest. If it is a header or a key that could
 * not be read, nobody knows what the lines below belong to, so they go into a table that hangs
 * nowhere. All of that only serves to find the next problem, since a file with a problem has no
 * tree.
 *
 * Invariants:
 *   1. Keys, brackets and braces around a value number at most VALUE_DEPTH_MAX, which bounds the
 *      recursion.
 *   2. Every table and array says in `origin` how it came about, which decides who may still add to
 *      it (TOML 1.1.0, Table, Inline Table, Array of Tables). */
#include "format/toml_parse.h"

#include <stdio.h>

#include "format/toml_lex.h"
#include "format/toml_scalar.h"

struct parser {
    struct toml_lex lex;
    struct builder builder;
    struct value_table *current; /* where the next key goes */
    unsigned depth;              /* of `current` */
    int open;                    /* brackets and braces that the next byte is in */
    bool has_recovered;          /* from the problem that was just reported */
};

/* Names with dots between them. */
struct key {
    struct {
        struct span name; /* in the tree's memory */
        struct place place;
    } parts[VALUE_DEPTH_MAX];
    unsigned count; /* at least 1 */
};

/* ---- Definitions ---- */

/* How a table or an array came about: by a header below it, by a header of its own, by a key with
 * dots, in braces or brackets, or by headers in double brackets (it is never empty then). */
enum origin { IMPLICIT, HEADER, DOTTED, CLOSED, LIST };

/* What a part of a key is: one that is passed through, on the way to a header or to a key, or the
 * last one of a header in single or in double brackets. */
enum role { BEFORE_HEADER, BEFORE_KEY, SINGLE_HEADER, DOUBLE_HEADER };

static const struct {
    unsigned enters; /* which origins: bits */
    enum origin makes;
} rules[] = {
    [BEFORE_HEADER] = {1u << IMPLICIT | 1u << HEADER | 1u << DOTTED | 1u << LIST, IMPLICIT},
    [BEFORE_KEY] = {1u << IMPLICIT | 1u << DOTTED, DOTTED},
    [SINGLE_HEADER] = {1u << IMPLICIT, HEADER},
    [DOUBLE_HEADER] = {1u << LIST, LIST}};

/* Reports that the name has been given to `entry`. Returns NULL. */
static struct value_table *taken(struct builder *builder, struct place place,
                                 const struct value_entry *entry, enum role role)
{
    enum value_type type = entry->value.type;
    bool has_header = (type == VALUE_TABLE || type == VALUE_ARRAY) &&
                      entry->value.table->origin != CLOSED && role >= SINGLE_HEADER;
    builder_problem(builder, PROBLEM_DUPLICATE_KEY, place,
                    has_header ? "a table has one header, in single brackets; each table of a list "
                                 "has one, in double brackets"
                               : "add to it where it is defined, or rename one of the two",
                    "this name is already defined on line %u, as %s; a name that is not taken was "
                    "expected",
                    entry->line, value_type_name(type));
    return NULL;
}

/* The table that part `i` of the key leads to from `table`. */
static struct value_table *step(struct builder *builder, struct value_table *table,
                                const struct key *key, unsigned i, enum role role)
{
    struct place place = key->parts[i].place;
    struct span name = key->parts[i].name;
    const struct value_entry *entry = value_table_find(table, name);
    struct value value, item;
    if (entry) {
        value = entry->value;
        if ((value.type != VALUE_TABLE && value.type != VALUE_ARRAY) ||
            !(rules[role].enters & 1u << value.table->origin))
            return taken(builder, place, entry, role);
    } else if (!builder_table(builder, role == DOUBLE_HEADER ? VALUE_ARRAY : VALUE_TABLE, place,
                              &value) ||
               !builder_add(builder, table, name, place, &value)) {
        return NULL;
    }
    if (entry == NULL || role != BEFORE_HEADER)
        value.table->origin = (uint8_t)rules[role].makes;
    if (role == DOUBLE_HEADER) {
        if (!builder_table(builder, VALUE_TABLE, place, &item) ||
            !builder_append(builder, value.table, &item))
            return NULL;
        item.table->origin = HEADER;
    }
    return value.table->origin == LIST ? value.table->last->value.table : value.table;
}

/* The table that all parts but the last lead to. NULL, with the problem reported. */
static struct value_table *pass(struct builder *builder, struct value_table *table,
                                const struct key *key, enum role role)
{
    for (unsigned i = 0; table && i + 1 < key->count; i++)
        table = step(builder, table, key, i, role);
    return table;
}

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
    const char *start = p->lex.at;
    while (p->lex.at < p->lex.end && text_is_word(*p->lex.at))
        p->lex.at++;
    if (p->lex.at == start)
        return toml_unexpected(&p->lex, "a key");
    struct span word = span_make(start, (size_t)(p->lex.at - start));
    return builder_copy(&p->builder, place, word, name);
}

/* A dotted key, with white space around the dots and behind it. The builder goes as deep as the
 * key leads. */
static bool parse_key(struct parser *p, struct key *key)
{
    key->count = 0;
    do {
        toml_skip_space(&p->lex);
        struct place place = toml_here(&p->lex);
        int c = toml_peek(&p->lex);
        if (!builder_enter(&p->builder, place))
            return false;
        struct span *name = &key->parts[key->count].name;
        key->parts[key->count++].place = place;
        if (!(c == '"' || c == '\'' ? parse_quoted_key(p, name) : parse_bare_key(p, place, name)))
            return false;
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

/* Does a statement, or nothing at all, follow in a line below the bracket that `list` began with? A
 * key and "=" in braces are none if they may be an item. */
static bool is_unclosed(const struct parser *p, const struct value *list, bool may_be_item)
{
    const char *at = p->lex.at, *end = p->lex.end;
    if (at == end)
        return true;
    return p->lex.line > list->line &&
           ((*at == '[' && is_header(at, end)) ||
            ((list->type == VALUE_ARRAY || !may_be_item) && is_assignment(at, end)));
}

/* Reports that the bracket is not closed, or that no comma stands between keys in braces of several
 * lines, behind the last item: it depends on what follows. Returns false. */
static bool unclosed(struct parser *p, const struct value *list, struct place behind)
{
    bool at_end = p->lex.at == p->lex.end, is_key = !at_end && *p->lex.at != '[';
    char hint[64] = "the end of the file comes before that";
    if (!at_end)
        snprintf(hint, sizeof hint, "the next statement stands on line %u", p->lex.line);
    if (recover(p) && list->type == VALUE_TABLE && is_key)
        return builder_problem(
            &p->builder, PROBLEM_SYNTAX, behind,
            "write a comma behind each value, or a header above keys without braces",
            "a comma is missing here; \",\" was expected between two keys in braces");
    return builder_unclosed(&p->builder, (struct place){list->line, list->column},
                            list->type == VALUE_ARRAY ? '[' : '{', hint);
}

static bool parse_assignment(struct parser *p, struct value_table *table);

static bool parse_item(struct parser *p, const struct value *list)
{
    struct value item;
    if (list->type == VALUE_TABLE)
        return parse_assignment(p, list->table);
    return parse_value(p, &item) && builder_append(&p->builder, list->table, &item);
}

/* An array or an inline table, which begins with the next byte. */
static bool parse_list(struct parser *p, enum value_type type, struct value *list)
{
    struct place behind = toml_here(&p->lex); /* the last item */
    bool has_comma = true;
    if (!builder_table(&p->builder, type, behind, list) || !builder_enter(&p->builder, behind))
        return false;
    list->table->origin = CLOSED;
    p->lex.at++;
    p->open++;
    for (;;) {
        toml_skip_blank(&p->lex);
        if (toml_take(&p->lex, type == VALUE_ARRAY ? ']' : '}'))
            break;
        if (is_unclosed(p, list, has_comma))
            return unclosed(p, list, behind);
        char c = *p->lex.at;
        if (!has_comma)
            return builder_unexpected(
                &p->builder, toml_here(&p->lex), toml_rest(&p->lex),
                type == VALUE_ARRAY ? "\",\" or \"]\"" : "\",\" or \"}\"",
                strchr("\"'[{", c) || text_is_word(c) ? "a comma is missing before it" : NULL);
        if (!parse_item(p, list))
            return false;
        behind = toml_here(&p->lex);
        toml_skip_blank(&p->lex);
        has_comma = toml_take(&p->lex, ',');
    }
    p->open--;
    p->builder.depth--;
    return true;
}

static bool parse_value(struct parser *p, struct value *value)
{
    int c = toml_peek(&p->lex);
    if (c == '[' || c == '{')
        return parse_list(p, c == '[' ? VALUE_ARRAY : VALUE_TABLE, value);
    struct place place = toml_here(&p->lex);
    *value = (struct value){.line = place.line, .column = place.column};
    return c == '"' || c == '\'' ? toml_string(&p->lex, value) : toml_scalar(&p->lex, value);
}

/* ---- Statements ---- */

/* What follows belongs nowhere, until a header is understood. Returns false. */
static bool go_nowhere(struct parser *p)
{
    struct value nowhere;
    if (builder_table(&p->builder, VALUE_TABLE, toml_here(&p->lex), &nowhere))
        p->current = nowhere.table;
    return false;
}

/* One key = value, into `table`. */
static bool parse_assignment(struct parser *p, struct value_table *table)
{
    struct key key;
    struct value value;
    unsigned depth = p->builder.depth;
    if (!parse_key(p, &key) ||
        !(toml_take(&p->lex, '=') || toml_unexpected(&p->lex, "\"=\" and a value")))
        return go_nowhere(p);
    toml_skip_space(&p->lex);
    if (!parse_value(p, &value))
        return false;
    p->builder.depth = depth;
    table = pass(&p->builder, table, &key, BEFORE_KEY);
    unsigned last = key.count - 1;
    return table &&
           builder_add(&p->builder, table, key.parts[last].name, key.parts[last].place, &value);
}

/* [a.b] or [[a.b]]. */
static bool parse_header(struct parser *p)
{
    struct key key;
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
    p->current = pass(&p->builder, p->builder.tree->root, &key, BEFORE_HEADER);
    if (p->current)
        p->current = step(&p->builder, p->current, &key, key.count - 1,
                          is_list ? DOUBLE_HEADER : SINGLE_HEADER);
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
    if (!builder_begin(&p.builder, file, &text, problems))
        return builder_finish(&p.builder);
    toml_lex_init(&p.lex, &p.builder, text);
    p.current = p.builder.tree->root;
    p.current->origin = HEADER;
    for (toml_skip_blank(&p.lex); p.lex.at < p.lex.end; toml_skip_blank(&p.lex)) {
        if (!parse_statement(&p) && !p.has_recovered)
            recover(&p);
        if (p.builder.is_over || problems_is_full(problems))
            break;
    }
    return builder_finish(&p.builder);
}
