/* Outputs: whole lines to one descriptor, without ever waiting for it. Internal to the log and
 * used by the log thread alone.
 *
 * The descriptor may be blocking, and may be the same open file as another process's, so its
 * flags are left alone. A socket is written with MSG_DONTWAIT, a regular file at once; to
 * anything else (a pipe, a terminal) goes what poll(2) has promised to take: at most PIPE_BUF
 * bytes a write. That is also what a pipe takes in one piece, so where it can a write ends
 * with a line, and other writers of the same pipe tear none.
 *
 * Invariants
 *  1. The staging buffer holds whole lines, but for the first, whose front may be written.
 *  2. Staged bytes are never thrown away: after an error they wait for the next attempt, so
 *     that a line that was begun is ended, also on a disk that was full for a while. */
#ifndef PORTICO_BASE_LOG_OUTPUT_H
#define PORTICO_BASE_LOG_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LOG_OUTPUT_SIZE ((size_t)64 << 10)

enum log_output_state {
    LOG_OUTPUT_READY,   /* everything staged was written */
    LOG_OUTPUT_BLOCKED, /* waits for POLLOUT */
    LOG_OUTPUT_FAILING, /* the last attempt failed with `error`; the next is at retry_at */
};

struct log_output {
    int fd; /* borrowed */
    mode_t type;
    dev_t device;
    ino_t inode;
    enum log_output_state state;
    int error;
    int64_t retry_at;
    size_t start;
    size_t end;
    char bytes[LOG_OUTPUT_SIZE];
};

/* 0, or -1 with errno when `fd` is not open. */
int log_output_init(struct log_output *output, int fd);

/* Whether both write to one file, pipe, socket or terminal. */
bool log_output_is_same_file(const struct log_output *a, const struct log_output *b);

/* Where the next `len` bytes may be put, or NULL without room for them. */
char *log_output_reserve(struct log_output *output, size_t len);

/* `len` bytes, a whole line, were put there. */
void log_output_produce(struct log_output *output, size_t len);

/* Writes what can be written now (monotonic). */
void log_output_flush(struct log_output *output, int64_t now);

#endif
