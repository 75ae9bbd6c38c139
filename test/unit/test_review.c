/* Reviewing routes: hosts that nobody can ask for, hosts that no public CA knows, and what is said
 * of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/load.h"
#include "config/review.h"

/* With a certificate of its own kind and with one of a public CA: the code of the one warning, or
 * NULL. */
static void assert_reviewed(const char *host, const char *without, const char *with_acme)
{
    static const enum cert_type types[] = {CERT_NONE, CERT_SELF_SIGNED, CERT_ACME};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const char *expected = types[i] == CERT_ACME ? with_acme : without;
        enum problem_code code;
        const char *why = review_host(host, types[i], &code);
        assert_true((why == NULL) == (expected == NULL));
        if (expected)
            assert_string_equal(problem_kinds[code].code, expected);
    }
}

static void some_hosts_never_match(void **state)
{
    (void)state;
    static const char *const hosts[] = {"0.0.0.0",  "0.255.1.2", "224.0.0.1", "255.255.255.255",
                                        "::",       "ff02::1",   "0x",        "0x7f",
                                        "app.0x1f", "app.0x"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        assert_reviewed(hosts[i], "never-matches", "never-matches");
}

static void some_hosts_are_private(void **state)
{
    (void)state;
    static const char *const hosts[] = {
        "127.0.0.1",   "1.0.0.0",     "223.255.255.255", "192.0.2.1",   "::1",
        "2001:db8::1", "fe80::1",     "localhost",       "nas",         "0xg",
        "nas.local",   "a.b.test",    "app.localhost",   "app.invalid", "app.example",
        "db.internal", "a.home.arpa", "home.arpa",       "router.lan",  "nas.home",
        "a.alt",       "local.lan",   "a.0x.lan"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        assert_reviewed(hosts[i], NULL, "no-public-certificate");
}

static void other_hosts_are_fine(void **state)
{
    (void)state;
    static const char *const hosts[] = {
        "example.com", "app.example.com", "local.example.com", "a.vlan",
        "lan.de",      "test.dev",        "0x1f.dev",          "app.0xg",
        "a.x0x1",      "internal.host",   "my-home.arpa",      "arpa.home.example.org"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        assert_reviewed(hosts[i], NULL, NULL);
}

static void says_where_and_what_to_do(void **state)
{
    (void)state;
    struct config_problems problems = {0};
    setenv("APP", "hush", 1);
    struct config *config = config_load_text(
        "f.yaml",
        SPAN("routes:\n- {host: NAS, upstream: 'a:1'}\n- {host: 0.0.0.0, upstream: 'a:1'}\n"
             "- {host: '${APP}', upstream: 'a:1'}\n- {host: '${APP}.0x1', upstream: 'a:1'}\n"),
        &problems);
    assert_non_null(config);
    assert_int_equal(problems.found.count, 4);
    const struct err *err = problems.found.items;
    assert_string_equal(err->file, "f.yaml");
    assert_int_equal(err->line, 2);
    assert_int_equal(err->column, 10);
    assert_string_equal(err->pointer, "/routes/0/host");
    assert_string_equal(err->message,
                        "host \"nas\" is a name without a domain, for which no public CA gives a "
                        "certificate; another cert_type than \"acme\", the default, was expected");
    assert_string_equal(err->hint,
                        "add a line, indented like the others: cert_type: \"self_signed\"");
    assert_string_equal(err[1].message,
                        "host \"0.0.0.0\" is no address that anybody can connect to, so this route "
                        "never matches; a host that clients can ask for was expected");
    for (size_t i = 2; i < 4; i++) { /* what the environment holds is not shown */
        assert_non_null(strstr(err[i].message, "host \"${APP}"));
        assert_null(strstr(err[i].message, "hush"));
    }
    config_problems_release(&problems);
    config_unref(config);
    unsetenv("APP");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_hosts_never_match),
        cmocka_unit_test(some_hosts_are_private),
        cmocka_unit_test(other_hosts_are_fine),
        cmocka_unit_test(says_where_and_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
