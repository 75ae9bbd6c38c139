/* The heads that go out, compared byte for byte. Test names carry the rows of the HTTP table
 * that they are about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/thread.h"
#include "proxy/forward.h"

#define HOST   "Host: app.test\r\n"
#define GET    "GET / HTTP/1.1\r\n" HOST
#define ID     "X-Request-Id: ID\r\n"
#define CLIENT "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\n"
#define SAID   CLIENT "X-Forwarded-Host: app.test\r\nX-Real-IP: 192.0.2.7\r\n" ID "\r\n"

static struct forward_client client_of(const char *ip, bool trusted, bool secure)
{
    struct forward_client client = {.trusted = trusted, .secure = secure};
    assert_true(address_parse_ip(span_str(ip), 40000, &client.address));
    return client;
}

static struct forward_client stranger(void)
{
    return client_of("192.0.2.7", false, false);
}

static struct forward_client friend(void)
{
    return client_of("192.0.2.7", true, false);
}

static void parse_span(struct span head, struct http_request *request)
{
    enum reason why;
    if (http_request_parse(head, request, &why) != PARSE_DONE)
        fail_msg("%s: " SPAN_FMT, reason_code(why), SPAN_ARG(head));
}

static void parse(const char *head, struct http_request *request)
{
    parse_span(span_str(head), request);
}

/* What is in `buf`, as a C string until the next call; the buffer is released. */
static const char *take(struct buf *buf)
{
    static char text[BUF_MAX + 1];
    assert_false(buf->failed);
    assert_true(span_copy(buf_span(buf), text, sizeof text));
    buf_release(buf);
    return text;
}

static const char *forward(const char *head, struct forward_client client)
{
    struct http_request request;
    struct buf out = {0};
    parse(head, &request);
    forward_request(&out, &request, &client, SPAN("route.test"), SPAN(""), SPAN("ID"));
    return take(&out);
}

/* The route's Authorization takes the place of the client's, whatever its case and Connection say;
 * without one, the client's is passed on. */
static void the_routes_authorization(void **state)
{
    (void)state;
    struct http_request request;
    struct buf out = {0};
    struct forward_client client = stranger();
    parse("GET / HTTP/1.1\r\nHost: app.test\r\nAuthorization: Basic mine\r\n"
          "AUTHORIZATION: again\r\nProxy-Authorization: x\r\nX-Authorization: y\r\n"
          "Connection: authorization\r\n\r\n",
          &request);
    forward_request(&out, &request, &client, SPAN("h"), SPAN("Bearer ours"), SPAN("ID"));
    const char *text = take(&out);
    assert_non_null(strstr(text, "\r\nAuthorization: Bearer ours\r\n"));
    assert_non_null(strstr(text, "\r\nX-Authorization: y\r\n"));
    assert_null(strstr(text, "mine"));
    assert_null(strstr(text, "again"));
    assert_null(strstr(text, "Proxy-"));
    assert_non_null(
        strstr(forward("GET / HTTP/1.1\r\nHost: a\r\nauthorization: mine\r\n\r\n", stranger()),
               "\r\nauthorization: mine\r\n"));
}

static void assert_forwards(const char *head, const char *expected)
{
    assert_string_equal(forward(head, stranger()), expected);
}

/* --- requests ----------------------------------------------------------------------------- */

