/* `portico check [FILE]` says whether the configuration is sound, and fits the world as it is now.
 * It opens no port and writes no file.
 *
 * Errors come from loading and leave nothing more to look at. Otherwise there may be warnings:
 * some from loading, the others from a look around (check_world.c). */
#include <stdio.h>

#include "cli/check_world.h"
#include "cli/cli.h"
#include "format/json_print.h"

static cJSON *describe(const struct err *err)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "severity", err->is_warning ? "warning" : "error");
    cJSON_AddStringToObject(json, "code", err->code);
    cJSON_AddStringToObject(json, "pointer", err->pointer);
    json_add(json, "file", err->file);
    json_add_number(json, "line", err->line);
    json_add_number(json, "column", err->column);
    cJSON_AddStringToObject(json, "message", err->message);
    json_add(json, "hint", err->hint);
    return json;
}

static void print_json(const char *file, const struct config *config,
                       const struct problems *problems)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "file", file);
    cJSON_AddBoolToObject(json, "ok", !problems_has_errors(problems));
    json_add_number(json, "routes", config ? (unsigned)config->route_count : 0);
    cJSON *list = cJSON_AddArrayToObject(json, "problems");
    for (size_t i = 0; i < problems->count; i++)
        cJSON_AddItemToArray(list, describe(&problems->items[i]));
    cJSON_AddNumberToObject(json, "omitted", (double)problems->omitted);
    json_print(json, stdout);
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

int cli_check(const struct cli_call *call)
{
    struct config_problems problems = {0};
    struct config *config = config_load(call->file, call->format, &problems);
    if (config)
        check_world(config, !call->offline, &problems.found);
    for (size_t i = 0; call->strict && i < problems.found.count; i++)
        problems.found.items[i].is_warning = false;
    bool is_bad = config == NULL || problems_has_errors(&problems.found);
    if (call->json) {
        print_json(config_file_name(call->file), config, &problems.found);
    } else {
        config_problems_print(&problems, stderr);
        if (!is_bad)
            print_verdict(call->file, config, &problems.found);
    }
    config_problems_release(&problems);
    config_unref(config);
    return is_bad ? CLI_BAD_CONFIG : CLI_OK;
}
