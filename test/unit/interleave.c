/* See interleave.h. A stop is set, then reached by its thread, then let go and free again; all
 * of it under one mutex and one condition. */
#include "interleave.h"

#include <pthread.h>
#include <string.h>

#include "base/check.h"
#include "base/yield_point.h"

#define STOPS 8u

struct stop {
    const char *thread; /* NULL: free */
    const char *point;
    enum { SET, REACHED, LET_GO } state;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct stop stops[STOPS]; /* guarded by mutex */
static _Thread_local const char *self;

static struct stop *find_locked(const char *thread, const char *point)
{
    for (struct stop *stop = stops; stop < stops + STOPS; stop++)
        if (stop->thread && strcmp(stop->thread, thread) == 0 && strcmp(stop->point, point) == 0)
            return stop;
    return NULL;
}

static void hook(const char *point)
{
    if (self == NULL)
        return;
    pthread_mutex_lock(&mutex);
    struct stop *stop = find_locked(self, point);
    if (stop && stop->state == SET) {
        stop->state = REACHED;
        pthread_cond_broadcast(&changed);
        while (stop->state != LET_GO)
            pthread_cond_wait(&changed, &mutex);
        stop->thread = NULL;
    }
    pthread_mutex_unlock(&mutex);
}

void interleave_begin(void)
{
    memset(stops, 0, sizeof stops);
    atomic_store(&yield_point_hook, hook);
}

void interleave_end(void)
{
    atomic_store(&yield_point_hook, NULL);
}

void interleave_enter(const char *thread)
{
    self = thread;
}

void interleave_stop(const char *thread, const char *point)
{
    pthread_mutex_lock(&mutex);
    struct stop *stop = stops;
    check(find_locked(thread, point) == NULL);
    while (stop->thread) {
        stop++;
        check(stop < stops + STOPS);
    }
    *stop = (struct stop){thread, point, SET};
    pthread_mutex_unlock(&mutex);
}

void interleave_await(const char *thread, const char *point)
{
    pthread_mutex_lock(&mutex);
    struct stop *stop = find_locked(thread, point);
    check(stop != NULL);
    while (stop->state != REACHED)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
}

void interleave_go(const char *thread, const char *point)
{
    pthread_mutex_lock(&mutex);
    struct stop *stop = find_locked(thread, point);
    check(stop != NULL && stop->state == REACHED);
    stop->state = LET_GO;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}
