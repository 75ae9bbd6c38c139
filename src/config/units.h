/* Durations and sizes are numbers that are written with a unit, "10s" or "16MiB", and kept as a
 * whole number of the smallest thing, which is a microsecond or a byte. */
#ifndef PORTICO_CONFIG_UNITS_H
#define PORTICO_CONFIG_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

struct units {
    const char *zero; /* the shortest text of 0 */
    struct unit {
        const char *name;
        int64_t length;
    } units[6]; /* from the smallest on; the last has no name */
};

extern const struct units units_duration, units_size, units_none;

/* How many digits the text begins with. */
size_t units_digits(struct span text);

/* One number and one unit. False when the text is none, or too large for 64 bits. */
bool units_parse(const struct units *units, struct span text, int64_t *number);

/* The shortest text of a number, into `out`: digits alone if it is a multiple of no unit. Returns
 * `out`. */
#define UNITS_TEXT 32u
const char *units_format(const struct units *units, int64_t number, char out[UNITS_TEXT]);

#endif
