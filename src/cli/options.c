/* Options: see options.h. Arguments are borrowed: values are pointers into them. */
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

int cli_usage(const char *what, const char *word)
{
    fprintf(stderr, "portico: %s: %s\nTry `portico help`.\n", what, word);
    return CLI_BAD_USAGE;
}

/* The option that `argument` is, with or without "=value"; or NULL. */
static const struct cli_option *find(const struct cli_option *options, const char *argument)
{
    for (; options->name; options++) {
        size_t len = strlen(options->name);
        bool is_joined = !options->flag && argument[len] == '=';
        if (strncmp(argument, options->name, len) == 0 && (argument[len] == '\0' || is_joined))
            return options;
    }
    return NULL;
}

static int keep(const struct cli_option *option, const char *value)
{
    if (value == NULL) {
        cli_usage("this option needs a value", option->name);
        return -1;
    }
    if (option->value) {
        *option->value = value;
        return 0;
    }
    size_t count = 0;
    while (option->values[count])
        count++;
    if (count == OPTION_VALUES_MAX) {
        cli_usage("this option was given too often", option->name);
        return -1;
    }
    option->values[count] = value;
    return 0;
}

int cli_options_take(char **arguments, const struct cli_option *options)
{
    char **left = arguments;
    for (; *arguments; arguments++) {
        const struct cli_option *option = find(options, *arguments);
        if (option == NULL) {
            *left++ = *arguments;
            continue;
        }
        if (option->flag) {
            *option->flag = option->truth;
            continue;
        }
        const char *joined = strchr(*arguments, '=');
        if (joined == NULL && arguments[1])
            arguments++;
        else if (joined == NULL)
            return keep(option, NULL);
        if (keep(option, joined ? joined + 1 : *arguments) < 0)
            return -1;
    }
    *left = NULL;
    return 0;
}
