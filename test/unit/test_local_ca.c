/* certs/local_ca and certs/issue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "certs/issue.h"
#include "certs/local_ca.h"
#include "net/tls_identity.h"
#include "temp_dir.h"

#define NOW ((time_t)1800000000)
#define DAY ISSUE_DAY

static X509 *read_cert(const char *dir, const char *name)
{
    char *text = temp_dir_read(dir, name);
    X509 *cert = issue_read_cert(text, strlen(text));
    assert_non_null(cert);
    free(text);
    return cert;
}

static void assert_same_file(const char *dir, const char *name, const char *before)
{
    char *text = temp_dir_read(dir, name);
    assert_string_equal(text, before);
    free(text);
}

static struct local_ca *open_ca(const char *dir, time_t now)
{
    struct err err = {0};
    struct local_ca *ca = local_ca_open(dir, now, &err);
    if (ca == NULL)
        fail_msg("%s", err.message);
    return ca;
}

static struct local_ca_leaf get_leaf(struct local_ca *ca, const char *host, time_t now)
{
    struct local_ca_leaf leaf;
    struct err err = {0};
    if (local_ca_get(ca, host, now, &leaf, &err) != 0)
        fail_msg("%s", err.message);
    assert_non_null(leaf.identity);
    tls_identity_unref(leaf.identity);
    return leaf;
}

/* Makes a CA, has it answer once for `host` and closes it. */
static struct local_ca_leaf once(const char *dir, const char *host, time_t now)
{
    struct local_ca *ca = open_ca(dir, now);
    struct local_ca_leaf leaf = get_leaf(ca, host, now);
    local_ca_free(ca);
    return leaf;
}

/* What a client does that has imported the root: X509_V_OK or what is wrong. */
static int client_verdict(const char *dir, const char *file, const char *host, time_t now)
{
    X509 *root = read_cert(dir, "local-ca.crt"), *leaf = read_cert(dir, file);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    X509_STORE_add_cert(store, root);
    X509_STORE_CTX_init(ctx, store, leaf, NULL);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
    X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
    X509_VERIFY_PARAM_set_time(param, now);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (X509_VERIFY_PARAM_set1_ip_asc(param, host) != 1)
        assert_int_equal(X509_VERIFY_PARAM_set1_host(param, host, 0), 1);
    X509_verify_cert(ctx);
    int verdict = X509_STORE_CTX_get_error(ctx);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    X509_free(root);
    X509_free(leaf);
    ERR_clear_error();
    return verdict;
}

/* What is written to standard error between the two calls. */
static int kept_stderr;

