/* TOML's statements: tables, arrays, inline tables, and who may add to what.
 *
 * The parser goes on after a problem: a value that could not be read leaves a VALUE_BAD, a
 * line that could not be understood is skipped, and so are the lines that seem to belong to
 * the bracket it stood in. What stands under a header that could not be read goes into a
 * table that hangs nowhere.
 *
 * Invariants:
 *   1. Every table says in `origin` how it came about, which decides who may still add to it:
 *
 *        origin            [header] of it       dotted key through it
 *        IMPLICIT          defines it, once     makes it DOTTED
 *        HEADER            refused              refused from outside its own section
 *        DOTTED            refused              adds
 *        INLINE            refused              refused
 *
 *      A header may pass through all but INLINE ones on its way down.
 *   2. An array is OF_TABLES (grown by [[headers]]) or a LITERAL, which nothing adds to.
 *   3. Keys, brackets and braces above a value number at most TOML_DEPTH_MAX, which bounds
 *      the recursion.
 *   4. Every recovery moves past at least one newline, or to a statement in a later line. */
#include "format/toml_parse.h"

#include <stdio.h>

#include "format/toml_lex.h"
#include "format/utf8.h"

enum { IMPLICIT, HEADER, DOTTED, INLINE };
enum { LITERAL, OF_TABLES };

struct parser {
    struct toml_lex lex;
    struct value_table *current; /* where the next key goes */
    unsigned depth;              /* of `current` */
    char lost_in;                /* the innermost bracket where the parser got lost, or 0 */
    bool is_at_statement;        /* lost, but right before a statement: do not skip its line */
};

struct key_part {
    struct span name;
    struct toml_place place;
};

struct key {
    struct key_part parts[TOML_DEPTH_MAX];
    unsigned count;
};

static int parse_value(struct parser *p, struct value *value, unsigned depth);

/* The first `count` parts, for messages. */
static const char *key_text(const struct key *key, unsigned count, char out[PROBLEMS_QUOTE])
{
    char joined[PROBLEMS_QUOTE], part[PROBLEMS_QUOTE];
    size_t len = 0;
    for (unsigned i = 0; i < count && len < sizeof joined - 1; i++) {
        int added = snprintf(joined + len, sizeof joined - len, "%s%s", i ? "." : "",
                             problems_quote(key->parts[i].name, part));
        len += added > 0 ? (size_t)added : 0;
    }
    if (len > sizeof joined - 1)
        len = sizeof joined - 1;
    problems_quote(span_make(joined, len), out);
    return out;
}

/* A dotted key, with white space around the dots and behind it. */
static int parse_key(struct parser *p, struct key *key, unsigned depth)
{
    key->count = 0;
    do {
        toml_skip_space(&p->lex);
        struct toml_place place = toml_here(&p->lex);
        if (depth + key->count >= TOML_DEPTH_MAX) {
            toml_problem(&p->lex, place, "this key lies too deep; at most %u levels were expected",
                         TOML_DEPTH_MAX);
            return -1;
        }
        struct key_part *part = &key->parts[key->count++];
        part->place = place;
        if (toml_key(&p->lex, &part->name) < 0)
            return -1;
        toml_skip_space(&p->lex);
    } while (toml_take(&p->lex, '.'));
    return 0;
}

/* ---- Who may add to what ---- */

static struct value_table *add_table(struct parser *p, struct value_table *table,
                                     const struct key_part *part, uint8_t origin)
{
    struct value value = {
        .type = VALUE_TABLE, .line = part->place.line, .column = part->place.column};
    value.table = value_table_new(p->lex.tree);
    if (value.table == NULL || value_table_add(p->lex.tree, table, part->name, &value) == NULL) {
        toml_exhausted(&p->lex);
        return NULL;
    }
    value.table->origin = origin;
    return value.table;
}

/* Reports that the key's first `count` parts are taken. */
static void report_taken(struct parser *p, const struct key *key, unsigned count,
                         const struct value_entry *entry, const char *hint)
{
    char text[PROBLEMS_QUOTE];
    struct err *err = toml_problem(
        &p->lex, key->parts[count - 1].place,
        "\"%s\" is already defined on line %u, as %s; a name that is not taken was expected",
        key_text(key, count, text), entry->line, value_type_name(entry->value.type));
    err_hint(err, "%s", hint);
}

