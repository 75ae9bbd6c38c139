/* Chunked bodies: every input is decoded whole, cut in two at every place, a byte at a time,
 * and against a guard page; all must agree. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "guard_page.h"
#include "http/http_chunk.h"

struct decoded {
    struct http_chunk chunk;
    enum parse_result result;
    size_t consumed;
    size_t content_len;
    char content[70000];
};

/* Decodes one piece until it is used up or the body is over. */
static void decode_piece(struct decoded *to, struct span piece)
{
    const struct span all = span_make(guard_page_copy(piece), piece.len);
    struct span in = all;
    do {
        size_t consumed;
        struct span data;
        to->result = http_chunk_decode(&to->chunk, in, &consumed, &data);
        assert_true(consumed <= in.len);
        assert_true(data.len <= consumed);
        if (data.len) {
            assert_int_equal(to->result, PARSE_MORE);
            assert_ptr_equal(data.data + data.len, in.data + consumed);
            assert_true(to->content_len + data.len <= sizeof(to->content));
            memcpy(to->content + to->content_len, data.data, data.len);
            to->content_len += data.len;
        }
        to->consumed += consumed;
        in = span_from(in, consumed);
    } while (to->result == PARSE_MORE && in.len);
}

/* `in` in pieces: the first `cut` bytes, then `step` at a time (0: the rest at once). */
static void decode(struct decoded *to, struct span in, size_t cut, size_t step)
{
    memset(to, 0, offsetof(struct decoded, content));
    to->result = PARSE_MORE;
    decode_piece(to, span_first(in, cut));
    while (to->result == PARSE_MORE && cut < in.len) {
        const size_t len = step ? step : in.len - cut;
        decode_piece(to, span_first(span_from(in, cut), len));
        cut += len;
    }
}

static struct decoded whole, other;

static void assert_same(void)
{
    assert_int_equal(other.result, whole.result);
    assert_int_equal(other.consumed, whole.consumed);
    assert_int_equal(other.content_len, whole.content_len);
    assert_memory_equal(other.content, whole.content, whole.content_len);
}

/* Into `whole`. */
static void decode_every_way(struct span in)
{
    decode(&whole, in, in.len, 0);
    decode(&other, in, 0, 1);
    assert_same();
    for (size_t cut = 0; cut < in.len && in.len < 1000; cut++) {
        decode(&other, in, cut, 0);
        assert_same();
    }
}

static void accept_body(struct span in, struct span content, size_t behind)
{
    decode_every_way(in);
    assert_int_equal(whole.result, PARSE_DONE);
    assert_int_equal(whole.consumed, in.len - behind);
    assert_true(span_eq(span_make(whole.content, whole.content_len), content));
}

static void refuse_body(struct span in)
{
    decode_every_way(in);
    if (whole.result != PARSE_BAD)
        fail_msg("not refused: " SPAN_FMT, SPAN_ARG(in));
}

#define accept(text, content) accept_body(SPAN(text), SPAN(content), 0)
#define refuse(text)          refuse_body(SPAN(text))

static void test_bodies(void **state)
{
    (void)state;
    accept("0\r\n\r\n", "");
    accept("5\r\nhello\r\n0\r\n\r\n", "hello");
    accept("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world");
    accept("0000\r\n\r\n", "");
    accept("a\r\n0123456789\r\n000A\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789");
    accept("2\r\n\r\n\r\n0\r\n\r\n", "\r\n");
    accept("3\r\n\0\xff\n\r\n0\r\n\r\n", "\0\xff\n");
    /* What follows the body is left alone. */
    accept_body(SPAN("1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n"), SPAN("x"), 16);
}

static void test_incomplete(void **state)
{
    (void)state;
    const struct span body = SPAN("5;a=\"b\"\r\nhello\r\n0\r\nA: b\r\n\r\n");
    for (size_t len = 0; len < body.len; len++) {
        decode_every_way(span_first(body, len));
        assert_int_equal(whole.result, PARSE_MORE);
        assert_int_equal(whole.consumed, len);
    }
    accept_body(body, SPAN("hello"), 0);
}

