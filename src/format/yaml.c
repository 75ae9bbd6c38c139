/* This file makes a tree of libyaml's events.
 *
 * What is refused by name (aliases and the like) is reported and passed over, so that one look
 * finds all of it; where libyaml itself is lost, there is no more to be found. Nothing grows beyond
 * the text, since there are no aliases.
 *
 * Invariant: lines end where a person sees them end, since what else YAML takes for a line's end
 * was refused before; so libyaml's places are ours. */
#include "format/yaml.h"

#include <yaml.h>

#include "format/builder.h"
#include "format/text.h"
#include "format/yaml_fault.h"

struct yaml {
    struct builder builder;
    struct span text; /* without a byte order mark */
    struct place end; /* of it */
    yaml_parser_t parser;
};

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
    yaml_fault(&yaml->builder, yaml->text, &yaml->parser);
    return false;
}

/* What `event` says about the value that begins with it; of a list or a mapping, that it is one. */
static bool read_event(struct yaml *yaml, const yaml_event_t *event, struct value *value)
{
    struct place place = yaml_place(event->start_mark, yaml->end);
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
        struct place place = yaml_place(event.start_mark, yaml->end);
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
    struct yaml yaml = {.text = text_without_mark(text)};
    yaml.end = text_place(yaml.text, yaml.text.len);
    if (!builder_begin(&yaml.builder, file, text, problems) ||
        !yaml_check_characters(&yaml.builder, yaml.text))
        return builder_finish(&yaml.builder);
    if (!yaml_parser_initialize(&yaml.parser))
        builder_exhausted(&yaml.builder, yaml.end);
    else {
        yaml_parser_set_encoding(&yaml.parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&yaml.parser, (const unsigned char *)yaml.text.data,
                                     yaml.text.len);
        build_stream(&yaml);
        yaml_parser_delete(&yaml.parser);
    }
    return builder_finish(&yaml.builder);
}
