/* Batches: many TLS records in one system call. Internal to net/stream.
 *
 * OpenSSL hands each record to the socket by itself. For a batch it is given another place to
 * write to, memory of the worker's, and what has gathered there is sent at once. */
#ifndef PORTICO_NET_STREAM_BATCH_H
#define PORTICO_NET_STREAM_BATCH_H

#include <stddef.h>
#include <sys/types.h>

#include "net/stream.h"

/* Encrypts up to `size` bytes, of which the kernel should have room for at least a record's
 * worth more than nothing (stream_room), and sends them. Returns the count of bytes that are
 * encrypted, at least 1, or -1 with errno as stream_write does. Should the kernel take less than
 * it promised, the stream holds the rest, and stream_flush sends it. Nothing may be held yet. */
ssize_t batch_write(struct stream *stream, const void *data, size_t size);

/* Reads as stream_read does while the stream holds bytes, which is what a batch leaves. What
 * OpenSSL writes meanwhile (the answer to a key update) is held behind them; a peer that asks for
 * too much of that without taking any is not read further: read_wants is POLLOUT then. */
ssize_t batch_read(struct stream *stream, void *data, size_t size);

/* Frees the calling thread's memory for batches. */
void batch_thread_release(void);

#endif
