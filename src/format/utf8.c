/* UTF-8: see utf8.h. */
#include "format/utf8.h"

size_t utf8_char(struct span s)
{
    if (s.len == 0)
        return 0;
    unsigned char first = (unsigned char)s.data[0];
    if (first < 0x80)
        return 1;
    /* The second byte's range is what excludes overlong forms, surrogates and the rest. */
    unsigned char low = 0x80, high = 0xbf;
    size_t len;
    if (first >= 0xc2 && first <= 0xdf) {
        len = 2;
    } else if (first >= 0xe0 && first <= 0xef) {
        len = 3;
        low = first == 0xe0 ? 0xa0 : low;
        high = first == 0xed ? 0x9f : high;
    } else if (first >= 0xf0 && first <= 0xf4) {
        len = 4;
        low = first == 0xf0 ? 0x90 : low;
        high = first == 0xf4 ? 0x8f : high;
    } else {
        return 0;
    }
    if (s.len < len)
        return 0;
    unsigned char second = (unsigned char)s.data[1];
    if (second < low || second > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if (!utf8_is_tail(s.data[i]))
            return 0;
    return len;
}

size_t utf8_find_bad(struct span s)
{
    size_t at = 0;
    while (at < s.len) {
        if ((unsigned char)s.data[at] < 0x80) {
            at++;
            continue;
        }
        size_t len = utf8_char(span_from(s, at));
        if (len == 0)
            return at;
        at += len;
    }
    return s.len;
}

size_t utf8_encode(uint32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}
