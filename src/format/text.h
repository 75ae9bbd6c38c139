/* These functions know text of any format: where a byte of it stands, and what a character that
 * should not be there is called. */
#ifndef PORTICO_FORMAT_TEXT_H
#define PORTICO_FORMAT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct place {
    unsigned line, column; /* from 1; columns count characters. 0: not known */
};

/* The place of the byte that lies so far from the beginning of `text`. */
struct place text_place(struct span text, size_t offset);

/* `text` without the byte order mark that it may begin with. */
struct span text_without_mark(struct span text);

/* Control characters that no line of text holds: those of ASCII, but for the tab. */
static inline bool text_is_control(char c)
{
    return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

/* May `c` stand in a word: A-Z, a-z, 0-9, "_" or "-"? */
bool text_is_word(char c);

/* The number that the first `count` characters of `text` (8 at the most) are in hexadecimal, or -1
 * when they are none. */
int64_t text_hex(struct span text, size_t count);

/* The character that `rest` begins with in words, for messages: a quoted one, "the end of the
 * line", "a no-break space (U+00A0)". Returns `out`, or a constant. */
#define TEXT_DESCRIBE 80u
const char *text_describe(struct span rest, char out[TEXT_DESCRIBE]);

/* The hint for a character that was pasted in and only looks like what a parser knows
 * (typographic quotes, unusual spaces); NULL for any other. */
const char *text_lookalike(struct span rest);

/* The hint for a word without quotes that some formats take for a boolean, or for no value; NULL
 * for any other. */
const char *text_word_hint(struct span word);

#endif
