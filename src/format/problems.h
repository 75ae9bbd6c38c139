/* Problems: everything that is wrong with one file, reported in one go.
 *
 * A list of `struct err` (base/err.h) with a limit, so that a file of another kind under the
 * wrong name yields a page and not a book. */
#ifndef PORTICO_FORMAT_PROBLEMS_H
#define PORTICO_FORMAT_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/span.h"

#define PROBLEMS_MAX 100u

/* Zero it to begin. */
struct problems {
    struct err *items; /* owned */
    size_t count;
    size_t omitted; /* beyond the limit, or for want of memory */
};

/* Adds one (`file` may be NULL, line and column 0 when unknown). Returns it, for err_hint,
 * until the next is added; NULL when it was omitted. */
struct err *problems_add(struct problems *problems, const char *file, unsigned line,
                         unsigned column, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

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

/* `text` for use in a message: control characters and bytes that are not UTF-8 become '?',
 * and what does not fit in 60 characters is cut off with "...". Returns `out`. */
#define PROBLEMS_QUOTE 256u
const char *problems_quote(struct span text, char out[PROBLEMS_QUOTE]);

#endif
