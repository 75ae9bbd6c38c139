/* The configuration file is watched for changes, whichever way it changes: written in place, put
 * in its place by rename(2) (as editors do), removed and back again, or reached through symbolic
 * links of which one is swapped (as Kubernetes does with "..data").
 *
 * It is looked at once a second, with stat(2), which follows links and works on every file
 * system. A file that is still being written looks different each time, so a change counts once
 * two looks in a row agree.
 *
 * What cannot be seen: a container that has a single file mounted keeps the file that was there
 * when it was started, whatever takes its name outside. */
#ifndef PORTICO_SERVER_FILE_WATCH_H
#define PORTICO_SERVER_FILE_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/clock.h"

#define FILE_WATCH_EVERY CLOCK_SECOND

struct file_watch {
    const char *path;    /* borrowed */
    int64_t due;         /* when to look; CLOCK_NEVER: not watching */
    struct stat loaded;  /* how it was when it was read; all zero: it was not there */
    struct stat at_look; /* how it was at the last look */
};

/* Notes how the file is now, which is going to be read: what has changed up to now is no news.
 * Also begins: not watching yet, or going on as before. */
void file_watch_init(struct file_watch *watch, const char *path);
void file_watch_note(struct file_watch *watch);

/* Begins to watch, or goes on; or stops. What has changed since the file was read is noticed. */
void file_watch_set(struct file_watch *watch, bool on, int64_t now);

/* To be called when `due` has come: is the file another than the one that was read, and has it
 * come to rest? One that is not there has not changed, for it will come back. */
bool file_watch_has_changed(struct file_watch *watch, int64_t now);

#endif
