/* Splicing moves bytes from one plain stream to another through a pipe, without copying them.
 *
 * Each thread has a pipe of its own, made when it is first needed. Between two calls the pipe is
 * empty: what the receiving stream does not take is read back into the caller's buffer, so a
 * connection that is parked holds bytes in a buffer like any other, and never a pipe. */
#ifndef PORTICO_NET_SPLICE_H
#define PORTICO_NET_SPLICE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "net/stream.h"

/* The most that one call moves: what the pipe is asked to hold. */
#define SPLICE_MAX ((size_t)1 << 20)

/* Moves up to `size` bytes (size > 0) that have come on `from` to `to`; both are plain. The
 * caller asks for what `to` has room for (stream_room); should it take less, or fail, the rest
 * lies in `rest`, which was empty, and writing it will say why.
 *
 * Returns the count of bytes taken from `from`, at least 1; 0 at its clean end; -1 with errno:
 * EAGAIN (see from->read_wants), ENOTSUP when there is no pipe to be had or the kernel cannot
 * splice these two (nothing has happened then, and stream_read is the way), ENOMEM when the rest
 * found no memory and is lost, or the socket's own error. */
ssize_t splice_move(struct stream *from, struct stream *to, size_t size, struct buf *rest);

/* Closes the calling thread's pipe: a thread calls it as it ends. */
void splice_thread_release(void);

#endif
