/* Log lines: what they look like. Internal to the log; log_escape is declared in log.h.
 *
 * Everything here is pure and safe in every thread. */
#ifndef PORTICO_BASE_LOG_LINE_H
#define PORTICO_BASE_LOG_LINE_H

#include "base/log.h"

#define LOG_MESSAGE_MAX 8192u /* a message with all that stands before it; longer: cut off */

/* "2026-11-23T04:20:48.123Z level thread: text" into out[0..size), without a newline or NUL,
 * where `wall` is in microseconds since the epoch. What could forge a line or drive a
 * terminal is written as \xhh. Returns what it has written. */
struct span log_line_format(int64_t wall, enum log_level level, const char *thread,
                            struct span text, char *out, size_t size);

#endif
