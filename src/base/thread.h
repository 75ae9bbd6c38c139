/* Threads: named, with every signal blocked (main alone handles signals) and a stack of a
 * known size. */
#ifndef PORTICO_BASE_THREAD_H
#define PORTICO_BASE_THREAD_H

#include <pthread.h>

/* Starts `run(arg)` in a joinable thread called `name` (shown by gdb and top; cut off after 15
 * characters). Returns 0, or -1 with errno. */
int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *arg);

/* The calling thread has time: whenever there are more threads to run than cores, the others
 * come first. */
void thread_yield_to_others(void);

#endif
