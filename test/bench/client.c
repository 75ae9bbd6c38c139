/* The client of scripts/bench for what wrk does not do: full handshakes, bulk, idle connections.
 *
 *   bench-client handshake|get|put|idle plain|tls PORT HOST TARGET CONNECTIONS SECONDS [BYTES]
 *
 *   handshake  connect, shake hands in full (no resumption), close; again, for SECONDS
 *   get        GET TARGET again and again on kept-alive connections, for SECONDS
 *   put        PUT of BYTES to TARGET, likewise
 *   idle       one GET on each connection, then "ready"; until standard input ends, all must stay
 *              open
 *
 * It connects to 127.0.0.1:PORT; HOST is the name for SNI and the Host field. At the end it
 * prints one line, "count N bytes N seconds S": what was completed, exactly, since nothing is cut
 * off when the time is up. Any failure ends it with a sentence on standard error and status 1.
 *
 * One thread a connection, all blocking (`idle` needs only one for all). What the client itself
 * costs matters little, because the CPU time of the proxy is what is measured; yet it takes part
 * of the same cores, so plain bodies are discarded inside the kernel. TLS is AES-128-GCM for
 * everybody: Go prefers that one whatever the client says, and the sizes of keys must not make
 * the difference between peers. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE = 20, HEAD_MAX = 8192, CHUNK = 256 * 1024 };

struct job {
    const char *what, *host, *target;
    bool tls;
    uint16_t port;
    unsigned connections;
    double seconds;
    uint64_t bytes;
    SSL_CTX *ctx; /* NULL without TLS */
    double deadline;
};

struct client {
    const struct job *job;
    pthread_t thread;
    int fd;
    SSL *ssl; /* NULL without TLS */
    char *chunk;
    uint64_t count, moved;
};

static void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

static void fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("bench-client: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    _exit(1);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fail_tls(const char *what)
{
    char reason[256];
    ERR_error_string_n(ERR_get_error(), reason, sizeof reason);
    fail("%s: %s (%s)", what, reason, strerror(errno));
}

static void dial(struct client *c)
{
    const struct job *job = c->job;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(job->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct timeval patience = {.tv_sec = PATIENCE};
    int yes = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd == -1 || setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) ||
        setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) ||
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes))
        fail("no socket: %s", strerror(errno));
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) == -1)
        fail("cannot connect to 127.0.0.1:%u: %s", job->port, strerror(errno));
    if (!job->tls)
        return;
    c->ssl = SSL_new(job->ctx);
    if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1 ||
        SSL_set_tlsext_host_name(c->ssl, job->host) != 1)
        fail_tls("no TLS");
    if (SSL_connect(c->ssl) != 1)
        fail_tls("the handshake failed");
}

static void hang_up(struct client *c)
{
    SSL_free(c->ssl);
    c->ssl = NULL;
    close(c->fd);
}

static void send_all(struct client *c, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t sent =
            c->ssl ? SSL_write(c->ssl, data, (int)len) : send(c->fd, data, len, MSG_NOSIGNAL);
        if (sent <= 0)
            fail("sending failed: %s", strerror(errno));
        data += sent;
        len -= (size_t)sent;
    }
}

/* At least one byte. */
static size_t receive(struct client *c, char *data, size_t size)
{
    ssize_t got = c->ssl ? SSL_read(c->ssl, data, (int)size) : recv(c->fd, data, size, 0);
    if (got == 0)
        fail("the connection was closed in mid-answer");
    if (got < 0)
        fail("receiving failed: %s", strerror(errno));
    return (size_t)got;
}

/* The value of Content-Length in a head. */
static uint64_t content_length(const char *head)
{
    static const char name[] = "\r\ncontent-length:";
    const char *field = strcasestr(head, name);
    if (field == NULL)
        fail("an answer without Content-Length:\n%s", head);
    return strtoull(field + sizeof name - 1, NULL, 10);
}

/* Reads one answer, which must be a 200, and forgets its body. Returns the body's length. */
static uint64_t read_answer(struct client *c)
{
    char head[HEAD_MAX + 1];
    size_t len = 0;
    char *end;
    do {
        if (len == HEAD_MAX)
            fail("the head of an answer is too long");
        len += receive(c, head + len, HEAD_MAX - len);
        head[len] = '\0';
    } while ((end = strstr(head, "\r\n\r\n")) == NULL);
    size_t early = len - (size_t)(end + 4 - head);
    end[2] = '\0';
    if (strncmp(head, "HTTP/1.1 200 ", 13) != 0)
        fail("an answer that is no 200:\n%s", head);

    uint64_t body = content_length(head);
    if (body < early)
        fail("more bytes than the answer promised");
    for (uint64_t left = body - early; left > 0;) {
        size_t want = left < CHUNK ? (size_t)left : CHUNK;
        if (c->ssl) {
            left -= receive(c, c->chunk, want);
            continue;
        }
        ssize_t got = recv(c->fd, NULL, want, MSG_TRUNC); /* tcp(7): discarded, not copied */
        if (got <= 0)
            fail("a body was cut off: %s", got == 0 ? "end of file" : strerror(errno));
        left -= (uint64_t)got;
    }
    return body;
}

