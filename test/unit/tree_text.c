/* Trees and problems as text: see tree_text.h. */
#include "tree_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"

static void print_value(FILE *out, const struct value *value);

static void print_place(FILE *out, unsigned line, unsigned column)
{
    if (line || column)
        fprintf(out, "@%u:%u", line, column);
}

/* With keys if it has them, which items of an array have not. */
static void print_entries(FILE *out, const struct value_table *table)
{
    for (const struct value_entry *entry = table->first; entry; entry = entry->next) {
        fprintf(out, "%s" SPAN_FMT, entry == table->first ? "" : ", ", SPAN_ARG(entry->key));
        if (entry->key.data) {
            print_place(out, entry->line, entry->column);
            fputs(": ", out);
        }
        print_value(out, &entry->value);
    }
}

static void print_value(FILE *out, const struct value *value)
{
    switch (value->type) {
    case VALUE_NULL:
        fputs("null", out);
        break;
    case VALUE_PLAIN:
        fprintf(out, "<" SPAN_FMT ">", SPAN_ARG(value->string));
        break;
    case VALUE_STRING:
        fprintf(out, "\"" SPAN_FMT "\"", SPAN_ARG(value->string));
        break;
    case VALUE_INTEGER:
        fprintf(out, "%lld", (long long)value->integer);
        break;
    case VALUE_FLOAT:
        fprintf(out, "%.17gf", value->real);
        break;
    case VALUE_BOOLEAN:
        fputs(value->boolean ? "true" : "false", out);
        break;
    case VALUE_ARRAY:
    case VALUE_TABLE:
        fputc(value->type == VALUE_ARRAY ? '[' : '{', out);
        print_entries(out, value->table);
        fputc(value->type == VALUE_ARRAY ? ']' : '}', out);
        break;
    default:
        fputs("bad", out);
        break;
    }
    print_place(out, value->line, value->column);
}

char *tree_text(const struct value_tree *tree)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    check(out != NULL);
    print_value(out, &(struct value){.type = VALUE_TABLE, .table = tree->root});
    fclose(out);
    return text;
}

char *problems_text(struct problems *problems)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    check(out != NULL);
    problems_sort(problems);
    for (size_t i = 0; i < problems->count; i++)
        fprintf(out, "%u:%u %s\n", problems->items[i].line, problems->items[i].column,
                problems->items[i].message);
    fclose(out);
    return text;
}

void assert_parsed(tree_parser *parse, struct span text, const char *tree, const char *words)
{
    struct problems problems = {0};
    struct value_tree *parsed = parse("t", text, &problems);
    char *actual = parsed ? tree_text(parsed) : strdup(""), *said = problems_text(&problems);
    assert_string_equal(said, words);
    assert_string_equal(actual, tree);
    free(actual);
    free(said);
    value_tree_free(parsed);
    problems_release(&problems);
}
