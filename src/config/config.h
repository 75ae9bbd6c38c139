/* The configuration: what its file and the environment say, checked and complete.
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

#define CONFIG_DEFAULT_PATH "config.toml" /* in the current directory */
#define CONFIG_SIZE_MAX     (10u * 1024u * 1024u)

enum cert_type { CERT_SELF_SIGNED, CERT_ACME, CERT_NONE };

/* Where something listens. */
struct config_place {
    char *text; /* as written: "host:port", "[::1]:80" or "builtin:hello" */
    char *host; /* lower case, without brackets; NULL for builtin:hello */
    uint16_t port;
};

struct config_timeouts { /* all in microseconds */
    int64_t handshake, head, keep_alive, linger;
    int64_t connect, answer, write, tunnel, tunnel_half, body, upstream_idle;
};

/* One of the routes. */
struct config_route {
    char *host; /* lower case, no trailing dot, no port; IPv6 without brackets */
    struct config_place upstream;
    enum cert_type cert_type;
    struct config_timeouts timeouts; /* the route's own, else those of the configuration */
    char *authorization; /* a secret: what the upstream gets as the Authorization field in place of
                            the client's; NULL: the client's own */
    unsigned line;       /* of the host in the file; 0 when its parser gave no places */
    const struct value_table *written; /* what the file says about it, in the tree */
    void *upstream_state; /* owned elsewhere: the proxy's struct upstream, set once before
                             the configuration is published */
};

struct value;

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

/* Problems of one file, in the order of their places. Zero it to begin. */
struct config_problems {
    struct problems found; /* owned */
    char *source;          /* owned: the text, of which only lines that may be shown are left; NULL
                              when there is none */
    size_t source_len;
};

/* Loads and checks `path` ("-": standard input), with the environment. `format` NULL: the one
 * that the name of the file ends in. NULL with at least one error among the problems; else a
 * configuration with one reference, and perhaps warnings. Release the problems in both cases. */
struct config *config_load(const char *path, const struct format *format,
                           struct config_problems *problems);

/* The same, of a text in memory that goes by the name of `path`, which tells the format. */
struct config *config_load_text(const char *path, struct span text,
                                struct config_problems *problems);

/* Prints each problem, if there are any: its place and what is wrong, the line with a caret
 * below, the hint.
 * In colour if `out` is a terminal and NO_COLOR is not set. */
void config_problems_print(const struct config_problems *problems, FILE *out);
void config_problems_release(struct config_problems *problems);

/* Leaves of the source only the lines that may be shown, by what the tree says of them; none when
 * there is no tree. */
void config_problems_excerpt(struct config_problems *problems, const struct value_tree *tree);

/* Writes each into the log, in one line: a warning as one, an error as one. */
void config_problems_log(const struct config_problems *problems);

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

struct config *config_ref(struct config *config);
void config_unref(struct config *config); /* NULL is fine */

/* What can be made out of `path`, however wrong it is: for a command that wants to know where
 * the process is that serves it (run_dir and cert_dir). Nothing else may be used of it. NULL only
 * when out of memory. */
struct config *config_peek(const char *path, const struct format *format);

#endif
