/* This module counts (metrics.h). */
#include "base/metrics.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/check.h"
#include "base/reason.h"

static _Atomic int64_t values[METRIC_COUNT];

static const char *const words[METRIC_COUNT] = {
#define METRIC(name, word, meaning) [METRIC_##name] = word,
#include "base/metrics.def"
#undef METRIC
};

void metrics_add(enum metric metric, int64_t amount)
{
    check(metric < METRIC_COUNT);
    atomic_fetch_add_explicit(&values[metric], amount, memory_order_relaxed);
}

int64_t metrics_get(enum metric metric)
{
    check(metric < METRIC_COUNT);
    return atomic_load_explicit(&values[metric], memory_order_relaxed);
}

void metrics_format(char *out, size_t size)
{
    size_t len = 0;
    check(size > 0);
    out[0] = '\0';
    for (int m = 0; m < METRIC_COUNT && len < size; m++)
        len += (size_t)snprintf(out + len, size - len, "%s%s=%" PRId64, m ? " " : "", words[m],
                                metrics_get((enum metric)m));
    for (int r = 1; r < REASON_COUNT && len < size; r++) {
        uint64_t total = reason_total((enum reason)r);
        if (total > 0)
            len += (size_t)snprintf(out + len, size - len, " %s=%" PRIu64,
                                    reason_code((enum reason)r), total);
    }
}
