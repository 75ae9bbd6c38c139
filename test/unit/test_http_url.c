/* URLs: what a client would make of them, and what is wrong with the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "guard_page.h"
#include "http/http_url.h"

static int parse(const char *text, struct http_url *url, struct err *err)
{
    struct span span = span_str(text);
    *err = (struct err){0};
    return http_url_parse(span_make(guard_page_copy(span), span.len), url, err);
}

static void assert_span(struct span span, const char *expected)
{
    if (!span_eq(span, span_str(expected)))
        fail_msg("\"" SPAN_FMT "\" instead of \"%s\"", SPAN_ARG(span), expected);
}

static void takes_them_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text, *authority, *host, *target;
        unsigned port;
        bool is_secure, is_websocket;
    } urls[] = {
        {"http://a.test", "a.test", "a.test", "", 80, false, false},
        {"https://a.test/", "a.test", "a.test", "/", 443, true, false},
        {"WS://a.test/x?y#z", "a.test", "a.test", "/x?y", 80, false, true},
        {"wss://A.test?q=/", "A.test", "A.test", "?q=/", 443, true, true},
        {"https://a.test.:8443/", "a.test.:8443", "a.test", "/", 8443, true, false},
        {"https://a.test:443/", "a.test", "a.test", "/", 443, true, false},
        {"http://a.test:443/", "a.test:443", "a.test", "/", 443, false, false},
        {"http://a.test:/", "a.test", "a.test", "/", 80, false, false},
        {"http://127.0.0.1/", "127.0.0.1", "127.0.0.1", "/", 80, false, false},
        {"http://127.0.0.1:8080", "127.0.0.1:8080", "127.0.0.1", "", 8080, false, false},
        {"https://[::1]/", "[::1]", "::1", "/", 443, true, false},
        {"https://[2001:db8::1]:8443/x y", "[2001:db8::1]:8443", "2001:db8::1", "/x y", 8443, true,
         false},
        {"http://8080/", "8080", "8080", "/", 80, false, false},
        {"http://a.test#f/x", "a.test", "a.test", "", 80, false, false},
        {"http://a.test/http://b.test:1/@", "a.test", "a.test", "/http://b.test:1/@", 80, false,
         false},
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct http_url url;
        struct err err;
        if (parse(urls[i].text, &url, &err) != 0)
            fail_msg("%s %s", urls[i].text, err.message);
        assert_span(url.authority, urls[i].authority);
        assert_span(url.host, urls[i].host);
        assert_span(url.target, urls[i].target);
        assert_int_equal(url.port, urls[i].port);
        assert_int_equal(url.is_secure, urls[i].is_secure);
        assert_int_equal(url.is_websocket, urls[i].is_websocket);
    }
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message, *hint;
    } urls[] = {
        {"", "is empty", ""},
        {"a.test", "has no scheme", "write \"https://a.test\""},
        {"a.test:80/x", "has no scheme", "write \"https://a.test:80/x\""},
        {"/x", "has no scheme", ""},
        {"ftp://a.test/", "has the scheme \"ftp\"", ""},
        {"http:a.test", "has no scheme", ""},
        {"http://", "names no host", ""},
        {"http:///x", "names no host", ""},
        {"http://:80/", "names no host", ""},
        {"http://?x", "names no host", ""},
        {"https://user:secret@a.test/", "names a user", "write \"a.test\""},
        {"https://@a.test/", "names a user", ""},
        {"https://b\xc3\xbc"
         "cher.test/",
         "is not ASCII", "xn--"},
        {"https://[::1/", "no IPv6 address", ""},
        {"https://[fe80::1%25eth0]/", "no IPv6 address", ""},
        {"https://::1/", "names no host", ""},
        {"https://fd00::1/", "several colons", "write \"[fd00::1]\""},
        {"https://a.test:x/", "has \"x\" for a port", ""},
        {"https://a.test:65536/", "has \"65536\" for a port", ""},
        {"http://a.test:034355/", "has \"034355\" for a port; five digits at most", ""},
        {"https://a b/", "has the host \"a b\"", ""},
        {"https://*.test/", "has the host \"*.test\"", ""},
        {"https://a.test/\r\nX: y", "line break", ""},
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct http_url url;
        struct err err;
        assert_int_equal(parse(urls[i].text, &url, &err), -1);
        if (!strstr(err.message, urls[i].message) || !strstr(err.hint, urls[i].hint))
            fail_msg("%s %s; %s", urls[i].text, err.message, err.hint);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_them_apart),
        cmocka_unit_test(says_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
