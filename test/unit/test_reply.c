/* Portico's own answers. Test names carry the rows of the HTTP table that they are about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/date.h"
#include "proxy/reply.h"

static const struct reply plain = {.keep_alive = true, .client_minor = 1, .request_id = "ID-1"};
static const struct reply html = {
    .keep_alive = true, .client_minor = 1, .request_id = "ID-1", .html = true};

/* An answer taken apart by the parser that reads upstreams' answers: a client would understand
 * it, too. Valid until the next call. */
struct answer {
    struct http_response response;
    char body[BUF_MAX + 1];
    size_t body_len;
};

static const struct answer *take(struct buf *out, bool is_head)
{
    static struct answer answer;
    static char copy[BUF_MAX];
    struct http_scan scan = {0};
    size_t size, len = buf_len(out);
    enum reason why;
    assert_false(out->failed);
    memcpy(copy, buf_span(out).data, len);
    buf_release(out);
    assert_int_equal(http_scan(&scan, HTTP_RESPONSE, span_make(copy, len), &size, &why),
                     PARSE_DONE);
    assert_int_equal(http_response_parse(copy, size, is_head, &answer.response, &why), PARSE_DONE);
    assert_true(span_copy(span_make(copy + size, len - size), answer.body, sizeof answer.body));
    answer.body_len = len - size;
    if (is_head)
        assert_int_equal(answer.body_len, 0);
    else
        assert_int_equal(answer.body_len, answer.response.content_length);
    return &answer;
}

/* The value of a field as a C string until the next call, or NULL. */
static const char *field(const struct answer *answer, const char *name)
{
    static char value[65536];
    const struct http_field *found =
        http_field_find(answer->response.fields, answer->response.field_count, span_str(name));
    if (found == NULL)
        return NULL;
    assert_true(span_copy(found->value, value, sizeof value));
    return value;
}

static const struct answer *error(struct reply reply, enum reason reason)
{
    struct buf out = {0};
    reply_error(&out, &reply, reason);
    assert_int_equal(reply_status(&out), reason_status(reason));
    return take(&out, reply.head_only);
}

static void assert_phrase(const struct answer *answer, const char *expected)
{
    char phrase[64];
    assert_true(span_copy(answer->response.phrase, phrase, sizeof phrase));
    assert_string_equal(phrase, expected);
}

/* --- errors ------------------------------------------------------------------------------- */

static void error_as_text_h30(void **state)
{
    (void)state;
    const struct answer *answer = error(plain, REASON_UPSTREAM_REFUSED);
    assert_int_equal(answer->response.status, 502);
    assert_phrase(answer, "Bad Gateway");
    assert_string_equal(answer->body,
                        "502 Bad Gateway\n"
                        "E502-REFUSED: The service behind this address refused the connection.\n"
                        "request id: ID-1\n");
    assert_string_equal(field(answer, "Content-Type"), "text/plain; charset=utf-8");
    assert_string_equal(field(answer, "Cache-Control"), "no-store");
    assert_string_equal(field(answer, "X-Content-Type-Options"), "nosniff");
    assert_null(field(answer, "Server"));
    assert_null(field(answer, "Connection"));
}

static void error_as_html_h30(void **state)
{
    (void)state;
    const struct answer *answer = error(html, REASON_UNKNOWN_HOST);
    assert_int_equal(answer->response.status, 421);
    assert_phrase(answer, "Misdirected Request");
    assert_string_equal(field(answer, "Content-Type"), "text/html; charset=utf-8");
    assert_non_null(strstr(field(answer, "Content-Security-Policy"), "default-src 'none'"));
    assert_non_null(strstr(answer->body, "<title>421 E421-HOST</title>"));
    assert_non_null(strstr(answer->body, "<h1>421 Misdirected Request</h1>"));
    assert_non_null(strstr(answer->body, "No site of that name is served here."));
    assert_non_null(strstr(answer->body, "ID-1"));
    assert_non_null(strstr(answer->body, "prefers-color-scheme: dark"));
    /* Self-contained: nothing is fetched from anywhere. */
    assert_null(strstr(answer->body, "http"));
    assert_null(strstr(answer->body, "src="));
    assert_null(strstr(answer->body, "url("));
}

