/* Formats: see format.h. All constant. */
#include "config/format.h"

#include "format/json.h"
#include "format/toml_parse.h"
#include "format/yaml.h"

const struct format format_toml = {
    .name = "toml",
    .suffixes = {".toml"},
    .parse = toml_parse,
    .words = {.list = "an array",
              .table = "a table",
              .null = "null",
              .section = {"[@]", "[[@]]"},
              .section_noun = "table",
              .under = {"it belongs under [@]", "it belongs under [[@]]"},
              .outside = "stands outside of every table; it was expected under a header",
              .move = {"write [@] above it", "write [[@]] above it"},
              .add = "add a line such as: @ = #",
              .write_list = "write [[@]], in double brackets, above each route",
              .write_single = "write [@] once, in single brackets",
              .first_route = "[[routes]]\nhost = \"app.example.com\"\n"
                             "upstream = \"127.0.0.1:8080\""}};

const struct format format_json = {
    .name = "json",
    .suffixes = {".json"},
    .parse = json_parse,
    .parse_placed = json_parse_placed,
    .words = {.list = "an array",
              .table = "an object",
              .null = "null",
              .section = {"\"@\"", "\"@\""},
              .section_noun = "section",
              .under = {"it belongs into \"@\": { ... }",
                        "it belongs into one of the objects in \"@\": [ ... ]"},
              .outside = "stands outside of every section; it was expected inside of one",
              .move = {"move it into the braces of \"@\": { ... }",
                       "move it into one of the objects in \"@\": [ { ... } ]"},
              .add = "add to it: \"@\": #",
              .write_list = "put brackets around the objects: \"@\": [ { ... }, { ... } ]",
              .write_single = "write one object: \"@\": { ... }",
              .first_route = "{ \"routes\": [\n    { \"host\": "
                             "\"app.example.com\", \"upstream\": \"127.0.0.1:8080\" }\n] }"}};

const struct format format_yaml = {
    .name = "yaml",
    .suffixes = {".yaml", ".yml"},
    .parse = yaml_parse,
    .words = {.list = "a list",
              .table = "a mapping",
              .null = "empty",
              .section = {"\"@\"", "\"@\""},
              .section_noun = "section",
              .under = {"it belongs below \"@:\", indented",
                        "it belongs below \"@:\", indented as the keys of a route"},
              .outside = "stands outside of every section; it was expected below one, indented",
              .move = {"move it below \"@:\" and indent it",
                       "move it below \"@:\" and indent it; \"- \" stands before each route's "
                       "first key"},
              .add = "add a line, indented like the others: @: #",
              .write_list = "write \"- \" before the first key of each route below \"@:\"",
              .write_single = "write its keys below \"@:\", indented, or remove the line",
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

/* Does `path` end in `suffix`, in letters of either case? */
static bool has_suffix(struct span path, struct span suffix)
{
    return path.len >= suffix.len && span_eq_nocase(span_from(path, path.len - suffix.len), suffix);
}

const struct format *format_of(const char *path)
{
    for (size_t i = 0; i < FORMAT_COUNT; i++)
        for (const char *const *suffix = formats[i]->suffixes; *suffix; suffix++)
            if (has_suffix(span_str(path), span_str(*suffix)))
                return formats[i];
    return &format_toml;
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
    switch (type) {
    case VALUE_NULL:
        return format->words.null;
    case VALUE_ARRAY:
        return format->words.list;
    case VALUE_TABLE:
        return format->words.table;
    default:
        return value_type_name(type);
    }
}