static void as_it_came(void **state)
{
    (void)state;
    assert_forwards(
        "GET /a%2Fb//../c?d=%zz&e HTTP/1.1\r\nhOsT: app.test\r\n"
        "Cookie:a=1;  b=2\r\nX-Empty:\r\ncookie: again\r\nX-Odd: \xff\t\"\\\r\n\r\n",
        "GET /a%2Fb//../c?d=%zz&e HTTP/1.1\r\n" HOST
        "Cookie: a=1;  b=2\r\nX-Empty: \r\ncookie: again\r\nX-Odd: \xff\t\"\\\r\n" SAID);
    assert_forwards("PROPFIND / HTTP/1.1\r\n" HOST "Depth: 1\r\n\r\n",
                    "PROPFIND / HTTP/1.1\r\n" HOST "Depth: 1\r\n" SAID);
    assert_forwards("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "OPTIONS * HTTP/1.1\r\n" HOST SAID);
}

static void absolute_form_h05(void **state)
{
    (void)state;
    assert_forwards("GET http://app.test/x?y HTTP/1.1\r\nHost: other.test\r\n\r\n",
                    "GET /x?y HTTP/1.1\r\n" HOST SAID);
    assert_forwards("GET http://app.test HTTP/1.1\r\nHost: app.test\r\n\r\n", GET SAID);
    assert_forwards("OPTIONS http://app.test HTTP/1.1\r\nHost: app.test\r\n\r\n",
                    "OPTIONS * HTTP/1.1\r\n" HOST SAID);
}

static void host_as_received_h06(void **state)
{
    (void)state;
    assert_forwards("GET / HTTP/1.1\r\nHost: APP.test.:8443\r\n\r\n",
                    "GET / HTTP/1.1\r\nHost: APP.test.:8443\r\n" CLIENT
                    "X-Forwarded-Host: APP.test.:8443\r\nX-Real-IP: 192.0.2.7\r\n" ID "\r\n");
    assert_forwards("GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n",
                    "GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n" CLIENT
                    "X-Forwarded-Host: [2001:db8::1]:80\r\nX-Real-IP: 192.0.2.7\r\n" ID "\r\n");
}

/* HTTP/1.0 may come without Host: the route's name is what it meant. */
static void without_host_h20(void **state)
{
    struct forward_client client = stranger();
    struct http_request request;
    struct buf out = {0};
    (void)state;
    assert_forwards("GET / HTTP/1.0\r\n\r\n",
                    "GET / HTTP/1.1\r\nHost: route.test\r\n" CLIENT
                    "X-Forwarded-Host: route.test\r\nX-Real-IP: 192.0.2.7\r\n" ID "\r\n");
    parse("GET / HTTP/1.0\r\n\r\n", &request);
    forward_request(&out, &request, &client, SPAN("2001:db8::1"), SPAN(""), SPAN("ID"));
    assert_string_equal(take(&out),
                        "GET / HTTP/1.1\r\nHost: [2001:db8::1]\r\n" CLIENT
                        "X-Forwarded-Host: [2001:db8::1]\r\nX-Real-IP: 192.0.2.7\r\n" ID "\r\n");
}

static void expect_h15(void **state)
{
    (void)state;
    assert_forwards("PUT / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n",
                    "PUT / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n" SAID);
    /* It cannot be named away: a client that waits for 100 would wait for nothing. */
    assert_forwards("PUT / HTTP/1.1\r\n" HOST "Connection: expect\r\nExpect: 100-continue\r\n"
                    "Content-Length: 3\r\n\r\n",
                    "PUT / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n" SAID);
    assert_forwards("PUT / HTTP/1.0\r\n" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n",
                    "PUT / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n" SAID);
}

static void hop_by_hop_h16(void **state)
{
    (void)state;
    assert_forwards(GET "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nA: 1\r\n"
                        "Proxy-Connection: keep-alive\r\nTE: trailers, gzip\r\nTrailer: X-Sum\r\n"
                        "Proxy-Authorization: Basic eDp5\r\nProxy-Authenticate: Basic\r\n"
                        "HTTP2-Settings: AAMAAABk\r\nUpgrade: websocket\r\nB: 2\r\n\r\n",
                    GET "A: 1\r\nB: 2\r\n" SAID);
    /* What only looks like them goes on. */
    assert_forwards(GET "Keep-Alives: 1\r\nTEa: 1\r\nUpgrade-Insecure-Requests: 1\r\n"
                        "Connections: 1\r\nHosts: 1\r\nExpected: 1\r\nForwarder: 1\r\n\r\n",
                    GET "Keep-Alives: 1\r\nTEa: 1\r\nUpgrade-Insecure-Requests: 1\r\n"
                        "Connections: 1\r\nHosts: 1\r\nExpected: 1\r\nForwarder: 1\r\n" SAID);
}

static void named_by_connection_h16(void **state)
{
    (void)state;
    /* Named before and after it comes, in any case, in several fields, among empty members. */
    assert_forwards(GET "X-One: 1\r\nConnection: close, X-ONE ,,\tx-two,\r\nx-One: again\r\n"
                        "X-Two: 2\r\nCONNECTION: x-three\r\nX-Three: 3\r\nX-Four: 4\r\n\r\n",
                    GET "X-Four: 4\r\n" SAID);
    /* Not a list of prefixes. */
    assert_forwards(GET "Connection: X-On, X-One-More\r\nX-One: 1\r\n\r\n",
                    GET "X-One: 1\r\n" SAID);
}

static void protected_from_connection_h16(void **state)
{
    (void)state;
    assert_forwards("POST / HTTP/1.1\r\n" HOST "Connection: Host, Content-Length\r\n"
                    "Content-Length: 3\r\n\r\n",
                    "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n" SAID);
    assert_forwards("POST / HTTP/1.1\r\n" HOST "Connection: Transfer-Encoding\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n",
                    "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n" SAID);
    assert_forwards(GET "Connection: X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, "
                        "X-Real-IP, X-Request-Id, Forwarded\r\n\r\n",
                    GET SAID);
    assert_string_equal(
        forward(GET "Connection: X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, X-Real-IP, "
                    "Forwarded, X-Forwarded-Port\r\nX-Forwarded-For: 198.51.100.1\r\n"
                    "X-Forwarded-Proto: https\r\nX-Forwarded-Host: a.test\r\n"
                    "X-Real-IP: 198.51.100.1\r\nForwarded: for=198.51.100.1\r\n"
                    "X-Forwarded-Port: 443\r\n\r\n",
                friend()),
        GET "X-Forwarded-Proto: https\r\nX-Forwarded-Host: a.test\r\nX-Real-IP: 198.51.100.1\r\n"
            "X-Forwarded-Port: 443\r\nX-Forwarded-For: 198.51.100.1, 192.0.2.7\r\n"
            "Forwarded: for=198.51.100.1, for=192.0.2.7;proto=http;host=\"app.test\"\r\n" ID
            "\r\n");
}

/* As many members as fit into a head: the work is bounded, and the fields that are named
 * first are gone. */
static void crowded_connection_h16(void **state)
{
    static char head[65536];
    (void)state;
    size_t len = (size_t)snprintf(head, sizeof head, GET "X-First: 1\r\nConnection: x-first");
    while (len < sizeof head - 64)
        len += (size_t)snprintf(head + len, sizeof head - len, ",x%zu", len);
    snprintf(head + len, sizeof head - len, "\r\nX-Kept: 1\r\n\r\n");
    assert_forwards(head, GET "X-Kept: 1\r\n" SAID);
}

static void upgrade_h17(void **state)
{
    (void)state;
    assert_forwards(GET "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n",
                    GET
                    "Sec-WebSocket-Key: k\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" SAID);
    assert_forwards(GET "Connection: keep-alive, upgrade\r\nUpgrade: h2c, WebSocket, H2C,\r\n"
                        "HTTP2-Settings: AAMAAABk\r\nUpgrade: IRC/6.9\r\n\r\n",
                    GET "Connection: Upgrade\r\nUpgrade: WebSocket, IRC/6.9\r\n" SAID);
    assert_forwards(GET "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                        "HTTP2-Settings: AAMAAABk\r\n\r\n",
                    GET SAID);
    assert_forwards("GET / HTTP/1.0\r\n" HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
                    GET SAID);
}

static void framing_h19(void **state)
{
    (void)state;
    assert_forwards("POST / HTTP/1.1\r\n" HOST "transfer-encoding: Chunked\r\nTrailer: A\r\n\r\n",
                    "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n" SAID);
    assert_forwards("POST / HTTP/1.1\r\n" HOST "content-length: 0\r\n\r\n",
                    "POST / HTTP/1.1\r\n" HOST "content-length: 0\r\n" SAID);
}

/* --- who the client is -------------------------------------------------------------------- */

static void a_strangers_claims_h18(void **state)
{
    static const char *const claims[] = {
        "X-Forwarded-For",    "X-Forwarded-Proto",  "X-Forwarded-Host",  "X-Forwarded-Port",
        "X-Forwarded-Server", "X-Forwarded-Ssl",    "X-Forwarded-By",    "X-Forwarded-Prefix",
        "X-Forwarded-Proxy",  "X-Forwarded",        "X-Real-IP",         "Forwarded",
        "x-forwarded-for",    "X-FORWARDED-FOR",    "X_Forwarded_For",   "X-Forwarded_For",
        "X_Forwarded-Proto",  "x_forwarded_host",   "X_FORWARDED_PORT",  "X_Real_IP",
        "X-Real_IP",          "x_real-ip",          "FORWARDED",         "X_Request_Id",
        "X_Forwarded",        "X-Forwarded-",       "X_Forwarded_Forth", "X-Forwarded-For-Real",
        "X-Forwarded-Scheme", "X-Forwarded_Server", "X-Request-Id"};
    char head[256];
    (void)state;
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        snprintf(head, sizeof head, GET "A: 1\r\n%s: 198.51.100.1\r\nB: 2\r\n\r\n", claims[i]);
        assert_forwards(head, GET "A: 1\r\nB: 2\r\n" SAID);
    }
}

