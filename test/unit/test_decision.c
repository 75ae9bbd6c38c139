/* Decisions: what becomes of a request, without a connection (rows H04, H05, H07, H08, H25). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/load.h"
#include "guard_page.h"
#include "proxy/decision.h"

static const char text[] = "[[routes]]\nhost = \"tls.test\"\nupstream = \"a:1\"\n"
                           "[[routes]]\nhost = \"other.test\"\nupstream = \"b:1\"\n"
                           "[[routes]]\nhost = \"plain.test\"\nupstream = \"c:1\"\n"
                           "cert_type = \"none\"\n"
                           "[[routes]]\nhost = \"hello.test\"\nupstream = \"builtin:hello\"\n"
                           "[[routes]]\nhost = \"127.0.0.1\"\nupstream = \"d:1\"\n"
                           "[[routes]]\nhost = \"::1\"\nupstream = \"e:1\"\ncert_type = \"none\"\n";

static struct config *config;
static struct http_request request;

static int set_up(void **state)
{
    (void)state;
    struct config_problems problems = {0};
    config = config_load_text("t", span_str(text), &problems);
    config_problems_release(&problems);
    return config ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    config_unref(config);
    return 0;
}

/* A client of 192.0.2.7; over TLS when it has a name for the handshake ("": none is sent). */
static struct decision_peer from(const char *sni, bool trusted, const struct address *local)
{
    struct decision_peer peer = {
        .client = {.trusted = trusted, .secure = sni != NULL},
        .sni = sni && *sni ? sni : NULL,
        .local = local,
        .fd = -1,
    };
    assert_true(address_parse_ip(SPAN("192.0.2.7"), 0, &peer.client.address));
    return peer;
}

static struct decision ask(const char *head, const struct decision_peer *peer)
{
    struct span span = span_str(head);
    return decide(config, span_make(guard_page_copy(span), span.len), peer, &request);
}

#define GET(host, fields) "GET /x?y HTTP/1.1\r\nHost: " host "\r\n" fields "\r\n"

