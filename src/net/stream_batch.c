/* Batches: see stream_batch.h. Runs on the worker that holds the stream.
 *
 * A write(2) for each record of 16 KiB costs more than encrypting it: the kernel's way through
 * TCP is paid per call. Copying the records together costs next to nothing beside that, as they
 * are still in the cache.
 *
 * The gathering is done by a BIO that takes everything. It and its memory belong to the thread,
 * and it is the SSL's only for the length of a batch: between two calls an SSL writes to its
 * socket, as everywhere else.
 *
 * Invariants
 *  1. Records leave in the order in which they were encrypted: while a stream holds some, OpenSSL
 *     is not called for it, neither to write nor to read (a read may write an alert).
 *  2. A batch never exceeds the memory: it is cut at BATCH_BYTES of content. */
#include "net/stream_batch.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define BATCH_BYTES ((size_t)128 * 1024)
/* The records of a batch, what is left of one before them that was refused, and a key update;
 * each with all that TLS may add to it (RFC 8446, 5.2; RFC 5246, 6.2.3 allows 2,048 bytes, which
 * no suite of ours comes near). */
#define BATCH_MEMORY (BATCH_BYTES + (BATCH_BYTES / BATCH_RECORD + 3) * 512 + BATCH_RECORD)

struct batch {
    BIO *bio; /* owned; NULL until it is first needed */
    size_t len;
    char *data; /* owned */
};

static _Thread_local struct batch batch;
static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

static int gather(BIO *bio, const char *data, size_t size, size_t *written)
{
    (void)bio;
    check(size <= BATCH_MEMORY - batch.len);
    memcpy(batch.data + batch.len, data, size);
    batch.len += size;
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

/* Encrypts into the batch. As batch_write, but nothing is sent. */
static ssize_t encrypt(struct stream *stream, const char *data, size_t size)
{
    size_t done = 0;
    int result = 1;
    BIO *socket = SSL_get_wbio(stream->ssl);
    BIO_up_ref(socket);
    BIO_up_ref(batch.bio);
    SSL_set0_wbio(stream->ssl, batch.bio);
    while (done < size && result > 0) {
        size_t count = 0;
        ERR_clear_error();
        errno = 0;
        result = SSL_write_ex(stream->ssl, data + done, size - done, &count);
        done += count;
    }
    SSL_set0_wbio(stream->ssl, socket);
    /* What was encrypted before a failure is good; the failure comes again. */
    return done > 0 ? (ssize_t)done : stream_tls_failed(stream, result, &stream->write_wants);
}

/* Keeps what the kernel did not take. 0, or -1 with ENOMEM. */
static int hold(struct stream *stream, const char *data, size_t size)
{
    struct stream_held *held = malloc(sizeof *held + size);
    if (held == NULL) {
        stream->broken = true;
        errno = ENOMEM;
        return -1;
    }
    *held = (struct stream_held){.len = size};
    memcpy(held->data, data, size);
    stream->held = held;
    return 0;
}

ssize_t batch_write(struct stream *stream, const void *data, size_t size)
{
    check(stream->held == NULL);
    if (batch_init() == -1)
        return -1;
    batch.len = 0;
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
