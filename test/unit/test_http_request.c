/* Requests: what is accepted, what it means, and what is refused for which reason. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "guard_page.h"
#include "http_feed.h"

static struct http_request request;

static void assert_span(struct span actual, struct span expected)
{
    if (!span_eq(actual, expected))
        fail_msg("got \"" SPAN_FMT "\", expected \"" SPAN_FMT "\"", SPAN_ARG(actual),
                 SPAN_ARG(expected));
}

static void accept_span(struct span in)
{
    const struct http_verdict verdict = feed_request(in, &request);
    if (verdict.result != PARSE_DONE)
        fail_msg("refused with %s:\n" SPAN_FMT, reason_code(verdict.why), SPAN_ARG(in));
    assert_int_equal(verdict.size, in.len);
}

static void refuse_span(struct span in, enum reason why)
{
    const struct http_verdict verdict = feed_request(in, &request);
    if (verdict.result != PARSE_BAD || verdict.why != why)
        fail_msg("%s instead of %s:\n" SPAN_FMT, reason_code(verdict.why), reason_code(why),
                 SPAN_ARG(in));
}

#define accept(text)      accept_span(SPAN(text))
#define refuse(text, why) refuse_span(SPAN(text), why)

/* A request with these field lines besides Host. */
#define POST(fields) "POST /up HTTP/1.1\r\nHost: a.test\r\n" fields "\r\n"

static void test_plain(void **state)
{
    (void)state;
    accept("GET /a/b?c=d HTTP/1.1\r\nHost: a.test:8443\r\nAccept:\t */* \t\r\nX-Empty:\r\n\r\n");
    assert_span(request.method, SPAN("GET"));
    assert_span(request.target, SPAN("/a/b?c=d"));
    assert_span(request.origin_form, SPAN("/a/b?c=d"));
    assert_span(request.authority, SPAN("a.test:8443"));
    assert_span(request.host, SPAN("a.test"));
    assert_int_equal(request.minor, 1);
    assert_int_equal(request.framing, HTTP_FRAMING_NONE);
    assert_true(request.keep_alive);
    assert_true(request.is_idempotent);
    assert_false(request.is_head);
    assert_false(request.expect_continue);
    assert_false(request.wants_upgrade);
    assert_int_equal(request.field_count, 3);
    assert_span(request.fields[1].name, SPAN("Accept"));
    assert_span(request.fields[1].value, SPAN("*/*"));
    assert_span(request.fields[2].value, SPAN(""));
}

static void test_methods(void **state)
{
    (void)state;
    static const struct {
        struct span name;
        bool idempotent;
    } methods[] = {
        {{"GET", 3}, true},
        {{"HEAD", 4}, true},
        {{"OPTIONS", 7}, true},
        {{"PUT", 3}, true},
        {{"DELETE", 6}, true},
        {{"POST", 4}, false},
        {{"PATCH", 5}, false},
        {{"PROPFIND", 8}, false},
        {{"M-SEARCH", 8}, false},
        {{"VERSION-CONTROL", 15}, false},
        {{"x!#$%&'*+.^_`|~9", 16}, false},
    };
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        char head[128];
        int len = snprintf(head, sizeof(head), SPAN_FMT " / HTTP/1.1\r\nHost: a\r\n\r\n",
                           SPAN_ARG(methods[i].name));
        accept_span(span_make(head, (size_t)len));
        assert_span(request.method, methods[i].name);
        assert_int_equal(request.is_idempotent, methods[i].idempotent);
        assert_int_equal(request.is_head, i == 1);
    }
}

/* H12: CONNECT and TRACE are 405; any other token is a method, and nothing else is. */
static void test_H12_methods(void **state)
{
    (void)state;
    refuse("CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n", REASON_METHOD);
    refuse("TRACE / HTTP/1.1\r\nHost: a.test\r\n\r\n", REASON_METHOD);
    refuse("CONNECT a.test:443\r\n\r\n", REASON_BAD_REQUEST);
    refuse("G@T / HTTP/1.1\r\nHost: a\r\n\r\n", REASON_BAD_REQUEST);
    refuse("G\tT / HTTP/1.1\r\nHost: a\r\n\r\n", REASON_BAD_REQUEST);
    refuse("G\xc3\x84T / HTTP/1.1\r\nHost: a\r\n\r\n", REASON_BAD_REQUEST);
    refuse("(GET) / HTTP/1.1\r\nHost: a\r\n\r\n", REASON_BAD_REQUEST);
    /* Methods are case-sensitive: these are none of the known ones. */
    accept("Trace / HTTP/1.1\r\nHost: a\r\n\r\n");
    accept("head / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_false(request.is_head);
    assert_false(request.is_idempotent);
    accept("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1\r\n"
           "Host: a\r\n\r\n");
    refuse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1\r\n"
           "Host: a\r\n\r\n",
           REASON_BAD_REQUEST);
}

