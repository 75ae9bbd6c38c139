/* The access log has one line for each request, on standard output.
 *
 *   192.0.2.7 - - [23/Nov/2026:04:20:48 +0000] "GET /x HTTP/1.1" 200 1234 "referer" "agent"
 *   host=app.test time=0.012 upstream=0.011 reason=- id=0123abcd…
 *
 * (one line). It begins with the combined format, so that fail2ban, GoAccess and their kin
 * read it as it is, and goes on with key=value words. Bytes of the body, seconds with three
 * decimals. Nothing that a peer sent can end a line, a quoted field or a word: see log_escape;
 * in the words, white space and '=' are written as \xhh too. */
#ifndef PORTICO_PROXY_ACCESS_LOG_H
#define PORTICO_PROXY_ACCESS_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/reason.h"
#include "base/span.h"
#include "net/address.h"

/* No line is longer. What peers sent is cut off after these many bytes, as they are in the
 * line (with escapes). */
#define ACCESS_LOG_MAX         24576u
#define ACCESS_LOG_METHOD_MAX  64u
#define ACCESS_LOG_TARGET_MAX  16384u
#define ACCESS_LOG_VERSION_MAX 64u
#define ACCESS_LOG_REFERER_MAX 2048u
#define ACCESS_LOG_AGENT_MAX   1024u
#define ACCESS_LOG_WORD_MAX    512u /* host, id */

struct access_entry {
    const struct address *client;
    struct span method, target; /* as received */
    struct span version;        /* likewise; empty: there was none */
    int status;
    uint64_t bytes;             /* of the body, sent */
    struct span referer, agent; /* empty: "-" */
    struct span host;           /* the route's, or the one received; empty: "-" */
    int64_t duration_us;
    int64_t upstream_us; /* -1: none was asked */
    enum reason reason;
    const char *request_id; /* NULL or empty: "-" */
    bool has_request_line;  /* else "-" stands in its place */
};

/* The line, for the second of `wall_us`, into out[0..size) without newline or NUL; cut off at
 * `size`. Returns its length. ACCESS_LOG_MAX is always enough. */
size_t access_log_format(const struct access_entry *entry, int64_t wall_us, char *out, size_t size);

/* Formats and logs it, now. */
void access_log_write(const struct access_entry *entry);

#endif
