/* The root of the local CA, as it lies on the disk: see local_ca_root.h. Any thread; takes no lock.
 *
 * What is missing of it tells what has happened (local_ca.c, invariant 1), and whatever is wrong
 * with it is for a person to judge. */
#include "certs/local_ca_root.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "certs/issue.h"
#include "certs/pem_file.h"
#include "net/tls_identity.h"

void local_ca_root_files(const char *dir, struct local_ca_files *files)
{
    snprintf(files->crt, sizeof files->crt, "%s/local-ca.crt", dir);
    snprintf(files->key, sizeof files->key, "%s/local-ca.key", dir);
}

void local_ca_leaves_path(const char *dir, char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%s/self-signed", dir);
}

void local_ca_root_release(struct local_ca_root *root)
{
    EVP_PKEY_free(root->key);
    X509_free(root->cert);
    *root = (struct local_ca_root){0};
}

static int check_root(const struct local_ca_files *files, const struct local_ca_root *root,
                      time_t now, struct err *err)
{
    time_t begin, end;
    if (X509_check_private_key(root->cert, root->key) != 1)
        return err_set(err, "the local CA's root and its key do not belong together: %s and %s",
                       files->crt, files->key);
    if (X509_check_ca(root->cert) != 1)
        return err_set(err, "the certificate is no root of a CA: %s", files->crt);
    if (!issue_term(root->cert, &begin, &end) || end <= now)
        return err_set(err, "the local CA's root has expired: %s", files->crt);
    return 0;
}

/* Reads a file of the root, if there is one. *text is NULL when there is none. */
static int read_root_file(const char *path, char **text, size_t *len, struct err *err)
{
    struct err why;
    if (pem_file_read(path, text, len, &why) == 0 || errno == ENOENT)
        return 0;
    return err_set(err, "%s", why.message);
}

int local_ca_root_read(const char *dir, time_t now, struct local_ca_root *root, struct err *err)
{
    struct local_ca_files files;
    char *crt = NULL, *key = NULL, leaves[PATH_MAX];
    size_t crt_len = 0, key_len = 0;
    int result = -1;

    *root = (struct local_ca_root){0};
    local_ca_root_files(dir, &files);
    local_ca_leaves_path(dir, leaves);
    if (read_root_file(files.crt, &crt, &crt_len, err) != 0 ||
        read_root_file(files.key, &key, &key_len, err) != 0)
        goto out;
    if (crt != NULL && key == NULL) {
        err_set(err, "the local CA's root is here, but its key is missing: %s", files.key);
        goto out;
    }
    if (key != NULL && (root->key = tls_read_key(key, key_len)) == NULL) {
        err_set(err, "the local CA's key is damaged: %s", files.key);
        goto out;
    }
    if (crt == NULL && key != NULL && access(leaves, F_OK) == 0) {
        err_set(err, "the local CA's key is here, but its root is missing: %s", files.crt);
        goto out;
    }
    if (crt != NULL && (root->cert = issue_read_cert(crt, crt_len)) == NULL)
        err_set(err, "the local CA's root is damaged: %s", files.crt);
    else
        result = crt ? check_root(&files, root, now, err) : 0;
out:
    if (result != 0) {
        local_ca_root_release(root);
        err_hint(err,
                 "restore local-ca.crt and local-ca.key in %s from a backup, readable for the user "
                 "that runs Portico; or remove both, and Portico makes a new root, to be imported "
                 "again",
                 dir);
    }
    OPENSSL_cleanse(key, key_len);
    free(key);
    free(crt);
    ERR_clear_error();
    return result;
}
