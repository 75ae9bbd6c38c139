/* proxy/relay: every framing, cut at every byte, with scripted streams that give and take as
 * little as a test wants; and over TLS.
 *
 * The relay is compiled into this test with what it asks of the kernel in disguise: a stream
 * without a descriptor is a script, any other is what it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/stream.h"
#include "noise.h"
#include "tls_peer.h"

static ssize_t any_read(struct stream *stream, void *data, size_t size);
static ssize_t any_write(struct stream *stream, const void *data, size_t size);
static size_t any_room(const struct stream *stream, size_t *under_way);

#define stream_read  any_read
#define stream_write any_write
#define stream_room  any_room
#include "net/tls_identity.h"
#include "proxy/relay.c"
#undef stream_read
#undef stream_write
#undef stream_room

#define BULK ((size_t)1 << 20)

/* ---- scripted streams --------------------------------------------------------------------- */

enum script_end { END_CLEAN, END_TRUNCATED };

struct script {
    struct stream stream; /* first */
    char *data;           /* what a source gives, or where a sink puts what it gets */
    size_t len, at;
    size_t grain; /* bytes a call */
    bool shy;     /* every other call is refused */
    bool refused; /* the last one was */
    enum script_end end;
    size_t fails_at;        /* a sink's: bytes that it takes before it breaks */
    char head[64];          /* a sink's: how the refused write began */
    size_t head_size;       /* 0 when there was none */
    size_t room, under_way; /* a sink's */
};

static struct relay *current; /* the one under test */
static struct room *room;     /* that its turns hand over to */

static bool refuses(struct script *script, short *wants, short event)
{
    *wants = 0;
    script->refused = script->shy && !script->refused;
    if (script->refused) {
        *wants = event;
        errno = EAGAIN;
    }
    return script->refused;
}

/* Invariant 1: nothing is read while anything waits to be written. */
static ssize_t script_read(struct script *script, char *data, size_t size)
{
    assert_int_equal(buf_len(&current->out), 0);
    assert_int_equal(buf_len(current->in), 0);
    assert_false(script->stream.eof);
    if (refuses(script, &script->stream.read_wants, POLLIN))
        return -1;
    size_t len = script->len - script->at;
    if (len > script->grain)
        len = script->grain;
    if (len > size)
        len = size;
    if (len == 0) {
        script->stream.eof = true;
        script->stream.broken = script->end == END_TRUNCATED;
        errno = ECONNABORTED;
        return script->end == END_TRUNCATED ? -1 : 0;
    }
    memcpy(data, script->data + script->at, len);
    script->at += len;
    return (ssize_t)len;
}

/* Invariant 2: what was refused comes again, first. */
static ssize_t script_write(struct script *script, const char *data, size_t size)
{
    assert_true(size > 0);
    if (script->head_size) {
        assert_true(size >= script->head_size);
        size_t len = script->head_size < sizeof script->head ? script->head_size : 64;
        assert_memory_equal(data, script->head, len);
        script->head_size = 0;
    }
    if (script->at >= script->fails_at) {
        errno = EPIPE;
        return -1;
    }
    if (refuses(script, &script->stream.write_wants, POLLOUT)) {
        memcpy(script->head, data, size < sizeof script->head ? size : sizeof script->head);
        script->head_size = size;
        return -1;
    }
    size_t len = size < script->grain ? size : script->grain;
    assert_true(script->at + len <= script->len);
    memcpy(script->data + script->at, data, len);
    script->at += len;
    return (ssize_t)len;
}

static ssize_t any_read(struct stream *stream, void *data, size_t size)
{
    if (stream->fd == -1)
        return script_read((struct script *)(void *)stream, data, size);
    return stream_read(stream, data, size);
}

static ssize_t any_write(struct stream *stream, const void *data, size_t size)
{
    if (stream->fd == -1)
        return script_write((struct script *)(void *)stream, data, size);
    return stream_write(stream, data, size);
}

static size_t any_room(const struct stream *stream, size_t *under_way)
{
    if (stream->fd != -1)
        return stream_room(stream, under_way);
    const struct script *script = (const struct script *)(const void *)stream;
    *under_way = script->under_way;
    return script->room;
}

/* ---- one relay, and all it needs ---------------------------------------------------------- */

static char bulk[BULK], got[2 * BULK];

struct path {
    enum http_framing source, sink;
};

static const struct path paths[] = {
    {HTTP_FRAMING_LENGTH, HTTP_FRAMING_LENGTH},   {HTTP_FRAMING_CLOSE, HTTP_FRAMING_CLOSE},
    {HTTP_FRAMING_CHUNKED, HTTP_FRAMING_CHUNKED}, {HTTP_FRAMING_CHUNKED, HTTP_FRAMING_CLOSE},
    {HTTP_FRAMING_CLOSE, HTTP_FRAMING_CHUNKED},
};
#define PATHS (sizeof paths / sizeof paths[0])

