/* Addresses and networks: what is one, what is not, and how they are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>

#include "net/address.h"

static struct address parse(const char *text)
{
    struct address address;
    if (!address_parse_ip(span_str(text), 0, &address))
        fail_msg("not parsed: %s", text);
    return address;
}

static void parses_and_formats(void **state)
{
    static const struct {
        const char *text, *ip, *with_port;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1", "192.0.2.1:65535"},
        {"0.0.0.0", "0.0.0.0", "0.0.0.0:65535"},
        {"2001:DB8:0:0::1", "2001:db8::1", "[2001:db8::1]:65535"},
        {"[2001:db8::1]", "2001:db8::1", "[2001:db8::1]:65535"},
        {"::", "::", "[::]:65535"},
        {"::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1:65535"},
        {"[::ffff:c000:201]", "192.0.2.1", "192.0.2.1:65535"},
        {"1111:2222:3333:4444:5555:6666:7777:8888", "1111:2222:3333:4444:5555:6666:7777:8888",
         "[1111:2222:3333:4444:5555:6666:7777:8888]:65535"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct address address;
        char out[ADDRESS_TEXT];
        assert_true(address_parse_ip(span_str(cases[i].text), 65535, &address));
        assert_int_equal(address_port(&address), 65535);
        assert_string_equal(address_format_ip(&address, out), cases[i].ip);
        assert_string_equal(address_format(&address, out), cases[i].with_port);
    }
}

static void refuses_everything_else(void **state)
{
    static const char *const bad[] = {
        "",
        "localhost",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.1.1",
        "192.0.2.01",
        "0x7f.0.0.1",
        "192.0.2.1 ",
        "[192.0.2.1]",
        "[",
        "]",
        "[]",
        "[::1",
        "::1]",
        "fe80::1%eth0",
        "fe80::1%2",
        "1:2:3",
        ":::",
        "192.0.2.1:80",
        "[::1]:80",
        "1::2::3",
        "12345::",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd",
    };
    struct address address;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (address_parse_ip(span_str(bad[i]), 0, &address))
            fail_msg("parsed: %s", bad[i]);
    assert_false(address_parse_ip(SPAN("127.0.0.1\0"), 0, &address));
    assert_false(address_parse_ip((struct span){NULL, 0}, 0, &address));
    /* No byte beyond the span is looked at. */
    assert_true(address_parse_ip(span_make("127.0.0.123", 9), 0, &address));
}

static void unmaps_what_the_kernel_gives(void **state)
{
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = htons(443)};
    struct address address, plain = parse("192.0.2.7");
    char out[ADDRESS_TEXT];
    (void)state;
    inet_pton(AF_INET6, "::ffff:192.0.2.7", &mapped.sin6_addr);
    address_from_sockaddr((struct sockaddr *)&mapped, sizeof mapped, &address);
    assert_false(address_is_v6(&address));
    assert_int_equal(address.len, sizeof(struct sockaddr_in));
    assert_string_equal(address_format(&address, out), "192.0.2.7:443");
    assert_true(address_same_ip(&address, &plain));
    assert_true(address_client_key(&address) == address_client_key(&plain));
}

static void keeps_what_connecting_needs(void **state)
{
    struct sockaddr_in6 local = {
        .sin6_family = AF_INET6, .sin6_port = htons(80), .sin6_scope_id = 3};
    struct address address;
    (void)state;
    inet_pton(AF_INET6, "fe80::1", &local.sin6_addr);
    address_from_sockaddr((struct sockaddr *)&local, sizeof local, &address);
    assert_int_equal(address.sa.v6.sin6_scope_id, 3);
    assert_int_equal(address.len, sizeof local);
    assert_true(address_is_v6(&address));
}

static void other_families_are_nobody(void **state)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/tmp/x"};
    struct sockaddr_in cut = {.sin_family = AF_INET};
    struct address address;
    struct network all;
    char out[ADDRESS_TEXT];
    (void)state;
    address_from_sockaddr((struct sockaddr *)&un, sizeof un, &address);
    assert_string_equal(address_format_ip(&address, out), "unknown");
    assert_int_equal(address_port(&address), 0);
    assert_false(address_same_ip(&address, &address));
    assert_true(network_parse(SPAN("0.0.0.0/0"), &all));
    assert_false(network_contains(&all, &address));
    address_from_sockaddr((struct sockaddr *)&cut, sizeof cut - 1, &address);
    assert_string_equal(address_format_ip(&address, out), "unknown");
}

