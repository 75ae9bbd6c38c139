/* A decision says what becomes of a request, from its head, the configuration, and where it came
 * from (rows H01 to H08, H11 to H14 and H25 of the table in src/README.md).
 *
 * No connection is needed and nothing is remembered: workers decide here, and so does `portico
 * explain`. The two differ only where they are told different things, as about certificates: the
 * store knows what it could not use, `explain` what it finds on the disk. */
#ifndef PORTICO_PROXY_DECISION_H
#define PORTICO_PROXY_DECISION_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/reason.h"
#include "config/config.h"
#include "http/http_head.h"
#include "net/address.h"
#include "proxy/forward.h"
#include "proxy/reply.h"

/* Where a request came from. */
struct decision_peer {
    struct forward_client client;
    const char *sni;             /* over TLS: the name in the handshake; NULL: none was sent */
    const struct address *local; /* that the client connected to; NULL: ask `fd`, if it matters */
    int fd;
    /* Has the host a certificate that cannot be used? NULL: none has. The store's for a worker
     * (certs/store.h); from the files alone for a command (certs/inspect.h). */
    bool (*is_quarantined)(void *certificates, const char *host);
    void *certificates;
};

enum verdict {
    VERDICT_REFUSE,   /* reply_error with the reason */
    VERDICT_REDIRECT, /* decision_redirect */
    VERDICT_HELLO,    /* reply_hello */
    VERDICT_FORWARD   /* decision_head, to the route's upstream */
};

struct decision {
    enum verdict verdict;
    enum reason reason;               /* VERDICT_REFUSE only */
    bool is_malformed;                /* refused, and nobody knows where the request ends */
    const struct config_route *route; /* borrowed from the configuration; NULL when
                                         refused, unless for its certificate (E503-CERTIFICATE) */
};

/* Decides about a complete head (from scan.skipped to the size that http_scan gave), and takes
 * it apart into `request` as http_request_parse does. */
struct decision decide(const struct config *config, struct span head,
                       const struct decision_peer *peer, struct http_request *request);

/* The route whose certificate a TLS client gets, or NULL: the handshake ends with an alert
 * (H08). */
const struct config_route *decision_tls_route(const struct config *config,
                                              const struct decision_peer *peer);

/* The head as it goes upstream, appended to `out`: forward_request. */
void decision_head(const struct decision *decision, const struct http_request *request,
                   const struct decision_peer *peer, struct span request_id, struct buf *out);

/* The redirect to HTTPS, appended to `out`: reply_redirect. */
void decision_redirect(const struct decision *decision, const struct config *config,
                       const struct http_request *request, const struct reply *reply,
                       struct buf *out);

#endif
