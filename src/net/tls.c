/* TLS on the listening side: see tls.h. Everything here runs on the worker that holds the
 * connection, but for tls_server_new and tls_server_free.
 *
 * The certificate is chosen in the ClientHello callback and not in the better-known servername
 * callback, because it runs before OpenSSL looks at tickets. That is what makes two things
 * true which otherwise are not: in TLS 1.2 SSL_get_servername gives the name kept in a resumed
 * session, which need not be the one that this client has just sent; and a session must be
 * refused, before it is used, when it was made for another host.
 *
 * Invariants
 *  1. tls_sni is what this connection's ClientHello said, whatever was resumed. A second
 *     ClientHello (after a HelloRetryRequest) that says something else ends the handshake.
 *  2. Sessions do not cross hosts: the session id context of a connection is a digest of the
 *     name it asked for, and OpenSSL resumes only sessions of the same context. A certificate
 *     is looked up for resumed sessions too, so a host that is gone is gone for them as well.
 *  3. A handshake whose certificate is not loaded yet stops in the callback
 *     (SSL_CLIENT_HELLO_RETRY), and OpenSSL calls it again whenever the handshake goes on. What it
 *     read of the ClientHello the first time is kept.
 *  4. Nothing is built per handshake but references: it changes to the context of the identity
 *     (net/tls_identity), in which everything lies ready.
 *
 * Choices
 *  - Sessions live in tickets only; the key for them is made at start and dies with the
 *    process. One ticket a handshake in TLS 1.3, since each is a write of its own.
 *  - No early data: a request that can be replayed is not worth the round trip.
 *  - Read-ahead: one read(2) takes all that has come, instead of five bytes of record header
 *    and then the rest; a request on a kept-alive connection costs two calls instead of three,
 *    and an upload half of them. The price is that undecrypted records may lie in OpenSSL
 *    without being counted by SSL_pending, which is why only a read that said "would block", or
 *    SSL_has_pending that says no, allows waiting (rule 1 of parking). With RELEASE_BUFFERS the
 * read buffer is freed whenever nothing is left in it. */
#include "net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/check.h"
#include "net/tls_identity.h"

#define NAME_MAX_LEN 253u /* of a host name as text; RFC 1035, 2.3.4 */

#define SERVER_MAGIC 0x7115e41eu

struct tls_server { /* immutable */
    unsigned magic;
    SSL_CTX *ctx;
    tls_lookup_fn *lookup;
    void *lookup_arg; /* borrowed */
};

/* What a connection's ClientHello said; hangs on its SSL and is freed with it. */
struct hello {
    enum reason refused; /* why there is no identity; REASON_NONE: there is one */
    bool has_name;       /* there was a server_name extension with a host name */
    char name[];         /* as the lookup saw it, or as received when it is no possible name */
};

static int hello_index = -1;
static pthread_once_t hello_once = PTHREAD_ONCE_INIT;

static void free_hello(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long argl,
                       void *argp)
{
    (void)parent, (void)data, (void)index, (void)argl, (void)argp;
    free(ptr);
}

static void make_hello_index(void)
{
    hello_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_hello);
}

static struct hello *hello_get(const SSL *ssl)
{
    return SSL_get_ex_data(ssl, hello_index);
}

/* ---- the ClientHello ---------------------------------------------------------------------- */

static bool take_u16(struct span *rest, size_t *value)
{
    if (rest->len < 2)
        return false;
    *value = (size_t)(unsigned char)rest->data[0] << 8 | (unsigned char)rest->data[1];
    *rest = span_from(*rest, 2);
    return true;
}

/* The host name of a server_name extension (RFC 6066, 3): a list of typed names, of which only
 * the type host_name (0) was ever defined. False when it is malformed. */
static bool parse_server_name(struct span extension, struct span *name)
{
    size_t len;
    if (!take_u16(&extension, &len) || len != extension.len || extension.len < 3 ||
        extension.data[0] != 0)
        return false;
    extension = span_from(extension, 1);
    if (!take_u16(&extension, &len) || len == 0 || len != extension.len)
        return false;
    *name = extension;
    return true;
}

/* Keeps what the client asked for. Answers NULL without memory. */
static struct hello *hello_new(bool has_name, struct span name)
{
    if (name.len > 1 && name.data[name.len - 1] == '.')
        name.len--;
    struct hello *hello = malloc(sizeof *hello + name.len + 1);
    if (hello == NULL)
        return NULL;
    hello->has_name = has_name;
    bool impossible = name.len > NAME_MAX_LEN || (has_name && memchr(name.data, 0, name.len));
    hello->refused = impossible ? REASON_HANDSHAKE_NAME : REASON_NONE;
    for (size_t i = 0; i < name.len; i++)
        hello->name[i] = span_lower(name.data[i]);
    hello->name[name.len] = '\0';
    return hello;
}

