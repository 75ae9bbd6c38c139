/* `portico check [FILE]` says whether the configuration is sound, and fits the world as it is now.
 * It opens no port and writes no file.
 *
 * Errors come from loading and leave nothing more to look at. Otherwise there may be warnings:
 * some from loading, others from a look at the world: names are looked up, certificates are read.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "certs/inspect.h"
#include "cli/cli.h"
#include "config/load.h"
#include "config/names.h"
#include "config/setting.h"
#include "format/json_print.h"
#include "format/value.h"
#include "net/lookup.h"

/* For all names together: more than a name server takes that is well. */
#define PATIENCE (4 * CLOCK_SECOND)

/* ---- Names ---- */

static void check_names(const struct config *config, struct problems *problems)
{
    struct lookup *lookups = calloc(config->route_count + 1, sizeof *lookups);
    if (lookups == NULL) {
        problems_add(problems, PROBLEM_MEMORY, NULL, 0, 0, "out of memory");
        return;
    }
    for (size_t i = 0; i < config->route_count; i++)
        lookups[i].host = config->routes[i].upstream.host;
    lookup_all(lookups, config->route_count, PATIENCE);
    for (size_t i = 0; i < config->route_count; i++) {
        if (lookups[i].result == RESOLVER_DONE)
            continue;
        char quoted[ERR_QUOTE];
        setting_quote_written(config_route_value(config, i, SPAN("upstream")),
                              config->routes[i].upstream.text, quoted);
        err_hint(config_route_problem(config, i, SPAN("upstream"), problems, PROBLEM_UNRESOLVED,
                                      "upstream \"%s\" has a name that does not resolve now: %s; a "
                                      "name that this machine knows was expected",
                                      quoted, lookups[i].why),
                 "requests get an error (502) until it does; --offline checks without looking "
                 "names up");
    }
    free(lookups);
}

/* ---- Certificates ---- */

static void check_certificates(const struct config *config, struct problems *problems)
{
    time_t now = (time_t)(clock_wall() / CLOCK_SECOND);
    bool needs_root = false;
    struct err found = {0};
    for (size_t i = 0; i < config->route_count; i++) {
        const struct config_route *route = &config->routes[i];
        if (route->cert_type == CERT_NONE)
            continue;
        needs_root = true;
        enum inspect_result result = inspect_leaf(config->cert_dir, route->host, now, &found);
        if (result == INSPECT_GOOD)
            continue;
        enum problem_code code =
            result == INSPECT_EXPIRES ? PROBLEM_CERT_EXPIRES : PROBLEM_CERT_UNREADABLE;
        err_hint(config_route_problem(config, i, SPAN("host"), problems, code,
                                      "the certificate of \"%.80s\" %s: %.250s", route->host,
                                      result == INSPECT_EXPIRES ? "was not renewed in time"
                                                                : "is no use",
                                      found.message),
                 result == INSPECT_EXPIRES
                     ? "Portico renews it while it runs, if it may write to CERT_DIR"
                     : "make it readable for the user that runs Portico, or remove it: Portico "
                       "makes another");
    }
    enum inspect_result result =
        needs_root ? inspect_root(config->cert_dir, now, &found) : INSPECT_GOOD;
    if (result == INSPECT_EXPIRES)
        err_hint(problems_add(problems, PROBLEM_CERT_EXPIRES, NULL, 0, 0, "the local CA: %s",
                              found.message),
                 "remove its directory, so that Portico makes another, and import that one "
                 "(README, \"The local CA\")");
    else if (result == INSPECT_UNREADABLE)
        err_hint(problems_add(problems, PROBLEM_CERT_UNREADABLE, NULL, 0, 0,
                              "%.300s; until it is usable, hosts without a good certificate are "
                              "answered with 503",
                              found.message),
                 "%s", found.hint);
}

/* ---- The report ---- */

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

int cli_check(const struct cli_call *call)
{
    struct config_problems problems = {0};
    struct config *config = config_load(call->file, call->format, &problems);
    if (config && !call->offline)
        check_names(config, &problems.found);
    if (config)
        check_certificates(config, &problems.found);
    problems_sort(&problems.found);
    for (size_t i = 0; call->strict && i < problems.found.count; i++)
        problems.found.items[i].is_warning = false;
    bool is_bad = config == NULL || problems_has_errors(&problems.found);
    if (call->json) {
        print_json(config_file_name(call->file), config, &problems.found);
    } else {
        config_problems_print(&problems, stderr);
        size_t routes = config ? config->route_count : 0, warnings = problems.found.count;
        if (!is_bad)
            printf(warnings ? "%s: ok, %zu route%s, %zu warning%s\n" : "%s: ok, %zu route%s\n",
                   call->file, routes, routes == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
    }
    config_problems_release(&problems);
    config_unref(config);
    return is_bad ? CLI_BAD_CONFIG : CLI_OK;
}
