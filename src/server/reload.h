/* A reload puts another configuration in the place of the one in force, or changes nothing.
 *
 * The new one is loaded and everything it needs is made ready beside the old one; only when
 * nothing can fail any more is it published. Exchanges and tunnels in flight keep the one they
 * began with; whatever begins later has the new one. */
#ifndef PORTICO_SERVER_RELOAD_H
#define PORTICO_SERVER_RELOAD_H

#include <stdio.h>

#include "certs/store.h"
#include "config/config.h"
#include "config/schema.h"
#include "proxy/service.h"
#include "server/acceptor.h"
#include "server/listener_set.h"

/* The settings that take a restart, as they were at the start, in words. Only they are kept: the
 * rest of that configuration, which may hold secrets, goes with the last who uses it. */
#define RELOAD_FIXED_MAX 8u
struct reload_fixed {
    const char *names[RELOAD_FIXED_MAX]; /* as many as there are */
    char values[RELOAD_FIXED_MAX][SCHEMA_PATH_MAX + 1];
};

/* What a reload works on: all borrowed, but `started`. One thread at a time. */
struct reload {
    struct reload_fixed started;
    struct service *service;
    struct certs_store *certs;
    struct acceptor *acceptor;
    struct listener_set *listeners; /* those that the acceptor has */
};

enum reload_result {
    RELOAD_DONE = 0,
    RELOAD_FAILED = 1,   /* something outside of the configuration */
    RELOAD_PROBLEMS = 2, /* the configuration has problems */
};

/* The fixed settings of a configuration. */
struct reload_fixed reload_fixed_of(const struct config *config);

/* Reloads the file that the process was started with. Whatever happens is logged, and written to
 * `out`, for whoever asked (NULL: a signal). `cause` is for the log: "SIGHUP". */
enum reload_result reload_run(struct reload *reload, const char *cause, FILE *out);

#endif
