/* Feeding heads to the parser in every way a network might: whole, a byte at a time, and
 * against a guard page. All ways must come to the same verdict, or the test fails. */
#ifndef PORTICO_TEST_HTTP_FEED_H
#define PORTICO_TEST_HTTP_FEED_H

#include "http/http_head.h"

/* What a head came to. */
struct http_verdict {
    enum parse_result result; /* of scan and parser together */
    enum reason why;
    size_t size;    /* PARSE_DONE: of the head, leading empty lines included */
    size_t skipped; /* the leading empty lines */
    size_t seen;    /* bytes that had arrived when the verdict fell, fed one at a time */
};

/* The request's spans point into `in`. */
struct http_verdict feed_request(struct span in, struct http_request *request);

/* The response's spans point into memory that is valid until the next call. */
struct http_verdict feed_response(struct span in, bool request_is_head,
                                  struct http_response *response);

#endif
