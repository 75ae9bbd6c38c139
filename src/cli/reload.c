/* `portico reload [FILE]`: asks the process that serves a configuration to read it again. The file
 * tells only where the process is to be found (run_dir), so it may be as wrong as it likes: that
 * is for the process to report. */
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/cli.h"
#include "config/config.h"
#include "server/admin_client.h"
#include "server/control_socket.h"

int cli_reload(const struct cli_source *source)
{
    struct err err = {0};
    struct config *config = config_peek(source->path, source->notation);
    int fd = -1, status = -1;
    if (config == NULL)
        err_set(&err, "out of memory");
    else
        fd = control_socket_connect(config, &err);
    config_unref(config);
    if (fd == -1) {
        fprintf(stderr, "portico: %s\n", err.message);
        if (err.hint[0])
            fprintf(stderr, "portico: hint: %s\n", err.hint);
        return CLI_FAILED;
    }
    status = admin_ask(fd, "reload", stdout, stderr);
    close(fd);
    if (status != -1)
        return status;
    fprintf(stderr, "portico: the process ended the connection without an answer; its log says "
                    "more\n");
    return CLI_FAILED;
}
