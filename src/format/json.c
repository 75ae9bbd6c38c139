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

#include "base/utf8.h"
#include "format/builder.h"
#include "format/text.h"

/* Where cJSON's values stand in the file: it does not tell. */
static const struct place nowhere = {0, 0};

/* ---- What does not parse ---- */

enum expected { A_VALUE = 1, A_KEY = 2, A_COLON = 4, A_COMMA = 8, ANYTHING = 15 };

struct walk {
    const char *at;                   /* where it is, or ended */
    const char *string;               /* the beginning of the string around it, or NULL */
    const char *open[JSON_DEPTH_MAX]; /* the brackets around it */
    size_t depth;
    enum expected expected;
    char last; /* what stands before it, but for white space */
};

static char innermost(const struct walk *walk)
{
    return walk->depth ? *walk->open[walk->depth - 1] : '\0';
}

/* Takes the word that begins with `c`. */
static void take(struct walk *walk, char c)
{
    if (c == '{' || c == '[')
        walk->open[walk->depth++] = walk->at;
    else if ((c == '}' || c == ']') && walk->depth)
        walk->depth--;
    if (c == '{' || (c == ',' && innermost(walk) == '{'))
        walk->expected = A_KEY;
    else if (c == '[' || c == ',' || c == ':')
        walk->expected = A_VALUE;
    else
        walk->expected = c == '"' && walk->expected == A_KEY ? A_COLON : A_COMMA;
    walk->last = c;
}

/* Walks to where cJSON gave up, or to what is no key: there cJSON names the byte behind. */
static void walk_to(struct walk *walk, struct span text, const char *stop)
{
    const char *end = text.data + text.len, *next;
    for (; walk->at < stop && walk->depth < JSON_DEPTH_MAX; walk->at = next) {
        char c = *walk->at;
        next = walk->at + 1;
        if ((unsigned char)c <= ' ')
            continue;
        if (walk->expected == A_KEY && c != '"' && (c != '}' || walk->last == ','))
            return;
        while (c == '"' && next < end && *next != '"')
            next += *next == '\\' ? 2 : 1;
        if (c == '"' && next++ >= stop) {
            walk->string = walk->at;
            walk->at = next > end ? end : stop;
            return;
        }
        take(walk, c);
    }
}

static void problem_at(struct builder *builder, struct span text, const char *at,
                       enum problem_code code, const char *message, const char *hint)
{
    struct place place = {1, 1};
    for (const char *c = text.data; c < at; c++) {
        place.line += *c == '\n';
        place.column = *c == '\n' ? 1 : place.column + !utf8_is_tail(*c);
    }
    struct err *err = builder_problem(builder, code, place, "%s", message);
    if (hint)
        err_hint(err, "%s", hint);
}

/* What to do about the character that `rest` begins with, or NULL. Letters and digits go by "a". */
static const char *hint_for(const struct walk *walk, struct span rest)
{
    static const struct {
        enum expected expected;
        const char *before, *characters, *hint;
    } hints[] = {
        {ANYTHING, NULL, "#/", "JSON has no comments; TOML and YAML have"},
        {ANYTHING, NULL, "'", "text stands in quotation marks: \"...\""},
        {ANYTHING, NULL, "=", "a key and its value are joined by a colon"},
        {ANYTHING, ",", "}]", "remove the comma before it: JSON has none behind the last one"},
        {ANYTHING, NULL, ",", "a value is missing before it, or there is one comma too many"},
        {A_KEY, NULL, "a", "write the key in quotation marks"},
        {A_VALUE, NULL, "a", "text needs quotation marks, and true, false and null small letters"},
        {A_VALUE, NULL, "+.", "a number begins with a digit or a minus sign"},
        {A_COMMA, "0123456789", "a.:", "text needs quotation marks"},
        {A_COMMA, "}]", "}]", "a bracket of the other kind is still open"},
        {A_COMMA, "\"", ":", "put braces around the whole file: { ... }"},
        {A_COMMA, "\"", "a", "a quotation mark further left is missing, or lacks its backslash"},
    };
    char c = rest.len ? rest.data[0] : ' ';
    c = text_is_word(c) || c == '$' ? 'a' : c;
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (hints[i].expected & walk->expected && strchr(hints[i].characters, c) &&
            (hints[i].before == NULL || strchr(hints[i].before, walk->last)))
            return hints[i].hint;
    return text_lookalike(rest);
}

