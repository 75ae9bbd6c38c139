/* This module makes a request of what the command line of `portico explain` says. */
#include "cli/question.h"

#include <stdio.h>
#include <string.h>

#define CLIENT_DEFAULT "192.0.2.1" /* of those that belong to nobody (RFC 5737) */

static bool has_line_break(const char *text)
{
    return strpbrk(text, "\r\n") != NULL;
}

/* The fields that were given, and Host unless it is one of them. */
static int append_fields(struct question *question, const char *const *fields)
{
    bool has_host = false;
    for (const char *const *field = fields; *field; field++) {
        if (has_line_break(*field) || strchr(*field, ':') == NULL)
            return cli_usage("--header is not 'Name: value' on one line", *field);
        has_host = has_host || span_eq_nocase(span_first(span_str(*field), 5), SPAN("host:"));
    }
    if (!has_host) {
        buf_append_str(&question->head, "Host: ");
        buf_append_span(&question->head, question->url.authority);
        buf_append_str(&question->head, "\r\n");
    }
    for (; *fields; fields++) {
        buf_append_str(&question->head, *fields);
        buf_append_str(&question->head, "\r\n");
    }
    return 0;
}

static int write_head(struct question *question, const char *const *fields)
{
    const struct http_url *url = &question->url;
    struct buf *head = &question->head;
    buf_append_str(head, question->method);
    buf_append_str(head, " ");
    if (url->target.len == 0 || url->target.data[0] != '/')
        buf_append_str(head, "/");
    buf_append_span(head, url->target);
    buf_append_str(head, " HTTP/1.1\r\n");
    if (append_fields(question, fields) < 0)
        return -1;
    if (url->is_websocket) /* with the key of RFC 6455, 1.3 */
        buf_append_str(head, "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                             "Sec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
    buf_append_str(head, "\r\n");
    return head->failed ? cli_usage("the request is too large", question->text) : 0;
}

int question_read(const struct cli_call *call, struct question *question)
{
    const char *from = call->from ? call->from : CLIENT_DEFAULT;
    char quoted[ERR_QUOTE];
    struct err err = {0};
    *question =
        (struct question){.method = call->method ? call->method : "GET", .text = call->word};
    if (call->word == NULL)
        return cli_usage("explain needs a URL", "such as https://app.example.com/");
    if (http_url_parse(span_str(call->word), &question->url, &err) < 0) {
        fprintf(stderr, "portico: explain: the URL \"%s\" %s%s%s\n",
                err_quote(span_str(call->word), quoted), err.message,
                err.hint[0] ? "\n  hint: " : "", err.hint);
        return -1;
    }
    if (has_line_break(question->method))
        return cli_usage("--method is not one word", question->method);
    if (!address_parse_ip(span_str(from), 0, &question->client))
        return cli_usage("--from is no IP address", from);
    return write_head(question, call->fields);
}
