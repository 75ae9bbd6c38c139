/* Building a tree: see builder.h. Pure; one thread at a time. */
#include "format/builder.h"

#include <stdarg.h>
#include <stdio.h>

#include "format/text.h"

bool builder_begin(struct builder *builder, const char *file, struct span text,
                   struct problems *problems)
{
    *builder = (struct builder){.file = file, .problems = problems};
    if (!text_check_encoding(file, text, problems)) {
        builder->has_problem = true;
        return false;
    }
    builder->tree = value_tree_new();
    return builder->tree != NULL || builder_exhausted(builder, (struct place){0, 0});
}

struct value_tree *builder_finish(struct builder *builder)
{
    if (!builder->has_problem)
        return builder->tree;
    value_tree_free(builder->tree);
    return NULL;
}

struct err *builder_problem(struct builder *builder, enum problem_code code, struct place place,
                            const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct err *err = problems_vadd(builder->problems, code, builder->file, place.line,
                                    place.column, format, args);
    va_end(args);
    builder->has_problem = true;
    return err;
}

bool builder_enter(struct builder *builder, struct place place)
{
    if (builder->depth == VALUE_DEPTH_MAX) {
        builder_problem(builder, PROBLEM_TOO_DEEP, place,
                        "this is nested too deep; at most %u levels were expected",
                        VALUE_DEPTH_MAX);
        return false;
    }
    builder->depth++;
    return true;
}

struct err *builder_unclosed(struct builder *builder, struct place place, char bracket)
{
    return builder_problem(builder, PROBLEM_SYNTAX, place,
                           "this \"%c\" is not closed; a \"%c\" was expected", bracket,
                           bracket == '[' ? ']' : '}');
}

bool builder_exhausted(struct builder *builder, struct place place)
{
    builder->is_over = true;
    if (builder->tree && builder->tree->count == builder->tree->max)
        builder_problem(builder, PROBLEM_TOO_LARGE, place,
                        "the file has more than %u values; a configuration was expected",
                        VALUE_COUNT_MAX);
    else
        builder_problem(builder, PROBLEM_MEMORY, place, "out of memory");
    return false;
}

static struct place place_of(const struct value *value)
{
    return (struct place){value->line, value->column};
}

bool builder_table(struct builder *builder, struct place place, struct value *value)
{
    *value = (struct value){.type = VALUE_TABLE,
                            .line = place.line,
                            .column = place.column,
                            .table = value_table_new(builder->tree)};
    return value->table != NULL || builder_exhausted(builder, place);
}

bool builder_array(struct builder *builder, struct place place, struct value *value)
{
    *value = (struct value){.type = VALUE_ARRAY,
                            .line = place.line,
                            .column = place.column,
                            .array = value_array_new(builder->tree)};
    return value->array != NULL || builder_exhausted(builder, place);
}

bool builder_copy(struct builder *builder, struct place place, struct span text, struct span *copy)
{
    return value_copy(builder->tree, text, copy) || builder_exhausted(builder, place);
}

const char *builder_key(struct span key, char out[ERR_QUOTE])
{
    bool is_name = key.len > 0 && key.len <= 40;
    for (size_t i = 0; is_name && i < key.len; i++)
        is_name = text_is_word(key.data[i]);
    if (!is_name)
        return "this key";
    snprintf(out, ERR_QUOTE, "the key \"" SPAN_FMT "\"", SPAN_ARG(key));
    return out;
}

bool builder_add(struct builder *builder, struct value_table *table, struct span key,
                 struct place place, const struct value *value)
{
    const struct value_entry *first = value_table_find(table, key);
    if (first) {
        char quoted[ERR_QUOTE], where[32] = "";
        if (first->line)
            snprintf(where, sizeof where, " on line %u", first->line);
        err_hint(builder_problem(builder, PROBLEM_DUPLICATE_KEY, place,
                                 "%s is already defined%s; each key was expected once",
                                 builder_key(key, quoted), where),
                 "remove one of the two");
        return false;
    }
    struct value_entry *entry = value_table_add(builder->tree, table, key, value);
    if (entry == NULL)
        return builder_exhausted(builder, place);
    entry->line = place.line;
    entry->column = place.column;
    return true;
}

bool builder_append(struct builder *builder, struct value_array *array, const struct value *value)
{
    return value_array_add(builder->tree, array, value) != NULL ||
           builder_exhausted(builder, place_of(value));
}
