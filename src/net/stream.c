/* This module reads, writes and closes streams (stream.h). Every call runs on the thread that
 * holds the connection.
 *
 * Ownership: the stream owns its descriptor and its SSL. The SSL's socket BIO borrows the
 * descriptor (SSL_set_fd makes it with BIO_NOCLOSE), so closing is always ours.
 *
 * Invariants
 *  1. Before every OpenSSL call the error queue and errno are cleared: what is found after it
 *     was left by it.
 *  2. After a call, exactly one of these holds: it did something; it was refused, and
 *     read_wants or write_wants is not 0; or the stream ended (`eof`) or failed (`broken`).
 *  3. Once OpenSSL has reported SSL_ERROR_SSL or SSL_ERROR_SYSCALL, nothing more is written,
 *     not even close_notify: OpenSSL forbids it.
 *  4. Before an SSL is freed it is told that both sides have shut down. Otherwise OpenSSL
 *     takes the end for an attack on the session and marks it as not resumable, whereas an
 *     aborted transfer says nothing about the keys.
 *  5. A read over TLS ends, whatever the peer sends: inside of OpenSSL it would go on for as long
 *     as records come that carry no data (key updates, attempts to renegotiate), and its worker
 *     with it. No honest peer sends more than a few of them in a row, so the stream fails.
 *  6. Records leave in the order in which they were encrypted: while a stream holds some, nothing
 *     new is encrypted, and what a read makes OpenSSL write (it answers key updates) is gathered
 *     and held behind them, up to HELD_ANSWERS. Reading cannot wait for them instead: a client may
 *     well send all of its request before it reads any of the answer.
 *
 * A signal never interrupts a worker (all are blocked); the loops over EINTR are for callers
 * on other threads. Inside OpenSSL an EINTR shows as "would block", which costs one turn of
 * poll(2) and nothing else. SIGPIPE is ignored by the process, since OpenSSL's socket BIO uses
 * write(2). */
#include "net/stream.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "net/stream_batch.h"

/* What one read over TLS may take from the socket without giving a byte of data: more than any
 * record and what came along with it. */
#define TLS_FRUITLESS ((uint64_t)32 * 1024)

/* Some thirty answers to key updates, of which an honest peer sends one in gigabytes. */
#define HELD_ANSWERS ((size_t)1024)

/* The read over TLS at hand: whose it is, and at how many bytes taken from the socket by then it is
 * given up. */
static _Thread_local struct {
    struct stream *stream;
    uint64_t max;
} tls_reading;

void stream_init(struct stream *stream, int fd)
{
    *stream = STREAM_CLOSED;
    stream->fd = fd;
}

static void tls_begin(void)
{
    ERR_clear_error();
    errno = 0;
}

int stream_tls_failed(struct stream *stream, int result, short *wants)
{
    int saved = errno; /* SSL_get_error may not, but its allocations might, change it */
    int error = SSL_get_error(stream->ssl, result);

    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        *wants = error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
        errno = EAGAIN;
        return -1;
    }
    if (error == SSL_ERROR_WANT_CLIENT_HELLO_CB) {
        errno = EAGAIN;
        return -1;
    }
    stream->broken = true;
    if (error == SSL_ERROR_SYSCALL)
        errno = saved != 0 ? saved : ECONNABORTED;
    else if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        errno = ECONNABORTED;
    else
        errno = EPROTO;
    return -1;
}

static ssize_t plain_send(struct stream *stream, const void *data, size_t size)
{
    ssize_t count;
    do
        count = send(stream->fd, data, size, MSG_NOSIGNAL);
    while (count < 0 && errno == EINTR);
    if (count >= 0)
        return count;
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        stream->write_wants = POLLOUT;
        errno = EAGAIN;
    } else {
        stream->broken = true;
    }
    return -1;
}

static void drop_held(struct stream *stream)
{
    free(stream->held);
    stream->held = NULL;
}

