/* Metrics are counters and gauges in a table (metrics.def), for any thread and without locks. */
#ifndef PORTICO_BASE_METRICS_H
#define PORTICO_BASE_METRICS_H

#include <stddef.h>
#include <stdint.h>

enum metric {
#define METRIC(name, word, meaning) METRIC_##name,
#include "base/metrics.def"
#undef METRIC
    METRIC_COUNT
};

void metrics_add(enum metric metric, int64_t amount);
int64_t metrics_get(enum metric metric);

/* "word=value word=value ...", and every reason that has happened as "code=count", into
 * `out` as a C string; cut off at `size`. */
void metrics_format(char *out, size_t size);

#endif
