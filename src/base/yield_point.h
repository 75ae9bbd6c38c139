/* A yield point is a place where a test may stop a thread.
 *
 * Races are tested by forcing them. A test build calls `yield_point_hook`, when one is set,
 * with the name of the place; the hook may block until another thread has done what the test
 * wants to happen in between. In a release build the macro is nothing. */
#ifndef PORTICO_BASE_YIELD_POINT_H
#define PORTICO_BASE_YIELD_POINT_H

#ifdef PORTICO_YIELD_POINTS
#include <stdatomic.h>
extern void (*_Atomic yield_point_hook)(const char *name);
#define YIELD_POINT(name)                                                                          \
    do {                                                                                           \
        void (*hook_)(const char *) = atomic_load(&yield_point_hook);                              \
        if (hook_)                                                                                 \
            hook_(name);                                                                           \
    } while (0)
#else
#define YIELD_POINT(name) ((void)0)
#endif

#endif