static int send_held(struct stream *stream)
{
    struct stream_held *held = stream->held;
    while (held->at < held->len) {
        ssize_t count = plain_send(stream, held->data + held->at, held->len - held->at);
        if (count == -1)
            return -1;
        held->at += (size_t)count;
    }
    drop_held(stream);
    return 0;
}

int stream_flush(struct stream *stream)
{
    if (stream->held == NULL)
        return 0;
    stream->write_wants = 0;
    if (!stream->broken)
        return send_held(stream);
    errno = EPIPE;
    return -1;
}

/* Called before and after whatever OpenSSL does with the socket in a read. */
static long on_bio(BIO *bio, int operation, const char *data, size_t len, int argi, long argl,
                   int result, size_t *processed)
{
    (void)data, (void)argi, (void)argl;
    if (operation == (BIO_CB_READ | BIO_CB_RETURN))
        tls_reading.stream->drained = result <= 0 || *processed < len;
    if (operation != BIO_CB_READ || BIO_number_read(bio) < tls_reading.max)
        return result;
    BIO_clear_retry_flags(bio);
    errno = EPROTO;
    return -1;
}

static ssize_t tls_read_now(struct stream *stream, void *data, size_t size)
{
    size_t count = 0;
    tls_begin();
    BIO *socket = SSL_get_rbio(stream->ssl);
    tls_reading.stream = stream;
    tls_reading.max = BIO_number_read(socket) + TLS_FRUITLESS;
    BIO_set_callback_ex(socket, on_bio);
    int result = SSL_read_ex(stream->ssl, data, size, &count);
    BIO_set_callback_ex(socket, NULL);
    if (result > 0)
        return (ssize_t)count;
    if (SSL_get_error(stream->ssl, result) == SSL_ERROR_ZERO_RETURN)
        return 0;
    return stream_tls_failed(stream, result, &stream->read_wants);
}

/* Keeps what the kernel did not take, behind what is held already. 0, or -1 with ENOMEM. */
static int hold(struct stream *stream, struct span bytes)
{
    size_t len = stream->held ? stream->held->len : 0;
    struct stream_held *held = realloc(stream->held, sizeof *held + len + bytes.len);
    if (held == NULL) {
        stream->broken = true;
        errno = ENOMEM;
        return -1;
    }
    if (stream->held == NULL)
        *held = (struct stream_held){0};
    memcpy(held->data + len, bytes.data, bytes.len);
    held->len = len + bytes.len;
    stream->held = held;
    return 0;
}

/* Reads while the stream holds bytes: what OpenSSL writes meanwhile is held behind them. A peer
 * that makes it write too much without taking any is not read further: read_wants is POLLOUT. */
static ssize_t tls_read_holding(struct stream *stream, void *data, size_t size)
{
    if (batch_begin(stream->ssl, HELD_ANSWERS - stream->held->answers, stream->broken) == -1) {
        stream->broken = true;
        return -1;
    }
    ssize_t count = tls_read_now(stream, data, size);
    int saved = errno;
    struct span answers = batch_end(stream->ssl);
    /* A stream that broke has nothing more to say. One that finds no memory breaks, but what was
     * read is good. */
    if (answers.len > 0 && !stream->broken && hold(stream, answers) == 0)
        stream->held->answers += answers.len;
    errno = saved;
    return count;
}

static ssize_t tls_read(struct stream *stream, void *data, size_t size)
{
    if (stream->held != NULL && (stream->broken || send_held(stream) == -1))
        return tls_read_holding(stream, data, size);
    return tls_read_now(stream, data, size);
}

static ssize_t plain_read(struct stream *stream, void *data, size_t size, int flags)
{
    ssize_t count;
    do
        count = recv(stream->fd, data, size, flags);
    while (count < 0 && errno == EINTR);
    /* A read that does not fill its room has emptied the socket: epoll(7), edge-triggered. */
    stream->drained = count < (ssize_t)size;
    if (count >= 0)
        return count;
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        stream->read_wants = POLLIN;
        errno = EAGAIN;
    } else {
        stream->broken = true;
    }
    return -1;
}

