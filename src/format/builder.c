/* The builder is described in builder.h. It is pure, and serves one thread at a time. */
#include "format/builder.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/utf8.h"

bool builder_problem(struct builder *builder, enum problem_code code, struct place place,
                     const char *hint, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct err *err = problems_vadd(builder->problems, code, builder->file, place.line,
                                    place.column, format, args);
    va_end(args);
    if (hint)
        err_hint(err, "%s", hint);
    builder->has_problem = true;
    return false;
}

/* Is this UTF-8, without NUL? False, with the problem reported, if not. */
static bool check_encoding(struct builder *builder, struct span text)
{
    struct place nowhere = {0, 0};
    const char *hint = "it is binary, or was saved as UTF-16: save it as UTF-8";
    size_t bad = utf8_find_bad(text);
    if (span_has_prefix(text, SPAN("\xff\xfe")) || span_has_prefix(text, SPAN("\xfe\xff")))
        return builder_problem(builder, PROBLEM_ENCODING, nowhere, hint,
                               "the file is UTF-16; UTF-8 was expected");
    if (span_find(text, '\0') < text.len)
        return builder_problem(builder, PROBLEM_ENCODING, nowhere, hint,
                               "the file holds NUL bytes; a text file was expected");
    return bad == text.len ||
           builder_problem(builder, PROBLEM_ENCODING, text_place(text, bad),
                           "save the file again as UTF-8",
                           "the byte 0x%02X is not UTF-8; UTF-8 text was expected",
                           (unsigned)(unsigned char)text.data[bad]);
}

bool builder_begin(struct builder *builder, const char *file, struct span *text,
                   struct problems *problems)
{
    *builder = (struct builder){.file = file, .problems = problems};
    *text = text_without_mark(*text);
    if (!check_encoding(builder, *text))
        return false;
    builder->tree = value_tree_new(text->len);
    return builder->tree != NULL || builder_exhausted(builder, (struct place){0, 0});
}

struct value_tree *builder_finish(struct builder *builder)
{
    if (!builder->has_problem)
        return builder->tree;
    value_tree_free(builder->tree);
    return NULL;
}

bool builder_unexpected(struct builder *builder, struct place place, struct span rest,
                        const char *expected, const char *hint)
{
    char what[TEXT_DESCRIBE];
    return builder_problem(builder, PROBLEM_SYNTAX, place, hint ? hint : text_lookalike(rest),
                           "%s is unexpected here; %s was expected", text_describe(rest, what),
                           expected);
}

bool builder_unclosed(struct builder *builder, struct place place, char bracket, const char *hint)
{
    return builder_problem(builder, PROBLEM_SYNTAX, place, hint,
                           "this \"%c\" is not closed; a \"%c\" was expected", bracket,
                           bracket == '[' ? ']' : '}');
}

bool builder_enter(struct builder *builder, struct place place)
{
    if (builder->depth == VALUE_DEPTH_MAX)
        return builder_problem(builder, PROBLEM_TOO_DEEP, place, NULL,
                               "this is nested too deep; at most %u levels were expected",
                               VALUE_DEPTH_MAX);
    builder->depth++;
    return true;
}

bool builder_exhausted(struct builder *builder, struct place place)
{
    builder->is_over = true;
    if (builder->tree == NULL || builder->tree->count < builder->tree->max)
        return builder_problem(builder, PROBLEM_MEMORY, place, NULL, "out of memory");
    return builder_problem(builder, PROBLEM_TOO_LARGE, place, NULL,
                           "the file has more than %u values; a configuration was expected",
                           VALUE_COUNT_MAX);
}

bool builder_table(struct builder *builder, enum value_type type, struct place place,
                   struct value *value)
{
    *value = (struct value){.type = type, .line = place.line, .column = place.column};
    value->table = value_table_new(builder->tree);
    return value->table != NULL || builder_exhausted(builder, place);
}

bool builder_copy(struct builder *builder, struct place place, struct span text, struct span *copy)
{
    return value_copy(builder->tree, text, copy) || builder_exhausted(builder, place);
}

/* `the key "NAME"`, or "this key" if it does not look like a name: a slip can make a value a part
 * of a key, and that may be a secret. */
static const char *key_words(struct span key, char out[ERR_QUOTE])
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
    char words[ERR_QUOTE], where[32] = "";
    const struct value_entry *first = value_table_find(table, key);
    if (first && first->line)
        snprintf(where, sizeof where, " on line %u", first->line);
    if (first)
        return builder_problem(builder, PROBLEM_DUPLICATE_KEY, place, "remove one of the two",
                               "%s is already defined%s; each key was expected once",
                               key_words(key, words), where);
    struct value_entry *entry = value_table_add(table, key, value);
    if (entry == NULL)
        return builder_exhausted(builder, place);
    entry->line = place.line;
    entry->column = place.column;
    return true;
}

bool builder_append(struct builder *builder, struct value_table *array, const struct value *value)
{
    return value_table_add(array, (struct span){0}, value) != NULL ||
           builder_exhausted(builder, (struct place){value->line, value->column});
}