struct bench {
    struct script from, to;
    struct buf in;
    struct relay relay;
    unsigned calls;
};

/* `wire` comes, the first `early` bytes of it with the head. */
static void bench_init(struct bench *bench, struct path path, struct span wire, uint64_t length,
                       size_t early)
{
    *bench = (struct bench){
        .from = {.stream = STREAM_CLOSED, .grain = SIZE_MAX},
        .to = {.stream = STREAM_CLOSED, .grain = SIZE_MAX, .fails_at = SIZE_MAX},
    };
    bench->from.data = (char *)(uintptr_t)wire.data;
    bench->from.len = wire.len;
    bench->from.at = early;
    bench->to.data = got;
    bench->to.len = sizeof got;
    buf_append(&bench->in, wire.data, early);
    relay_begin(&bench->relay, &bench->from.stream, &bench->in, &bench->to.stream, path.source,
                length, path.sink);
    current = &bench->relay;
}

static void bench_release(struct bench *bench)
{
    buf_release(&bench->relay.out);
    buf_release(&bench->in);
}

/* Goes on, a turn after the other, until it cannot. */
static enum relay_result run(struct bench *bench)
{
    for (;;) {
        struct turn turn = {.room = room, .began = clock_now()};
        enum relay_result result = relay_move(&bench->relay, &turn);
        bench->calls++;
        assert_true(buf_len(&bench->in) <= BUF_IO);
        assert_true(buf_len(&bench->relay.out) <= BUF_IO);
        if (result == RELAY_WANTS_READ)
            assert_int_equal(bench->from.stream.read_wants, POLLIN);
        else if (result == RELAY_WANTS_WRITE)
            assert_int_equal(bench->to.stream.write_wants, POLLOUT);
        else if (result != RELAY_TURN_OVER)
            return result;
        /* As if it had been parked. */
        buf_trim(&bench->in);
        buf_trim(&bench->relay.out);
    }
}

/* What a sink got, without its framing, put into the place of it. PARSE_DONE: the end was there. */
static enum parse_result unframe(enum http_framing sink, struct span *content)
{
    struct http_chunk chunk = {0};
    enum parse_result result = PARSE_MORE;
    size_t at = 0, len = 0;
    if (sink != HTTP_FRAMING_CHUNKED)
        return PARSE_DONE;
    while (result == PARSE_MORE && at < content->len) {
        struct span data;
        size_t consumed;
        result = http_chunk_decode(&chunk, span_from(*content, at), &consumed, &data);
        memmove(got + len, data.data, data.len);
        len += data.len;
        at += consumed;
    }
    if (result == PARSE_DONE)
        assert_int_equal(at, content->len);
    *content = span_make(got, len);
    return result;
}

static void assert_got(const struct bench *bench, struct span body)
{
    struct span content = span_make(got, bench->to.at);
    assert_int_equal(unframe(bench->relay.sink, &content), PARSE_DONE);
    assert_int_equal(content.len, body.len);
    assert_memory_equal(content.data, body.data, body.len);
    assert_int_equal(bench->relay.body, body.len);
}

/* The bytes behind the body are where they were: in `in`, then not yet read. */
static void assert_left(const struct bench *bench, struct span tail)
{
    struct span in = buf_span(&bench->in);
    assert_int_equal(in.len + bench->from.len - bench->from.at, tail.len);
    if (in.len)
        assert_memory_equal(in.data, tail.data, in.len);
}

static const char tail[] = "GET /next HTTP/1.1\r\n\r\n";

/* The body as its source frames it, with what follows it. Chunks are of all sizes. */
static struct span make_wire(struct buf *wire, enum http_framing source, struct span body)
{
    char head[HTTP_CHUNK_HEAD_MAX];
    buf_release(wire);
    if (source != HTTP_FRAMING_CHUNKED)
        buf_append_span(wire, body);
    for (size_t at = 0, size = 1; source == HTTP_FRAMING_CHUNKED && at < body.len; size *= 3) {
        struct span chunk = span_first(span_from(body, at), size);
        size_t len = http_chunk_head(chunk.len, head);
        buf_append(wire, head, size % 2 ? len - 2 : len);
        if (size % 2)
            buf_append_str(wire, ";name=\"a\\\"b\"\r\n");
        buf_append_span(wire, chunk);
        buf_append_str(wire, "\r\n");
        at += chunk.len;
    }
    if (source == HTTP_FRAMING_CHUNKED)
        buf_append_str(wire, "0\r\nTrailer: dropped\r\n\r\n");
    if (source != HTTP_FRAMING_CLOSE)
        buf_append_str(wire, tail);
    assert_false(wire->failed);
    return buf_span(wire);
}

static struct span tail_of(struct path path)
{
    return path.source == HTTP_FRAMING_CLOSE ? SPAN("") : SPAN(tail);
}

