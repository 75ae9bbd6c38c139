/* A check that fails is a bug in Portico; it ends the process, and says where everyone was.
 *
 * `check` is for bugs only: conditions that no configuration and no peer can make false. It
 * stays in release builds. When one fails, the panic report goes to standard error (the
 * condition, the thread, and whatever was registered with check_on_panic, which for the
 * server is every worker's state) and the process aborts, so that a core dump and gdb show
 * the very moment.
 *
 * Structures that travel between modules begin with a magic number; check_magic catches a
 * pointer to the wrong thing, or to a dead one, at the door. */
#ifndef PORTICO_BASE_CHECK_H
#define PORTICO_BASE_CHECK_H

#define check(condition)                                                                           \
    ((condition) ? (void)0 : check_failed(#condition, __FILE__, __LINE__, __func__))

#define check_magic(object, value) check((object) != NULL && (object)->magic == (value))

_Noreturn void check_failed(const char *condition, const char *file, int line,
                            const char *function);

/* Registers what a panic adds to its report. `report` writes to `fd`, takes no locks and
 * allocates nothing. One at a time; NULL unregisters. */
void check_on_panic(void (*report)(int fd));

/* A formatted line straight to a descriptor, for reports: no stdio, no allocation; cut off
 * after 1,023 bytes. Returns the bytes written, or -1. */
int check_print(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