static void decides(void **state)
{
    (void)state;
    static const struct {
        const char *sni, *head;
        bool trusted;
        enum verdict verdict;
        enum reason reason;
        const char *host; /* of the route */
    } cases[] = {
        {"tls.test", GET("tls.test", ""), false, VERDICT_FORWARD, REASON_NONE, "tls.test"},
        {"TLS.test", GET("tls.TEST.:8443", ""), false, VERDICT_FORWARD, REASON_NONE, "tls.test"},
        {"hello.test", GET("hello.test", ""), false, VERDICT_HELLO, REASON_NONE, "hello.test"},
        {"other.test", GET("tls.test", ""), false, VERDICT_REFUSE, REASON_WRONG_HOST, NULL},
        {"tls.test", GET("plain.test", ""), false, VERDICT_REFUSE, REASON_UNKNOWN_HOST, NULL},
        {"tls.test", GET("unknown.test", ""), false, VERDICT_REFUSE, REASON_UNKNOWN_HOST, NULL},
        {NULL, GET("tls.test", ""), false, VERDICT_REDIRECT, REASON_NONE, "tls.test"},
        {NULL, GET("hello.test", ""), false, VERDICT_REDIRECT, REASON_NONE, "hello.test"},
        {NULL, GET("plain.test", ""), false, VERDICT_FORWARD, REASON_NONE, "plain.test"},
        {NULL, GET("unknown.test", ""), false, VERDICT_REFUSE, REASON_UNKNOWN_HOST, NULL},
        {NULL, GET("tls.test", "X-Forwarded-Proto: https\r\n"), false, VERDICT_REDIRECT,
         REASON_NONE, "tls.test"},
        {NULL, GET("tls.test", "X-Forwarded-Proto: https\r\n"), true, VERDICT_FORWARD, REASON_NONE,
         "tls.test"},
        {NULL, "GET http://plain.test/ HTTP/1.1\r\nHost: x\r\n\r\n", false, VERDICT_FORWARD,
         REASON_NONE, "plain.test"},
        {NULL, "GET / HTTP/1.1\r\n\r\n", false, VERDICT_REFUSE, REASON_BAD_HOST, NULL},
        {NULL, "CONNECT plain.test:80 HTTP/1.1\r\nHost: plain.test\r\n\r\n", false, VERDICT_REFUSE,
         REASON_METHOD, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct decision_peer peer = from(cases[i].sni, cases[i].trusted, NULL);
        struct decision decision = ask(cases[i].head, &peer);
        const char *host = decision.route ? decision.route->host : NULL;
        if (decision.verdict != cases[i].verdict || decision.reason != cases[i].reason ||
            (host == NULL) != (cases[i].host == NULL) || (host && strcmp(host, cases[i].host) != 0))
            fail_msg("%d %s %s for:\n%s", (int)decision.verdict, reason_code(decision.reason),
                     host ? host : "-", cases[i].head);
    }
}

static bool is_asked_for(void *host, const char *asked)
{
    return strcmp(host, asked) == 0;
}

/* Where HTTPS cannot work, nobody is sent there; what needs no certificate goes on. */
static void redirects_nobody_to_quarantine(void **state)
{
    (void)state;
    struct decision_peer peer = from(NULL, false, NULL);
    char host[] = "tls.test";
    peer.is_quarantined = is_asked_for;
    peer.certificates = host;
    struct decision decision = ask(GET("tls.test", ""), &peer);
    assert_int_equal(decision.verdict, VERDICT_REFUSE);
    assert_int_equal(decision.reason, REASON_CERTIFICATE);
    assert_string_equal(decision.route->host, "tls.test");
    assert_int_equal(ask(GET("hello.test", ""), &peer).verdict, VERDICT_REDIRECT);
    assert_int_equal(ask(GET("plain.test", ""), &peer).verdict, VERDICT_FORWARD);
    peer.client.trusted = true;
    assert_int_equal(ask(GET("tls.test", "X-Forwarded-Proto: https\r\n"), &peer).verdict,
                     VERDICT_FORWARD);
}

/* H04, H08: where neither Host nor SNI says it, the address counts that was connected to. */
static void falls_back_to_the_address(void **state)
{
    (void)state;
    static const char head[] = "GET / HTTP/1.0\r\n\r\n";
    struct address v4, v6;
    assert_true(address_parse_ip(SPAN("127.0.0.1"), 80, &v4));
    assert_true(address_parse_ip(SPAN("::1"), 80, &v6));
    struct decision_peer tls = from("", false, &v4), plain = from(NULL, false, &v6);
    assert_string_equal(decision_tls_route(config, &tls)->host, "127.0.0.1");
    assert_string_equal(ask(head, &tls).route->host, "127.0.0.1");
    assert_int_equal(ask(GET("127.0.0.1", ""), &tls).verdict, VERDICT_FORWARD);
    assert_int_equal(ask(GET("tls.test", ""), &tls).reason, REASON_WRONG_HOST);
    assert_string_equal(ask(head, &plain).route->host, "::1");
    /* A host without a certificate ends a handshake, and so does an address that is not known. */
    tls.local = &v6;
    assert_null(decision_tls_route(config, &tls));
    tls.local = NULL;
    assert_null(decision_tls_route(config, &tls));
    plain.local = NULL;
    assert_int_equal(ask(head, &plain).reason, REASON_UNKNOWN_HOST);
}

static void tells_the_malformed_apart(void **state)
{
    (void)state;
    struct decision_peer peer = from(NULL, false, NULL);
    assert_true(ask("GET / HTTP/1.1\r\nHost : x\r\n\r\n", &peer).is_malformed);
    assert_false(ask(GET("unknown.test", ""), &peer).is_malformed);
    assert_false(ask(GET("plain.test", ""), &peer).is_malformed);
}

static void writes_what_goes_out(void **state)
{
    (void)state;
    struct buf out = {0};
    struct reply reply = {.keep_alive = true, .client_minor = 1};
    struct decision_peer peer = from(NULL, false, NULL);
    struct decision decision = ask(GET("plain.test", "X-Real-IP: 9.9.9.9\r\n"), &peer);
    decision_head(&decision, &request, &peer, SPAN("id"), &out);
    struct span expected = SPAN("GET /x?y HTTP/1.1\r\nHost: plain.test\r\n"
                                "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\n"
                                "X-Forwarded-Host: plain.test\r\nX-Real-IP: 192.0.2.7\r\n"
                                "X-Request-Id: id\r\n\r\n");
    assert_true(span_eq(buf_span(&out), expected));
    buf_release(&out);

    static const struct {
        const char *method;
        const char *status;
    } methods[] = {{"GET", "HTTP/1.1 301 "}, {"HEAD", "HTTP/1.1 301 "}, {"PUT", "HTTP/1.1 308 "}};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        char head[80];
        snprintf(head, sizeof head, "%s /x?y HTTP/1.1\r\nHost: TLS.test:81\r\n\r\n",
                 methods[i].method);
        decision = ask(head, &peer);
        decision_redirect(&decision, config, &request, &reply, &out);
        buf_append(&out, "", 1);
        assert_true(span_has_prefix(buf_span(&out), span_str(methods[i].status)));
        assert_non_null(strstr(out.data + out.start, "\r\nLocation: https://tls.test/x?y\r\n"));
        buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decides),
        cmocka_unit_test(redirects_nobody_to_quarantine),
        cmocka_unit_test(falls_back_to_the_address),
        cmocka_unit_test(tells_the_malformed_apart),
        cmocka_unit_test(writes_what_goes_out),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
