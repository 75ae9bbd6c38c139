"""Bodies in flight: H19 (chunked), H21 (cut short), H22 (answers that do not wait)."""

import socket
import threading

import pytest

from harness.origin import answer
from harness.portico import toml
from harness.wire import CLEAN, LIMIT, RESET, TRUNCATED, Ended, chunked, read_head, request, response

# Bytes without a pattern that a shifted or repeated buffer could hide behind.
DATA = b"".join(number.to_bytes(4, "big") for number in range(250_000))


def chunked_request(site, body, *fields):
    return site.request("POST", "/", "Transfer-Encoding: chunked", *fields) + body


def echo_body(connection):
    while message := connection.request():
        connection.send(response(body=message.body))


# Chunked

def test_h19_request_is_decoded_and_encoded_again(site):
    body = (b"3;ext=1\r\nabc\r\n"
            b"0A;a=\"quoted;\";b\r\n0123456789\r\n"
            b"00000000000000001\r\nx\r\n"
            b"000;last\r\nTrailer-One: 1\r\nHost: evil.test\r\n\r\n")
    client = site.connect()
    assert client.ask(chunked_request(site, body, "Trailer: Trailer-One")).status == 200
    received = site.origin.requests[0]
    # The origin's parser refuses extensions; trailers it would have kept.
    assert (received.framing, received.body) == ("chunked", b"abc0123456789x")
    assert received.trailers == [] and received.get("Trailer") is None
    # The connection is at the right byte for the next request.
    assert client.ask(site.request(target="/next")).status == 200
    assert site.origin.requests[1].target == "/next"


def test_h19_answer_is_decoded_and_encoded_again(site):
    raw = (response("200 OK", "Transfer-Encoding: chunked", "Trailer: X")
           + b"5;ext\r\nhello\r\n1\r\n \r\n005\r\nworld\r\n0\r\nX: y\r\n\r\n")
    site.origin.script = answer(raw)
    client = site.connect()
    for _ in range(2):
        message = client.ask(site.request())
        assert (message.framing, message.body, message.trailers) == ("chunked", b"hello world", [])
        assert message.get("Trailer") is None
    assert len(site.origin.connections) == 1


def test_h19_large_bodies_both_ways(site):
    site.origin.script = echo_body
    pieces = [DATA[at:at + size] for at, size in ((0, 1), (1, 16383), (16384, 16385), (32769, 700_000), (732_769, 267_231))]
    message = site.connect().ask(chunked_request(site, chunked(*pieces)))
    assert message.body == DATA


def test_h19_empty_bodies(site):
    client = site.connect()
    assert client.ask(chunked_request(site, chunked())).status == 200
    site.origin.play(answer(response(chunks=[])))
    assert client.ask(site.request()).body == b""
    assert client.ask(site.request()).body == b""


BAD_CHUNKS = [
    b"g\r\nabc\r\n", b"\r\n", b"-1\r\n", b"+1\r\na\r\n", b"0x1\r\na\r\n", b" 1\r\na\r\n",
    b"3\nabc\r\n", b"3\r\nabc\n", b"3\r\nabcd\r\n", b"3\r\nab\r\n0\r\n\r\n",
    b"10000000000000000\r\n", b"fffffffffffffffff\r\n", b"1" * 30 + b"\r\n",
    b"3;a\nb\r\nabc\r\n", b"3;a\0\r\nabc\r\n", b"3\rabc\r\n",
    b"3;" + b"x" * 5000 + b"\r\nabc\r\n",
    b"0\r\nX: y\n\r\n", b"0\n\r\n", b"0\r\n\n",
]


