/* net/tls against OpenSSL's own client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "net/tls.h"
#include "net/tls_identity.h"
#include "tls_peer.h"

/* ---- the world: two hosts, and what the lookup was asked ---------------------------------- */

struct world {
    struct tls_server *tls;
    struct tls_identity *a, *b; /* a.test and b.test */
    bool b_is_gone;
    unsigned waits; /* so many times more the certificate is not loaded yet */
    const struct room_ticket *last_ticket;
    unsigned lookups;
    bool last_had_name;
    char last_name[300];
    struct address last_local;
};

static struct tls_identity *lookup(void *arg, const char *name, const struct address *local,
                                   const struct room_ticket *ticket)
{
    struct world *world = arg;
    world->last_ticket = ticket;
    world->lookups++;
    world->last_local = *local;
    world->last_had_name = name != NULL;
    snprintf(world->last_name, sizeof world->last_name, "%s", name ? name : "");
    if (world->waits > 0) {
        world->waits--;
        errno = EAGAIN;
        return NULL;
    }
    if (name == NULL || strcmp(name, "a.test") == 0)
        return tls_identity_ref(world->a);
    if (strcmp(name, "b.test") == 0 && !world->b_is_gone)
        return tls_identity_ref(world->b);
    return NULL;
}

/* For several threads at once: it writes nothing down. */
static struct tls_identity *lookup_b(void *arg, const char *name, const struct address *local,
                                     const struct room_ticket *ticket)
{
    struct world *world = arg;
    (void)name, (void)local, (void)ticket;
    return tls_identity_ref(world->b);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    world->a = tls_peer_make_identity("a.test");
    world->b = tls_peer_make_identity("b.test");
    world->tls = tls_server_new(lookup, world, NULL);
    *state = world;
    return world->tls == NULL;
}

static int teardown(void **state)
{
    struct world *world = *state;
    tls_server_free(world->tls);
    tls_identity_unref(world->a);
    tls_identity_unref(world->b);
    free(world);
    tls_thread_release();
    return 0;
}

/* One connection with both its ends. */
struct link {
    struct stream server;
    SSL_CTX *ctx; /* borrowed */
    SSL *client;
};

static struct link link_open(struct world *world, SSL_CTX *ctx, const char *sni)
{
    int fds[2];
    struct link link = {.ctx = ctx};
    tls_peer_tcp_pair(fds);
    stream_init(&link.server, fds[1]);
    assert_int_equal(tls_accept(world->tls, &link.server), 0);
    link.client = tls_peer_connect(ctx, fds[0], sni);
    return link;
}

static void link_close(struct link *link)
{
    int fd = SSL_get_fd(link->client);
    SSL_free(link->client);
    close(fd);
    stream_close(&link->server);
}

static void assert_certificate(SSL *client, const char *common_name)
{
    char text[64] = "";
    X509 *leaf = SSL_get1_peer_certificate(client);
    assert_non_null(leaf);
    X509_NAME_get_text_by_NID(X509_get_subject_name(leaf), NID_commonName, text, sizeof text);
    X509_free(leaf);
    assert_string_equal(text, common_name);
}

/* A request and an answer, to see that both directions work (and, in TLS 1.3, to let the
 * client have its ticket). */
static void assert_works(struct link *link)
{
    char data[8];
    int error;
    assert_int_equal(SSL_write(link->client, "ping", 4), 4);
    while (stream_read(&link->server, data, sizeof data) != 4)
        tls_peer_wait(link->server.fd, POLLIN);
    assert_memory_equal(data, "ping", 4);
    assert_int_equal(stream_write(&link->server, "pong", 4), 4);
    assert_int_equal(tls_peer_read(link->client, data, 4, &error), 4);
    assert_memory_equal(data, "pong", 4);
}

static struct tls_peer_result try_once(struct world *world, SSL_CTX *ctx, const char *sni)
{
    struct link link = link_open(world, ctx, sni);
    struct tls_peer_result r = tls_peer_handshake(&link.server, link.client);
    if (r.server == 0 && r.client == 1)
        assert_works(&link);
    link_close(&link);
    return r;
}

/* ---- names -------------------------------------------------------------------------------- */