static void test_request_line(void **state)
{
    (void)state;
    refuse("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", REASON_BAD_REQUEST);
    refuse("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", REASON_BAD_REQUEST);
    refuse("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", REASON_BAD_REQUEST);
    refuse("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", REASON_BAD_REQUEST);
    refuse("GET /\tHTTP/1.1\r\nHost: a\r\n\r\n", REASON_BAD_REQUEST);
    refuse("GET HTTP/1.1\r\nHost: a\r\n\r\n", REASON_BAD_REQUEST);
    refuse("GET  HTTP/1.1\r\nHost: a\r\n\r\n", REASON_BAD_REQUEST);
    refuse("GET\r\nHost: a\r\n\r\n", REASON_BAD_REQUEST);
    refuse("GET / HTTP/1.1\nHost: a\r\n\r\n", REASON_BAD_REQUEST);
    refuse("GET / HTTP/1.1\rHost: a\r\n\r\n", REASON_BAD_REQUEST);
    refuse("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", REASON_BAD_REQUEST);
}

/* H13: versions. */
static void test_H13_version(void **state)
{
    (void)state;
    accept("GET / HTTP/1.2\r\nHost: a\r\n\r\n");
    assert_int_equal(request.minor, 1);
    accept("GET / HTTP/1.9\r\nHost: a\r\n\r\n");
    assert_true(request.keep_alive);
    refuse("GET / HTTP/1.9\r\n\r\n", REASON_BAD_HOST);
    refuse("GET / HTTP/2.0\r\nHost: a\r\n\r\n", REASON_VERSION);
    refuse("GET / HTTP/9.1\r\nHost: a\r\n\r\n", REASON_VERSION);
    refuse("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", REASON_VERSION);
    refuse("GET /\r\n\r\n", REASON_BAD_REQUEST);
    refuse("GET / HTTP/0.9\r\nHost: a\r\n\r\n", REASON_BAD_REQUEST);
    refuse("GET / http/1.1\r\nHost: a\r\n\r\n", REASON_BAD_REQUEST);
    refuse("GET / HTTP/1.10\r\nHost: a\r\n\r\n", REASON_BAD_REQUEST);
    refuse("GET / HTTP/01.1\r\nHost: a\r\n\r\n", REASON_BAD_REQUEST);
    refuse("GET / HTTP/1,1\r\nHost: a\r\n\r\n", REASON_BAD_REQUEST);
    refuse("GET / HTTP/1.\r\nHost: a\r\n\r\n", REASON_BAD_REQUEST);
    refuse("GET / HTTP/+1.1\r\nHost: a\r\n\r\n", REASON_BAD_REQUEST);
    refuse("GET / RTSP/1.0\r\nHost: a\r\n\r\n", REASON_BAD_REQUEST);
}

/* H11: no fragment, control or space; everything else byte for byte. */
static void test_H11_target(void **state)
{
    (void)state;
    const char *const good[] = {
        "/",
        "//a//b/../c",
        "/%2e%2F%zz%",
        "/\xc3\xa4\xff\x80?\xe2\x82\xac",
        "/\"<>\\^`{|}[]",
        "/?a=b?c&d=/;e",
        "/http://b.test/",
    };
    char head[256];
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        int len = snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: a.test\r\n\r\n", good[i]);
        accept_span(span_make(head, (size_t)len));
        assert_span(request.target, span_str(good[i]));
        assert_span(request.origin_form, span_str(good[i]));
    }
    const char *const bad[] = {
        "/a#b", "#", "/a b", "/a\tb", "/a\x01", "/\x7f", "/a\rb", "a", "?a", "*", "*a", "/a b c",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int len = snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: a.test\r\n\r\n", bad[i]);
        refuse_span(span_make(head, (size_t)len), REASON_BAD_TARGET);
        assert_span(request.method, SPAN("GET"));
        assert_span(request.target, span_str(bad[i]));
    }
    refuse("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", REASON_BAD_REQUEST);
    refuse("GET /a\nb HTTP/1.1\r\nHost: a\r\n\r\n", REASON_BAD_REQUEST);
}

