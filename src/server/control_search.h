/* A command searches for the process that serves a file. */
#ifndef PORTICO_SERVER_CONTROL_SEARCH_H
#define PORTICO_SERVER_CONTROL_SEARCH_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/un.h>

#include "config/config.h"

/* Connects to the process that serves the file `path`. It should be where `config` says, which was
 * made of that file ([server] run_dir, $RUNTIME_DIRECTORY, CERT_DIR, and /run/portico, where
 * systemd puts it); else it is looked for among all of this user's. Nobody is connected to that
 * serves another file. The descriptor (blocking); or -1, and a line for each place where it should
 * be is in `tried`. */
int control_search(const struct config *config, const char *path, FILE *tried);

/* The next address in `list`, which has the form of /proc/net/unix, at which somebody listens by
 * the name of a control socket. False at the end. */
bool control_search_next(FILE *list, struct sockaddr_un *address);

#endif
