/* Looking names up: see lookup.h.
 *
 * getaddrinfo cannot be interrupted, and with a dead name server it takes ten seconds a name. So
 * threads of their own ask, a few names at a time, and whoever wants to know waits no longer than
 * it said. What the threads use is theirs as much as the caller's, and goes with the last that
 * lets go of it.
 *
 * Invariant: names are taken in order, each by one thread. */
#include "net/lookup.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/thread.h"

#define THREADS 16u

struct job {
    int (*ask)(void *arg, const char *name, struct addrinfo **list); /* fixed after init */
    void *arg;
    size_t count;
    char **names; /* owned */
    pthread_mutex_t mutex;
    pthread_cond_t answered;
    unsigned refs; /* guarded by mutex, as what follows */
    size_t taken, done;
    int *results; /* owned */
};

static void job_free(struct job *job)
{
    for (size_t i = 0; job->names && i < job->count; i++)
        free(job->names[i]);
    free(job->names);
    free(job->results);
    pthread_cond_destroy(&job->answered);
    pthread_mutex_destroy(&job->mutex);
    free(job);
}

static void job_unref(struct job *job)
{
    pthread_mutex_lock(&job->mutex);
    bool is_last = --job->refs == 0;
    pthread_mutex_unlock(&job->mutex);
    if (is_last)
        job_free(job);
}

static struct job *job_new(const char *const *names, size_t count)
{
    pthread_condattr_t attr;
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return NULL;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&job->mutex, NULL);
    pthread_cond_init(&job->answered, &attr);
    pthread_condattr_destroy(&attr);
    job->refs = 1;
    job->count = count;
    job->names = calloc(count + 1, sizeof *job->names);
    job->results = calloc(count + 1, sizeof *job->results);
    bool ok = job->names && job->results;
    for (size_t i = 0; ok && i < count; i++) {
        job->results[i] = LOOKUP_UNKNOWN;
        job->names[i] = strdup(names[i]);
        ok = job->names[i] != NULL;
    }
    if (ok)
        return job;
    job_free(job);
    return NULL;
}

/* One thread: asks until all names are taken. */
static void *run(void *arg)
{
    struct job *job = arg;
    pthread_mutex_lock(&job->mutex);
    while (job->taken < job->count) {
        size_t i = job->taken++;
        pthread_mutex_unlock(&job->mutex);
        struct addrinfo *list = NULL;
        int result = job->ask(job->arg, job->names[i], &list);
        if (result == 0 && list)
            freeaddrinfo(list);
        pthread_mutex_lock(&job->mutex);
        job->results[i] = result;
        job->done++;
        pthread_cond_signal(&job->answered);
    }
    pthread_mutex_unlock(&job->mutex);
    job_unref(job);
    return NULL;
}

/* How many threads ask. */
static size_t start(struct job *job)
{
    size_t started = 0;
    pthread_t thread;
    for (; started < THREADS && started < job->count; started++) {
        pthread_mutex_lock(&job->mutex);
        job->refs++;
        pthread_mutex_unlock(&job->mutex);
        if (thread_start(&thread, "lookup", run, job) == 0) {
            pthread_detach(thread);
            continue;
        }
        job_unref(job);
        break;
    }
    return started;
}

int lookup_all(const char *const *names, size_t count, int64_t patience,
               int (*ask)(void *arg, const char *name, struct addrinfo **list), void *arg,
               int *results)
{
    struct job *job = job_new(names, count);
    if (job == NULL) {
        errno = ENOMEM;
        return -1;
    }
    job->ask = ask;
    job->arg = arg;
    int64_t deadline = clock_now() + patience;
    struct timespec until = {.tv_sec = (time_t)(deadline / CLOCK_SECOND),
                             .tv_nsec = (long)(deadline % CLOCK_SECOND) * 1000};
    bool is_asking = start(job) > 0;
    pthread_mutex_lock(&job->mutex);
    while (is_asking && job->done < count &&
           pthread_cond_timedwait(&job->answered, &job->mutex, &until) == 0) {
    }
    job->taken = count; /* nobody begins another */
    if (count)
        memcpy(results, job->results, count * sizeof *results);
    pthread_mutex_unlock(&job->mutex);
    job_unref(job);
    return 0;
}
