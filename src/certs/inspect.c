/* A look at the certificates on the disk: see inspect.h. Commands run this. It takes no lock,
 * since a file that is replaced is replaced as a whole. */
#include "certs/inspect.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certs/issue.h"
#include "certs/local_ca.h"
#include "certs/pem_file.h"
#include "net/tls_identity.h"

/* Leaves are renewed when a third of their term is left. With half of that left, nobody has. */
#define LEAF_LEFT (ISSUE_LEAF / 6)
/* The root is not renewed, and has to be imported anew. */
#define ROOT_LEFT ISSUE_LEAF

/* The certificate in that file and when it expires, or NULL with `err` and errno as
 * inspect_certificate has them. */
static X509 *read_certificate(const char *path, const char *host, time_t *end, struct err *err)
{
    char *text = NULL;
    size_t len;
    time_t begin;
    const char *fault = NULL;
    if (pem_file_read(path, &text, &len, err) != 0)
        return NULL;
    X509 *cert = issue_read_cert(text, len);
    if (cert == NULL || !issue_term(cert, &begin, end))
        fault = "is damaged";
    else if (!issue_covers(cert, host))
        fault = "is for another host";
    free(text);
    ERR_clear_error();
    if (fault == NULL)
        return cert;
    X509_free(cert);
    err_set(err, "%s %s", path, fault);
    errno = EINVAL;
    return NULL;
}

/* 0, or -1 with `err`. */
static int check_key(const char *path, X509 *cert, struct err *err)
{
    char *text = NULL;
    size_t len;
    int result = 0;
    if (pem_file_read(path, &text, &len, err) != 0)
        return -1;
    EVP_PKEY *key = tls_read_key(text, len);
    if (key == NULL)
        result = err_set(err, "%s is damaged", path);
    else if (X509_check_private_key(cert, key) != 1)
        result = err_set(err, "%s is not the key of the certificate beside it", path);
    EVP_PKEY_free(key);
    OPENSSL_cleanse(text, len);
    free(text);
    ERR_clear_error();
    return result;
}

/* What is to be said of a certificate's end, with less than `left` to go. */
static enum inspect_result judge_end(const char *path, time_t end, time_t left, time_t now,
                                     struct err *err)
{
    char date[32];
    struct tm parts;
    if (end > now + left)
        return INSPECT_GOOD;
    gmtime_r(&end, &parts);
    strftime(date, sizeof date, "%Y-%m-%d", &parts);
    err_set(err, "%s %s on %s", path, end > now ? "expires" : "has expired", date);
    return INSPECT_EXPIRES;
}

enum inspect_result inspect_leaf(const char *dir, const char *host, time_t now, struct err *err)
{
    struct local_ca_files files;
    time_t end;
    if (local_ca_leaf_files(dir, host, &files, err) != 0)
        return INSPECT_UNREADABLE;
    X509 *cert = read_certificate(files.crt, host, &end, err);
    if (cert == NULL)
        return errno == ENOENT ? INSPECT_GOOD : INSPECT_UNREADABLE;
    int result = check_key(files.key, cert, err);
    X509_free(cert);
    return result == 0 ? judge_end(files.crt, end, LEAF_LEFT, now, err) : INSPECT_UNREADABLE;
}

/* Can a file be put at `path`, in place of what is there? */
static bool is_replaceable(const char *path, struct err *err)
{
    char folder[PATH_MAX];
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        err_set(err, "%s is a directory, where a file was expected", path);
        return false;
    }
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    if (access(folder, W_OK | X_OK) == 0 || errno == ENOENT)
        return true;
    err_set_errno(err, errno, "cannot write %s", path);
    return false;
}

bool inspect_is_quarantined(const char *dir, const char *host, time_t now, struct err *err)
{
    struct local_ca_files files;
    struct local_ca_root root;
    struct err unused, why;
    time_t end;
    if (access(dir, X_OK) != 0)
        return false;
    if (local_ca_leaf_files(dir, host, &files, err) != 0)
        return true;
    bool has_root = local_ca_root_read(dir, now, &root, &why) == 0;
    X509 *cert = read_certificate(files.crt, host, &end, &unused);
    bool is_good = cert && end > now && check_key(files.key, cert, &unused) == 0 &&
                   (!has_root || (root.cert && X509_check_issued(root.cert, cert) == X509_V_OK));
    X509_free(cert);
    local_ca_root_release(&root);
    if (is_good)
        return false;
    if (!has_root) {
        *err = why;
        return true;
    }
    if (is_replaceable(files.key, err) && is_replaceable(files.crt, err))
        return false;
    err_hint(err, "remove it, or give it to the user that runs Portico, which then makes another "
                  "certificate");
    return true;
}

enum inspect_result inspect_root(const char *dir, time_t now, struct err *err)
{
    struct local_ca_files files;
    struct local_ca_root root;
    time_t begin, end = 0;
    local_ca_root_files(dir, &files);
    if (local_ca_root_read(dir, 0, &root, err) != 0)
        return INSPECT_UNREADABLE;
    bool is_there = root.cert && issue_term(root.cert, &begin, &end);
    local_ca_root_release(&root);
    return is_there ? judge_end(files.crt, end, ROOT_LEFT, now, err) : INSPECT_GOOD;
}

int inspect_certificate(const char *dir, const char *host, struct inspect_certificate *found,
                        struct err *err)
{
    struct local_ca_files files;
    *found = (struct inspect_certificate){0};
    if (local_ca_leaf_files(dir, host, &files, err) != 0) {
        errno = EINVAL;
        return -1;
    }
    memcpy(found->path, files.crt, sizeof found->path);
    X509 *cert = read_certificate(files.crt, host, &found->end, err);
    if (cert == NULL)
        return -1;
    X509_free(cert);
    return 0;
}
