/* What tests need of a TLS client, and of certificates made on the spot.
 *
 * Client and server run in one thread on non-blocking sockets, each taking steps in turn, so
 * that nothing depends on timing. */
#ifndef PORTICO_TEST_TLS_PEER_H
#define PORTICO_TEST_TLS_PEER_H

#include <openssl/ssl.h>
#include <stddef.h>

#include "net/tls.h"

/* A self-signed P-256 certificate and its key, as PEM text. Both are freed by the caller. */
void tls_peer_make_pem(const char *common_name, char **crt, char **key);

/* An identity with such a certificate. */
struct tls_identity *tls_peer_make_identity(const char *common_name);

/* A connected pair of non-blocking TCP sockets on the loopback: [0] connected, [1] accepted. */
void tls_peer_tcp_pair(int fds[2]);

/* The same, where [0] never has more than a buffer of that size for what it receives; 0: as ever.
 */
void tls_peer_tcp_pair_with(int fds[2], int receive_buffer);

/* A client context that verifies nothing. `version` fixes the version, or 0. */
SSL_CTX *tls_peer_client_ctx(int version);

/* A client on `fd` that sends `sni` (NULL: none). */
SSL *tls_peer_connect(SSL_CTX *ctx, int fd, const char *sni);

/* What became of a handshake. */
struct tls_peer_result {
    int server; /* what tls_handshake said in the end */
    int server_errno;
    enum reason why;
    char detail[256];
    int client; /* what SSL_connect said in the end */
    int alert;  /* the alert that the client received, or -1 */
};

/* Runs both sides until each has ended, one way or the other. */
struct tls_peer_result tls_peer_handshake(struct stream *server, SSL *client);

/* Reads from the client until `size` bytes came, the end or an error. Returns the bytes; what
 * ended it is in *error as SSL_get_error says (SSL_ERROR_NONE when all came). */
size_t tls_peer_read(SSL *client, void *data, size_t size, int *error);

/* Waits (at most ten seconds, which only a failing test takes) until `fd` is ready. */
void tls_peer_wait(int fd, short events);

#endif
