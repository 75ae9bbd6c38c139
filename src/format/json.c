/* JSON: from cJSON's tree to ours.
 *
 * What cJSON is lax about is checked before it runs (json_check.c), so that it only sees texts
 * that it reads for what they are. What it refuses in spite of that, if anything, is reported at
 * the place that it names.
 *
 * Places come from a second look at the text, word by word, in step with cJSON's tree: both
 * have every value and key in the same order.
 *
 * Invariant: with a scanner, the next word is the one that the next value begins with. */
#include "format/json.h"

#include <cjson/cJSON.h>

#include "format/json_check.h"
#include "format/json_scan.h"
#include "format/text.h"

struct builder {
    const char *file;          /* borrowed */
    struct value_tree *tree;   /* borrowed */
    struct problems *problems; /* borrowed */
    struct json_scan *scan;    /* borrowed; NULL: without places */
};

struct place {
    unsigned line, column;
};

/* The place of the next word, which is then behind us. */
static struct place next_place(struct builder *b)
{
    if (b->scan == NULL)
        return (struct place){0};
    struct json_token token = json_next(b->scan, false);
    return (struct place){token.line, token.column};
}

static int exhausted(struct builder *b)
{
    return value_exhausted(b->tree, b->file, 0, 0, b->problems);
}

static int build_value(struct builder *b, const cJSON *item, struct value *value);

static int build_array(struct builder *b, const cJSON *item, struct value *value)
{
    value->type = VALUE_ARRAY;
    value->array = value_array_new(b->tree);
    if (value->array == NULL)
        return exhausted(b);
    for (const cJSON *child = item->child; child; child = child->next) {
        struct value element;
        if (build_value(b, child, &element) < 0)
            return -1;
        if (value_array_add(b->tree, value->array, &element) == NULL)
            return exhausted(b);
        next_place(b); /* the comma, or the end */
    }
    if (item->child == NULL)
        next_place(b); /* the end */
    return 0;
}

/* One key and its value, into `table`. */
static int build_member(struct builder *b, const cJSON *item, struct value_table *table)
{
    struct span key = span_str(item->string);
    struct place place = next_place(b);
    struct value value;
    next_place(b); /* the colon */
    if (build_value(b, item, &value) < 0)
        return -1;
    const struct value_entry *first = value_table_find(table, key);
    char quoted[ERR_QUOTE];
    if (first) {
        err_hint(problems_add(b->problems, PROBLEM_DUPLICATE_KEY, b->file, place.line, place.column,
                              "the key \"%s\" is already defined on line %u; each key was expected "
                              "once",
                              problems_quote_key(key, quoted), first->line),
                 "remove one of the two");
        return 0;
    }
    struct value_entry *entry =
        value_copy(b->tree, key, &key) ? value_table_add(b->tree, table, key, &value) : NULL;
    if (entry == NULL)
        return exhausted(b);
    entry->line = place.line;
    entry->column = place.column;
    return 0;
}

static int build_table(struct builder *b, const cJSON *item, struct value *value)
{
    value->type = VALUE_TABLE;
    value->table = value_table_new(b->tree);
    if (value->table == NULL)
        return exhausted(b);
    for (const cJSON *child = item->child; child; child = child->next) {
        if (build_member(b, child, value->table) < 0)
            return -1;
        next_place(b); /* the comma, or the end */
    }
    if (item->child == NULL)
        next_place(b); /* the end */
    return 0;
}

/* JSON does not tell 10 from 10.0; a whole number is an integer. */
static void build_number(double number, struct value *value)
{
    double limit = (double)JSON_INTEGER_MAX;
    bool is_whole = number >= -limit && number <= limit && (double)(int64_t)number == number;
    value->type = is_whole ? VALUE_INTEGER : VALUE_FLOAT;
    if (is_whole)
        value->integer = (int64_t)number;
    else
        value->real = number;
}

static int build_value(struct builder *b, const cJSON *item, struct value *value)
{
    struct place place = next_place(b);
    *value = (struct value){.type = VALUE_NULL, .line = place.line, .column = place.column};
    if (cJSON_IsObject(item))
        return build_table(b, item, value);
    if (cJSON_IsArray(item))
        return build_array(b, item, value);
    if (cJSON_IsNumber(item)) {
        build_number(item->valuedouble, value);
    } else if (cJSON_IsBool(item)) {
        value->type = VALUE_BOOLEAN;
        value->boolean = cJSON_IsTrue(item);
    } else if (cJSON_IsString(item)) {
        value->type = VALUE_STRING;
        if (!value_copy(b->tree, span_str(item->valuestring), &value->string))
            return exhausted(b);
    }
    return 0;
}

/* cJSON refused what json_check let pass. Returns -1. */
static int refused(const char *file, struct span text, const char *at, struct problems *problems)
{
    struct json_scan scan;
    json_scan_init(&scan, file, text, problems);
    struct json_token token = {.line = 1, .column = 1};
    while (scan.at < scan.end && scan.at <= at)
        token = json_next(&scan, false);
    json_problem(&scan, token.line, token.column,
                 "this cannot be read, or memory ran out; a value that cJSON reads was expected");
    return -1;
}

int json_parse_value(const char *file, struct span text, bool with_places, struct value_tree *tree,
                     struct value *value, struct problems *problems)
{
    text = text_without_mark(text);
    if (!text_check_encoding(file, text, problems) || !json_check(file, text, problems))
        return -1;
    const char *end;
    cJSON *root = cJSON_ParseWithLengthOpts(text.data, text.len, &end, false);
    if (root == NULL)
        return refused(file, text, end, problems);
    struct json_scan scan;
    json_scan_init(&scan, file, text, problems);
    struct builder builder = {
        .file = file, .tree = tree, .problems = problems, .scan = with_places ? &scan : NULL};
    int result = build_value(&builder, root, value);
    cJSON_Delete(root);
    return result;
}

static bool is_blank(struct span text)
{
    size_t blank = 0;
    while (blank < text.len && strchr(" \t\r\n", text.data[blank]) && text.data[blank])
        blank++;
    return blank == text.len;
}

/* The root of a configuration, which is an object; an empty file says as much as an empty one. */
static int parse_root(const char *file, struct span text, bool with_places, struct value_tree *tree,
                      struct problems *problems)
{
    struct value value;
    if (is_blank(text_without_mark(text)))
        return 0;
    if (!text_check_language(file, text, TEXT_JSON, problems) ||
        json_parse_value(file, text, with_places, tree, &value, problems) < 0)
        return -1;
    if (value.type == VALUE_TABLE) {
        tree->root = value.table;
        return 0;
    }
    err_hint(problems_add(problems, PROBLEM_WRONG_TYPE, file, value.line, value.column,
                          "the file holds %s; an object was expected", value_type_name(value.type)),
             "begin with a brace: { \"routes\": [ ... ] }");
    return -1;
}

static struct value_tree *parse(const char *file, struct span text, bool with_places,
                                struct problems *problems)
{
    struct value_tree *tree = value_tree_new();
    if (tree == NULL)
        problems_add(problems, PROBLEM_MEMORY, file, 0, 0, "out of memory");
    else if (parse_root(file, text, with_places, tree, problems) < 0)
        tree->root->is_damaged = true;
    return tree;
}

struct value_tree *json_parse(const char *file, struct span text, struct problems *problems)
{
    return parse(file, text, false, problems);
}

struct value_tree *json_parse_placed(const char *file, struct span text, struct problems *problems)
{
    return parse(file, text, true, problems);
}
