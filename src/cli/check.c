/* portico check: is the configuration sound? Opens no port and makes no certificate. */
#include <stdio.h>

#include "cli/cli.h"
#include "config/config.h"

int cli_check(const char *path)
{
    struct config_problems problems = {0};
    if (path == NULL)
        path = config_default_path();
    struct config *config = config_load(path, &problems);
    int status = config ? 0 : 2;
    if (config)
        printf("%s: ok, %zu route%s\n", path, config->route_count,
               config->route_count == 1 ? "" : "s");
    else
        config_problems_print(&problems, stderr);
    config_problems_release(&problems);
    config_unref(config);
    return status;
}
