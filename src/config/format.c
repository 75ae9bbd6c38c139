/* This file has the table of formats, see format.h, and tells when a file is in another one. All
 * constant. */
#include "config/format.h"

#include "format/json.h"
#include "format/toml_parse.h"
#include "format/yaml.h"

const struct format format_toml = {
    .name = "toml",
    .title = "TOML",
    .parse = toml_parse,
    .words = {.list = "an array",
              .table = "a table",
              .null = "null",
              .section = {"[@]", "[[@]]"},
              .belongs = {"it belongs under [@]", "it belongs under [[@]]"},
              .add = "add a line such as: @ = #",
              .write = {"write [@] once, in single brackets",
                        "write [[@]], in double brackets, above each of them"},
              .first_route = "[[routes]]\nhost = \"app.example.com\"\n"
                             "upstream = \"127.0.0.1:8080\""}};

const struct format format_json = {
    .name = "json",
    .title = "JSON",
    .parse = json_parse,
    .words = {.list = "an array",
              .table = "an object",
              .null = "null",
              .section = {"\"@\"", "\"@\""},
              .belongs = {"it belongs into \"@\": { ... }",
                          "it belongs into one of the objects in \"@\": [ ... ]"},
              .add = "add to it: \"@\": #",
              .write = {"write one object: \"@\": { ... }",
                        "put brackets around the objects: \"@\": [ { ... }, { ... } ]"},
              .first_route = "{ \"routes\": [\n    { \"host\": "
                             "\"app.example.com\", \"upstream\": \"127.0.0.1:8080\" }\n] }"}};

const struct format format_yaml = {
    .name = "yaml",
    .title = "YAML",
    .parse = yaml_parse,
    .words = {.list = "a list",
              .table = "a mapping",
              .null = "empty",
              .section = {"\"@\"", "\"@\""},
              .belongs = {"it belongs below \"@:\", indented",
                          "it belongs below \"@:\", indented as the keys of a route"},
              .add = "add a line, indented like the others: @: #",
              .write = {"write its keys below \"@:\", indented, or remove the line",
                        "write \"- \" before the first key of each of them, below \"@:\""},
              .first_route = "routes:\n  - host: app.example.com\n"
                             "    upstream: 127.0.0.1:8080"}};

static const struct format *const formats[] = {&format_toml, &format_json, &format_yaml};
#define FORMAT_COUNT (sizeof formats / sizeof *formats)

const struct format *format_named(const char *name)
{
    for (size_t i = 0; i < FORMAT_COUNT; i++)
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
    return NULL;
}

const struct format *format_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    struct span suffix = span_str(dot ? dot + 1 : "");
    for (size_t i = 0; i < FORMAT_COUNT; i++)
        if (span_eq_nocase(suffix, span_str(formats[i]->name)))
            return formats[i];
    return span_eq_nocase(suffix, SPAN("yml")) ? &format_yaml : &format_toml;
}

/* ---- Something else ---- */

/* Does the text parse in the format, and is it a configuration, so that it can be meant? */
static bool is_in(const struct format *format, const char *file, struct span text)
{
    struct problems problems = {0};
    struct value_tree *tree = format->parse(file, text, &problems);
    bool is_good = tree && problems_is_empty(&problems) && tree->root->count > 0;
    value_tree_free(tree);
    problems_release(&problems);
    return is_good;
}

/* The program whose configuration has such a line, or NULL. */
static const char *program_of(struct span line)
{
    static const struct {
        const char *begin, *program;
    } lines[] = {{"server {", "nginx"},     {"server{", "nginx"},     {"location ", "nginx"},
                 {"server_name ", "nginx"}, {"proxy_pass ", "nginx"}, {"reverse_proxy ", "Caddy"},
                 {"frontend ", "HAProxy"},  {"backend ", "HAProxy"},  {"bind ", "HAProxy"}};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (span_has_prefix(line, span_str(lines[i].begin)))
            return lines[i].program;
    return NULL;
}

void format_check_other(const struct format *format, const char *file, struct span text,
                        struct problems *problems)
{
    /* YAML reads what JSON would be without its slips. */
    const char *blanks = " \t\r\n", *first = text.data + strspn(text.data, blanks);
    while (*first == '#') {
        first += strcspn(first, "\n");
        first += strspn(first, blanks);
    }
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        const struct format *other = formats[i];
        if (other == format || (other == &format_yaml && strchr("{[\"", *first)) ||
            !is_in(other, file, text))
            continue;
        problems_release(problems);
        err_hint(problems_add(problems, PROBLEM_OTHER_FORMAT, file, 0, 0,
                              "this is %s; %s was expected", other->title, format->title),
                 "give it a name that ends in .%s, or say --format %s", other->name, other->name);
        return;
    }
    struct span rest = text, line;
    for (unsigned number = 1; rest.len && span_split(&rest, '\n', &line); number++) {
        const char *program = program_of(span_trim(line));
        if (program == NULL)
            continue;
        problems_release(problems);
        err_hint(problems_add(problems, PROBLEM_OTHER_FORMAT, file, number, 0,
                              "this is a configuration of %s; one of Portico was expected",
                              program),
                 "begin with these lines:\n%s", format->words.first_route);
        return;
    }
}

const char *format_say(const char *phrase, const char *name, const char *value,
                       char out[FORMAT_PHRASE])
{
    size_t used = 0;
    for (; *phrase; phrase++) {
        char letter[] = {*phrase, '\0'};
        struct span part = span_str(*phrase == '@'            ? name
                                    : *phrase == '#' && value ? value
                                                              : letter);
        part = span_first(part, FORMAT_PHRASE - 1 - used);
        memcpy(out + used, part.data, part.len);
        used += part.len;
    }
    out[used] = '\0';
    return out;
}

const char *format_type_name(const struct format *format, enum value_type type)
{
    if (type == VALUE_FLOAT && format == &format_json)
        return "a number with a fraction, or too large";
    return type == VALUE_NULL    ? format->words.null
           : type == VALUE_ARRAY ? format->words.list
           : type == VALUE_TABLE ? format->words.table
                                 : value_type_name(type);
}
