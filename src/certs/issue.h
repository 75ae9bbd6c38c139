/* Issuing: keys, and certificates signed with them, as OpenSSL objects.
 *
 * All keys are P-256, all signatures SHA-256, all serial numbers 128 random bits. Times are
 * seconds since the epoch, passed in, so that tests need not wait for years. Every function
 * that returns a pointer returns NULL when OpenSSL refused (its error queue says why), and
 * what it returns belongs to the caller. */
#ifndef PORTICO_CERTS_ISSUE_H
#define PORTICO_CERTS_ISSUE_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <time.h>

#define ISSUE_DAY  ((time_t)86400)
#define ISSUE_ROOT (3653 * ISSUE_DAY) /* ten years */
#define ISSUE_LEAF (90 * ISSUE_DAY)
#define ISSUE_SKEW ((time_t)3600) /* for clients whose clock is behind */

EVP_PKEY *issue_key(void);

/* A root named `name`, which may sign leaves and nothing below them (RFC 5280, 4.2.1.9). */
X509 *issue_root(EVP_PKEY *key, const char *name, time_t now);

/* A server certificate for `host`, a DNS name or an IP literal, which goes into the
 * subjectAltName. It ends with the root at the latest. */
X509 *issue_leaf(X509 *root, EVP_PKEY *root_key, EVP_PKEY *key, const char *host, time_t now);

/* PEM text and back. Reading never asks for a passphrase. */
char *issue_write_cert(X509 *cert, size_t *len);
char *issue_write_key(EVP_PKEY *key, size_t *len);
X509 *issue_read_cert(const char *text, size_t len);

/* Whether clients that ask for `host` accept the certificate. */
bool issue_covers(X509 *cert, const char *host);

/* The certificate's term. False when it makes no sense. */
bool issue_term(const X509 *cert, time_t *begin, time_t *end);

#endif