static void the_name_chooses_the_certificate(void **state)
{
    static const char *const cases[][2] = {
        {"a.test", "a.test"}, {"b.test", "b.test"}, {"B.Test", "b.test"}, {"b.test.", "b.test"}};
    SSL_CTX *ctx = tls_peer_client_ctx(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct link link = link_open(*state, ctx, cases[i][0]);
        struct tls_peer_result r = tls_peer_handshake(&link.server, link.client);
        assert_int_equal(r.server, 0);
        assert_int_equal(r.client, 1);
        assert_certificate(link.client, cases[i][1]);
        assert_string_equal(tls_sni(&link.server), cases[i][1]);
        assert_string_equal(tls_version(&link.server), "TLSv1.3");
        assert_string_equal(tls_cipher(&link.server), SSL_get_cipher_name(link.client));
        assert_works(&link);
        link_close(&link);
    }
    SSL_CTX_free(ctx);
}

static void an_unknown_name_gets_the_alert(void **state)
{
    char name[256];
    memset(name, 'x', 255);
    name[255] = '\0';
    const char *const names[] = {"c.test", "a.test.evil", ".", name};
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX *ctx = tls_peer_client_ctx(version);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            struct tls_peer_result r = try_once(*state, ctx, names[i]);
            assert_int_equal(r.client, -1);
            assert_int_equal(r.alert, SSL_AD_UNRECOGNIZED_NAME);
            assert_int_equal(r.server, -1);
            assert_int_equal(r.server_errno, EPROTO);
            assert_int_equal(r.why, REASON_HANDSHAKE_NAME);
            assert_string_equal(r.detail, names[i]);
        }
        SSL_CTX_free(ctx);
    }
}

static void without_a_name_the_address_is_asked(void **state)
{
    struct world *world = *state;
    SSL_CTX *ctx = tls_peer_client_ctx(0);
    struct link link = link_open(world, ctx, NULL);
    assert_int_equal(tls_peer_handshake(&link.server, link.client).server, 0);
    assert_false(world->last_had_name);
    assert_int_equal(world->last_local.sa.any.sa_family, AF_INET);
    assert_int_equal(ntohl(world->last_local.sa.v4.sin_addr.s_addr), INADDR_LOOPBACK);
    assert_null(tls_sni(&link.server));
    link_close(&link);
    SSL_CTX_free(ctx);
}

/* A ClientHello as bytes, in which `from` was replaced by `to` (of the same length). */
static size_t forged_hello(SSL_CTX *ctx, const char *from, const char *to, char *out, size_t size)
{
    size_t len = strlen(from), total = 0;
    SSL *ssl = SSL_new(ctx);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_tlsext_host_name(ssl, "hello.test");
    SSL_set_connect_state(ssl);
    assert_int_equal(SSL_do_handshake(ssl), -1);
    assert_int_equal(BIO_read_ex(SSL_get_wbio(ssl), out, size, &total), 1);
    char *place = memmem(out, total, from, len);
    assert_non_null(place);
    memcpy(place, to, len);
    SSL_free(ssl);
    return total;
}

static void impossible_names_are_never_looked_up(void **state)
{
    static const struct {
        const char *to;
        enum reason why;
        int alert;
    } cases[] = {
        /* type, length and name; as sent: "\0" "\0\x0a" "hello.test" */
        {"\x00\x00\x0ahel\0o.test", REASON_HANDSHAKE_NAME, SSL_AD_UNRECOGNIZED_NAME},
        {"\x01\x00\x0ahello.test", REASON_HANDSHAKE_FAILED, SSL_AD_DECODE_ERROR},
        {"\x00\x00\x09hello.test", REASON_HANDSHAKE_FAILED, SSL_AD_DECODE_ERROR},
        {"\x00\x00\x0bhello.test", REASON_HANDSHAKE_FAILED, SSL_AD_DECODE_ERROR},
        {"\x00\xff\xffhello.test", REASON_HANDSHAKE_FAILED, SSL_AD_DECODE_ERROR},
    };
    struct world *world = *state;
    SSL_CTX *ctx = tls_peer_client_ctx(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char hello[4096], from[] = "hello.test", patched[10], answer[16];
        size_t len = forged_hello(ctx, from, from, hello, sizeof hello);
        char *name = memmem(hello, len, from, 10);
        memcpy(name - 3, cases[i].to, 13);
        memcpy(patched, name, sizeof patched);

        int fds[2];
        enum reason why = REASON_NONE;
        char detail[64];
        struct stream server;
        world->lookups = 0;
        tls_peer_tcp_pair(fds);
        stream_init(&server, fds[1]);
        assert_int_equal(tls_accept(world->tls, &server), 0);
        assert_int_equal(send(fds[0], hello, len, 0), len);
        tls_peer_wait(server.fd, POLLIN);
        assert_int_equal(tls_handshake(&server, NULL, &why, detail, sizeof detail), -1);
        assert_int_equal(errno, EPROTO);
        assert_int_equal(why, cases[i].why);
        assert_int_equal(world->lookups, 0);
        stream_close(&server);
        /* The alert arrives although the server has closed: record type 21, fatal. */
        tls_peer_wait(fds[0], POLLIN);
        assert_int_equal(recv(fds[0], answer, sizeof answer, 0), 7);
        assert_int_equal(answer[0], 21);
        assert_int_equal(answer[5], 2);
        assert_int_equal(answer[6], cases[i].alert);
        assert_int_equal(recv(fds[0], answer, sizeof answer, 0), 0);
        close(fds[0]);
    }
    SSL_CTX_free(ctx);
}

