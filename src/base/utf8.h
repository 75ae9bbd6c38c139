/* These functions validate UTF-8 (RFC 3629), and know the code points of its characters. They
 * are pure, whatever the locale. */
#ifndef PORTICO_BASE_UTF8_H
#define PORTICO_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/* Length in bytes (1-4) of the well-formed character that `s` begins with; 0 when it begins
 * with none: overlong forms, surrogates and what lies beyond U+10FFFF are none. */
size_t utf8_char(struct span s);

/* The code point of the well-formed character of `len` bytes (utf8_char, not 0). */
uint32_t utf8_decode(struct span s, size_t len);

/* Position of the first byte that is not part of a well-formed character, or s.len. */
size_t utf8_find_bad(struct span s);

/* Writes a code point (not a surrogate, at most U+10FFFF); returns its length. */
size_t utf8_encode(uint32_t code, char out[4]);

/* Is this a character that nobody can see in the middle of a word: of no width, a change of
 * direction, or a variant of the one before? Accents that combine with a letter can be seen. */
bool utf8_is_invisible(uint32_t code);

/* Does this byte continue a character rather than begin one? */
static inline bool utf8_is_tail(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

#endif
