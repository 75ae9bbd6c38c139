/* The log's descriptors: nothing that stands at the other end of one (nobody, somebody slow, a
 * full disk) holds up a thread that logs, tears a line or loses one uncounted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "log_pipes.h"

/* Logs numbered access lines until at least `count` were dropped; returns how many it logged.
 * That it returns at all is the point. */
static int overflow(int first, uint64_t count)
{
    uint64_t before = lines_dropped();
    int i = first;
    for (; lines_dropped() - before < count; i++) {
        char text[128];
        int len = snprintf(text, sizeof text, "%d %090d end", i, 0);
        log_access(span_make(text, (size_t)len));
    }
    return i - first;
}

/* Counts them up to "the end". */
static void *count_access_lines(void *arg)
{
    static int count;
    int last = -1, i;
    const char *line;
    (void)arg;
    for (count = 0; strcmp(line = next_line(&access_log), "the end") != 0; count++) {
        assert_int_equal(sscanf(line, "%d", &i), 1);
        assert_true(i > last);
        assert_int_equal(strlen(line), (size_t)snprintf(NULL, 0, "%d", i) + 95);
        last = i;
    }
    return &count;
}

/* Repeats the last line until there was room for it; returns how often that was in vain. */
static int log_the_end(void)
{
    int dropped = 0;
    for (;; dropped++) {
        uint64_t before = lines_dropped();
        log_access(SPAN("the end"));
        if (lines_dropped() == before)
            return dropped;
        usleep(1000);
    }
}

static void check_blocked_reader(void)
{
    pthread_t reading;
    void *count;
    uint64_t before = lines_dropped();
    int64_t reported = 0;
    int flags = fcntl(access_end, F_GETFL);
    log_test_start();
    int logged = overflow(0, 5000);
    log_write(LOG_INFO, "still here"); /* the other log goes on */
    assert_matches(next_message(&reported, -1), "still here$");
    assert_int_equal(fcntl(access_end, F_GETFL), flags);
    assert_int_equal(pthread_create(&reading, NULL, count_access_lines, NULL), 0);
    assert_null(next_message(&reported, (int64_t)(lines_dropped() - before)));
    logged += overflow(logged, 1); /* there is room again, until there is not */
    logged += log_the_end();
    pthread_join(reading, &count);
    assert_int_equal((uint64_t)(*(int *)count) + lines_dropped() - before, logged);
}

static void nobody_waits_for_a_blocked_pipe(void **state)
{
    (void)state;
    check_blocked_reader();
}

static void nor_for_a_non_blocking_one(void **state)
{
    (void)state;
    fcntl(access_end, F_SETFL, O_NONBLOCK);
    check_blocked_reader();
}

