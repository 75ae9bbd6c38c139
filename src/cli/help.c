/* `portico help [TOPIC]` prints the commands and the environment; or what the schema knows about a
 * key, a section, a variable or the code of a problem; or all of that, as Markdown or as JSON
 * Schema. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "config/json_schema.h"
#include "config/reference.h"
#include "config/schema.h"
#include "config/suggest.h"
#include "format/problems.h"

#define COLUMN 30 /* where the explanations begin */

/* The options of a command; or, for NULL, those of every command that has a FILE. */
static void print_options(const char *command)
{
    for (const struct cli_option *option = cli_options; option->name; option++) {
        const char *whose = option->command;
        if (command == NULL ? whose != NULL : whose == NULL || strcmp(whose, command) != 0)
            continue;
        int at = printf("    %s %s", option->name, option->value ? option->value : "");
        printf("%*s%s\n", COLUMN - at, "", option->help);
    }
}

static void print_command(const struct cli_command *command)
{
    int at = printf("  portico %s%s%s%s", command->name, command->word ? " " : "",
                    command->word ? command->word : "", command->has_file ? " [FILE]" : "");
    printf("%*s%s\n", COLUMN - at, "", command->help);
    print_options(command->name);
}

static void print_overview(void)
{
    printf("Portico: one process in front of every service, one file that says what goes where.\n"
           "\n");
    for (const struct cli_command *command = cli_commands; command->name; command++)
        print_command(command);
    printf("\n"
           "FILE is the configuration; by default $CONFIG_PATH, or %s in the current\n"
           "directory; - is standard input. It is written in TOML, JSON or YAML, as its name\n"
           "(.toml, .json, .yaml, .yml) or an option says:\n",
           CONFIG_DEFAULT_PATH);
    print_options(NULL);
    printf("Its sections are");
    for (size_t i = 0; i < schema_section_count; i++)
        printf("%s %s", i ? "," : "", schema_sections[i].name);
    printf(".\n"
           "\n"
           "Environment (an empty variable counts as not set):\n");
    for (size_t i = 0; i < schema_variable_count; i++)
        printf("  %-18s %s (default %s)\n", schema_variables[i].name, schema_variables[i].help,
               schema_variables[i].fallback);
    printf("\n"
           "Exit status: 0 done, 1 trouble while running (or, of explain: the request would be\n"
           "refused), 2 a problem in the configuration.\n");
}

/* "timeouts.head", into `out`. */
#define FULL_NAME 64u
static struct span full_name(const struct setting *setting, char out[FULL_NAME])
{
    snprintf(out, FULL_NAME, "%s.%s", setting->section, setting->name);
    return span_str(out);
}

/* Explains everything of that name. How many there were. */
static unsigned explain(struct span topic)
{
    unsigned count = 0;
    char name[FULL_NAME];
    const struct section *section = schema_section(topic);
    if (section) {
        reference_section(section, stdout);
        count++;
    }
    for (size_t i = 0; i < schema_setting_count; i++) {
        const struct setting *setting = &schema_settings[i];
        if (!span_eq(topic, span_str(setting->name)) && !span_eq(topic, full_name(setting, name)))
            continue;
        printf("%s", count++ ? "\n" : "");
        reference_setting(setting, stdout);
    }
    for (size_t i = 0; i < schema_variable_count; i++) {
        if (!span_eq_nocase(topic, span_str(schema_variables[i].name)))
            continue;
        printf("%s", count++ ? "\n" : "");
        reference_variable(&schema_variables[i], stdout);
    }
    for (size_t i = 0; i < PROBLEM_CODE_COUNT; i++) {
        const struct problem_kind *kind = &problem_kinds[i];
        if (!span_eq(topic, span_str(kind->code)))
            continue;
        printf("%s%s, %s of `portico check`\n\n  %s\n", count++ ? "\n" : "", kind->code,
               kind->is_warning ? "a warning" : "an error", kind->meaning);
    }
    return count;
}

/* The last word of "timeouts.head", or all there is. */
static struct span key_of(struct span topic)
{
    struct span key = span_from(topic, span_find(topic, '.') + 1);
    return key.len ? key : topic;
}

/* Some setting that is called so, here or in other servers; or NULL. */
static const struct setting *find_key(struct span key)
{
    const char *alias = schema_alias(key);
    const struct section *section = schema_section_of(key);
    if (section)
        return schema_setting(section, key);
    section = alias ? schema_section_of(span_str(alias)) : NULL;
    return section ? schema_setting(section, span_str(alias)) : NULL;
}

/* What could be meant by a topic that is none: into `out`, or false. */
static bool find_meant(struct span topic, char out[FULL_NAME])
{
    const struct setting *known = find_key(key_of(topic));
    if (known) {
        full_name(known, out);
        return true;
    }
    char names[2][FULL_NAME]; /* the best so far, and the one that is offered */
    struct suggest suggest = {.word = topic};
    for (size_t i = 0; i < schema_section_count; i++)
        suggest_offer(&suggest, schema_sections[i].name);
    for (size_t i = 0; i < schema_setting_count; i++)
        suggest_offer(&suggest, schema_settings[i].name);
    for (size_t i = 0; i < schema_variable_count; i++)
        suggest_offer(&suggest, schema_variables[i].name);
    for (size_t i = 0; i < schema_setting_count; i++) {
        full_name(&schema_settings[i], names[1]);
        suggest_offer(&suggest, names[1]);
        if (suggest.best == names[1])
            suggest.best = memcpy(names[0], names[1], FULL_NAME);
    }
    if (suggest.best)
        snprintf(out, FULL_NAME, "%s", suggest.best);
    return suggest.best != NULL;
}

static int unknown(struct span topic)
{
    char quoted[ERR_QUOTE], meant[FULL_NAME];
    fprintf(stderr, "portico: help: \"%s\" is no key, section or variable that Portico knows",
            err_quote(topic, quoted));
    if (find_meant(topic, meant))
        fprintf(stderr, "; did you mean \"%s\"?\n", meant);
    else if (schema_is_port(key_of(topic)))
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