/* What this ClientHello says; NULL with the alert to send. */
static struct hello *hello_read(SSL *ssl, int *alert)
{
    const unsigned char *data;
    struct span extension = {NULL, 0}, name = SPAN("");
    bool has_name =
        SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &extension.len) == 1;

    extension.data = (const char *)data;
    *alert = SSL_AD_DECODE_ERROR;
    if (has_name && !parse_server_name(extension, &name))
        return NULL;
    *alert = SSL_AD_INTERNAL_ERROR;
    return hello_new(has_name, name);
}

/* In the context of an identity, so after the certificate was chosen: the second ClientHello may
 * differ in the key share, not in the name (RFC 8446, 4.1.2). */
static int on_second_hello(SSL *ssl, int *alert, void *arg)
{
    const struct hello *first = hello_get(ssl);
    struct hello *hello = hello_read(ssl, alert);
    (void)arg;
    if (hello == NULL)
        return SSL_CLIENT_HELLO_ERROR;
    bool same = first->has_name == hello->has_name && strcmp(first->name, hello->name) == 0;
    free(hello);
    *alert = SSL_AD_ILLEGAL_PARAMETER;
    return same ? SSL_CLIENT_HELLO_SUCCESS : SSL_CLIENT_HELLO_ERROR;
}

/* Binds the sessions of this connection to the name (invariant 2). */
static int bind_sessions(SSL *ssl, const struct hello *hello)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    /* No name is hashed with its NUL, so that it differs from every name. */
    size_t size = hello->has_name ? strlen(hello->name) : 1;
    if (EVP_Digest(hello->has_name ? hello->name : "", size, digest, &len, EVP_sha256(), NULL) != 1)
        return -1;
    return SSL_set_session_id_context(ssl, digest, len) == 1 ? 0 : -1;
}

static struct tls_identity *find_identity(struct tls_server *server, SSL *ssl,
                                          const struct hello *hello)
{
    struct address local = {0};
    if (!hello->has_name)
        (void)address_of_socket(SSL_get_fd(ssl), &local);
    errno = 0;
    return server->lookup(server->lookup_arg, hello->has_name ? hello->name : NULL, &local,
                          SSL_get_app_data(ssl));
}

/* Gives the connection its certificate. What the callback is to answer, with the alert to send. */
static int choose_identity(struct tls_server *server, SSL *ssl, struct hello *hello, int *alert)
{
    struct tls_identity *identity = NULL;
    if (hello->refused == REASON_NONE) {
        identity = find_identity(server, ssl, hello);
        if (identity == NULL && errno == EAGAIN)
            return SSL_CLIENT_HELLO_RETRY;
        if (identity == NULL)
            hello->refused = errno == ENOKEY ? REASON_HANDSHAKE_CERTIFICATE : REASON_HANDSHAKE_NAME;
    }
    if (identity == NULL) {
        *alert = hello->refused == REASON_HANDSHAKE_NAME ? SSL_AD_UNRECOGNIZED_NAME
                                                         : SSL_AD_INTERNAL_ERROR;
        return SSL_CLIENT_HELLO_ERROR;
    }
    SSL_CTX *ctx = tls_identity_context(identity, on_second_hello);
    bool changed = ctx != NULL && SSL_set_SSL_CTX(ssl, ctx) == ctx;
    tls_identity_unref(identity);
    *alert = SSL_AD_INTERNAL_ERROR;
    return changed && bind_sessions(ssl, hello) == 0 ? SSL_CLIENT_HELLO_SUCCESS
                                                     : SSL_CLIENT_HELLO_ERROR;
}

static int on_client_hello(SSL *ssl, int *alert, void *arg)
{
    struct hello *hello = hello_get(ssl);
    if (hello == NULL) {
        if ((hello = hello_read(ssl, alert)) == NULL)
            return SSL_CLIENT_HELLO_ERROR;
        if (SSL_set_ex_data(ssl, hello_index, hello) != 1) {
            free(hello);
            *alert = SSL_AD_INTERNAL_ERROR;
            return SSL_CLIENT_HELLO_ERROR;
        }
    }
    return choose_identity(arg, ssl, hello, alert);
}

/* ---- the server --------------------------------------------------------------------------- */

struct tls_server *tls_server_new(tls_lookup_fn *lookup, void *arg, struct err *err)
{
    ERR_clear_error();
    pthread_once(&hello_once, make_hello_index);
    struct tls_server *server = calloc(1, sizeof *server);
    SSL_CTX *ctx = hello_index < 0 ? NULL : tls_context_new();
    if (server == NULL || ctx == NULL) {
        err_set(err, "TLS cannot be set up: %s", server ? tls_error_text() : "out of memory");
        ERR_clear_error();
        SSL_CTX_free(ctx);
        free(server);
        return NULL;
    }
    SSL_CTX_set_client_hello_cb(ctx, on_client_hello, server);
    *server = (struct tls_server){SERVER_MAGIC, ctx, lookup, arg};
    return server;
}