static void nor_for_a_socket(void **state)
{
    int ends[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    close(access_log.fd);
    close(access_end);
    access_log.fd = ends[0];
    access_end = ends[1];
    check_blocked_reader();
}

/* The reader of messages is the one that has stopped: the report is in its own log. */
static void lost_messages_are_reported_where_they_were_lost(void **state)
{
    uint64_t before = lines_dropped();
    int64_t reported = 0;
    int logged = 0, received = 0;
    const char *line;
    (void)state;
    log_test_start();
    for (; lines_dropped() - before < 1000; logged++)
        log_write(LOG_INFO, "number %d", logged);
    while (received + reported < logged) {
        line = next_line(&error_log);
        int64_t lost = dropped_in(line, "error log");
        reported += lost > 0 ? lost : 0;
        received += lost == -1;
    }
    assert_int_equal(reported, lines_dropped() - before);
    assert_int_equal(received + reported, logged);
}

/* Nobody reads and nobody will: stopping must return. */
static void stopping_does_not_wait_for_ever(void **state)
{
    (void)state;
    log_test_start();
    overflow(0, 1);
    log_stop();
}

static void stopping_writes_what_is_left(void **state)
{
    (void)state;
    log_test_start();
    for (int i = 0; i < 100; i++) {
        log_access(SPAN("left"));
        log_write(LOG_INFO, "left");
    }
    log_test_stop();
    for (int i = 0; i < 100; i++) {
        assert_string_equal(next_line(&access_log), "left");
        assert_matches(next_line(&error_log), " left$");
    }
    assert_null(next_line(&access_log));
    assert_null(next_line(&error_log));
}

static void a_reader_that_goes_ends_nothing(void **state)
{
    (void)state;
    log_test_start();
    close_end(&access_log.fd);
    log_access(SPAN("unread"));
    assert_matches(next_line(&error_log),
                   " error log: the access log cannot be written: Broken pipe; ");
    overflow(0, 100);
    log_write(LOG_INFO, "still here");
    assert_matches(next_line(&error_log), " info main: still here$");
    close_end(&error_log.fd);
    log_write(LOG_INFO, "unread");
    log_stop();
}

static void a_full_disk_ends_nothing(void **state)
{
    (void)state;
    close(access_end);
    access_end = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(access_end >= 0);
    log_test_start();
    log_access(SPAN("unwritten"));
    assert_matches(next_line(&error_log), "cannot be written: No space left on device; ");
    overflow(0, 100);
    log_write(LOG_INFO, "still here");
    assert_matches(next_line(&error_log), "still here$");
}

/* Lets access lines run into a limit of the file's size in the middle of a line, reads the
 * `complaint` if one is expected, lifts the limit and logs a message; returns once `size` bytes
 * were written. */
static void run_into_a_limit(const char *complaint, off_t size)
{
    struct rlimit limit, small;
    char text[200];
    memset(text, 'a', sizeof text);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = (struct rlimit){.rlim_cur = 10001, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    log_test_start();
    for (int i = 0; i < 100; i++)
        log_access(span_make(text, sizeof text));
    while (lseek(access_end, 0, SEEK_END) < 10001)
        usleep(1000);
    if (complaint)
        assert_matches(next_line(&error_log), complaint);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    log_write(LOG_INFO, "message");
    while (lseek(access_end, 0, SEEK_END) < size)
        usleep(1000);
    log_stop();
}

static void read_file_instead(struct log_reader *reader, int *end)
{
    close(reader->fd);
    reader->fd = *end;
    *end = -1;
    lseek(reader->fd, 0, SEEK_SET);
}

/* A disk that fills up in the middle of a line, and has room again later. */
static void a_short_write_is_continued(void **state)
{
    (void)state;
    close(access_end);
    access_end = memfd_create("access", MFD_CLOEXEC);
    run_into_a_limit("cannot be written: File too large; ", 100 * 201);
    assert_matches(next_line(&error_log), "message$");
    read_file_instead(&access_log, &access_end);
    for (int i = 0; i < 100; i++)
        assert_int_equal(strspn(next_line(&access_log), "a"), 200);
    assert_null(next_line(&access_log));
}

/* The same with `2>&1`: the message does not get into the middle of the line. */
static void one_file_for_both_tears_nothing(void **state)
{
    (void)state;
    close(access_end);
    close(error_end);
    access_end = memfd_create("both", MFD_CLOEXEC);
    error_end = dup(access_end);
    run_into_a_limit(NULL,
                     100 * 201 + (off_t)strlen("2026-11-23T04:20:48.123Z info main: message\n"));
    read_file_instead(&access_log, &access_end);
    for (int i = 0; i < 100; i++)
        assert_int_equal(strspn(next_line(&access_log), "a"), 200);
    assert_matches(next_line(&access_log), DATE "info main: message$");
    assert_null(next_line(&access_log));
}

/* `portico 2>&1 | less`: both logs into one pipe, with lines longer than PIPE_BUF. */
static void one_pipe_for_both_tears_nothing(void **state)
{
    static char large[20000];
    uint64_t before = lines_dropped();
    int accesses = 0, messages = 0;
    (void)state;
    memset(large, 'a', sizeof large);
    close(error_end);
    error_end = dup(access_end);
    log_test_start();
    for (int i = 0; i < 12; i++) {
        log_access(span_make(large, sizeof large));
        log_write(LOG_INFO, "message");
    }
    while (accesses + messages + (int)(lines_dropped() - before) < 24) {
        const char *line = next_line(&access_log);
        if (line[0] == 'a') {
            assert_int_equal(strspn(line, "a"), sizeof large);
            assert_int_equal(strlen(line), sizeof large);
            accesses++;
        } else if (dropped_in(line, "access log") == -1) {
            assert_matches(line, DATE "info main: message$");
            messages++;
        }
    }
    assert_int_equal(messages, 12);
}

/* Other processes may write to the same pipe at any time: it never holds half a line. */
static void other_writers_of_the_pipe_tear_nothing(void **state)
{
    static char bytes[1 << 20];
    size_t total = 0;
    (void)state;
    assert_true(fcntl(access_end, F_SETPIPE_SZ, 4096) >= 4096);
    log_test_start();
    for (int i = 0; i < 1000; i++)
        log_access(SPAN("a line whose length is no divisor of the size of a page"));
    while (total < (size_t)1000 * 56) {
        struct pollfd readable = {.fd = access_log.fd, .events = POLLIN};
        assert_int_equal(poll(&readable, 1, 60000), 1);
        ssize_t got = read(access_log.fd, bytes, sizeof bytes);
        assert_true(got > 0);
        assert_int_equal(bytes[got - 1], '\n');
        total += (size_t)got;
    }
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, log_test_setup, log_test_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(nobody_waits_for_a_blocked_pipe),
        LOG_TEST(nor_for_a_non_blocking_one),
        LOG_TEST(nor_for_a_socket),
        LOG_TEST(lost_messages_are_reported_where_they_were_lost),
        LOG_TEST(stopping_does_not_wait_for_ever),
        LOG_TEST(stopping_writes_what_is_left),
        LOG_TEST(a_reader_that_goes_ends_nothing),
        LOG_TEST(a_full_disk_ends_nothing),
        LOG_TEST(a_short_write_is_continued),
        LOG_TEST(one_file_for_both_tears_nothing),
        LOG_TEST(one_pipe_for_both_tears_nothing),
        LOG_TEST(other_writers_of_the_pipe_tear_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
