/* A line of the log is made here, and what strangers sent is escaped in it.
 *
 * Everything here is pure and safe in every thread. */
#ifndef PORTICO_BASE_LOG_LINE_H
#define PORTICO_BASE_LOG_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

#define LOG_MESSAGE_MAX 8192u /* a message with all that stands before it; longer: cut off */

/* "2026-11-23T04:20:48.123Z level thread: text" into out[0..size), without a newline or NUL,
 * where `wall` is in microseconds since the epoch. What could forge a line or drive a
 * terminal is written as \xhh. Returns what it has written. */
struct span log_line_format(int64_t wall, enum log_level level, const char *thread,
                            struct span text, char *out, size_t size);

/* Appends `text` to out[0..size) for use inside a quoted field of a log line: quotation marks
 * and backslashes get a backslash, other bytes outside 0x20-0x7e become \xhh. Returns the
 * bytes written; stops at the last character that fits. */
size_t log_escape(struct span text, char *out, size_t size);

/* Likewise for a word without quotation marks, in which nothing may look like the next one: white
 * space, quotation marks, backslashes and '=' become \xhh too. */
size_t log_escape_word(struct span text, char *out, size_t size);

#endif