static void capture_begin(const char *dir)
{
    fflush(stderr);
    kept_stderr = dup(2);
    int fd = open(temp_dir_path(dir, "stderr"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(fd, 2);
    close(fd);
}

static char *capture_end(const char *dir)
{
    dup2(kept_stderr, 2);
    close(kept_stderr);
    return temp_dir_read(dir, "stderr");
}

/* ---- the root ----------------------------------------------------------------------------- */

static void a_root_is_made_once(void **state)
{
    const char *base = *state;
    char *dir = strdup(temp_dir_path(base, "certs"));
    struct local_ca *ca = open_ca(dir, NOW);
    assert_string_equal(local_ca_path(ca), temp_dir_path(dir, "local-ca.crt"));
    char fingerprint[128], *text = NULL;
    snprintf(fingerprint, sizeof fingerprint, "%s", local_ca_fingerprint(ca));
    local_ca_free(ca);

    assert_int_equal(temp_dir_mode(base, "certs"), 0700);
    assert_int_equal(temp_dir_mode(dir, "local-ca.crt"), 0644);
    assert_int_equal(temp_dir_mode(dir, "local-ca.key"), 0600);
    assert_int_equal(temp_dir_mode(dir, "self-signed"), 0700);

    X509 *root = read_cert(dir, "local-ca.crt");
    unsigned char digest[32];
    X509_digest(root, EVP_sha256(), digest, NULL);
    text = OPENSSL_buf2hexstr(digest, 32);
    assert_string_equal(fingerprint, text);
    OPENSSL_free(text);
    assert_int_equal(X509_check_ca(root), 1);
    assert_int_equal(X509_get_pathlen(root), 0);
    assert_int_equal(X509_get_key_usage(root), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
    assert_int_equal(EVP_PKEY_get_bits(X509_get0_pubkey(root)), 256);
    text = X509_NAME_oneline(X509_get_subject_name(root), NULL, 0);
    assert_ptr_equal(strstr(text, "/CN=Portico local CA ("), text);
    assert_true(strlen(text) <= strlen("/CN=") + 64);
    OPENSSL_free(text);
    time_t begin, end;
    assert_true(issue_term(root, &begin, &end));
    assert_int_equal(begin, NOW - 3600);
    assert_int_equal(end, NOW + 3653 * DAY);
    X509_free(root);

    /* And kept. */
    text = temp_dir_read(dir, "local-ca.crt");
    ca = open_ca(dir, NOW + 9 * 365 * DAY);
    assert_string_equal(local_ca_fingerprint(ca), fingerprint);
    local_ca_free(ca);
    assert_same_file(dir, "local-ca.crt", text);
    free(text);
    free(dir);
}

/* The CA has no root: `err` says why, and what to do. The leaf of x.test is used all the same
 * (unless it has expired by then); another cannot be made. */
static void assert_no_root(const char *dir, time_t now, struct err *err)
{
    struct local_ca_leaf leaf;
    struct err why = {0};
    struct local_ca *ca = open_ca(dir, now);
    assert_false(local_ca_has_root(ca, err));
    assert_non_null(strstr(err->hint, "backup"));
    if (now == NOW)
        assert_false(get_leaf(ca, "x.test", now).issued);
    assert_int_equal(local_ca_get(ca, "new.test", now, &leaf, &why), -1);
    assert_non_null(strstr(why.message, "new.test"));
    assert_non_null(strstr(why.message, err->message));
    assert_int_equal(access(temp_dir_path(dir, "self-signed/new.test.crt"), F_OK), -1);
    assert_int_equal(ERR_peek_error(), 0);
    local_ca_free(ca);
}

/* Names `path` with `word`, and changes neither file. */
static void refused_root(const char *dir, time_t now, const char *path, const char *word)
{
    struct err err = {0};
    char *crt = temp_dir_read(dir, "local-ca.crt");
    bool has_key = access(temp_dir_path(dir, "local-ca.key"), F_OK) == 0;
    char *key = has_key ? temp_dir_read(dir, "local-ca.key") : NULL;
    assert_no_root(dir, now, &err);
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, word));
    assert_same_file(dir, "local-ca.crt", crt);
    assert_int_equal(access(temp_dir_path(dir, "local-ca.key"), F_OK) == 0, has_key);
    if (has_key)
        assert_same_file(dir, "local-ca.key", key);
    free(crt);
    free(key);
}

static void a_spoiled_root_is_an_error(void **state)
{
    const char *dir = *state;
    once(dir, "x.test", NOW);
    char *crt = temp_dir_read(dir, "local-ca.crt"), *key = temp_dir_read(dir, "local-ca.key");
    char *leaf = temp_dir_read(dir, "self-signed/x.test.crt");
    char *leaf_key = temp_dir_read(dir, "self-signed/x.test.key");

    refused_root(dir, NOW + 3653 * DAY, "local-ca.crt", "expired");
    unlink(temp_dir_path(dir, "local-ca.key"));
    refused_root(dir, NOW, "local-ca.key", "missing");
    temp_dir_write(dir, "local-ca.key", "");
    refused_root(dir, NOW, "local-ca.key", "damaged");
    temp_dir_write(dir, "local-ca.key", leaf_key);
    refused_root(dir, NOW, "local-ca.key", "belong together");
    temp_dir_write(dir, "local-ca.crt", leaf);
    refused_root(dir, NOW, "local-ca.crt", "no root");
    temp_dir_write(dir, "local-ca.key", key);
    temp_dir_write(dir, "local-ca.crt", "");
    refused_root(dir, NOW, "local-ca.crt", "damaged");
    crt[strlen(crt) / 2] = '\0';
    temp_dir_write(dir, "local-ca.crt", crt);
    refused_root(dir, NOW, "local-ca.crt", "damaged");

    unlink(temp_dir_path(dir, "local-ca.crt"));
    assert_int_equal(mkdir(temp_dir_path(dir, "local-ca.crt"), 0700), 0);
    struct err err;
    assert_no_root(dir, NOW, &err);
    assert_non_null(strstr(err.message, "local-ca.crt: Is a directory"));
    free(crt);
    free(key);
    free(leaf);
    free(leaf_key);
}

/* The key is written first: alone, it is a beginning that was cut short. */
static void a_root_that_was_begun_is_finished(void **state)
{
    const char *dir = *state;
    once(dir, "x.test", NOW);
    char *key = temp_dir_read(dir, "local-ca.key");
    unlink(temp_dir_path(dir, "local-ca.crt"));
    unlink(temp_dir_path(dir, "self-signed/x.test.crt"));
    unlink(temp_dir_path(dir, "self-signed/x.test.key"));
    assert_int_equal(rmdir(temp_dir_path(dir, "self-signed")), 0);
    struct local_ca *ca = open_ca(dir, NOW);
    assert_same_file(dir, "local-ca.key", key);
    get_leaf(ca, "x.test", NOW);
    assert_int_equal(client_verdict(dir, "self-signed/x.test.crt", "x.test", NOW), X509_V_OK);
    local_ca_free(ca);
    free(key);
}

/* A root that was in use is somebody's trust: it is never replaced without a word. */
static void a_lost_root_is_an_error(void **state)
{
    const char *dir = *state;
    struct err err = {0};
    once(dir, "x.test", NOW);
    char *key = temp_dir_read(dir, "local-ca.key");
    unlink(temp_dir_path(dir, "local-ca.crt"));
    assert_no_root(dir, NOW, &err);
    assert_non_null(strstr(err.message, "root is missing"));
    assert_int_equal(access(temp_dir_path(dir, "local-ca.crt"), F_OK), -1);
    assert_same_file(dir, "local-ca.key", key);
    free(key);
}

/* A CA that is open without a root gets it as soon as it is needed and there. */
static void a_root_that_comes_back_is_used(void **state)
{
    const char *dir = *state;
    struct local_ca_leaf leaf;
    struct err err;
    once(dir, "x.test", NOW);
    char *key = temp_dir_read(dir, "local-ca.key");
    temp_dir_write(dir, "local-ca.key", "nothing");
    struct local_ca *ca = open_ca(dir, NOW);
    assert_false(local_ca_has_root(ca, &err));
    assert_int_equal(local_ca_get(ca, "new.test", NOW, &leaf, &err), -1);
    temp_dir_write(dir, "local-ca.key", key);
    capture_begin(dir);
    assert_true(get_leaf(ca, "new.test", NOW).issued);
    char *log = capture_end(dir);
    assert_non_null(strstr(log, "the local CA is usable again"));
    assert_true(local_ca_has_root(ca, &err));
    assert_int_equal(client_verdict(dir, "self-signed/new.test.crt", "new.test", NOW), X509_V_OK);
    local_ca_free(ca);
    free(log);
    free(key);
}

static void keys_that_others_can_read_are_protected(void **state)
{
    const char *dir = *state;
    once(dir, "x.test", NOW);
    assert_int_equal(chmod(temp_dir_path(dir, "local-ca.key"), 0644), 0);
    assert_int_equal(chmod(temp_dir_path(dir, "self-signed/x.test.key"), 0640), 0);
    once(dir, "x.test", NOW);
    assert_int_equal(temp_dir_mode(dir, "local-ca.key"), 0600);
    assert_int_equal(temp_dir_mode(dir, "self-signed/x.test.key"), 0600);
}

static void unusable_directories_are_named(void **state)
{
    const char *dir = *state;
    struct err err = {0};
    temp_dir_write(dir, "file", "");
    assert_null(local_ca_open(temp_dir_path(dir, "file"), NOW, &err));
    assert_non_null(strstr(err.message, temp_dir_path(dir, "file")));
    assert_non_null(strstr(err.hint, "CERT_DIR"));
    assert_null(local_ca_open(temp_dir_path(dir, "file/sub"), NOW, &err));
    assert_non_null(strstr(err.message, temp_dir_path(dir, "file/sub")));
    assert_non_null(strstr(err.hint, "CERT_DIR"));
    /* What is no directory that can be written into looks the same to root and to others. */
    assert_null(local_ca_open("/proc/self", NOW, &err));
    assert_non_null(strstr(err.message, "/proc/self"));
    assert_non_null(strstr(err.hint, "CERT_DIR"));

    temp_dir_write(dir, "self-signed", "");
    assert_null(local_ca_open(dir, NOW, &err));
    assert_non_null(strstr(err.message, temp_dir_path(dir, "self-signed")));
}

/* ---- leaves ------------------------------------------------------------------------------- */

static void clients_accept_leaves(void **state)
{
    static const char long_name[] =
        "a-name-of-more-than-sixty-four-characters.in-a-domain-that-is-long-as-well.home.test";
    static const char *const hosts[] = {"app.test",    "my_nas.lan", "localhost",
                                        "192.168.1.7", "::1",        long_name};
    const char *dir = *state;
    struct local_ca *ca = open_ca(dir, NOW);
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        char file[300], key[300];
        snprintf(file, sizeof file, "self-signed/%s.crt", hosts[i]);
        snprintf(key, sizeof key, "self-signed/%s.key", hosts[i]);
        assert_true(get_leaf(ca, hosts[i], NOW).issued);
        assert_int_equal(temp_dir_mode(dir, file), 0644);
        assert_int_equal(temp_dir_mode(dir, key), 0600);
        assert_int_equal(client_verdict(dir, file, hosts[i], NOW), X509_V_OK);
        assert_int_equal(client_verdict(dir, file, hosts[i], NOW - 3000), X509_V_OK);
        assert_int_equal(client_verdict(dir, file, hosts[i], NOW - 4000),
                         X509_V_ERR_CERT_NOT_YET_VALID);
        assert_int_equal(client_verdict(dir, file, hosts[i], NOW + 90 * DAY - 60), X509_V_OK);
        assert_int_equal(client_verdict(dir, file, hosts[i], NOW + 90 * DAY + 60),
                         X509_V_ERR_CERT_HAS_EXPIRED);
        assert_int_equal(client_verdict(dir, file, "other.test", NOW),
                         X509_V_ERR_HOSTNAME_MISMATCH);

        X509 *leaf = read_cert(dir, file);
        assert_int_equal(X509_check_ca(leaf), 0);
        assert_int_equal(X509_get_key_usage(leaf), KU_DIGITAL_SIGNATURE);
        assert_int_equal(X509_get_extended_key_usage(leaf), XKU_SSL_SERVER);
        assert_true(ASN1_STRING_length(X509_get0_serialNumber(leaf)) >= 12);
        X509_free(leaf);
    }
    local_ca_free(ca);
}

