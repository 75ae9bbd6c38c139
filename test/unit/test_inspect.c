/* certs/inspect: what is said of the files is what a start makes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "certs/inspect.h"
#include "certs/issue.h"
#include "certs/local_ca.h"
#include "net/tls_identity.h"
#include "temp_dir.h"

#define NOW    ((time_t)1800000000)
#define NOBODY ((uid_t)65534)
#define CRT    "self-signed/x.test.crt"
#define KEY    "self-signed/x.test.key"

/* A CA with a certificate for x.test. */
static int setup(void **state)
{
    struct local_ca_leaf leaf;
    if (temp_dir_setup(state) != 0)
        return -1;
    struct local_ca *ca = local_ca_open(*state, NOW, NULL);
    if (ca == NULL || local_ca_get(ca, "x.test", NOW, &leaf, NULL) != 0)
        return -1;
    tls_identity_unref(leaf.identity);
    local_ca_free(ca);
    return 0;
}

/* Does a start come to the same? */
static void assert_quarantined(const char *dir, time_t now, const char *word)
{
    struct err err = {0}, why = {0};
    struct local_ca_leaf leaf = {0};
    assert_int_equal(inspect_is_quarantined(dir, "x.test", now, &err), word != NULL);
    struct local_ca *ca = local_ca_open(dir, now, &why);
    assert_non_null(ca);
    assert_int_equal(local_ca_get(ca, "x.test", now, &leaf, &why), word ? -1 : 0);
    tls_identity_unref(leaf.identity);
    local_ca_free(ca);
    if (word) {
        assert_non_null(strstr(err.message, word));
        assert_true(err.hint[0]);
    }
}

static void a_good_certificate(void **state)
{
    assert_quarantined(*state, NOW, NULL);
}

static void one_that_is_made_anew(void **state)
{
    const char *dir = *state;
    assert_quarantined(dir, NOW + ISSUE_LEAF + 1, NULL); /* expired */
    temp_dir_write(dir, CRT, "nothing");
    assert_quarantined(dir, NOW, NULL);
    temp_dir_write(dir, KEY, "nothing");
    assert_quarantined(dir, NOW, NULL);
    unlink(temp_dir_path(dir, CRT));
    assert_quarantined(dir, NOW, NULL);
}

static void one_that_is_in_the_way(void **state)
{
    const char *dir = *state;
    unlink(temp_dir_path(dir, CRT));
    mkdir(temp_dir_path(dir, CRT), 0700);
    assert_quarantined(dir, NOW, "x.test.crt is a directory");
}

/* What is good needs no root; what is not, does. */
static void a_root_of_no_use(void **state)
{
    const char *dir = *state;
    struct err err;
    char *root = temp_dir_read(dir, "local-ca.crt");
    temp_dir_write(dir, "local-ca.crt", "nothing");
    assert_int_equal(inspect_root(dir, NOW, &err), INSPECT_UNREADABLE);
    assert_quarantined(dir, NOW, NULL);
    assert_quarantined(dir, NOW + ISSUE_LEAF + 1, "root is damaged");
    unlink(temp_dir_path(dir, KEY));
    assert_quarantined(dir, NOW, "root is damaged");
    unlink(temp_dir_path(dir, "local-ca.crt"));
    assert_int_equal(inspect_root(dir, NOW, &err), INSPECT_UNREADABLE);
    assert_quarantined(dir, NOW, "root is missing");
    temp_dir_write(dir, "local-ca.crt", root);
    assert_int_equal(inspect_root(dir, NOW, &err), INSPECT_GOOD);
    assert_quarantined(dir, NOW, NULL);
    assert_int_equal(inspect_root(dir, NOW + ISSUE_ROOT - ISSUE_DAY, &err), INSPECT_EXPIRES);
    assert_quarantined(dir, NOW + ISSUE_ROOT, "root has expired");
    free(root);
}

/* A certificate of another CA is made anew, if that can be. */
static void another_root(void **state)
{
    const char *dir = *state;
    unlink(temp_dir_path(dir, "local-ca.crt"));
    unlink(temp_dir_path(dir, "local-ca.key"));
    assert_quarantined(dir, NOW, NULL);
    unlink(temp_dir_path(dir, "local-ca.crt"));
    unlink(temp_dir_path(dir, "local-ca.key"));
    struct err err = {0};
    unlink(temp_dir_path(dir, KEY));
    mkdir(temp_dir_path(dir, KEY), 0700);
    assert_true(inspect_is_quarantined(dir, "x.test", NOW, &err));
    assert_non_null(strstr(err.message, "x.test.key is a directory"));
}

/* In a process without root's rights, whose the directory is. 1 when in quarantine. */
static int as_nobody(const char *dir, const char *word)
{
    static const char *const names[] = {"",  "local-ca.crt", "local-ca.key", "self-signed", CRT,
                                        KEY, ".lock"};
    bool is_root = geteuid() == 0;
    for (size_t i = 0; is_root && i < sizeof names / sizeof *names; i++)
        if (chown(temp_dir_path(dir, names[i]), NOBODY, (gid_t)NOBODY) != 0)
            return -1;
    pid_t child = fork();
    if (child == 0) {
        struct err err = {0};
        if (is_root && setuid(NOBODY) != 0)
            _exit(99);
        bool found = inspect_is_quarantined(dir, "x.test", NOW, &err);
        _exit(found && strstr(err.message, word) == NULL ? 98 : found);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void permissions(void **state)
{
    const char *dir = *state;
    assert_int_equal(as_nobody(dir, ""), 0);
    chmod(temp_dir_path(dir, "self-signed"), 0500);
    assert_int_equal(as_nobody(dir, ""), 0); /* good as it is */
    chmod(temp_dir_path(dir, KEY), 0);
    assert_int_equal(as_nobody(dir, "cannot write"), 1);
    chmod(temp_dir_path(dir, "self-signed"), 0700);
    assert_int_equal(as_nobody(dir, ""), 0); /* made anew */
    chmod(temp_dir_path(dir, "local-ca.key"), 0);
    assert_int_equal(as_nobody(dir, "local-ca.key"), 1);
    chmod(dir, 0);
    assert_int_equal(as_nobody(dir, ""), 0); /* it is for somebody else to judge */
    chmod(dir, 0700);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, temp_dir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_good_certificate), TEST(one_that_is_made_anew), TEST(one_that_is_in_the_way),
        TEST(a_root_of_no_use),   TEST(another_root),          TEST(permissions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
