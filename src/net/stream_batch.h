/* A batch sends many TLS records with one system call. Internal to net/stream.
 *
 * OpenSSL hands each record to the socket by itself. For a batch it is given another place to
 * write to, memory of the thread's, and what has gathered there is sent at once. */
#ifndef PORTICO_NET_STREAM_BATCH_H
#define PORTICO_NET_STREAM_BATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

struct ssl_st;

/* The most that a TLS record carries; RFC 8446, 5.1. */
#define STREAM_RECORD ((size_t)16384)

/* The content of a batch, at most. */
#define BATCH_BYTES ((size_t)64 * 1024)
/* The records of a batch, what is left of one before them that was refused, and a key update;
 * each with all that TLS may add to it (RFC 8446, 5.2; RFC 5246, 6.2.3 allows 2,048 bytes, which
 * no suite of ours comes near). */
#define BATCH_MEMORY (BATCH_BYTES + (BATCH_BYTES / STREAM_RECORD + 3) * 512 + STREAM_RECORD)

/* Until batch_end, OpenSSL writes into the thread's memory, up to `room` bytes (at most
 * BATCH_MEMORY), and would block beyond; `discards`: what it writes goes nowhere. 0, or -1 with
 * ENOMEM. */
int batch_begin(struct ssl_st *ssl, size_t room, bool discards);

/* OpenSSL writes to its socket again. Returns what has gathered, until the next batch_begin. */
struct span batch_end(struct ssl_st *ssl);

/* Frees the calling thread's memory for batches. */
void batch_thread_release(void);

#endif
