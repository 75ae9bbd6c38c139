/* `portico run [FILE]` serves. It is the default command. */
#include <stdio.h>

#include "base/err.h"
#include "base/log.h"
#include "cli/cli.h"
#include "config/load.h"
#include "server/server.h"

int cli_run(const struct cli_call *call)
{
    struct config_problems problems = {0};
    struct err err = {0};
    struct file_watch watch;
    char text[1024];

    server_prepare(&watch, call->file);
    struct config *config = config_load(call->file, call->format, &problems);
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
        return CLI_OK;
    err_format(&err, text, sizeof text);
    fprintf(stderr, "portico: %s%s%s\n", text, err.hint[0] ? "\nportico: hint: " : "", err.hint);
    return CLI_FAILED;
}
