/* TOML's words: keys, strings, numbers, dates, white space (TOML 1.1.0).
 *
 * A lexer is a place in the text that only moves forward, counting lines and columns as it
 * goes. What it cannot read it reports as a problem. Its functions return 0 when they know
 * where they are in the text (though the value may be a VALUE_BAD), and -1 when they are lost:
 * the parser then takes up again at a later line. */
#ifndef PORTICO_FORMAT_TOML_LEX_H
#define PORTICO_FORMAT_TOML_LEX_H

#include <stdbool.h>

#include "base/span.h"
#include "format/problems.h"
#include "format/text.h"
#include "format/value.h"

struct toml_place {
    unsigned line;
    unsigned column; /* in characters, from 1 */
};

struct toml_lex {
    const char *file;          /* borrowed: the name for problems */
    struct value_tree *tree;   /* borrowed: where strings go */
    struct problems *problems; /* borrowed */
    const char *at;            /* the next byte */
    const char *end;
    const char *counted; /* columns are known up to here, on the line of `at` */
    unsigned line;
    unsigned column;   /* of `counted` */
    bool is_exhausted; /* memory ran out: a problem was reported, stop */
};

/* Begins at the start of `text` (behind a byte order mark). All pointers are borrowed. */
void toml_lex_init(struct toml_lex *lex, const char *file, struct span text,
                   struct value_tree *tree, struct problems *problems);

/* The place of the next byte. Constant time over the whole of a parse. */
struct toml_place toml_here(struct toml_lex *lex);

struct err *toml_problem(struct toml_lex *lex, struct toml_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reports that memory ran out. Returns -1. */
int toml_exhausted(struct toml_lex *lex);

/* The next byte, or -1 at the end. */
static inline int toml_peek(const struct toml_lex *lex)
{
    return lex->at < lex->end ? (unsigned char)*lex->at : -1;
}

/* Takes the next byte if it is `c`, which is no newline. */
static inline bool toml_take(struct toml_lex *lex, char c)
{
    if (lex->at == lex->end || *lex->at != c)
        return false;
    lex->at++;
    return true;
}

/* Is the next thing the end of the line or of the text? */
bool toml_is_line_end(const struct toml_lex *lex);

void toml_skip_space(struct toml_lex *lex);   /* spaces and tabs */
void toml_skip_blank(struct toml_lex *lex);   /* and comments and newlines */
void toml_skip_comment(struct toml_lex *lex); /* to the end of the line, if there is one */
void toml_skip_line(struct toml_lex *lex);    /* through the next newline, whatever stands there */

/* May `c` stand in a key without quotes? */
static inline bool toml_is_bare(char c)
{
    return text_is_word(c);
}

/* The next character in words, for messages: text_describe. Returns `out`, or a constant. */
const char *toml_describe(const struct toml_lex *lex, char out[TEXT_DESCRIBE]);

/* The hint for a character that was pasted in (text_lookalike), or comes from another language;
 * NULL for any other. */
const char *toml_lookalike(const struct toml_lex *lex);

/* Reports the next character: "X is unexpected here; `expected` was expected". Returns -1. */
int toml_unexpected(struct toml_lex *lex, const char *expected);

/* One part of a dotted key, bare or quoted. */
int toml_key(struct toml_lex *lex, struct span *key);

/* A string; the next byte is a quotation mark or an apostrophe. (toml_string.c) */
int toml_string(struct toml_lex *lex, struct value *value);

/* Anything but a string, an array or an inline table. */
int toml_scalar(struct toml_lex *lex, struct value *value);

/* Numbers, dates and words, once they are cut out: fills type and content of `value`. NULL,
 * or why it cannot, in words that follow "is not a value: ". (toml_scalar.c) */
const char *toml_scalar_parse(struct value_tree *tree, struct span token, struct value *value);

#endif
