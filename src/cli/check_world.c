/* What `portico check` sees when it looks around: names and certificates. The main thread runs
 * it, and threads that look names up (net/lookup.h). Reads, and writes nothing. */
#include "cli/check_world.h"

#include <stdlib.h>

#include "base/clock.h"
#include "certs/inspect.h"
#include "config/names.h"
#include "config/setting_report.h"
#include "format/value.h"
#include "net/lookup.h"

/* For all names together: more than a name server takes that is well. */
#define PATIENCE (5 * CLOCK_SECOND)

/* A warning about a key of a route, at its value. */
static struct err *warn(const struct config *config, size_t route, struct span key,
                        enum problem_code code, struct problems *problems, const char *message)
{
    const struct value *value = config_route_value(config, route, key);
    size_t mark = problems_enter(problems, SPAN("routes"));
    problems_enter_item(problems, route);
    problems_enter(problems, key);
    struct err *err =
        problems_add(problems, code, config_file_name(config->path), value ? value->line : 0,
                     value ? value->column : 0, "%s", message);
    problems_leave(problems, mark);
    return err;
}

/* ---- Names ---- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names to look up, each once, in order. How many. */
static size_t collect_names(const struct config *config, const char **names)
{
    size_t count = 0, kept = 0;
    char ip[HOST_TEXT];
    for (size_t i = 0; i < config->route_count; i++) {
        const char *host = config->routes[i].upstream_host;
        if (host && !ip_canonical(span_str(host), ip))
            names[count++] = host;
    }
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || strcmp(names[kept - 1], names[i]) != 0)
            names[kept++] = names[i];
    return kept;
}

static void warn_unresolved(const struct config *config, size_t i, int result,
                            struct problems *problems)
{
    char message[sizeof((struct err *)0)->message], quoted[ERR_QUOTE];
    const struct value *written = config_route_value(config, i, SPAN("upstream"));
    snprintf(message, sizeof message,
             "upstream \"%s\" has a name that does not resolve now: %s; a name that this machine "
             "knows was expected",
             setting_report_quote(written, config->routes[i].upstream, quoted),
             result == LOOKUP_UNKNOWN ? "no name server has answered in time"
                                      : gai_strerror(result));
    err_hint(warn(config, i, SPAN("upstream"), PROBLEM_UNRESOLVED, problems, message),
             "requests get an error (502) until it does; --offline checks without looking names "
             "up");
}

static void check_names(const struct config *config, struct problems *problems)
{
    const char **names = calloc(config->route_count + 1, sizeof *names);
    int *results = calloc(config->route_count + 1, sizeof *results);
    size_t count = names ? collect_names(config, names) : 0;
    if (names == NULL || results == NULL ||
        lookup_all(names, count, PATIENCE, resolver_ask_system, NULL, results) < 0) {
        problems_add(problems, PROBLEM_MEMORY, NULL, 0, 0, "out of memory");
        goto out;
    }
    for (size_t i = 0; i < config->route_count && count; i++) {
        const char *const host = config->routes[i].upstream_host;
        const char **name =
            host ? bsearch(&host, names, count, sizeof *names, compare_names) : NULL;
        if (name && results[name - names] != 0)
            warn_unresolved(config, i, results[name - names], problems);
    }
out:
    free(results);
    free(names);
}

/* ---- Certificates ---- */

static enum problem_code code_of(enum inspect_result result)
{
    return result == INSPECT_EXPIRES ? PROBLEM_CERT_EXPIRES : PROBLEM_CERT_UNREADABLE;
}

static void check_certificates(const struct config *config, struct problems *problems)
{
    time_t now = (time_t)(clock_wall() / CLOCK_SECOND);
    bool needs_root = false;
    struct err found = {0};
    char message[sizeof found.message];
    for (size_t i = 0; i < config->route_count; i++) {
        const struct config_route *route = &config->routes[i];
        if (route->cert_type == CERT_NONE)
            continue;
        needs_root = true;
        enum inspect_result result = inspect_leaf(config->cert_dir, route->host, now, &found);
        if (result == INSPECT_GOOD)
            continue;
        snprintf(message, sizeof message, "the certificate of \"%.80s\" %s: %.250s", route->host,
                 result == INSPECT_EXPIRES ? "was not renewed in time" : "is no use",
                 found.message);
        err_hint(warn(config, i, SPAN("host"), code_of(result), problems, message),
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

void check_world(const struct config *config, bool look_up, struct problems *problems)
{
    if (look_up)
        check_names(config, problems);
    check_certificates(config, problems);
    problems_sort(problems);
}
