/* Threads have a name, every signal blocked (main alone handles signals), and a stack of a known
 * size. */
#ifndef PORTICO_BASE_THREAD_H
#define PORTICO_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* Starts `run(arg)` in a joinable thread called `name` (shown by gdb and top; cut off after 15
 * characters). Returns 0, or -1 with errno. */
int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *arg);

/* Joins a thread that has been told to end. One that is held up in the kernel is left to itself
 * after so many seconds, and this answers false: the process can end without it, but not free what
 * it uses. */
bool thread_join_within(pthread_t thread, unsigned seconds);

#endif
