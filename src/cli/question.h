/* The request that `portico explain` is asked about. */
#ifndef PORTICO_CLI_QUESTION_H
#define PORTICO_CLI_QUESTION_H

#include "base/buf.h"
#include "cli/cli.h"
#include "http/http_url.h"
#include "net/address.h"

struct question {
    const char *method, *text; /* borrowed; the text is the URL */
    struct http_url url;
    struct address client;
    struct buf head; /* as a client would send it */
};

/* Reads the command line. 0, or -1 when it is wrong, which was said. question_release in any case.
 */
int question_read(const struct cli_call *call, struct question *question);
void question_release(struct question *question);

#endif
