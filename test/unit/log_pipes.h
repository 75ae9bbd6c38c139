/* Pipes for the log to write into, and readers at their other ends. */
#ifndef PORTICO_TEST_LOG_PIPES_H
#define PORTICO_TEST_LOG_PIPES_H

#include <stddef.h>
#include <stdint.h>

#define DATE "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z "

struct log_reader {
    int fd;
    size_t len; /* of what was read and not yet given out */
    char bytes[65536];
};

extern struct log_reader access_log, error_log;
extern int access_end, error_end; /* where the log writes */

/* Before and after each test: new pipes; the log stopped, everything closed. */
int log_test_setup(void **state);
int log_test_teardown(void **state);

/* Starts the log on access_end and error_end. */
void log_test_start(void);

/* Stops it and closes its ends, so that the readers see the end of the file. */
void log_test_stop(void);

/* Closes what is open, and makes it -1. */
void close_end(int *fd);

/* The next line, without its newline; NULL at the end of the file. Waits for it. The memory is
 * the calling thread's, until its next call. */
const char *next_line(struct log_reader *reader);

/* Lines dropped since the start, of both logs. */
uint64_t lines_dropped(void);

/* The number that a report of lines dropped from `which` log begins with, or -1 if `line` is
 * none. */
int64_t dropped_in(const char *line, const char *which);

/* The next message that reports no dropped access lines; adds what the others say. NULL at the
 * end of the file, or once `until` lines were reported. */
const char *next_message(int64_t *reported, int64_t until);

/* An extended regular expression. */
void assert_matches(const char *line, const char *pattern);

#endif
