/* This table says which of HTTP/1's alphabets a byte belongs to (RFC 9110, 5.5 and 5.6.2;
 * RFC 9112, 3). The parsers of heads and chunks share it: one look-up a byte is both the check and
 * the search for the end. */
#ifndef PORTICO_HTTP_HTTP_CHAR_H
#define PORTICO_HTTP_HTTP_CHAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

enum http_char_class {
    HTTP_CHAR_TOKEN = 1,  /* tchar */
    HTTP_CHAR_VALUE = 2,  /* HTAB, SP, VCHAR and obs-text: a field's value, a reason phrase */
    HTTP_CHAR_TARGET = 4, /* VCHAR but '#', and obs-text: a request target (H11) */
    HTTP_CHAR_HOST = 8,   /* letters, digits, '-', '.', '_' (H04) */
    HTTP_CHAR_HEX = 16
};

extern const uint8_t http_char_table[256];

static inline bool http_char_is(char c, enum http_char_class class)
{
    return (http_char_table[(unsigned char)c] & class) != 0;
}

static inline bool http_char_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* How many bytes of that class `s` begins with. */
static inline size_t http_char_run(struct span s, enum http_char_class class)
{
    size_t len = 0;
    while (len < s.len && http_char_is(s.data[len], class))
        len++;
    return len;
}

#endif
