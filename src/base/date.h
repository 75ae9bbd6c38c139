/* Dates are written as text for messages and logs, always in UTC and in English.
 *
 * A second is written out once a thread, since thousands of lines and answers share it: each
 * thread keeps its last second in each form. No locks, no time zone database; and no other
 * locale than "C", since nothing in Portico sets one. */
#ifndef PORTICO_BASE_DATE_H
#define PORTICO_BASE_DATE_H

#include <stdint.h>

#include "base/span.h"

enum date_form {
    DATE_HTTP, /* "Mon, 23 Nov 2026 04:20:48 GMT": an IMF-fixdate (RFC 9110, 5.6.7) */
    DATE_CLF,  /* "23/Nov/2026:04:20:48 +0000": as in the common log format */
    DATE_ISO,  /* "2026-11-23T04:20:48" */
    DATE_FORMS,
};

/* The second that `wall` (clock_wall: microseconds since the epoch) lies in; times before the
 * epoch or after the year 9999 become the first and the last that can be written. What is
 * returned belongs to the calling thread, until it asks for another second of the same form. */
struct span date_text(enum date_form form, int64_t wall);

#endif
