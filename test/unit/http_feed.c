/* Feeding heads: see http_feed.h. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "guard_page.h"
#include "http_feed.h"

/* Beyond this, growing prefixes are fed from where they lie: copying each to the guard page
 * is quadratic. */
#define GUARDED_MAX 4096u

static struct http_verdict scan_whole(enum http_kind kind, struct span in)
{
    struct http_scan scan = {0};
    struct http_verdict verdict = {.seen = in.len};
    verdict.result = http_scan(&scan, kind, in, &verdict.size, &verdict.why);
    verdict.skipped = scan.skipped;
    return verdict;
}

static struct http_verdict scan_bytewise(enum http_kind kind, struct span in)
{
    struct http_scan scan = {0};
    struct http_verdict verdict = {.result = PARSE_MORE};
    while (verdict.result == PARSE_MORE && verdict.seen < in.len) {
        struct span prefix = span_first(in, ++verdict.seen);
        if (prefix.len <= GUARDED_MAX)
            prefix.data = guard_page_copy(prefix);
        verdict.result = http_scan(&scan, kind, prefix, &verdict.size, &verdict.why);
        /* Linear: nothing but the CR of a leading empty line is ever looked at twice. */
        if (verdict.result == PARSE_MORE)
            assert_true(scan.at == prefix.len || (scan.at + 1 == prefix.len && scan.lines == 0));
    }
    verdict.skipped = scan.skipped;
    return verdict;
}

/* The verdict of the scan and then, when that found the head's end, of `parse`. */
static struct http_verdict feed(enum http_kind kind, struct span in,
                                enum parse_result (*parse)(struct span, void *, enum reason *),
                                void *argument)
{
    struct http_verdict whole = scan_whole(kind, in);
    const struct http_verdict guarded = scan_whole(kind, span_make(guard_page_copy(in), in.len));
    assert_int_equal(guarded.result, whole.result);
    assert_int_equal(guarded.why, whole.why);
    assert_int_equal(guarded.size, whole.size);

    if (whole.result == PARSE_DONE) {
        const struct span head = span_from(span_first(in, whole.size), whole.skipped);
        whole.result = parse(head, argument, &whole.why);
        assert_int_not_equal(whole.result, PARSE_MORE);
    }
    struct http_verdict bytewise = scan_bytewise(kind, in);
    if (bytewise.result == PARSE_DONE) {
        const struct span head = span_from(span_first(in, bytewise.size), bytewise.skipped);
        assert_int_equal(bytewise.seen, bytewise.size);
        bytewise.result = parse(head, argument, &bytewise.why);
    }
    assert_int_equal(bytewise.result, whole.result);
    assert_int_equal(bytewise.why, whole.why);
    assert_int_equal(bytewise.why == REASON_NONE, bytewise.result != PARSE_BAD);
    if (whole.result == PARSE_DONE) {
        assert_int_equal(bytewise.size, whole.size);
        assert_int_equal(bytewise.skipped, whole.skipped);
    }
    return bytewise;
}

static enum parse_result parse_request(struct span head, void *argument, enum reason *why)
{
    struct http_request guarded;
    enum reason guarded_why;
    const struct span copy = span_make(guard_page_copy(head), head.len);
    const enum parse_result result = http_request_parse(head, argument, why);
    assert_int_equal(http_request_parse(copy, &guarded, &guarded_why), result);
    assert_int_equal(guarded_why, *why);
    return result;
}

struct http_verdict feed_request(struct span in, struct http_request *request)
{
    return feed(HTTP_REQUEST, in, parse_request, request);
}

struct response_argument {
    bool request_is_head;
    struct http_response *response;
};

static enum parse_result parse_response(struct span head, void *argument, enum reason *why)
{
    const struct response_argument *to = argument;
    return http_response_parse(guard_page_copy(head), head.len, to->request_is_head, to->response,
                               why);
}

struct http_verdict feed_response(struct span in, bool request_is_head,
                                  struct http_response *response)
{
    struct response_argument argument = {request_is_head, response};
    return feed(HTTP_RESPONSE, in, parse_response, &argument);
}
