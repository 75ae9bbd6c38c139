/* Dates as text: see date.h.
 *
 * Runs in any thread. Each form has a line of its own in the thread's cache, keyed by the
 * second; a hit costs a division and a comparison. Digits are put down by hand: strftime asks
 * the locale, and printf does not know that a month has two digits. */
#include "base/date.h"

#include <time.h>

#include "base/clock.h"

#define LAST_SECOND INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

struct cached_date {
    int64_t second;
    struct span text; /* empty until first used; else in `bytes` */
    char bytes[32];
};

static const char weekdays[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static char *put(char *at, const char *text, size_t len)
{
    memcpy(at, text, len);
    return at + len;
}

static char *put_number(char *at, int value, int digits)
{
    for (int i = digits - 1; i >= 0; i--, value /= 10)
        at[i] = (char)('0' + value % 10);
    return at + digits;
}

static char *put_time(char *at, const struct tm *tm)
{
    at = put_number(at, tm->tm_hour, 2);
    *at++ = ':';
    at = put_number(at, tm->tm_min, 2);
    *at++ = ':';
    return put_number(at, tm->tm_sec, 2);
}

static char *put_http(char *at, const struct tm *tm)
{
    at = put(at, weekdays + 3 * tm->tm_wday, 3);
    at = put(at, ", ", 2);
    at = put_number(at, tm->tm_mday, 2);
    *at++ = ' ';
    at = put(at, months + 3 * tm->tm_mon, 3);
    *at++ = ' ';
    at = put_number(at, tm->tm_year + 1900, 4);
    *at++ = ' ';
    at = put_time(at, tm);
    return put(at, " GMT", 4);
}

static char *put_log(char *at, const struct tm *tm)
{
    at = put_number(at, tm->tm_mday, 2);
    *at++ = '/';
    at = put(at, months + 3 * tm->tm_mon, 3);
    *at++ = '/';
    at = put_number(at, tm->tm_year + 1900, 4);
    *at++ = ':';
    at = put_time(at, tm);
    return put(at, " +0000", 6);
}

static struct span date(struct cached_date *cache, int64_t wall,
                        char *(*put_form)(char *at, const struct tm *tm))
{
    int64_t second = wall < 0 ? 0 : wall / CLOCK_SECOND;
    if (second > LAST_SECOND)
        second = LAST_SECOND;
    if (cache->text.len == 0 || cache->second != second) {
        struct tm tm;
        time_t time = second;
        gmtime_r(&time, &tm);
        cache->second = second;
        cache->text = span_make(cache->bytes, (size_t)(put_form(cache->bytes, &tm) - cache->bytes));
    }
    return cache->text;
}

struct span date_http(int64_t wall)
{
    static _Thread_local struct cached_date cache;
    return date(&cache, wall, put_http);
}

struct span date_log(int64_t wall)
{
    static _Thread_local struct cached_date cache;
    return date(&cache, wall, put_log);
}
