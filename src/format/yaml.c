/* YAML: from libyaml's events to a tree.
 *
 * What is refused by name (aliases and the like) is reported and passed over, so that one look
 * finds all of it; where libyaml itself is lost, there is no more to be found.
 *
 * Invariants:
 *   1. Mappings and lists around a value number at most YAML_DEPTH_MAX, which bounds the
 *      recursion. Nothing grows beyond the text, since there are no aliases.
 *   2. Lines end where a person sees them end: what else YAML takes for a line's end was
 *      refused before, so that libyaml's places are ours. */
#include "format/yaml.h"

#include <yaml.h>

#include "base/utf8.h"
#include "format/text.h"
#include "format/yaml_fault.h"

struct builder {
    struct yaml_source source;
    struct value_tree *tree; /* borrowed */
    yaml_parser_t parser;
};

/* An event, as far as it is of interest; the rest of it is freed. */
struct event {
    yaml_event_type_t type;
    unsigned line, column;
    struct span text; /* of a scalar, in the tree's memory; of an alias its name */
    bool is_plain;    /* a scalar without quotes */
    bool has_directive;
    bool is_refused; /* for its tag */
};

static int exhausted(struct builder *b)
{
    return value_exhausted(b->tree, b->source.file, 0, 0, b->source.problems);
}

#define TAG_PREFIX "tag:yaml.org,2002:" /* what "!!" stands for */

static void refuse_property(struct builder *b, struct event *event, const yaml_char_t *anchor,
                            const yaml_char_t *tag)
{
    char quoted[ERR_QUOTE];
    struct span name = span_str((const char *)tag);
    bool is_short = span_has_prefix(name, SPAN(TAG_PREFIX));
    event->is_refused = tag != NULL;
    if (anchor)
        err_hint(problems_add(b->source.problems, PROBLEM_UNSUPPORTED, b->source.file, event->line,
                              event->column,
                              "the anchor \"&%s\" is unexpected here; a value alone was expected",
                              err_quote(span_str((const char *)anchor), quoted)),
                 "Portico knows no anchors: remove it, and write the value out wherever it is "
                 "needed");
    if (tag)
        err_hint(
            problems_add(b->source.problems, PROBLEM_UNSUPPORTED, b->source.file, event->line,
                         event->column,
                         "the tag \"%s%s\" is unexpected here; a value alone was expected",
                         is_short ? "!!" : "",
                         err_quote(span_from(name, is_short ? strlen(TAG_PREFIX) : 0), quoted)),
            "remove it; if it is text that begins with \"!\", put it in quotes");
}

/* Takes from libyaml's event what is of interest. 0, or -1 when out of memory. */
static int read_event(struct builder *b, const yaml_event_t *from, struct event *event)
{
    event->type = from->type;
    yaml_place(&b->source, &from->start_mark, &event->line, &event->column);
    struct span text = {0};
    switch (from->type) {
    case YAML_DOCUMENT_START_EVENT:
        event->has_directive = from->data.document_start.version_directive ||
                               from->data.document_start.tag_directives.start !=
                                   from->data.document_start.tag_directives.end;
        break;
    case YAML_ALIAS_EVENT:
        text = span_str((const char *)from->data.alias.anchor);
        break;
    case YAML_SCALAR_EVENT:
        text = span_make(from->data.scalar.value, from->data.scalar.length);
        event->is_plain = from->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        refuse_property(b, event, from->data.scalar.anchor, from->data.scalar.tag);
        break;
    case YAML_SEQUENCE_START_EVENT:
        refuse_property(b, event, from->data.sequence_start.anchor, from->data.sequence_start.tag);
        break;
    case YAML_MAPPING_START_EVENT:
        refuse_property(b, event, from->data.mapping_start.anchor, from->data.mapping_start.tag);
        break;
    default:
        break;
    }
    return value_copy(b->tree, text, &event->text) ? 0 : exhausted(b);
}