static void a_retried_hello_keeps_its_name(void **state)
{
    SSL_CTX *ctx = tls_peer_client_ctx(TLS1_3_VERSION);
    /* The client guesses a group that the server refuses, so a HelloRetryRequest follows. */
    assert_int_equal(SSL_CTX_set1_groups_list(ctx, "P-521:P-256"), 1);
    struct link link = link_open(*state, ctx, "b.test");
    struct tls_peer_result r = tls_peer_handshake(&link.server, link.client);
    assert_int_equal(r.server, 0);
    assert_certificate(link.client, "b.test");
    assert_string_equal(tls_sni(&link.server), "b.test");
    link_close(&link);

    link = link_open(*state, ctx, "b.test");
    assert_int_equal(SSL_do_handshake(link.client), -1);
    SSL_set_tlsext_host_name(link.client, "a.test");
    r = tls_peer_handshake(&link.server, link.client);
    assert_int_equal(r.server, -1);
    assert_int_equal(r.why, REASON_HANDSHAKE_FAILED);
    assert_int_equal(r.alert, SSL_AD_ILLEGAL_PARAMETER);
    link_close(&link);
    SSL_CTX_free(ctx);
}

/* ---- what is negotiated ------------------------------------------------------------------- */

static void versions(void **state)
{
    static const struct {
        int version;
        int server;
    } cases[] = {{TLS1_1_VERSION, -1}, {TLS1_2_VERSION, 0}, {TLS1_3_VERSION, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        SSL_CTX *ctx = tls_peer_client_ctx(cases[i].version);
        SSL_CTX_set_security_level(ctx, 0);
        struct tls_peer_result r = try_once(*state, ctx, "a.test");
        assert_int_equal(r.server, cases[i].server);
        if (r.server != 0) {
            assert_int_equal(r.alert, SSL_AD_PROTOCOL_VERSION);
            assert_int_equal(r.why, REASON_HANDSHAKE_FAILED);
            assert_string_equal(r.detail, "unsupported protocol");
        }
        SSL_CTX_free(ctx);
    }
}

static void suites(void **state)
{
    static const struct {
        const char *suite;
        int server;
    } cases[] = {
        {"ECDHE-ECDSA-AES128-GCM-SHA256", 0},
        {"ECDHE-ECDSA-AES256-GCM-SHA384", 0},
        {"ECDHE-ECDSA-CHACHA20-POLY1305", 0},
        {"ECDHE-ECDSA-AES128-SHA256", -1},
        {"ECDHE-ECDSA-AES256-SHA", -1},
        {"ECDHE-ECDSA-AES128-CCM", -1},
        {"AES128-GCM-SHA256", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        SSL_CTX *ctx = tls_peer_client_ctx(TLS1_2_VERSION);
        assert_int_equal(SSL_CTX_set_cipher_list(ctx, cases[i].suite), 1);
        struct tls_peer_result r = try_once(*state, ctx, "a.test");
        assert_int_equal(r.server, cases[i].server);
        assert_int_equal(r.client, cases[i].server == 0 ? 1 : -1);
        SSL_CTX_free(ctx);
    }
}

/* Ours is the order of suites, but who puts ChaCha20 first has a reason. */
static void the_order_of_suites(void **state)
{
    static const struct {
        int version;
        const char *offer, *chosen;
    } cases[] = {
        {TLS1_3_VERSION,
         "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256",
         "TLS_AES_128_GCM_SHA256"},
        {TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256",
         "TLS_CHACHA20_POLY1305_SHA256"},
        {TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256",
         "ECDHE-ECDSA-AES128-GCM-SHA256"},
        {TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256",
         "ECDHE-ECDSA-CHACHA20-POLY1305"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        SSL_CTX *ctx = tls_peer_client_ctx(cases[i].version);
        if (cases[i].version == TLS1_3_VERSION)
            assert_int_equal(SSL_CTX_set_ciphersuites(ctx, cases[i].offer), 1);
        else
            assert_int_equal(SSL_CTX_set_cipher_list(ctx, cases[i].offer), 1);
        struct link link = link_open(*state, ctx, "a.test");
        assert_int_equal(tls_peer_handshake(&link.server, link.client).server, 0);
        assert_string_equal(tls_cipher(&link.server), cases[i].chosen);
        link_close(&link);
        SSL_CTX_free(ctx);
    }
}

static void alpn(void **state)
{
    static const struct {
        const char *offer;
        const char *chosen; /* NULL: refused */
    } cases[] = {
        {"", ""},
        {"\x08http/1.1", "http/1.1"},
        {"\x02h2\x08http/1.1", "http/1.1"},
        {"\x08http/1.0\x08http/1.1", "http/1.1"},
        {"\x08http/1.0", "http/1.0"},
        {"\x02h2", NULL},
        {"\x0a"
         "acme-tls/1",
         NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const unsigned char *chosen = NULL;
        unsigned len = 0;
        SSL_CTX *ctx = tls_peer_client_ctx(0);
        SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)cases[i].offer,
                                (unsigned)strlen(cases[i].offer));
        struct link link = link_open(*state, ctx, "a.test");
        struct tls_peer_result r = tls_peer_handshake(&link.server, link.client);
        if (cases[i].chosen != NULL) {
            assert_int_equal(r.server, 0);
            SSL_get0_alpn_selected(link.client, &chosen, &len);
            assert_int_equal(len, strlen(cases[i].chosen));
            if (len > 0)
                assert_memory_equal(chosen, cases[i].chosen, len);
        } else {
            assert_int_equal(r.server, -1);
            assert_int_equal(r.alert, SSL_AD_NO_APPLICATION_PROTOCOL);
        }
        link_close(&link);
        SSL_CTX_free(ctx);
    }
}

static void renegotiation_is_refused(void **state)
{
    char data[8];
    SSL_CTX *ctx = tls_peer_client_ctx(TLS1_2_VERSION);
    struct link link = link_open(*state, ctx, "a.test");
    assert_int_equal(tls_peer_handshake(&link.server, link.client).server, 0);
    assert_int_equal(SSL_renegotiate(link.client), 1);
    assert_int_equal(SSL_do_handshake(link.client), -1);
    tls_peer_wait(link.server.fd, POLLIN);
    assert_int_equal(stream_read(&link.server, data, sizeof data), -1);
    assert_int_equal(errno, EAGAIN);
    ERR_clear_error();
    assert_int_equal(SSL_do_handshake(link.client), -1);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
    link_close(&link);
    SSL_CTX_free(ctx);
}

/* ---- resumption --------------------------------------------------------------------------- */

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    SSL_SESSION **kept = SSL_get_app_data(ssl);
    SSL_SESSION_free(*kept);
    *kept = session;
    return 1;
}

/* Connects with *session (NULL: none) and leaves the newest one there. */
static bool resumed(struct world *world, SSL_CTX *ctx, const char *sni, SSL_SESSION **session,
                    struct tls_peer_result *result)
{
    struct link link = link_open(world, ctx, sni);
    SSL_set_app_data(link.client, session);
    if (*session != NULL)
        assert_int_equal(SSL_set_session(link.client, *session), 1);
    *result = tls_peer_handshake(&link.server, link.client);
    bool reused = false;
    if (result->server == 0) {
        assert_works(&link);
        reused = SSL_session_reused(link.client) == 1;
        assert_int_equal(SSL_session_reused(link.server.ssl), reused);
        assert_string_equal(tls_sni(&link.server), sni);
        if (!reused)
            assert_certificate(link.client, sni);
    }
    SSL_set_shutdown(link.client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    link_close(&link);
    return reused;
}

static void tickets_resume_the_same_host_only(void **state)
{
    struct world *world = *state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct tls_peer_result r;
        SSL_SESSION *a = NULL, *b = NULL, *crossed;
        SSL_CTX *ctx = tls_peer_client_ctx(version);
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(ctx, keep_session);
        assert_false(resumed(world, ctx, "a.test", &a, &r));
        assert_non_null(a);
        assert_true(resumed(world, ctx, "a.test", &a, &r));
        assert_false(resumed(world, ctx, "b.test", &b, &r));
        assert_true(resumed(world, ctx, "b.test", &b, &r));

        /* A ticket of one host at another: a full handshake, and the name that was sent. */
        crossed = SSL_SESSION_dup(a);
        assert_false(resumed(world, ctx, "b.test", &crossed, &r));
        assert_int_equal(r.server, 0);
        SSL_SESSION_free(crossed);

        /* A ticket of a host that is no longer served is of no use. */
        world->b_is_gone = true;
        assert_false(resumed(world, ctx, "b.test", &b, &r));
        assert_int_equal(r.alert, SSL_AD_UNRECOGNIZED_NAME);
        assert_int_equal(r.why, REASON_HANDSHAKE_NAME);
        world->b_is_gone = false;
        SSL_SESSION_free(a);
        SSL_SESSION_free(b);
        SSL_CTX_free(ctx);
    }
}

/* A renewed certificate is another identity with another context, at the same host. */
static void tickets_outlive_a_certificate(void **state)
{
    struct world *world = *state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct tls_peer_result r;
        SSL_SESSION *a = NULL, *crossed;
        SSL_CTX *ctx = tls_peer_client_ctx(version);
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(ctx, keep_session);
        assert_false(resumed(world, ctx, "a.test", &a, &r));
        tls_identity_unref(world->a);
        world->a = tls_peer_make_identity("a.test");
        assert_true(resumed(world, ctx, "a.test", &a, &r));
        crossed = SSL_SESSION_dup(a);
        assert_false(resumed(world, ctx, "b.test", &crossed, &r));
        assert_int_equal(r.server, 0);
        SSL_SESSION_free(crossed);
        SSL_SESSION_free(a);
        SSL_CTX_free(ctx);
    }
}

