/* The root of the local CA (certs/local_ca.h), as it lies on the disk: a look that changes nothing.
 * `dir` is CERT_DIR. */
#ifndef PORTICO_CERTS_LOCAL_CA_ROOT_H
#define PORTICO_CERTS_LOCAL_CA_ROOT_H

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <time.h>

#include "base/err.h"

/* Where a certificate and its key lie. */
struct local_ca_files {
    char crt[PATH_MAX], key[PATH_MAX];
};

void local_ca_root_files(const char *dir, struct local_ca_files *files);

/* The folder of the leaves. */
void local_ca_leaves_path(const char *dir, char out[PATH_MAX]);

/* The root as it lies in `dir`; nothing is made. 0 with *root, whose `cert` is NULL when it is
 * still to be made; or -1 with `err` and a hint when it is of no use. */
struct local_ca_root {
    X509 *cert;
    EVP_PKEY *key;
};
int local_ca_root_read(const char *dir, time_t now, struct local_ca_root *root, struct err *err);
void local_ca_root_release(struct local_ca_root *root);

#endif