/* H19: extensions are checked and dropped. */
static void test_H19_extensions(void **state)
{
    (void)state;
    accept("1;a\r\nx\r\n0;b=c\r\n\r\n", "x");
    accept("1;a=b;c;d=e\r\nx\r\n0\r\n\r\n", "x");
    accept("1;chunk-signature=0123abcd\r\nx\r\n0\r\n\r\n", "x");
    accept("1;a=\"b;\\\"\\\\ \t=\xff\"\r\nx\r\n0\r\n\r\n", "x");
    accept("1;a=\"\";b\r\nx\r\n0\r\n\r\n", "x");
    accept("1 ;\ta = b ; c\t=\t\"d\" ;e\r\nx\r\n0\r\n\r\n", "x");

    refuse("1;\r\nx\r\n0\r\n\r\n");
    refuse("1;;a\r\nx\r\n0\r\n\r\n");
    refuse("1;a=\r\nx\r\n0\r\n\r\n");
    refuse("1;=b\r\nx\r\n0\r\n\r\n");
    refuse("1;a b\r\nx\r\n0\r\n\r\n");
    refuse("1;a=b c\r\nx\r\n0\r\n\r\n");
    refuse("1;a=\"b\r\nx\r\n0\r\n\r\n");
    refuse("1;a=\"b\\\r\n\"\r\nx\r\n0\r\n\r\n");
    refuse("1;a=\"b\"c\r\nx\r\n0\r\n\r\n");
    refuse("1;a\0\r\nx\r\n0\r\n\r\n");
    refuse("1;a=\"\x01\"\r\nx\r\n0\r\n\r\n");
    refuse("1 \r\nx\r\n0\r\n\r\n");
    refuse("1;a \r\nx\r\n0\r\n\r\n");
    refuse("1;a=b \r\nx\r\n0\r\n\r\n");
}

/* H19: sizes are hexadecimal and do not overflow. */
static void test_H19_sizes(void **state)
{
    (void)state;
    refuse("\r\n\r\n");
    refuse(";a\r\n");
    refuse("g\r\n");
    refuse("-1\r\n");
    refuse("+1\r\n");
    refuse(" 1\r\nx\r\n0\r\n\r\n");
    refuse("0x1\r\nx\r\n0\r\n\r\n");
    refuse("1.0\r\n");
    refuse("1,\r\n");
    refuse("8000000000000000\r\n");
    refuse("10000000000000000\r\n");
    refuse("ffffffffffffffff\r\n");
    refuse("fffffffffffffffff5\r\n");

    decode_every_way(SPAN("7fffffffffffffff\r\nx"));
    assert_int_equal(whole.result, PARSE_MORE);
    assert_true(whole.chunk.remaining == INT64_MAX - 1);
    accept("00000000000000000000000000000001\r\nx\r\n0\r\n\r\n", "x");
}

/* H19: CRLF, and nothing else, ends a line. */
static void test_H19_line_ends(void **state)
{
    (void)state;
    refuse("1\nx\r\n0\r\n\r\n");
    refuse("1\rx\r\n0\r\n\r\n");
    refuse("1\r\nx\n0\r\n\r\n");
    refuse("1\r\nx\r0\r\n\r\n");
    refuse("1\r\nxy\r\n0\r\n\r\n");
    refuse("1\r\nx0\r\n\r\n");
    refuse("1\r\r\nx\r\n0\r\n\r\n");
    refuse("1;a\nx\r\n0\r\n\r\n");
    refuse("0\n\r\n");
    refuse("0\r\n\n");
    refuse("0\r\n\rx");
    refuse("1\r\nx\r\n\r\n0\r\n\r\n");
}

/* H19: trailers are checked and dropped. */
static void test_H19_trailers(void **state)
{
    (void)state;
    accept("0\r\nA: b\r\n\r\n", "");
    accept("1\r\nx\r\n0\r\nA: b\r\nExpires:\r\nC:\t\xff d \r\n\r\n", "x");
    refuse("0\r\nA: b\n\r\n");
    refuse("0\r\nA: b\r\n c\r\n\r\n");
    refuse("0\r\nA : b\r\n\r\n");
    refuse("0\r\n: b\r\n\r\n");
    refuse("0\r\nA\r\n\r\n");
    refuse("0\r\nA: b\0\r\n\r\n");
    refuse("0\r\nA: b\rc\r\n\r\n");
    refuse("0\r\nGET / HTTP/1.1\r\n\r\n");
}

static char long_body[HTTP_CHUNK_TRAILER_MAX + 100];

/* A body of `len` bytes in long_body: `before`, then `fill`, then `after`. */
static struct span padded(struct span before, char fill, struct span after, size_t len)
{
    assert_true(before.len + after.len <= len && len <= sizeof(long_body));
    memset(long_body, fill, len);
    memcpy(long_body, before.data, before.len);
    memcpy(long_body + len - after.len, after.data, after.len);
    return span_make(long_body, len);
}

