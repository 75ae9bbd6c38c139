/* Threads: name, signal mask and stack of a started one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "base/thread.h"

struct seen {
    char name[16];
    sigset_t mask;
    size_t stack;
    bool done;
};

static void *look(void *arg)
{
    struct seen *seen = arg;
    pthread_attr_t attr;
    pthread_getname_np(pthread_self(), seen->name, sizeof seen->name);
    pthread_sigmask(SIG_SETMASK, NULL, &seen->mask);
    pthread_getattr_np(pthread_self(), &attr);
    pthread_attr_getstacksize(&attr, &seen->stack);
    pthread_attr_destroy(&attr);
    seen->done = true;
    return seen;
}

static void run(const char *name, struct seen *seen)
{
    pthread_t thread;
    void *result = NULL;
    *seen = (struct seen){.done = false};
    assert_int_equal(thread_start(&thread, name, look, seen), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, seen);
    assert_true(seen->done);
}

/* From its first instruction on: many times, since it is a race otherwise. */
static void has_its_name(void **state)
{
    struct seen seen;
    (void)state;
    for (int i = 0; i < 100; i++) {
        run("w07", &seen);
        assert_string_equal(seen.name, "w07");
    }
}

static void long_names_are_cut_off(void **state)
{
    struct seen seen;
    (void)state;
    run("a-name-of-twenty-one", &seen);
    assert_string_equal(seen.name, "a-name-of-twent");
}

static void takes_no_signals(void **state)
{
    struct seen seen;
    sigset_t before, after;
    (void)state;
    sigemptyset(&before);
    sigaddset(&before, SIGUSR2);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    run("w00", &seen);
    for (int sig = 1; sig < 32; sig++)
        if (sig != SIGKILL && sig != SIGSTOP)
            assert_int_equal(sigismember(&seen.mask, sig), 1);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&after, SIGUSR2), 1);
    assert_int_equal(sigismember(&after, SIGTERM), 0);
}

static void has_a_stack_of_a_known_size(void **state)
{
    struct seen seen;
    (void)state;
    run("w00", &seen);
    assert_true(seen.stack >= (size_t)1 << 20);
    assert_true(seen.stack < (size_t)2 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_its_name),
        cmocka_unit_test(long_names_are_cut_off),
        cmocka_unit_test(takes_no_signals),
        cmocka_unit_test(has_a_stack_of_a_known_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