ssize_t stream_read(struct stream *stream, void *data, size_t size)
{
    stream->read_wants = 0;
    if (stream->eof) {
        errno = ECONNABORTED;
        return stream->broken ? -1 : 0;
    }
    ssize_t count = stream->ssl ? tls_read(stream, data, size) : plain_read(stream, data, size, 0);
    if (count > 0)
        stream->bytes_read += (uint64_t)count;
    else if (stream->read_wants == 0)
        stream->eof = true;
    return count;
}

ssize_t stream_peek(struct stream *stream, void *data, size_t size)
{
    check(stream->ssl == NULL && !stream->eof);
    stream->read_wants = 0;
    ssize_t count = plain_read(stream, data, size, MSG_PEEK);
    if (count <= 0 && stream->read_wants == 0)
        stream->eof = true;
    return count;
}

ssize_t stream_skip(struct stream *stream, void *data, size_t size)
{
    size_t skipped = 0;
    while (skipped < size) {
        ssize_t count = plain_read(stream, data, size - skipped, MSG_TRUNC);
        if (count <= 0) {
            stream->eof = true;
            errno = count == 0 ? ECONNABORTED : errno;
            return -1;
        }
        stream->bytes_read += (uint64_t)count;
        skipped += (size_t)count;
    }
    return (ssize_t)skipped;
}

/* How much of `size` bytes to write as a batch: whole records that there is room for, and more
 * than one; or 0. */
static size_t batch_size(const struct stream *stream, size_t size)
{
    if (size <= STREAM_RECORD)
        return 0;
    size_t room = stream_room(stream, NULL);
    if (room < size)
        size = room - room % STREAM_RECORD;
    return size > STREAM_RECORD ? size : 0;
}

/* Encrypts up to `size` bytes as one or more records. As stream_write. */
static ssize_t encrypt(struct stream *stream, const char *data, size_t size)
{
    size_t done = 0;
    int result = 1;
    while (done < size && result > 0) {
        size_t count = 0;
        tls_begin();
        result = SSL_write_ex(stream->ssl, data + done, size - done, &count);
        done += count;
    }
    /* What was encrypted before a failure is good; the failure comes again. */
    return done > 0 ? (ssize_t)done : stream_tls_failed(stream, result, &stream->write_wants);
}

/* Encrypts a batch and sends it; holds what the kernel does not take. */
static ssize_t write_batch(struct stream *stream, const char *data, size_t size)
{
    if (batch_begin(stream->ssl, BATCH_MEMORY, false) == -1)
        return -1;
    ssize_t count = encrypt(stream, data, size < BATCH_BYTES ? size : BATCH_BYTES);
    struct span records = batch_end(stream->ssl);
    if (count == -1)
        return -1;
    ssize_t sent = plain_send(stream, records.data, records.len);
    if (sent == -1 && errno != EAGAIN)
        return -1;
    records = span_from(records, sent == -1 ? 0 : (size_t)sent);
    return records.len > 0 && hold(stream, records) == -1 ? -1 : count;
}

static ssize_t tls_write(struct stream *stream, const void *data, size_t size)
{
    if (stream->held != NULL && send_held(stream) == -1)
        return -1;
    size_t batched = batch_size(stream, size);
    if (batched > 0)
        return write_batch(stream, data, batched);
    return encrypt(stream, data, size < STREAM_RECORD ? size : STREAM_RECORD);
}

ssize_t stream_write(struct stream *stream, const void *data, size_t size)
{
    stream->write_wants = 0;
    if (stream->broken || stream->shut) {
        errno = EPIPE;
        return -1;
    }
    ssize_t count = stream->ssl ? tls_write(stream, data, size) : plain_send(stream, data, size);
    if (count > 0)
        stream->bytes_written += (uint64_t)count;
    return count;
}

uint64_t stream_taken(const struct stream *stream)
{
    const struct stream_held *held = stream->held;
    uint64_t left = held ? held->len - held->at : 0;
    return stream->bytes_written > left ? stream->bytes_written - left : 0;
}