/* ---- several workers ---------------------------------------------------------------------- */

static void *greet(void *arg)
{
    SSL_CTX *ctx = tls_peer_client_ctx(0);
    for (int i = 0; i < 5; i++) {
        struct link link = link_open(arg, ctx, "b.test");
        struct tls_peer_result r = tls_peer_handshake(&link.server, link.client);
        check(r.server == 0);
        link_close(&link);
    }
    SSL_CTX_free(ctx);
    tls_thread_release();
    return NULL;
}

/* The first handshakes of an identity, all at once: one of them makes its context. */
static void first_handshakes_race(void **state)
{
    struct world world = {.b = tls_peer_make_identity("b.test")};
    pthread_t threads[4];
    (void)state;
    world.tls = tls_server_new(lookup_b, &world, NULL);
    assert_non_null(world.tls);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, greet, &world), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    tls_server_free(world.tls);
    tls_identity_unref(world.b);
}

/* ---- what is no handshake ----------------------------------------------------------------- */

static void plain_http_can_be_answered(void **state)
{
    static const char *const requests[] = {"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n",
                                           "POST / HTTP/1.1\r\nHost: a.test\r\n\r\n",
                                           "CONNECT a.test:443 HTTP/1.1\r\n\r\n"};
    struct world *world = *state;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        int fds[2];
        enum reason why = REASON_NONE;
        char detail[64], answer[16];
        struct stream server;
        tls_peer_tcp_pair(fds);
        stream_init(&server, fds[1]);
        assert_int_equal(tls_accept(world->tls, &server), 0);
        assert_true(send(fds[0], requests[i], strlen(requests[i]), 0) > 0);
        tls_peer_wait(server.fd, POLLIN);
        assert_int_equal(tls_handshake(&server, NULL, &why, detail, sizeof detail), -1);
        assert_int_equal(why, REASON_BAD_TLS_PORT);
        assert_null(server.ssl);
        assert_int_equal(stream_write(&server, "HTTP/1.1 400", 12), 12);
        stream_close(&server);
        tls_peer_wait(fds[0], POLLIN);
        assert_int_equal(recv(fds[0], answer, sizeof answer, 0), 12);
        assert_memory_equal(answer, "HTTP/1.1 400", 12);
        close(fds[0]);
    }
}

