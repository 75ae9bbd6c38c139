/* A stream is a connected, non-blocking socket, plain or with TLS on top.
 *
 * Reading and writing look the same for both. What differs is what to wait for when a call
 * would block: TLS may have to write in order to read and the other way round. So a refused
 * call leaves in `read_wants` or `write_wants` the poll(2) event to wait for, taken from
 * SSL_get_error, and whoever waits arms that.
 *
 * A stream belongs to one connection and is used by the worker that runs it. The OpenSSL error
 * queue belongs to the thread and connections change threads: every call here begins by
 * clearing it. A refused write must be repeated with the same bytes (they may have moved)
 * before anything else is written. */
#ifndef PORTICO_NET_STREAM_H
#define PORTICO_NET_STREAM_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "net/stream_batch.h"

struct ssl_st;

/* Encrypted bytes that the kernel has not taken. */
struct stream_held {
    size_t at, len; /* sent, and all */
    size_t answers; /* of all, what TLS had to say while reading went on */
    char data[];
};

struct stream {
    int fd;                   /* owned; -1 when closed */
    struct ssl_st *ssl;       /* owned; NULL on a plain stream */
    short read_wants;         /* POLLIN or POLLOUT: what the last refused read waits for; 0 when the
                                 last read was not refused */
    short write_wants;        /* the same for writing */
    struct stream_held *held; /* owned; NULL when there are none: see stream_flush */
    bool eof;                 /* a read saw the end: clean, truncated or an error */
    bool broken;              /* the stream failed (reset, TLS error): nothing more can be sent */
    bool shut;                /* stream_shutdown is done: nothing more will be sent */
    bool in_epoll;            /* waiting room only: registered in the epoll set */
    bool in_epoll_out;        /* waiting room only: for writing as well */
    bool drained;             /* the last read from `fd` took all there was, and nothing was
                                 reported since. Whoever takes bytes from it by other means clears
                                 it; over TLS some may be unread: see stream_has_unread */
    uint64_t bytes_read;
    uint64_t
        bytes_written; /* as the calls answered: over TLS also what is held; see stream_taken */
};

#define STREAM_CLOSED ((struct stream){.fd = -1})

/* Is it a socket and nothing else, so that its bytes can be had by its descriptor? */
static inline bool stream_is_plain(const struct stream *stream)
{
    return stream->ssl == NULL;
}

/* A plain stream on a connected (or connecting) non-blocking socket, which it then owns. */
void stream_init(struct stream *stream, int fd);

/* Up to `size` bytes, at least one. Returns the count; 0 at a clean end (FIN on a plain
 * stream, close_notify over TLS); -1 with errno: EAGAIN (see read_wants), ECONNABORTED when a
 * TLS peer ended without close_notify, EPROTO on a TLS error, or the socket's own error. Once
 * `eof` is set the end is all there is: 0 again, or -1 with ECONNABORTED. A stream that broke
 * while writing can still be read: what the peer said before it went may lie in the kernel. So
 * can one that holds encrypted bytes: reading does not wait for them. */
ssize_t stream_read(struct stream *stream, void *data, size_t size);

/* Reads as stream_read does, of a plain stream that has not ended, but the bytes stay where they
 * are: they come again. */
ssize_t stream_peek(struct stream *stream, void *data, size_t size);

/* Takes `size` bytes that stream_peek has shown. TCP discards them (tcp(7), MSG_TRUNC); others
 * write them into `data`, which must have room for them. Returns `size`, or -1 with errno. */
ssize_t stream_skip(struct stream *stream, void *data, size_t size);

/* Up to `size` bytes (size > 0). Returns the count, at least 1; -1 with errno: EAGAIN (see
 * write_wants), EPROTO on a TLS error, or the socket's own error (EPIPE, ECONNRESET). */
ssize_t stream_write(struct stream *stream, const void *data, size_t size);

/* A write over TLS may leave encrypted bytes in the stream, when the kernel takes less than it
 * said it would. They go before anything else, and by this function when nothing else follows: 0
 * when there are none (any more), -1 with errno as stream_write does. */
int stream_flush(struct stream *stream);

/* How many of `bytes_written` the kernel has taken, or a little less: what is held is encrypted,
 * and longer than what went in. */
uint64_t stream_taken(const struct stream *stream);

/* Bytes that the kernel's send buffer has room for: about as many as a write would take now. It
 * is told from what lies there; of a peer to whom nothing is under way it is but a guess, and far
 * too much when its window is small. 0 when that cannot be told. *under_way, unless it is NULL: the
 * bytes that lie there, not acknowledged by the peer. */
size_t stream_room(const struct stream *stream, size_t *under_way);

/* Has the peer reset the connection (or has the kernel given it up)? Can be asked while there
 * are unread bytes, and waited for by arming POLLERR. */
bool stream_is_reset(const struct stream *stream);

/* Are there bytes that came from the socket and were not read yet, inside OpenSSL? Perhaps they are
 * no more than a part of a record; if not, nothing can be read without the socket. Always false of
 * a plain stream. */
bool stream_has_unread(const struct stream *stream);

/* Says that nothing more will be sent: FIN, or close_notify and FIN. 0 (also when it was said
 * before), or -1 with errno: EAGAIN when close_notify could not be sent yet (see write_wants,
 * then call again), EPIPE on a broken stream. Reading goes on. */
int stream_shutdown(struct stream *stream);

/* Closes in good order: close_notify over TLS (once, without waiting), then close. */
void stream_close(struct stream *stream);

/* Closes so that the peer sees an aborted transfer: a reset, and no close_notify. */
void stream_abort(struct stream *stream);

/* Frees what the calling thread keeps for writing: a thread calls it as it ends. */
void stream_thread_release(void);

/* For net/tls: what a failed OpenSSL call (`result` is what it returned) means. Sets errno as
 * stream_read does and either *wants or `broken`, or neither when a handshake waits for its
 * certificate. Returns -1. */
int stream_tls_failed(struct stream *stream, int result, short *wants);

/* Turns on SO_KEEPALIVE and TCP_NODELAY; errors are ignored (a Unix socket has neither). */
void stream_set_options(struct stream *stream);

#endif
