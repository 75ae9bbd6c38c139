/* Watching the configuration file for changes, whichever way it changes: written in place, put
 * in its place by rename(2) (as editors do), removed and back again, or reached through symbolic
 * links of which one is swapped (as Kubernetes does with "..data").
 *
 * What cannot be seen: a container that has a single file mounted keeps the file that was there
 * when it was started, whatever takes its name outside. */
#ifndef PORTICO_SERVER_WATCH_H
#define PORTICO_SERVER_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/err.h"
#include "server/debounce.h"

/* What tells one state of a file from another. */
struct watch_identity {
    bool exists;
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
};

struct watch {
    const char *path; /* borrowed */
    int fd;           /* an inotify instance, for poll; -1: not watching */
    struct watch_identity seen;
    struct debounce debounce;
    int64_t look_again; /* something could not be watched; else CLOCK_NEVER */
};

/* Notes how the file is now: to be called before it is read. */
void watch_init(struct watch *watch, const char *path);

/* Begins to watch; what has changed since watch_init is noticed too. 0, or -1 with `err`. */
int watch_start(struct watch *watch, int64_t now, struct err *err);
void watch_stop(struct watch *watch);
bool watch_is_on(const struct watch *watch);

/* The descriptor is readable. */
void watch_read(struct watch *watch, int64_t now);

/* When to call watch_has_changed. */
int64_t watch_due(const struct watch *watch);

/* The file is going to be read, for whatever reason: what has changed up to now is no news. */
void watch_look(struct watch *watch, int64_t now);

/* Is the file another than at the last look, and has it come to rest? One that is not there
 * has not changed, for it will come back. */
bool watch_has_changed(struct watch *watch, int64_t now);

#endif
