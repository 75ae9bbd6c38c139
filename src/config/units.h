/* Units: numbers that are written with one, "10s" or "16MiB", as the whole number of the smallest
 * things that they stand for (microseconds, bytes). */
#ifndef PORTICO_CONFIG_UNITS_H
#define PORTICO_CONFIG_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

struct units {
    const char *words; /* "ms, s, m, h or d" */
    const char *zero;  /* the shortest text of 0 */
    struct unit {
        const char *name;
        int64_t length;
    } units[6]; /* from the smallest on; the last has no name */
};

extern const struct units units_duration, units_size;

/* One number and one unit. False when the text is none, or too large for 64 bits. */
bool units_parse(const struct units *units, struct span text, int64_t *number);

/* "1h30m" and the like, which is not possible in the file: the sum of its parts, for a hint. False
 * when one of them is none, or the sum is 0. */
bool units_sum(const struct units *units, struct span text, int64_t *sum);

/* The unit that was probably meant in "10 sec" or "16MB", in *number with its number. False when
 * there is none. */
bool units_guess(const struct units *units, struct span text, int64_t *number);

/* The shortest text of a number, into `out`: one of no unit's multiples is digits alone, as is any
 * when `units` is NULL. Returns `out`. */
#define UNITS_TEXT 32u
const char *units_format(const struct units *units, int64_t number, char out[UNITS_TEXT]);

#endif
