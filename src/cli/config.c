/* `portico config [FILE] [--to toml|json|yaml] [--no-defaults]` prints the configuration in force,
 * in any format; secrets are masked. What the environment alone says (ports, CERT_DIR) is no part
 * of it. */
#include <stdio.h>

#include "cli/cli.h"

int cli_config(const struct cli_call *call)
{
    struct config *config = cli_load(call);
    if (config == NULL)
        return CLI_BAD_CONFIG;
    config_write(config, call->to ? call->to : config->format, !call->without_defaults, stdout);
    config_unref(config);
    return CLI_OK;
}