/* ---- bodies, however they come and go ----------------------------------------------------- */

static void bodies_in_pieces_of_every_size(void **state)
{
    static const size_t sizes[] = {0, 1, 100, 3000, 17000};
    static const size_t grains[] = {1, 2, 3, 7, 1000, 16384, SIZE_MAX};
    const size_t count = sizeof grains / sizeof grains[0];
    struct buf wire = {0};
    (void)state;
    for (size_t i = 0; i < PATHS * 5 * count * count; i++) {
        struct path path = paths[i % PATHS];
        struct span body = span_make(bulk, sizes[i / PATHS % 5]);
        struct bench bench;
        bench_init(&bench, path, make_wire(&wire, path.source, body), body.len, 0);
        bench.from.grain = grains[i / PATHS / 5 % count];
        bench.to.grain = grains[i / PATHS / 5 / count];
        bench.from.shy = i % 2;
        bench.to.shy = i / 2 % 2;
        assert_int_equal(run(&bench), RELAY_DONE);
        assert_got(&bench, body);
        assert_left(&bench, tail_of(path));
        /* It stays done. */
        assert_int_equal(run(&bench), RELAY_DONE);
        bench_release(&bench);
    }
    buf_release(&wire);
}

/* The head's buffer holds the first bytes of the body, or all of it and more. */
static void bodies_that_came_with_the_head(void **state)
{
    struct buf wire = {0};
    struct span body = span_make(bulk, 50);
    (void)state;
    for (size_t p = 0; p < PATHS; p++) {
        struct span bytes = make_wire(&wire, paths[p].source, body);
        for (size_t early = 0; early <= bytes.len; early++) {
            for (int joined = 0; joined < 2; joined++) {
                struct bench bench;
                bench_init(&bench, paths[p], bytes, body.len, early);
                if (joined)
                    assert_int_equal(relay_join(&bench.relay), RELAY_DONE);
                assert_int_equal(run(&bench), RELAY_DONE);
                assert_got(&bench, body);
                assert_left(&bench, tail_of(paths[p]));
                bench_release(&bench);
            }
        }
    }
    buf_release(&wire);
}

static void no_body(void **state)
{
    struct path path = {HTTP_FRAMING_NONE, HTTP_FRAMING_NONE};
    struct bench bench;
    (void)state;
    bench_init(&bench, path, SPAN(tail), 0, 5);
    assert_true(bench.relay.complete);
    buf_append_str(&bench.relay.out, "head");
    bench.to.grain = 1;
    bench.to.shy = true;
    assert_int_equal(run(&bench), RELAY_DONE);
    assert_memory_equal(got, "head", 4);
    assert_int_equal(bench.to.at, 4);
    assert_left(&bench, SPAN(tail));
    bench_release(&bench);
}

/* Chunks of a byte do not travel on as chunks of a byte when they came together. */
static void small_chunks_travel_as_one(void **state)
{
    struct path path = {HTTP_FRAMING_CHUNKED, HTTP_FRAMING_CHUNKED};
    struct bench bench;
    struct buf wire = {0};
    (void)state;
    for (int i = 0; i < 1000; i++)
        buf_append_str(&wire, "1\r\nx\r\n");
    buf_append_str(&wire, "0\r\n\r\n");
    bench_init(&bench, path, buf_span(&wire), 0, 0);
    assert_int_equal(run(&bench), RELAY_DONE);
    assert_memory_equal(got, "3e8\r\n", 5);
    assert_int_equal(bench.to.at, 5 + 1000 + 2 + 5);
    bench_release(&bench);
    buf_release(&wire);
}

/* ---- ends --------------------------------------------------------------------------------- */

/* H21: whatever the byte behind which it ends. */
static void bodies_that_end_too_soon(void **state)
{
    struct buf wire = {0};
    struct span body = span_make(bulk, 50);
    (void)state;
    for (size_t p = 0; p < PATHS; p++) {
        struct span bytes = make_wire(&wire, paths[p].source, body);
        size_t whole = bytes.len - tail_of(paths[p]).len;
        for (size_t i = 0; i < 2 * whole; i++) {
            struct bench bench;
            bool truncated = i % 2 || paths[p].source == HTTP_FRAMING_CLOSE;
            bench_init(&bench, paths[p], span_first(bytes, i / 2), body.len, 0);
            bench.from.end = truncated ? END_TRUNCATED : END_CLEAN;
            assert_int_equal(run(&bench), RELAY_FROM_ENDED);
            assert_false(bench.relay.complete);
            struct span content = span_make(got, bench.to.at);
            if (paths[p].sink == HTTP_FRAMING_CHUNKED)
                assert_int_equal(unframe(HTTP_FRAMING_CHUNKED, &content), PARSE_MORE);
            assert_true(content.len <= body.len);
            assert_memory_equal(content.data, body.data, content.len);
            bench_release(&bench);
        }
    }
    buf_release(&wire);
}

