/* This module starts threads (thread.h).
 *
 * A thread gives itself its name before it runs anything: named by its creator afterwards, its
 * first log lines could still carry the name of the thread that started it. */
#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* glibc's resolver and OpenSSL's certificate code are the deepest callers; sanitizers make
 * frames several times larger. */
#define STACK_SIZE ((size_t)1 << 20)

/* What a new thread begins with; owned by it once it runs. */
struct start {
    void *(*run)(void *);
    void *arg;
    char name[16];
};

static void *begin(void *arg)
{
    struct start start = *(struct start *)arg;
    free(arg);
    pthread_setname_np(pthread_self(), start.name);
    return start.run(start.arg);
}

/* pthread_create with every signal blocked: the new thread inherits the mask, so there is no
 * moment at which it takes a signal. Returns an errno. */
static int create(pthread_t *thread, struct start *start)
{
    pthread_attr_t attr;
    sigset_t all, before;
    int error = pthread_attr_init(&attr);
    if (error != 0)
        return error;
    pthread_attr_setstacksize(&attr, STACK_SIZE);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(thread, &attr, begin, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return error;
}

int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *arg)
{
    struct start *start = malloc(sizeof *start);
    if (start == NULL)
        return -1;
    start->run = run;
    start->arg = arg;
    snprintf(start->name, sizeof start->name, "%s", name);
    int error = create(thread, start);
    if (error != 0) {
        free(start);
        errno = error;
        return -1;
    }
    return 0;
}

bool thread_join_within(pthread_t thread, unsigned seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += seconds;
    if (pthread_timedjoin_np(thread, NULL, &until) == 0)
        return true;
    pthread_detach(thread);
    return false;
}
