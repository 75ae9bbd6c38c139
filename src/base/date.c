/* This module writes dates as text (date.h). It runs in any thread; what is in the thread's
 * cache costs a division and a comparison. */
#include "base/date.h"

#include <time.h>

#include "base/clock.h"

#define LAST_SECOND INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define TEXT_MAX    32u

struct cached_date {
    int64_t second;
    size_t len; /* 0 until first used */
    char bytes[TEXT_MAX];
};

static size_t write_out(enum date_form form, const struct tm *tm, char out[TEXT_MAX])
{
    if (form == DATE_HTTP)
        return strftime(out, TEXT_MAX, "%a, %d %b %Y %H:%M:%S GMT", tm);
    if (form == DATE_CLF)
        return strftime(out, TEXT_MAX, "%d/%b/%Y:%H:%M:%S +0000", tm);
    return strftime(out, TEXT_MAX, "%Y-%m-%dT%H:%M:%S", tm);
}

struct span date_text(enum date_form form, int64_t wall)
{
    static _Thread_local struct cached_date caches[DATE_FORMS];
    struct cached_date *cache = &caches[form];
    int64_t second = wall < 0 ? 0 : wall / CLOCK_SECOND;
    if (second > LAST_SECOND)
        second = LAST_SECOND;
    if (cache->len == 0 || cache->second != second) {
        struct tm tm;
        time_t time = second;
        gmtime_r(&time, &tm);
        cache->second = second;
        cache->len = write_out(form, &tm, cache->bytes);
    }
    return span_make(cache->bytes, cache->len);
}