/* The end was seen by somebody else, who kept what came before it. */
static void an_end_that_was_seen_before(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * PATHS; i++) {
        struct path path = paths[i / 2];
        bool broken = i % 2, done = path.source == HTTP_FRAMING_CLOSE && !broken;
        struct bench bench;
        bench_init(&bench, path, SPAN("3\r\nabc\r\n"), 100, 8);
        bench.from.stream.eof = true;
        bench.from.stream.broken = broken;
        assert_int_equal(run(&bench), done ? RELAY_DONE : RELAY_FROM_ENDED);
        bench_release(&bench);
    }
}

static void malformed_chunks(void **state)
{
    static const char *const wires[] = {
        "x\r\nabc\r\n",
        "\r\n",
        "3\nabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n",
        "3\r\nabc\n0\r\n\r\n",
        "3\r\nabc\r\n0\r\n\n",
        "3\r\nabc\r\n-1\r\n",
        "3\r\nabc\r\nfffffffffffffffff\r\n",
        "3\r\nabc\r\n0\r\nbad trailer: x\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < 4 * (sizeof wires / sizeof wires[0]); i++) {
        struct path path = {HTTP_FRAMING_CHUNKED,
                            i % 2 ? HTTP_FRAMING_CHUNKED : HTTP_FRAMING_CLOSE};
        struct bench bench;
        bench_init(&bench, path, span_str(wires[i / 4]), 0, 0);
        bench.from.grain = i % 4 < 2 ? 1 : SIZE_MAX;
        assert_int_equal(run(&bench), RELAY_MALFORMED);
        struct span content = span_make(got, bench.to.at);
        if (path.sink == HTTP_FRAMING_CHUNKED)
            assert_int_equal(unframe(path.sink, &content), PARSE_MORE);
        assert_true(content.len <= 3);
        assert_memory_equal(content.data, "abc", content.len);
        bench_release(&bench);
    }
}

static void a_sink_that_breaks(void **state)
{
    struct buf wire = {0};
    (void)state;
    for (size_t p = 0; p < PATHS; p++) {
        struct span body = span_make(bulk, 3000);
        struct bench bench;
        bench_init(&bench, paths[p], make_wire(&wire, paths[p].source, body), body.len, 0);
        bench.to.grain = 100;
        bench.to.fails_at = 1000;
        assert_int_equal(run(&bench), RELAY_TO_FAILED);
        assert_int_equal(errno, EPIPE);
        assert_int_equal(bench.to.at, 1000);
        bench_release(&bench);
    }
    buf_release(&wire);
}

static void no_memory(void **state)
{
    struct path path = {HTTP_FRAMING_CLOSE, HTTP_FRAMING_CHUNKED};
    struct bench bench;
    (void)state;
    for (size_t len = 0; len <= 3; len += 3) {
        bench_init(&bench, path, span_make("abc", len), 0, 0);
        bench.relay.out.failed = true;
        assert_int_equal(run(&bench), RELAY_NO_MEMORY);
        bench_release(&bench);
    }
    bench_init(&bench, path, SPAN("abc"), 0, 3);
    bench.relay.out.failed = true;
    assert_int_equal(relay_join(&bench.relay), RELAY_NO_MEMORY);
    bench_release(&bench);
}

/* Over TLS, who has taken as much as is to come, and has little of it before it, is sure to take
 * it. Nobody else is, whose bytes then stay with the sender. */