/* The table that a header passes through. */
static struct value_table *enter_by_header(struct parser *p, struct value_table *table,
                                           const struct key *key, unsigned i)
{
    struct value_entry *entry = value_table_find(table, key->parts[i].name);
    if (entry == NULL)
        return add_table(p, table, &key->parts[i], IMPLICIT);
    struct value *value = &entry->value;
    if (value->type == VALUE_TABLE && value->table->origin != INLINE)
        return value->table;
    if (value->type == VALUE_ARRAY && value->array->origin == OF_TABLES)
        return value->array->items[value->array->count - 1].table;
    if (value->type == VALUE_TABLE)
        report_taken(p, key, i + 1, entry, "a table in braces is complete: add to it there");
    else if (value->type != VALUE_BAD)
        report_taken(p, key, i + 1, entry, "only a table can hold keys: rename one of the two");
    return NULL;
}

static struct value_table *open_table(struct parser *p, struct value_table *table,
                                      const struct key *key)
{
    const struct key_part *last = &key->parts[key->count - 1];
    struct value_entry *entry = value_table_find(table, last->name);
    if (entry == NULL)
        return add_table(p, table, last, HEADER);
    struct value *value = &entry->value;
    if (value->type == VALUE_TABLE && value->table->origin == IMPLICIT) {
        value->table->origin = HEADER;
        value->line = last->place.line;
        value->column = last->place.column;
        return value->table;
    }
    char text[PROBLEMS_QUOTE];
    key_text(key, key->count, text);
    if (value->type == VALUE_TABLE && value->table->origin == HEADER)
        err_hint(toml_problem(&p->lex, last->place,
                              "the table [%s] is already defined on line %u; each table was "
                              "expected once",
                              text, value->line),
                 "put the keys together under one header; only a list of tables has a header for "
                 "each, in double brackets: [[%s]]",
                 text);
    else if (value->type == VALUE_ARRAY && value->array->origin == OF_TABLES)
        err_hint(toml_problem(&p->lex, last->place,
                              "\"%s\" is a list of tables since line %u; double brackets were "
                              "expected",
                              text, entry->line),
                 "write [[%s]]", text);
    else if (value->type != VALUE_BAD)
        report_taken(p, key, key->count, entry, "add to it where it is defined");
    return NULL;
}

static struct value_table *open_array_item(struct parser *p, struct value_table *table,
                                           const struct key *key)
{
    const struct key_part *last = &key->parts[key->count - 1];
    struct value_entry *entry = value_table_find(table, last->name);
    struct value item = {
        .type = VALUE_TABLE, .line = last->place.line, .column = last->place.column};
    if (entry == NULL) {
        struct value array = item;
        array.type = VALUE_ARRAY;
        array.array = value_array_new(p->lex.tree);
        if (array.array)
            entry = value_table_add(p->lex.tree, table, last->name, &array);
        if (entry)
            array.array->origin = OF_TABLES;
    } else if (entry->value.type == VALUE_TABLE) {
        char text[PROBLEMS_QUOTE];
        key_text(key, key->count, text);
        err_hint(toml_problem(&p->lex, last->place,
                              "\"%s\" is a single table since line %u; single brackets, or "
                              "double ones from the first on, were expected",
                              text, entry->value.line),
                 "if line %u begins a list, write [[%s]] there as well", entry->value.line, text);
        return NULL;
    } else if (entry->value.type != VALUE_ARRAY || entry->value.array->origin != OF_TABLES) {
        if (entry->value.type != VALUE_BAD)
            report_taken(p, key, key->count, entry, "rename one of the two");
        return NULL;
    }
    item.table = value_table_new(p->lex.tree);
    if (entry == NULL || item.table == NULL ||
        value_array_add(p->lex.tree, entry->value.array, &item) == NULL) {
        toml_exhausted(&p->lex);
        return NULL;
    }
    item.table->origin = HEADER;
    return item.table;
}