static void leaves_are_reused_until_due(void **state)
{
    const time_t term = 90 * DAY + 3600, due = NOW + 90 * DAY - term / 3;
    const char *dir = *state;
    struct local_ca_leaf leaf = once(dir, "x.test", NOW);
    assert_true(leaf.issued);
    assert_int_equal(leaf.renew_at, due);
    char *first = temp_dir_read(dir, "self-signed/x.test.crt");

    leaf = once(dir, "x.test", due - 1);
    assert_false(leaf.issued);
    assert_int_equal(leaf.renew_at, due);
    assert_same_file(dir, "self-signed/x.test.crt", first);

    leaf = once(dir, "x.test", due);
    assert_true(leaf.issued);
    assert_int_equal(leaf.renew_at, due + (due - NOW));
    char *second = temp_dir_read(dir, "self-signed/x.test.crt");
    assert_string_not_equal(first, second);
    free(first);
    free(second);
}

/* Each of these makes the leaf of x.test useless. */
static void cut_certificate(const char *dir)
{
    char *text = temp_dir_read(dir, "self-signed/x.test.crt");
    text[strlen(text) / 2] = '\0';
    temp_dir_write(dir, "self-signed/x.test.crt", text);
    free(text);
}

static void empty_certificate(const char *dir)
{
    temp_dir_write(dir, "self-signed/x.test.crt", "");
}

