/* Explanations: what `portico explain` found out about one request, and how it is printed. */
#ifndef PORTICO_CLI_EXPLANATION_H
#define PORTICO_CLI_EXPLANATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/reason.h"
#include "certs/inspect.h"
#include "config/config.h"
#include "config/names.h"
#include "http/http_head.h"
#include "http/http_url.h"
#include "net/resolver.h"
#include "proxy/decision.h"

struct explanation {
    /* What was asked */
    const char *method, *url_text; /* borrowed */
    struct http_url url;
    struct buf head; /* the request, as a client would send it */
    struct address client;
    struct address local; /* where it went, when the URL says so */
    char sni[HOST_TEXT + 2];

    /* What becomes of it */
    struct config *config; /* borrowed */
    struct decision_source source;
    const struct config_route *tls_route; /* https: whose certificate; NULL: an alert */
    struct inspect_certificate certificate;
    int certificate_error; /* errno of inspect_certificate; 0: it is good */
    struct err certificate_err;
    struct err quarantine_err; /* which file, when a certificate is the reason */
    struct http_request request;
    bool is_read; /* the connection got as far as the request */
    struct decision decision;
    enum reason reason; /* REASON_NONE, or why it is refused */
    char hint[1024];    /* what to do about that; may be empty */
    struct buf answer;  /* VERDICT_REDIRECT */
    int status;         /* of the answer; 0 when only the upstream knows, or when there is none */
    struct span location;
    struct buf forwarded; /* the head as it goes upstream */
    struct address addresses[RESOLVER_ADDRESSES];
    size_t address_count;
    char why[128]; /* why there are none */
};

/* "file:line", or the file alone when the line is not known. Returns `out`. */
#define EXPLANATION_PLACE 512u
const char *explanation_place(const struct config *config, const struct config_route *route,
                              char out[EXPLANATION_PLACE]);

/* Does a client at that port reach Portico without anything in between? */
bool explanation_has_port(const struct explanation *explanation);

/* What is to be said if not, or NULL. Returns `out`. */
#define EXPLANATION_NOTE 96u
const char *explanation_note(const struct explanation *explanation, char out[EXPLANATION_NOTE]);

void explanation_print(const struct explanation *explanation, FILE *out);
void explanation_print_json(const struct explanation *explanation, FILE *out);

#endif
