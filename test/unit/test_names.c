/* Names that are right, in the form in which they are kept; wrong ones are in test_wrong.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/names.h"
#include "guard_page.h"

static void assert_host(const char *text, const char *expected)
{
    char host[HOST_TEXT];
    struct err err = {0};
    size_t len = strlen(text);
    int result = host_parse(span_make(guard_page_copy(span_str(text)), len), host, &err);
    if (expected == NULL) {
        assert_int_equal(result, -1);
        assert_true(err.message[0] != '\0');
        return;
    }
    assert_int_equal(result, 0);
    assert_string_equal(host, expected);
}

static void knows_hosts(void **state)
{
    (void)state;
    assert_host("app.test", "app.test");
    assert_host("App.TEST.", "app.test");
    assert_host("localhost", "localhost");
    assert_host("my_app-1.home.arpa", "my_app-1.home.arpa");
    assert_host("xn--bcher-kva.test", "xn--bcher-kva.test");
    assert_host("1.2.3.example", "1.2.3.example");
    assert_host("192.0.2.1", "192.0.2.1");
    assert_host("::1", "::1");
    assert_host("[2001:DB8:0::1]", "2001:db8::1");
    assert_host("::ffff:192.0.2.1", "192.0.2.1");
    assert_host("[]", NULL);
    assert_host("[app.test]", NULL);
    assert_host("[::1]x", NULL);
    assert_host("[", NULL);
    assert_host("]", NULL);
    assert_host(":", NULL);
    assert_host(".", NULL);
    assert_host("://", NULL);
    assert_host("127.1", NULL);
    assert_host("1", NULL);
    assert_host("a.test:80", NULL);
}

static void assert_upstream(const char *text, const char *host, unsigned port)
{
    char out[HOST_TEXT];
    uint16_t found = 0;
    struct err err = {0};
    size_t len = strlen(text);
    int result = upstream_parse(span_make(guard_page_copy(span_str(text)), len), out, &found, &err);
    if (host == NULL) {
        assert_int_equal(result, -1);
        assert_true(err.message[0] != '\0');
        return;
    }
    assert_int_equal(result, 0);
    assert_string_equal(out, host);
    assert_int_equal(found, port);
}

static void knows_upstreams(void **state)
{
    (void)state;
    assert_upstream("app:8080", "app", 8080);
    assert_upstream("My_App.Test.:1", "my_app.test", 1);
    assert_upstream("127.0.0.1:65535", "127.0.0.1", 65535);
    assert_upstream("[::1]:80", "::1", 80);
    assert_upstream("builtin:hello", "", 0);
    assert_upstream("builtin:", NULL, 0);
    assert_upstream("[", NULL, 0);
    assert_upstream("[]", NULL, 0);
    assert_upstream("[]:80", NULL, 0);
    assert_upstream("[::1", NULL, 0);
    assert_upstream("[::1]8080", NULL, 0);
    assert_upstream("[::1]:", NULL, 0);
    assert_upstream("[127.0.0.1]:80", NULL, 0);
    assert_upstream(":", NULL, 0);
    assert_upstream("::", NULL, 0);
    assert_upstream("a:+80", NULL, 0);
    assert_upstream("a: 80", NULL, 0);
    assert_upstream("a b:80", NULL, 0);
    assert_upstream("user@a:80", NULL, 0);
    assert_upstream("/", NULL, 0);
    assert_upstream("://", NULL, 0);
}

static bool is_network(const char *text)
{
    struct err err = {0};
    return network_check(span_make(guard_page_copy(span_str(text)), strlen(text)), &err) == 0;
}

static void knows_networks(void **state)
{
    (void)state;
    assert_true(is_network("10.0.0.0/8"));
    assert_true(is_network("0.0.0.0/0"));
    assert_true(is_network("192.0.2.1"));
    assert_true(is_network("192.0.2.1/32"));
    assert_true(is_network("192.0.2.128/25"));
    assert_true(is_network("fd00::/8"));
    assert_true(is_network("2001:db8::1/128"));
    assert_false(is_network("10.0.0.1/8"));
    assert_false(is_network("192.0.2.128/24"));
    assert_false(is_network("10.0.0.0/33"));
    assert_false(is_network("fd00::/129"));
    assert_false(is_network("10.0.0.0/"));
    assert_false(is_network("/8"));
    assert_false(is_network(""));
    assert_false(is_network("10.0.0.0/-1"));
}

static bool is_email(struct span text)
{
    struct err err = {0};
    return email_check(span_make(guard_page_copy(text), text.len), &err) == 0;
}

static void knows_mail_addresses(void **state)
{
    (void)state;
    assert_true(is_email(SPAN("a@b")));
    assert_true(is_email(SPAN("you+portico@example.com")));
    assert_false(is_email(SPAN("@b")));
    assert_false(is_email(SPAN("a@")));
    assert_false(is_email(SPAN("a@b@c")));
    assert_false(is_email(SPAN("a b@c")));
    assert_false(is_email(SPAN("a@b\0")));
    assert_false(is_email(SPAN("")));
}

/* What is wrong with the text as a value of a field, without a word of it. */
static const char *field_fault(struct span text)
{
    static struct err err;
    err = (struct err){0};
    int result = field_check(span_make(guard_page_copy(text), text.len), &err);
    assert_int_equal(result, err.message[0] ? -1 : 0);
    assert_null(strstr(err.message, "hush"));
    assert_null(strstr(err.hint, "hush"));
    return result < 0 ? err.message : NULL;
}

static void knows_values_of_fields(void **state)
{
    (void)state;
    static char longest[FIELD_VALUE_MAX + 1];
    memset(longest, '~', sizeof longest);
    assert_null(field_fault(SPAN("x")));
    assert_null(field_fault(SPAN("Basic aHVzaDo=  !~")));
    assert_null(field_fault(span_make(longest, FIELD_VALUE_MAX)));
    assert_non_null(field_fault(span_make(longest, FIELD_VALUE_MAX + 1)));
    assert_non_null(field_fault(SPAN("")));
    assert_non_null(field_fault(SPAN(" ")));
    assert_non_null(field_fault(SPAN(" hush")));
    assert_non_null(field_fault(SPAN("hush ")));
    assert_non_null(field_fault(SPAN("hush\r\nX: y")));
    assert_non_null(field_fault(SPAN("hush\thush")));
    assert_non_null(field_fault(SPAN("hush\0")));
    assert_non_null(field_fault(SPAN("hush\x7f")));
    assert_non_null(field_fault(SPAN("h\xc3\xbcsh hush")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_hosts),
        cmocka_unit_test(knows_upstreams),
        cmocka_unit_test(knows_networks),
        cmocka_unit_test(knows_mail_addresses),
        cmocka_unit_test(knows_values_of_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
