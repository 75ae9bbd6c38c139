/* The end of a head: where it is, and how early it is known to be wrong. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "http_feed.h"

/* Fits every case here; too large for the stack of a test that runs under a sanitizer. */
static char big[4 * HTTP_HEAD_MAX];
static size_t big_len;

static void big_add(struct span s)
{
    assert_true(big_len + s.len <= sizeof(big));
    memcpy(big + big_len, s.data, s.len);
    big_len += s.len;
}

static void big_fill(char c, size_t len)
{
    assert_true(big_len + len <= sizeof(big));
    memset(big + big_len, c, len);
    big_len += len;
}

static struct span big_span(void)
{
    return span_make(big, big_len);
}

static int big_reset(void **state)
{
    (void)state;
    big_len = 0;
    return 0;
}

static struct http_verdict request(struct span in)
{
    static struct http_request ignored;
    return feed_request(in, &ignored);
}

static struct http_verdict response(struct span in)
{
    static struct http_response ignored;
    return feed_response(in, false, &ignored);
}

/* The request is refused for that reason, as soon as `seen` bytes have come. */
#define assert_bad(verdict_, why_, seen_)                                                          \
    do {                                                                                           \
        const struct http_verdict v_ = (verdict_);                                                 \
        assert_int_equal(v_.result, PARSE_BAD);                                                    \
        assert_string_equal(reason_code(v_.why), reason_code(why_));                               \
        assert_int_equal(v_.seen, seen_);                                                          \
    } while (0)