/* 0, or -1 with the problem reported. */
static int next_event(struct builder *b, struct event *event)
{
    yaml_event_t from;
    *event = (struct event){0};
    if (problems_is_full(b->source.problems))
        return -1;
    if (!yaml_parser_parse(&b->parser, &from)) {
        yaml_fault(&b->source, &b->parser);
        return -1;
    }
    int result = read_event(b, &from, event);
    yaml_event_delete(&from);
    return result;
}

static int build_node(struct builder *b, const struct event *event, unsigned depth,
                      struct value *value);

static int build_list(struct builder *b, unsigned depth, struct value *value)
{
    struct event event;
    value->type = VALUE_ARRAY;
    value->array = value_array_new(b->tree);
    if (value->array == NULL)
        return exhausted(b);
    for (;;) {
        struct value item;
        if (next_event(b, &event) < 0)
            return -1;
        if (event.type == YAML_SEQUENCE_END_EVENT)
            return 0;
        if (build_node(b, &event, depth, &item) < 0)
            return -1;
        if (value_array_add(b->tree, value->array, &item) == NULL)
            return exhausted(b);
    }
}

/* Is the key one that can be kept? Reports it, if not. */
static bool check_key(struct builder *b, const struct event *key, const struct value_table *table)
{
    char quoted[ERR_QUOTE];
    if (key->type == YAML_ALIAS_EVENT)
        return false; /* reported */
    if (key->type != YAML_SCALAR_EVENT) {
        err_hint(problems_add(b->source.problems, PROBLEM_SYNTAX, b->source.file, key->line,
                              key->column, "this key is a %s; text was expected",
                              key->type == YAML_MAPPING_START_EVENT ? "mapping" : "list"),
                 "if it is text that begins with a bracket or a brace, put it in quotes");
        return false;
    }
    if (key->is_plain && key->text.len == 0) {
        problems_add(b->source.problems, PROBLEM_SYNTAX, b->source.file, key->line, key->column,
                     "a key is missing here; one was expected before the \":\"");
        return false;
    }
    if (key->is_plain && span_eq(key->text, SPAN("<<"))) {
        err_hint(problems_add(b->source.problems, PROBLEM_UNSUPPORTED, b->source.file, key->line,
                              key->column,
                              "the merge key \"<<\" is unexpected here; a key that Portico knows "
                              "was expected"),
                 "Portico merges nothing: write the keys out wherever they are needed");
        return false;
    }
    const struct value_entry *first = value_table_find(table, key->text);
    if (first)
        err_hint(problems_add(b->source.problems, PROBLEM_DUPLICATE_KEY, b->source.file, key->line,
                              key->column,
                              "the key \"%s\" is already defined on line %u; each key was expected "
                              "once",
                              problems_quote_key(key->text, quoted), first->line),
                 "remove one of the two");
    return first == NULL;
}

static int build_table(struct builder *b, unsigned depth, struct value *value)
{
    struct event key, event;
    value->type = VALUE_TABLE;
    value->table = value_table_new(b->tree);
    if (value->table == NULL)
        return exhausted(b);
    for (;;) {
        struct value ignored, item;
        if (next_event(b, &key) < 0)
            break;
        if (key.type == YAML_MAPPING_END_EVENT)
            return 0;
        bool is_good = check_key(b, &key, value->table);
        if (key.type != YAML_SCALAR_EVENT && build_node(b, &key, depth, &ignored) < 0)
            break;
        if (next_event(b, &event) < 0 || build_node(b, &event, depth, &item) < 0)
            break;
        if (!is_good)
            value->table->is_damaged = true;
        struct value_entry *entry =
            is_good ? value_table_add(b->tree, value->table, key.text, &item) : NULL;
        if (is_good && entry == NULL)
            return exhausted(b);
        if (entry) {
            entry->line = key.line;
            entry->column = key.column;
        }
    }
    value->table->is_damaged = true;
    return -1;
}

static void refuse_alias(struct builder *b, const struct event *event)
{
    char quoted[ERR_QUOTE];
    err_hint(problems_add(b->source.problems, PROBLEM_UNSUPPORTED, b->source.file, event->line,
                          event->column,
                          "the alias \"*%s\" is unexpected here; a value was expected",
                          err_quote(event->text, quoted)),
             "Portico knows no aliases: write the value out; text that begins with \"*\" needs "
             "quotes");
}

