/* Answers: read kindly where that is safe, strictly where a body's end is concerned. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "guard_page.h"
#include "http_feed.h"

static struct http_response response;

static void assert_span(struct span actual, struct span expected)
{
    if (!span_eq(actual, expected))
        fail_msg("got \"" SPAN_FMT "\", expected \"" SPAN_FMT "\"", SPAN_ARG(actual),
                 SPAN_ARG(expected));
}

static void accept_span(struct span in, bool request_is_head)
{
    const struct http_verdict verdict = feed_response(in, request_is_head, &response);
    if (verdict.result != PARSE_DONE)
        fail_msg("refused with %s:\n" SPAN_FMT, reason_code(verdict.why), SPAN_ARG(in));
    assert_int_equal(verdict.size, in.len);
}

static void refuse_span(struct span in)
{
    const struct http_verdict verdict = feed_response(in, false, &response);
    if (verdict.result != PARSE_BAD || verdict.why != REASON_UPSTREAM_ANSWER)
        fail_msg("not refused:\n" SPAN_FMT, SPAN_ARG(in));
}

#define accept(text) accept_span(SPAN(text), false)
#define refuse(text) refuse_span(SPAN(text))

/* An answer with these field lines. */
#define OK(fields) "HTTP/1.1 200 OK\r\n" fields "\r\n"

static void test_plain(void **state)
{
    (void)state;
    accept(OK("Server: x\r\nContent-Length: 12\r\n"));
    assert_int_equal(response.status, 200);
    assert_span(response.phrase, SPAN("OK"));
    assert_int_equal(response.minor, 1);
    assert_int_equal(response.framing, HTTP_FRAMING_LENGTH);
    assert_int_equal(response.content_length, 12);
    assert_true(response.keep_alive);
    assert_int_equal(response.keep_alive_timeout, 0);
    assert_int_equal(response.field_count, 2);
    assert_span(response.fields[0].name, SPAN("Server"));
    assert_span(response.fields[0].value, SPAN("x"));
}

/* H13: status lines of HTTP/1.x. */
static void test_H13_status_line(void **state)
{
    (void)state;
    accept("HTTP/1.1 404 Not Found here\xe4\t\r\n\r\n");
    assert_span(response.phrase, SPAN("Not Found here\xe4\t"));
    accept("HTTP/1.1 200\r\n\r\n");
    assert_span(response.phrase, SPAN(""));
    accept("HTTP/1.1 200 \r\n\r\n");
    assert_span(response.phrase, SPAN(""));
    accept("HTTP/1.0 999 x\r\n\r\n");
    assert_int_equal(response.status, 999);
    assert_int_equal(response.minor, 0);
    accept("HTTP/1.7 100 x\r\n\r\n");
    assert_int_equal(response.minor, 1);

    refuse("HTTP/2.0 200 OK\r\n\r\n");
    refuse("HTTP/0.9 200 OK\r\n\r\n");
    refuse("HTTP/1.1 099 OK\r\n\r\n");
    refuse("HTTP/1.1 20 OK\r\n\r\n");
    refuse("HTTP/1.1 2000\r\n\r\n");
    refuse("HTTP/1.1 2x0 OK\r\n\r\n");
    refuse("HTTP/1.1  200 OK\r\n\r\n");
    refuse("HTTP/1.1\t200 OK\r\n\r\n");
    refuse("HTTP/1.1 200OK\r\n\r\n");
    refuse("HTTP/1.1 200\tOK\r\n\r\n");
    refuse("HTTP/1.11 200 OK\r\n\r\n");
    refuse("HTTP/1.x 200 OK\r\n\r\n");
    refuse("http/1.1 200 OK\r\n\r\n");
    refuse("HTTP/1.1\r\n\r\n");
    refuse("HTTP/1.1 200 O\x01K\r\n\r\n");
    refuse("HTTP/1.1 200 O\rK\r\n\r\n");
    refuse("HTTP/1.1 200 O\0K\r\n\r\n");
    refuse("ICY 200 OK\r\n\r\n");
    refuse("<html></html>\r\n\r\n");
}

/* H10: obs-fold becomes one space. */
static void test_H10_fold(void **state)
{
    (void)state;
    accept(OK("A: b\r\n c\r\nD: e\r\n"));
    assert_int_equal(response.field_count, 2);
    assert_span(response.fields[0].value, SPAN("b c"));
    assert_span(response.fields[1].value, SPAN("e"));
    accept(OK("A:  b \t\r\n \t  c  \r\n\td\n e\r\nF: g\r\n"));
    assert_span(response.fields[0].value, SPAN("b c d e"));
    assert_span(response.fields[1].name, SPAN("F"));
    accept(OK("A:\r\n b\r\n"));
    assert_span(response.fields[0].value, SPAN("b"));
    accept(OK("A: b\r\n \r\n\t\r\n c\r\n \r\n"));
    assert_span(response.fields[0].value, SPAN("b c"));
    accept(OK("A:\r\n \r\n"));
    assert_span(response.fields[0].value, SPAN(""));
    accept(OK("Transfer-Encoding:\r\n chunked\r\n"));
    assert_int_equal(response.framing, HTTP_FRAMING_CHUNKED);

    refuse("HTTP/1.1 200 OK\r\n A: b\r\n\r\n");
    refuse(OK("A: b\r\n c\x01\r\n"));
    refuse(OK("A: b\r\n c\rd\r\n"));
    refuse(OK("A\r\n : b\r\n"));
    refuse(OK("Content-Length: 1\r\n 2\r\n"));
}

