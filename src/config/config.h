/* The configuration is what its file and the environment say, checked and complete.
 *
 * Immutable once loaded and counted: a reload loads a new one beside the old, and the last
 * reference frees. Everything in it is plain data; what changes at run time (pools, health,
 * certificates, counters) lives elsewhere, keyed by name.
 *
 * Durations are microseconds (base/clock.h). Environment beats file. */
#ifndef PORTICO_CONFIG_CONFIG_H
#define PORTICO_CONFIG_CONFIG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/log.h"
#include "base/span.h"
#include "config/format.h"
#include "config/route.h"
#include "format/problems.h"

struct config {
    unsigned magic;
    atomic_uint refs;
    struct value_tree *tree;     /* owned: the memory of everything here but the table */
    char *path;                  /* of the file; "-" for standard input */
    const struct format *format; /* that the file is written in */

    /* [server] */
    char **listen;    /* IP literals, NULL-terminated; default "0.0.0.0", "::" */
    unsigned workers; /* 0: chosen from the number of cores */
    int64_t drain;
    unsigned max_connections; /* 0: what RLIMIT_NOFILE allows */
    unsigned max_per_client;  /* 0: no limit */
    int64_t max_wait;         /* for a worker; 0: no limit */
    char **trusted_proxies;   /* networks, checked, NULL-terminated */
    char *run_dir;            /* of the control socket; NULL when not given */
    bool watch;               /* the file, and reload when it changes */

    struct config_timeouts timeouts;
    unsigned body_rate;       /* bytes a second that a request body must average; 0: none */
    bool access_log;          /* a line on standard output for each request */
    enum log_level log_level; /* the least that is written to standard error */

    char *acme_email; /* NULL when not given */

    struct config_route *routes;
    size_t route_count;
    struct route_table *table; /* owned: host to route */
    struct trust *trust;       /* the proxy's: trusted_proxies, compiled into the tree's memory
                                  before the configuration is published; NULL: none */

    /* The environment */
    char *cert_dir;             /* CERT_DIR, default ".certs" */
    uint16_t http_port;         /* HTTP_PORT, default 80; 0: the kernel chooses */
    uint16_t https_port;        /* HTTPS_PORT, default 443; 0: the kernel chooses */
    uint16_t public_https_port; /* PUBLIC_HTTPS_PORT, default 443 */
};

/* What a file is called in messages: its path, or "standard input". */
const char *config_file_name(const char *path);

/* Writes every setting of the schema that has a value, at its place and in its order; without those
 * that are what they would be anyway, unless `with_defaults`. Loading it again gives the same,
 * secrets apart. Errors are those of `out`. */
void config_write(const struct config *config, const struct format *format, bool with_defaults,
                  FILE *out);

/* What the file says about a route (in the order of config->routes) under `key`, or NULL. */
const struct value *config_route_value(const struct config *config, size_t index, struct span key);

/* Adds a problem about that, see problems_add. */
struct err *config_route_problem(const struct config *config, size_t index, struct span key,
                                 struct problems *problems, enum problem_code code,
                                 const char *format, ...) __attribute__((format(printf, 6, 7)));

/* Takes over the tree, in whose memory everything of the configuration lies. One reference; NULL
 * when out of memory, without the tree. */
struct config *config_new(const char *path, const struct format *format, struct value_tree *tree);

struct config *config_ref(struct config *config);
void config_unref(struct config *config); /* NULL is fine */

#endif
