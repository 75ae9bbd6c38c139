/* This module reads JSON: cJSON parses the text, and the tree of values is built from what it
 * makes.
 *
 * What cJSON tolerates is tolerated (test/suites/json-allow.txt names it), but for a key that is
 * given twice and for \u0000, at which cJSON would cut a text.
 *
 * cJSON says where it gave up, but not what it wanted there. A walk over the text up to that place
 * finds it out. Messages show one character of the file at most, since what does not parse may be
 * a secret. */
#include "format/json.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>

#include "format/builder.h"
#include "format/text.h"

/* ---- What may stand where ---- */

struct walk {
    const char *at;                   /* where it is, or ended */
    const char *string;               /* the beginning of the string around it, or NULL */
    const char *open[JSON_DEPTH_MAX]; /* the brackets around it */
    size_t depth;
    enum { A_VALUE, A_KEY, A_COLON, A_COMMA } expected;
    char last;               /* what stands before it, but for white space */
    size_t commas, brackets; /* so far; there are as many values at least */
    const char *nul;         /* the first escape that cJSON takes for NUL, or NULL */
};

static char innermost(const struct walk *walk)
{
    return walk->depth ? *walk->open[walk->depth - 1] : '\0';
}

/* Takes the string that begins here. False when it goes on at `stop`. */
static bool take_string(struct walk *walk, struct span text, const char *stop)
{
    const char *end = text.data + text.len, *next = walk->at + 1;
    for (; next < end && *next != '"'; next += *next == '\\' ? 2 : 1)
        if (!walk->nul && next[0] == '\\' && next[1] == 'u' &&
            text_hex(span_make(next + 2, (size_t)(end - next - 2)), 4) <= 0)
            walk->nul = next;
    if (next >= stop) {
        walk->string = walk->at;
        walk->at = next < end ? stop : end;
        return false;
    }
    walk->at = next;
    return true;
}

/* Takes the word that begins with `c`. */
static void take(struct walk *walk, char c)
{
    if (c == '{' || c == '[') {
        walk->open[walk->depth++] = walk->at;
        walk->brackets++;
    } else if ((c == '}' || c == ']') && walk->depth) {
        walk->depth--;
    }
    if (c == '{' || (c == ',' && innermost(walk) == '{'))
        walk->expected = A_KEY;
    else if (c == '[' || c == ',' || c == ':')
        walk->expected = A_VALUE;
    else
        walk->expected = c == '"' && walk->expected == A_KEY ? A_COLON : A_COMMA;
    walk->commas += c == ',';
    walk->last = c;
}

/* Walks to `stop`, or to what cJSON stops at before: what is no key, and the last level. */
static void walk_to(struct walk *walk, struct span text, const char *stop)
{
    *walk = (struct walk){.at = text.data, .last = ' '};
    for (; walk->at < stop && walk->depth < JSON_DEPTH_MAX; walk->at++) {
        char c = *walk->at;
        if ((unsigned char)c <= ' ')
            continue;
        if (walk->expected == A_KEY && c != '"' && (c != '}' || walk->last == ','))
            return;
        if (c == '"' && !take_string(walk, text, stop))
            return;
        take(walk, c);
    }
}

/* ---- What does not parse ---- */

/* What to do about the character that `rest` begins with, or NULL. Letters and digits go by "a"; of
 * what is expected, "v" is a value, "k" a key, and "e" the end of the file. */
static const char *hint_for(const struct walk *walk, struct span rest)
{
    static const struct {
        const char *expected, *before, *characters, *hint;
    } hints[] = {
        {"vk:,e", NULL, "#/", "JSON has no comments; TOML and YAML have"},
        {"vk:,e", NULL, "'", "text stands in quotation marks: \"...\""},
        {"vk:,e", NULL, "=", "a key and its value are joined by a colon"},
        {"vk", ",", "}]", "remove the comma before it: JSON has none behind the last one"},
        {"vk:,e", NULL, ",", "a value is missing before it, or there is one comma too many"},
        {"k", NULL, "a", "write the key in quotation marks"},
        {"v", NULL, "a", "text needs quotation marks, and true, false and null small letters"},
        {"v", NULL, "+.", "a number begins with a digit or a minus sign"},
        {",e", "0123456789", "a.:", "text needs quotation marks"},
        {",", NULL, "}]", "a bracket of the other kind is still open"},
        {"e", NULL, "}]", "there is one bracket too many"},
        {"e", "}", "{", "a file holds one object: merge the two"},
        {"e", "\"", ":", "put braces around the whole file: { ... }"},
        {",e", "\"", "a", "a quotation mark further left is missing, or lacks its backslash"},
    };
    char c = rest.len ? rest.data[0] : ' ';
    char expected = walk->expected == A_COMMA && walk->depth == 0 ? 'e' : "vk:,"[walk->expected];
    c = text_is_word(c) || c == '$' ? 'a' : c;
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (strchr(hints[i].expected, expected) && strchr(hints[i].characters, c) &&
            (hints[i].before == NULL || strchr(hints[i].before, walk->last)))
            return hints[i].hint;
    return NULL;
}

