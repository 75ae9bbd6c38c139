/* `portico help [TOPIC]` prints the commands and the environment; or what the schema knows about a
 * key, a section, a variable or the code of a problem; or all of that, as Markdown or as JSON
 * Schema. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "config/load.h"
#include "config/reference.h"
#include "config/schema.h"
#include "config/suggest.h"
#include "format/problems.h"

static void print_overview(void)
{
    printf("Portico: one process in front of every service, one file that says what goes where.\n"
           "\n");
    cli_print_commands();
    printf("\n"
           "FILE is the configuration; by default $CONFIG_PATH, or %s in the current\n"
           "directory; - is standard input. It is written in TOML, JSON or YAML, as its name\n"
           "(.toml, .json, .yaml, .yml) or --format says. Its sections are\n",
           CONFIG_DEFAULT_PATH);
    for (const struct section *in = schema_sections + 1; in->path; in++)
        printf("%s%s", in > schema_sections + 1 ? ", " : "", in->path);
    printf(".\n"
           "\n"
           "Environment (an empty variable counts as not set):\n");
    for (const struct setting *variable = schema_variables; variable->name; variable++)
        printf("  %-18s %s (default %s)\n", variable->name, variable->help, variable->fallback);
    printf("\n"
           "Exit status: 0 done, 1 trouble while running (or, of explain: the request would be\n"
           "refused), 2 a problem in the configuration.\n");
}

/* "timeouts.head". Returns `out`. */
#define FULL_NAME 64u
static const char *full_name(const struct section *section, const char *key, char out[FULL_NAME])
{
    snprintf(out, FULL_NAME, "%s.%s", section->path, key);
    return out;
}

/* Is that what the topic names? Then there is an empty line behind what was explained before. */
static bool is_named(struct span topic, const char *name, unsigned *count)
{
    bool is_it = span_eq_nocase(topic, span_str(name));
    if (is_it && (*count)++)
        printf("\n");
    return is_it;
}

/* Explains everything of that name. How many there were. */
static unsigned explain(struct span topic)
{
    unsigned count = 0;
    char name[FULL_NAME];
    for (const struct section *in = schema_sections + 1; in->path; in++) {
        if (is_named(topic, in->path, &count))
            reference_section(in, stdout);
        for (const struct setting *setting = in->settings; setting->name; setting++)
            if (is_named(topic, setting->name, &count) ||
                is_named(topic, full_name(in, setting->name, name), &count))
                reference_setting(in, setting, stdout);
    }
    for (const struct setting *variable = schema_variables; variable->name; variable++)
        if (is_named(topic, variable->name, &count))
            reference_variable(variable, stdout);
    for (size_t i = 0; i < PROBLEM_CODE_COUNT; i++)
        if (is_named(topic, problem_kinds[i].code, &count))
            printf("%s, %s of `portico check`\n\n  %s\n", problem_kinds[i].code,
                   problem_kinds[i].is_warning ? "a warning" : "an error",
                   problem_kinds[i].meaning);
    return count;
}

/* The last word of "timeouts.head", or all there is. */
static struct span key_of(struct span topic)
{
    while (span_find(topic, '.') + 1 < topic.len)
        topic = span_from(topic, span_find(topic, '.') + 1);
    return topic;
}

/* What could be meant by a topic that is none; empty if there is nothing. Returns `out`. */
static const char *find_meant(struct span topic, char out[FULL_NAME])
{
    struct span key = key_of(topic);
    const char *alias = suggest_alias(key);
    struct suggest suggest = {.word = topic};
    const struct section *owner = schema_owner(schema_sections, key);
    if (owner == NULL && alias)
        owner = schema_owner(schema_sections, key = span_str(alias));
    for (const struct setting *variable = schema_variables; variable->name; variable++)
        suggest_offer(&suggest, variable->name);
    for (const struct section *in = schema_sections + 1; in->path; in++) {
        suggest.word = topic;
        suggest_offer(&suggest, in->path);
        suggest.word = key;
        for (const struct setting *setting = in->settings; setting->name; setting++)
            suggest_offer(&suggest, setting->name);
    }
    if (owner)
        return full_name(owner, schema_setting(owner, key)->name, out);
    snprintf(out, FULL_NAME, "%s", suggest.best ? suggest.best : "");
    return out;
}

static int unknown(struct span topic)
{
    char quoted[ERR_QUOTE], meant[FULL_NAME];
    fprintf(stderr, "portico: help: \"%s\" is no key, section or variable that Portico knows",
            err_quote(topic, quoted));
    if (find_meant(topic, meant)[0])
        fprintf(stderr, "; did you mean \"%s\"?\n", meant);
    else if (suggest_is_port(key_of(topic)))
        fprintf(stderr, "; the ports are HTTP_PORT and HTTPS_PORT\n");
    else
        fprintf(stderr, "; `portico help --reference` shows all of them\n");
    return CLI_BAD_USAGE;
}

int cli_help(const struct cli_call *call)
{
    if (call->reference)
        reference_markdown(stdout);
    else if (call->schema)
        json_schema_print(stdout);
    else if (call->word == NULL)
        print_overview();
    else if (explain(span_str(call->word)) == 0)
        return unknown(span_str(call->word));
    return CLI_OK;
}
