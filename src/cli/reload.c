/* `portico reload [FILE]` asks the process that serves a file to read it again.
 *
 * What the file says helps to find the process, but it may be as wrong as it likes: that is for the
 * process to report. Only when there is no process, it is loaded here, for its problems are then
 * what there is to say. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "config/load.h"
#include "server/admin_client.h"
#include "server/control_search.h"

/* Says that no process was found: the file's problems, if it has any, and where it was looked for.
 */
static int report(const struct cli_call *call, const char *tried)
{
    struct config *config = cli_load(call);
    int status = config ? CLI_FAILED : CLI_BAD_CONFIG;
    fprintf(stderr,
            "portico: no process was found that serves %s; tried were:%s\n"
            "portico: hint: is Portico running, with this file, and as the same user? `kill -HUP "
            "PID` reloads it too\n",
            call->file, tried);
    config_unref(config);
    return status;
}

int cli_reload(const struct cli_call *call)
{
    char *text = NULL;
    size_t len = 0;
    int status, fd = -1;
    if (strcmp(call->file, "-") == 0)
        return cli_failed("standard input cannot be read again; name the file that Portico serves");
    struct config *config = config_peek(call->file, call->format);
    FILE *tried = open_memstream(&text, &len);
    if (config && tried)
        fd = control_search(config, call->file, tried);
    if (tried)
        fclose(tried);
    if (fd == -1) {
        status = config && text ? report(call, text) : cli_failed("out of memory");
    } else {
        status = admin_ask(fd, "reload", stdout, stderr);
        close(fd);
    }
    if (status == -1)
        cli_failed("the process ended the connection without an answer; its log says more");
    config_unref(config);
    free(text);
    return status == -1 ? CLI_FAILED : status;
}
