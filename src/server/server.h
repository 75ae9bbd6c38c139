/* The server is everything put together, from a configuration to the end of the process. */
#ifndef PORTICO_SERVER_SERVER_H
#define PORTICO_SERVER_SERVER_H

#include "base/err.h"
#include "config/config.h"
#include "server/file_watch.h"

/* To be called before the configuration is read, for what happens until server_run: SIGHUP and
 * SIGUSR1 wait for it, and `watch` notes how the file at `path` is. */
void server_prepare(struct file_watch *watch, const char *path);

/* Serves until SIGTERM or SIGINT, then drains. Runs on the main thread, before any other was
 * started, borrows `watch` and takes over one reference to `config`. Returns 0 once everything has
 * ended in good order, or -1 with `err` when it could not start. */
int server_run(struct config *config, struct file_watch *watch, struct err *err);

#endif
