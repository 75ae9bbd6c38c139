/* The server: everything put together, from a configuration to the end of the process. */
#ifndef PORTICO_SERVER_SERVER_H
#define PORTICO_SERVER_SERVER_H

#include "base/err.h"
#include "config/config.h"

/* Serves until SIGTERM or SIGINT, then drains. Runs on the main thread, before any other was
 * started, and takes over one reference to `config`. Returns 0 once everything has ended in
 * good order, or -1 with `err` when it could not start. */
int server_run(struct config *config, struct err *err);

#endif
