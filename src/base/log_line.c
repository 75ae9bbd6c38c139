/* Log lines: see log_line.h. */
#include "base/log_line.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

static const char *const level_names[] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error"};

static size_t put_hex(char *out, char byte)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char value = (unsigned char)byte;
    const char text[4] = {'\\', 'x', digits[value >> 4], digits[value & 0xf]};
    memcpy(out, text, sizeof text);
    return sizeof text;
}

size_t log_escape(struct span text, char *out, size_t size)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool quoted = c == '"' || c == '\\';
        bool plain = c >= 0x20 && c <= 0x7e;
        if (size - len < (quoted ? 2u : plain ? 1u : 4u))
            break;
        if (quoted)
            out[len++] = '\\';
        if (plain)
            out[len++] = c;
        else
            len += put_hex(out + len, c);
    }
    return len;
}

/* Characters that end a line somewhere, or reverse the order in which one is shown. */
static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

/* Length of the character at the front of `text` (not empty), or 0 if it is a control or no
 * well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF). */
static size_t printable_length(struct span text)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)text.data;
    unsigned char lead = bytes[0];
    if (lead < 0x80)
        return is_control(lead) ? 0 : 1;
    size_t len = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.len < len)
        return 0;
    uint32_t c = lead & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (bytes[i] & 0x3fu);
    }
    bool surrogate = c >= 0xd800 && c <= 0xdfff;
    return c < smallest[len] || c > 0x10ffff || surrogate || is_control(c) ? 0 : len;
}

/* Copies `text`, cut off at the last character that fits. */
static size_t put_text(struct span text, char *out, size_t size)
{
    size_t len = 0;
    while (text.len) {
        size_t taken = printable_length(text);
        if (size - len < (taken ? taken : 4))
            break;
        if (taken)
            memcpy(out + len, text.data, taken);
        len += taken ? taken : put_hex(out + len, text.data[0]);
        text = span_from(text, taken ? taken : 1);
    }
    return len;
}

size_t log_line_format(struct log_stamp *stamp, int64_t wall, enum log_level level,
                       const char *thread, struct span text, char *out, size_t size)
{
    int64_t second = wall / CLOCK_SECOND;
    if (second != stamp->second || stamp->text[0] == '\0') {
        struct tm tm;
        time_t time = second;
        gmtime_r(&time, &tm);
        strftime(stamp->text, sizeof stamp->text, "%Y-%m-%dT%H:%M:%S", &tm);
        stamp->second = second;
    }
    char head[96];
    int len = snprintf(head, sizeof head, "%s.%03dZ %s %s: ", stamp->text,
                       (int)(wall % CLOCK_SECOND / CLOCK_MS), level_names[level], thread);
    struct span start = span_first(span_make(head, (size_t)len), size);
    memcpy(out, start.data, start.len);
    return start.len + put_text(text, out + start.len, size - start.len);
}