/* Every reason that has a status has an answer in both forms, and says its code. */
static void every_reason_h30(void **state)
{
    (void)state;
    for (int i = 1; i < REASON_COUNT; i++) {
        const enum reason reason = (enum reason)i;
        if (reason_status(reason) == 0)
            continue;
        const struct answer *answer = error(plain, reason);
        assert_int_equal(answer->response.status, reason_status(reason));
        assert_true(answer->response.phrase.len > 0);
        assert_non_null(strstr(answer->body, reason_code(reason)));
        assert_non_null(strstr(answer->body, reason_sentence(reason)));
        answer = error(html, reason);
        assert_int_equal(answer->response.status, reason_status(reason));
        assert_non_null(strstr(answer->body, reason_code(reason)));
    }
}

static void no_request_id_yet(void **state)
{
    struct reply reply = plain;
    (void)state;
    reply.request_id = NULL;
    assert_null(strstr(error(reply, REASON_BAD_REQUEST)->body, "request id"));
    reply.html = true;
    assert_null(strstr(error(reply, REASON_BAD_REQUEST)->body, "request id"));
}

static void request_id_is_escaped(void **state)
{
    struct reply reply = html;
    (void)state;
    reply.request_id = "<script>alert(1)</script>&amp;";
    const char *body = error(reply, REASON_BAD_REQUEST)->body;
    assert_null(strstr(body, "<script"));
    assert_non_null(strstr(body, "&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;"));
}

