/* A client of the control socket says a line, gets an answer, and that is all.
 *
 *     request    "reload\n"
 *     answer     "ok\n" or "error N\n" (N: the exit status that a command should have), then
 *                text for people until the end of the stream
 *
 * A request is at most ADMIN_REQUEST bytes long, and everything takes at most ADMIN_TIME, so a
 * client that is silent or does not read holds nobody up. */
#ifndef PORTICO_SERVER_ADMIN_CLIENT_H
#define PORTICO_SERVER_ADMIN_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/clock.h"

#define ADMIN_REQUEST 256u
#define ADMIN_TIME    (5 * CLOCK_SECOND)

/* Carries out a request (a line without its end) and writes text for people to `out`. The exit
 * status: 0 is "ok". */
typedef int admin_command_fn(void *arg, const char *request, FILE *out);

struct admin_client {
    int fd;           /* owned; -1: nobody */
    int64_t deadline; /* everything is over then */
    char request[ADMIN_REQUEST];
    size_t request_len;
    char *answer; /* owned; NULL: the request is not complete */
    size_t answer_len, answer_sent;
};

#define ADMIN_CLIENT_NONE ((struct admin_client){.fd = -1})

/* Takes over a non-blocking descriptor. */
void admin_client_begin(struct admin_client *client, int fd, int64_t now);

/* Goes on as far as possible; once the request is there, `command` is called, once. The client
 * is over (fd -1) when the answer is out, when it has gone, or at its deadline. */
void admin_client_step(struct admin_client *client, int64_t now, admin_command_fn *command,
                       void *arg);

/* What to poll its descriptor for. */
short admin_client_events(const struct admin_client *client);

void admin_client_end(struct admin_client *client);

/* The other side: sends a request over `fd` (blocking), and copies the text of the answer to
 * `out`, or to `wrong` when it is an error. The exit status; -1 when there was no answer. */
int admin_ask(int fd, const char *request, FILE *out, FILE *wrong);

#endif
