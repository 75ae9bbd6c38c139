/* A head of HTTP/1 is a request line or a status line, and fields (RFC 9112; rows H01-H04,
 * H09-H11, H13, H14 and H26 of the table in src/README.md).
 *
 * Two steps. http_scan finds the end of a head while it arrives, in one pass over the bytes
 * however small the pieces, and refuses what is certain to be wrong as soon as it can be seen.
 * Then http_request_parse or http_response_parse takes the complete head apart, once. All
 * spans point into the caller's bytes.
 *
 * Requests are held to the letter, since whatever is ambiguous can be smuggled; answers come
 * from appliances of the operator's own and are read more kindly where that is safe. Pure: no
 * sockets, no clock, no allocation, no state but what is passed in. */
#ifndef PORTICO_HTTP_HTTP_HEAD_H
#define PORTICO_HTTP_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/reason.h"
#include "base/span.h"

enum parse_result { PARSE_DONE, PARSE_MORE, PARSE_BAD };

#define HTTP_HEAD_MAX   65536u /* bytes, first line to empty line */
#define HTTP_METHOD_MAX 64u
#define HTTP_TARGET_MAX 16384u
#define HTTP_FIELDS_MAX 200u

enum http_kind { HTTP_REQUEST, HTTP_RESPONSE };

/* Progress of http_scan over one head; zero it to begin. */
struct http_scan {
    uint32_t at;      /* bytes looked at */
    uint32_t line;    /* where the current line begins */
    uint32_t lines;   /* complete lines, leading empty ones not counted */
    uint32_t skipped; /* leading empty lines, in bytes (requests only: H26) */
};

/* Looks at the bytes of `in` that are new since the last call with the same scan (`in` begins
 * at the same byte each time). PARSE_DONE: the head ends at *size, leading empty lines
 * included; it begins at scan->skipped. PARSE_BAD: *why says what to answer. */
enum parse_result http_scan(struct http_scan *scan, enum http_kind kind, struct span in,
                            size_t *size, enum reason *why);

struct http_field {
    struct span name;  /* as received; compare without regard to case */
    struct span value; /* without white space around it */
};

enum http_framing {
    HTTP_FRAMING_NONE,    /* no body */
    HTTP_FRAMING_LENGTH,  /* exactly content_length bytes */
    HTTP_FRAMING_CHUNKED, /* RFC 9112, 7.1 */
    HTTP_FRAMING_CLOSE    /* answers only: until the connection ends */
};

struct http_request {
    struct span method;      /* a token of at most HTTP_METHOD_MAX bytes; case-sensitive */
    struct span target;      /* exactly as received */
    struct span version;     /* likewise, "HTTP/1.1"; empty when there is none */
    struct span authority;   /* what routing and Host go by: Host's value, or the authority of an
                                absolute-form target (H05); empty in HTTP/1.0 without Host */
    struct span host;        /* the authority without port and trailing dot; case as received;
                                IPv6 literals without brackets */
    struct span origin_form; /* what goes upstream: the target; of an absolute-form target its
                                path and query ("/" if empty, "*" for OPTIONS without path); an
                                empty path before a query stays empty: "?query" */
    unsigned minor;          /* HTTP/1.minor; above 1 counts as 1 */
    enum http_framing framing;
    uint64_t content_length;
    bool keep_alive;      /* RFC 9112, 9.3 */
    bool expect_continue; /* Expect: 100-continue, in HTTP/1.1 with a body */
    bool is_head;         /* HEAD */
    bool is_idempotent;   /* RFC 9110, 9.2.2: GET HEAD OPTIONS PUT DELETE (TRACE is refused) */
    bool wants_upgrade;   /* Connection: upgrade and an Upgrade other than h2c, in HTTP/1.1 */
    unsigned field_count;
    struct http_field fields[HTTP_FIELDS_MAX];
};

/* Takes a complete head apart (from scan.skipped to the size that http_scan gave). PARSE_DONE,
 * or PARSE_BAD with *why. Even then method, target and fields are filled as far as they were
 * understood, for the log. */
enum parse_result http_request_parse(struct span head, struct http_request *request,
                                     enum reason *why);

struct http_response {
    unsigned status;    /* 100-999 */
    struct span phrase; /* may be empty */
    unsigned minor;
    enum http_framing framing; /* given the request's method: H29 */
    uint64_t content_length;   /* also when the framing is NONE for HEAD or 304, for the log */
    bool keep_alive;
    unsigned keep_alive_timeout; /* seconds of "Keep-Alive: timeout=n"; 0 when not given */
    unsigned field_count;
    struct http_field fields[HTTP_FIELDS_MAX];
};

/* Takes a complete answer's head apart. `head` is modified: obs-fold becomes one space, in
 * place (H10). `request_is_head`: the answer has no body (H29). PARSE_BAD: *why is
 * UPSTREAM_ANSWER. */
enum parse_result http_response_parse(char *head, size_t len, bool request_is_head,
                                      struct http_response *response, enum reason *why);

/* The first field of that name, or NULL. */
const struct http_field *http_field_find(const struct http_field *fields, unsigned count,
                                         struct span name);

/* Is `s` a token (RFC 9110, 5.6.2), at least one byte? */
bool http_is_token(struct span s);

#endif
