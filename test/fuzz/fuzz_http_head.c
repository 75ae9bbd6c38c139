/* Fuzzes http_scan, http_request_parse and http_response_parse.
 *
 * The first byte of an input chooses what follows: bit 0 an answer, bit 1 an answer to HEAD.
 * Besides what the sanitizers watch for (each head lies in an allocation of exactly its size),
 * these must hold:
 * 1. fed whole and fed a byte at a time, a head comes to the same verdict and reason;
 * 2. every span lies inside the head;
 * 3. what was accepted is well-formed: written out again plainly, it is accepted again and
 *    means the same. */
#include "base/check.h"
#include "http/http_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct verdict {
    enum parse_result result;
    enum reason why;
    size_t size;
    size_t skipped;
};

static struct verdict scan(enum http_kind kind, struct span in, size_t step)
{
    struct http_scan scan = {0};
    struct verdict verdict = {.result = PARSE_MORE};
    for (size_t len = 0; verdict.result == PARSE_MORE && len < in.len;) {
        len = len + step < in.len ? len + step : in.len;
        verdict.result = http_scan(&scan, kind, span_first(in, len), &verdict.size, &verdict.why);
        check((verdict.result == PARSE_BAD) == (verdict.why != REASON_NONE));
        check(scan.skipped <= scan.line && scan.line <= scan.at && scan.at <= len);
    }
    if (verdict.result == PARSE_DONE)
        check(verdict.size <= in.len && verdict.size - scan.skipped <= HTTP_HEAD_MAX);
    verdict.skipped = scan.skipped;
    return verdict;
}

static void check_inside(struct span part, struct span whole)
{
    if (part.len)
        check(part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

static void check_fields(const struct http_field *fields, unsigned count, struct span head)
{
    check(count <= HTTP_FIELDS_MAX);
    for (unsigned i = 0; i < count; i++) {
        check_inside(fields[i].name, head);
        check_inside(fields[i].value, head);
        check(http_is_token(fields[i].name));
        for (size_t j = 0; j < fields[i].value.len; j++) {
            const unsigned char c = (unsigned char)fields[i].value.data[j];
            check(c == '\t' || (c >= ' ' && c != 0x7f));
        }
        check(span_eq(span_trim(fields[i].value), fields[i].value));
    }
}

static char *append(char *to, struct span s)
{
    if (s.len)
        memcpy(to, s.data, s.len);
    return to + s.len;
}

static char *append_fields(char *to, const struct http_field *fields, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        to = append(to, fields[i].name);
        to = append(to, SPAN(": "));
        to = append(to, fields[i].value);
        to = append(to, SPAN("\r\n"));
    }
    return append(to, SPAN("\r\n"));
}

/* Each field grows by at most one space; the first line not at all. */
static char *plain_copy(size_t len)
{
    char *plain = malloc(len + 2 * HTTP_FIELDS_MAX + 64);
    check(plain != NULL);
    return plain;
}

static void check_request_again(const struct http_request *request, size_t len)
{
    static struct http_request again;
    enum reason why;
    char *plain = plain_copy(len);
    char *end = append(plain, request->method);
    end = append(end, SPAN(" "));
    end = append(end, request->target);
    end = append(end, request->minor ? SPAN(" HTTP/1.1\r\n") : SPAN(" HTTP/1.0\r\n"));
    end = append_fields(end, request->fields, request->field_count);
    const struct span head = span_make(plain, (size_t)(end - plain));
    check(http_request_parse(head, &again, &why) == PARSE_DONE);
    check(span_eq(again.host, request->host) && span_eq(again.authority, request->authority));
    check(span_eq(again.origin_form, request->origin_form));
    check(again.framing == request->framing && again.content_length == request->content_length);
    check(again.field_count == request->field_count);
    check(again.keep_alive == request->keep_alive);
    check(again.wants_upgrade == request->wants_upgrade);
    free(plain);
}

static enum parse_result parse_request(struct span head, enum reason *why)
{
    static struct http_request request;
    const enum parse_result result = http_request_parse(head, &request, why);
    check_inside(request.method, head);
    check_inside(request.target, head);
    check_inside(request.authority, head);
    check_inside(request.host, head);
    check_fields(request.fields, request.field_count, head);
    if (result == PARSE_DONE) {
        check(request.framing != HTTP_FRAMING_CLOSE);
        check(request.content_length <= INT64_MAX);
        check(request.minor == 0 || request.host.len > 0);
        check(request.origin_form.data[0] == '/' || request.origin_form.data[0] == '?' ||
              span_eq(request.origin_form, SPAN("*")));
        if (!span_eq(request.origin_form, SPAN("*")) && !span_eq(request.origin_form, SPAN("/")))
            check_inside(request.origin_form, head);
        check_request_again(&request, head.len);
    }
    return result;
}

static void check_response_again(const struct http_response *response, bool request_is_head,
                                 size_t len)
{
    static struct http_response again;
    enum reason why;
    char *plain = plain_copy(len);
    const char status[] = {(char)('0' + response->status / 100),
                           (char)('0' + response->status / 10 % 10),
                           (char)('0' + response->status % 10), ' '};
    char *end = append(plain, response->minor ? SPAN("HTTP/1.1 ") : SPAN("HTTP/1.0 "));
    end = append(end, span_make(status, sizeof(status)));
    end = append(end, response->phrase);
    end = append(end, SPAN("\r\n"));
    end = append_fields(end, response->fields, response->field_count);
    check(http_response_parse(plain, (size_t)(end - plain), request_is_head, &again, &why) ==
          PARSE_DONE);
    check(again.status == response->status && again.framing == response->framing);
    check(again.content_length == response->content_length);
    check(again.field_count == response->field_count);
    check(again.keep_alive == response->keep_alive);
    free(plain);
}

static enum parse_result parse_response(struct span head, bool request_is_head, enum reason *why)
{
    static struct http_response response;
    char *copy = malloc(head.len ? head.len : 1);
    check(copy != NULL);
    memcpy(copy, head.data, head.len);
    const enum parse_result result =
        http_response_parse(copy, head.len, request_is_head, &response, why);
    check_inside(response.phrase, span_make(copy, head.len));
    check_fields(response.fields, response.field_count, span_make(copy, head.len));
    if (result == PARSE_DONE) {
        check(response.status >= 100 && response.status <= 999);
        check(!request_is_head || response.framing == HTTP_FRAMING_NONE);
        check_response_again(&response, request_is_head, head.len);
    } else {
        check(*why == REASON_UPSTREAM_ANSWER);
    }
    free(copy);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const enum http_kind kind = data[0] & 1 ? HTTP_RESPONSE : HTTP_REQUEST;
    const struct span in = span_make(data + 1, size - 1);
    struct verdict whole = scan(kind, in, SIZE_MAX / 2);
    if (whole.result == PARSE_DONE) {
        const struct span head = span_from(span_first(in, whole.size), whole.skipped);
        char *exact = malloc(head.len);
        check(exact != NULL);
        memcpy(exact, head.data, head.len);
        whole.result = kind == HTTP_REQUEST ? parse_request(span_make(exact, head.len), &whole.why)
                                            : parse_response(head, data[0] & 2, &whole.why);
        check(whole.result != PARSE_MORE);
        free(exact);
    }
    const struct verdict bytewise = scan(kind, in, 1);
    if (bytewise.result == PARSE_DONE)
        check(bytewise.size == whole.size && bytewise.skipped == whole.skipped);
    else
        check(bytewise.result == whole.result && bytewise.why == whole.why);
    return 0;
}