static void other_fields_are_not_claims_h18(void **state)
{
    (void)state;
    assert_forwards(GET "X-Real-IPs: 1\r\nX-Forward: 1\r\nNot-Forwarded: 1\r\nX_Any_Thing: 1\r\n"
                        "Via: 1.1 other\r\nX-Requested-With: y\r\n\r\n",
                    GET "X-Real-IPs: 1\r\nX-Forward: 1\r\nNot-Forwarded: 1\r\nX_Any_Thing: 1\r\n"
                        "Via: 1.1 other\r\nX-Requested-With: y\r\n" SAID);
}

static void over_tls_and_ipv6(void **state)
{
    (void)state;
    assert_string_equal(forward(GET "\r\n", client_of("2001:db8::7", false, true)),
                        GET "X-Forwarded-For: 2001:db8::7\r\nX-Forwarded-Proto: https\r\n"
                            "X-Forwarded-Host: app.test\r\nX-Real-IP: 2001:db8::7\r\n" ID "\r\n");
    /* IPv4-mapped is IPv4. */
    assert_string_equal(forward(GET "\r\n", client_of("::ffff:192.0.2.7", false, false)), GET SAID);
}

static void a_friends_word_h18(void **state)
{
    (void)state;
    /* It says nothing: as for anybody. */
    assert_string_equal(forward(GET "\r\n", friend()), GET SAID);
    /* It says everything. */
    assert_string_equal(
        forward(GET "X-Forwarded-For: 198.51.100.1, 203.0.113.9\r\nX-Forwarded-Proto: https\r\n"
                    "X-Forwarded-Host: public.test\r\nX-Real-IP: 198.51.100.1\r\n"
                    "X-Forwarded-Port: 443\r\n\r\n",
                friend()),
        GET "X-Forwarded-Proto: https\r\nX-Forwarded-Host: public.test\r\n"
            "X-Real-IP: 198.51.100.1\r\nX-Forwarded-Port: 443\r\n"
            "X-Forwarded-For: 198.51.100.1, 203.0.113.9, 192.0.2.7\r\n" ID "\r\n");
    /* Several fields are one list, in order; empty ones say nothing. */
    assert_string_equal(forward(GET
                                "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-Proto:\r\nA: 1\r\n"
                                "x-forwarded-for:\r\nX-Real-IP:\r\nX-Forwarded-Host: \r\n"
                                "x-forwarded-FOR: 203.0.113.9\r\n\r\n",
                                friend()),
                        GET "A: 1\r\nX-Forwarded-For: 198.51.100.1, 203.0.113.9, 192.0.2.7\r\n"
                            "X-Forwarded-Proto: http\r\nX-Forwarded-Host: app.test\r\n"
                            "X-Real-IP: 203.0.113.9\r\n" ID "\r\n");
}