static void other_ends(void **state)
{
    static const struct {
        const char *sent;
        size_t len;
        int error;
        enum reason why;
    } cases[] = {
        {"", 0, ECONNABORTED, REASON_SILENT},
        {"\x16\x03\x01", 3, ECONNABORTED, REASON_HANDSHAKE_FAILED},
        {"\x16\x03\x01\x01\x00\x01", 6, ECONNABORTED, REASON_HANDSHAKE_FAILED},
        {"SSH-2.0-OpenSSH_9.2\r\n", 21, EPROTO, REASON_HANDSHAKE_FAILED},
        {"\x80\x2e\x01\x03\x01\x00\x15\x00\x00", 9, ECONNABORTED, REASON_HANDSHAKE_FAILED},
        {"\0\0\0\0\0\0\0\0\0\0\0\0", 12, EPROTO, REASON_HANDSHAKE_FAILED},
    };
    struct world *world = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int fds[2];
        enum reason why = REASON_NONE;
        char detail[64] = "";
        struct stream server;
        tls_peer_tcp_pair(fds);
        stream_init(&server, fds[1]);
        assert_int_equal(tls_accept(world->tls, &server), 0);
        assert_int_equal(tls_handshake(&server, NULL, &why, detail, sizeof detail), -1);
        assert_int_equal(errno, EAGAIN);
        assert_int_equal(server.read_wants, POLLIN);
        assert_int_equal(server.write_wants, 0);
        assert_int_equal(send(fds[0], cases[i].sent, cases[i].len, 0), cases[i].len);
        shutdown(fds[0], SHUT_WR);
        int result;
        do {
            tls_peer_wait(server.fd, POLLIN);
            result = tls_handshake(&server, NULL, &why, detail, sizeof detail);
        } while (result == -1 && errno == EAGAIN);
        assert_int_equal(result, -1);
        assert_int_equal(errno, cases[i].error);
        assert_int_equal(why, cases[i].why);
        assert_string_not_equal(detail, "");
        stream_close(&server);
        close(fds[0]);
    }
}

