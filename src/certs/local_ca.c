/* The local CA: see local_ca.h.
 *
 * Invariants
 *  1. The root's certificate is written after its key. So a certificate without a key is a
 *     loss, which only a person can judge; a key without a certificate is a beginning that was
 *     cut short, and is finished, unless the leaves' folder, which is made after both, shows
 *     that this root has been in use: then it is a loss as well.
 *  2. Nothing here ever replaces local-ca.crt or local-ca.key, and they are on the disk before
 *     anything is signed. Leaves are not worth waiting for the disk: one that a power failure
 *     spoiled is made anew.
 *  3. Everything that is made under DIR is made with an exclusive flock(2) of DIR/.lock, and
 *     after another look whether it is still missing: two processes that start at once on an
 *     empty directory end up with one root. The kernel drops the lock with the process, so
 *     none is ever left behind. Leaves are first read without the lock; a pair that somebody
 *     is just replacing shows as one that does not belong together, and is read again with it.
 *  4. Once it has a root, a CA is immutable. Until then (the root's files are there, but of no
 *     use) whoever needs a new leaf looks at them again, with the lock; leaves that are there are
 *     taken for what they are without it.
 *
 * That a leaf is this root's is decided by issuer and authorityKeyIdentifier (which is a hash
 * of the root's key), not by its signature: whoever could forge a leaf here could as well
 * read its key. */
#include "certs/local_ca.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"
#include "certs/issue.h"
#include "certs/pem_file.h"
#include "net/tls_identity.h"

#define RETRY_AFTER     ((time_t)3600) /* when a leaf could not be renewed */
#define FINGERPRINT_LEN (32 * 3)       /* "AA:" … and a NUL for the last colon */

struct local_ca {
    int lock;                    /* descriptor of DIR/.lock */
    char *dir;                   /* owned */
    struct local_ca_files files; /* of the root */
    char leaves_path[PATH_MAX];
    struct err why;                    /* there was no root when it was opened; fixed after that */
    struct local_ca_root root;         /* owned */
    char fingerprint[FINGERPRINT_LEN]; /* as root */
    bool has_root;                     /* root and fingerprint are there, and fixed from then on */
};

const char *local_ca_path(const struct local_ca *ca)
{
    return ca->files.crt;
}

const char *local_ca_fingerprint(const struct local_ca *ca)
{
    return ca->fingerprint;
}

bool local_ca_has_root(const struct local_ca *ca, struct err *err)
{
    if (ca->has_root)
        return true;
    *err = ca->why;
    return false;
}

/* ---- the files ---------------------------------------------------------------------------- */

/* Host names come from the configuration, which has checked them; that none of them leaves
 * the directory does not rest on that alone. */
int local_ca_leaf_files(const char *dir, const char *host, struct local_ca_files *files,
                        struct err *err)
{
    if (host[0] == '\0' || host[0] == '.' || strchr(host, '/') != NULL || strlen(host) > 250)
        return err_set(err, "no certificate can be made for a host of that name: %.253s", host);
    snprintf(files->crt, sizeof files->crt, "%s/self-signed/%s.crt", dir, host);
    snprintf(files->key, sizeof files->key, "%s/self-signed/%s.key", dir, host);
    return 0;
}

/* ---- the lock ----------------------------------------------------------------------------- */

static int open_lock(struct local_ca *ca, struct err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/.lock", ca->dir);
    ca->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (ca->lock >= 0)
        return 0;
    err_set_errno(err, errno, "cannot write into the certificate directory: %s", path);
    return err_hint(err,
                    "make %s writable for the user that runs Portico, or let CERT_DIR name "
                    "another directory",
                    ca->dir);
}

static int lock(struct local_ca *ca, struct err *err)
{
    int result;
    do
        result = flock(ca->lock, LOCK_EX);
    while (result != 0 && errno == EINTR);
    if (result == 0)
        return 0;
    return err_set_errno(err, errno, "cannot lock %s/.lock", ca->dir);
}

static void unlock(struct local_ca *ca)
{
    flock(ca->lock, LOCK_UN);
}

/* ---- the root ----------------------------------------------------------------------------- */

/* "Portico local CA (HOSTNAME 1a2b3c4d)". The number tells two roots of one machine apart,
 * which browsers otherwise mix up. */
static void root_name(char *out, size_t size)
{
    char host[HOST_NAME_MAX + 1] = "";
    unsigned char number[4] = {0};
    gethostname(host, sizeof host - 1);
    for (char *c = host; *c != '\0'; c++)
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-", *c) == NULL)
            *c = '-';
    RAND_bytes(number, sizeof number);
    /* 64 characters are the limit of a common name. */
    snprintf(out, size, "Portico local CA (%.32s%s%02x%02x%02x%02x)", host, host[0] ? " " : "",
             number[0], number[1], number[2], number[3]);
}

