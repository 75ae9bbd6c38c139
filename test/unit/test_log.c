/* The log: what lines look like, that they arrive whole and in order, and that nothing that
 * stands at the other end of a descriptor (nobody, somebody slow, a full disk) holds up a
 * thread that logs, tears a line or loses one uncounted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <regex.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/thread.h"
#include "base/yield_point.h"

#define DATE "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z "

/* ---- Reading what was logged ---- */

struct reader {
    int fd;
    size_t len; /* of what was read and not yet given out */
    char bytes[65536];
};

static struct reader access_log, error_log;

/* The next line, without its newline; NULL at the end of the file. Waits for it. */
static const char *next_line(struct reader *reader)
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

static void assert_matches(const char *line, const char *pattern)
{
    regex_t regex;
    assert_non_null(line);
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    int result = regexec(&regex, line, 0, NULL, 0);
    regfree(&regex);
    if (result != 0)
        fail_msg("\"%s\" does not match \"%s\"", line, pattern);
}

/* The number that a report of dropped lines begins with, or -1 if `line` is none. */
static int64_t dropped_in(const char *line, const char *which)
{
    char pattern[64];
    const char *text = strstr(line, " warn log: ");
    snprintf(pattern, sizeof pattern, " lines of the %s were dropped", which);
    if (text == NULL || strstr(text, pattern) == NULL)
        return -1;
    return strtoll(text + strlen(" warn log: "), NULL, 10);
}

/* The next message that reports no dropped access lines; adds what the others say. NULL at the
 * end of the file, or once `until` lines were reported. */
static const char *next_message(int64_t *reported, int64_t until)
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

static int access_end, error_end; /* the log's; this process's readers are above */

static void open_pipe(struct reader *reader, int *end)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    reader->fd = ends[0];
    reader->len = 0;
    *end = ends[1];
}

static int setup(void **state)
{
    (void)state;
    open_pipe(&access_log, &access_end);
    open_pipe(&error_log, &error_end);
    log_set_level(LOG_INFO);
    return 0;
}

static void close_end(int *fd)
{
    if (*fd != -1)
        close(*fd);
    *fd = -1;
}

static int teardown(void **state)
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

static void start(void)
{
    struct err err;
    if (log_start(access_end, error_end, &err) == -1)
        fail_msg("%s", err.message);
}

/* Stops the log and closes its ends, so that the readers see the end of the file. */
static void stop(void)
{
    log_stop();
    close_end(&access_end);
    close_end(&error_end);
}

/* ---- Lines ---- */

static void lines_have_a_form(void **state)
{
    (void)state;
    start();
    log_access(SPAN("127.0.0.1 - - \"GET / HTTP/1.1\""));
    log_write(LOG_INFO, "ready on %d", 80);
    assert_string_equal(next_line(&access_log), "127.0.0.1 - - \"GET / HTTP/1.1\"");
    assert_matches(next_line(&error_log), DATE "info main: ready on 80$");
    log_write(LOG_WARN, "a");
    assert_matches(next_line(&error_log), DATE "warn main: a$");
    log_write(LOG_ERROR, "%s", "");
    assert_matches(next_line(&error_log), DATE "error main: $");
}

static void levels_are_kept(void **state)
{
    (void)state;
    start();
    log_write(LOG_DEBUG, "hidden");
    log_set_level(LOG_ERROR);
    log_write(LOG_WARN, "hidden");
    log_write(LOG_ERROR, "shown");
    log_set_level(LOG_DEBUG);
    log_write(LOG_DEBUG, "shown too");
    assert_matches(next_line(&error_log), " error main: shown$");
    assert_matches(next_line(&error_log), " debug main: shown too$");
}