/* ---- a byte at a time --------------------------------------------------------------------- */

/* Moves what the server has sent into the client. */
static void pump_down(int fd, SSL *client)
{
    char data[4096];
    for (ssize_t n; (n = recv(fd, data, sizeof data, 0)) > 0;)
        assert_int_equal(BIO_write(SSL_get_rbio(client), data, (int)n), n);
}

static void a_handshake_survives_every_byte_boundary(void **state)
{
    struct world *world = *state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        int fds[2], done = -1;
        struct stream server;
        enum reason why;
        char detail[64], byte, data[8];
        SSL_CTX *ctx = tls_peer_client_ctx(version);
        SSL *client = SSL_new(ctx);
        tls_peer_tcp_pair(fds);
        SSL_set_bio(client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        BIO_set_mem_eof_return(SSL_get_rbio(client), -1);
        SSL_set_tlsext_host_name(client, "b.test");
        SSL_set_connect_state(client);
        stream_init(&server, fds[1]);
        assert_int_equal(tls_accept(world->tls, &server), 0);

        while (done != 0) {
            SSL_do_handshake(client);
            int waiting = (int)BIO_pending(SSL_get_wbio(client));
            assert_true(waiting > 0);
            for (; waiting > 0; waiting--) {
                assert_int_equal(BIO_read(SSL_get_wbio(client), &byte, 1), 1);
                assert_int_equal(send(fds[0], &byte, 1, 0), 1);
                tls_peer_wait(server.fd, POLLIN);
                done = tls_handshake(&server, NULL, &why, detail, sizeof detail);
                if (done != 0) {
                    assert_int_equal(errno, EAGAIN);
                    assert_int_equal(server.read_wants, POLLIN);
                    assert_int_equal(server.write_wants, 0);
                }
            }
            pump_down(fds[0], client);
        }
        assert_int_equal(SSL_do_handshake(client), 1);
        assert_string_equal(tls_sni(&server), "b.test");

        /* And so does a record. */
        assert_int_equal(SSL_write(client, "ping", 4), 4);
        for (;;) {
            assert_int_equal(BIO_read(SSL_get_wbio(client), &byte, 1), 1);
            bool last = BIO_pending(SSL_get_wbio(client)) == 0;
            assert_int_equal(send(fds[0], &byte, 1, 0), 1);
            tls_peer_wait(server.fd, POLLIN);
            ssize_t n = stream_read(&server, data, sizeof data);
            assert_int_equal(n, last ? 4 : -1);
            if (last)
                break;
            assert_int_equal(errno, EAGAIN);
            assert_int_equal(server.read_wants, POLLIN);
        }
        SSL_free(client);
        SSL_CTX_free(ctx);
        stream_close(&server);
        close(fds[0]);
    }
}

