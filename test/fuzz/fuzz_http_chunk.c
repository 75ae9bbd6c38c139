/* Fuzzes http_chunk_decode.
 *
 * The first byte of an input is the size of the pieces for one of three decodings: whole, in
 * pieces, and a byte at a time, each piece in an allocation of exactly its size. These must
 * hold:
 * 1. all three come to the same result, the same content, and the same place;
 * 2. the data lies at the end of what was consumed, and comes with PARSE_MORE only;
 * 3. content that is encoded with http_chunk_head decodes to itself. */
#include "base/check.h"
#include "http/http_chunk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct decoded {
    struct http_chunk chunk;
    enum parse_result result;
    size_t consumed;
    char *content; /* owned; as large as the input */
    size_t len;
};

static void decode_piece(struct decoded *to, struct span piece)
{
    char *exact = malloc(piece.len);
    check(exact != NULL);
    memcpy(exact, piece.data, piece.len);
    struct span in = span_make(exact, piece.len);
    do {
        size_t consumed;
        struct span data;
        to->result = http_chunk_decode(&to->chunk, in, &consumed, &data);
        check(consumed <= in.len && data.len <= consumed);
        check(data.len == 0 || to->result == PARSE_MORE);
        check(data.data + data.len == in.data + consumed);
        check(to->chunk.remaining <= INT64_MAX);
        memcpy(to->content + to->len, data.data, data.len);
        to->len += data.len;
        to->consumed += consumed;
        check(consumed > 0 || to->result != PARSE_MORE);
        in = span_from(in, consumed);
    } while (to->result == PARSE_MORE && in.len);
    free(exact);
}

static struct decoded decode(struct span in, size_t step)
{
    struct decoded to = {.result = PARSE_MORE, .content = malloc(in.len + 1)};
    check(to.content != NULL);
    for (size_t at = 0; to.result == PARSE_MORE && at < in.len; at += step)
        decode_piece(&to, span_first(span_from(in, at), step));
    return to;
}

static void check_same(const struct decoded *a, const struct decoded *b)
{
    check(a->result == b->result);
    check(a->consumed == b->consumed);
    check(span_eq(span_make(a->content, a->len), span_make(b->content, b->len)));
}

/* `in` as a body of chunks of `step` bytes, decoded again. */
static void check_encoding(struct span in, size_t step)
{
    char *body = malloc((in.len / step + 1) * (step + HTTP_CHUNK_HEAD_MAX + 2) + 5);
    check(body != NULL);
    size_t len = 0;
    for (size_t at = 0; at < in.len; at += step) {
        const struct span part = span_first(span_from(in, at), step);
        len += http_chunk_head(part.len, body + len);
        memcpy(body + len, part.data, part.len);
        memcpy(body + len + part.len, "\r\n", 2);
        len += part.len + 2;
    }
    memcpy(body + len, "0\r\n\r\n", 5);
    struct decoded to = decode(span_make(body, len + 5), len + 5);
    check(to.result == PARSE_DONE && to.consumed == len + 5);
    check(span_eq(span_make(to.content, to.len), in));
    free(to.content);
    free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const size_t step = (size_t)data[0] + 1;
    const struct span in = span_make(data + 1, size - 1);
    struct decoded whole = decode(in, in.len);
    struct decoded pieces = decode(in, step);
    struct decoded bytes = decode(in, 1);
    check_same(&whole, &pieces);
    check_same(&whole, &bytes);
    check_encoding(in, step);
    free(whole.content);
    free(pieces.content);
    free(bytes.content);
    return 0;
}
