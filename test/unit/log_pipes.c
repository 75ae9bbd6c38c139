/* Pipes for the log to write into, and readers at their other ends: see log_pipes.h. */
#include "log_pipes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/yield_point.h"

/* ---- Reading what was logged ---- */

struct log_reader access_log, error_log;
int access_end, error_end;

const char *next_line(struct log_reader *reader)
{
    static _Thread_local char line[65536];
    for (;;) {
        char *newline = memchr(reader->bytes, '\n', reader->len);
        if (newline) {
            size_t taken = (size_t)(newline - reader->bytes);
            memcpy(line, reader->bytes, taken);
            line[taken] = '\0';
            reader->len -= taken + 1;
            memmove(reader->bytes, newline + 1, reader->len);
            return line;
        }
        struct pollfd readable = {.fd = reader->fd, .events = POLLIN};
        if (poll(&readable, 1, 60000) != 1)
            fail_msg("nothing was logged");
        ssize_t got =
            read(reader->fd, reader->bytes + reader->len, sizeof reader->bytes - reader->len);
        assert_true(got >= 0);
        if (got == 0) {
            assert_int_equal(reader->len, 0); /* no torn line */
            return NULL;
        }
        reader->len += (size_t)got;
    }
}

void assert_matches(const char *line, const char *pattern)
{
    regex_t regex;
    assert_non_null(line);
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    int result = regexec(&regex, line, 0, NULL, 0);
    regfree(&regex);
    if (result != 0)
        fail_msg("\"%s\" does not match \"%s\"", line, pattern);
}

uint64_t lines_dropped(void)
{
    return (uint64_t)metrics_get(METRIC_LOG_DROPPED);
}

int64_t dropped_in(const char *line, const char *which)
{
    char pattern[64];
    const char *text = strstr(line, " warn log: ");
    snprintf(pattern, sizeof pattern, " lines of the %s were dropped", which);
    if (text == NULL || strstr(text, pattern) == NULL)
        return -1;
    return strtoll(text + strlen(" warn log: "), NULL, 10);
}

const char *next_message(int64_t *reported, int64_t until)
{
    const char *line = NULL;
    while (*reported != until && (line = next_line(&error_log)) != NULL) {
        int64_t dropped = dropped_in(line, "access log");
        if (dropped == -1)
            return line;
        *reported += dropped;
    }
    return NULL;
}

/* ---- Pipes to log into ---- */

static void open_pipe(struct log_reader *reader, int *end)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    reader->fd = ends[0];
    reader->len = 0;
    *end = ends[1];
}

int log_test_setup(void **state)
{
    (void)state;
    open_pipe(&access_log, &access_end);
    open_pipe(&error_log, &error_end);
    log_set_level(LOG_INFO);
    return 0;
}

void close_end(int *fd)
{
    if (*fd != -1)
        close(*fd);
    *fd = -1;
}

int log_test_teardown(void **state)
{
    (void)state;
    atomic_store(&yield_point_hook, NULL);
    log_stop();
    close_end(&access_end);
    close_end(&error_end);
    close_end(&access_log.fd);
    close_end(&error_log.fd);
    return 0;
}

void log_test_start(void)
{
    struct err err;
    if (log_start(access_end, error_end, &err) == -1)
        fail_msg("%s", err.message);
}

void log_test_stop(void)
{
    log_stop();
    close_end(&access_end);
    close_end(&error_end);
}
