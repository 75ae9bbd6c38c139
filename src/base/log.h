/* The log takes lines from any thread and writes them with one.
 *
 * Access lines go to standard output, everything else to standard error. A line is copied into
 * a buffer under a mutex, and the log thread takes all of it at once and writes it, so lines are
 * never torn or interleaved. A line reaches its descriptor within 200 ms. Nobody waits for the
 * log: when the buffer is full, because whoever reads the pipe has stopped, lines are dropped and
 * counted, and the count is logged as soon as there is room again.
 *
 * Lines of one kind keep their order, and those of both when they go to the same file.
 *
 * Before log_start and after log_stop, lines go straight to standard output and standard error.
 * Threads need no registration. */
#ifndef PORTICO_BASE_LOG_H
#define PORTICO_BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log_line.h"
#include "base/span.h"

/* Starts the log thread, writing access lines to `access_fd` and messages to `error_fd`
 * (both borrowed; blocking or not). 0, or -1 with `err`. */
int log_start(int access_fd, int error_fd, struct err *err);

/* Writes everything out, waiting at most a second for a blocked descriptor, and ends the
 * thread; nothing if it does not run. All producers have ended or log nothing any more. */
void log_stop(void);

/* One access line, without its newline. Control characters are the caller's to escape. Longer
 * than 32 KiB: cut off. */
void log_access(struct span line);

/* One message: "2026-11-23T04:20:48.123Z level thread: text". Control characters and bytes
 * that are not printable ASCII or UTF-8 are written as \xhh, so that no peer can forge a
 * line. Longer than 4,000 bytes: cut off. Keeps errno. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Messages below `level` are not written; LOG_INFO at the start. */
void log_set_level(enum log_level level);

#endif
