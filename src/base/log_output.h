/* An output carries whole lines to one descriptor, without ever waiting for it. Internal to the
 * log.
 *
 * Lines are gathered in one buffer while the log thread writes the other; when that is written,
 * the two change places.
 *
 * The descriptor may be blocking, and may be the same open file as another process's, so its
 * flags are left alone. A socket is written with MSG_DONTWAIT, a regular file at once; to
 * anything else (a pipe, a terminal) goes what poll(2) has promised to take: at most PIPE_BUF
 * bytes a write. That is also what a pipe takes in one piece, so where it can a write ends
 * with a line, and other writers of the same pipe tear none.
 *
 * Invariants
 *  1. Both buffers hold whole lines, but for the first of the one that is written, whose front
 *     may be gone.
 *  2. Lines that were taken are never thrown away: after an error they wait for the next
 *     attempt, so that a line that was begun is ended, also on a disk that was full for a while. */
#ifndef PORTICO_BASE_LOG_OUTPUT_H
#define PORTICO_BASE_LOG_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/span.h"

#define LOG_OUTPUT_SIZE ((size_t)1 << 20)   /* of each of the two buffers */
#define LOG_OUTPUT_WAKE ((size_t)128 << 10) /* worth a write: the lines still lie in a cache */

enum log_output_state {
    LOG_OUTPUT_READY,   /* everything taken was written */
    LOG_OUTPUT_BLOCKED, /* waits for POLLOUT */
    LOG_OUTPUT_FAILING, /* the last attempt failed with `error`; the next is at retry_at */
};

struct log_output {
    /* guarded by the log's mutex; the log thread alone changes `filling` */
    unsigned filling; /* which buffer lines are gathered in */
    size_t gathered;  /* how much of it is full */

    /* log thread only */
    int fd; /* borrowed */
    mode_t type;
    dev_t device;
    ino_t inode;
    enum log_output_state state;
    int error;
    int64_t retry_at;
    size_t start, end; /* what is left to write of the other buffer */

    char buffers[2][LOG_OUTPUT_SIZE];
};

/* 0, or -1 with errno when `fd` is not open. */
int log_output_init(struct log_output *output, int fd);

/* Whether both write to one file, pipe, socket or terminal. */
bool log_output_is_same_file(const struct log_output *a, const struct log_output *b);

/* Appends `line` and a newline; under the mutex. False without room for all of it. *much becomes
 * true when that made it more than LOG_OUTPUT_WAKE. */
bool log_output_add(struct log_output *output, struct span line, bool *much);

/* Takes what was gathered to be written, once everything before it is; under the mutex. Returns
 * whether it took anything. */
bool log_output_swap(struct log_output *output);

/* Writes what can be written now (monotonic); without the mutex. */
void log_output_flush(struct log_output *output, int64_t now);

#endif