/* ---- identities --------------------------------------------------------------------------- */

static void refused_identity(const char *crt, const char *key, const char *word)
{
    struct err err = {0};
    assert_null(tls_identity_new(crt, strlen(crt), key, strlen(key), &err));
    assert_non_null(strstr(err.message, word));
    assert_int_equal(ERR_peek_error(), 0);
}

static void identities_are_checked(void **state)
{
    static const char encrypted[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
                                    "MAAwAA==\n"
                                    "-----END ENCRYPTED PRIVATE KEY-----\n";
    char *crt, *key, *crt2, *key2, *both;
    struct err err;
    (void)state;
    tls_peer_make_pem("one.test", &crt, &key);
    tls_peer_make_pem("two.test", &crt2, &key2);
    refused_identity(crt, key2, "belong together");
    refused_identity("", key, "certificate");
    refused_identity("rubbish", key, "certificate");
    refused_identity(crt, "", "private key");
    refused_identity(crt, crt, "private key");
    refused_identity(crt, encrypted, "private key");

    /* The leaf comes first, then its chain; rubbish behind it that is PEM is an error. */
    assert_true(asprintf(&both, "%s%s", crt, crt2) > 0);
    struct tls_identity *identity = tls_identity_new(both, strlen(both), key, strlen(key), &err);
    assert_non_null(identity);
    assert_ptr_equal(tls_identity_ref(identity), identity);
    tls_identity_unref(identity);
    tls_identity_unref(identity);
    free(both);
    assert_true(asprintf(&both,
                         "%s-----BEGIN CERTIFICATE-----\nMAA=\n"
                         "-----END CERTIFICATE-----\n",
                         crt) > 0);
    refused_identity(both, key, "certificate");
    free(both);
    free(crt);
    free(key);
    free(crt2);
    free(key2);
}

/* ---- what a finished handshake leaves behind ---------------------------------------------- */

static void assert_empty(EVP_PKEY *key)
{
    unsigned char *bytes = NULL;
    assert_int_equal(EVP_PKEY_get1_encoded_public_key(key, &bytes), 0);
    EVP_PKEY_free(key);
    ERR_clear_error();
}

/* Neither key of the exchange outlives it, whatever its kind; the connection does, and so do
 * changes of its keys. */
static void the_keys_of_the_exchange_are_gone(void **state)
{
    static const char *const groups[] = {"X25519", "P-256"};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        SSL_CTX *ctx = tls_peer_client_ctx(TLS1_3_VERSION);
        assert_int_equal(SSL_CTX_set1_groups_list(ctx, groups[i]), 1);
        struct link link = link_open(*state, ctx, "a.test");
        struct tls_peer_result r = tls_peer_handshake(&link.server, link.client);
        EVP_PKEY *key = NULL;
        assert_int_equal(r.server, 0);
        assert_int_equal(r.client, 1);
        assert_int_equal(ERR_peek_error(), 0);
        if (SSL_get_tmp_key(link.server.ssl, &key))
            assert_empty(key);
        if (SSL_get_peer_tmp_key(link.server.ssl, &key))
            assert_empty(key);
        assert_works(&link);
        assert_int_equal(SSL_key_update(link.client, SSL_KEY_UPDATE_REQUESTED), 1);
        assert_works(&link);
        assert_works(&link);
        link_close(&link);
        SSL_CTX_free(ctx);
    }
}

/* Sends `count` changes of keys, and then a word, all at once: in small pieces they would not fit
 * into the socket. */