/* The node that begins with `event`, inside of `depth` others. 0, or -1 when lost. */
static int build_node(struct builder *b, const struct event *event, unsigned depth,
                      struct value *value)
{
    *value = (struct value){.type = VALUE_BAD, .line = event->line, .column = event->column};
    if (event->type == YAML_SCALAR_EVENT && event->is_refused)
        return 0;
    if (event->type == YAML_SCALAR_EVENT) {
        value->type = VALUE_STRING;
        value->string = event->text;
        if (event->is_plain)
            value->type = event->text.len ? VALUE_PLAIN : VALUE_NULL;
        return 0;
    }
    if (event->type == YAML_ALIAS_EVENT) {
        refuse_alias(b, event);
        return 0;
    }
    if (depth == YAML_DEPTH_MAX) {
        problems_add(b->source.problems, PROBLEM_TOO_DEEP, b->source.file, event->line,
                     event->column, "values are nested too deep; at most %u levels were expected",
                     YAML_DEPTH_MAX);
        return -1;
    }
    return event->type == YAML_MAPPING_START_EVENT ? build_table(b, depth + 1, value)
                                                   : build_list(b, depth + 1, value);
}

/* What the document holds, which is a mapping, or nothing. */
static int take_root(struct builder *b, const struct event *event)
{
    struct value value;
    int result = build_node(b, event, 0, &value);
    if (value.type == VALUE_TABLE)
        b->tree->root = value.table;
    else if (result < 0 || value.type == VALUE_BAD)
        return -1;
    else if (value.type != VALUE_NULL)
        return err_hint(problems_add(b->source.problems, PROBLEM_WRONG_TYPE, b->source.file,
                                     value.line, value.column,
                                     "the file holds %s; a mapping was expected",
                                     value.type == VALUE_ARRAY ? "a list" : "text"),
                        "every key has a colon and a space behind it: begin with \"routes:\"");
    return result;
}

static int build_document(struct builder *b, const struct event *start)
{
    struct event event;
    if (start->has_directive)
        err_hint(problems_add(b->source.problems, PROBLEM_UNSUPPORTED, b->source.file, start->line,
                              start->column,
                              "a line that begins with \"%%\" is unexpected; no directive was "
                              "expected"),
                 "remove the line");
    if (next_event(b, &event) < 0 || take_root(b, &event) < 0)
        return -1;
    if (next_event(b, &event) < 0 || next_event(b, &event) < 0) /* the document's end, and more */
        return -1;
    if (event.type == YAML_STREAM_END_EVENT)
        return 0;
    return err_hint(problems_add(b->source.problems, PROBLEM_UNSUPPORTED, b->source.file,
                                 event.line, event.column,
                                 "another document begins here; one was expected"),
                    "remove the line \"---\" and merge what stands below it into the rest");
}

static int build(struct builder *b)
{
    struct event event;
    if (!text_check_encoding(b->source.file, b->source.text, b->source.problems) ||
        utf8_find_bad(b->source.text) < b->source.text.len || !yaml_check_characters(&b->source))
        return -1;
    if (!yaml_parser_initialize(&b->parser))
        return exhausted(b);
    yaml_parser_set_encoding(&b->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b->parser, (const unsigned char *)b->source.text.data,
                                 b->source.text.len);
    int result = next_event(b, &event); /* the stream's start */
    if (result == 0)
        result = next_event(b, &event);
    if (result == 0 && event.type == YAML_DOCUMENT_START_EVENT)
        result = build_document(b, &event);
    yaml_parser_delete(&b->parser);
    return result;
}

struct value_tree *yaml_parse(const char *file, struct span text, struct problems *problems)
{
    struct builder builder = {
        .source = {.file = file, .text = text_without_mark(text), .problems = problems},
        .tree = value_tree_new()};
    if (builder.tree == NULL)
        problems_add(problems, PROBLEM_MEMORY, file, 0, 0, "out of memory");
    else if (build(&builder) < 0)
        builder.tree->root->is_damaged = true;
    return builder.tree;
}
