/* An identity is a certificate chain and its key, with the context of OpenSSL to shake hands in. */
#ifndef PORTICO_NET_TLS_IDENTITY_H
#define PORTICO_NET_TLS_IDENTITY_H

#include <openssl/ssl.h>

#include "base/err.h"

struct tls_identity;

/* From PEM text: the leaf first, then its chain; and the private key. Checks that they belong
 * together. NULL with `err`. One reference for the caller. */
struct tls_identity *tls_identity_new(const char *chain_pem, size_t chain_len, const char *key_pem,
                                      size_t key_len, struct err *err);
struct tls_identity *tls_identity_ref(struct tls_identity *identity);
void tls_identity_unref(struct tls_identity *identity);

/* A context configured as each of ours is, without a certificate. NULL when OpenSSL refuses. */
SSL_CTX *tls_context_new(void);

/* The context to do handshakes in, made if this is the identity's first, and borrowed from it.
 * `second_hello` (always the same) is called for the ClientHello that follows a
 * HelloRetryRequest. NULL when OpenSSL refuses. Any thread. */
SSL_CTX *tls_identity_context(struct tls_identity *identity, SSL_client_hello_cb_fn second_hello);

/* For reading PEM: never asks anybody for a passphrase, so an encrypted key is an error. */
int tls_no_passphrase(char *buf, int size, int writing, void *arg);

/* The private key in PEM text, the caller's; or NULL. */
EVP_PKEY *tls_read_key(const char *pem, size_t len);

/* The first error of the calling thread's queue in OpenSSL's words. */
const char *tls_error_text(void);

#endif