static void empty_key(const char *dir)
{
    temp_dir_write(dir, "self-signed/x.test.key", "");
}

static void lose_key(const char *dir)
{
    unlink(temp_dir_path(dir, "self-signed/x.test.key"));
}

static void swap_key(const char *dir)
{
    rename(temp_dir_path(dir, "self-signed/y.test.key"),
           temp_dir_path(dir, "self-signed/x.test.key"));
}

static void swap_both(const char *dir)
{
    rename(temp_dir_path(dir, "self-signed/y.test.key"),
           temp_dir_path(dir, "self-signed/x.test.key"));
    rename(temp_dir_path(dir, "self-signed/y.test.crt"),
           temp_dir_path(dir, "self-signed/x.test.crt"));
}

static void change_ca(const char *dir)
{
    unlink(temp_dir_path(dir, "local-ca.crt"));
    unlink(temp_dir_path(dir, "local-ca.key"));
}

static void unfit_leaves_are_made_anew(void **state)
{
    static void (*const spoil[])(const char *) = {
        cut_certificate, empty_certificate, empty_key, lose_key, swap_key, swap_both, change_ca};
    const char *dir = *state;
    for (size_t i = 0; i < sizeof spoil / sizeof *spoil; i++) {
        once(dir, "x.test", NOW);
        once(dir, "y.test", NOW);
        spoil[i](dir);
        capture_begin(dir);
        struct local_ca_leaf leaf = once(dir, "x.test", NOW);
        char *log = capture_end(dir);
        assert_true(leaf.issued);
        assert_int_equal(client_verdict(dir, "self-signed/x.test.crt", "x.test", NOW), X509_V_OK);
        assert_non_null(strstr(log, "warn"));
        assert_non_null(strstr(log, "self-signed/x.test.crt"));
        assert_null(strchr(strchr(log, '\n') + 1, '\n'));
        free(log);
        assert_false(once(dir, "x.test", NOW).issued);
    }
    /* One that has expired meanwhile, too. */
    assert_true(once(dir, "x.test", NOW + 100 * DAY).issued);
}

