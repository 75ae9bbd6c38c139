/* `portico check [FILE]`: is the configuration sound? Opens no port and makes no certificate.
 * Also: which configuration it is. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "config/config.h"

const char *cli_config_path(const char *argument)
{
    if (argument)
        return argument;
    const char *path = getenv("CONFIG_PATH");
    return path && *path ? path : CONFIG_DEFAULT_PATH;
}

int cli_check(const char *path)
{
    struct config_problems problems = {0};
    struct config *config = config_load(path, &problems);
    int status = config ? CLI_OK : CLI_BAD_CONFIG;
    if (config)
        printf("%s: ok, %zu route%s\n", path, config->route_count,
               config->route_count == 1 ? "" : "s");
    else
        config_problems_print(&problems, stderr);
    config_problems_release(&problems);
    config_unref(config);
    return status;
}
