/* This module decodes chunked bodies (RFC 9112, 7.1; row H19 of the table in src/README.md).
 *
 * A state machine over bytes for everything but the data, which is never copied or looked at:
 * a call ends at a run of data, so that the caller moves it on before it asks for more. The
 * grammar is held to the letter, extensions and trailers included, though both are dropped: a
 * decoder that skips "whatever stands there" to the line's end is one that can be made to
 * skip to another line's end than its neighbour.
 *
 * Runs on the worker that serves the connection. Invariants
 * 1. chunk->remaining never exceeds INT64_MAX: a size is checked before each digit is added.
 * 2. chunk->line counts the bytes of the current size line, or of the trailer section, and no
 *    more than its limit are accepted.
 * 3. Each byte is consumed once; no state depends on how the input was cut. */
#include "http/http_chunk.h"

#include <stdbool.h>

#include "http/http_char.h"

enum state {
    SIZE,            /* the digits of a chunk's size */
    SIZE_BLANK,      /* white space before ';' */
    EXTENSION,       /* white space before an extension's name */
    EXTENSION_NAME,  /* its name */
    EXTENSION_EQUAL, /* white space behind its name */
    EXTENSION_VALUE, /* white space before its value */
    EXTENSION_TOKEN, /* its value, a token */
    QUOTED,          /* its value, a quoted string */
    QUOTED_ESCAPE,   /* the byte behind a backslash in one */
    QUOTED_END,      /* behind its closing quotation mark */
    SIZE_LF,         /* the end of the size line */
    DATA,            /* the chunk's content */
    DATA_CR,         /* the line end behind it */
    DATA_LF,
    TRAILER, /* the first byte of a trailer field, or of the line end that ends the body */
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    END_LF,
    DONE,
    BAD
};

static int hex_value(char c)
{
    if (!http_char_is(c, HTTP_CHAR_HEX))
        return -1;
    return c <= '9' ? c - '0' : span_lower(c) - 'a' + 10;
}

/* What may follow a size or a whole extension. */
static enum state behind_extension(char c)
{
    if (c == '\r')
        return SIZE_LF;
    if (c == ';')
        return EXTENSION;
    return http_char_is_blank(c) ? SIZE_BLANK : BAD;
}

static enum state step_size(struct http_chunk *chunk, char c)
{
    const int digit = hex_value(c);
    if (digit < 0)
        return chunk->digits ? behind_extension(c) : BAD;
    if (chunk->remaining > (uint64_t)INT64_MAX >> 4)
        return BAD;
    chunk->digits = true;
    chunk->remaining = chunk->remaining << 4 | (uint64_t)digit;
    return SIZE;
}

/* chunk-ext (RFC 9112, 7.1.1): ";" name, or ";" name "=" value, with white space around. */
static enum state step_extension(enum state state, char c)
{
    const bool blank = http_char_is_blank(c);
    const bool token = http_char_is(c, HTTP_CHAR_TOKEN);
    switch (state) {
    case SIZE_BLANK:
        return c == '\r' ? BAD : behind_extension(c);
    case EXTENSION:
        return blank ? EXTENSION : token ? EXTENSION_NAME : BAD;
    case EXTENSION_NAME:
        if (token)
            return EXTENSION_NAME;
        if (c == '=')
            return EXTENSION_VALUE;
        return blank ? EXTENSION_EQUAL : behind_extension(c);
    case EXTENSION_EQUAL:
        if (c == '=')
            return EXTENSION_VALUE;
        return blank ? EXTENSION_EQUAL : c == ';' ? EXTENSION : BAD;
    case EXTENSION_VALUE:
        if (c == '"')
            return QUOTED;
        return blank ? EXTENSION_VALUE : token ? EXTENSION_TOKEN : BAD;
    case EXTENSION_TOKEN:
        return token ? EXTENSION_TOKEN : behind_extension(c);
    case QUOTED:
        if (c == '"')
            return QUOTED_END;
        if (c == '\\')
            return QUOTED_ESCAPE;
        return http_char_is(c, HTTP_CHAR_VALUE) ? QUOTED : BAD;
    case QUOTED_ESCAPE:
        return http_char_is(c, HTTP_CHAR_VALUE) ? QUOTED : BAD;
    case QUOTED_END:
        return behind_extension(c);
    default:
        return BAD;
    }
}

/* A size line has ended: data, or the trailer section behind the last chunk. */
static enum state begin_data(struct http_chunk *chunk)
{
    chunk->line = 0;
    return chunk->remaining ? DATA : TRAILER;
}

static enum state begin_size(struct http_chunk *chunk)
{
    chunk->line = 0;
    chunk->digits = false;
    return SIZE;
}

static enum state step_trailer(enum state state, char c)
{
    switch (state) {
    case TRAILER:
        if (c == '\r')
            return END_LF;
        return http_char_is(c, HTTP_CHAR_TOKEN) ? TRAILER_NAME : BAD;
    case TRAILER_NAME:
        if (c == ':')
            return TRAILER_VALUE;
        return http_char_is(c, HTTP_CHAR_TOKEN) ? TRAILER_NAME : BAD;
    case TRAILER_VALUE:
        if (c == '\r')
            return TRAILER_LF;
        return http_char_is(c, HTTP_CHAR_VALUE) ? TRAILER_VALUE : BAD;
    case TRAILER_LF:
        return c == '\n' ? TRAILER : BAD;
    case END_LF:
        return c == '\n' ? DONE : BAD;
    default:
        return BAD;
    }
}

/* One byte outside of data. */
static enum state step(struct http_chunk *chunk, char c)
{
    const enum state state = (enum state)chunk->state;
    if (state == DATA_CR)
        return c == '\r' ? DATA_LF : BAD;
    if (state == DATA_LF)
        return c == '\n' ? begin_size(chunk) : BAD;
    if (chunk->line++ == (state < DATA ? HTTP_CHUNK_LINE_MAX : HTTP_CHUNK_TRAILER_MAX))
        return BAD;
    if (state == SIZE)
        return step_size(chunk, c);
    if (state == SIZE_LF)
        return c == '\n' ? begin_data(chunk) : BAD;
    return state < DATA ? step_extension(state, c) : step_trailer(state, c);
}

enum parse_result http_chunk_decode(struct http_chunk *chunk, struct span in, size_t *consumed,
                                    struct span *data)
{
    size_t at = 0;
    while (at < in.len && chunk->state < DONE && chunk->state != DATA)
        chunk->state = (uint8_t)step(chunk, in.data[at++]);

    *data = span_from(in, at);
    if (chunk->state == DATA) {
        if (data->len >= chunk->remaining) {
            data->len = (size_t)chunk->remaining;
            chunk->state = DATA_CR;
        }
        chunk->remaining -= data->len;
    } else {
        data->len = 0;
    }
    *consumed = at + data->len;
    return chunk->state == DONE ? PARSE_DONE : chunk->state == BAD ? PARSE_BAD : PARSE_MORE;
}

size_t http_chunk_head(size_t size, char out[HTTP_CHUNK_HEAD_MAX])
{
    size_t digits = 1;
    for (size_t rest = size >> 4; rest; rest >>= 4)
        digits++;
    for (size_t i = digits; i-- > 0; size >>= 4)
        out[i] = "0123456789abcdef"[size & 15];
    out[digits] = '\r';
    out[digits + 1] = '\n';
    return digits + 2;
}
