/* Identities, and the contexts in which handshakes are done: see tls.h and tls_identity.h.
 *
 * An identity is made by whoever reads certificates and used by all workers. OpenSSL compares a
 * certificate with its key, and looks at each for its strength, whenever they are given to it:
 * a twentieth of a handshake if that is done for each connection. So each identity has a
 * context (SSL_CTX) of its own to which connections change (SSL_set_SSL_CTX).
 *
 * Invariants
 *  1. The context is made at the first handshake, by one of the workers that want it: it takes
 *     OpenSSL half a millisecond and twelve kilobytes, which hosts that nobody visits save.
 *     Once set, it stays until the last reference to the identity is gone; connections hold
 *     references to the context of their own.
 *  2. Every context is configured the same. A change of contexts leaves some settings behind
 *     (options, modes, versions, the number of tickets: SSL_new copied them, from the server's)
 *     and brings others along (the list of suites, the security level, ALPN, the callback for a
 *     second ClientHello); the keys of tickets stay the server's.
 *
 * The order of suites is ours: AES-128 with SHA-256 first, which is the cheapest to shake hands,
 * to encrypt and to keep where the processor knows both, unless the client puts ChaCha20 first,
 * as those without AES in hardware do. All of them are sound. */
#include "net/tls_identity.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/check.h"

#define SUITES_TLS12 "ECDHE+AESGCM+AES128:ECDHE+AESGCM:ECDHE+CHACHA20"
#define SUITES_TLS13 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS       "X25519:P-256:P-384"

#define IDENTITY_MAGIC 0x71151de7u

struct tls_identity { /* immutable, but for the count and for `ctx`, which is set once */
    unsigned magic;
    atomic_uint refs;
    X509 *leaf;
    STACK_OF(X509) * chain; /* what follows the leaf; may be empty */
    EVP_PKEY *key;
    _Atomic(SSL_CTX *) ctx; /* NULL before the first handshake */
};

const char *tls_error_text(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_error());
    return text ? text : "unknown error";
}

/* ---- contexts ----------------------------------------------------------------------------- */

/* ALPN (RFC 7301, 3.2): called only when the client offers something. A client that offers
 * nothing we speak would misunderstand our answers, so it gets no_application_protocol. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                   const unsigned char *offered, unsigned offered_len, void *arg)
{
    static const unsigned char spoken[] = "\x08http/1.1\x08http/1.0";
    unsigned char *chosen = NULL;
    (void)ssl, (void)arg;
    int found =
        SSL_select_next_proto(&chosen, out_len, spoken, sizeof spoken - 1, offered, offered_len);
    *out = chosen;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int configure(SSL_CTX *ctx)
{
    /* Set, not assumed: the system's openssl.cnf may have said otherwise. */
    SSL_CTX_set_security_level(ctx, 2);
    SSL_CTX_clear_options(ctx, SSL_CTX_get_options(ctx));
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                 SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
                   SSL_CTX_set_max_proto_version(ctx, 0) == 1 &&
                   SSL_CTX_set_cipher_list(ctx, SUITES_TLS12) == 1 &&
                   SSL_CTX_set_ciphersuites(ctx, SUITES_TLS13) == 1 &&
                   SSL_CTX_set1_groups_list(ctx, GROUPS) == 1 &&
                   SSL_CTX_set_num_tickets(ctx, 1) == 1 &&
                   SSL_CTX_set_max_early_data(ctx, 0) == 1 &&
                   SSL_CTX_set_recv_max_early_data(ctx, 0) == 1
               ? 0
               : -1;
}

SSL_CTX *tls_context_new(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (ctx != NULL && configure(ctx) == 0)
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

/* ---- identities --------------------------------------------------------------------------- */

int tls_no_passphrase(char *buf, int size, int writing, void *arg)
{
    (void)buf, (void)size, (void)writing, (void)arg;
    return -1;
}

static int read_chain(struct tls_identity *identity, const char *pem, size_t len)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)len);
    int result = -1;

    identity->chain = sk_X509_new_null();
    if (bio == NULL || identity->chain == NULL)
        goto out;
    identity->leaf = PEM_read_bio_X509(bio, NULL, tls_no_passphrase, NULL);
    if (identity->leaf == NULL)
        goto out;
    for (X509 *next; (next = PEM_read_bio_X509(bio, NULL, tls_no_passphrase, NULL)) != NULL;) {
        if (sk_X509_push(identity->chain, next) <= 0) {
            X509_free(next);
            goto out;
        }
    }
    /* The end of the text is the one good reason to stop. */
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        goto out;
    ERR_clear_error();
    result = 0;
out:
    BIO_free(bio);
    return result;
}

EVP_PKEY *tls_read_key(const char *pem, size_t len)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)len);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, tls_no_passphrase, NULL) : NULL;
    BIO_free(bio);
    return key;
}

struct tls_identity *tls_identity_new(const char *chain_pem, size_t chain_len, const char *key_pem,
                                      size_t key_len, struct err *err)
{
    struct tls_identity *identity = calloc(1, sizeof *identity);
    ERR_clear_error();
    if (identity == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    identity->magic = IDENTITY_MAGIC;
    atomic_init(&identity->refs, 1);
    if (chain_len > INT32_MAX || key_len > INT32_MAX)
        err_set(err, "the certificate or its key is too long to be one");
    else if (read_chain(identity, chain_pem, chain_len) != 0)
        err_set(err, "the certificate cannot be read as PEM: %s", tls_error_text());
    else if ((identity->key = tls_read_key(key_pem, key_len)) == NULL)
        err_set(err, "the private key cannot be read as PEM without a passphrase: %s",
                tls_error_text());
    else if (X509_check_private_key(identity->leaf, identity->key) != 1)
        err_set(err, "the certificate and the private key do not belong together");
    else
        return identity;
    ERR_clear_error();
    tls_identity_unref(identity);
    return NULL;
}

struct tls_identity *tls_identity_ref(struct tls_identity *identity)
{
    check_magic(identity, IDENTITY_MAGIC);
    atomic_fetch_add_explicit(&identity->refs, 1, memory_order_relaxed);
    return identity;
}

void tls_identity_unref(struct tls_identity *identity)
{
    if (identity == NULL)
        return;
    check_magic(identity, IDENTITY_MAGIC);
    if (atomic_fetch_sub_explicit(&identity->refs, 1, memory_order_acq_rel) != 1)
        return;
    SSL_CTX_free(atomic_load_explicit(&identity->ctx, memory_order_acquire));
    EVP_PKEY_free(identity->key);
    sk_X509_pop_free(identity->chain, X509_free);
    X509_free(identity->leaf);
    identity->magic = 0;
    free(identity);
}

SSL_CTX *tls_identity_context(struct tls_identity *identity, SSL_client_hello_cb_fn second_hello)
{
    SSL_CTX *there = atomic_load_explicit(&identity->ctx, memory_order_acquire);
    if (there != NULL)
        return there;
    SSL_CTX *made = tls_context_new();
    /* Every connection would have an empty chain of its own. */
    STACK_OF(X509) *chain = sk_X509_num(identity->chain) > 0 ? identity->chain : NULL;
    if (made == NULL ||
        SSL_CTX_use_cert_and_key(made, identity->leaf, identity->key, chain, 1) != 1) {
        SSL_CTX_free(made);
        return NULL;
    }
    SSL_CTX_set_client_hello_cb(made, second_hello, NULL);
    /* Another worker may have had the same thought. */
    if (atomic_compare_exchange_strong(&identity->ctx, &there, made))
        return made;
    SSL_CTX_free(made);
    return there;
}
