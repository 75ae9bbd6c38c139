/* An error tells an operator what happened, where, and what to do.
 *
 * `struct err` is one problem that a person can mend: in the configuration file (then with
 * file, line and column), in the environment, on the disk. It is carried up to whoever can
 * print it, in the end main(). Bugs use check(); peers' errors use base/reason.h. */
#ifndef PORTICO_BASE_ERR_H
#define PORTICO_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

#define ERR_POINTER 128u

struct err {
    char file[256];    /* empty when no file is to blame */
    unsigned line;     /* from 1; 0 when unknown */
    unsigned column;   /* from 1, in characters; 0 when unknown */
    char message[384]; /* what is wrong, and what was expected */
    char hint[256];    /* what to do; may be empty */

    /* Of a configuration's problems (format/problems.h) */
    const char *code;          /* a word for scripts; constant; NULL: none */
    bool is_warning;           /* it keeps nobody from going on */
    char pointer[ERR_POINTER]; /* JSON pointer (RFC 6901) of what it is about; empty: all of it */
};

/* Sets the message, clears the place and the hint. `err` may be NULL; the arguments may be
 * parts of it. Always returns -1, so that a function can end with `return err_set(...)`. */
int err_set(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As err_set. Returns `err`, for a hint: `return err_hint(err_say(err, ...), ...)`. */
struct err *err_say(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As err_set, with ": " and the text of `errnum` behind the message. */
int err_set_errno(struct err *err, int errnum, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds the hint to an error that was set. Returns -1. */
int err_hint(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds the place to an error that was set. Returns -1. */
int err_place(struct err *err, const char *file, unsigned line, unsigned column);

/* "file:line:column: message" (the parts that are known) into `out`; without the hint. Without a
 * line, the pointer stands in its place: "file: /routes/0/host: message". */
void err_format(const struct err *err, char *out, size_t size);

/* As err_format, with the hint behind it: all as one line, for the log. */
void err_format_line(const struct err *err, char *out, size_t size);

/* `text` for use in a message: control characters and bytes that are not UTF-8 become '?',
 * and what does not fit in 60 characters is cut off with "...". Returns `out`. */
#define ERR_QUOTE 256u
const char *err_quote(struct span text, char out[ERR_QUOTE]);

#endif
