/* This file reads and writes numbers that have a unit, see units.h. Any thread; pure. */
#include "config/units.h"

#include <stdio.h>

#include "base/clock.h"

const struct units units_duration = {.zero = "0s",
                                     .units = {{"ms", CLOCK_MS},
                                               {"s", CLOCK_SECOND},
                                               {"m", 60 * CLOCK_SECOND},
                                               {"h", 3600 * CLOCK_SECOND},
                                               {"d", 86400 * CLOCK_SECOND}}};

const struct units units_size = {.zero = "0",
                                 .units = {{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}}};

const struct units units_none = {.zero = "0"};

size_t units_digits(struct span text)
{
    size_t count = 0;
    while (count < text.len && text.data[count] >= '0' && text.data[count] <= '9')
        count++;
    return count;
}

bool units_parse(const struct units *units, struct span text, int64_t *number)
{
    size_t digits = units_digits(text);
    uint64_t count;
    for (const struct unit *unit = units->units; unit->name; unit++) {
        if (!span_eq(span_from(text, digits), span_str(unit->name)))
            continue;
        if (!span_parse_uint(span_first(text, digits), (uint64_t)(INT64_MAX / unit->length),
                             &count))
            return false;
        *number = (int64_t)count * unit->length;
        return true;
    }
    return false;
}

const char *units_format(const struct units *units, int64_t number, char out[UNITS_TEXT])
{
    struct unit best = {"", 1};
    for (const struct unit *unit = units->units; unit->name; unit++)
        if (number % unit->length == 0)
            best = *unit;
    if (number)
        snprintf(out, UNITS_TEXT, "%lld%s", (long long)(number / best.length), best.name);
    else
        snprintf(out, UNITS_TEXT, "%s", units->zero);
    return out;
}
