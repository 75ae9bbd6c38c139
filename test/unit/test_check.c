/* Checks: a child fails one, and its parent reads the panic report. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/thread.h"

/* Runs `misbehave` in a child whose standard error is a pipe; fills `report`. Returns the signal
 * that ended the child. */
static int panic_of(void (*misbehave)(void), char *report, size_t size)
{
    int ends[2], status;
    size_t len = 0;
    ssize_t got;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        prctl(PR_SET_DUMPABLE, 0);
        signal(SIGABRT, SIG_DFL); /* sanitizers and cmocka have their own */
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        misbehave();
        _exit(0);
    }
    close(ends[1]);
    while ((got = read(ends[0], report + len, size - 1 - len)) > 0)
        len += (size_t)got;
    report[len] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void fail_plainly(void)
{
    check(1 + 1 == 2);
    check(1 + 1 == 3);
}

static void names_the_condition_and_the_place(void **state)
{
    char report[2048];
    (void)state;
    assert_int_equal(panic_of(fail_plainly, report, sizeof report), SIGABRT);
    assert_non_null(strstr(report, "PANIC in thread test_check: check failed: 1 + 1 == 3\n"));
    assert_non_null(strstr(report, "test/unit/test_check.c:"));
    assert_non_null(strstr(report, "fail_plainly()"));
    assert_non_null(strstr(report, "version " PORTICO_VERSION ";"));
}

struct thing {
    unsigned magic;
};

static void fail_magic(void)
{
    struct thing thing = {.magic = 0x1234};
    check_magic(&thing, 0x1234);
    thing.magic = 0;
    check_magic(&thing, 0x1234);
}

static void magic_catches_the_dead(void **state)
{
    char report[2048];
    (void)state;
    assert_int_equal(panic_of(fail_magic, report, sizeof report), SIGABRT);
    assert_non_null(strstr(report, "->magic == (0x1234)"));
}

static void report_workers(int fd)
{
    check_print(fd, "w%02d: %s\n", 7, "serving");
}

static void fail_with_report(void)
{
    check_on_panic(report_workers);
    check(false);
}

static void adds_what_was_registered(void **state)
{
    char report[2048];
    (void)state;
    assert_int_equal(panic_of(fail_with_report, report, sizeof report), SIGABRT);
    assert_non_null(strstr(report, "check failed: "));
    assert_non_null(strstr(report, "\nw07: serving\n"));
}

static void report_that_fails(int fd)
{
    check_print(fd, "before\n");
    check(fd == -1);
    check_print(fd, "after\n");
}

static void fail_within_the_report(void)
{
    check_on_panic(report_that_fails);
    check(false);
}

/* It must end the process rather than hang it. */
static void a_report_may_fail_itself(void **state)
{
    char report[2048];
    (void)state;
    assert_int_equal(panic_of(fail_within_the_report, report, sizeof report), SIGABRT);
    assert_non_null(strstr(report, "before\n"));
    assert_null(strstr(report, "after\n"));
}

static atomic_bool first_is_reporting, second_has_begun;

static void report_while_another_fails(int fd)
{
    atomic_store(&first_is_reporting, true);
    while (!atomic_load(&second_has_begun))
        usleep(1000);
    check_print(fd, "whole report\n");
}

static void *fail_second(void *arg)
{
    (void)arg;
    while (!atomic_load(&first_is_reporting))
        usleep(1000);
    atomic_store(&second_has_begun, true);
    check(2 == 3);
    return NULL;
}

static void fail_twice(void)
{
    pthread_t second;
    check_on_panic(report_while_another_fails);
    if (thread_start(&second, "second", fail_second, NULL) == 0)
        check(1 == 2);
}

static void a_second_panic_waits_for_the_first(void **state)
{
    char report[2048];
    (void)state;
    assert_int_equal(panic_of(fail_twice, report, sizeof report), SIGABRT);
    assert_non_null(strstr(report, "1 == 2"));
    assert_non_null(strstr(report, "whole report\n"));
    assert_null(strstr(report, "2 == 3"));
}

static void prints_and_cuts_off(void **state)
{
    char text[2048], large[2000];
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(check_print(ends[1], "%d-%s", 1, "a"), 3);
    assert_int_equal(read(ends[0], text, sizeof text), 3);
    assert_memory_equal(text, "1-a", 3);
    memset(large, 'a', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    assert_int_equal(check_print(ends[1], "%s", large), 1023);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(check_print(-1, "x"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_the_condition_and_the_place),
        cmocka_unit_test(magic_catches_the_dead),
        cmocka_unit_test(adds_what_was_registered),
        cmocka_unit_test(a_report_may_fail_itself),
        cmocka_unit_test(a_second_panic_waits_for_the_first),
        cmocka_unit_test(prints_and_cuts_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