static void test_end(void **state)
{
    (void)state;
    const struct span head = SPAN("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    struct http_verdict verdict = request(head);
    assert_int_equal(verdict.result, PARSE_DONE);
    assert_int_equal(verdict.size, head.len);

    verdict = request(SPAN("GET / HTTP/1.1\r\nHost: a.test\r\n\r\nGET /second"));
    assert_int_equal(verdict.result, PARSE_DONE);
    assert_int_equal(verdict.size, head.len);

    for (size_t len = 0; len < head.len; len++)
        assert_int_equal(request(span_first(head, len)).result, PARSE_MORE);
}

/* A scan goes on where it stopped, also when nothing new has come. */
static void test_nothing_new(void **state)
{
    (void)state;
    const struct span head = SPAN("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    struct http_scan scan = {0};
    size_t size;
    enum reason why;
    assert_int_equal(http_scan(&scan, HTTP_REQUEST, span_make(NULL, 0), &size, &why), PARSE_MORE);
    for (int again = 0; again < 2; again++)
        assert_int_equal(http_scan(&scan, HTTP_REQUEST, span_first(head, 20), &size, &why),
                         PARSE_MORE);
    assert_int_equal(http_scan(&scan, HTTP_REQUEST, head, &size, &why), PARSE_DONE);
    assert_int_equal(size, head.len);
}

/* H26: empty lines before a request line are skipped; a few, and only with CRLF. */
static void test_H26_empty_lines(void **state)
{
    (void)state;
    struct http_verdict verdict = request(SPAN("\r\n\r\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n"));
    assert_int_equal(verdict.result, PARSE_DONE);
    assert_int_equal(verdict.skipped, 4);
    assert_int_equal(verdict.size, 4 + 32);
    assert_int_equal(request(SPAN("\r\n\r")).result, PARSE_MORE);

    assert_bad(request(SPAN("\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n")), REASON_BAD_REQUEST, 1);
    assert_bad(request(SPAN("\r\n\nGET / HTTP/1.1\r\n\r\n")), REASON_BAD_REQUEST, 3);
    assert_bad(request(SPAN("\rGET / HTTP/1.1\r\n\r\n")), REASON_BAD_REQUEST, 2);
    assert_bad(request(SPAN("\r\r\nGET / HTTP/1.1\r\n\r\n")), REASON_BAD_REQUEST, 2);

    for (int i = 0; i < 32; i++)
        big_add(SPAN("\r\n"));
    big_add(SPAN("GET / HTTP/1.0\r\n\r\n"));
    assert_int_equal(request(big_span()).result, PARSE_DONE);
    big_len = 0;
    for (int i = 0; i < 33; i++)
        big_add(SPAN("\r\n"));
    big_add(SPAN("GET / HTTP/1.0\r\n\r\n"));
    assert_bad(request(big_span()), REASON_BAD_REQUEST, 66);
}

/* The first byte already tells that something else than HTTP is spoken. */
static void test_first_byte(void **state)
{
    (void)state;
    assert_bad(request(SPAN("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")), REASON_BAD_REQUEST,
               1);
    assert_bad(request(SPAN("\0")), REASON_BAD_REQUEST, 1);
    assert_bad(request(SPAN(" GET / HTTP/1.1\r\n\r\n")), REASON_BAD_REQUEST, 1);
    assert_bad(request(SPAN("{\"jsonrpc\"")), REASON_BAD_REQUEST, 1);
    assert_bad(request(SPAN("\xff")), REASON_BAD_REQUEST, 1);
    assert_bad(response(SPAN("SSH-2.0-OpenSSH_9.2p1\r\n")), REASON_UPSTREAM_ANSWER, 1);
    assert_bad(response(SPAN("HTTP/2.0 200 OK\r\n\r\n")), REASON_UPSTREAM_ANSWER, 6);
    assert_bad(response(SPAN("\r\nHTTP/1.1 200 OK\r\n\r\n")), REASON_UPSTREAM_ANSWER, 1);
}

/* A bad request line is refused when it is complete, whatever may follow. */
static void test_first_line(void **state)
{
    (void)state;
    assert_bad(request(SPAN("GET /\r\n")), REASON_BAD_REQUEST, 7);
    assert_bad(request(SPAN("GET / HTTP/2.0\r\nHo")), REASON_VERSION, 16);
    assert_bad(request(SPAN("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")), REASON_VERSION, 16);
    assert_bad(request(SPAN("GET /#a HTTP/1.1\r\nHost: a")), REASON_BAD_TARGET, 18);
    assert_bad(request(SPAN("TRACE / HTTP/1.1\r\n")), REASON_METHOD, 18);
    assert_bad(request(SPAN("GET / HTTP/1.1\n")), REASON_BAD_REQUEST, 15);
    assert_bad(response(SPAN("HTTP/1.1 2000 OK\r\n")), REASON_UPSTREAM_ANSWER, 18);
    /* What is wrong first is said, also when both arrive at once. */
    assert_bad(request(SPAN("GET / HTTP/2.0\r\nHost: a\nb: c\r\n\r\n")), REASON_VERSION, 16);
    assert_bad(request(SPAN("GET / HTTP/2.0\r\nHost: \0\r\n\r\n")), REASON_VERSION, 16);
}

/* H09: bare LF, and NUL wherever it stands. */
static void test_H09_line_ends(void **state)
{
    (void)state;
    assert_bad(request(SPAN("GET / HTTP/1.1\r\nHost: a\n")), REASON_BAD_FIELD, 24);
    assert_bad(request(SPAN("GET / HTTP/1.1\r\nHost: a\r\n\n")), REASON_BAD_FIELD, 26);
    assert_bad(request(SPAN("GET /\0 HTTP/1.1\r\n\r\n")), REASON_BAD_REQUEST, 6);
    assert_bad(request(SPAN("GET / HTTP/1.1\r\nHost: a\0")), REASON_BAD_FIELD, 24);
    assert_bad(request(SPAN("GET / HTTP/1.1\r\nHost: a\rb: c\r\n\r\n")), REASON_BAD_FIELD, 32);
    assert_bad(request(SPAN("GET / HTTP/1.1\r\nHost: a\r\n\r\r\n\r\n")), REASON_BAD_FIELD, 30);
}

/* H10: answers may end their lines in a bare LF, but hold no NUL. */
static void test_H10_line_ends(void **state)
{
    (void)state;
    const struct span head = SPAN("HTTP/1.1 200 OK\nA: b\r\nC: d\n\n");
    struct http_verdict verdict = response(head);
    assert_int_equal(verdict.result, PARSE_DONE);
    assert_int_equal(verdict.size, head.len);
    verdict = response(SPAN("HTTP/1.1 200 OK\nA: b\r\n\nbody\n\n"));
    assert_int_equal(verdict.result, PARSE_DONE);
    assert_int_equal(verdict.size, 23);
    assert_bad(response(SPAN("HTTP/1.1 200 OK\r\nA: \0\r\n\r\n")), REASON_UPSTREAM_ANSWER, 21);
    assert_bad(response(SPAN("HTTP/1.1 200 OK\r\nA: b\r\n\r\r\n\n")), REASON_UPSTREAM_ANSWER, 27);
}

/* H14: a target of 16 KiB passes; one byte more is 414, also while its line is incomplete. */
static void test_H14_target(void **state)
{
    (void)state;
    big_add(SPAN("GET /"));
    big_fill('a', HTTP_TARGET_MAX - 1);
    const size_t line = big_len;
    big_add(SPAN(" HTTP/1.1\r\nHost: a.test\r\n\r\n"));
    assert_int_equal(request(big_span()).result, PARSE_DONE);

    big_len = line;
    big_add(SPAN("a HTTP/1.1\r\nHost: a.test\r\n\r\n"));
    struct http_verdict verdict = request(big_span());
    assert_int_equal(verdict.result, PARSE_BAD);
    assert_int_equal(verdict.why, REASON_TARGET_SIZE);

    big_len = line;
    big_fill('a', HTTP_HEAD_MAX);
    verdict = request(big_span());
    assert_int_equal(verdict.result, PARSE_BAD);
    assert_int_equal(verdict.why, REASON_TARGET_SIZE);
    assert_true(verdict.seen <= HTTP_TARGET_MAX + HTTP_METHOD_MAX + 16);
}

/* A method without end, and a version without end, are no request lines. */
static void test_endless_line(void **state)
{
    (void)state;
    big_fill('A', HTTP_HEAD_MAX);
    struct http_verdict verdict = request(big_span());
    assert_int_equal(verdict.result, PARSE_BAD);
    assert_int_equal(verdict.why, REASON_BAD_REQUEST);
    assert_true(verdict.seen <= HTTP_TARGET_MAX + HTTP_METHOD_MAX + 16);

    big_len = 0;
    big_add(SPAN("GET / HTTP/1.1"));
    big_fill('1', HTTP_HEAD_MAX);
    assert_int_equal(request(big_span()).why, REASON_BAD_REQUEST);

    /* A NUL behind the limit changes nothing. */
    big_len = 0;
    big_add(SPAN("GET /"));
    big_fill('a', 2 * HTTP_TARGET_MAX);
    big_fill('\0', 1);
    assert_int_equal(request(big_span()).why, REASON_TARGET_SIZE);
}

/* H14: a head of 64 KiB passes, leading empty lines not counted; one byte more is 431. */
static void test_H14_head(void **state)
{
    (void)state;
    for (size_t over = 0; over < 2; over++) {
        big_len = 0;
        big_add(SPAN("\r\nGET / HTTP/1.1\r\nHost: a.test\r\nCookie: "));
        big_fill('c', HTTP_HEAD_MAX + 2 - 4 - big_len + over);
        big_add(SPAN("\r\n\r\n"));
        const struct http_verdict verdict = request(big_span());
        assert_int_equal(verdict.result, over ? PARSE_BAD : PARSE_DONE);
        assert_int_equal(verdict.why, over ? REASON_HEAD_SIZE : REASON_NONE);
        assert_int_equal(verdict.seen, HTTP_HEAD_MAX + 2);
    }
}

/* H14: 200 fields pass, 201 are 431. */
static void test_H14_fields(void **state)
{
    (void)state;
    big_add(SPAN("GET / HTTP/1.1\r\nHost: a.test\r\n"));
    for (unsigned i = 1; i < HTTP_FIELDS_MAX; i++)
        big_add(SPAN("A: b\r\n"));
    const size_t fields = big_len;
    big_add(SPAN("\r\n"));
    assert_int_equal(request(big_span()).result, PARSE_DONE);
    big_len = fields;
    big_add(SPAN("A: b\r\n"));
    assert_bad(request(big_span()), REASON_TOO_MANY_FIELDS, big_len);
}

/* An answer's head has its limits as well. */
static void test_answer_limits(void **state)
{
    (void)state;
    big_add(SPAN("HTTP/1.1 200 OK\r\nSet-Cookie: "));
    big_fill('c', HTTP_HEAD_MAX);
    assert_bad(response(big_span()), REASON_UPSTREAM_HEAD_SIZE, HTTP_HEAD_MAX);

    big_len = 0;
    big_add(SPAN("HTTP/1.1 200 OK\r\n"));
    for (unsigned i = 0; i < HTTP_FIELDS_MAX; i++)
        big_add(SPAN("A: b\r\n"));
    const size_t fields = big_len;
    big_add(SPAN("\r\n"));
    assert_int_equal(response(big_span()).result, PARSE_DONE);
    big_len = fields;
    big_add(SPAN("A: b\r\n\r\n"));
    assert_bad(response(big_span()), REASON_UPSTREAM_ANSWER, big_len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_nothing_new),
        cmocka_unit_test_setup(test_H26_empty_lines, big_reset),
        cmocka_unit_test(test_first_byte),
        cmocka_unit_test(test_first_line),
        cmocka_unit_test(test_H09_line_ends),
        cmocka_unit_test(test_H10_line_ends),
        cmocka_unit_test_setup(test_H14_target, big_reset),
        cmocka_unit_test_setup(test_endless_line, big_reset),
        cmocka_unit_test_setup(test_H14_head, big_reset),
        cmocka_unit_test_setup(test_H14_fields, big_reset),
        cmocka_unit_test_setup(test_answer_limits, big_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