static void underscores_from_a_friend_h18(void **state)
{
    (void)state;
    assert_string_equal(forward(GET "X_Forwarded_For: 198.51.100.1\r\nX-Real_IP: 198.51.100.1\r\n"
                                    "X_Forwarded_Proto: https\r\n\r\n",
                                friend()),
                        GET SAID);
}

/* X-Real-IP, when the trusted proxy did not say it: the client that it named last. */
static void real_ip_h18(void **state)
{
    static const struct {
        const char *said, *real;
    } cases[] = {
        {"198.51.100.1", "198.51.100.1"}, {"203.0.113.9, 198.51.100.1,", "198.51.100.1"},
        {"2001:DB8::9", "2001:db8::9"},   {"[2001:db8::9]", "2001:db8::9"},
        {"unknown", "192.0.2.7"},         {"198.51.100.1:4711", "192.0.2.7"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char head[256], expected[512];
        snprintf(head, sizeof head, GET "X-Forwarded-For: %s\r\n\r\n", cases[i].said);
        snprintf(expected, sizeof expected, "\r\nX-Real-IP: %s\r\n", cases[i].real);
        assert_non_null(strstr(forward(head, friend()), expected));
        assert_non_null(strstr(forward(head, stranger()), "\r\nX-Real-IP: 192.0.2.7\r\n"));
    }
}

static void forwarded_h18(void **state)
{
    (void)state;
    assert_string_equal(forward(GET "Forwarded: for=198.51.100.1;proto=https\r\nA: 1\r\n"
                                    "forwarded: for=\"[2001:db8::9]:1\"\r\n\r\n",
                                client_of("2001:db8::7", true, true)),
                        GET "A: 1\r\nX-Forwarded-For: 2001:db8::7\r\nX-Forwarded-Proto: https\r\n"
                            "X-Forwarded-Host: app.test\r\nX-Real-IP: 2001:db8::7\r\n"
                            "Forwarded: for=198.51.100.1;proto=https, for=\"[2001:db8::9]:1\", "
                            "for=\"[2001:db8::7]\";proto=https;host=\"app.test\"\r\n" ID "\r\n");
    /* What it says of the scheme is said in the other form, too. */
    assert_string_equal(forward(GET "Forwarded: for=198.51.100.1;proto=https\r\n\r\n", friend()),
                        GET "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n"
                            "X-Forwarded-Host: app.test\r\nX-Real-IP: 192.0.2.7\r\n"
                            "Forwarded: for=198.51.100.1;proto=https, "
                            "for=192.0.2.7;proto=http;host=\"app.test\"\r\n" ID "\r\n");
    assert_string_equal(forward(GET "Forwarded:\r\n\r\n", friend()), GET SAID);
}

static bool is_secure(const char *fields, bool trusted, bool secure)
{
    char head[1024];
    struct http_request request;
    struct forward_client client = client_of("192.0.2.7", trusted, secure);
    snprintf(head, sizeof head, GET "%s\r\n", fields);
    parse(head, &request);
    return forward_is_secure(&request, &client);
}

static void is_secure_h25(void **state)
{
    static const char *const yes[] = {
        "X-Forwarded-Proto: https\r\n",
        "x-forwarded-proto: HTTPS\r\n",
        "X-Forwarded-Proto: http, https\r\n",
        "X-Forwarded-Proto: http\r\nX-Forwarded-Proto: https\r\n",
        "X-Forwarded-Proto: https,\r\n",
        "Forwarded: proto=https\r\n",
        "Forwarded: for=192.0.2.1;Proto=HTTPS;by=x\r\n",
        "Forwarded: for=192.0.2.1 ; proto=\"https\"\r\n",
        "Forwarded: proto=http, for=a;proto=https\r\n",
        "Forwarded: proto=http\r\nForwarded: proto=https\r\n",
        "Forwarded: for=\"a,b;\\\"c\";proto=https\r\n",
    };
    static const char *const no[] = {
        "",
        "X-Forwarded-Proto: http\r\n",
        "X-Forwarded-Proto: https, http\r\n",
        "X-Forwarded-Proto: httpsx\r\n",
        "X-Forwarded-Proto:\r\n",
        "X_Forwarded_Proto: https\r\n",
        "X-Forwarded-For: https\r\n",
        "Forwarded: proto=https, proto=http\r\n",
        "Forwarded: for=\"x;proto=https\"\r\n",
        "Forwarded: for=\"x,proto=https\"\r\n",
        "Forwarded: for=\"x\\\",proto=https\r\n",
        "Forwarded: for=\"unfinished\\\r\n",
        "Forwarded: xproto=https\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        assert_true(is_secure(yes[i], true, false));
        assert_false(is_secure(yes[i], false, false)); /* a stranger's word is nothing */
    }
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++) {
        assert_false(is_secure(no[i], true, false));
        assert_false(is_secure(no[i], false, false));
        assert_true(is_secure(no[i], true, true));
        assert_true(is_secure(no[i], false, true));
    }
}