/* Reports what stands where the walk ended. */
static void refuse(struct builder *builder, struct span text, const struct walk *walk)
{
    static const char *const words[] = {"a value", "a key in quotation marks", "\":\""};
    struct span rest = span_from(text, (size_t)(walk->at - text.data));
    char open = innermost(walk);
    bool is_cut = rest.len == 0 && (walk->string || open);
    const char *at = !is_cut ? walk->at : walk->string ? walk->string : walk->open[walk->depth - 1];
    struct place place = text_place(text, (size_t)(at - text.data));
    if (is_cut && walk->string)
        builder_problem(builder, PROBLEM_SYNTAX, place, NULL,
                        "this string is not closed; a quotation mark was expected");
    else if (is_cut)
        builder_unclosed(builder, place, open, NULL);
    else if (walk->string)
        builder_problem(builder, PROBLEM_SYNTAX, place, "to write a backslash, write two: \\\\",
                        "this escape is none, or NUL; a backslash and one of \" \\ / b f n r t, or "
                        "\\u and a character in UTF-16 were expected");
    else if (walk->depth == JSON_DEPTH_MAX)
        builder_problem(builder, PROBLEM_TOO_DEEP, place, NULL,
                        "this is nested too deep; at most %u levels were expected", JSON_DEPTH_MAX);
    else
        builder_unexpected(builder, place, rest,
                           walk->expected != A_COMMA ? words[walk->expected]
                           : open == '{'             ? "\",\" or \"}\""
                           : open == '['             ? "\",\" or \"]\""
                                                     : "the end of the file",
                           hint_for(walk, rest));
}

/* ---- What does ---- */

/* Where cJSON's values stand in the file: it does not tell. */
static const struct place nowhere = {0, 0};

static void build(struct builder *builder, const cJSON *item, struct value *value);

/* Adds an item to an array, or a member to a table. */
static void add(struct builder *builder, const cJSON *item, const struct value *parent)
{
    struct value value;
    struct span key = span_str(item->string);
    bool is_item = parent->type == VALUE_ARRAY;
    size_t mark = is_item ? problems_enter_item(builder->problems, parent->table->count)
                          : problems_enter(builder->problems, key);
    build(builder, item, &value);
    if (!builder->is_over && is_item)
        builder_append(builder, parent->table, &value);
    else if (!builder->is_over && builder_copy(builder, nowhere, key, &key))
        builder_add(builder, parent->table, key, nowhere, &value);
    problems_leave(builder->problems, mark);
}

/* Numbers are doubles, which do not tell 10 from 10.0: what is whole is an integer. From 2^53 on a
 * double may stand for a number beside the one that was written. It stays a float there, and no
 * setting takes a float. */
static void build_number(double number, struct value *value)
{
    bool is_exact = number > -0x1p53 && number < 0x1p53 && (double)(int64_t)number == number;
    value->type = is_exact ? VALUE_INTEGER : VALUE_FLOAT;
    if (is_exact)
        value->integer = (int64_t)number;
    else
        value->real = number;
}

static void build(struct builder *builder, const cJSON *item, struct value *value)
{
    *value = (struct value){.type = VALUE_NULL};
    if (cJSON_IsBool(item)) {
        value->type = VALUE_BOOLEAN;
        value->boolean = cJSON_IsTrue(item);
    } else if (cJSON_IsNumber(item)) {
        build_number(item->valuedouble, value);
    } else if (cJSON_IsString(item)) {
        value->type = VALUE_STRING;
        builder_copy(builder, nowhere, span_str(item->valuestring), &value->string);
    } else if (cJSON_IsArray(item)) {
        builder_table(builder, VALUE_ARRAY, nowhere, value);
    } else if (cJSON_IsObject(item)) {
        builder_table(builder, VALUE_TABLE, nowhere, value);
    }
    for (const cJSON *child = item->child; child && !builder->is_over; child = child->next)
        add(builder, child, value);
}

/* From cJSON's tree to ours. */
static void convert(struct builder *builder, const cJSON *root)
{
    struct value value;
    build(builder, root, &value);
    if (value.type == VALUE_TABLE)
        builder->tree->root = value.table;
    else if (!builder->is_over)
        builder_problem(builder, PROBLEM_WRONG_TYPE, nowhere,
                        "begin with a brace: { \"routes\": [ ... ] }",
                        "the file holds %s; an object was expected", value_type_name(value.type));
}

/* The text is not blank, and a NUL follows it. With that, cJSON names the end of a text that is cut
 * off, rather than the last character. */
static void parse(struct builder *builder, struct span text)
{
    struct walk walk;
    const char *stop;
    walk_to(&walk, text, text.data + text.len);
    if (walk.commas > VALUE_COUNT_MAX || walk.brackets > VALUE_COUNT_MAX) {
        builder->tree->count = builder->tree->max; /* before cJSON takes memory for them */
        builder_exhausted(builder, nowhere);
        return;
    }
    errno = 0;
    cJSON *root = cJSON_ParseWithLengthOpts(text.data, text.len + 1, &stop, true);
    if (root && walk.nul) {
        walk.string = walk.at = walk.nul;
        refuse(builder, text, &walk);
    } else if (root) {
        convert(builder, root);
    } else if (errno == ENOMEM) {
        builder_exhausted(builder, nowhere);
    } else {
        walk_to(&walk, text, stop);
        refuse(builder, text, &walk);
    }
    cJSON_Delete(root);
}

struct value_tree *json_parse(const char *file, struct span text, struct problems *problems)
{
    struct builder builder;
    /* A blank file says as much as an empty object. */
    if (builder_begin(&builder, file, &text, problems) && strspn(text.data, " \t\r\n") < text.len)
        parse(&builder, text);
    return builder_finish(&builder);
}
