/* This file makes a tree of libyaml's events.
 *
 * What is refused by name (aliases and the like) is reported and passed over, so that one look
 * finds all of it; where libyaml itself is lost, there is no more to be found. Nothing grows beyond
 * the text, since there are no aliases. libyaml's own words are about its insides ("did not find
 * expected key"); what the frequent ones mean to somebody who edits a file is in a table.
 *
 * Invariant: lines end where a person sees them end, since what else YAML takes for a line's end
 * was refused before; so libyaml's places are ours. */
#include "format/yaml.h"

#include <yaml.h>

#include "format/builder.h"
#include "format/text.h"

struct yaml {
    struct builder builder;
    struct span text; /* without a byte order mark */
    struct place end; /* of it */
    yaml_parser_t parser;
};

/* libyaml's place, which may lie on a line below the end, as ours. */
static struct place place_of(const struct yaml *yaml, yaml_mark_t mark)
{
    return mark.line >= yaml->end.line
               ? yaml->end
               : (struct place){(unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

/* ---- What stops libyaml ---- */

#define TAB_HINT "YAML allows no tabs for indentation: use spaces"

static const struct wording {
    const char *context; /* how libyaml's context begins; NULL: any */
    const char *problem; /* how its problem begins */
    bool at_context;     /* which of libyaml's two places to show */
    const char *message;
    const char *hint;
} wordings[] = {
    {"while scanning a simple key", "could not find expected ':'", true,
     "this is no key; \"key: value\", with a space behind the colon, was expected",
     "text that goes on from the line above is indented further than its key"},
    {NULL, "mapping values are not allowed", false,
     "\":\" is unexpected here; one key and its value were expected",
     "if the text holds \": \", put it in quotes; if not, this line is indented too far, or the "
     "one above lacks its colon, or the space behind it"},
    {NULL, "block sequence entries are not allowed", false,
     "\"-\" is unexpected here; the items of a list were expected below its key",
     "begin the list in the next line, each item with \"- \""},
    {"while scanning an alias", "", true,
     "\"*\" is unexpected here; text without a special character in front was expected",
     "text that begins with \"*\" needs quotes, such as \"*.example.com\""},
    {"while scanning a quoted scalar", "found unexpected", true,
     "this string is not closed; a quotation mark was expected before the end of the file",
     "a string ends with the mark that it begins with"},
    {"while parsing a quoted scalar", "", false,
     "this backslash begins no escape that YAML knows; one such as \\n or \\\\ was expected",
     "to write a backslash, write two, or put the text in apostrophes"},
    {NULL, "found a tab character", false, "a tab is unexpected here; spaces were expected",
     TAB_HINT},
    {NULL, "did not find expected <document start>", false,
     "this stands behind the end of the configuration; nothing more was expected",
     "every key begins at the same column as the first one, and has a colon behind it"},
    {NULL, "did not find expected '-' indicator", false,
     "this is no item of the list above; \"- \" was expected",
     "the lines of one item are indented alike, further than its \"-\""},
    {NULL, "did not find expected key", false,
     "this is indented differently from the keys above, or follows text in quotes; a key and a "
     "colon were expected",
     "keys of the same mapping begin at the same column; a text has quotes around all of it, or "
     "none"},
    {"while parsing a flow node", "did not find expected node content", false,
     "a value is missing here; text, a list or a mapping was expected",
     "a comma is too many, or text with special characters, such as \"[::1]:8080\", lacks its "
     "quotes"},
};

static bool begins_with(const char *text, const char *prefix)
{
    return prefix == NULL || (text && span_has_prefix(span_str(text), span_str(prefix)));
}

/* Reports the error that stopped the parser. */
static void report_stop(struct yaml *yaml)
{
    struct builder *builder = &yaml->builder;
    const yaml_parser_t *parser = &yaml->parser;
    struct place place = place_of(yaml, parser->problem_mark);
    struct place context = parser->context ? place_of(yaml, parser->context_mark) : place;
    const yaml_char_t *at = parser->buffer.pointer; /* what the scanner looks at */
    struct span next = span_make(at, (size_t)(parser->buffer.last - at));
    size_t i = 0, count = sizeof wordings / sizeof *wordings;
    while (i < count && !(begins_with(parser->context, wordings[i].context) &&
                          begins_with(parser->problem, wordings[i].problem)))
        i++;
    if (parser->error == YAML_MEMORY_ERROR)
        builder_exhausted(builder, yaml->end);
    else if (parser->error == YAML_READER_ERROR)
        builder_unexpected(builder, text_place(yaml->text, parser->problem_offset),
                           span_from(yaml->text, parser->problem_offset), "text",
                           "delete it: it cannot be seen");
    else if (begins_with(parser->problem, "found character that cannot start any token"))
        builder_unexpected(builder, place, next, "a key or a value",
                           span_has_prefix(next, SPAN("\t")) ? TAB_HINT
                           : text_lookalike(next)
                               ? NULL
                               : "text that begins with a special character needs quotes");
    else if (begins_with(parser->problem, "did not find expected ',' or "))
        builder_unclosed(
            builder, context, strchr(parser->problem, ']') ? '[' : '{',
            "text that holds brackets or braces, such as an IPv6 address, needs quotes");
    else if (i < count)
        builder_problem(builder, PROBLEM_SYNTAX, wordings[i].at_context ? context : place,
                        wordings[i].hint, "%s", wordings[i].message);
    else
        builder_problem(builder, PROBLEM_SYNTAX, place, "text with special characters needs quotes",
                        "this is no YAML (%s); \"key: value\" was expected", parser->problem);
}

/* Reports the first character that YAML takes for the end of a line though nobody sees one, a mark
 * that is only good in front, or what YAML takes for a letter where a line begins, such as a
 * no-break space. False if there is any: then libyaml should not see the text. */
static bool check_characters(struct builder *builder, struct span text)
{
    static const char *const odd[] = {"\r", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9",
                                      "\xef\xbb\xbf"};
    bool is_indent = true;
    for (struct span rest = text; rest.len; rest = span_from(rest, 1)) {
        bool is_odd = is_indent && (unsigned char)rest.data[0] >= 0x80 && text_lookalike(rest);
        for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
            is_odd =
                is_odd || (rest.data[0] == odd[i][0] && span_has_prefix(rest, span_str(odd[i])));
        if (is_odd && !span_has_prefix(rest, SPAN("\r\n")))
            return builder_unexpected(builder, text_place(text, text.len - rest.len), rest, "text",
                                      NULL);
        is_indent = rest.data[0] == '\n' || (is_indent && strchr(" -\t", rest.data[0]));
    }
    return true;
}

/* ---- The tree ---- */

/* What YAML has, and Portico has not. */
enum unsupported { ANCHOR, ALIAS, TAG, MERGE_KEY, DIRECTIVE, DOCUMENT };

static const struct {
    const char *what, *hint;
} unsupported[] = {
    [ANCHOR] = {"an anchor", "Portico knows no anchors: write the value out wherever it is needed; "
                             "text that begins with "
                             "\"&\" needs quotes"},
    [ALIAS] =
        {"an alias",
         "Portico knows no aliases: write the value out; text that begins with \"*\" needs quotes"},
    [TAG] = {"a tag", "remove it; text that begins with \"!\" needs quotes"},
    [MERGE_KEY] = {"a merge key",
                   "Portico merges nothing: write the keys out wherever they are needed"},
    [DIRECTIVE] = {"a directive", "remove the line that begins with \"%\""},
    [DOCUMENT] = {"another document", "remove the line \"---\" and merge what stands below it into "
                                      "the rest"},
};

static void refuse(struct yaml *yaml, struct place place, enum unsupported row)
{
    builder_problem(&yaml->builder, PROBLEM_UNSUPPORTED, place, unsupported[row].hint,
                    "%s is unexpected here; a plain key or value was expected",
                    unsupported[row].what);
}

/* The next event, to be deleted by whoever gets it. False, with the problem reported. */
static bool next_event(struct yaml *yaml, yaml_event_t *event)
{
    if (problems_is_full(yaml->builder.problems))
        return false;
    if (yaml_parser_parse(&yaml->parser, event))
        return true;
    report_stop(yaml);
    return false;
}

/* What `event` says about the value that begins with it; of a list or a mapping, that it is one. */
static bool read_event(struct yaml *yaml, const yaml_event_t *event, struct value *value)
{
    struct place place = place_of(yaml, event->start_mark);
    *value = (struct value){.type = VALUE_PLAIN, .line = place.line, .column = place.column};
    if (event->type == YAML_ALIAS_EVENT) { /* which no tree ever holds */
        refuse(yaml, place, ALIAS);
        return true;
    }
    /* Scalars, lists and mappings begin with the same members. */
    if (event->data.scalar.anchor)
        refuse(yaml, place, ANCHOR);
    if (event->data.scalar.tag)
        refuse(yaml, place, TAG);
    if (event->type == YAML_SEQUENCE_START_EVENT)
        return builder_table(&yaml->builder, VALUE_ARRAY, place, value);
    if (event->type == YAML_MAPPING_START_EVENT)
        return builder_table(&yaml->builder, VALUE_TABLE, place, value);
    struct span text = span_make(event->data.scalar.value, event->data.scalar.length);
    if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        value->type = VALUE_STRING;
    else if (text.len == 0)
        value->type = VALUE_NULL;
    return builder_copy(&yaml->builder, place, text, &value->string);
}

/* Adds an item under a key, if it is one that can be kept. False when there is no going on. */
static bool add(struct yaml *yaml, struct value_table *table, const struct value *key,
                const struct value *item)
{
    struct place place = {key->line, key->column};
    if (key->type == VALUE_ARRAY || key->type == VALUE_TABLE)
        builder_problem(&yaml->builder, PROBLEM_SYNTAX, place,
                        "if it is text that begins with a bracket or a brace, put it in quotes",
                        "this key is a %s; text was expected",
                        key->type == VALUE_TABLE ? "mapping" : "list");
    else if (key->type == VALUE_NULL)
        builder_problem(&yaml->builder, PROBLEM_SYNTAX, place, NULL,
                        "a key is missing here; one was expected before the \":\"");
    else if (key->type == VALUE_PLAIN && span_eq(key->string, SPAN("<<")))
        refuse(yaml, place, MERGE_KEY);
    else if (key->string.data)
        builder_add(&yaml->builder, table, key->string, place, item);
    return !yaml->builder.is_over;
}

/* The value that begins with the next event. False at the end of the list or mapping that it would
 * belong to (*is_end), or when there is no going on. */
static bool build(struct yaml *yaml, struct value *value, bool *is_end)
{
    yaml_event_t event;
    if (!next_event(yaml, &event))
        return false;
    *is_end = event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT;
    bool is_good = !*is_end && read_event(yaml, &event, value), is_over = false;
    yaml_event_delete(&event);
    if (!is_good || (value->type != VALUE_ARRAY && value->type != VALUE_TABLE))
        return is_good;
    if (!builder_enter(&yaml->builder, (struct place){value->line, value->column}))
        return false;
    struct value key, item;
    while (value->type == VALUE_ARRAY
               ? build(yaml, &item, &is_over) && builder_append(&yaml->builder, value->table, &item)
               : build(yaml, &key, &is_over) && build(yaml, &item, &is_over) &&
                     add(yaml, value->table, &key, &item))
        continue;
    yaml->builder.depth--;
    return is_over;
}

/* What a document holds, which is a mapping or nothing. */
static bool build_root(struct yaml *yaml)
{
    struct value root;
    bool is_end;
    if (!build(yaml, &root, &is_end))
        return false;
    if (root.type == VALUE_TABLE)
        yaml->builder.tree->root = root.table;
    else if (root.type != VALUE_NULL && !yaml->builder.has_problem)
        builder_problem(&yaml->builder, PROBLEM_WRONG_TYPE, (struct place){root.line, root.column},
                        "every key has a colon and a space behind it: begin with \"routes:\"",
                        "the file holds %s; a mapping was expected",
                        root.type == VALUE_ARRAY ? "a list" : "text");
    return true;
}

/* The one document, and all around it. */
static void build_stream(struct yaml *yaml)
{
    yaml_event_t event;
    bool is_over = false;
    for (unsigned documents = 0; !is_over && next_event(yaml, &event);) {
        struct place place = place_of(yaml, event.start_mark);
        bool is_start = event.type == YAML_DOCUMENT_START_EVENT;
        is_over = event.type == YAML_STREAM_END_EVENT || (is_start && documents);
        if (is_start && documents++)
            refuse(yaml, place, DOCUMENT);
        else if (is_start && (event.data.document_start.version_directive ||
                              event.data.document_start.tag_directives.start !=
                                  event.data.document_start.tag_directives.end))
            refuse(yaml, place, DIRECTIVE);
        yaml_event_delete(&event);
        if (is_start && !is_over)
            is_over = !build_root(yaml);
    }
}

struct value_tree *yaml_parse(const char *file, struct span text, struct problems *problems)
{
    struct yaml yaml = {0};
    bool is_text = builder_begin(&yaml.builder, file, &text, problems);
    yaml.text = text;
    yaml.end = text_place(text, text.len);
    if (!is_text || !check_characters(&yaml.builder, text))
        return builder_finish(&yaml.builder);
    if (!yaml_parser_initialize(&yaml.parser)) {
        builder_exhausted(&yaml.builder, yaml.end);
        return builder_finish(&yaml.builder);
    }
    yaml_parser_set_encoding(&yaml.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&yaml.parser, (const unsigned char *)text.data, text.len);
    build_stream(&yaml);
    yaml_parser_delete(&yaml.parser);
    return builder_finish(&yaml.builder);
}
