/* This module gathers TLS records in memory (stream_batch.h). It runs on the worker that holds
 * the stream.
 *
 * A write(2) for each record of 16 KiB costs more than encrypting it: the kernel's way through
 * TCP is paid per call. Copying the records together costs next to nothing beside that, as they
 * are still in the cache.
 *
 * The gathering is done by a BIO that takes what it has room for. It and its memory belong to the
 * thread, and it is the SSL's only between batch_begin and batch_end. */
#include "net/stream_batch.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>

struct batch {
    BIO *bio;    /* owned; NULL until it is first needed */
    BIO *socket; /* a reference: what the SSL at hand wrote to before */
    size_t len, room;
    bool discards;
    char *data; /* owned */
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

int batch_begin(SSL *ssl, size_t room, bool discards)
{
    if (batch_init() == -1)
        return -1;
    batch.socket = SSL_get_wbio(ssl);
    batch.len = 0;
    batch.room = room;
    batch.discards = discards;
    BIO_up_ref(batch.socket);
    BIO_up_ref(batch.bio);
    SSL_set0_wbio(ssl, batch.bio);
    return 0;
}

struct span batch_end(SSL *ssl)
{
    SSL_set0_wbio(ssl, batch.socket);
    return span_make(batch.data, batch.len);
}
