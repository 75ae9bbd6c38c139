/* `portico check [FILE]`: is the configuration sound, and does it fit the world as it is now?
 * Opens no port and writes no file.
 *
 * Errors come from loading and leave nothing more to look at. Otherwise there may be warnings:
 * some from loading, the others from a look around (check_world.c). */
#include <stdio.h>

#include "cli/check_world.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "config/config.h"
#include "format/json_write.h"

struct options {
    bool strict, json, offline;
};

/* NULL for what is unknown. */
static void print_text(struct json_writer *json, const char *key, const char *text)
{
    if (text && *text)
        json_string(json, key, text);
    else
        json_raw(json, key, "null");
}

static void print_number(struct json_writer *json, const char *key, unsigned number)
{
    if (number)
        json_integer(json, key, number);
    else
        json_raw(json, key, "null");
}

static void print_problem(struct json_writer *json, const struct err *err)
{
    json_begin(json, NULL, '{');
    json_string(json, "severity", err->is_warning ? "warning" : "error");
    json_string(json, "code", err->code);
    json_string(json, "pointer", err->pointer);
    print_text(json, "file", err->file);
    print_number(json, "line", err->line);
    print_number(json, "column", err->column);
    json_string(json, "message", err->message);
    print_text(json, "hint", err->hint);
    json_end(json, '}');
}

static void print_json(const char *file, const struct config *config,
                       const struct problems *problems)
{
    struct json_writer json = {.out = stdout};
    json_begin(&json, NULL, '{');
    json_string(&json, "file", file);
    json_boolean(&json, "ok", !problems_has_errors(problems));
    if (config)
        json_integer(&json, "routes", (int64_t)config->route_count);
    else
        json_raw(&json, "routes", "null");
    json_begin(&json, "problems", '[');
    for (size_t i = 0; i < problems->count; i++)
        print_problem(&json, &problems->items[i]);
    json_end(&json, ']');
    json_integer(&json, "omitted", (int64_t)problems->omitted);
    json_end(&json, '}');
}

static void print_verdict(const char *file, const struct config *config,
                          const struct problems *problems)
{
    size_t warnings = problems->count;
    printf("%s: ok, %zu route%s", file, config->route_count, config->route_count == 1 ? "" : "s");
    if (warnings)
        printf(", %zu warning%s", warnings, warnings == 1 ? "" : "s");
    printf("\n");
}

int cli_check(char **arguments)
{
    struct options options = {0};
    const struct cli_option table[] = {
        {"--strict", .flag = &options.strict, .truth = true},
        {"--json", .flag = &options.json, .truth = true},
        {"--offline", .flag = &options.offline, .truth = true},
        {.name = NULL},
    };
    struct cli_source source;
    if (cli_options_take(arguments, table) < 0 || cli_source_parse(arguments, &source) < 0)
        return CLI_BAD_USAGE;

    struct config_problems problems = {.with_places = true};
    struct config *config = config_load(source.path, source.format, &problems);
    if (config)
        check_world(config, !options.offline, &problems.found);
    for (size_t i = 0; options.strict && i < problems.found.count; i++)
        problems.found.items[i].is_warning = false;
    bool is_bad = config == NULL || problems_has_errors(&problems.found);
    if (options.json) {
        print_json(config_file_name(source.path), config, &problems.found);
    } else {
        config_problems_print(&problems, stderr);
        if (!is_bad)
            print_verdict(source.path, config, &problems.found);
    }
    config_problems_release(&problems);
    config_unref(config);
    return is_bad ? CLI_BAD_CONFIG : CLI_OK;
}
