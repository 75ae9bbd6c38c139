/* Bytes that flow are moved from one stream to another in large pieces.
 *
 *      plain ─────────splice───────────► plain     net/splice
 *      plain ──peek──► memory ──write──► TLS       what is not written stays with the sender
 *      plain ──read──► memory ──write──► TLS       to a receiver that is sure to take it
 *      TLS   ──read──► memory ──write──► any
 *
 * The memory is the worker's, as the pipe is: a connection that is parked holds neither. */
#ifndef PORTICO_NET_BULK_H
#define PORTICO_NET_BULK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "net/splice.h"
#include "net/stream.h"

/* The most that one call moves. */
#define BULK_MAX SPLICE_MAX

/* Whether what `to` does not take can stay with `from`. */
bool bulk_leaves_rest(const struct stream *from, const struct stream *to);

/* Moves up to `size` bytes (size > 0) that have come on `from` to `to`. The caller asks for what
 * `to` has room for (stream_room). Should it take less, or fail, the rest stays with `from` if it
 * can, or lies in `rest`, which was empty; writing it will say why. For a receiver that is `sure`
 * to take them all, they are not left until they are written, which is cheaper.
 *
 * Returns the count of bytes taken from `from`, at least 1; 0 at its clean end; -1 with errno:
 * EAGAIN (see from->read_wants), ENOTSUP when it could not be done (nothing was taken, and
 * stream_read and stream_write are the way), ENOMEM when the rest found no memory and is lost, or
 * what stream_read says. */
ssize_t bulk_move(struct stream *from, struct stream *to, size_t size, bool sure, struct buf *rest);

/* Frees the calling thread's memory and closes its pipe: a thread calls it as it ends. */
void bulk_thread_release(void);

#endif
