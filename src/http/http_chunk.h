/* Chunked bodies are decoded here (RFC 9112, 7.1; row H19 of the table in src/README.md).
 *
 * Extensions and trailers are checked and dropped; sizes are checked for overflow; a bare LF,
 * or any other liberty with line ends, is refused. Pure, resumable at every byte, linear. */
#ifndef PORTICO_HTTP_HTTP_CHUNK_H
#define PORTICO_HTTP_HTTP_CHUNK_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "http/http_head.h"

#define HTTP_CHUNK_LINE_MAX    4096u  /* a size line with its extensions */
#define HTTP_CHUNK_TRAILER_MAX 65536u /* all trailers */

/* Zero it to begin. */
struct http_chunk {
    uint8_t state;      /* private to http_chunk.c */
    bool digits;        /* the size line has at least one digit */
    uint32_t line;      /* bytes of the current size line, or of all trailers */
    uint64_t remaining; /* of the size being read, or of the chunk's data */
};

/* Takes the next piece of a chunked body from `in`. *consumed bytes are done with, of which
 * *data (possibly empty, always the last of the consumed ones) is content. PARSE_DONE: the body
 * is over, *consumed included its last byte, *data is empty. PARSE_MORE: call again with what
 * is behind *consumed and, when that is nothing, with more. PARSE_BAD: the body is malformed,
 * *data is empty. DONE and BAD are final: further calls consume nothing and say the same. */
enum parse_result http_chunk_decode(struct http_chunk *chunk, struct span in, size_t *consumed,
                                    struct span *data);

/* Room that a chunk's size line needs before its data. */
#define HTTP_CHUNK_HEAD_MAX 18u

/* Writes the size line of a chunk of `size` bytes; returns its length. CRLF goes behind the
 * data, and "0\r\n\r\n" ends the body. */
size_t http_chunk_head(size_t size, char out[HTTP_CHUNK_HEAD_MAX]);

#endif
