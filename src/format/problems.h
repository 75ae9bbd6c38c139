/* A list of problems says everything that is wrong with one file, in one go.
 *
 * It is a list of `struct err` (base/err.h) with a limit, so that a file of another kind under the
 * wrong name yields a page and not a book. */
#ifndef PORTICO_FORMAT_PROBLEMS_H
#define PORTICO_FORMAT_PROBLEMS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/span.h"

#define PROBLEMS_MAX 100u

/* What can be wrong: the lines of problem.def. */
enum problem_code {
#define PROBLEM(name, severity, code, meaning) PROBLEM_##name,
#include "format/problem.def"
#undef PROBLEM
    PROBLEM_CODE_COUNT
};

struct problem_kind {
    const char *code;    /* "unknown-key": for scripts, never changes */
    const char *meaning; /* a sentence */
    bool is_warning;
};
extern const struct problem_kind problem_kinds[PROBLEM_CODE_COUNT]; /* by enum problem_code */

/* Zero it to begin. */
struct problems {
    struct err *items; /* owned */
    size_t count;
    size_t omitted;            /* beyond the limit, or for want of memory */
    bool omits_errors;         /* one of these was no warning */
    char pointer[ERR_POINTER]; /* where whoever looks for problems is, see problems_enter */
};

/* Adds one (`file` may be NULL, line and column 0 when unknown). Returns it, for err_hint,
 * until the next is added; NULL when it was omitted. */
struct err *problems_add(struct problems *problems, enum problem_code code, const char *file,
                         unsigned line, unsigned column, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* The same, for functions that have arguments of their own to hand on. */
struct err *problems_vadd(struct problems *problems, enum problem_code code, const char *file,
                          unsigned line, unsigned column, const char *format, va_list args)
    __attribute__((format(printf, 6, 0)));

/* Gives a problem that was added (or NULL) another code. Returns it. */
struct err *problems_recode(struct err *err, enum problem_code code);

/* From here on problems are about the value of the key, or about the item of the list, in the one
 * that they were about before: it is added to the JSON pointer that they carry. Returns what
 * problems_leave takes, to go back. */
size_t problems_enter(struct problems *problems, struct span key);
size_t problems_enter_item(struct problems *problems, size_t index);
void problems_leave(struct problems *problems, size_t mark);

/* Is there any that is no warning, among those that were omitted as well? */
bool problems_has_errors(const struct problems *problems);

static inline bool problems_is_empty(const struct problems *problems)
{
    return problems->count == 0 && problems->omitted == 0;
}

/* Has the limit been reached? Then there is no point in looking for more. */
static inline bool problems_is_full(const struct problems *problems)
{
    return problems->omitted > 0;
}

/* Orders by line and column; what has no place comes first. */
void problems_sort(struct problems *problems);
void problems_release(struct problems *problems);

/* A key for use in a message (err_quote), up to the first blank, quotation mark, ":" or "=": behind
 * a slip, a value may have become part of it, and that may be a secret (`{authorization:"Basic
 * ..."}` is a key to YAML). */
const char *problems_quote_key(struct span key, char out[ERR_QUOTE]);

#endif
