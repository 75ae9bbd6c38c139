/* See tls_peer.h. */
#include "tls_peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "net/tls_identity.h"

#define PATIENCE_MS 10000

static char *bio_text(BIO *bio)
{
    char *data;
    long len = BIO_get_mem_data(bio, &data);
    char *text = calloc(1, (size_t)len + 1);
    check(len > 0 && text != NULL);
    memcpy(text, data, (size_t)len);
    BIO_free(bio);
    return text;
}

void tls_peer_make_pem(const char *common_name, char **crt, char **key)
{
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    X509 *x509 = X509_new();
    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), -60);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
                               (const unsigned char *)common_name, -1, -1, 0);
    X509_set_issuer_name(x509, X509_get_subject_name(x509));
    X509_set_pubkey(x509, pkey);
    check(X509_sign(x509, pkey, EVP_sha256()) > 0);

    BIO *bio = BIO_new(BIO_s_mem());
    check(PEM_write_bio_X509(bio, x509) == 1);
    *crt = bio_text(bio);
    bio = BIO_new(BIO_s_mem());
    check(PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) == 1);
    *key = bio_text(bio);
    X509_free(x509);
    EVP_PKEY_free(pkey);
}

struct tls_identity *tls_peer_make_identity(const char *common_name)
{
    char *crt, *key;
    tls_peer_make_pem(common_name, &crt, &key);
    struct tls_identity *identity = tls_identity_new(crt, strlen(crt), key, strlen(key), NULL);
    check(identity != NULL);
    free(crt);
    free(key);
    return identity;
}

void tls_peer_tcp_pair(int fds[2])
{
    tls_peer_tcp_pair_with(fds, 0);
}

void tls_peer_tcp_pair_with(int fds[2], int receive_buffer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(bind(listener, (struct sockaddr *)&address, len) == 0 && listen(listener, 1) == 0);
    check(getsockname(listener, (struct sockaddr *)&address, &len) == 0);
    fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer > 0)
        check(setsockopt(fds[0], SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(int)) == 0);
    check(connect(fds[0], (struct sockaddr *)&address, len) == 0);
    fds[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    check(fds[1] >= 0 && fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0);
    close(listener);
}

SSL_CTX *tls_peer_client_ctx(int version)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    check(ctx != NULL);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (version != 0) {
        SSL_CTX_set_min_proto_version(ctx, version);
        SSL_CTX_set_max_proto_version(ctx, version);
    }
    return ctx;
}

SSL *tls_peer_connect(SSL_CTX *ctx, int fd, const char *sni)
{
    SSL *ssl = SSL_new(ctx);
    check(ssl != NULL && SSL_set_fd(ssl, fd) == 1);
    if (sni != NULL)
        check(SSL_set_tlsext_host_name(ssl, sni) == 1);
    SSL_set_connect_state(ssl);
    return ssl;
}

void tls_peer_wait(int fd, short events)
{
    struct pollfd pfd = {.fd = fd, .events = events};
    check(poll(&pfd, 1, PATIENCE_MS) == 1);
}

static int client_step(SSL *client, int *alert)
{
    ERR_clear_error();
    int result = SSL_do_handshake(client);
    int error = SSL_get_error(client, result);
    if (result == 1)
        return 1;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return 0;
    int code = ERR_GET_REASON(ERR_peek_error());
    *alert = code >= SSL_AD_REASON_OFFSET ? code - SSL_AD_REASON_OFFSET : -1;
    ERR_clear_error();
    return -1;
}

struct tls_peer_result tls_peer_handshake(struct stream *server, SSL *client)
{
    struct tls_peer_result r = {.server = -2, .alert = -1};
    int server_fd = server->fd, client_fd = SSL_get_fd(client);

    while (r.server == -2 || r.client == 0) {
        if (r.client == 0)
            r.client = client_step(client, &r.alert);
        if (r.client < 0 && r.server == -2)
            shutdown(client_fd, SHUT_WR);
        if (r.server == -2) {
            int result = tls_handshake(server, NULL, &r.why, r.detail, sizeof r.detail);
            if (result == 0 || errno != EAGAIN) {
                r.server = result;
                r.server_errno = result == 0 ? 0 : errno;
            }
        }
        if (r.client == 0)
            r.client = client_step(client, &r.alert);
        if (r.server == -2 && r.client == 0) {
            struct pollfd both[2] = {{.fd = server_fd, .events = POLLIN},
                                     {.fd = client_fd, .events = POLLIN}};
            check(poll(both, 2, PATIENCE_MS) > 0);
        } else if (r.client == 0) {
            tls_peer_wait(client_fd, POLLIN);
        } else if (r.server == -2) {
            tls_peer_wait(server_fd, POLLIN);
        }
    }
    return r;
}

size_t tls_peer_read(SSL *client, void *data, size_t size, int *error)
{
    size_t total = 0;
    *error = SSL_ERROR_NONE;
    while (total < size) {
        size_t count = 0;
        ERR_clear_error();
        errno = 0;
        int result = SSL_read_ex(client, (char *)data + total, size - total, &count);
        if (result > 0) {
            total += count;
            continue;
        }
        *error = SSL_get_error(client, result);
        if (*error != SSL_ERROR_WANT_READ)
            break;
        *error = SSL_ERROR_NONE;
        tls_peer_wait(SSL_get_fd(client), POLLIN);
    }
    return total;
}
