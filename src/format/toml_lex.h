/* The lexer walks through a text in TOML, past white space, comments and signs.
 *
 * It counts lines and columns as it goes, and reports what it stumbles over. What a string, a
 * number or a statement is, others know (toml_scalar, toml_parse). */
#ifndef PORTICO_FORMAT_TOML_LEX_H
#define PORTICO_FORMAT_TOML_LEX_H

#include <stdbool.h>

#include "base/span.h"
#include "format/builder.h"
#include "format/text.h"

struct toml_lex {
    struct builder *builder; /* borrowed: where values and problems go */
    const char *at;          /* the next byte */
    const char *end;
    const char *counted; /* columns are known up to here, on the line of `at` */
    unsigned line;
    unsigned column; /* of `counted` */
};

/* Begins at the start of `text`. All pointers are borrowed. */
void toml_lex_init(struct toml_lex *lex, struct builder *builder, struct span text);

/* The place of the next byte. Constant time over the whole of a parse. */
struct place toml_here(struct toml_lex *lex);

/* What has not been read. */
static inline struct span toml_rest(const struct toml_lex *lex)
{
    return span_make(lex->at, (size_t)(lex->end - lex->at));
}

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

bool toml_take_newline(struct toml_lex *lex); /* if it is next */

void toml_skip_space(struct toml_lex *lex);                 /* spaces and tabs */
void toml_skip_comment(struct toml_lex *lex);               /* if there is one, to its line's end */
void toml_skip_blank(struct toml_lex *lex);                 /* all of these, and newlines */
void toml_skip_to(struct toml_lex *lex, const char *place); /* whatever stands before it */

/* Reports the next character: "X is unexpected here; `expected` was expected". Returns false. */
bool toml_unexpected(struct toml_lex *lex, const char *expected);

#endif