static void send_key_updates(struct link *link, int count)
{
    BIO *memory = BIO_new(BIO_s_mem()), *socket = SSL_get_wbio(link->client);
    char *data;
    BIO_up_ref(socket);
    SSL_set0_wbio(link->client, memory);
    while (count-- > 0) {
        assert_int_equal(SSL_key_update(link->client, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(link->client), 1);
    }
    assert_int_equal(SSL_write(link->client, "word", 4), 4);
    long len = BIO_get_mem_data(memory, &data);
    assert_int_equal(send(SSL_get_fd(link->client), data, (size_t)len, MSG_NOSIGNAL), len);
    SSL_set0_wbio(link->client, socket);
}

/* Somebody who changes keys on and on would keep a worker in a single read. */
static void changes_of_keys_come_to_an_end(void **state)
{
    SSL_CTX *ctx = tls_peer_client_ctx(TLS1_3_VERSION);
    struct link link = link_open(*state, ctx, "a.test");
    char word[5] = "";
    assert_int_equal(tls_peer_handshake(&link.server, link.client).server, 0);
    send_key_updates(&link, 100);
    tls_peer_wait(link.server.fd, POLLIN);
    assert_int_equal(stream_read(&link.server, word, 4), 4);
    assert_string_equal(word, "word");
    send_key_updates(&link, 2000);
    tls_peer_wait(link.server.fd, POLLIN);
    ssize_t n;
    while ((n = stream_read(&link.server, word, 4)) == -1 && errno == EAGAIN)
        tls_peer_wait(link.server.fd, POLLIN);
    assert_int_equal(n, -1);
    assert_int_equal(errno, EPROTO);
    assert_true(link.server.broken);
    link_close(&link);
    SSL_CTX_free(ctx);
}

/* The certificate is not loaded yet: the handshake stops at the ClientHello without waiting for the
 * socket, asks anew each time it goes on, and is then as any other. */
static void a_handshake_waits_for_its_certificate(void **state)
{
    struct world *world = *state;
    const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (int i = 0; i < 4; i++) {
        SSL_CTX *ctx = tls_peer_client_ctx(versions[i % 2]);
        struct link link = link_open(world, ctx, i < 2 ? "a.test" : "gone.test");
        const struct room_ticket ticket = {0};
        enum reason why = REASON_NONE;
        char detail[64];
        world->waits = 3;
        world->lookups = 0;
        assert_int_equal(SSL_connect(link.client), -1);
        tls_peer_wait(link.server.fd, POLLIN);
        for (unsigned waits = 3; waits-- > 0;) {
            assert_int_equal(tls_handshake(&link.server, &ticket, &why, detail, sizeof detail), -1);
            assert_int_equal(errno, EAGAIN);
            assert_int_equal(link.server.read_wants | link.server.write_wants, 0);
            assert_int_equal(world->waits, waits);
            assert_ptr_equal(world->last_ticket, &ticket);
        }
        struct tls_peer_result r = tls_peer_handshake(&link.server, link.client);
        assert_int_equal(world->lookups, 4);
        if (i < 2) {
            assert_int_equal(r.server, 0);
            assert_string_equal(tls_sni(&link.server), "a.test");
            assert_certificate(link.client, "a.test");
            assert_works(&link);
        } else {
            assert_int_equal(r.why, REASON_HANDSHAKE_NAME);
            assert_int_equal(r.alert, SSL_AD_UNRECOGNIZED_NAME);
        }
        link_close(&link);
        SSL_CTX_free(ctx);
    }
    /* Or it ends while it waits. */
    SSL_CTX *ctx = tls_peer_client_ctx(0);
    struct link link = link_open(world, ctx, "a.test");
    enum reason why;
    world->waits = 1;
    assert_int_equal(SSL_connect(link.client), -1);
    tls_peer_wait(link.server.fd, POLLIN);
    assert_int_equal(tls_handshake(&link.server, NULL, &why, NULL, 0), -1);
    link_close(&link);
    SSL_CTX_free(ctx);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_chooses_the_certificate),
        cmocka_unit_test(an_unknown_name_gets_the_alert),
        cmocka_unit_test(without_a_name_the_address_is_asked),
        cmocka_unit_test(impossible_names_are_never_looked_up),
        cmocka_unit_test(a_retried_hello_keeps_its_name),
        cmocka_unit_test(a_handshake_waits_for_its_certificate),
        cmocka_unit_test(versions),
        cmocka_unit_test(suites),
        cmocka_unit_test(the_order_of_suites),
        cmocka_unit_test(alpn),
        cmocka_unit_test(renegotiation_is_refused),
        cmocka_unit_test(tickets_resume_the_same_host_only),
        cmocka_unit_test(tickets_outlive_a_certificate),
        cmocka_unit_test(first_handshakes_race),
        cmocka_unit_test(plain_http_can_be_answered),
        cmocka_unit_test(other_ends),
        cmocka_unit_test(a_handshake_survives_every_byte_boundary),
        cmocka_unit_test(identities_are_checked),
        cmocka_unit_test(the_keys_of_the_exchange_are_gone),
        cmocka_unit_test(changes_of_keys_come_to_an_end),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