/* H26: OPTIONS * works, and only OPTIONS has it. */
static void test_H26_asterisk(void **state)
{
    (void)state;
    accept("OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_span(request.origin_form, SPAN("*"));
    accept("\r\nOPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n");
    accept("OPTIONS http://a.test:8080 HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_span(request.origin_form, SPAN("*"));
    refuse("POST * HTTP/1.1\r\nHost: a.test\r\n\r\n", REASON_BAD_TARGET);
    refuse("OPTIONS *a HTTP/1.1\r\nHost: a.test\r\n\r\n", REASON_BAD_TARGET);
}

/* H05: the authority of an absolute-form target wins over Host, which must be right as well. */
static void test_H05_absolute_form(void **state)
{
    (void)state;
    accept("GET http://b.test?q=/ HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_span(request.host, SPAN("b.test"));
    assert_span(request.origin_form, SPAN("?q=/"));
    accept("GET http://B.test:81/p?q HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_span(request.target, SPAN("http://B.test:81/p?q"));
    assert_span(request.authority, SPAN("B.test:81"));
    assert_span(request.host, SPAN("B.test"));
    assert_span(request.origin_form, SPAN("/p?q"));
    accept("GET HTTPS://b.test HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_span(request.authority, SPAN("b.test"));
    assert_span(request.origin_form, SPAN("/"));
    accept("GET http://b.test/ HTTP/1.0\r\n\r\n");
    assert_span(request.host, SPAN("b.test"));
    accept("GET http://[2001:db8::1]:80//x HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_span(request.host, SPAN("2001:db8::1"));
    assert_span(request.authority, SPAN("[2001:db8::1]:80"));
    assert_span(request.origin_form, SPAN("//x"));

    refuse("GET http://b.test/ HTTP/1.1\r\n\r\n", REASON_BAD_HOST);
    refuse("GET http://b.test/ HTTP/1.1\r\nHost: a b\r\n\r\n", REASON_BAD_HOST);
    refuse("GET http://b.test/ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", REASON_BAD_HOST);
    const char *const bad[] = {
        "http://user@b.test/", "http://user:pw@b.test/", "http:///p", "http://",
        "http://:80/",         "http:/b.test/",          "http:b",    "ftp://b.test/",
        "ws://b.test/",        "http://b.test:x/",       "b.test:80", "http://b.test:65536/",
        "http://b%2etest/",    "http://[::1/",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char head[128];
        int len = snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: a.test\r\n\r\n", bad[i]);
        refuse_span(span_make(head, (size_t)len), REASON_BAD_TARGET);
    }
}

/* H04: Host once, and well-formed. H06: port, trailing dot and case are kept in the authority
 * and not in the host, but for the case. */
static void test_H04_H06_host(void **state)
{
    (void)state;
    static const struct {
        const char *authority;
        const char *host;
    } good[] = {
        {"a", "a"},
        {"a.test", "a.test"},
        {"A.Test.:8443", "A.Test"},
        {"a.test:", "a.test"},
        {"a.test:0", "a.test"},
        {"a.test:65535", "a.test"},
        {"a.test:00080", "a.test"},
        {"my_nas-1.local", "my_nas-1.local"},
        {"192.168.1.2:80", "192.168.1.2"},
        {"[::1]", "::1"},
        {"[::]:80", "::"},
        {"[2001:DB8::a:b]:", "2001:DB8::a:b"},
        {"[::ffff:192.0.2.1]", "::ffff:192.0.2.1"},
        {"[1:2:3:4:5:6:7:8]", "1:2:3:4:5:6:7:8"},
        {"[1:2:3:4:5:6:1.2.3.4]", "1:2:3:4:5:6:1.2.3.4"},
        {"[1:2:3:4:5:6:7::]", "1:2:3:4:5:6:7::"},
        {"[::2:3:4:5:6:7:8]", "::2:3:4:5:6:7:8"},
    };
    char head[128];
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        int len =
            snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nhOST: %s\r\n\r\n", good[i].authority);
        accept_span(span_make(head, (size_t)len));
        assert_span(request.authority, span_str(good[i].authority));
        assert_span(request.host, span_str(good[i].host));
    }
    const char *const bad[] = {
        "",
        ":",
        ":80",
        ".",
        ".:80",
        "a.test..",
        "a.test..:80",
        "..",
        "a b",
        "a,b",
        "a/b",
        "a@b",
        "a?b",
        "a#b",
        "a%20b",
        "a~b",
        "a!b",
        "\xc3\xa4",
        "a:65536",
        "a:080000",
        "a:8a",
        "a:+80",
        "a:80:80",
        "::1",
        "[]",
        "[::1",
        "[::1]x",
        "[::1]:x",
        "[1::2::3]",
        "[1:2:3:4:5:6:7:8:9]",
        "[1:2:3:4:5:6:7:1.2.3.4]",
        "[1::2:]",
        "[:1::2]",
        "[:::]",
        "[::1::]",
        "[1:2:3:4:5:6:7]",
        "[1::3:4:5:6:7:8:9]",
        "[::12345]",
        "[::1.2.3]",
        "[::1.2.3.256]",
        "[::1.2.3.4.5]",
        "[::1.2.3.4:5]",
        "[::1.2.3.0004]",
        "[::a.2.3.4]",
        "[1:2]",
        "[:]",
        "[::g]",
        "[v1.fe80::a]",
        "[fe80::1%25eth0]",
        "[1:2:3]",
        "a\\b",
        "http://a",
        "[a.test]",
        "a]",
        "[::1]]",
        "\"a\"",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int len = snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", bad[i]);
        refuse_span(span_make(head, (size_t)len), REASON_BAD_HOST);
        len = snprintf(head, sizeof(head), "GET / HTTP/1.0\r\nHost: %s\r\n\r\n", bad[i]);
        refuse_span(span_make(head, (size_t)len), REASON_BAD_HOST);
    }
    refuse("GET / HTTP/1.1\r\n\r\n", REASON_BAD_HOST);
    refuse("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", REASON_BAD_HOST);
    refuse("GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", REASON_BAD_HOST);
    accept("GET / HTTP/1.0\r\n\r\n");
    assert_int_equal(request.authority.len, 0);
    assert_int_equal(request.host.len, 0);
}

/* H09: fields. */
static void test_H09_fields(void **state)
{
    (void)state;
    accept(POST("X-Bytes: \t\x80\xff!\"(),/:;<=>?@[\\]{}~\r\n!#$%&'*+-.^_`|~09azAZ: ok\r\n"));
    assert_span(request.fields[1].value, SPAN("\x80\xff!\"(),/:;<=>?@[\\]{}~"));
    assert_span(request.fields[2].name, SPAN("!#$%&'*+-.^_`|~09azAZ"));

    refuse(POST("A: b\r\n c\r\n"), REASON_BAD_FIELD);
    refuse(POST("A: b\r\n\tc\r\n"), REASON_BAD_FIELD);
    refuse("GET / HTTP/1.1\r\n Host: a.test\r\n\r\n", REASON_BAD_FIELD);
    refuse(POST("A : b\r\n"), REASON_BAD_FIELD);
    refuse(POST("A\t: b\r\n"), REASON_BAD_FIELD);
    refuse(POST(": b\r\n"), REASON_BAD_FIELD);
    refuse(POST("A\r\n"), REASON_BAD_FIELD);
    refuse(POST("A b: c\r\n"), REASON_BAD_FIELD);
    refuse(POST("A@: b\r\n"), REASON_BAD_FIELD);
    refuse(POST("A\xe4: b\r\n"), REASON_BAD_FIELD);
    refuse(POST("A: b\rc\r\n"), REASON_BAD_FIELD);
    refuse(POST("A: b\nC: d\r\n"), REASON_BAD_FIELD);
    refuse(POST("A: b\r\r\n"), REASON_BAD_FIELD);
    refuse(POST("A: b\0\r\n"), REASON_BAD_FIELD);
    refuse(POST("A: b\x01\r\n"), REASON_BAD_FIELD);
    refuse(POST("A: \x7f\r\n"), REASON_BAD_FIELD);
    refuse(POST("A\0: b\r\n"), REASON_BAD_FIELD);
    refuse(POST("\r: b\r\n"), REASON_BAD_FIELD);
    assert_span(request.target, SPAN("/up"));
    assert_int_equal(request.field_count, 1);
}

/* H01: both framings at once. */
static void test_H01_both(void **state)
{
    (void)state;
    refuse(POST("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), REASON_BAD_FRAMING);
    refuse(POST("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), REASON_BAD_FRAMING);
    refuse(POST("transfer-encoding: identity\r\ncontent-length: 0\r\n"), REASON_BAD_FRAMING);
}

/* H02: Content-Length once, digits, and no more than fit. */
static void test_H02_length(void **state)
{
    (void)state;
    accept(POST("Content-Length: 5\r\n"));
    assert_int_equal(request.framing, HTTP_FRAMING_LENGTH);
    assert_int_equal(request.content_length, 5);
    accept(POST("content-length:0\r\n"));
    assert_int_equal(request.framing, HTTP_FRAMING_LENGTH);
    assert_int_equal(request.content_length, 0);
    accept(POST("CONTENT-LENGTH: \t 0009223372036854775807\t\r\n"));
    assert_true(request.content_length == INT64_MAX);

    refuse(POST("Content-Length: 9223372036854775808\r\n"), REASON_BAD_LENGTH);
    refuse(POST("Content-Length: 18446744073709551621\r\n"), REASON_BAD_LENGTH);
    refuse(POST("Content-Length: 5\r\nContent-Length: 5\r\n"), REASON_BAD_LENGTH);
    refuse(POST("Content-Length: 5\r\nContent-Length: 6\r\n"), REASON_BAD_LENGTH);
    const char *const bad[] = {"",   "5, 5", "5,5",   "+5",   "-5",    "5.0", "0x5", "5 5",
                               "5;", "five", "\"5\"", "\xb2", "5\xa0", "1e3", ","};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char head[128];
        int len = snprintf(head, sizeof(head),
                           "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: %s\r\n\r\n", bad[i]);
        refuse_span(span_make(head, (size_t)len), REASON_BAD_LENGTH);
    }
}

/* H03: one final `chunked`, and not in HTTP/1.0. */
static void test_H03_coding(void **state)
{
    (void)state;
    accept(POST("Transfer-Encoding: chunked\r\n"));
    assert_int_equal(request.framing, HTTP_FRAMING_CHUNKED);
    accept(POST("transfer-encoding:\tCHUNKED \r\n"));
    assert_int_equal(request.framing, HTTP_FRAMING_CHUNKED);

    const char *const bad[] = {"",
                               "gzip, chunked",
                               "chunked, gzip",
                               "chunked,chunked",
                               "chunked,",
                               "identity",
                               "xchunked",
                               "chunked;a=b",
                               "\"chunked\"",
                               "chunke",
                               "chunked\x80",
                               ", chunked"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char head[128];
        int len = snprintf(head, sizeof(head),
                           "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: %s\r\n\r\n", bad[i]);
        refuse_span(span_make(head, (size_t)len), REASON_CODING);
    }
    refuse(POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), REASON_CODING);
    refuse(POST("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"), REASON_CODING);
    refuse("PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", REASON_BAD_FRAMING);
    refuse("PUT / HTTP/1.0\r\nTransfer-Encoding: gzip\r\n\r\n", REASON_BAD_FRAMING);
}

/* H15: 100-continue, of HTTP/1.1 and with a body; nothing else can be expected. */
static void test_H15_expect(void **state)
{
    (void)state;
    accept(POST("Expect: 100-continue\r\nContent-Length: 1\r\n"));
    assert_true(request.expect_continue);
    accept(POST("expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n"));
    assert_true(request.expect_continue);
    accept(POST("Expect: 100-continue, ,100-continue\r\nExpect: 100-continue\r\n"
                "Content-Length: 1\r\n"));
    assert_true(request.expect_continue);
    accept(POST("Expect: 100-continue\r\n"));
    assert_false(request.expect_continue);
    accept(POST("Expect: 100-continue\r\nContent-Length: 0\r\n"));
    assert_false(request.expect_continue);
    accept("POST / HTTP/1.0\r\nExpect: the unexpected\r\nContent-Length: 1\r\n\r\n");
    assert_false(request.expect_continue);
    accept("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
    assert_false(request.expect_continue);

    refuse(POST("Expect: 200-ok\r\n"), REASON_EXPECTATION);
    refuse(POST("Expect: 100-continue, other\r\n"), REASON_EXPECTATION);
    refuse(POST("Expect: 100-continue\r\nExpect: other\r\n"), REASON_EXPECTATION);
    refuse(POST("Expect: 100-continue;a=b\r\n"), REASON_EXPECTATION);
}

/* H17: an Upgrade counts in HTTP/1.1, when Connection names it, and unless it is only h2c. */
static void test_H17_upgrade(void **state)
{
    (void)state;
    accept(POST("Connection: Upgrade\r\nUpgrade: websocket\r\n"));
    assert_true(request.wants_upgrade);
    accept(POST("Connection: keep-alive, upgrade\r\nUpgrade: h2c, websocket\r\n"));
    assert_true(request.wants_upgrade);
    accept(POST("Upgrade: foo/2\r\nConnection: close\r\nConnection: UPGRADE\r\n"));
    assert_true(request.wants_upgrade);
    assert_false(request.keep_alive);

    accept(POST("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"));
    assert_false(request.wants_upgrade);
    accept(POST("Connection: Upgrade\r\nUpgrade: H2C ,\r\nUpgrade:\r\n"));
    assert_false(request.wants_upgrade);
    accept(POST("Upgrade: websocket\r\n"));
    assert_false(request.wants_upgrade);
    accept(POST("Connection: Upgrade\r\n"));
    assert_false(request.wants_upgrade);
    accept("GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert_false(request.wants_upgrade);
}

static void test_keep_alive(void **state)
{
    (void)state;
    accept(POST("Connection: close\r\n"));
    assert_false(request.keep_alive);
    accept(POST("Connection: foo, , CLOSE\r\nConnection: keep-alive\r\n"));
    assert_false(request.keep_alive);
    accept(POST("Connection: closed\r\n"));
    assert_true(request.keep_alive);
    accept("GET / HTTP/1.0\r\n\r\n");
    assert_false(request.keep_alive);
    accept("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    assert_true(request.keep_alive);
    assert_int_equal(request.minor, 0);
    accept("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n");
    assert_false(request.keep_alive);
}

/* What is not a complete head is refused by the parser itself as well, wherever it ends. */
static void test_incomplete(void **state)
{
    (void)state;
    const struct span head = SPAN("GET / HTTP/1.1\r\nHost: a.test\r\nA: b\r\n\r\n");
    enum reason why;
    for (size_t len = 0; len < head.len; len++) {
        const struct span part = span_make(guard_page_copy(span_first(head, len)), len);
        assert_int_equal(http_request_parse(part, &request, &why), PARSE_BAD);
    }
    assert_int_equal(http_request_parse(head, &request, &why), PARSE_DONE);
    assert_int_equal(http_request_parse(SPAN("GET / HTTP/1.0\r\n\r\n\r\n"), &request, &why),
                     PARSE_BAD);
}

static void test_tokens(void **state)
{
    (void)state;
    assert_true(http_is_token(span_make(guard_page_copy(SPAN("Token")), 5)));

    assert_true(http_is_token(SPAN("X-a_1!")));
    assert_false(http_is_token(SPAN("")));
    assert_false(http_is_token(SPAN("a b")));
    assert_false(http_is_token(SPAN("a\0")));

    accept(POST("A: 1\r\na: 2\r\n"));
    assert_ptr_equal(http_field_find(request.fields, request.field_count, SPAN("a")),
                     &request.fields[1]);
    assert_null(http_field_find(request.fields, request.field_count, SPAN("b")));
}

/* H16: the fields that never travel on. */
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_H12_methods),  cmocka_unit_test(test_request_line),
        cmocka_unit_test(test_H13_version),  cmocka_unit_test(test_H11_target),
        cmocka_unit_test(test_H26_asterisk), cmocka_unit_test(test_H05_absolute_form),
        cmocka_unit_test(test_H04_H06_host), cmocka_unit_test(test_H09_fields),
        cmocka_unit_test(test_H01_both),     cmocka_unit_test(test_H02_length),
        cmocka_unit_test(test_H03_coding),   cmocka_unit_test(test_H15_expect),
        cmocka_unit_test(test_H17_upgrade),  cmocka_unit_test(test_keep_alive),
        cmocka_unit_test(test_incomplete),   cmocka_unit_test(test_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