/* The table that a dotted key passes through. */
static struct value_table *enter_by_key(struct parser *p, struct value_table *table,
                                        const struct key *key, unsigned i)
{
    struct value_entry *entry = value_table_find(table, key->parts[i].name);
    if (entry == NULL)
        return add_table(p, table, &key->parts[i], DOTTED);
    struct value *value = &entry->value;
    if (value->type == VALUE_TABLE &&
        (value->table->origin == DOTTED || value->table->origin == IMPLICIT)) {
        value->table->origin = DOTTED;
        return value->table;
    }
    if (value->type != VALUE_BAD)
        report_taken(p, key, i + 1, entry,
                     "add to it where it is defined, or rename one of the two");
    return NULL;
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
    toml_problem(&p->lex, toml_here(&p->lex),
                 "brackets are nested too deep; at most %u levels were expected", TOML_DEPTH_MAX);
    return lost(p, bracket);
}

/* Behind an item: a comma (0), the closing bracket (1), or neither (-1, reported). */
static int parse_separator(struct parser *p, const struct value *open, const struct value *item,
                           char bracket)
{
    char close = bracket == '[' ? ']' : '}';
    toml_skip_blank(&p->lex);
    if (toml_take(&p->lex, ','))
        return 0;
    if (toml_take(&p->lex, close))
        return 1;
    if (is_unclosed(p, open, bracket, true))
        return -1;
    if (item->type == VALUE_BAD)
        return lost(p, bracket);
    struct toml_place place = toml_here(&p->lex);
    int c = toml_peek(&p->lex);
    bool is_item = c == '"' || c == '\'' || c == '[' || c == '{' || toml_is_bare((char)c);
    char what[TOML_DESCRIBE];
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
        int ended = parse_separator(p, value, &item, '[');
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
    struct key key;
    *value = (struct value){.type = VALUE_BAD};
    if (parse_key(p, &key, depth) < 0 || parse_equals(p) < 0) {
        table->is_damaged = true;
        return -1;
    }
    for (unsigned i = 0; table && i + 1 < key.count; i++)
        table = enter_by_key(p, table, &key, i);
    const struct key_part *last = &key.parts[key.count - 1];
    const struct value_entry *taken = table ? value_table_find(table, last->name) : NULL;
    if (taken) {
        char text[PROBLEMS_QUOTE];
        if (taken->value.type == VALUE_TABLE)
            report_taken(p, &key, key.count, taken, "add to it where it is defined");
        else
            err_hint(toml_problem(&p->lex, key.parts[0].place,
                                  "the key \"%s\" is already defined on line %u; each key was "
                                  "expected once",
                                  key_text(&key, key.count, text), taken->line),
                     "remove one of the two");
    }
    toml_skip_space(&p->lex);
    int result = parse_value(p, value, depth + key.count);
    if (result < 0) {
        value->type = VALUE_BAD;
        if (table)
            table->is_damaged = true; /* it may have swallowed what follows */
    }
    if (table == NULL || taken)
        return result;
    struct value_entry *entry = value_table_add(p->lex.tree, table, last->name, value);
    if (entry == NULL)
        return toml_exhausted(&p->lex);
    entry->line = last->place.line;
    entry->column = last->place.column;
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
    value->table->origin = INLINE;
    toml_take(&p->lex, '{');
    for (;;) {
        toml_skip_blank(&p->lex);
        if (toml_take(&p->lex, '}'))
            return 0;
        if (is_unclosed(p, value, '{', false))
            return -1;
        struct value item;
        if (parse_assignment(p, value->table, depth + 1, &item) < 0)
            return lost(p, '{');
        int ended = parse_separator(p, value, &item, '{');
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
    struct key key;
    if (parse_key(p, &key, 0) < 0)
        return -1;
    if (!toml_take(&p->lex, ']') || (is_array && !toml_take(&p->lex, ']')))
        return toml_unexpected(&p->lex, is_array ? "\"]]\"" : "\"]\"");
    struct value_table *table = p->lex.tree->root;
    for (unsigned i = 0; table && i + 1 < key.count; i++)
        table = enter_by_header(p, table, &key, i);
    if (table)
        table = is_array ? open_array_item(p, table, &key) : open_table(p, table, &key);
    if (table) {
        p->current = table;
        p->depth = key.count;
    }
    return end_line(p, "header", false);
}

static int parse_statement(struct parser *p)
{
    if (toml_peek(&p->lex) == '[') {
        /* Until the header is understood, what follows belongs nowhere. */
        p->current = value_table_new(p->lex.tree);
        if (p->current == NULL)
            return toml_exhausted(&p->lex);
        struct value_table *nowhere = p->current;
        int result = parse_header(p);
        if (p->current == nowhere)
            p->lex.tree->root->is_damaged = true;
        return result;
    }
    struct value value;
    if (parse_assignment(p, p->current, p->depth, &value) < 0)
        return -1;
    return end_line(p, "value", value.type == VALUE_BAD);
}

/* ---- Files of another kind ---- */

/* Reports bytes that are not UTF-8, once a line. False if this is no text at all. */
static bool check_encoding(const char *file, struct span text, struct problems *problems)
{
    if (span_has_prefix(text, SPAN("\xff\xfe")) || span_has_prefix(text, SPAN("\xfe\xff"))) {
        err_hint(problems_add(problems, file, 0, 0, "the file is UTF-16; UTF-8 was expected"),
                 "save it again as UTF-8 (some editors call UTF-16 \"Unicode\")");
        return false;
    }
    if (text.len && memchr(text.data, '\0', text.len)) {
        err_hint(problems_add(problems, file, 0, 0,
                              "the file holds NUL bytes; a text file was expected"),
                 "it is binary, or was saved as UTF-16: save it as UTF-8");
        return false;
    }
    if (utf8_find_bad(text) == text.len)
        return true;
    unsigned line = 1;
    size_t start = 0;
    while (start < text.len && !problems_is_full(problems)) {
        size_t len = span_find(span_from(text, start), '\n');
        struct span whole = span_first(span_from(text, start), len);
        size_t bad = utf8_find_bad(whole);
        unsigned column = 1;
        for (size_t i = 0; i < bad; i++)
            column += utf8_is_tail(whole.data[i]) ? 0 : 1;
        if (bad < whole.len)
            err_hint(problems_add(problems, file, line, column,
                                  "the byte 0x%02X is not UTF-8; UTF-8 text was expected",
                                  (unsigned)(unsigned char)whole.data[bad]),
                     "save the file again as UTF-8");
        start += len + 1;
        line++;
    }
    return true;
}

/* Reports JSON and YAML under a TOML name: one problem instead of one a line. */
static bool is_other_language(struct parser *p)
{
    struct toml_lex look = p->lex;
    struct problems none = {.omitted = 1};
    look.problems = &none;
    toml_skip_blank(&look);
    struct span rest = span_make(look.at, (size_t)(look.end - look.at));
    struct span line = span_trim(span_first(rest, span_find(rest, '\n')));
    if (span_has_suffix(line, SPAN("\r")))
        line.len--;
    const char *language = NULL;
    if (span_has_prefix(line, SPAN("{")) || span_eq(line, SPAN("[{")) || span_eq(line, SPAN("[")))
        language = "JSON";
    else if (span_eq(line, SPAN("---")) || span_has_prefix(line, SPAN("%YAML")) ||
             span_has_prefix(line, SPAN("- ")) ||
             (line.len > 1 && span_find(line, ':') == line.len - 1 && toml_is_bare(line.data[0])))
        language = "YAML";
    problems_release(&none);
    if (language == NULL)
        return false;
    err_hint(
        toml_problem(&p->lex, toml_here(&look), "this looks like %s; TOML was expected", language),
        "in TOML, a table begins with its name in brackets, and each of its keys has a line "
        "of its own: key = \"value\"");
    return true;
}

struct value_tree *toml_parse(const char *file, struct span text, struct problems *problems)
{
    struct value_tree *tree = value_tree_new();
    if (tree == NULL) {
        problems_add(problems, file, 0, 0, "out of memory");
        return NULL;
    }
    struct parser p = {.current = tree->root};
    tree->root->origin = HEADER;
    toml_lex_init(&p.lex, file, text, tree, problems);
    if (!check_encoding(file, text, problems) || is_other_language(&p)) {
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
