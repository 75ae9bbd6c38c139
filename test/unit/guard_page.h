/* Memory that ends at a page nobody may touch: one byte of over-read faults, in every build
 * and without a sanitizer. */
#ifndef PORTICO_TEST_GUARD_PAGE_H
#define PORTICO_TEST_GUARD_PAGE_H

#include <stddef.h>

#include "base/span.h"

/* A copy of `s` whose last byte lies directly before the forbidden page (an empty one begins
 * there). Writable. Valid until the next call in the same thread; at most 1 MiB. */
char *guard_page_copy(struct span s);

#endif
