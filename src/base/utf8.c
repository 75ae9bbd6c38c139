/* This module reads and writes UTF-8 (utf8.h). */
#include "base/utf8.h"

size_t utf8_char(struct span s)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000}; /* by length */
    if (s.len == 0)
        return 0;
    unsigned char first = (unsigned char)s.data[0];
    if (first < 0x80)
        return 1;
    size_t len = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || s.len < len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if (!utf8_is_tail(s.data[i]))
            return 0;
    uint32_t code = utf8_decode(s, len);
    bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return code < smallest[len] || code > 0x10ffff || surrogate ? 0 : len;
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

uint32_t utf8_decode(struct span s, size_t len)
{
    if (len == 1)
        return (unsigned char)s.data[0];
    uint32_t code = (unsigned char)s.data[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++)
        code = code << 6 | ((unsigned char)s.data[i] & 0x3f);
    return code;
}

bool utf8_is_invisible(uint32_t code)
{
    return (code >= 0x200b && code <= 0x200f) || (code >= 0x202a && code <= 0x202e) ||
           (code >= 0x2060 && code <= 0x206f) || (code >= 0xfe00 && code <= 0xfe0f) ||
           code == 0xfeff || (code >= 0xfff9 && code <= 0xfffb);
}