/* Writes a part of the root, PEM text that it frees. */
static int write_part(const char *path, mode_t mode, char *text, size_t len, struct err *err)
{
    int result = text == NULL ? err_set(err, "cannot encode %s: %s", path, tls_error_text())
                              : pem_file_write(path, mode, text, len, true, err);
    OPENSSL_cleanse(text, len);
    free(text);
    return result;
}

/* Makes what is missing: certificate and key, or only the certificate (invariant 1). */
static int make_root(struct local_ca *ca, time_t now, struct err *err)
{
    char name[80];
    size_t len = 0;
    if (ca->root.key == NULL) {
        ca->root.key = issue_key();
        if (ca->root.key == NULL)
            return err_set(err, "cannot make a key for the local CA: %s", tls_error_text());
        char *text = issue_write_key(ca->root.key, &len);
        if (write_part(ca->files.key, 0600, text, len, err) != 0)
            return -1;
    }
    root_name(name, sizeof name);
    ca->root.cert = issue_root(ca->root.key, name, now);
    if (ca->root.cert == NULL)
        return err_set(err, "cannot make the local CA's root: %s", tls_error_text());
    char *text = issue_write_cert(ca->root.cert, &len);
    return write_part(ca->files.crt, 0644, text, len, err);
}

static void set_fingerprint(struct local_ca *ca)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    X509_digest(ca->root.cert, EVP_sha256(), digest, &len);
    for (unsigned i = 0; i < len && i < 32; i++)
        snprintf(ca->fingerprint + 3 * i, 4, i + 1 < 32 ? "%02X:" : "%02X", digest[i]);
}

/* Makes what is missing of the root that was read, and the folder of its leaves. From then on the
 * CA has a root. */
static int finish_root_locked(struct local_ca *ca, time_t now, struct err *err)
{
    if ((ca->root.cert == NULL && make_root(ca, now, err) != 0) ||
        pem_file_make_dir(ca->leaves_path, err) != 0) {
        local_ca_root_release(&ca->root);
        ERR_clear_error();
        return -1;
    }
    pem_file_protect(ca->files.key);
    set_fingerprint(ca);
    ca->has_root = true;
    return 0;
}

/* Another look at a root that was of no use. */
static int repair_root_locked(struct local_ca *ca, time_t now, struct err *err)
{
    if (ca->has_root)
        return 0;
    if (local_ca_root_read(ca->dir, now, &ca->root, err) != 0 ||
        finish_root_locked(ca, now, err) != 0)
        return -1;
    log_write(LOG_INFO, "the local CA is usable again: %s, SHA-256 %s", ca->files.crt,
              ca->fingerprint);
    return 0;
}

struct local_ca *local_ca_open(const char *dir, time_t now, struct err *err)
{
    struct local_ca *ca = calloc(1, sizeof *ca);

    ERR_clear_error();
    if (ca == NULL || (ca->dir = strdup(dir)) == NULL) {
        err_set(err, "out of memory");
        free(ca);
        return NULL;
    }
    ca->lock = -1;
    local_ca_root_files(dir, &ca->files);
    local_ca_leaves_path(dir, ca->leaves_path);
    if (strlen(dir) > PATH_MAX - 512) {
        err_set(err, "the certificate directory's path is too long: %.100s…", dir);
        goto failed;
    }
    if (pem_file_make_dir(dir, err) != 0) {
        err_hint(err, "CERT_DIR must name a directory that Portico can make or write");
        goto failed;
    }
    if (open_lock(ca, err) != 0 || lock(ca, err) != 0)
        goto failed;
    int result = 0;
    if (local_ca_root_read(dir, now, &ca->root, &ca->why) == 0)
        result = finish_root_locked(ca, now, err);
    unlock(ca);
    if (result != 0)
        goto failed;
    return ca;
failed:
    local_ca_free(ca);
    return NULL;
}

void local_ca_free(struct local_ca *ca)
{
    if (ca == NULL)
        return;
    local_ca_root_release(&ca->root);
    if (ca->lock >= 0)
        close(ca->lock);
    free(ca->dir);
    free(ca);
}

/* ---- leaves ------------------------------------------------------------------------------- */

static time_t renewal(time_t begin, time_t end)
{
    return end - (end - begin) / 3;
}

/* Why the leaf cannot be used for `host`, or NULL. Sets *begin and *end. */
static const char *unfit(const struct local_ca *ca, X509 *cert, const char *host, time_t now,
                         time_t *begin, time_t *end)
{
    if (cert == NULL)
        return "it is damaged";
    if (ca->has_root && X509_check_issued(ca->root.cert, cert) != X509_V_OK)
        return "its issuer is another CA";
    if (!issue_covers(cert, host))
        return "it is for another host";
    if (!issue_term(cert, begin, end))
        return "it is damaged";
    return *end <= now ? "it has expired" : NULL;
}

