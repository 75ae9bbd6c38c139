/* `portico check [FILE]`: is the configuration sound? Opens no port and makes no certificate. */
#include <stdio.h>

#include "cli/cli.h"
#include "config/config.h"

int cli_check(const struct cli_source *source)
{
    struct config_problems problems = {0};
    struct config *config = config_load(source->path, source->notation, &problems);
    int status = config ? CLI_OK : CLI_BAD_CONFIG;
    if (config)
        printf("%s: ok, %zu route%s\n", source->path, config->route_count,
               config->route_count == 1 ? "" : "s");
    else
        config_problems_print(&problems, stderr);
    config_problems_release(&problems);
    config_unref(config);
    return status;
}
