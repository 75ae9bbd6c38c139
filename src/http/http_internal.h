/* The parsers of heads and URLs share this among themselves: first lines, authorities, and the
 * fields that say something about the message itself. Nobody else includes it. */
#ifndef PORTICO_HTTP_HTTP_INTERNAL_H
#define PORTICO_HTTP_HTTP_INTERNAL_H

#include "http/http_head.h"

/* Takes a request line (without its line end) apart: sets the method, target, origin_form and
 * minor of `request`, and for an absolute-form target authority and host. Fills what it
 * understood even if PARSE_BAD; touches nothing else. */
enum parse_result http_request_line(struct span line, struct http_request *request,
                                    enum reason *why);

/* Takes a status line (without its line end) apart: status, phrase and minor. */
bool http_status_line(struct span line, struct http_response *response);

/* Splits "host[:port]" (RFC 9110, 7.2; H04, H06). *host is without port, brackets and trailing
 * dot. False when it is malformed; *host is then unchanged. */
bool http_authority_split(struct span authority, struct span *host);

/* What the fields say about framing, connection and routing, gathered field by field; zero it
 * to begin. */
struct http_control {
    unsigned hosts; /* how many there were; below, the last one */
    unsigned lengths;
    unsigned codings;
    struct span host;
    struct span length;
    struct span coding;
    bool close; /* options of Connection */
    bool keep_alive;
    bool upgrade;
    bool upgrade_protocol; /* Upgrade names something other than h2c */
    bool expect_continue;
    bool expect_other;
    unsigned keep_alive_timeout; /* seconds; 0 when not given */
};

void http_control_note(struct http_control *control, const struct http_field *field);

/* Does the connection persist after this message (RFC 9112, 9.3)? */
bool http_control_persists(const struct http_control *control, unsigned minor);

/* How the message is framed (RFC 9112, 6; H01-H03); HTTP_FRAMING_NONE when no field says.
 * REASON_NONE, or what is wrong in terms of a request. */
enum reason http_control_framing(const struct http_control *control, unsigned minor,
                                 enum http_framing *framing, uint64_t *content_length);

#endif