@pytest.mark.parametrize("bad", BAD_CHUNKS, ids=range(len(BAD_CHUNKS)))
def test_h19_malformed_request_bodies(site, bad):
    """400 for the client; the upstream sees an aborted request, and nothing behind it."""
    def script(connection):
        try:
            connection.request()
            connection.report("complete")
        except Ended as end:
            connection.report(end.how)
    site.origin.script = script
    mark = site.portico.out.mark()
    client = site.connect()
    client.send(chunked_request(site, b"5\r\nhello\r\n" + bad + b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"))
    message = client.response()
    assert message.status == 400 and "E400-CHUNK" in message.text
    assert client.end() == CLEAN
    assert site.portico.wait_access(lambda e: e["reason"] == "E400-CHUNK", mark)["status"] == 400
    site.origin.await_connections(1)
    for _ in site.origin.connections:
        assert site.origin.reported() == RESET
    assert [each for each in site.origin.requests if each.target == "/smuggled"] == []


@pytest.mark.parametrize("bad", BAD_CHUNKS, ids=range(len(BAD_CHUNKS)))
def test_h19_malformed_answer_bodies(site, bad):
    seen = threading.Event()

    def script(connection):
        connection.request()
        connection.send(response("200 OK", "Transfer-Encoding: chunked") + b"5\r\nhello\r\n")
        assert seen.wait(LIMIT)
        connection.send(bad + b"0\r\n\r\n")
        connection.report(connection.to_end())
    site.origin.script = script
    mark = site.portico.out.mark()
    client = site.connect()
    client.send(site.request())
    read_head(client)
    assert client.until(b"hello\r\n") == b"5\r\nhello\r\n"
    seen.set()
    rest = client.to_end()
    assert not rest.endswith(b"0\r\n\r\n")
    assert client.ended in (RESET, TRUNCATED)
    site.portico.wait_access(lambda e: e["reason"] == "ANSWER-CHUNK" and e["status"] == 200, mark)
    assert site.origin.reported() == b""  # the upstream's connection is over as well


def test_h19_a_malformed_answer_body_that_comes_with_its_head(site):
    """In one segment: the head is the last thing that may be sent."""
    def script(connection):
        connection.request()
        connection.send(response("200 OK", "Transfer-Encoding: chunked") + b"g\r\nhello\r\n0\r\n\r\n")
        connection.report(connection.to_end())
    site.origin.script = script
    mark = site.portico.out.mark()
    client = site.connect()
    client.send(site.request())
    assert not client.to_end().endswith(b"0\r\n\r\n")
    assert client.ended in (RESET, TRUNCATED)
    entry = site.portico.wait_access(lambda e: e["status"] == 200, mark)
    assert (entry["reason"], entry["bytes"]) == ("ANSWER-CHUNK", 0)
    assert site.origin.reported() == b""


# Cut short

def leave(client, how):
    {"finish": client.finish, "reset": client.reset, "fin": lambda: client.sock.shutdown(1)}[how]()


@pytest.mark.parametrize("how", ["finish", "reset", "fin"])
@pytest.mark.parametrize("start", [
    pytest.param(lambda site: site.request("POST", "/", "Content-Length: 10") + b"hello", id="length"),
    pytest.param(lambda site: site.request("POST", "/", "Transfer-Encoding: chunked") + b"5\r\nhello\r\n", id="chunked"),
    pytest.param(lambda site: site.request("POST", "/", "Transfer-Encoding: chunked") + b"ff\r\nhello", id="in-chunk"),
    pytest.param(lambda site: site.request("POST", "/", "Content-Length: 2000000") + DATA, id="large"),
])
def test_h21_request_cut_short(site, start, how):
    """The upstream sees a reset: never a clean end, which might pass for a complete body."""
    arrived = threading.Event()

    def script(connection):
        connection.request_head()
        while b"hello" not in connection.received and len(connection.received) < 1_000_000:
            connection.fill()
        arrived.set()
        connection.to_end()
        connection.report(connection.ended)
    site.origin.script = script
    client = site.connect()
    client.send(start(site))
    assert arrived.wait(LIMIT)
    leave(client, how)
    assert site.origin.reported() == RESET


def test_h21_a_request_cut_short_is_in_the_log(site):
    def script(connection):
        connection.request_head()
        connection.report("head")
        connection.to_end()
    site.origin.script = script
    mark = site.portico.out.mark()
    client = site.connect()
    client.send(site.request("POST", "/cut", "Content-Length: 10") + b"hello")
    site.origin.reported()
    client.reset()
    entry = site.portico.wait_access(lambda e: "/cut" in e["request"], mark)
    assert entry["reason"] == "CLIENT-GONE"


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("raw", [
    pytest.param(response("200 OK", "Content-Length: 10") + b"hello", id="length"),
    pytest.param(response("200 OK", "Transfer-Encoding: chunked") + b"5\r\nhello\r\n", id="chunked"),
    pytest.param(response("200 OK", "Transfer-Encoding: chunked") + b"ff\r\nhello", id="in-chunk"),
    pytest.param(response("200 OK", "Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\n", id="last-chunk"),
    pytest.param(response("200 OK", "Content-Length: 2000000") + DATA, id="large"),
])
def test_h21_answer_cut_short(site, raw, how):
    def script(connection):
        connection.request()
        connection.send(raw)
        connection.await_consumed()
        getattr(connection, how)()
    site.origin.script = script
    mark = site.portico.out.mark()
    client = site.connect()
    with pytest.raises(Ended) as failed:
        client.ask(site.request("GET", "/cut"))
    assert failed.value.how in ((RESET,) if site.scheme == "http" else (RESET, TRUNCATED))
    entry = site.portico.wait_access(lambda e: "/cut" in e["request"], mark)
    assert (entry["status"], entry["reason"]) == (200, "ANSWER-SHORT")


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/1.1"])
def test_h21_an_until_close_answer_that_is_reset(site, version):
    """Its only sign of being complete is a clean end, so a reset must not become one."""
    seen = threading.Event()

    def script(connection):
        connection.request()
        connection.send(b"HTTP/1.1 200 OK\r\n\r\nhello")
        assert seen.wait(LIMIT)
        connection.reset()
    site.origin.script = script
    client = site.connect()
    client.send(site.request(version=version))
    client.until(b"hello")
    seen.set()
    rest = client.to_end()
    assert b"0\r\n\r\n" not in rest
    assert client.ended in (RESET, TRUNCATED)


# Answers that do not wait

def test_h22_an_early_answer_is_relayed_at_once(site):
    """The answer begins, and is readable, before the request's body has ended; both go on."""
    def script(connection):
        message = connection.request_head()
        connection.send(response("200 OK", "Content-Length: 10") + b"early")
        connection.request_body(message)
        connection.send(message.body)
    site.origin.script = script
    client = site.connect()
    client.send(site.request("POST", "/", "Content-Length: 5"))
    _, fields, _ = read_head(client)
    assert client.exactly(5) == b"early"
    client.send(b"later")
    assert client.exactly(5) == b"later"
    # Complete on both sides: the connection goes on.
    site.origin.script = answer(response(body=b"next"))
    assert ("Connection", "close") in fields or client.ask(site.request()).status == 200


def test_h22_full_duplex(site):
    """An echo that answers each piece as it comes."""
    def script(connection):
        connection.request_head()
        connection.send(response("200 OK", "Transfer-Encoding: chunked"))
        while (size := int(connection.until(b"\r\n"), 16)):
            piece = connection.exactly(size + 2)
            connection.send(b"%x\r\n%s" % (size, piece))
        connection.until(b"\r\n")
        connection.send(b"0\r\n\r\n")
        connection.request()
    site.origin.script = script
    client = site.connect()
    client.send(site.request("POST", "/", "Transfer-Encoding: chunked"))
    for number in range(50):
        piece = DATA[number * 100:number * 150 + 1]
        client.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        if number == 0:
            read_head(client)
        echoed = b""
        while len(echoed) < len(piece):
            size = int(client.until(b"\r\n"), 16)
            echoed += client.exactly(size + 2)[:-2]
        assert echoed == piece
    client.send(b"0\r\n\r\n")
    assert client.until(b"0\r\n\r\n") == b"0\r\n\r\n"


def test_h22_a_client_that_reads_when_it_has_sent_everything(site):
    """Its early answer is more than anything on the way takes, and does not stop what it sends."""
    piece, parts = DATA[:500_000], 24

    def script(connection):
        message = connection.request_head()
        connection.send(response("200 OK", f"Content-Length: {parts * len(piece)}"))

        def push():
            for _ in range(parts):
                connection.sock.sendall(piece)
        sender = threading.Thread(target=push)
        sender.start()
        connection.report(connection.request_body(message) == piece * parts)
        sender.join(LIMIT)
        connection.to_end()
    site.origin.script = script
    client = site.connect(receive_buffer=2304)
    client.send(site.request("POST", "/", f"Content-Length: {parts * len(piece)}"))
    site.portico.await_standstill()  # nothing more of the answer can be moved
    for _ in range(parts):
        client.send(piece)
    assert site.origin.reported() is True
    client.close()


def refuse(connection, then):
    connection.request_head()
    connection.send(response("413 Content Too Large", "Connection: close", body=b"too large"))
    then(connection)


@pytest.mark.parametrize("then", [
    pytest.param(lambda connection: connection.close(), id="closes"),  # with unread input: a reset
    pytest.param(lambda connection: connection.to_end(), id="reads on"),
    pytest.param(lambda connection: (connection.sock.shutdown(1), connection.to_end()), id="half-closes"),
])
@pytest.mark.parametrize("size", [10_000, 500_000])
def test_h22_a_refused_upload_can_read_why(site, then, size):
    """The client sends everything before it looks at the answer, which must still be there."""
    site.origin.script = lambda connection: refuse(connection, then)
    client = site.connect()
    client.send(site.request("POST", "/", f"Content-Length: {size}") + DATA[:size])
    message = client.response()
    assert (message.status, message.body) == (413, b"too large")


def test_h22_a_refused_upload_that_goes_on(site):
    """A client that reads while it sends, as most do, and sends far more than is drained."""
    site.origin.script = lambda connection: refuse(connection, lambda connection: connection.to_end())
    client = site.connect()
    client.send(site.request("POST", "/", "Content-Length: 100000000"))
    sent = DATA * 3
    failed = []

    def upload():
        try:
            client.sock.sendall(sent)
        except OSError as error:
            failed.append(error)
    if site.scheme == "http":  # over TLS two threads cannot share an SSLObject
        thread = threading.Thread(target=upload)
        thread.start()
    message = client.response()
    assert (message.status, message.body) == (413, b"too large")
    assert message.get("Connection") == "close"
    client.to_end()
    if site.scheme == "http":
        thread.join(LIMIT)


@pytest.mark.parametrize("parts", [[b"too ", b"large"], [DATA[:1], DATA * 5]], ids=["in parts", "large"])
def test_h22_a_refused_upload_that_is_given_up(sites, parts):
    """A plain client that says that there will be no more of its body, while it is told why,
    is told all of it. The upstream sees that the body is not complete."""
    site = sites["a.http.test"]
    go = threading.Event()

    def script(connection):
        connection.request_head()
        connection.send(response("413 Content Too Large", f"Content-Length: {sum(map(len, parts))}") + parts[0])
        assert go.wait(LIMIT)
        for part in parts[1:]:
            connection.send(part)
        connection.to_end()
        connection.report(connection.ended)
    site.origin.script = script
    client = site.connect(receive_buffer=4096)
    client.send(site.request("POST", "/", "Content-Length: 1000000") + DATA[:1000])
    status, _, _ = read_head(client)
    assert client.exactly(len(parts[0])) == parts[0] and " 413 " in status
    client.finish()
    site.portico.await_standstill()  # the half-close has been seen
    go.set()
    rest = b"".join(parts[1:])
    assert client.exactly(len(rest)) == rest
    assert client.end() == CLEAN
    assert site.origin.reported() == RESET


@pytest.fixture
def patient(portico_factory, origin_factory, scheme):
    """A Portico that lingers for as long as it takes, and a function that connects to it."""
    origin = origin_factory()
    host = f"x.{scheme}.test"
    kind = "self_signed" if scheme == "https" else "none"
    portico = portico_factory(toml([(host, origin.upstream, kind)], timeouts={"linger": "1m"}))
    return portico, lambda: portico.connect(scheme, host if scheme == "https" else None), host


def read_refusal(client, status):
    message = client.response()
    assert (message.status, message.get("Connection")) == (status, "close")


def test_h22_the_body_of_a_request_that_was_refused_for_its_head(patient):
    """It comes after the answer, and is still taken: the client need not fail at writing."""
    portico, connect, host = patient
    client = connect()
    client.send(request("POST", "/", "Bad name: x", "Content-Length: 10000", host=host))
    read_refusal(client, 400)
    for at in range(0, 10_000, 1000):
        client.send(DATA[at:at + 1000])
        client.await_consumed()
    assert portico.status()["connections"] == 1
    assert client.end() == CLEAN
    client.close()
    portico.await_status(lambda n: n["connections"] == 0)


@pytest.mark.parametrize("answered", ["before", "after"])
def test_h22_much_of_a_body_that_nobody_wants(patient, answered):
    """More of it than one turn takes: all of it is discarded, also what was decrypted in advance,
    and then the client's end is seen at once."""
    portico, connect, host = patient
    client = connect()
    client.send(request("POST", "/", "Content-Length: 900000", host="unknown.test"))
    if answered == "before":
        read_refusal(client, 421)
    client.send(DATA[:900_000])
    if answered == "after":
        read_refusal(client, 421)
    assert client.end() == CLEAN
    client.close()
    portico.await_status(lambda n: n["connections"] == 0)


def test_h22_an_answer_of_porticos_own_during_an_upload(sites, scheme):
    site = sites[f"refused.{scheme}.test"]
    client = site.connect()
    client.send(site.request("POST", "/", "Content-Length: 500000") + DATA[:500_000])
    message = client.response()
    assert message.status == 502 and "E502-REFUSED" in message.text


def test_large_uploads_and_downloads(site):
    site.origin.script = echo_body
    client = site.connect()
    for _ in range(2):
        message = client.ask(site.request("PUT", "/", body=DATA))
        assert (message.framing, message.body) == ("length", DATA)


@pytest.mark.parametrize("raw", [response(body=DATA), response(chunks=[DATA[:1], DATA[1:70_000], DATA[70_000:]]),
                                 b"HTTP/1.0 200 OK\r\n\r\n" + DATA], ids=["length", "chunked", "close"])
def test_a_slow_reader_gets_every_byte(site, raw):
    """Its window is small, and it reads a little at a time, so Portico is stopped at many places."""
    site.origin.script = answer(raw, close=True)
    client = site.connect(receive_buffer=4096)
    client.send(site.request())
    while len(client.buffer) < 200_000:
        client.buffer += client.sock.recv(777) if not client.tls else client.recv()
    assert client.response().body == DATA


def test_a_slow_upstream_gets_every_byte(site):
    def script(connection):
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
        message = connection.request_head()
        while len(connection.buffer) < 200_000:
            connection.buffer += connection.sock.recv(777)
        connection.send(response(body=connection.request_body(message)))
    site.origin.script = script
    assert site.connect().ask(site.request("PUT", "/", body=DATA)).body == DATA


def test_sizes_around_every_buffer(site):
    site.origin.script = echo_body
    client = site.connect()
    for size in (0, 1, 1023, 1024, 1025, 4095, 4096, 4097, 16383, 16384, 16385, 16639, 16640, 16641, 65535, 65536, 65537):
        assert client.ask(site.request("PUT", "/", body=DATA[:size])).body == DATA[:size]
        assert client.ask(site.request("PUT", "/", chunks=[DATA[:size]] if size else [])).body == DATA[:size]
