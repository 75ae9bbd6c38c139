/* A look at the certificates on the disk: see inspect.h. Any thread that holds no permit
 * (base/turnstile.h); takes no lock, since a file that is replaced is replaced as a whole. */
#include "certs/inspect.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/issue.h"
#include "certs/pem_file.h"

/* Leaves are renewed when a third of their term is left. With half of that left, nobody has. */
#define LEAF_LEFT (ISSUE_LEAF / 6)
/* The root is not renewed, and has to be imported anew. */
#define ROOT_LEFT ISSUE_LEAF

/* A file's text, or NULL: there is none (then errno is ENOENT), or `err`. */
static char *read_text(const char *path, size_t *len, struct err *err)
{
    char *text = NULL;
    *len = 0;
    return pem_file_read(path, &text, len, err) == 0 ? text : NULL;
}

static int damaged(const char *path, const char *what, struct err *err)
{
    return err_set(err, "%s cannot be used: %s", path, what);
}

/* 0, and *end: when the certificate expires, or 0 if there is none. -1 with `err`. */
static int read_pair(const char *crt_path, const char *key_path, time_t *end, struct err *err)
{
    size_t crt_len, key_len;
    char *crt = NULL, *key = NULL;
    X509 *cert = NULL;
    EVP_PKEY *pkey = NULL;
    time_t begin;
    int result = -1;
    *end = 0;
    crt = read_text(crt_path, &crt_len, err);
    if (crt == NULL) {
        result = errno == ENOENT ? 0 : -1;
        goto out;
    }
    key = read_text(key_path, &key_len, err);
    if (key == NULL)
        goto out;
    cert = issue_read_cert(crt, crt_len);
    pkey = issue_read_key(key, key_len);
    if (cert == NULL || !issue_term(cert, &begin, end))
        damaged(crt_path, "it holds no certificate", err);
    else if (pkey == NULL)
        damaged(key_path, "it holds no key", err);
    else if (X509_check_private_key(cert, pkey) != 1)
        damaged(key_path, "it is not the key of the certificate beside it", err);
    else
        result = 0;
out:
    EVP_PKEY_free(pkey);
    X509_free(cert);
    if (key)
        OPENSSL_cleanse(key, key_len);
    free(key);
    free(crt);
    ERR_clear_error();
    return result;
}

static enum inspect_result inspect(const char *crt_path, const char *key_path, time_t left,
                                   time_t now, struct err *err)
{
    time_t end;
    char date[32];
    struct tm parts;
    if (read_pair(crt_path, key_path, &end, err) < 0)
        return INSPECT_UNREADABLE;
    if (end == 0 || end > now + left)
        return INSPECT_GOOD;
    gmtime_r(&end, &parts);
    strftime(date, sizeof date, "%Y-%m-%d", &parts);
    err_set(err, "%s %s on %s", crt_path, end > now ? "expires" : "has expired", date);
    return INSPECT_EXPIRES;
}

enum inspect_result inspect_leaf(const char *dir, const char *host, time_t now, struct err *err)
{
    char crt[PATH_MAX], key[PATH_MAX];
    snprintf(crt, sizeof crt, "%s/self-signed/%s.crt", dir, host);
    snprintf(key, sizeof key, "%s/self-signed/%s.key", dir, host);
    return inspect(crt, key, LEAF_LEFT, now, err);
}

enum inspect_result inspect_root(const char *dir, time_t now, struct err *err)
{
    char crt[PATH_MAX], key[PATH_MAX];
    snprintf(crt, sizeof crt, "%s/local-ca.crt", dir);
    snprintf(key, sizeof key, "%s/local-ca.key", dir);
    return inspect(crt, key, ROOT_LEFT, now, err);
}
