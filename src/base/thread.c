/* Threads: see thread.h. */
#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

/* glibc's resolver and OpenSSL's certificate code are the deepest callers; sanitizers make
 * frames several times larger. */
#define STACK_SIZE ((size_t)1 << 20)

int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *arg)
{
    pthread_attr_t attr;
    sigset_t all, before;
    int error = pthread_attr_init(&attr);
    if (error != 0) {
        errno = error;
        return -1;
    }
    pthread_attr_setstacksize(&attr, STACK_SIZE);
    sigfillset(&all);
    /* The new thread inherits the mask, so there is no moment at which it takes a signal. */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(thread, &attr, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (error != 0) {
        errno = error;
        return -1;
    }
    pthread_setname_np(*thread, name);
    return 0;
}
