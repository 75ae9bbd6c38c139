/* This module ends the process when a check has failed (check.h). */
#include "base/check.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void (*_Atomic panic_report)(int fd);
static atomic_flag panicking = ATOMIC_FLAG_INIT;
static _Thread_local bool panicking_here;

void check_on_panic(void (*report)(int fd))
{
    atomic_store(&panic_report, report);
}

int check_print(int fd, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (len < 0)
        return -1;
    if ((size_t)len >= sizeof line)
        len = sizeof line - 1;
    return (int)write(fd, line, (size_t)len);
}

void check_failed(const char *condition, const char *file, int line, const char *function)
{
    /* A check that fails inside the report ends it. A second thread that fails meanwhile
     * must not cut the first one's report short, and waits for the end that it brings. */
    if (panicking_here)
        abort();
    if (atomic_flag_test_and_set(&panicking))
        for (;;)
            pause();
    panicking_here = true;
    char thread[16] = "?";
    pthread_getname_np(pthread_self(), thread, sizeof thread);
    check_print(STDERR_FILENO,
                "portico: PANIC in thread %s: check failed: %s\n"
                "portico:   at %s:%d, %s()\n"
                "portico:   version %s; this is a bug in Portico, please report these lines\n",
                thread, condition, file, line, function, PORTICO_VERSION);
    void (*report)(int fd) = atomic_load(&panic_report);
    if (report)
        report(STDERR_FILENO);
    abort();
}
