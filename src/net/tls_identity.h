/* Identities from the inside: what net/tls needs of OpenSSL's contexts. */
#ifndef PORTICO_NET_TLS_IDENTITY_H
#define PORTICO_NET_TLS_IDENTITY_H

#include <openssl/ssl.h>

#include "net/tls.h"

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

#endif
