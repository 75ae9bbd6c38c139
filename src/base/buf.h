/* A buffer is a window of bytes in a block of memory that is taken from a pool.
 *
 *        data        start          end            cap
 *          |  consumed  |  unread     |   room       |
 *
 * A buf starts without a block and returns it when it is released, so an idle connection holds
 * none. Blocks come in a few sizes from free lists of the thread: taking and returning one costs
 * no lock and no malloc in the steady state.
 *
 * A buf belongs to one connection and is used by the worker that runs it; blocks may be
 * returned by another thread than the one that took them. */
#ifndef PORTICO_BASE_BUF_H
#define PORTICO_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

#define BUF_SMALL  1024u           /* a usual head */
#define BUF_MEDIUM 4096u           /* a head with cookies */
#define BUF_IO     (16384u + 256u) /* one full TLS record, or 16 KiB and its chunk framing */
#define BUF_HEAD   (65536u + 256u) /* the largest head that is accepted */
#define BUF_MAX    (2u * BUF_HEAD) /* a rewritten head can exceed what came in */

struct buf {
    char *data; /* owned; NULL without a block */
    uint32_t cap;
    uint32_t start;
    uint32_t end;
    bool failed; /* an append found no memory or no room; stays set until released */
};

static inline size_t buf_len(const struct buf *buf)
{
    return buf->end - buf->start;
}

/* The unread bytes; the data is NULL without a block. */
static inline struct span buf_span(const struct buf *buf)
{
    return span_from(span_make(buf->data, buf->end), buf->start);
}

/* Where reading may append, and how much. */
static inline char *buf_tail(const struct buf *buf)
{
    return buf->data ? buf->data + buf->end : NULL;
}

static inline size_t buf_room(const struct buf *buf)
{
    return buf->cap - buf->end;
}

/* Makes room for at least `room` more bytes behind the unread ones, by moving them to the
 * front or to a larger block. 0, or -1 (ENOMEM; EMSGSIZE beyond BUF_MAX) with the content
 * unharmed. Pointers into the buffer become invalid. */
int buf_reserve(struct buf *buf, size_t room);

/* The same for an empty buffer and any size: beyond BUF_MAX the block is not a pooled one. For
 * what is rare and must not be lost. 0, or -1 with ENOMEM. */
int buf_reserve_large(struct buf *buf, size_t room);

/* `len` bytes were written behind the end (at most buf_room). */
void buf_produce(struct buf *buf, size_t len);

/* `len` unread bytes are done with; an emptied buffer starts again at the front. */
void buf_consume(struct buf *buf, size_t len);

/* Appends. On failure `failed` is set and nothing more is appended, so that a builder checks
 * once, at the end. */
void buf_append(struct buf *buf, const void *data, size_t len);

static inline void buf_append_span(struct buf *buf, struct span s)
{
    buf_append(buf, s.data, s.len);
}

static inline void buf_append_str(struct buf *buf, const char *str)
{
    buf_append(buf, str, strlen(str));
}

/* Appends an unsigned number in decimal. */
void buf_append_uint(struct buf *buf, uint64_t value);

/* Before parking: no block if there are no unread bytes, else the smallest that holds them. */
void buf_trim(struct buf *buf);

/* Memory for something else than bytes, from the same free lists: at least `size` (at most
 * BUF_MAX) bytes, of any content. NULL when there is none. Given back with the same size. */
void *buf_block_get(size_t size);
void buf_block_put(void *block, size_t size);

/* Returns the block; the buf is as new. */
void buf_release(struct buf *buf);

/* Frees the calling thread's free blocks: a thread calls it as it ends. */
void buf_thread_release(void);

#endif
