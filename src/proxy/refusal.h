/* A refusal is what a connection that is not let in is told.
 *
 * The answer is made once, in advance: turning somebody away has to cost less than serving
 * them. It is plain text, has Retry-After, and says nothing about a request, which nobody has
 * read. Over TLS there is nobody to talk to yet: such a connection is just closed. */
#ifndef PORTICO_PROXY_REFUSAL_H
#define PORTICO_PROXY_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/reason.h"

struct refusal {
    enum reason reason;
    size_t len;
    char text[320];
};

/* The answer for a reason with the status 503. */
void refusal_init(struct refusal *refusal, enum reason reason);

/* Counts the reason, and sends the answer unless the connection is a TLS one. The caller closes. */
void refusal_send(const struct refusal *refusal, int fd, bool secure);

#endif