static void allow_h12(void **state)
{
    (void)state;
    const struct answer *answer = error(plain, REASON_METHOD);
    assert_int_equal(answer->response.status, 405);
    assert_string_equal(field(answer, "Allow"), "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    assert_null(field(error(plain, REASON_BAD_REQUEST), "Allow"));
}

static void retry_after(void **state)
{
    (void)state;
    assert_string_equal(field(error(plain, REASON_MEMORY), "Retry-After"), "5");
    assert_null(field(error(plain, REASON_UPSTREAM_REFUSED), "Retry-After"));
}

/* HEAD: the fields of the answer to GET, to the byte, and no body. */
static void head_h29(void **state)
{
    (void)state;
    for (int with_html = 0; with_html < 2; with_html++) {
        struct reply reply = with_html ? html : plain;
        const struct answer *answer = error(reply, REASON_ANSWER_TIMEOUT);
        const uint64_t length = answer->response.content_length;
        const unsigned fields = answer->response.field_count;
        assert_int_equal(length, answer->body_len);
        reply.head_only = true;
        answer = error(reply, REASON_ANSWER_TIMEOUT);
        assert_int_equal(answer->response.content_length, length);
        assert_int_equal(answer->response.field_count, fields);
    }
}

static void connection_h20(void **state)
{
    struct reply reply = plain;
    (void)state;
    reply.client_minor = 0;
    assert_string_equal(field(error(reply, REASON_UNKNOWN_HOST), "Connection"), "keep-alive");
    reply.keep_alive = false;
    assert_string_equal(field(error(reply, REASON_UNKNOWN_HOST), "Connection"), "close");
    reply.client_minor = 1;
    assert_string_equal(field(error(reply, REASON_UNKNOWN_HOST), "Connection"), "close");
}

static void dated(void **state)
{
    char before[64], after[64];
    (void)state;
    assert_true(span_copy(date_text(DATE_HTTP, clock_wall()), before, sizeof before));
    const char *date = field(error(plain, REASON_UNKNOWN_HOST), "Date");
    assert_true(span_copy(date_text(DATE_HTTP, clock_wall()), after, sizeof after));
    assert_int_equal(strlen(date), 29);
    /* Which of the two it is cannot be known when the second changed in between. */
    if (strcmp(before, after) == 0)
        assert_string_equal(date, before);
}

static bool wants_html(const char *fields)
{
    char head[512];
    struct http_request request;
    enum reason why;
    snprintf(head, sizeof head, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
    assert_int_equal(http_request_parse(span_str(head), &request, &why), PARSE_DONE);
    return reply_wants_html(&request);
}

static void browsers_get_html(void **state)
{
    (void)state;
    assert_true(wants_html("Accept: text/html\r\n"));
    assert_true(wants_html("Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n"));
    assert_true(wants_html("accept: text/plain , TEXT/HTML ;q=0.9\r\n"));
    assert_true(wants_html("Accept: a/b\r\nAccept: text/html\r\n"));
    assert_false(wants_html(""));
    assert_false(wants_html("Accept: */*\r\n")); /* curl */
    assert_false(wants_html("Accept:\r\n"));
    assert_false(wants_html("Accept: text/html2, xtext/html, application/json;x=text/html\r\n"));
    assert_false(wants_html("Accept-Language: text/html\r\n"));
}

/* --- redirects ---------------------------------------------------------------------------- */

static const struct answer *redirect(struct reply reply, bool get_or_head, const char *host,
                                     uint16_t port, struct span target)
{
    struct buf out = {0};
    reply_redirect(&out, &reply, get_or_head, span_str(host), port, target);
    return take(&out, reply.head_only);
}

static void assert_location(const char *host, uint16_t port, struct span target,
                            const char *expected)
{
    assert_string_equal(field(redirect(plain, true, host, port, target), "Location"), expected);
}

static void redirect_status_h25(void **state)
{
    (void)state;
    const struct answer *answer = redirect(plain, true, "app.test", 443, SPAN("/"));
    assert_int_equal(answer->response.status, 301);
    assert_phrase(answer, "Moved Permanently");
    assert_string_equal(answer->body, "This site is served over HTTPS: https://app.test/\n");
    answer = redirect(plain, false, "app.test", 443, SPAN("/"));
    assert_int_equal(answer->response.status, 308);
    assert_phrase(answer, "Permanent Redirect");
    struct reply head = html;
    head.head_only = true;
    answer = redirect(head, true, "app.test", 443, SPAN("/"));
    assert_int_equal(answer->response.status, 301);
    assert_true(answer->response.content_length > 0);
}

static void redirect_location_h25(void **state)
{
    (void)state;
    assert_location("app.test", 443, SPAN("/"), "https://app.test/");
    assert_location("app.test", 443, SPAN("/a//../b%20c?d=e&f=/%zz?"),
                    "https://app.test/a//../b%20c?d=e&f=/%zz?");
    assert_location("app.test", 8443, SPAN("/x"), "https://app.test:8443/x");
    assert_location("app.test", 80, SPAN("/x"), "https://app.test:80/x");
    assert_location("app.test", 443, SPAN("*"), "https://app.test/");
    assert_location("app.test", 443, SPAN(""), "https://app.test/");
    assert_location("app.test", 443, SPAN("?q"), "https://app.test/?q");
    assert_location("192.0.2.1", 443, SPAN("/x"), "https://192.0.2.1/x");
    assert_location("2001:db8::1", 8443, SPAN("/x"), "https://[2001:db8::1]:8443/x");
    /* The host is not the target's to choose. */
    assert_location("app.test", 443, SPAN("//evil.test/"), "https://app.test//evil.test/");
    assert_location("app.test", 443, SPAN("@evil.test/"), "https://app.test/");
    /* Bytes that the table lets through to upstreams (H11), but no URI may have. */
    assert_location("app.test", 443, SPAN("/caf\xc3\xa9?\xff"), "https://app.test/caf%C3%A9?%FF");
    assert_location("app.test", 443, SPAN("/a\r\nSet-Cookie: b\x7f"),
                    "https://app.test/a%0D%0ASet-Cookie:%20b%7F");
}

static void redirect_page_h25(void **state)
{
    (void)state;
    const struct answer *answer = redirect(html, true, "app.test", 443, SPAN("/\"><script>'&x=1"));
    assert_string_equal(field(answer, "Location"), "https://app.test/\"><script>'&x=1");
    assert_non_null(strstr(answer->body, "<title>Moved Permanently</title>"));
    assert_non_null(
        strstr(answer->body,
               "<a href=\"https://app.test/&quot;&gt;&lt;script&gt;&#39;&amp;x=1\">go there</a>"));
    assert_null(strstr(answer->body, "<script"));
}

/* The longest targets fit, however they have to be written. */
static void redirect_longest_h25(void **state)
{
    static char target[HTTP_TARGET_MAX];
    static const char worst[] = {'a', '"', '&', '\xff', '\''};
    (void)state;
    for (size_t i = 0; i < sizeof worst; i++) {
        memset(target, worst[i], sizeof target);
        target[0] = '/';
        struct span span = span_make(target, sizeof target);
        assert_int_equal(redirect(plain, true, "app.test", 443, span)->response.status, 301);
        assert_int_equal(redirect(html, true, "app.test", 443, span)->response.status, 301);
    }
}

/* --- builtin:hello ------------------------------------------------------------------------ */

static struct reply_hello page(const char *head)
{
    struct reply_hello hello = {
        .route = "app.test",
        .head = span_str(head),
        .tls_version = "TLSv1.3",
        .tls_cipher = "TLS_AES_256_GCM_SHA384",
    };
    assert_true(address_parse_ip(SPAN("2001:db8::7"), 40000, &hello.client));
    return hello;
}

static const struct answer *hello(struct reply reply, struct reply_hello hello)
{
    struct buf out = {0};
    reply_hello(&out, &reply, &hello);
    assert_int_equal(reply_status(&out), 200);
    return take(&out, reply.head_only);
}

static void hello_text(void **state)
{
    (void)state;
    const struct answer *answer = hello(plain, page("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n"));
    assert_phrase(answer, "OK");
    assert_string_equal(answer->body, "Hello from Portico\n\n"
                                      "route: app.test\n"
                                      "client: 2001:db8::7\n"
                                      "connection: TLSv1.3, TLS_AES_256_GCM_SHA384\n\n"
                                      "The request, as an upstream would receive it:\n\n"
                                      "GET / HTTP/1.1\r\nHost: app.test\r\n\r\n");
    struct reply_hello without = page("GET / HTTP/1.1\r\n\r\n");
    without.tls_version = without.tls_cipher = NULL;
    assert_non_null(strstr(hello(plain, without)->body, "connection: no TLS\n"));
}

static void hello_html(void **state)
{
    (void)state;
    struct reply_hello hostile = page("GET /<script>alert('1')</script> HTTP/1.1\r\n"
                                      "A: </pre>&lt;\"\r\n\r\n");
    hostile.route = "<b>";
    const struct answer *answer = hello(html, hostile);
    assert_null(strstr(answer->body, "<script"));
    assert_null(strstr(answer->body, "<b>"));
    assert_non_null(strstr(answer->body, "<dd>&lt;b&gt;</dd>"));
    assert_non_null(strstr(answer->body, "<dd>2001:db8::7</dd>"));
    assert_non_null(strstr(answer->body, "<dd>TLSv1.3, TLS_AES_256_GCM_SHA384</dd>"));
    assert_non_null(strstr(answer->body,
                           "<pre>GET /&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; HTTP/1.1\r\n"
                           "A: &lt;/pre&gt;&amp;lt;&quot;\r\n\r\n</pre>"));
    assert_string_equal(field(answer, "Cache-Control"), "no-store");
}

static void hello_head_h29(void **state)
{
    struct reply reply = html;
    (void)state;
    const uint64_t length = hello(reply, page("GET / HTTP/1.1\r\n\r\n"))->response.content_length;
    reply.head_only = true;
    assert_int_equal(hello(reply, page("GET / HTTP/1.1\r\n\r\n"))->response.content_length, length);
}

static void hello_longest(void **state)
{
    static char head[BUF_MAX];
    (void)state;
    memset(head, '"', sizeof head - 1);
    assert_int_equal(hello(html, page(head))->response.status, 200);
    assert_int_equal(hello(plain, page(head))->response.status, 200);
}

/* --- what is in a buffer ------------------------------------------------------------------ */

static int status_of(const char *text)
{
    struct buf out = {0};
    buf_append_str(&out, text);
    int status = reply_status(&out);
    buf_release(&out);
    return status;
}

static void status_of_what_goes_out(void **state)
{
    (void)state;
    assert_int_equal(status_of(""), 0);
    assert_int_equal(status_of("HTTP/1.1 20"), 0);
    assert_int_equal(status_of("body bytes"), 0);
    assert_int_equal(status_of("HTTP/1.1 200 OK\r\n\r\n"), 200);
    assert_int_equal(status_of("HTTP/1.1 101 Switching Protocols\r\n\r\n"), 101);
    assert_int_equal(status_of("HTTP/1.1 100 Continue\r\n\r\n"), 0);
    assert_int_equal(status_of("HTTP/1.1 100 Continue"), 0);
    assert_int_equal(status_of("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n"
                               "HTTP/1.1 504 Gateway Timeout\r\n\r\n"),
                     504);
}

/* An answer goes behind what waits to be sent, and a failure is never hidden. */
static void failure_is_told(void **state)
{
    struct reply_hello hello = page("GET / HTTP/1.1\r\n\r\n");
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        for (int fill = 0; fill < 2; fill++) {
            struct buf out = {0};
            assert_int_equal(buf_reserve(&out, BUF_MAX), 0);
            if (fill) {
                memset(buf_tail(&out), 'x', BUF_MAX - 300);
                buf_produce(&out, BUF_MAX - 300);
            } else {
                buf_append_str(&out, "before");
                out.failed = true;
            }
            const size_t len = buf_len(&out);
            if (kind == 0)
                reply_error(&out, &html, REASON_BAD_REQUEST);
            else if (kind == 1)
                reply_redirect(&out, &html, true, SPAN("app.test"), 443, SPAN("/"));
            else
                reply_hello(&out, &html, &hello);
            assert_true(out.failed);
            if (!fill)
                assert_int_equal(buf_len(&out), len);
            buf_release(&out);
        }
    }
    /* A body that does not fit anywhere is noticed, too. */
    static char target[HTTP_TARGET_MAX * 3];
    struct buf out = {0};
    memset(target, '"', sizeof target);
    target[0] = '/';
    reply_redirect(&out, &html, true, SPAN("app.test"), 443, span_make(target, sizeof target));
    assert_true(out.failed);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_as_text_h30),
        cmocka_unit_test(error_as_html_h30),
        cmocka_unit_test(every_reason_h30),
        cmocka_unit_test(no_request_id_yet),
        cmocka_unit_test(request_id_is_escaped),
        cmocka_unit_test(allow_h12),
        cmocka_unit_test(retry_after),
        cmocka_unit_test(head_h29),
        cmocka_unit_test(connection_h20),
        cmocka_unit_test(dated),
        cmocka_unit_test(browsers_get_html),
        cmocka_unit_test(redirect_status_h25),
        cmocka_unit_test(redirect_location_h25),
        cmocka_unit_test(redirect_page_h25),
        cmocka_unit_test(redirect_longest_h25),
        cmocka_unit_test(hello_text),
        cmocka_unit_test(hello_html),
        cmocka_unit_test(hello_head_h29),
        cmocka_unit_test(hello_longest),
        cmocka_unit_test(status_of_what_goes_out),
        cmocka_unit_test(failure_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