static void a_leaf_ends_with_its_root(void **state)
{
    const char *dir = *state;
    const time_t root_end = NOW + 3653 * DAY;
    struct local_ca_leaf leaf;
    struct err err;
    time_t begin, end;
    struct local_ca *ca = open_ca(dir, NOW);
    get_leaf(ca, "x.test", root_end - 10 * DAY);
    X509 *cert = read_cert(dir, "self-signed/x.test.crt");
    assert_true(issue_term(cert, &begin, &end));
    assert_int_equal(end, root_end);
    X509_free(cert);
    /* So near the end a new one is as good as due, but there is no hurry to make another. */
    leaf = get_leaf(ca, "y.test", root_end - 60);
    assert_int_equal(leaf.renew_at, root_end - 60 + 3600);
    assert_int_equal(local_ca_get(ca, "z.test", root_end + 1, &leaf, &err), -1);
    assert_non_null(strstr(err.message, "z.test"));
    assert_non_null(strstr(err.message, "expired"));
    local_ca_free(ca);
}

static void hosts_do_not_leave_the_directory(void **state)
{
    const char *dir = *state;
    char long_name[300];
    memset(long_name, 'x', 260);
    long_name[260] = '\0';
    const char *const hosts[] = {"../evil", "a/b", ".", "..", ".hidden", "", long_name};
    struct local_ca *ca = open_ca(dir, NOW);
    size_t before = temp_dir_count(dir);
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        struct local_ca_leaf leaf;
        struct err err;
        assert_int_equal(local_ca_get(ca, hosts[i], NOW, &leaf, &err), -1);
        assert_non_null(strstr(err.message, "host"));
        assert_null(leaf.identity);
    }
    assert_int_equal(temp_dir_count(dir), before);
    local_ca_free(ca);
}

