/* Reviewing routes: hosts that nobody can ask for, hosts that no public CA knows, and what is said
 * of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/review.h"

/* Reviews a route; `written` is what the file has for `host`. */
static void review(const struct format *format, const char *written, const char *host,
                   enum cert_type cert_type, struct problems *problems)
{
    char name[254];
    assert_true(span_copy(span_str(host), name, sizeof name));
    struct config_route route = {.host = name, .cert_type = cert_type};
    struct value value = {
        .type = VALUE_STRING, .line = 3, .column = 8, .string = span_str(written)};
    struct setting_context context = {.file = "f", .format = format, .problems = problems};
    review_route(&route, &value, &context);
}

/* With a certificate of its own kind and with one of a public CA: the code of the one warning, or
 * NULL. */
static void assert_reviewed(const char *host, const char *without, const char *with_acme)
{
    static const enum cert_type types[] = {CERT_NONE, CERT_SELF_SIGNED, CERT_ACME};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct problems problems = {0};
        const char *code = types[i] == CERT_ACME ? with_acme : without;
        review(&format_toml, host, host, types[i], &problems);
        if (problems.count != (code ? 1 : 0))
            fail_msg("%s: %zu warnings", host, problems.count);
        if (code) {
            assert_string_equal(problems.items[0].code, code);
            assert_true(problems.items[0].is_warning);
        }
        problems_release(&problems);
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
    struct problems problems = {0};
    review(&format_yaml, "NAS", "nas", CERT_ACME, &problems);
    review(&format_json, "0.0.0.0", "0.0.0.0", CERT_ACME, &problems);
    assert_int_equal(problems.count, 2);
    const struct err *err = problems.items;
    assert_string_equal(err->file, "f");
    assert_int_equal(err->line, 3);
    assert_int_equal(err->column, 8);
    assert_string_equal(err->message,
                        "host \"nas\" is a name without a domain, for which no public CA gives a "
                        "certificate; another cert_type than \"acme\", the default, was expected");
    assert_string_equal(err->hint,
                        "add a line, indented like the others: cert_type: \"self_signed\"");
    assert_string_equal(err[1].message,
                        "host \"0.0.0.0\" is no address that anybody can connect to, so this route "
                        "never matches; a host that clients can ask for was expected");
    problems_release(&problems);
}

/* What the environment holds is not shown. */
static void variables_are_quoted_as_written(void **state)
{
    (void)state;
    static const char *const hosts[] = {"hush.0x1", "hush"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        struct problems problems = {0};
        review(&format_toml, "${APP}", hosts[i], CERT_ACME, &problems);
        assert_int_equal(problems.count, 1);
        assert_non_null(strstr(problems.items[0].message, "host \"${APP}\" "));
        assert_null(strstr(problems.items[0].message, "hush"));
        problems_release(&problems);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_hosts_never_match),
        cmocka_unit_test(some_hosts_are_private),
        cmocka_unit_test(other_hosts_are_fine),
        cmocka_unit_test(says_where_and_what_to_do),
        cmocka_unit_test(variables_are_quoted_as_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