/* H10: white space before the colon goes, bare LF is a line end, NUL is 502. */
static void test_H10_liberties(void **state)
{
    (void)state;
    accept(OK("A : b\r\nContent-Length \t: 5\r\n"));
    assert_span(response.fields[0].name, SPAN("A"));
    assert_int_equal(response.content_length, 5);
    accept("HTTP/1.1 200 OK\nContent-Length: 5\nA: b\n\n");
    assert_int_equal(response.content_length, 5);
    assert_span(response.phrase, SPAN("OK"));
    assert_span(response.fields[1].value, SPAN("b"));
    accept(OK("A: \t\x80\xff\"\r\n"));

    refuse(OK("A: b\0c\r\n"));
    refuse(OK("A: b\rc\r\n"));
    refuse(OK("A: b\x7f\r\n"));
    refuse(OK("A: b\r\r\n"));
    refuse(OK("A b: c\r\n"));
    refuse(OK(": b\r\n"));
    refuse(OK("A\r\n"));
    refuse(OK("A\xe4: b\r\n"));
}

/* H01, H02, H03 in answers. */
static void test_H01_H02_H03_framing(void **state)
{
    (void)state;
    refuse(OK("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"));
    refuse(OK("Content-Length: 5\r\nContent-Length: 6\r\n"));
    refuse(OK("Content-Length: 5\r\nContent-Length: 5\r\n"));
    refuse(OK("Content-Length: 5, 5\r\n"));
    refuse(OK("Content-Length: \r\n"));
    refuse(OK("Content-Length: -1\r\n"));
    refuse(OK("Content-Length: 9223372036854775808\r\n"));
    refuse(OK("Transfer-Encoding: gzip\r\n"));
    refuse(OK("Transfer-Encoding: gzip, chunked\r\n"));
    refuse(OK("Transfer-Encoding: identity\r\n"));
    refuse(OK("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"));
    refuse("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");

    accept(OK("Transfer-Encoding: Chunked\r\n"));
    assert_int_equal(response.framing, HTTP_FRAMING_CHUNKED);
    accept(OK("Content-Length: 0\r\n"));
    assert_int_equal(response.framing, HTTP_FRAMING_LENGTH);
    assert_int_equal(response.content_length, 0);
    accept(OK("A: b\r\n"));
    assert_int_equal(response.framing, HTTP_FRAMING_CLOSE);
    assert_false(response.keep_alive);
}

/* H29: HEAD, 1xx, 204 and 304 have no body, whatever the fields say. */
static void test_H29_no_body(void **state)
{
    (void)state;
    accept_span(SPAN(OK("Content-Length: 1000\r\n")), true);
    assert_int_equal(response.framing, HTTP_FRAMING_NONE);
    assert_int_equal(response.content_length, 1000);
    assert_true(response.keep_alive);
    accept_span(SPAN(OK("Transfer-Encoding: chunked\r\n")), true);
    assert_int_equal(response.framing, HTTP_FRAMING_NONE);
    accept_span(SPAN(OK("")), true);
    assert_int_equal(response.framing, HTTP_FRAMING_NONE);
    assert_true(response.keep_alive);
    accept("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n");
    assert_int_equal(response.framing, HTTP_FRAMING_NONE);
    accept("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_int_equal(response.framing, HTTP_FRAMING_NONE);
    accept("HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n");
    assert_int_equal(response.framing, HTTP_FRAMING_NONE);
    assert_int_equal(response.content_length, 77);
    accept("HTTP/1.1 100 Continue\r\n\r\n");
    assert_int_equal(response.framing, HTTP_FRAMING_NONE);
    accept("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
    assert_int_equal(response.framing, HTTP_FRAMING_NONE);
    accept("HTTP/1.1 205 Reset Content\r\n\r\n");
    assert_int_equal(response.framing, HTTP_FRAMING_CLOSE);
}

static void test_keep_alive(void **state)
{
    (void)state;
    accept(OK("Content-Length: 0\r\nConnection: close\r\n"));
    assert_false(response.keep_alive);
    accept("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_false(response.keep_alive);
    accept("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n"
           "Keep-Alive: timeout=5, max=100\r\n\r\n");
    assert_true(response.keep_alive);
    assert_int_equal(response.keep_alive_timeout, 5);
    accept(OK("Content-Length: 0\r\nKeep-Alive: max=3,Timeout=65\r\n"));
    assert_int_equal(response.keep_alive_timeout, 65);
    const char *const unclear[] = {"",
                                   "5",
                                   "timeout",
                                   "timeout=",
                                   "timeout=x",
                                   "timeout=-1",
                                   "timeout=99999999999",
                                   "xtimeout=5",
                                   "timeout = 5"};
    for (size_t i = 0; i < sizeof(unclear) / sizeof(unclear[0]); i++) {
        char head[128];
        int len =
            snprintf(head, sizeof(head),
                     "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: %s\r\n\r\n", unclear[i]);
        accept_span(span_make(head, (size_t)len), false);
        assert_int_equal(response.keep_alive_timeout, 0);
    }
}

/* What is not a complete head is refused by the parser itself as well, wherever it ends. */
static void test_incomplete(void **state)
{
    (void)state;
    const struct span head = SPAN("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n");
    enum reason why;
    for (size_t len = 0; len <= head.len; len++) {
        char *copy = guard_page_copy(span_first(head, len));
        assert_int_equal(http_response_parse(copy, len, false, &response, &why),
                         len == head.len ? PARSE_DONE : PARSE_BAD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_H13_status_line),
        cmocka_unit_test(test_H10_fold),
        cmocka_unit_test(test_H10_liberties),
        cmocka_unit_test(test_H01_H02_H03_framing),
        cmocka_unit_test(test_H29_no_body),
        cmocka_unit_test(test_keep_alive),
        cmocka_unit_test(test_incomplete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