void tls_server_free(struct tls_server *server)
{
    if (server == NULL)
        return;
    check_magic(server, SERVER_MAGIC);
    SSL_CTX_free(server->ctx);
    server->magic = 0;
    free(server);
}

/* ---- connections -------------------------------------------------------------------------- */

int tls_accept(struct tls_server *server, struct stream *stream)
{
    check_magic(server, SERVER_MAGIC);
    ERR_clear_error();
    SSL *ssl = SSL_new(server->ctx);
    if (ssl == NULL || SSL_set_fd(ssl, stream->fd) != 1) {
        SSL_free(ssl);
        errno = ENOMEM;
        return -1;
    }
    SSL_set_accept_state(ssl);
    stream->ssl = ssl;
    return 0;
}

/* Names a failed handshake; errno is what stream_tls_failed said. */
static enum reason explain(struct stream *stream, char *detail, size_t detail_size)
{
    const struct hello *hello = hello_get(stream->ssl);
    int code = ERR_GET_REASON(ERR_peek_error());
    char text[128];

    if (hello != NULL && hello->refused) {
        snprintf(detail, detail_size, "%s", hello->has_name ? hello->name : "no name sent");
        return hello->refused;
    }
    if (errno == EPROTO && (code == SSL_R_HTTP_REQUEST || code == SSL_R_HTTPS_PROXY_REQUEST)) {
        snprintf(detail, detail_size, "plain HTTP");
        return REASON_BAD_TLS_PORT;
    }
    if (errno == EPROTO)
        snprintf(detail, detail_size, "%s", tls_error_text());
    else if (errno == ECONNABORTED)
        snprintf(detail, detail_size, "the client closed the connection");
    else
        snprintf(detail, detail_size, "%s", strerror_r(errno, text, sizeof text));
    if (errno != EPROTO && BIO_number_read(SSL_get_rbio(stream->ssl)) == 0)
        return REASON_SILENT;
    return REASON_HANDSHAKE_FAILED;
}

/* Empties a key that OpenSSL keeps a reference to: what was in it is wiped and freed. */
static void empty_key(EVP_PKEY *key)
{
    EVP_PKEY_set_type(key, EVP_PKEY_get_base_id(key));
    EVP_PKEY_free(key);
}

/* After TLS 1.3's handshake OpenSSL keeps both keys of the exchange until the connection ends,
 * for nobody but SSL_get_tmp_key and its like. */
static void forget_exchange(SSL *ssl)
{
    EVP_PKEY *key;
    if (SSL_get_tmp_key(ssl, &key))
        empty_key(key);
    if (SSL_get_peer_tmp_key(ssl, &key))
        empty_key(key);
}

int tls_handshake(struct stream *stream, const struct room_ticket *ticket, enum reason *why,
                  char *detail, size_t detail_size)
{
    short wants = 0;

    stream->read_wants = stream->write_wants = 0;
    ERR_clear_error();
    errno = 0;
    SSL_set_app_data(stream->ssl,
                     (void *)(uintptr_t)ticket); /* for as long as the callback may run */
    int result = SSL_do_handshake(stream->ssl);
    SSL_set_app_data(stream->ssl, NULL);
    if (result == 1) {
        forget_exchange(stream->ssl);
        return 0;
    }
    stream_tls_failed(stream, result, &wants);
    if (wants == POLLIN)
        stream->read_wants = wants;
    else
        stream->write_wants = wants;
    if (!stream->broken)
        return -1;
    int saved = errno;
    stream->eof = true;
    *why = explain(stream, detail, detail_size);
    if (*why == REASON_BAD_TLS_PORT) {
        /* OpenSSL has sent nothing: the connection is as good as new. */
        SSL_free(stream->ssl);
        stream->ssl = NULL;
        stream->eof = stream->broken = false;
    }
    ERR_clear_error();
    errno = saved;
    return -1;
}

const char *tls_sni(const struct stream *stream)
{
    const struct hello *hello = hello_get(stream->ssl);
    return hello != NULL && hello->has_name ? hello->name : NULL;
}

const char *tls_version(const struct stream *stream)
{
    return SSL_get_version(stream->ssl);
}

const char *tls_cipher(const struct stream *stream)
{
    return SSL_get_cipher_name(stream->ssl);
}

void tls_thread_release(void)
{
    OPENSSL_thread_stop();
}