/* H19: a size line has at most 4,096 bytes, all trailers together 65,536. */
static void test_H19_limits(void **state)
{
    (void)state;
    for (size_t over = 0; over < 2; over++) {
        const enum parse_result expected = over ? PARSE_BAD : PARSE_DONE;
        decode_every_way(padded(SPAN("0;"), 'a', SPAN("\r\n\r\n"), HTTP_CHUNK_LINE_MAX + 2 + over));
        assert_int_equal(whole.result, expected);
        decode_every_way(padded(SPAN(""), '0', SPAN("\r\n\r\n"), HTTP_CHUNK_LINE_MAX + 2 + over));
        assert_int_equal(whole.result, expected);
        decode_every_way(padded(SPAN("0\r\nA: b\r\nC: "), 'd', SPAN("\r\n\r\n"),
                                3 + HTTP_CHUNK_TRAILER_MAX + over));
        assert_int_equal(whole.result, expected);
    }
    /* A limit is for one line: many together may be longer. */
    const struct span chunk = SPAN("1;extension=value\r\nx\r\n");
    const struct span body = padded(SPAN(""), ' ', SPAN("0\r\n\r\n"), 1000 * chunk.len + 5);
    for (size_t i = 0; i < 1000; i++)
        memcpy(long_body + i * chunk.len, chunk.data, chunk.len);
    decode(&whole, body, body.len, 0);
    assert_int_equal(whole.result, PARSE_DONE);
    assert_int_equal(whole.content_len, 1000);
}

/* What is over stays over. */
static void test_final(void **state)
{
    (void)state;
    size_t consumed;
    struct span data;
    struct http_chunk chunk = {0};
    assert_int_equal(http_chunk_decode(&chunk, SPAN("0\r\n\r\n"), &consumed, &data), PARSE_DONE);
    assert_int_equal(http_chunk_decode(&chunk, SPAN("1\r\nx"), &consumed, &data), PARSE_DONE);
    assert_int_equal(consumed, 0);
    chunk = (struct http_chunk){0};
    assert_int_equal(http_chunk_decode(&chunk, SPAN("x"), &consumed, &data), PARSE_BAD);
    assert_int_equal(http_chunk_decode(&chunk, SPAN("1\r\nx"), &consumed, &data), PARSE_BAD);
    assert_int_equal(consumed, 0);
    assert_int_equal(data.len, 0);
}

/* Data is handed on without a copy, as much as there is. */
static void test_data_in_place(void **state)
{
    (void)state;
    const struct span in = SPAN("a\r\n012345");
    size_t consumed;
    struct span data;
    struct http_chunk chunk = {0};
    assert_int_equal(http_chunk_decode(&chunk, in, &consumed, &data), PARSE_MORE);
    assert_int_equal(consumed, in.len);
    assert_ptr_equal(data.data, in.data + 3);
    assert_int_equal(data.len, 6);
    const struct span more = SPAN("6789\r\n0\r\n\r\n");
    assert_int_equal(http_chunk_decode(&chunk, more, &consumed, &data), PARSE_MORE);
    assert_int_equal(consumed, 4);
    assert_ptr_equal(data.data, more.data);
    assert_int_equal(http_chunk_decode(&chunk, span_from(more, consumed), &consumed, &data),
                     PARSE_DONE);
    assert_int_equal(consumed, 7);
}

static void test_head(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        const char *head;
    } heads[] = {{0, "0\r\n"},   {1, "1\r\n"},        {15, "f\r\n"},
                 {16, "10\r\n"}, {16384, "4000\r\n"}, {SIZE_MAX, "ffffffffffffffff\r\n"}};
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        char out[HTTP_CHUNK_HEAD_MAX];
        const size_t len = http_chunk_head(heads[i].size, out);
        assert_true(span_eq(span_make(out, len), span_str(heads[i].head)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies),         cmocka_unit_test(test_incomplete),
        cmocka_unit_test(test_H19_extensions), cmocka_unit_test(test_H19_sizes),
        cmocka_unit_test(test_H19_line_ends),  cmocka_unit_test(test_H19_trailers),
        cmocka_unit_test(test_H19_limits),     cmocka_unit_test(test_final),
        cmocka_unit_test(test_data_in_place),  cmocka_unit_test(test_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
