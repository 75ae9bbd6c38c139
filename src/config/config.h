/* The configuration: what config.toml and the environment say, checked and complete.
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
#include "config/route.h"

enum cert_type { CERT_SELF_SIGNED, CERT_ACME, CERT_NONE };

/* One [[routes]]. */
struct config_route {
    char *host;          /* lower case, no trailing dot, no port; IPv6 without brackets */
    char *upstream;      /* as written: "host:port", "[::1]:80" or "builtin:hello" */
    char *upstream_host; /* without brackets; NULL for builtin:hello */
    uint16_t upstream_port;
    enum cert_type cert_type;
    unsigned line;        /* where it stands in the file */
    void *upstream_state; /* owned elsewhere: the proxy's struct upstream, set once before
                             the configuration is published */
};

struct config_timeouts { /* all in microseconds */
    int64_t handshake, head, keep_alive, connect, answer, write, tunnel, tunnel_half, body;
    int64_t linger;
    int64_t upstream_idle;
};

struct config {
    unsigned magic;
    atomic_uint refs;
    char *path; /* of the file */

    /* [server] */
    char **listen;    /* IP literals, NULL-terminated; default "0.0.0.0", "::" */
    unsigned workers; /* 0: chosen from the number of cores */
    int64_t drain;
    unsigned max_connections; /* 0: what RLIMIT_NOFILE allows */
    unsigned max_per_client;  /* 0: no limit */
    char **trusted_proxies;   /* networks, checked, NULL-terminated */

    struct config_timeouts timeouts;
    unsigned body_rate; /* bytes a second that a request body must average; 0: none */

    char *acme_email; /* NULL when not given */

    struct config_route *routes;
    size_t route_count;
    struct route_table *table; /* owned: host to route */

    /* The environment */
    char *cert_dir;             /* CERT_DIR, default ".certs" */
    uint16_t http_port;         /* HTTP_PORT, default 80; 0: the kernel chooses */
    uint16_t https_port;        /* HTTPS_PORT, default 443; 0: the kernel chooses */
    uint16_t public_https_port; /* PUBLIC_HTTPS_PORT, default 443 */
};

/* Problems of one file, in the order of their places. */
struct config_problems {
    struct err *items; /* owned */
    size_t count;
};

/* Loads and checks `path`. NULL with at least one problem; else a configuration with one
 * reference. Free the problems in both cases. */
struct config *config_load(const char *path, struct config_problems *problems);
void config_problems_print(const struct config_problems *problems, FILE *out);
void config_problems_release(struct config_problems *problems);

struct config *config_ref(struct config *config);
void config_unref(struct config *config); /* NULL is fine */

#endif