/* A full disk: a new leaf is an error that names the host, a due one is served on. */
static void what_cannot_be_written(void **state)
{
    const char *dir = *state;
    struct rlimit before, none;
    struct local_ca_leaf due = {0}, missing = {0};
    struct err err = {0};
    struct local_ca *ca = open_ca(dir, NOW);
    get_leaf(ca, "x.test", NOW);
    char *old = temp_dir_read(dir, "self-signed/x.test.crt");
    getrlimit(RLIMIT_FSIZE, &before);
    none = before;
    none.rlim_cur = 0;
    log_set_level(LOG_ERROR);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &none);
    int due_result = local_ca_get(ca, "x.test", NOW + 70 * DAY, &due, NULL);
    int missing_result = local_ca_get(ca, "y.test", NOW, &missing, &err);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    log_set_level(LOG_INFO);

    assert_int_equal(due_result, 0);
    assert_false(due.issued);
    assert_int_equal(due.renew_at, NOW + 70 * DAY + 3600);
    tls_identity_unref(due.identity);
    assert_same_file(dir, "self-signed/x.test.crt", old);
    assert_int_equal(missing_result, -1);
    assert_non_null(strstr(err.message, "y.test"));
    free(old);
    local_ca_free(ca);
}

/* ---- several processes -------------------------------------------------------------------- */

static void processes_that_start_at_once_share_a_root(void **state)
{
    enum { COUNT = 6 };
    const char *dir = *state;
    int go[2], answers[2];
    assert_int_equal(pipe(go), 0);
    assert_int_equal(pipe(answers), 0);
    for (int i = 0; i < COUNT; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid > 0)
            continue;
        char byte, answer[96] = "";
        struct local_ca_leaf leaf;
        close(go[1]);
        if (read(go[0], &byte, 1) != 0)
            _exit(1);
        struct local_ca *ca = local_ca_open(dir, NOW, NULL);
        if (ca == NULL || local_ca_get(ca, "x.test", NOW, &leaf, NULL) != 0)
            _exit(1);
        snprintf(answer, sizeof answer, "%s", local_ca_fingerprint(ca));
        _exit(write(answers[1], answer, sizeof answer) == sizeof answer ? 0 : 1);
    }
    close(go[0]);
    close(go[1]); /* go */
    char first[96], other[96];
    for (int i = 0; i < COUNT; i++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
        assert_int_equal(read(answers[0], i == 0 ? first : other, sizeof first), sizeof first);
        if (i > 0)
            assert_string_equal(first, other);
    }
    close(answers[0]);
    close(answers[1]);
    assert_int_equal(client_verdict(dir, "self-signed/x.test.crt", "x.test", NOW), X509_V_OK);
    assert_false(once(dir, "x.test", NOW).issued);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, temp_dir_setup, temp_dir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_root_is_made_once),
        TEST(a_spoiled_root_is_an_error),
        TEST(a_root_that_was_begun_is_finished),
        TEST(a_lost_root_is_an_error),
        TEST(a_root_that_comes_back_is_used),
        TEST(keys_that_others_can_read_are_protected),
        TEST(unusable_directories_are_named),
        TEST(clients_accept_leaves),
        TEST(leaves_are_reused_until_due),
        TEST(unfit_leaves_are_made_anew),
        TEST(a_leaf_ends_with_its_root),
        TEST(hosts_do_not_leave_the_directory),
        TEST(what_cannot_be_written),
        TEST(processes_that_start_at_once_share_a_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