/* --- the request id ----------------------------------------------------------------------- */

static void request_id_of(const char *fields, char out[REQUEST_ID_MAX + 1])
{
    char head[1024];
    struct http_request request;
    snprintf(head, sizeof head, GET "%s\r\n", fields);
    parse(head, &request);
    forward_request_id(&request, out);
}

static bool is_made(const char *id)
{
    return strlen(id) == 32 && strspn(id, "0123456789abcdef") == 32;
}

static void request_id_kept(void **state)
{
    char id[REQUEST_ID_MAX + 1], fields[512], longest[REQUEST_ID_MAX + 1];
    (void)state;
    request_id_of("X-Request-ID: a\r\n", id);
    assert_string_equal(id, "a");
    request_id_of("x-request-id: f81d4fae-7dec-11d0/~!<&>=\r\n", id);
    assert_string_equal(id, "f81d4fae-7dec-11d0/~!<&>=");
    memset(longest, 'x', REQUEST_ID_MAX);
    longest[REQUEST_ID_MAX] = '\0';
    snprintf(fields, sizeof fields, "X-Request-Id: %s\r\n", longest);
    request_id_of(fields, id);
    assert_string_equal(id, longest);
    snprintf(fields, sizeof fields, "X-Request-Id: %sx\r\n", longest);
    request_id_of(fields, id);
    assert_true(is_made(id));
}