static void send_head(struct client *c, const char *method, uint64_t length)
{
    const struct job *job = c->job;
    char head[HEAD_MAX], framing[64] = "";
    if (length > 0)
        snprintf(framing, sizeof framing, "Content-Length: %" PRIu64 "\r\n", length);
    int len = snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", method,
                       job->target, job->host, framing);
    if (len < 0 || (size_t)len >= sizeof head)
        fail("host and target are too long");
    send_all(c, head, (size_t)len);
}

static void get(struct client *c)
{
    send_head(c, "GET", 0);
    c->moved += read_answer(c);
    c->count++;
}

static void put(struct client *c)
{
    send_head(c, "PUT", c->job->bytes);
    for (uint64_t left = c->job->bytes; left > 0;) {
        size_t len = left < CHUNK ? (size_t)left : CHUNK;
        send_all(c, c->chunk, len);
        left -= len;
    }
    read_answer(c);
    c->moved += c->job->bytes;
    c->count++;
}

/* The server has finished the handshake as well once it answers our close_notify with its end. */
static void handshake(struct client *c)
{
    char rest[64];
    dial(c);
    SSL_shutdown(c->ssl);
    if (shutdown(c->fd, SHUT_WR) == -1)
        fail("half-closing failed: %s", strerror(errno));
    ssize_t got;
    while ((got = recv(c->fd, rest, sizeof rest, 0)) > 0) {
    }
    if (got == -1 && errno != ECONNRESET)
        fail("no end after a handshake: %s", strerror(errno));
    hang_up(c);
    c->count++;
}

/* At least once, and until the time is up. */
static void *run(void *arg)
{
    struct client *c = arg;
    bool is_handshake = strcmp(c->job->what, "handshake") == 0;
    void (*step)(struct client *) = is_handshake                       ? handshake
                                    : strcmp(c->job->what, "put") == 0 ? put
                                                                       : get;
    if (!is_handshake)
        dial(c);
    do {
        step(c);
    } while (now() < c->job->deadline);
    if (!is_handshake)
        hang_up(c);
    return NULL;
}

static bool is_closed(const struct client *c)
{
    char byte;
    ssize_t got = recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got == -1 && errno != EAGAIN);
}

static void run_idle(struct client *clients, unsigned count)
{
    static char chunk[CHUNK]; /* for all of them, since they take turns */
    for (unsigned i = 0; i < count; i++) {
        clients[i].chunk = chunk;
        dial(&clients[i]);
        get(&clients[i]);
    }
    puts("ready");
    fflush(stdout);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    unsigned closed = 0;
    for (unsigned i = 0; i < count; i++) {
        closed += is_closed(&clients[i]);
        hang_up(&clients[i]);
    }
    if (closed > 0)
        fail("%u of %u idle connections were closed meanwhile", closed, count);
}

static void run_threads(struct client *clients, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        clients[i].chunk = calloc(1, CHUNK);
        if (clients[i].chunk == NULL ||
            pthread_create(&clients[i].thread, NULL, run, &clients[i]) != 0)
            fail("no memory for %u threads", count);
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(clients[i].thread, NULL);
        free(clients[i].chunk);
    }
}

static SSL_CTX *tls_client(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256") != 1 ||
        SSL_CTX_set1_groups_list(ctx, "X25519") != 1)
        fail_tls("no TLS");
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    return ctx;
}

int main(int argc, char **argv)
{
    if (argc < 8)
        fail("usage: bench-client handshake|get|put|idle plain|tls PORT HOST TARGET CONNECTIONS "
             "SECONDS [BYTES]");
    struct job job = {.what = argv[1],
                      .tls = strcmp(argv[2], "tls") == 0,
                      .port = (uint16_t)strtoul(argv[3], NULL, 10),
                      .host = argv[4],
                      .target = argv[5],
                      .connections = (unsigned)strtoul(argv[6], NULL, 10),
                      .seconds = strtod(argv[7], NULL),
                      .bytes = argc > 8 ? strtoull(argv[8], NULL, 10) : 0};
    struct client *clients = calloc(job.connections, sizeof *clients);
    if (clients == NULL || job.connections == 0)
        fail("no connections");
    job.ctx = job.tls ? tls_client() : NULL;
    for (unsigned i = 0; i < job.connections; i++)
        clients[i].job = &job;

    double began = now();
    job.deadline = began + job.seconds;
    if (strcmp(job.what, "idle") == 0)
        run_idle(clients, job.connections);
    else
        run_threads(clients, job.connections);

    uint64_t count = 0, bytes = 0;
    for (unsigned i = 0; i < job.connections; i++) {
        count += clients[i].count;
        bytes += clients[i].moved;
    }
    printf("count %" PRIu64 " bytes %" PRIu64 " seconds %.6f\n", count, bytes, now() - began);
    SSL_CTX_free(job.ctx);
    free(clients);
    return 0;
}
