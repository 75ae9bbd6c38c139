/* Issuing: see issue.h. Pure functions of their arguments, the random generator apart; any
 * thread. */
#include "certs/issue.h"

#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "config/names.h"
#include "net/tls_identity.h"

#define SERIAL_BITS     128
#define COMMON_NAME_MAX 64u /* ub-common-name, RFC 5280, A.1 */

EVP_PKEY *issue_key(void)
{
    return EVP_EC_gen("P-256");
}

static bool set_serial(X509 *cert)
{
    BIGNUM *serial = BN_new();
    bool ok = serial != NULL &&
              BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
              BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert)) != NULL;
    BN_free(serial);
    return ok;
}

static bool set_subject(X509 *cert, const char *common_name)
{
    return X509_NAME_add_entry_by_NID(X509_get_subject_name(cert), NID_commonName, MBSTRING_UTF8,
                                      (const unsigned char *)common_name, -1, -1, 0) == 1;
}

/* Adds an extension in the notation of openssl.cnf; never with text that came from outside. */
static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool ok = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

/* The subjectAltName (RFC 5280, 4.2.1.6); critical when there is no other name. */
static bool add_alt_name(X509 *cert, const char *host, bool critical)
{
    unsigned char ip[16];
    size_t ip_len = ip_bytes(span_str(host), ip);
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *value = ASN1_STRING_type_new(ip_len ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
    bool ok = names != NULL && name != NULL && value != NULL &&
              ASN1_STRING_set(value, ip_len ? (const void *)ip : host,
                              (int)(ip_len ? ip_len : strlen(host))) == 1;
    if (ok) {
        GENERAL_NAME_set0_value(name, ip_len ? GEN_IPADD : GEN_DNS, value);
        value = NULL;
        ok = sk_GENERAL_NAME_push(names, name) > 0;
        name = ok ? NULL : name;
    }
    ok = ok && X509_add1_ext_i2d(cert, NID_subject_alt_name, names, critical, 0) == 1;
    ASN1_STRING_free(value);
    GENERAL_NAME_free(name);
    GENERAL_NAMES_free(names);
    return ok;
}

/* What roots and leaves have in common. */
static X509 *begin_cert(EVP_PKEY *key, time_t begin, time_t end)
{
    X509 *cert = X509_new();
    if (cert != NULL && X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
        ASN1_TIME_set(X509_getm_notBefore(cert), begin) != NULL &&
        ASN1_TIME_set(X509_getm_notAfter(cert), end) != NULL && X509_set_pubkey(cert, key) == 1)
        return cert;
    X509_free(cert);
    return NULL;
}

X509 *issue_root(EVP_PKEY *key, const char *name, time_t now)
{
    X509 *cert = begin_cert(key, now - ISSUE_SKEW, now + ISSUE_ROOT);
    if (cert != NULL && set_subject(cert, name) &&
        X509_set_issuer_name(cert, X509_get_subject_name(cert)) == 1 &&
        add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        add_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        add_extension(cert, cert, NID_subject_key_identifier, "hash") &&
        X509_sign(cert, key, EVP_sha256()) > 0)
        return cert;
    X509_free(cert);
    return NULL;
}

X509 *issue_leaf(X509 *root, EVP_PKEY *root_key, EVP_PKEY *key, const char *host, time_t now)
{
    time_t root_begin, root_end, end = now + ISSUE_LEAF;
    if (!issue_term(root, &root_begin, &root_end))
        return NULL;
    bool named = strlen(host) <= COMMON_NAME_MAX;
    X509 *cert = begin_cert(key, now - ISSUE_SKEW, end < root_end ? end : root_end);
    if (cert != NULL && (!named || set_subject(cert, host)) &&
        X509_set_issuer_name(cert, X509_get_subject_name(root)) == 1 &&
        add_extension(cert, root, NID_basic_constraints, "critical,CA:FALSE") &&
        add_extension(cert, root, NID_key_usage, "critical,digitalSignature") &&
        add_extension(cert, root, NID_ext_key_usage, "serverAuth") &&
        add_extension(cert, root, NID_subject_key_identifier, "hash") &&
        add_extension(cert, root, NID_authority_key_identifier, "keyid:always") &&
        add_alt_name(cert, host, !named) && X509_sign(cert, root_key, EVP_sha256()) > 0)
        return cert;
    X509_free(cert);
    return NULL;
}

static char *take_text(BIO *bio, bool ok, size_t *len)
{
    char *data = NULL, *text = NULL;
    if (ok) {
        *len = (size_t)BIO_get_mem_data(bio, &data);
        text = malloc(*len + 1);
    }
    if (text != NULL) {
        memcpy(text, data, *len);
        text[*len] = '\0';
    }
    BIO_free(bio);
    return text;
}

char *issue_write_cert(X509 *cert, size_t *len)
{
    BIO *bio = BIO_new(BIO_s_mem());
    return take_text(bio, bio != NULL && PEM_write_bio_X509(bio, cert) == 1, len);
}

char *issue_write_key(EVP_PKEY *key, size_t *len)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    bool ok = bio != NULL && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
    return take_text(bio, ok, len);
}

X509 *issue_read_cert(const char *text, size_t len)
{
    BIO *bio = BIO_new_mem_buf(text, (int)len);
    X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, tls_no_passphrase, NULL) : NULL;
    BIO_free(bio);
    return cert;
}

bool issue_covers(X509 *cert, const char *host)
{
    unsigned char ip[16];
    size_t ip_len = ip_bytes(span_str(host), ip);
    if (ip_len > 0)
        return X509_check_ip(cert, ip, ip_len, 0) == 1;
    return X509_check_host(cert, host, 0,
                           X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_WILDCARDS,
                           NULL) == 1;
}

bool issue_term(const X509 *cert, time_t *begin, time_t *end)
{
    struct tm from, to;
    if (ASN1_TIME_to_tm(X509_get0_notBefore(cert), &from) != 1 ||
        ASN1_TIME_to_tm(X509_get0_notAfter(cert), &to) != 1)
        return false;
    *begin = timegm(&from);
    *end = timegm(&to);
    return *begin < *end;
}