static size_t count_under_way(const struct stream *stream)
{
    int bytes = 0;
    return ioctl(stream->fd, SIOCOUTQ, &bytes) == 0 && bytes > 0 ? (size_t)bytes : 0;
}

size_t stream_room(const struct stream *stream, size_t *under_way)
{
    size_t bytes = count_under_way(stream);
    if (under_way != NULL)
        *under_way = bytes;
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t size = sizeof info;
    if (getsockopt(stream->fd, SOL_SOCKET, SO_MEMINFO, info, &size) == -1)
        return 0;
    /* TCP counts what it keeps until it is acknowledged in the first, Unix sockets what has not
     * been read in the second. */
    uint32_t queued = info[SK_MEMINFO_WMEM_QUEUED], alloc = info[SK_MEMINFO_WMEM_ALLOC];
    uint32_t used = queued > alloc ? queued : alloc;
    if (info[SK_MEMINFO_SNDBUF] <= used)
        return 0;
    size_t room = info[SK_MEMINFO_SNDBUF] - used;
    /* The kernel counts the memory that bytes lie in, and for a peer with a small window or small
     * segments that is several times the bytes. What it takes next will lie no better than what is
     * there already. */
    return bytes > 0 && bytes < used ? (size_t)((uint64_t)room * bytes / used) : room;
}

bool stream_is_reset(const struct stream *stream)
{
    struct pollfd pollfd = {.fd = stream->fd};
    return poll(&pollfd, 1, 0) > 0;
}

bool stream_has_unread(const struct stream *stream)
{
    return stream->ssl != NULL && SSL_has_pending(stream->ssl) == 1;
}

/* Sends close_notify, or what is left of it. SSL_shutdown must not be called again once it is
 * out: it would then read, and throw away what the peer is still sending. */
static int tls_send_close_notify(struct stream *stream)
{
    if (stream->held != NULL && send_held(stream) == -1)
        return -1;
    bool in_flight = stream->write_wants != 0;
    if ((SSL_get_shutdown(stream->ssl) & SSL_SENT_SHUTDOWN) != 0 && !in_flight)
        return 0;
    stream->write_wants = 0;
    tls_begin();
    int result = SSL_shutdown(stream->ssl);
    if (result >= 0)
        return 0;
    return stream_tls_failed(stream, result, &stream->write_wants);
}

int stream_shutdown(struct stream *stream)
{
    if (stream->shut)
        return 0;
    if (stream->broken) {
        errno = EPIPE;
        return -1;
    }
    if (stream->ssl != NULL && tls_send_close_notify(stream) != 0)
        return -1;
    if (shutdown(stream->fd, SHUT_WR) != 0) {
        stream->broken = true;
        return -1;
    }
    stream->shut = true;
    return 0;
}

static void release(struct stream *stream)
{
    if (stream->ssl != NULL) {
        SSL_set_shutdown(stream->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        ERR_clear_error();
        SSL_free(stream->ssl);
    }
    if (stream->fd >= 0)
        close(stream->fd);
    drop_held(stream);
    *stream = STREAM_CLOSED;
}

void stream_close(struct stream *stream)
{
    /* During a handshake there is nothing to close: the alert that ends a failed one has been
     * sent by OpenSSL already. */
    if (stream->ssl != NULL && !stream->broken && !stream->shut &&
        SSL_is_init_finished(stream->ssl))
        tls_send_close_notify(stream);
    release(stream);
}

void stream_abort(struct stream *stream)
{
    if (stream->fd >= 0) {
        /* A socket that never connected, or a Unix one, has no reset to send: no matter. */
        struct linger linger = {.l_onoff = 1, .l_linger = 0};
        setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    }
    release(stream);
}

void stream_thread_release(void)
{
    batch_thread_release();
}

void stream_set_options(struct stream *stream)
{
    int on = 1;
    setsockopt(stream->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}