static void ports_are_apart(void **state)
{
    struct address v4 = parse("192.0.2.1"), v6 = parse("::1"), other = parse("192.0.2.1");
    (void)state;
    address_set_port(&v4, 80);
    address_set_port(&v6, 443);
    assert_int_equal(address_port(&v4), 80);
    assert_int_equal(address_port(&v6), 443);
    assert_true(address_same_ip(&v4, &other));
    assert_false(address_same_ip(&v4, &v6));
    other = parse("192.0.2.2");
    assert_false(address_same_ip(&v4, &other));
}

static uint64_t key(const char *text)
{
    struct address address = parse(text);
    return address_client_key(&address);
}

static void clients_have_keys(void **state)
{
    (void)state;
    assert_true(key("192.0.2.1") != key("192.0.2.2"));
    assert_true(key("2001:db8:0:1::1") == key("2001:db8:0:1:ffff::2"));
    assert_true(key("2001:db8:0:1::1") != key("2001:db8:0:2::1"));
    assert_true(key("2001:db8:0:1::1") != key("3001:db8:0:1::1"));
    /* An IPv6 prefix that spells an IPv4 address is another client. */
    assert_true(key("192.0.2.1") != key("0:0:c000:201::1"));
    assert_true(key("192.0.2.1") != key("c000:201::1"));
    assert_true(key("0.0.0.0") != key("::1"));
}

static void networks_contain(void **state)
{
    static const struct {
        const char *network, *inside, *outside;
    } cases[] = {
        {"192.168.0.0/16", "192.168.255.255", "192.169.0.0"},
        {"192.168.1.128/25", "192.168.1.255", "192.168.1.127"},
        {"10.0.0.0/8", "::ffff:10.1.2.3", "11.0.0.0"},
        {"127.0.0.1", "127.0.0.1", "127.0.0.2"},
        {"127.0.0.1/32", "127.0.0.1", "127.0.0.0"},
        {"0.0.0.0/0", "255.255.255.255", "::1"},
        {"::/0", "ffff::", "1.2.3.4"},
        {"fd00::/8", "fdff::1", "fc00::1"},
        {"2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::"},
        {"2001:db8::1", "2001:db8::1", "2001:db8::2"},
        {"2001:db8::1/128", "2001:db8::1", "2001:db8::"},
        {"::ffff:10.0.0.0/104", "10.255.0.1", "11.0.0.0"},
        {"::ffff:10.0.0.1", "10.0.0.1", "10.0.0.2"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct network network;
        struct address inside = parse(cases[i].inside), outside = parse(cases[i].outside);
        if (!network_parse(span_str(cases[i].network), &network))
            fail_msg("not parsed: %s", cases[i].network);
        if (!network_contains(&network, &inside) || network_contains(&network, &outside))
            fail_msg("wrong side: %s", cases[i].network);
    }
}

static void networks_are_strict(void **state)
{
    static const char *const bad[] = {
        "",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/8/8",
        "10.0.0.1/8",
        "10.0.0.0/a",
        "/8",
        "fd00::/129",
        "fd00::1/64",
        "[fd00::]/8",
        "[::1]",
        "localhost/8",
        "10.0.0/8",
        "192.0.2.1/31",
        "::ffff:10.0.0.0/95",
        "::ffff:0:0/24",
    };
    struct network network = {.prefix = 99};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (network_parse(span_str(bad[i]), &network))
            fail_msg("parsed: %s", bad[i]);
    assert_int_equal(network.prefix, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_and_formats),
        cmocka_unit_test(refuses_everything_else),
        cmocka_unit_test(unmaps_what_the_kernel_gives),
        cmocka_unit_test(keeps_what_connecting_needs),
        cmocka_unit_test(other_families_are_nobody),
        cmocka_unit_test(ports_are_apart),
        cmocka_unit_test(clients_have_keys),
        cmocka_unit_test(networks_contain),
        cmocka_unit_test(networks_are_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