static void who_keeps_up(void **state)
{
    const size_t little = (size_t)128 * 1024;
    const struct {
        size_t under_way, body;
        bool sure;
    } cases[] = {
        {0, BULK, true},
        {0, BULK - 1, false},
        {little, BULK + little, true},
        {little, BULK + little - 1, false},
        {little + 1, 4 * BULK, false},
        {BULK, 4 * BULK, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench bench;
        bool sure = !cases[i].sure;
        bench_init(&bench, paths[0], span_make("", 0), 16 * BULK, 0);
        bench.to.stream.ssl = (struct ssl_st *)(void *)&bench; /* nobody looks at it */
        bench.to.room = 2 * BULK;
        bench.to.under_way = cases[i].under_way;
        bench.relay.flowing = true;
        bench.relay.body = cases[i].body;
        assert_int_equal(bulk_size(&bench.relay, &sure), BULK);
        assert_int_equal(sure, cases[i].sure);
        bench_release(&bench);
    }
}

/* ---- turns -------------------------------------------------------------------------------- */

static void a_turn_has_its_bytes(void **state)
{
    struct path path = {HTTP_FRAMING_LENGTH, HTTP_FRAMING_LENGTH};
    struct bench bench;
    unsigned turns = 0;
    (void)state;
    bench_init(&bench, path, span_make(bulk, BULK), BULK, 0);
    for (;;) {
        size_t before = bench.from.at + bench.to.at;
        struct turn turn = {.room = room, .began = clock_now() + CLOCK_SECOND};
        enum relay_result result = relay_move(&bench.relay, &turn);
        assert_int_equal(turn.moved, bench.from.at + bench.to.at - before);
        assert_true(turn.moved < TURN_BYTES + 2 * READ_SIZE);
        if (result == RELAY_DONE)
            break;
        assert_int_equal(result, RELAY_TURN_OVER);
        assert_true(turn.moved >= TURN_BYTES);
        turns++;
    }
    assert_true(turns >= BULK / TURN_BYTES);
    assert_got(&bench, span_make(bulk, BULK));
    bench_release(&bench);
}

/* The other direction may have used the turn up, every time: still this one gets on. */
static void a_turn_that_is_over_moves_something(void **state)
{
    struct buf wire = {0};
    (void)state;
    for (size_t p = 0; p < PATHS; p++) {
        struct span body = span_make(bulk, 3000);
        struct bench bench;
        unsigned calls = 0;
        enum relay_result result;
        bench_init(&bench, paths[p], make_wire(&wire, paths[p].source, body), body.len, 0);
        bench.from.grain = 100;
        do {
            struct turn turn = {
                .room = room, .began = clock_now() - TURN_TIME, .moved = TURN_BYTES};
            uint64_t before = turn.moved;
            result = relay_move(&bench.relay, &turn);
            assert_true(turn.moved - before <= 2 * READ_SIZE);
            assert_true(++calls < 200);
        } while (result == RELAY_TURN_OVER);
        assert_int_equal(result, RELAY_DONE);
        assert_got(&bench, body);
        bench_release(&bench);
    }
    buf_release(&wire);
}

/* ---- heads -------------------------------------------------------------------------------- */

static void a_small_message_leaves_in_one_piece(void **state)
{
    struct buf wire = {0};
    struct span body = SPAN("hello");
    (void)state;
    for (size_t p = 0; p < PATHS; p++) {
        struct bench bench;
        struct turn turn = {.room = room, .began = clock_now()};
        struct span bytes = make_wire(&wire, paths[p].source, body);
        bench_init(&bench, paths[p], bytes, body.len, bytes.len);
        buf_append_str(&bench.relay.out, "head");
        assert_int_equal(relay_join(&bench.relay), RELAY_DONE);
        assert_left(&bench, tail_of(paths[p]));
        assert_int_equal(bench.relay.complete, paths[p].source != HTTP_FRAMING_CLOSE);
        size_t out = buf_len(&bench.relay.out);
        assert_true(out >= 4 + body.len);
        /* Joining again adds nothing. */
        assert_int_equal(relay_join(&bench.relay), RELAY_DONE);
        assert_int_equal(buf_len(&bench.relay.out), out);
        assert_int_equal(relay_flush(&bench.relay, &turn), RELAY_DONE);
        assert_int_equal(bench.to.at, out);
        assert_int_equal(turn.moved, out);
        assert_int_equal(run(&bench), RELAY_DONE);
        assert_memory_equal(got, "head", 4);
        memmove(got, got + 4, bench.to.at -= 4);
        assert_got(&bench, body);
        bench_release(&bench);
    }
    buf_release(&wire);
}

static void what_is_large_is_not_joined(void **state)
{
    static const size_t heads[] = {READ_SIZE / 2 + 1, 500};
    static const size_t bodies[] = {10, BUF_IO - 500};
    struct path path = {HTTP_FRAMING_LENGTH, HTTP_FRAMING_LENGTH};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct bench bench;
        bench_init(&bench, path, span_make(bulk, bodies[i]), bodies[i], bodies[i]);
        buf_append(&bench.relay.out, bulk, heads[i]);
        assert_int_equal(relay_join(&bench.relay), RELAY_DONE);
        assert_int_equal(buf_len(&bench.relay.out), heads[i]);
        assert_int_equal(buf_len(&bench.in), bodies[i]);
        assert_int_equal(run(&bench), RELAY_DONE);
        assert_int_equal(bench.to.at, heads[i] + bodies[i]);
        assert_memory_equal(got, bulk, heads[i]);
        assert_memory_equal(got + heads[i], bulk, bodies[i]);
        bench_release(&bench);
    }
}

static void joining_sees_what_is_malformed(void **state)
{
    struct path path = {HTTP_FRAMING_CHUNKED, HTTP_FRAMING_CHUNKED};
    struct bench bench;
    (void)state;
    bench_init(&bench, path, SPAN("oops\r\n"), 0, 6);
    buf_append_str(&bench.relay.out, "head");
    assert_int_equal(relay_join(&bench.relay), RELAY_MALFORMED);
    assert_int_equal(buf_len(&bench.relay.out), 4);
    bench_release(&bench);
}