/* The leaf on the disk. False when there is none that is valid; with `warn`, one that is there
 * but unfit is worth a warning. Fills `leaf`, whose renewal may be due. */
static bool load_leaf(const struct local_ca *ca, const char *host,
                      const struct local_ca_files *files, time_t now, bool warn,
                      struct local_ca_leaf *leaf)
{
    char *crt = NULL, *key = NULL;
    size_t crt_len = 0, key_len = 0;
    X509 *cert = NULL;
    time_t begin = 0, end = 0;
    struct err why = {0};

    bool missing = pem_file_read(files->crt, &crt, &crt_len, &why) != 0 && errno == ENOENT;
    if (crt == NULL || pem_file_read(files->key, &key, &key_len, &why) != 0)
        goto out;
    cert = issue_read_cert(crt, crt_len);
    const char *problem = unfit(ca, cert, host, now, &begin, &end);
    if (problem != NULL) {
        err_set(&why, "%s", problem);
        goto out;
    }
    pem_file_protect(files->key);
    leaf->identity = tls_identity_new(crt, crt_len, key, key_len, &why);
    leaf->renew_at = renewal(begin, end);
    leaf->issued = false;
out:
    if (warn && leaf->identity == NULL && !missing)
        log_write(LOG_WARN, "the certificate in %s cannot be used and is made anew: %s", files->crt,
                  why.message);
    X509_free(cert);
    OPENSSL_cleanse(key, key_len);
    free(key);
    free(crt);
    ERR_clear_error();
    return leaf->identity != NULL;
}

/* Makes a leaf and writes it, key first. Fills `leaf`. */
static int make_leaf(const struct local_ca *ca, const char *host,
                     const struct local_ca_files *files, time_t now, struct local_ca_leaf *leaf,
                     struct err *err)
{
    time_t begin = 0, end = 0;
    char *crt = NULL, *pem = NULL;
    size_t crt_len = 0, pem_len = 0;
    struct tls_identity *identity = NULL;
    int result = -1;
    EVP_PKEY *key = issue_key();
    X509 *cert = key ? issue_leaf(ca->root.cert, ca->root.key, key, host, now) : NULL;

    if (cert == NULL || (crt = issue_write_cert(cert, &crt_len)) == NULL ||
        (pem = issue_write_key(key, &pem_len)) == NULL) {
        err_set(err, "%s", tls_error_text());
        goto out;
    }
    if (!issue_term(cert, &begin, &end) || end <= now) {
        err_set(err, "the local CA's root has expired: %s", ca->files.crt);
        goto out;
    }
    identity = tls_identity_new(crt, crt_len, pem, pem_len, err);
    if (identity == NULL || pem_file_write(files->key, 0600, pem, pem_len, false, err) != 0 ||
        pem_file_write(files->crt, 0644, crt, crt_len, false, err) != 0)
        goto out;
    *leaf = (struct local_ca_leaf){identity, renewal(begin, end), true};
    identity = NULL;
    /* Close to the root's end a new leaf is as good as due. */
    if (leaf->renew_at < now + RETRY_AFTER)
        leaf->renew_at = now + RETRY_AFTER;
    result = 0;
out:
    tls_identity_unref(identity);
    OPENSSL_cleanse(pem, pem_len);
    free(pem);
    free(crt);
    X509_free(cert);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return result;
}

static int renew_locked(struct local_ca *ca, const char *host, const struct local_ca_files *files,
                        time_t now, struct local_ca_leaf *leaf, struct err *err)
{
    struct local_ca_leaf old = {0};
    struct err why = {0};

    /* Somebody else may have made it by now. */
    if (load_leaf(ca, host, files, now, true, &old) && now < old.renew_at) {
        *leaf = old;
        return 0;
    }
    if (repair_root_locked(ca, now, &why) == 0 &&
        make_leaf(ca, host, files, now, leaf, &why) == 0) {
        tls_identity_unref(old.identity);
        return 0;
    }
    if (old.identity == NULL)
        return err_set(err, "no certificate for %s: %s", host, why.message);
    log_write(LOG_WARN, "the certificate of %s is due, but cannot be renewed: %s", host,
              why.message);
    old.renew_at = now + RETRY_AFTER;
    *leaf = old;
    return 0;
}

int local_ca_get(struct local_ca *ca, const char *host, time_t now, struct local_ca_leaf *leaf,
                 struct err *err)
{
    struct local_ca_files files;

    *leaf = (struct local_ca_leaf){0};
    if (local_ca_leaf_files(ca->dir, host, &files, err) != 0)
        return -1;
    if (load_leaf(ca, host, &files, now, false, leaf) && now < leaf->renew_at)
        return 0;
    tls_identity_unref(leaf->identity);
    *leaf = (struct local_ca_leaf){0};
    if (lock(ca, err) != 0)
        return -1;
    int result = renew_locked(ca, host, &files, now, leaf, err);
    unlock(ca);
    return result;
}
