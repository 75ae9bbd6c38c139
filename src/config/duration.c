/* Durations: a number and a unit, as the file has them. Any thread; pure. */
#include "config/duration.h"

#include <stdio.h>

#include "base/clock.h"

static const struct {
    const char *name;
    int64_t length;
} units[] = {{"ms", CLOCK_MS},
             {"s", CLOCK_SECOND},
             {"m", 60 * CLOCK_SECOND},
             {"h", 3600 * CLOCK_SECOND},
             {"d", 86400 * CLOCK_SECOND}};
#define UNIT_COUNT (sizeof units / sizeof *units)

bool duration_parse(struct span text, int64_t *duration)
{
    size_t count = 0;
    uint64_t number;
    while (count < text.len && text.data[count] >= '0' && text.data[count] <= '9')
        count++;
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        if (!span_eq(span_from(text, count), span_str(units[i].name)))
            continue;
        if (!span_parse_uint(span_first(text, count), (uint64_t)(INT64_MAX / units[i].length),
                             &number))
            return false;
        *duration = (int64_t)number * units[i].length;
        return true;
    }
    return false;
}

const char *duration_format(int64_t duration, char out[32])
{
    size_t unit = duration == 0 ? 1 : UNIT_COUNT - 1;
    while (unit > 0 && duration % units[unit].length)
        unit--;
    snprintf(out, 32, "%lld%s", (long long)(duration / units[unit].length), units[unit].name);
    return out;
}

bool duration_sum(struct span text, int64_t *sum)
{
    *sum = 0;
    while (text.len) {
        size_t len = 0;
        int64_t part;
        while (len < text.len && text.data[len] >= '0' && text.data[len] <= '9')
            len++;
        while (len < text.len && !(text.data[len] >= '0' && text.data[len] <= '9'))
            len++;
        if (!duration_parse(span_trim(span_first(text, len)), &part) || part > INT64_MAX - *sum)
            return false;
        *sum += part;
        text = span_from(text, len);
    }
    return *sum > 0;
}
