/* Units: numbers with a unit, as the file has them. Any thread; pure. */
#include "config/units.h"

#include <stdio.h>

#include "base/clock.h"

const struct units units_duration = {.words = "ms, s, m, h or d",
                                     .zero = "0s",
                                     .units = {{"ms", CLOCK_MS},
                                               {"s", CLOCK_SECOND},
                                               {"m", 60 * CLOCK_SECOND},
                                               {"h", 3600 * CLOCK_SECOND},
                                               {"d", 86400 * CLOCK_SECOND}}};

const struct units units_size = {.words = "KiB, MiB or GiB",
                                 .zero = "0",
                                 .units = {{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}}};

static size_t digits_of(struct span text)
{
    size_t count = 0;
    while (count < text.len && text.data[count] >= '0' && text.data[count] <= '9')
        count++;
    return count;
}

/* `digits` times the unit. False when they are none, or there are too many of them. */
static bool multiply(struct span digits, const struct unit *unit, int64_t *number)
{
    uint64_t count;
    if (!span_parse_uint(digits, (uint64_t)(INT64_MAX / unit->length), &count))
        return false;
    *number = (int64_t)count * unit->length;
    return true;
}

bool units_parse(const struct units *units, struct span text, int64_t *number)
{
    size_t count = digits_of(text);
    for (const struct unit *unit = units->units; unit->name; unit++)
        if (span_eq(span_from(text, count), span_str(unit->name)))
            return multiply(span_first(text, count), unit, number);
    return false;
}

bool units_sum(const struct units *units, struct span text, int64_t *sum)
{
    *sum = 0;
    while (text.len) {
        size_t len = digits_of(text);
        int64_t part;
        while (len < text.len && digits_of(span_from(text, len)) == 0)
            len++;
        if (!units_parse(units, span_trim(span_first(text, len)), &part) || part > INT64_MAX - *sum)
            return false;
        *sum += part;
        text = span_from(text, len);
    }
    return *sum > 0;
}

bool units_guess(const struct units *units, struct span text, int64_t *number)
{
    size_t count = digits_of(text), best = 0;
    struct span word = span_trim(span_from(text, count));
    const struct unit *meant = NULL;
    for (const struct unit *unit = units->units; unit->name; unit++) {
        size_t same = 0;
        while (same < word.len && unit->name[same] &&
               span_lower(word.data[same]) == span_lower(unit->name[same]))
            same++;
        size_t score = 2 * same + (unit->name[same] == '\0'); /* "min" is m, not ms */
        if (same > 0 && score > best) {
            meant = unit;
            best = score;
        }
    }
    return meant && multiply(span_first(text, count), meant, number);
}

const char *units_format(const struct units *units, int64_t number, char out[UNITS_TEXT])
{
    const char *name = "";
    int64_t length = 1;
    if (units && number == 0) {
        snprintf(out, UNITS_TEXT, "%s", units->zero);
        return out;
    }
    for (size_t i = 0; units && units->units[i].name; i++)
        if (number % units->units[i].length == 0) {
            name = units->units[i].name;
            length = units->units[i].length;
        }
    snprintf(out, UNITS_TEXT, "%lld%s", (long long)(number / length), name);
    return out;
}
