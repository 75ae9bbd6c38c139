/* proxy/trust: whose forwarding fields are believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/check.h"
#include "format/value.h"
#include "proxy/trust.h"

static struct config config_of(char **networks)
{
    struct config config = {.tree = value_tree_new(0), .trusted_proxies = networks};
    check(config.tree != NULL);
    assert_int_equal(trust_attach(&config), 0);
    return config;
}

static struct address address(const char *text)
{
    struct address parsed;
    check(address_parse_ip(span_str(text), 1234, &parsed));
    return parsed;
}

static void trusted_proxies(void **state)
{
    char *trusted[] = {(char[]){"192.0.2.128/25"}, (char[]){"fd00::/8"}, (char[]){"203.0.113.7"},
                       NULL};
    static const char *const inside[] = {"192.0.2.128", "192.0.2.255", "fd12::1", "203.0.113.7"};
    static const char *const outside[] = {"192.0.2.127", "192.0.3.128", "fe80::1", "203.0.113.8",
                                          "::1"};
    char *nobody[] = {NULL};
    struct config some = config_of(trusted), none = config_of(nobody), unset = config_of(NULL);
    (void)state;
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++) {
        struct address client = address(inside[i]);
        assert_true(trust_has(&some, &client));
        assert_false(trust_has(&none, &client));
        assert_false(trust_has(&unset, &client));
    }
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        struct address client = address(outside[i]);
        assert_false(trust_has(&some, &client));
    }
    value_tree_free(some.tree);
    value_tree_free(none.tree);
    value_tree_free(unset.tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(trusted_proxies)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
