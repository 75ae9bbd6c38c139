/* This module tells connections that they are not let in (refusal.h). The acceptor calls it, and
 * workers. */
#include "proxy/refusal.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"

void refusal_init(struct refusal *refusal, enum reason reason)
{
    char body[160];
    check(reason_status(reason) == 503);
    snprintf(body, sizeof body, "%s: %s\n", reason_code(reason), reason_sentence(reason));
    int len = snprintf(refusal->text, sizeof refusal->text,
                       "HTTP/1.1 503 Service Unavailable\r\n"
                       "Content-Type: text/plain; charset=utf-8\r\n"
                       "Content-Length: %zu\r\n"
                       "Retry-After: 10\r\n"
                       "Connection: close\r\n\r\n%s",
                       strlen(body), body);
    check(len > 0 && (size_t)len < sizeof refusal->text);
    refusal->len = (size_t)len;
    refusal->reason = reason;
}

void refusal_send(const struct refusal *refusal, int fd, bool secure)
{
    char discarded[4096];
    reason_count(refusal->reason);
    if (secure)
        return;
    /* Closing with unread input sends a reset, which can destroy the answer (RFC 9112, 9.6). A
     * request that is here already is taken; one that is under way cannot be waited for. */
    (void)!recv(fd, discarded, sizeof discarded, MSG_DONTWAIT);
    (void)!send(fd, refusal->text, refusal->len, MSG_DONTWAIT | MSG_NOSIGNAL);
}
