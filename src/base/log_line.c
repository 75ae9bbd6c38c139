/* This module makes the lines of the log (log_line.h). */
#include "base/log_line.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/date.h"
#include "base/utf8.h"

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

size_t log_escape_word(struct span text, char *out, size_t size)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool plain = c > 0x20 && c < 0x7f && strchr("\"\\=", c) == NULL;
        if (size - len < (plain ? 1u : 4u))
            break;
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
 * well-formed UTF-8. */
static size_t printable_length(struct span text)
{
    size_t len = utf8_char(text);
    return len == 0 || is_control(utf8_decode(text, len)) ? 0 : len;
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

struct span log_line_format(int64_t wall, enum log_level level, const char *thread,
                            struct span text, char *out, size_t size)
{
    char head[96];
    struct span second = date_text(DATE_ISO, wall);
    int len = snprintf(head, sizeof head, "%.*s.%03dZ %s %s: ", (int)second.len, second.data,
                       (int)(wall % CLOCK_SECOND / CLOCK_MS), level_names[level], thread);
    struct span start = span_first(span_make(head, (size_t)len), size);
    memcpy(out, start.data, start.len);
    return span_make(out, start.len + put_text(text, out + start.len, size - start.len));
}
