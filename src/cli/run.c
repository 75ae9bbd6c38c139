/* `portico run [FILE]`: serve. The default command. */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "cli/cli.h"
#include "config/config.h"
#include "server/server.h"

int cli_run(const struct cli_source *source)
{
    struct config_problems problems = {0};
    struct err err = {0};
    struct file_watch watch;
    char text[1024];

    server_prepare(&watch, source->path);
    struct config *config = config_load(source->path, source->format, &problems);
    if (config) {
        log_set_level(config->log_level);
        config_problems_log(&problems); /* warnings */
    } else {
        config_problems_print(&problems, stderr);
    }
    config_problems_release(&problems);
    if (config == NULL)
        return CLI_BAD_CONFIG;
    if (server_run(config, &watch, &err) == 0)
        return EXIT_SUCCESS;
    err_format(&err, text, sizeof text);
    fprintf(stderr, "portico: %s\n", text);
    if (err.hint[0])
        fprintf(stderr, "portico: hint: %s\n", err.hint);
    return EXIT_FAILURE;
}
