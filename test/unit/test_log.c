/* The log: what lines look like, that they arrive whole and in order, and that no line is slept
 * over. Descriptors that do not take what they are given: test_log_output.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/thread.h"
#include "base/yield_point.h"
#include "log_pipes.h"

static void lines_have_a_form(void **state)
{
    (void)state;
    log_test_start();
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
    log_test_start();
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
    log_test_start();
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
    log_test_start();
    log_access(span_make(large, 32768));
    assert_int_equal(strlen(next_line(&access_log)), 32768);
    log_access(span_make(large, sizeof large - 1));
    assert_int_equal(strlen(next_line(&access_log)), 32768);
    log_write(LOG_INFO, "%s", large);
    assert_matches(next_line(&error_log), " main: a+$");
    memset(large, '\n', sizeof large - 1);
    log_write(LOG_INFO, "%s", large);
    assert_matches(next_line(&error_log), " main: (\\\\x0a)+$"); /* after a whole escape */
    assert_int_equal(lines_dropped(), 0);
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
    log_test_start();
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
    log_test_start();
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

/* Reads up to "the end": lines of each thread in order and whole. Returns how many. */
static int read_many(struct log_reader *reader)
{
    int count = 0, last[THREADS];
    const char *line;
    memset(last, -1, sizeof last);
    while ((line = next_line(reader)) != NULL && strstr(line, "the end") == NULL) {
        int thread, i;
        const char *text = strstr(line, ": ");
        if (dropped_in(line, "access log") >= 0 || dropped_in(line, "error log") >= 0)
            continue;
        assert_int_equal(sscanf(text ? text + 2 : line, "%d %d", &thread, &i), 2);
        assert_true(thread >= 0 && thread < THREADS);
        assert_true(i > last[thread]);
        assert_int_equal(strcmp(line + strlen(line) - 4, " end") == 0, text == NULL);
        last[thread] = i;
        count++;
    }
    return count;
}

static void *read_access_log(void *arg)
{
    static int count;
    (void)arg;
    count = read_many(&access_log);
    return &count;
}

/* The last lines of both logs, once all others are older. */
static void *log_the_end(void *arg)
{
    pthread_t *threads = arg;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    log_access(SPAN("the end"));
    log_write(LOG_INFO, "the end");
    return NULL;
}

static void threads_keep_their_order(void **state)
{
    static int numbers[THREADS];
    pthread_t threads[THREADS], reading, ending;
    uint64_t before = lines_dropped();
    void *access_count;
    (void)state;
    log_test_start();
    assert_int_equal(pthread_create(&reading, NULL, read_access_log, NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        char name[16];
        numbers[i] = i;
        snprintf(name, sizeof name, "w%02d", i);
        assert_int_equal(thread_start(&threads[i], name, log_many, &numbers[i]), 0);
    }
    assert_int_equal(thread_start(&ending, "end", log_the_end, threads), 0);
    int count = read_many(&error_log);
    pthread_join(reading, &access_count);
    pthread_join(ending, NULL);
    uint64_t dropped = lines_dropped() - before;
    assert_int_equal((uint64_t)(count + *(int *)access_count) + dropped, 2 * THREADS * LINES);
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
    log_test_start();
    for (int i = 0; i < 20; i++) {
        assert_int_equal(thread_start(&thread, "w07", log_name, NULL), 0);
        pthread_join(thread, NULL);
        assert_matches(next_line(&error_log), " info w07: here$");
    }
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
    log_test_start();
    for (int i = 0; i < 3; i++) {
        log_while_it_is_at("log idle", "before it says that it sleeps");
        log_while_it_is_at("log sleeping", "before it looks for the last time");
    }
    log_test_stop();
    assert_null(next_line(&error_log));
    sem_destroy(&reached);
    sem_destroy(&resume);
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, log_test_setup, log_test_teardown)

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
        LOG_TEST(no_line_is_slept_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
