/* Forced interleavings: a test says at which yield point (base/yield_point.h) a thread is to
 * stop, waits until it stands there, does what is to happen in between, and lets it go on.
 *
 * Threads take part under a name; those without one are never stopped. Nothing here goes by
 * time: a test whose thread never comes by hangs, and its runner's time limit ends it. */
#ifndef PORTICO_TEST_INTERLEAVE_H
#define PORTICO_TEST_INTERLEAVE_H

/* Installs the hook; forgets all stops. At the start of a test. */
void interleave_begin(void);

/* Removes the hook. Every thread has been let go. */
void interleave_end(void);

/* The calling thread's name from now on (a literal). */
void interleave_enter(const char *thread);

/* `thread` is to stop when it next comes to `point`, once. Before it can get there. */
void interleave_stop(const char *thread, const char *point);

/* Waits until `thread` stands at `point`. */
void interleave_await(const char *thread, const char *point);

/* Lets the thread that stands at `point` go on. */
void interleave_go(const char *thread, const char *point);

#endif