static void messages_cannot_forge_lines(void **state)
{
    static const struct {
        const char *text, *written;
    } cases[] = {
        {"a\nb\r\tc\x1b[2J\x7f", "a\\x0ab\\x0d\\x09c\\x1b[2J\\x7f"},
        {"Gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
         "Gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\xff\xc3", "\\xff\\xc3"},                                     /* no UTF-8; cut off */
        {"\xc0\xaf\xe0\x80\x8a", "\\xc0\\xaf\\xe0\\x80\\x8a"},          /* overlong */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},                            /* a surrogate */
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},                   /* beyond U+10FFFF */
        {"\xc2\x9b", "\\xc2\\x9b"},                                     /* CSI in one character */
        {"\xe2\x80\xa8\xe2\x80\xae", "\\xe2\\x80\\xa8\\xe2\\x80\\xae"}, /* line end, bidi */
        {"\xc3(", "\\xc3("},
    };
    (void)state;
    start();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        log_write(LOG_INFO, "%s", cases[i].text);
        const char *text = strstr(next_line(&error_log), "main: ");
        assert_non_null(text);
        assert_string_equal(text + 6, cases[i].written);
    }
}

static void long_lines_are_cut_off(void **state)
{
    static char large[100000];
    (void)state;
    memset(large, 'a', sizeof large - 1);
    start();
    log_access(span_make(large, 32768));
    assert_int_equal(strlen(next_line(&access_log)), 32768);
    log_access(span_make(large, sizeof large - 1));
    assert_int_equal(strlen(next_line(&access_log)), 32768);
    log_write(LOG_INFO, "%s", large);
    assert_matches(next_line(&error_log), " main: a+$");
    memset(large, '\n', sizeof large - 1);
    log_write(LOG_INFO, "%s", large);
    assert_matches(next_line(&error_log), " main: (\\\\x0a)+$"); /* after a whole escape */
    assert_int_equal(log_dropped(), 0);
}

static void escapes_quoted_fields(void **state)
{
    char out[64];
    (void)state;
    size_t len = log_escape(SPAN("a\"b\\c\n\0\x7f\xc3\xbc~ "), out, sizeof out);
    out[len] = '\0';
    assert_string_equal(out, "a\\\"b\\\\c\\x0a\\x00\\x7f\\xc3\\xbc~ ");
    /* Only what fits as a whole. */
    assert_int_equal(log_escape(SPAN("ab\n"), out, 5), 2);
    assert_int_equal(log_escape(SPAN("ab\n"), out, 6), 6);
    assert_int_equal(log_escape(SPAN("a\""), out, 2), 1);
    assert_int_equal(log_escape(SPAN("a"), out, 0), 0);
    assert_int_equal(log_escape(span_make(NULL, 0), out, sizeof out), 0);
}

static void errno_is_kept(void **state)
{
    (void)state;
    start();
    errno = ENOENT;
    log_write(LOG_INFO, "x");
    assert_int_equal(errno, ENOENT);
    log_access(SPAN("x"));
    assert_int_equal(errno, ENOENT);
    errno = EPIPE;
    log_write(LOG_DEBUG, "hidden");
    assert_int_equal(errno, EPIPE);
}

static void without_a_thread_lines_go_straight(void **state)
{
    (void)state;
    int saved = dup(STDERR_FILENO);
    dup2(error_end, STDERR_FILENO);
    log_write(LOG_ERROR, "before");
    dup2(saved, STDERR_FILENO);
    assert_matches(next_line(&error_log), DATE "error main: before$");
    start();
    log_write(LOG_INFO, "during");
    log_stop();
    log_stop();
    dup2(error_end, STDERR_FILENO);
    log_write(LOG_ERROR, "after");
    dup2(saved, STDERR_FILENO);
    close(saved);
    assert_matches(next_line(&error_log), "during$");
    assert_matches(next_line(&error_log), "after$");
}

static void needs_descriptors_that_are_open(void **state)
{
    struct err err;
    (void)state;
    assert_int_equal(log_start(-1, error_end, &err), -1);
    assert_int_equal(errno, EBADF);
    assert_non_null(strstr(err.message, "standard output"));
    assert_true(strlen(err.hint) > 0);
}

/* ---- Threads ---- */

#define THREADS 6
#define LINES   3000

static void *log_many(void *arg)
{
    int number = *(const int *)arg;
    for (int i = 0; i < LINES; i++) {
        char text[128];
        int len = snprintf(text, sizeof text, "%d %d %0*d end", number, i, 1 + i % 90, 0);
        log_access(span_make(text, (size_t)len));
        log_write(LOG_INFO, "%d %d", number, i);
    }
    return NULL;
}