static void request_id_made(void **state)
{
    static const char *const fields[] = {
        "",
        "X-Request-Id:\r\n",
        "X-Request-Id: a b\r\n",
        "X-Request-Id: a\tb\r\n",
        "X-Request-Id: \"a\"\r\n",
        "X-Request-Id: it's\r\n",
        "X-Request-Id: a\\b\r\n",
        "X-Request-Id: caf\xc3\xa9\r\n",
        "X_Request_Id: a\r\n",
    };
    char id[REQUEST_ID_MAX + 1];
    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        request_id_of(fields[i], id);
        assert_true(is_made(id));
    }
}

#define IDS 200 /* many times what is drawn from the kernel at once */

static void *make_ids(void *arg)
{
    char(*ids)[REQUEST_ID_MAX + 1] = arg;
    for (size_t i = 0; i < IDS; i++)
        request_id_of("", ids[i]);
    return NULL;
}

static void request_ids_differ(void **state)
{
    static char ids[2 * IDS][REQUEST_ID_MAX + 1];
    pthread_t thread;
    (void)state;
    assert_int_equal(thread_start(&thread, "other", make_ids, ids), 0);
    make_ids(ids + IDS);
    assert_int_equal(pthread_join(thread, NULL), 0);
    for (size_t i = 0; i < 2 * IDS; i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(ids[i], ids[k]);
}

/* --- answers ------------------------------------------------------------------------------ */

/* As the answer to HEAD if `is_head`; `framing` -1: as the parser says. */
static const char *answer(const char *head, bool is_head, unsigned minor, int framing,
                          enum forward_connection connection)
{
    static char copy[BUF_MAX];
    struct http_response response;
    struct buf out = {0};
    enum reason why;
    assert_true(span_copy(span_str(head), copy, sizeof copy));
    if (http_response_parse(copy, strlen(copy), is_head, &response, &why) != PARSE_DONE)
        fail_msg("%s: %s", reason_code(why), head);
    forward_response(&out, &response, minor,
                     framing == -1 ? response.framing : (enum http_framing)framing, connection);
    return take(&out);
}

static const char *usual_answer(const char *head)
{
    return answer(head, false, 1, -1, FORWARD_KEEP_ALIVE);
}

static void answer_as_it_came(void **state)
{
    (void)state;
    assert_string_equal(usual_answer("HTTP/1.1 200 Fine, thanks \xff\r\nServer: x\r\nDate: y\r\n"
                                     "Set-Cookie: a=1\r\nSet-Cookie:b=2\r\nX-Request-Id: its\r\n"
                                     "X-Forwarded-For: odd\r\nX_Forwarded_For: odd\r\n"
                                     "Forwarded: odd\r\nHost: odd\r\nExpect: odd\r\n"
                                     "Content-Length: 5\r\n\r\n"),
                        "HTTP/1.1 200 Fine, thanks \xff\r\nServer: x\r\nDate: y\r\n"
                        "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Request-Id: its\r\n"
                        "X-Forwarded-For: odd\r\nX_Forwarded_For: odd\r\n"
                        "Forwarded: odd\r\nHost: odd\r\nExpect: odd\r\n"
                        "Content-Length: 5\r\n\r\n");
    assert_string_equal(usual_answer("HTTP/1.0 299\r\nContent-Length: 0\r\n\r\n"),
                        "HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n");
}

static void answer_hop_by_hop_h16(void **state)
{
    (void)state;
    assert_string_equal(
        usual_answer("HTTP/1.1 401 No\r\nConnection: close, X-Gone, Content-Length\r\nA: 1\r\n"
                     "Keep-Alive: timeout=5\r\nProxy-Connection: close\r\nX-Gone: 1\r\n"
                     "Trailer: X\r\nUpgrade: h2,h2c\r\nProxy-Authenticate: Basic\r\nTE: x\r\n"
                     "WWW-Authenticate: Basic\r\nContent-Length: 5\r\n\r\n"),
        "HTTP/1.1 401 No\r\nA: 1\r\nWWW-Authenticate: Basic\r\nContent-Length: 5\r\n\r\n");
}

static void answer_connection_h20(void **state)
{
    const char *head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    (void)state;
    assert_string_equal(answer(head, false, 1, -1, FORWARD_CLOSE),
                        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n");
    assert_string_equal(answer(head, false, 0, -1, FORWARD_CLOSE),
                        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n");
    assert_string_equal(answer(head, false, 0, -1, FORWARD_KEEP_ALIVE),
                        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n");
}

/* A chunked answer for HTTP/1.0 goes out until the end, one without length as chunks. */
static void answer_framing_h20(void **state)
{
    (void)state;
    assert_string_equal(answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, 0,
                               HTTP_FRAMING_CLOSE, FORWARD_CLOSE),
                        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    assert_string_equal(answer("HTTP/1.0 200 OK\r\nA: 1\r\n\r\n", false, 1, HTTP_FRAMING_CHUNKED,
                               FORWARD_KEEP_ALIVE),
                        "HTTP/1.1 200 OK\r\nA: 1\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_string_equal(usual_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
                        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    /* A length that does not hold any more is not repeated. */
    assert_string_equal(answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, 1,
                               HTTP_FRAMING_CHUNKED, FORWARD_KEEP_ALIVE),
                        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_string_equal(answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, 0,
                               HTTP_FRAMING_CLOSE, FORWARD_CLOSE),
                        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
}

static void answer_without_body_h29(void **state)
{
    (void)state;
    assert_string_equal(
        answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true, 1, -1, FORWARD_KEEP_ALIVE),
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    assert_string_equal(answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true, 1, -1,
                               FORWARD_KEEP_ALIVE),
                        "HTTP/1.1 200 OK\r\n\r\n");
    assert_string_equal(usual_answer("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
                        "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n");
    assert_string_equal(usual_answer("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"),
                        "HTTP/1.1 204 No Content\r\n\r\n");
}

static void interim_answer_h15(void **state)
{
    (void)state;
    assert_string_equal(usual_answer("HTTP/1.1 100 Continue\r\n\r\n"),
                        "HTTP/1.1 100 Continue\r\n\r\n");
    assert_string_equal(usual_answer("HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n"
                                     "Connection: keep-alive\r\nContent-Length: 0\r\n\r\n"),
                        "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n");
}

static void switching_protocols_h17(void **state)
{
    (void)state;
    assert_string_equal(
        answer("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n"
               "Connection: upgrade, X-Gone\r\nX-Gone: 1\r\nSec-WebSocket-Accept: a\r\n"
               "Content-Length: 0\r\n\r\n",
               false, 1, HTTP_FRAMING_NONE, FORWARD_UPGRADE),
        "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: a\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
}

/* --- when there is no room ---------------------------------------------------------------- */

static void failure_is_told(void **state)
{
    static char head[65536];
    struct http_request request;
    struct http_response response = {.status = 200};
    struct forward_client client = stranger();
    (void)state;

    /* A buffer that has failed before stays as it was. */
    struct buf out = {0};
    buf_append_str(&out, "before");
    out.failed = true;
    parse(GET "\r\n", &request);
    forward_request(&out, &request, &client, SPAN("h"), SPAN(""), SPAN("ID"));
    forward_response(&out, &response, 1, HTTP_FRAMING_NONE, FORWARD_CLOSE);
    assert_true(out.failed);
    assert_int_equal(buf_len(&out), 6);
    buf_release(&out);

    /* The largest head that is accepted fits, and so does what is added to it. */
    size_t len = (size_t)snprintf(head, sizeof head, GET "X-Forwarded-For: ");
    memset(head + len, 'a', sizeof head - len - 4);
    memcpy(head + sizeof head - 4, "\r\n\r\n", 4);
    client.trusted = true;
    parse_span(span_make(head, sizeof head), &request);
    forward_request(&out, &request, &client, SPAN("h"), SPAN(""), SPAN("ID"));
    assert_false(out.failed);
    assert_true(buf_len(&out) > sizeof head);

    /* Three of them do not. */
    forward_request(&out, &request, &client, SPAN("h"), SPAN(""), SPAN("ID"));
    forward_request(&out, &request, &client, SPAN("h"), SPAN(""), SPAN("ID"));
    assert_true(out.failed);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_routes_authorization),
        cmocka_unit_test(as_it_came),
        cmocka_unit_test(absolute_form_h05),
        cmocka_unit_test(host_as_received_h06),
        cmocka_unit_test(without_host_h20),
        cmocka_unit_test(expect_h15),
        cmocka_unit_test(hop_by_hop_h16),
        cmocka_unit_test(named_by_connection_h16),
        cmocka_unit_test(protected_from_connection_h16),
        cmocka_unit_test(crowded_connection_h16),
        cmocka_unit_test(upgrade_h17),
        cmocka_unit_test(framing_h19),
        cmocka_unit_test(a_strangers_claims_h18),
        cmocka_unit_test(other_fields_are_not_claims_h18),
        cmocka_unit_test(over_tls_and_ipv6),
        cmocka_unit_test(a_friends_word_h18),
        cmocka_unit_test(underscores_from_a_friend_h18),
        cmocka_unit_test(real_ip_h18),
        cmocka_unit_test(forwarded_h18),
        cmocka_unit_test(is_secure_h25),
        cmocka_unit_test(request_id_kept),
        cmocka_unit_test(request_id_made),
        cmocka_unit_test(request_ids_differ),
        cmocka_unit_test(answer_as_it_came),
        cmocka_unit_test(answer_hop_by_hop_h16),
        cmocka_unit_test(answer_connection_h20),
        cmocka_unit_test(answer_framing_h20),
        cmocka_unit_test(answer_without_body_h29),
        cmocka_unit_test(interim_answer_h15),
        cmocka_unit_test(switching_protocols_h17),
        cmocka_unit_test(failure_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