/* ---- real streams ------------------------------------------------------------------------- */

static struct tls_identity *identity;

static struct tls_identity *lookup(void *arg, const char *name, const struct address *local,
                                   const struct room_ticket *ticket)
{
    (void)arg, (void)name, (void)local, (void)ticket;
    return tls_identity_ref(identity);
}

/* A relay between a TLS client and a plain peer. */
struct link {
    struct tls_server *tls;
    SSL_CTX *ctx;
    SSL *client;
    int client_fd, peer;
    struct stream secure, plain;
    struct buf in;
    struct relay relay;
};

static void link_init(struct link *link, bool upwards, enum http_framing sink)
{
    int fds[2], pair[2], small = 32768;
    *link = (struct link){.tls = tls_server_new(lookup, NULL, NULL), .ctx = tls_peer_client_ctx(0)};
    tls_peer_tcp_pair(fds);
    assert_int_equal(setsockopt(fds[0], SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    assert_int_equal(setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    stream_init(&link->secure, fds[1]);
    assert_int_equal(tls_accept(link->tls, &link->secure), 0);
    link->client_fd = fds[0];
    link->client = tls_peer_connect(link->ctx, fds[0], "relay.test");
    assert_int_equal(tls_peer_handshake(&link->secure, link->client).server, 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    stream_init(&link->plain, pair[0]);
    link->peer = pair[1];
    relay_begin(&link->relay, upwards ? &link->secure : &link->plain, &link->in,
                upwards ? &link->plain : &link->secure, HTTP_FRAMING_CLOSE, 0, sink);
    current = &link->relay;
}

static void link_release(struct link *link)
{
    stream_close(&link->secure);
    stream_close(&link->plain);
    buf_release(&link->in);
    buf_release(&link->relay.out);
    SSL_free(link->client);
    close(link->client_fd);
    close(link->peer);
    SSL_CTX_free(link->ctx);
    tls_server_free(link->tls);
}

/* Turn after turn, until it cannot go on. */
static enum relay_result move(struct link *link)
{
    enum relay_result result;
    do {
        struct turn turn = {.room = room, .began = clock_now()};
        result = relay_move(&link->relay, &turn);
    } while (result == RELAY_TURN_OVER);
    return result;
}

/* A record a byte. */
static void from_tls_a_byte_at_a_time(void **state)
{
    struct link link;
    (void)state;
    link_init(&link, true, HTTP_FRAMING_CHUNKED);
    for (size_t i = 0; i < 200; i++) {
        assert_int_equal(SSL_write(link.client, bulk + i, 1), 1);
        tls_peer_wait(link.secure.fd, POLLIN);
        assert_int_equal(move(&link), RELAY_WANTS_READ);
    }
    assert_int_equal(SSL_shutdown(link.client), 0);
    tls_peer_wait(link.secure.fd, POLLIN);
    assert_int_equal(move(&link), RELAY_DONE);
    ssize_t len = recv(link.peer, got, sizeof got, 0);
    struct span content = span_make(got, (size_t)len);
    assert_int_equal(unframe(HTTP_FRAMING_CHUNKED, &content), PARSE_DONE);
    assert_int_equal(content.len, 200);
    assert_memory_equal(content.data, bulk, 200);
    link_release(&link);
}

/* Encrypts one record of `size` bytes, and then `count` of one byte; sends them all at once. */
static void send_records(struct link *link, size_t size, size_t count)
{
    BIO *memory = BIO_new(BIO_s_mem()), *socket = SSL_get_wbio(link->client);
    char *data;
    BIO_up_ref(socket);
    SSL_set0_wbio(link->client, memory);
    assert_int_equal(SSL_write(link->client, bulk, (int)size), size);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(SSL_write(link->client, bulk + size + i, 1), 1);
    long len = BIO_get_mem_data(memory, &data);
    assert_int_equal(send(link->client_fd, data, (size_t)len, MSG_NOSIGNAL), len);
    SSL_set0_wbio(link->client, socket);
}

/* When bytes flow they are read in larger pieces, but not in any number of pieces. */
static void small_records_take_turns(void **state)
{
    const size_t count = 2000;
    uint64_t most = 0;
    struct link link;
    (void)state;
    link_init(&link, true, HTTP_FRAMING_CLOSE);
    send_records(&link, READ_SIZE, count);
    while (link.relay.body < READ_SIZE + count) {
        struct turn turn = {.room = room, .began = clock_now() - TURN_TIME};
        uint64_t before = link.relay.body;
        enum relay_result result = relay_move(&link.relay, &turn);
        assert_true(result == RELAY_TURN_OVER || result == RELAY_WANTS_READ);
        if (before >= READ_SIZE && link.relay.body - before > most)
            most = link.relay.body - before;
    }
    assert_int_equal(most, 64);
    assert_int_equal(recv(link.peer, got, sizeof got, 0), READ_SIZE + count);
    assert_memory_equal(got, bulk, READ_SIZE + count);
    link_release(&link);
}

/* The client reads now and then; records are refused in the middle. */
static void to_tls_that_stalls(void **state)
{
    struct link link;
    size_t sent = 0, received = 0, stalls = 0;
    enum relay_result result;
    (void)state;
    link_init(&link, false, HTTP_FRAMING_CLOSE);
    do {
        ssize_t n = send(link.peer, bulk + sent, BULK - sent, MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
        if (sent == BULK)
            shutdown(link.peer, SHUT_WR);
        result = move(&link);
        buf_trim(&link.in);
        if (result != RELAY_WANTS_WRITE)
            continue;
        assert_int_equal(link.secure.write_wants, POLLOUT);
        size_t count = 0;
        stalls++;
        tls_peer_wait(link.client_fd, POLLIN);
        for (int i = 0; i < 20; i++, received += count, count = 0)
            SSL_read_ex(link.client, got + received, 1000, &count);
    } while (result != RELAY_DONE);
    stream_shutdown(&link.secure);
    int error;
    received += tls_peer_read(link.client, got + received, BULK - received, &error);
    assert_true(stalls > 0);
    assert_int_equal(received, BULK);
    assert_memory_equal(got, bulk, BULK);
    link_release(&link);
}

/* A relay between two plain peers; a body of BULK bytes and what follows it, or a tunnel's flow. */
struct plain_link {
    struct stream from, to;
    int source, sink;
    struct buf in;
    struct relay relay;
    size_t sent, received;
};

static void plain_init_with(struct plain_link *link, enum http_framing framing, int receive_buffer)
{
    int fds[2];
    *link = (struct plain_link){0};
    tls_peer_tcp_pair(fds);
    link->source = fds[0];
    stream_init(&link->from, fds[1]);
    tls_peer_tcp_pair_with(fds, receive_buffer);
    link->sink = fds[0];
    stream_init(&link->to, fds[1]);
    relay_begin(&link->relay, &link->from, &link->in, &link->to, framing, BULK, framing);
    current = &link->relay;
}

static void plain_init(struct plain_link *link, enum http_framing framing)
{
    plain_init_with(link, framing, 0);
}

static void plain_release(struct plain_link *link)
{
    buf_release(&link->in);
    stream_close(&link->from);
    stream_close(&link->to);
    close(link->source);
    close(link->sink);
    bulk_thread_release();
}

static void plain_give(struct plain_link *link, size_t size)
{
    ssize_t n = send(link->source, bulk + link->sent, size - link->sent, MSG_NOSIGNAL);
    link->sent += n > 0 ? (size_t)n : 0;
}

static void plain_take(struct plain_link *link, size_t size)
{
    ssize_t n = recv(link->sink, got + link->received, size, 0);
    link->received += n > 0 ? (size_t)n : 0;
}

/* A turn; what it leaves behind when it would be parked is no more than a record's worth. */
static enum relay_result plain_move(struct plain_link *link)
{
    struct turn turn = {.room = room, .began = clock_now()};
    enum relay_result result = relay_move(&link->relay, &turn);
    assert_true(buf_len(&link->in) <= BUF_IO);
    assert_int_equal(link->relay.body, link->to.bytes_written);
    assert_int_equal(link->from.bytes_read, link->to.bytes_written + buf_len(&link->in));
    buf_trim(&link->in);
    return result;
}

/* A window of a kilobyte makes the kernel use several times the memory: it has room for less than
 * it seems. What then does not fit is at most what is moved while nothing is known. */
static void a_receiver_with_a_small_window(void **state)
{
    static const int sizes[] = {2304, 4608, 16384, 65536};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct plain_link link;
        enum relay_result result;
        plain_init_with(&link, HTTP_FRAMING_CLOSE, sizes[i]);
        do {
            struct turn turn = {.room = room, .began = clock_now()};
            ssize_t n = send(link.source, bulk, BULK, MSG_NOSIGNAL);
            result = relay_move(&link.relay, &turn);
            assert_true(buf_len(&link.in) <= BULK_MIN);
            if (result == RELAY_WANTS_READ && n == -1)
                tls_peer_wait(link.from.fd, POLLIN);
        } while (result != RELAY_WANTS_WRITE);
        assert_true(link.relay.body > READ_SIZE);
        plain_release(&link);
    }
}

/* Both ends stall as they like; the body ends where it ends, and what follows it stays. */
static void a_large_body_between_plain_peers(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct plain_link link;
        enum relay_result result;
        plain_init(&link, HTTP_FRAMING_LENGTH);
        do {
            if (link.sent < BULK)
                plain_give(&link, i & 1 && link.sent + 70000 < BULK ? link.sent + 70000 : BULK);
            result = plain_move(&link);
            assert_true(result == RELAY_DONE || result == RELAY_TURN_OVER ||
                        result == RELAY_WANTS_READ || result == RELAY_WANTS_WRITE);
            if (result == RELAY_WANTS_WRITE || i & 2)
                plain_take(&link, i & 1 ? 20000 : BULK);
        } while (result != RELAY_DONE);
        assert_int_equal(send(link.source, tail, 5, MSG_NOSIGNAL), 5);
        while (link.received < BULK)
            plain_take(&link, BULK - link.received);
        assert_memory_equal(got, bulk, BULK);
        assert_int_equal(link.from.bytes_read, BULK);
        assert_int_equal(link.relay.remaining, 0);
        plain_release(&link);
    }
}

/* The next request arrives together with the end of the body. */
static void what_follows_a_large_body(void **state)
{
    struct plain_link link;
    char next[sizeof tail] = "";
    (void)state;
    plain_init(&link, HTTP_FRAMING_LENGTH);
    while (link.sent < BULK || link.received < BULK) {
        plain_give(&link, BULK);
        if (link.sent == BULK) {
            assert_int_equal(send(link.source, tail, sizeof tail, MSG_NOSIGNAL), sizeof tail);
            break;
        }
        plain_move(&link);
        plain_take(&link, BULK);
    }
    while (plain_move(&link) != RELAY_DONE || link.received < BULK)
        plain_take(&link, BULK);
    assert_int_equal(link.received, BULK);
    assert_memory_equal(got, bulk, BULK);
    struct span in = buf_span(&link.in);
    memcpy(next, in.data, in.len);
    while (in.len < sizeof tail) {
        ssize_t n = stream_read(&link.from, next + in.len, sizeof tail - in.len);
        in.len += n > 0 ? (size_t)n : 0;
    }
    assert_string_equal(next, tail);
    plain_release(&link);
}

/* H21, and a tunnel's clean end; and a receiver that leaves. */
static void ends_of_a_large_body(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct plain_link link;
        enum relay_result result;
        plain_init(&link, i == 1 ? HTTP_FRAMING_CLOSE : HTTP_FRAMING_LENGTH);
        do {
            plain_give(&link, i == 2 && link.sink != -1 ? BULK / 4 : BULK - 1);
            if (link.sent == BULK - 1)
                shutdown(link.source, SHUT_WR);
            if (i == 2 && link.received > 0) {
                struct stream sink;
                stream_init(&sink, link.sink);
                stream_abort(&sink);
                link.sink = -1;
                link.received = 0;
                tls_peer_wait(link.to.fd, POLLERR);
            }
            result = relay_move(&link.relay, &(struct turn){.room = room, .began = clock_now()});
            plain_take(&link, BULK);
        } while (result == RELAY_WANTS_READ || result == RELAY_WANTS_WRITE ||
                 result == RELAY_TURN_OVER);
        static const enum relay_result expected[] = {RELAY_FROM_ENDED, RELAY_DONE, RELAY_TO_FAILED};
        assert_int_equal(result, expected[i]);
        while (i < 2 && link.received < BULK - 1)
            plain_take(&link, BULK);
        assert_memory_equal(got, bulk, link.received);
        plain_release(&link);
    }
}

static int setup(void **state)
{
    (void)state;
    noise_fill(bulk, BULK);
    identity = tls_peer_make_identity("relay.test");
    room = room_new(1, sizeof(struct room_slot));
    return room == NULL;
}

static int teardown(void **state)
{
    (void)state;
    room_free(room);
    tls_identity_unref(identity);
    stream_thread_release();
    tls_thread_release();
    buf_thread_release();
    return 0;
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_in_pieces_of_every_size),
        cmocka_unit_test(bodies_that_came_with_the_head),
        cmocka_unit_test(no_body),
        cmocka_unit_test(small_chunks_travel_as_one),
        cmocka_unit_test(bodies_that_end_too_soon),
        cmocka_unit_test(an_end_that_was_seen_before),
        cmocka_unit_test(malformed_chunks),
        cmocka_unit_test(a_sink_that_breaks),
        cmocka_unit_test(no_memory),
        cmocka_unit_test(who_keeps_up),
        cmocka_unit_test(a_turn_has_its_bytes),
        cmocka_unit_test(a_turn_that_is_over_moves_something),
        cmocka_unit_test(a_small_message_leaves_in_one_piece),
        cmocka_unit_test(what_is_large_is_not_joined),
        cmocka_unit_test(joining_sees_what_is_malformed),
        cmocka_unit_test(from_tls_a_byte_at_a_time),
        cmocka_unit_test(small_records_take_turns),
        cmocka_unit_test(to_tls_that_stalls),
        cmocka_unit_test(a_receiver_with_a_small_window),
        cmocka_unit_test(a_large_body_between_plain_peers),
        cmocka_unit_test(what_follows_a_large_body),
        cmocka_unit_test(ends_of_a_large_body),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
