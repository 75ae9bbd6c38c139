/* `portico reload [FILE]`: asks the process that serves a file to read it again.
 *
 * What the file says helps to find the process, but it may be as wrong as it likes: that is for the
 * process to report. Only when there is no process, it is loaded here, for its problems are then
 * what there is to say. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "config/config.h"
#include "server/admin_client.h"
#include "server/control_search.h"

static int fail(const char *why)
{
    fprintf(stderr, "portico: %s\n", why);
    return CLI_FAILED;
}

/* Nobody was found: the file's problems, if it has any, and where was looked. */
static int report(const struct cli_source *source, const char *tried)
{
    struct config_problems problems = {0};
    struct config *config = config_load(source->path, source->format, &problems);
    int status = config ? CLI_FAILED : CLI_BAD_CONFIG;
    if (config == NULL)
        config_problems_print(&problems, stderr);
    fprintf(stderr,
            "portico: no process was found that serves %s; tried were:%s\n"
            "portico: hint: is Portico running, with this file, and as the same user? `kill -HUP "
            "PID` reloads it too\n",
            source->path, tried);
    config_unref(config);
    config_problems_release(&problems);
    return status;
}

static int ask(int fd)
{
    int status = admin_ask(fd, "reload", stdout, stderr);
    close(fd);
    if (status != -1)
        return status;
    return fail("the process ended the connection without an answer; its log says more");
}

int cli_reload(const struct cli_source *source)
{
    char *text = NULL;
    size_t len = 0;
    int status, fd = -1;
    if (strcmp(source->path, "-") == 0)
        return fail("standard input cannot be read again; name the file that Portico serves");
    struct config *config = config_peek(source->path, source->format);
    FILE *tried = open_memstream(&text, &len);
    if (config && tried)
        fd = control_search(config, source->path, tried);
    if (tried)
        fclose(tried);
    if (fd != -1)
        status = ask(fd);
    else
        status = config && text ? report(source, text) : fail("out of memory");
    config_unref(config);
    free(text);
    return status;
}
