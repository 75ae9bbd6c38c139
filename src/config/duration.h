/* Durations: "10s", "500ms", "1h" in the file, microseconds in the configuration. */
#ifndef PORTICO_CONFIG_DURATION_H
#define PORTICO_CONFIG_DURATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

/* One number and one unit of ms, s, m, h, d, in microseconds. False when the text is none, or too
 * large for 64 bits. */
bool duration_parse(struct span text, int64_t *duration);

/* "1h30m" and the like, which is no duration in the file: the sum of its parts, for a hint. False
 * when one of them is none, or the sum is 0. */
bool duration_sum(struct span text, int64_t *sum);

/* The shortest text of a duration, into `out` of at least 32 bytes. Returns `out`. */
const char *duration_format(int64_t duration, char out[32]);

#endif