/* cJSON gave up at `stop`, or was done there although the text goes on. */
static void refuse(struct builder *builder, struct span text, const char *stop)
{
    struct walk walk = {.at = text.data, .expected = A_VALUE, .last = ' '};
    walk_to(&walk, text, stop);
    struct span rest = span_from(text, (size_t)(walk.at - text.data));
    char open = innermost(&walk), message[TEXT_DESCRIBE + 96], what[TEXT_DESCRIBE];
    if (walk.string && rest.len)
        problem_at(builder, text, walk.at, PROBLEM_SYNTAX,
                   "this escape is none; a backslash and one of \" \\ / b f n r t, or \\u and a "
                   "character in UTF-16 were expected",
                   "to write a backslash, write two: \\\\");
    else if (walk.string)
        problem_at(builder, text, walk.string, PROBLEM_SYNTAX,
                   "this string is not closed; a quotation mark was expected", NULL);
    else if (rest.len == 0 && open)
        problem_at(builder, text, walk.open[walk.depth - 1], PROBLEM_SYNTAX,
                   open == '{' ? "this \"{\" is not closed; a \"}\" was expected"
                               : "this \"[\" is not closed; a \"]\" was expected",
                   NULL);
    else if (walk.depth == JSON_DEPTH_MAX)
        problem_at(builder, text, walk.at, PROBLEM_TOO_DEEP,
                   "this is nested too deep; at most 1000 levels were expected", NULL);
    else {
        snprintf(message, sizeof message, "%s is unexpected here; %s was expected",
                 text_describe(rest, what),
                 walk.expected == A_VALUE   ? "a value"
                 : walk.expected == A_KEY   ? "a key in quotation marks"
                 : walk.expected == A_COLON ? "\":\""
                 : open == '{'              ? "\",\" or \"}\""
                 : open == '['              ? "\",\" or \"]\""
                                            : "the end of the file");
        problem_at(builder, text, walk.at, PROBLEM_SYNTAX, message, hint_for(&walk, rest));
    }
}

/* ---- What does ---- */

struct survey {
    const char *nul; /* the first escape that means NUL, or that cJSON takes for it as it is none */
    size_t commas, brackets; /* outside of strings; there are at least as many values as of each */
};

static struct survey survey(struct span text)
{
    struct survey found = {0};
    bool in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        in_string = in_string != (c == '"');
        found.commas += !in_string && c == ',';
        found.brackets += !in_string && (c == '[' || c == '{');
        if (c != '\\')
            continue;
        i++; /* what is escaped */
        if (!found.nul && span_has_prefix(span_from(text, i), SPAN("u")) &&
            text_hex(span_from(text, i + 1), 4) <= 0)
            found.nul = text.data + i - 1;
    }
    return found;
}

static void build(struct builder *builder, const cJSON *item, struct value *value);

/* Adds an item to an array, or a member to a table. */
static void add(struct builder *builder, const cJSON *item, const struct value *parent)
{
    struct value value;
    struct span key = span_str(item->string);
    bool is_item = parent->type == VALUE_ARRAY;
    size_t mark = is_item ? problems_enter_item(builder->problems, parent->array->count)
                          : problems_enter(builder->problems, key);
    build(builder, item, &value);
    if (!builder->is_over && is_item)
        builder_append(builder, parent->array, &value);
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
        builder_array(builder, nowhere, value);
    } else if (cJSON_IsObject(item)) {
        builder_table(builder, nowhere, value);
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
        err_hint(builder_problem(builder, PROBLEM_WRONG_TYPE, nowhere,
                                 "the file holds %s; an object was expected",
                                 value_type_name(value.type)),
                 "begin with a brace: { \"routes\": [ ... ] }");
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (unsigned char)*at <= ' ')
        at++;
    return at;
}

/* The text is not blank, and a NUL follows it. With that, cJSON names the end of a text that is cut
 * off, rather than the last character. */
static void parse(struct builder *builder, struct span text)
{
    const struct survey found = survey(text);
    const char *end = text.data + text.len, *stop;
    if (found.commas > VALUE_COUNT_MAX || found.brackets > VALUE_COUNT_MAX) {
        builder->tree->count = builder->tree->max; /* before cJSON takes memory for them */
        builder_exhausted(builder, nowhere);
        return;
    }
    errno = 0;
    cJSON *root = cJSON_ParseWithLengthOpts(text.data, text.len + 1, &stop, false);
    stop = root ? skip_blanks(stop, end) : stop;
    if (root == NULL && errno == ENOMEM)
        builder_exhausted(builder, nowhere);
    else if (root == NULL || stop < end)
        refuse(builder, text, stop);
    else if (found.nul)
        problem_at(builder, text, found.nul, PROBLEM_SYNTAX,
                   "this escape is NUL, or none; four other hexadecimal digits were expected "
                   "behind \\u",
                   NULL);
    else
        convert(builder, root);
    cJSON_Delete(root);
}

struct value_tree *json_parse(const char *file, struct span text, struct problems *problems)
{
    struct builder builder;
    text = text_without_mark(text);
    const char *end = text.data + text.len;
    /* An empty file says as much as an empty object. */
    if (builder_begin(&builder, file, text, problems) && skip_blanks(text.data, end) < end)
        parse(&builder, text);
    return builder_finish(&builder);
}