/* Reads to the end: lines of each thread in order and whole. Returns how many there were; adds
 * what reports say was dropped. */
static int read_many(struct reader *reader, int64_t *dropped)
{
    int count = 0, last[THREADS];
    const char *line;
    memset(last, -1, sizeof last);
    while ((line = next_line(reader)) != NULL) {
        int thread, i;
        int64_t lost = dropped_in(line, "access log");
        if (lost == -1)
            lost = dropped_in(line, "error log");
        if (lost >= 0) {
            *dropped += lost;
            continue;
        }
        const char *text = strstr(line, ": ");
        assert_int_equal(sscanf(text ? text + 2 : line, "%d %d", &thread, &i), 2);
        assert_true(thread >= 0 && thread < THREADS);
        assert_true(i > last[thread]);
        assert_int_equal(strcmp(line + strlen(line) - 4, " end") == 0, text == NULL);
        last[thread] = i;
        count++;
    }
    return count;
}

static void *read_access_log(void *dropped)
{
    static int count;
    count = read_many(&access_log, dropped);
    return &count;
}

static void threads_keep_their_order(void **state)
{
    static int numbers[THREADS];
    pthread_t threads[THREADS], reading;
    int64_t reported = 0, none = 0;
    uint64_t dropped = log_dropped();
    void *access_count;
    (void)state;
    /* The messages into a file, so that nobody need read them meanwhile. */
    close(error_end);
    error_end = memfd_create("error", MFD_CLOEXEC);
    start();
    assert_int_equal(pthread_create(&reading, NULL, read_access_log, &none), 0);
    for (int i = 0; i < THREADS; i++) {
        char name[16];
        numbers[i] = i;
        snprintf(name, sizeof name, "w%02d", i);
        assert_int_equal(thread_start(&threads[i], name, log_many, &numbers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    log_stop();
    close(error_log.fd);
    error_log.fd = error_end;
    error_end = -1;
    lseek(error_log.fd, 0, SEEK_SET);
    close_end(&access_end);
    pthread_join(reading, &access_count);
    int count = read_many(&error_log, &reported);
    assert_int_equal(count + *(int *)access_count + reported, 2 * THREADS * LINES);
    assert_int_equal(log_dropped() - dropped, reported);
    assert_int_equal(none, 0);
}

static void *log_name(void *arg)
{
    (void)arg;
    log_write(LOG_INFO, "here");
    return NULL;
}

/* A line outlives its thread. */
static void threads_are_named(void **state)
{
    pthread_t thread;
    (void)state;
    start();
    for (int i = 0; i < 20; i++) {
        assert_int_equal(thread_start(&thread, "w07", log_name, NULL), 0);
        pthread_join(thread, NULL);
        assert_matches(next_line(&error_log), " info w07: here$");
    }
}

static int64_t time_in(const char *line)
{
    int hour, minute, second, ms;
    assert_int_equal(sscanf(line + 11, "%d:%d:%d.%d", &hour, &minute, &second, &ms), 4);
    return ((hour * 60 + minute) * 60 + second) * INT64_C(1000) + ms;
}

static sem_t go, done;

static void *log_in_turn(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10; i++) {
        sem_wait(&go);
        log_write(LOG_INFO, "b%d", i);
        usleep(2000); /* so that timestamps differ */
        sem_post(&done);
    }
    return NULL;
}

/* Lines that wait in several rings are written in the order of their time. */
static void older_lines_go_first(void **state)
{
    pthread_t thread;
    int64_t last = 0;
    (void)state;
    sem_init(&go, 0, 0);
    sem_init(&done, 0, 0);
    start();
    assert_int_equal(thread_start(&thread, "b", log_in_turn, NULL), 0);
    for (int i = 0; i < 10; i++) {
        log_write(LOG_INFO, "a%d", i);
        usleep(2000);
        sem_post(&go);
        sem_wait(&done);
    }
    pthread_join(thread, NULL);
    for (int i = 0; i < 20; i++) {
        const char *line = next_line(&error_log);
        int64_t time = time_in(line);
        char pattern[16];
        snprintf(pattern, sizeof pattern, ": %c%d$", i % 2 ? 'b' : 'a', i / 2);
        assert_matches(line, pattern);
        assert_true(time >= last || last - time > 80000000); /* midnight */
        last = time;
    }
    sem_destroy(&go);
    sem_destroy(&done);
}

/* ---- Sleeping: forced interleavings ---- */

static sem_t reached, resume;
static const char *_Atomic stop_at;

static void hook(const char *name)
{
    const char *wanted = atomic_load(&stop_at);
    if (wanted && strcmp(name, wanted) == 0 && atomic_exchange(&stop_at, NULL)) {
        sem_post(&reached);
        sem_wait(&resume);
    }
}

/* Stops the log thread at `place`, logs a line there, and lets it go on. */
static void log_while_it_is_at(const char *place, const char *text)
{
    atomic_store(&stop_at, place);
    log_write(LOG_INFO, "wake up"); /* it comes by `place` on its way back to sleep */
    sem_wait(&reached);
    log_write(LOG_INFO, "%s", text);
    sem_post(&resume);
    assert_matches(next_line(&error_log), " wake up$");
    assert_non_null(strstr(next_line(&error_log), text));
}

static void no_line_is_slept_over(void **state)
{
    (void)state;
    sem_init(&reached, 0, 0);
    sem_init(&resume, 0, 0);
    atomic_store(&yield_point_hook, hook);
    start();
    for (int i = 0; i < 3; i++) {
        log_while_it_is_at("log idle", "before it says that it sleeps");
        log_while_it_is_at("log sleeping", "before it looks for the last time");
    }
    stop();
    assert_null(next_line(&error_log));
    sem_destroy(&reached);
    sem_destroy(&resume);
}

static void *log_and_pause(void *arg)
{
    atomic_store(&stop_at, "log pushed");
    log_write(LOG_INFO, "%s", (const char *)arg);
    return NULL;
}

/* The log thread takes the line and goes to sleep before its producer asks whether it does. */
static void a_late_signal_does_no_harm(void **state)
{
    pthread_t thread;
    (void)state;
    sem_init(&reached, 0, 0);
    sem_init(&resume, 0, 0);
    atomic_store(&yield_point_hook, hook);
    start();
    log_write(LOG_INFO, "first");
    assert_matches(next_line(&error_log), "first$");
    assert_int_equal(thread_start(&thread, "late", log_and_pause, "second"), 0);
    sem_wait(&reached);
    log_write(LOG_INFO, "third");
    assert_matches(next_line(&error_log), "second$|third$");
    assert_matches(next_line(&error_log), "second$|third$");
    sem_post(&resume);
    pthread_join(thread, NULL);
    log_write(LOG_INFO, "fourth");
    assert_matches(next_line(&error_log), "fourth$");
    sem_destroy(&reached);
    sem_destroy(&resume);
}

/* ---- Descriptors that do not take what they are given ---- */

/* Logs numbered access lines until at least `count` were dropped; returns how many it logged.
 * That it returns at all is the point. */
static int overflow(int first, uint64_t count)
{
    uint64_t before = log_dropped();
    int i = first;
    for (; log_dropped() - before < count; i++) {
        char text[128];
        int len = snprintf(text, sizeof text, "%d %090d end", i, 0);
        log_access(span_make(text, (size_t)len));
    }
    return i - first;
}

static int count_lines(struct reader *reader)
{
    int count = 0, last = -1, i;
    const char *line;
    while ((line = next_line(reader)) != NULL) {
        assert_int_equal(sscanf(line, "%d", &i), 1);
        assert_true(i > last);
        assert_int_equal(strlen(line), (size_t)snprintf(NULL, 0, "%d", i) + 95);
        last = i;
        count++;
    }
    return count;
}

static void *count_access_lines(void *arg)
{
    static int count;
    (void)arg;
    count = count_lines(&access_log);
    return &count;
}

static void check_blocked_reader(void)
{
    pthread_t reading;
    void *read_count;
    uint64_t before = log_dropped();
    int64_t reported = 0;
    int flags = fcntl(access_end, F_GETFL);
    start();
    int logged = overflow(0, 5000);
    log_write(LOG_INFO, "still here"); /* the other log goes on */
    assert_matches(next_message(&reported, -1), "still here$");
    assert_int_equal(fcntl(access_end, F_GETFL), flags);
    assert_int_equal(pthread_create(&reading, NULL, count_access_lines, NULL), 0);
    assert_null(next_message(&reported, (int64_t)(log_dropped() - before)));
    logged += overflow(logged, 1); /* there is room again, until there is not */
    stop();
    pthread_join(reading, &read_count);
    assert_int_equal((uint64_t) * (int *)read_count + log_dropped() - before, logged);
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
    uint64_t before = log_dropped();
    int64_t reported = 0;
    int logged = 0, received = 0;
    const char *line;
    (void)state;
    start();
    for (; log_dropped() - before < 1000; logged++)
        log_write(LOG_INFO, "number %d", logged);
    while (received + reported < logged) {
        line = next_line(&error_log);
        int64_t lost = dropped_in(line, "error log");
        reported += lost > 0 ? lost : 0;
        received += lost == -1;
    }
    assert_int_equal(reported, log_dropped() - before);
    assert_int_equal(received + reported, logged);
}

/* Nobody reads and nobody will: stopping must return. */
static void stopping_does_not_wait_for_ever(void **state)
{
    (void)state;
    start();
    overflow(0, 1);
    log_stop();
}

static void stopping_writes_what_is_left(void **state)
{
    pthread_t reading;
    void *count;
    uint64_t before = log_dropped();
    int64_t reported = 0;
    (void)state;
    start();
    int logged = overflow(0, 1);
    assert_int_equal(pthread_create(&reading, NULL, count_access_lines, NULL), 0);
    stop();
    pthread_join(reading, &count);
    assert_int_equal((uint64_t) * (int *)count + log_dropped() - before, logged);
    assert_null(next_message(&reported, -1));
    assert_int_equal(reported, log_dropped() - before);
}

static void a_reader_that_goes_ends_nothing(void **state)
{
    (void)state;
    start();
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
    start();
    log_access(SPAN("unwritten"));
    assert_matches(next_line(&error_log), "cannot be written: No space left on device; ");
    overflow(0, 100);
    log_write(LOG_INFO, "still here");
    assert_matches(next_line(&error_log), "still here$");
}

/* Lets access lines run into a limit of the file's size in the middle of a line, then lifts
 * the limit and logs a message; returns once `size` bytes were written. */
static void run_into_a_limit(off_t size)
{
    struct rlimit limit, small;
    char text[200];
    memset(text, 'a', sizeof text);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = (struct rlimit){.rlim_cur = 10001, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    start();
    for (int i = 0; i < 100; i++)
        log_access(span_make(text, sizeof text));
    while (lseek(access_end, 0, SEEK_END) < 10001)
        usleep(1000);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    log_write(LOG_INFO, "message");
    while (lseek(access_end, 0, SEEK_END) < size)
        usleep(1000);
    log_stop();
}

static void read_file_instead(struct reader *reader, int *end)
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
    run_into_a_limit(100 * 201);
    assert_matches(next_line(&error_log), "cannot be written: File too large; ");
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
    run_into_a_limit(100 * 201 + (off_t)strlen("2026-11-23T04:20:48.123Z info main: message\n"));
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
    uint64_t before = log_dropped();
    int accesses = 0, messages = 0;
    (void)state;
    memset(large, 'a', sizeof large);
    close(error_end);
    error_end = dup(access_end);
    start();
    for (int i = 0; i < 12; i++) {
        log_access(span_make(large, sizeof large));
        log_write(LOG_INFO, "message");
    }
    while (accesses + messages + (int)(log_dropped() - before) < 24) {
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
    start();
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

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(lines_have_a_form),
        LOG_TEST(levels_are_kept),
        LOG_TEST(messages_cannot_forge_lines),
        LOG_TEST(long_lines_are_cut_off),
        LOG_TEST(escapes_quoted_fields),
        LOG_TEST(errno_is_kept),
        LOG_TEST(without_a_thread_lines_go_straight),
        LOG_TEST(needs_descriptors_that_are_open),
        LOG_TEST(threads_keep_their_order),
        LOG_TEST(threads_are_named),
        LOG_TEST(older_lines_go_first),
        LOG_TEST(no_line_is_slept_over),
        LOG_TEST(a_late_signal_does_no_harm),
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
