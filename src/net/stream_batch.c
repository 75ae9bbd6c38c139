/* Batches: see stream_batch.h. Runs on the worker that holds the stream.
 *
 * A write(2) for each record of 16 KiB costs more than encrypting it: the kernel's way through
 * TCP is paid per call. Copying the records together costs next to nothing beside that, as they
 * are still in the cache.
 *
 * The gathering is done by a BIO that takes what it has room for. It and its memory belong to the
 * thread, and it is the SSL's only for the length of a call: between two calls an SSL writes to
 * its socket, as everywhere else.
 *
 * Invariants
 *  1. Records leave in the order in which they were encrypted: while a stream holds some, nothing
 *     new is encrypted, and what a read makes OpenSSL write (it answers key updates) is gathered
 *     and held behind them. Reading cannot wait for them instead: a client may well send all of
 *     its request before it reads any of the answer.
 *  2. A batch never exceeds the memory: it is cut at BATCH_BYTES of content.
 *  3. What reads have added to the bytes held never exceeds BATCH_ANSWERS. */
#include "net/stream_batch.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define BATCH_BYTES ((size_t)64 * 1024)
/* The records of a batch, what is left of one before them that was refused, and a key update;
 * each with all that TLS may add to it (RFC 8446, 5.2; RFC 5246, 6.2.3 allows 2,048 bytes, which
 * no suite of ours comes near). */
#define BATCH_MEMORY (BATCH_BYTES + (BATCH_BYTES / STREAM_RECORD + 3) * 512 + STREAM_RECORD)

/* Some thirty answers to key updates, of which an honest peer sends one in gigabytes. */
#define BATCH_ANSWERS ((size_t)1024)

struct batch {
    BIO *bio; /* owned; NULL until it is first needed */
    size_t len, room;
    bool discards; /* the stream is broken: what is written to it goes nowhere */
    char *data;    /* owned */
};

static _Thread_local struct batch batch;
static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

static int gather(BIO *bio, const char *data, size_t size, size_t *written)
{
    BIO_clear_retry_flags(bio);
    if (size > batch.room - batch.len && !batch.discards) {
        BIO_set_retry_write(bio);
        return -1;
    }
    if (!batch.discards) {
        memcpy(batch.data + batch.len, data, size);
        batch.len += size;
    }
    *written = size;
    return 1;
}

/* OpenSSL flushes after some messages: there is nothing to do, and it went well. */
static long control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static void make_method(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "batch");
    if (method != NULL) {
        BIO_meth_set_write_ex(method, gather);
        BIO_meth_set_ctrl(method, control);
    }
}

static int batch_init(void)
{
    if (batch.bio != NULL)
        return 0;
    pthread_once(&method_once, make_method);
    batch.data = malloc(BATCH_MEMORY);
    batch.bio = method && batch.data ? BIO_new(method) : NULL;
    if (batch.bio == NULL) {
        batch_thread_release();
        errno = ENOMEM;
        return -1;
    }
    BIO_set_init(batch.bio, 1);
    return 0;
}

void batch_thread_release(void)
{
    BIO_free(batch.bio);
    free(batch.data);
    batch = (struct batch){0};
}

/* Until gather_end, OpenSSL writes into the batch, up to `room` bytes. Returns what it wrote to
 * before, for gather_end. */
static BIO *gather_begin(const struct stream *stream, size_t room)
{
    BIO *socket = SSL_get_wbio(stream->ssl);
    batch.len = 0;
    batch.room = room;
    batch.discards = stream->broken;
    BIO_up_ref(socket);
    BIO_up_ref(batch.bio);
    SSL_set0_wbio(stream->ssl, batch.bio);
    return socket;
}

static void gather_end(const struct stream *stream, BIO *socket)
{
    SSL_set0_wbio(stream->ssl, socket);
}

/* Encrypts into the batch. As batch_write, but nothing is sent. */
static ssize_t encrypt(struct stream *stream, const char *data, size_t size)
{
    size_t done = 0;
    int result = 1;
    BIO *socket = gather_begin(stream, BATCH_MEMORY);
    while (done < size && result > 0) {
        size_t count = 0;
        ERR_clear_error();
        errno = 0;
        result = SSL_write_ex(stream->ssl, data + done, size - done, &count);
        done += count;
    }
    /* What was encrypted before a failure is good; the failure comes again. */
    ssize_t count =
        done > 0 ? (ssize_t)done : stream_tls_failed(stream, result, &stream->write_wants);
    gather_end(stream, socket);
    return count;
}

/* Keeps what the kernel did not take, behind what is held already. 0, or -1 with ENOMEM. */
static int hold(struct stream *stream, const char *data, size_t size)
{
    size_t len = stream->held ? stream->held->len : 0;
    struct stream_held *held = realloc(stream->held, sizeof *held + len + size);
    if (held == NULL) {
        stream->broken = true;
        errno = ENOMEM;
        return -1;
    }
    if (stream->held == NULL)
        *held = (struct stream_held){0};
    memcpy(held->data + len, data, size);
    held->len = len + size;
    stream->held = held;
    return 0;
}

ssize_t batch_write(struct stream *stream, const void *data, size_t size)
{
    check(stream->held == NULL);
    if (batch_init() == -1)
        return -1;
    ssize_t count = encrypt(stream, data, size < BATCH_BYTES ? size : BATCH_BYTES);
    if (count == -1)
        return -1;
    ssize_t sent = stream_send(stream, batch.data, batch.len);
    if (sent == -1 && errno != EAGAIN)
        return -1;
    size_t gone = sent == -1 ? 0 : (size_t)sent;
    if (gone < batch.len && hold(stream, batch.data + gone, batch.len - gone) == -1)
        return -1;
    return count;
}

ssize_t batch_read(struct stream *stream, void *data, size_t size)
{
    check(stream->held != NULL);
    if (batch_init() == -1) {
        stream->broken = true;
        return -1;
    }
    BIO *socket = gather_begin(stream, BATCH_ANSWERS - stream->held->answers);
    ssize_t count = stream_tls_read(stream, data, size);
    int saved = errno;
    gather_end(stream, socket);
    /* A stream that broke has nothing more to say. One that finds no memory breaks, but what was
     * read is good. */
    if (batch.len > 0 && !stream->broken && hold(stream, batch.data, batch.len) == 0)
        stream->held->answers += batch.len;
    errno = saved;
    return count;
}
