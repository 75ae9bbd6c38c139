/* `portico config [FILE] [--to toml|json|yaml] [--no-defaults]`: the configuration in force, in
 * any format; secrets are masked. What the environment alone says (ports, CERT_DIR) is no part
 * of it. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "config/config.h"
#include "config/config_write.h"

int cli_config(char **arguments)
{
    const char *to = NULL;
    bool with_defaults = true;
    const struct cli_option options[] = {
        {"--to", .value = &to},
        {"--defaults", .flag = &with_defaults, .truth = true},
        {"--no-defaults", .flag = &with_defaults, .truth = false},
        {.name = NULL},
    };
    struct cli_source source;
    if (cli_options_take(arguments, options) < 0 || cli_source_parse(arguments, &source) < 0)
        return CLI_BAD_USAGE;
    const struct format *format = to ? format_named(to) : NULL;
    if (to && format == NULL)
        return cli_usage("--to is not toml, json or yaml", to);

    struct config_problems problems = {0};
    struct config *config = config_load(source.path, source.format, &problems);
    if (config == NULL)
        config_problems_print(&problems, stderr);
    config_problems_release(&problems);
    if (config == NULL)
        return CLI_BAD_CONFIG;
    config_write(config, format ? format : config->format, with_defaults, stdout);
    config_unref(config);
    return CLI_OK;
}
