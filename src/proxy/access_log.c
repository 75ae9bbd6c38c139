/* This module writes the access log (access_log.h).
 *
 * Runs on the worker that ends an exchange, on its stack: no allocation, no printf, and the
 * date is written once a second. Every byte goes through struct line, which stops at the end
 * of its room, so that no sum of lengths has to be right for safety; that a whole line fits
 * is what the assertion below is for. */
#include "proxy/access_log.h"

#include <assert.h>

#include "base/clock.h"
#include "base/date.h"
#include "base/log.h"

/* Addresses, dates, numbers, keys, quotation marks: generously. */
#define FIXED_MAX 512u

static_assert(ACCESS_LOG_METHOD_MAX + ACCESS_LOG_TARGET_MAX + ACCESS_LOG_VERSION_MAX +
                      ACCESS_LOG_REFERER_MAX + ACCESS_LOG_AGENT_MAX + 2 * ACCESS_LOG_WORD_MAX +
                      FIXED_MAX <=
                  ACCESS_LOG_MAX,
              "an access line fits");

struct line {
    char *at;
    char *end;
};

static size_t room(const struct line *line)
{
    return (size_t)(line->end - line->at);
}

static void put(struct line *line, struct span text)
{
    text = span_first(text, room(line));
    if (text.len)
        memcpy(line->at, text.data, text.len);
    line->at += text.len;
}

static void put_uint(struct line *line, uint64_t value, size_t digits)
{
    char text[20];
    size_t at = sizeof text;
    do {
        text[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value || sizeof text - at < digits);
    put(line, span_make(text + at, sizeof text - at));
}

static void put_seconds(struct line *line, int64_t us)
{
    uint64_t ms = us > 0 ? (uint64_t)(us / CLOCK_MS) : 0;
    put_uint(line, ms / 1000, 1);
    put(line, SPAN("."));
    put_uint(line, ms % 1000, 3);
}

/* For the inside of quotation marks. */
static void put_escaped(struct line *line, struct span text, size_t max)
{
    line->at += log_escape(text, line->at, max < room(line) ? max : room(line));
}

static void put_quoted(struct line *line, struct span text, size_t max)
{
    put(line, SPAN("\""));
    put_escaped(line, text.len ? text : SPAN("-"), max);
    put(line, SPAN("\""));
}

static void put_word(struct line *line, struct span text)
{
    size_t max = room(line) < ACCESS_LOG_WORD_MAX ? room(line) : ACCESS_LOG_WORD_MAX;
    line->at += log_escape_word(text.len ? text : SPAN("-"), line->at, max);
}

/* "-" when nothing was understood: nginx writes the same, and GoAccess reads it. */
static void put_request_line(struct line *line, const struct access_entry *entry)
{
    if (!entry->has_request_line) {
        put(line, SPAN("\"-\""));
        return;
    }
    put(line, SPAN("\""));
    put_escaped(line, entry->method, ACCESS_LOG_METHOD_MAX);
    put(line, SPAN(" "));
    put_escaped(line, entry->target, ACCESS_LOG_TARGET_MAX);
    if (entry->version.len) {
        put(line, SPAN(" "));
        put_escaped(line, entry->version, ACCESS_LOG_VERSION_MAX);
    }
    put(line, SPAN("\""));
}

static void put_combined(struct line *line, const struct access_entry *entry, int64_t wall_us)
{
    char client[ADDRESS_TEXT];
    put(line, span_str(address_format_ip(entry->client, client)));
    put(line, SPAN(" - - ["));
    put(line, date_text(DATE_CLF, wall_us));
    put(line, SPAN("] "));
    put_request_line(line, entry);
    put(line, SPAN(" "));
    put_uint(line, entry->status > 0 ? (uint64_t)entry->status : 0, 3);
    put(line, SPAN(" "));
    put_uint(line, entry->bytes, 1);
    put(line, SPAN(" "));
    put_quoted(line, entry->referer, ACCESS_LOG_REFERER_MAX);
    put(line, SPAN(" "));
    put_quoted(line, entry->agent, ACCESS_LOG_AGENT_MAX);
}

size_t access_log_format(const struct access_entry *entry, int64_t wall_us, char *out, size_t size)
{
    struct line line = {out, out + size};
    put_combined(&line, entry, wall_us);
    put(&line, SPAN(" host="));
    put_word(&line, entry->host);
    put(&line, SPAN(" time="));
    put_seconds(&line, entry->duration_us);
    put(&line, SPAN(" upstream="));
    if (entry->upstream_us >= 0)
        put_seconds(&line, entry->upstream_us);
    else
        put(&line, SPAN("-"));
    put(&line, SPAN(" reason="));
    put(&line, span_str(reason_code(entry->reason)));
    put(&line, SPAN(" id="));
    put_word(&line, span_str(entry->request_id));
    return (size_t)(line.at - out);
}

void access_log_write(const struct access_entry *entry)
{
    char text[ACCESS_LOG_MAX];
    log_access(span_make(text, access_log_format(entry, clock_wall(), text, sizeof text)));
}
