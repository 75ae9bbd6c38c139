/* What Portico makes of bytes that a connection brought, for test suites:
 *
 *     http-verdict < RECORDS
 *
 * A record is a line "request LENGTH" or "response LENGTH" and LENGTH bytes. They are taken
 * apart as one connection's: head, body, next head, and so on. For each record one line comes
 * out:
 *
 *     complete N    N messages, and nothing behind them
 *     partial N     N messages, and the beginning of another
 *     closed N      N messages, the last of which ends the connection: what follows is ignored
 *     switched N    N messages, the last of which asks for another protocol
 *     CODE N        N messages, and then something that is refused with that reason */

#include "base/reason.h"
#include "http/http_chunk.h"
#include "http/http_head.h"

struct connection {
    enum http_kind kind;
    char *data;
    size_t len;
    size_t at;
    unsigned messages;
};

enum outcome { NEXT, PARTIAL, CLOSED, SWITCHED, REFUSED };

/* A message's body, behind its head. */
static enum outcome body(struct connection *c, enum http_framing framing, uint64_t length,
                         const char **code)
{
    struct http_chunk chunk = {0};
    enum parse_result result = PARSE_MORE;
    switch (framing) {
    case HTTP_FRAMING_NONE:
        return NEXT;
    case HTTP_FRAMING_CLOSE:
        c->at = c->len;
        return CLOSED;
    case HTTP_FRAMING_LENGTH:
        if (length > c->len - c->at)
            return PARTIAL;
        c->at += (size_t)length;
        return NEXT;
    case HTTP_FRAMING_CHUNKED:
        while (result == PARSE_MORE && c->at < c->len) {
            size_t consumed;
            struct span content;
            result = http_chunk_decode(&chunk, span_make(c->data + c->at, c->len - c->at),
                                       &consumed, &content);
            c->at += consumed;
        }
        *code = reason_code(c->kind == HTTP_REQUEST ? REASON_BAD_CHUNK : REASON_ANSWER_CHUNK);
        return result == PARSE_DONE ? NEXT : result == PARSE_MORE ? PARTIAL : REFUSED;
    }
    return NEXT;
}

/* One message; *code when it is refused. */
static enum outcome message(struct connection *c, const char **code)
{
    static struct http_request request;
    static struct http_response response;
    struct http_scan scan = {0};
    size_t size;
    enum reason why;
    const struct span in = span_make(c->data + c->at, c->len - c->at);
    enum parse_result result = http_scan(&scan, c->kind, in, &size, &why);
    char *head = c->data + c->at + scan.skipped;
    if (result == PARSE_DONE)
        result = c->kind == HTTP_REQUEST
                     ? http_request_parse(span_make(head, size - scan.skipped), &request, &why)
                     : http_response_parse(head, size, false, &response, &why);
    *code = reason_code(why);
    if (result != PARSE_DONE)
        return result == PARSE_MORE ? PARTIAL : REFUSED;

    c->at += size;
    const bool is_request = c->kind == HTTP_REQUEST;
    const enum outcome outcome =
        body(c, is_request ? request.framing : response.framing,
             is_request ? request.content_length : response.content_length, code);
    if (outcome != NEXT)
        return outcome;
    if (is_request ? request.wants_upgrade : response.status == 101)
        return SWITCHED;
    return (is_request ? request.keep_alive : response.keep_alive) ? NEXT : CLOSED;
}

static void judge(struct connection *c)
{
    enum outcome outcome = NEXT;
    const char *code = "";
    while (outcome == NEXT && c->at < c->len) {
        outcome = message(c, &code);
        c->messages += outcome == NEXT || outcome == CLOSED || outcome == SWITCHED;
    }
    const char *const words[] = {"complete", "partial", "closed", "switched", code};
    printf("%s %u\n", words[outcome], c->messages);
}

int main(void)
{
    char kind[16];
    size_t len;
    while (scanf("%15s %zu", kind, &len) == 2 && getchar() == '\n') {
        struct connection c = {
            .kind = strcmp(kind, "request") == 0 ? HTTP_REQUEST : HTTP_RESPONSE,
            .data = malloc(len + 1), /* owned */
            .len = len,
        };
        if (c.data == NULL || fread(c.data, 1, len, stdin) != len) {
            fprintf(stderr, "http-verdict: a record is cut short, or memory is\n");
            return 1;
        }
        judge(&c);
        free(c.data);
    }
    return 0;
}
