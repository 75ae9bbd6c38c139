/* Workers: the fixed pool. Each takes one connection that can go on and runs it until it is
 * parked or closed; in gdb its stack reads as what it is doing. It never waits for anything but the
 * next connection, so as many workers as cores do all there is to do. */
#ifndef PORTICO_SERVER_WORKER_H
#define PORTICO_SERVER_WORKER_H

#include "base/err.h"
#include "proxy/service.h"

struct workers;

/* Starts `count` threads, "w00" and up. NULL with `err`. */
struct workers *workers_new(struct service *service, unsigned count, struct err *err);

/* Joins them, once room_stop was called, and frees. */
void workers_free(struct workers *workers);

/* What each worker is doing, for a panic report: no locks. */
void workers_report(int fd);

#endif
