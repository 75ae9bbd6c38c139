"""Bad input: garbage, answers twice, and what never ends. Each time the right status or a close, a
line in the log, nothing left behind, and others served as if nothing had happened."""

import random
import re
import threading

import pytest

from harness.origin import answer
from harness.portico import toml
from harness.scale import scaled
from harness.wire import CLEAN, LIMIT, RESET, TRUNCATED, read_head, response
from harness.witness import Ledger, others

pytestmark = pytest.mark.usefixtures("books")
ABORTED = (RESET, TRUNCATED)


# Garbage instead of HTTP or TLS

def garbage(seed):
    chance = random.Random(seed)
    data = chance.randbytes(chance.choice((1, 5, 11, 100, 1000, 20_000)))
    return data if seed % 2 else data + b"\r\n\r\n"


def test_garbage_instead_of_http(sites):
    """A 400 and its access line; or, when it did not even end a line, the end of a head."""
    site = sites["a.http.test"]
    ledger = Ledger(site.portico)
    with others(sites):
        for seed in range(scaled(200, 40)):
            client = site.connect()
            client.send(garbage(seed))
            client.finish()
            seen = client.to_end()
            if seen:
                assert seen.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 414 ")) and client.ended == CLEAN, (seed, seen)
                ledger.refused(seen)
            else:
                ledger.closed(client, "CLIENT-GONE")
            client.close()
    ledger.check()
    assert site.origin.connections == []


def test_garbage_within_tls(sites):
    """The same, once a handshake has succeeded."""
    site = sites["a.https.test"]
    ledger = Ledger(site.portico)
    with others(sites):
        for seed in range(scaled(60, 15)):
            client = site.connect()
            client.send(garbage(seed))
            client.finish()
            seen = client.to_end()
            if seen:
                assert seen.startswith(b"HTTP/1.1 4"), (seed, seen)
                ledger.refused(seen)
            else:
                ledger.closed(client, "CLIENT-GONE")
            client.close()
    ledger.check()
    assert site.origin.connections == []


def test_garbage_instead_of_tls(sites):
    site = sites["a.https.test"]
    ledger = Ledger(site.portico)
    with others(sites):
        for seed in range(scaled(200, 40)):
            client = site.connect_below_tls()
            client.send(garbage(seed))
            client.finish()
            seen = client.to_end()  # an alert, if anything
            assert seen[:1] in (b"", b"\x15") and len(seen) in (0, 7), (seed, seen)
            ledger.closed(client, "TLS-HANDSHAKE")
            client.close()
    ledger.check()


# Upstreams that talk nonsense

def test_upstreams_that_answer_garbage(sites, site):
    """502, and the upstream's connection is gone."""
    site.origin.script = lambda connection: (connection.request(), connection.send(data), connection.finish(),
                                             connection.report(connection.to_end()))
    ledger = Ledger(site.portico)
    with others(sites):
        client = site.connect()
        for seed in range(scaled(100, 30)):
            data = garbage(seed)
            message = client.ask(site.request("GET", f"/garbage/{seed}"))
            assert message.status == 502, (seed, message.raw)
            ledger.answered(f"/garbage/{seed}", 502, re.search(r"E502-(ANSWER|HEAD|CLOSED)", message.text)[0])
            site.origin.reported()
    ledger.check()


def test_upstreams_that_answer_twice_at_once(sites, site):
    """Under many clients at once, each gets the answer to its own request."""
    def script(connection):
        while message := connection.request():
            connection.send(response(body=message.target.encode()) + response(body=b"evil"))
    site.origin.script = script
    failures = []

    def ask(number):
        try:
            client = site.connect()
            for each in range(20):
                assert client.ask(site.request("GET", f"/{number}/{each}")).body == f"/{number}/{each}".encode()
        except BaseException as error:  # noqa: BLE001 - reported by the test's own thread
            failures.append(error)
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    with others(sites):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT)
    if failures:
        raise failures[0]


def test_upstreams_that_answer_before_they_are_asked(sites, site):
    """A greeting that is an answer cannot be told from one; a greeting that is none is a 502."""
    site.origin.script = lambda connection: (connection.send(b"220 smtp.test ESMTP\r\n"), connection.to_end())
    with others(sites):
        message = site.fetch()
    assert message.status == 502 and "E502-ANSWER" in message.text


def test_interim_answers_without_end(sites, portico_factory, origin_factory, scheme):
    """The client sees them, or not (HTTP/1.0); the time that an answer may take ends it."""
    def script(connection):
        connection.request()
        while True:
            connection.send(response("103 Early Hints", "Link: </x>") * 20)
    origin = origin_factory(script)
    host = f"x.{scheme}.test"
    portico = portico_factory(toml([(host, origin.upstream, "self_signed" if scheme == "https" else "none")],
                                   timeouts={"answer": "500ms"}))
    with others(sites):
        for version, some_seen in (("HTTP/1.1", True), ("HTTP/1.0", False)):
            client = portico.connect(scheme, server_name=host)
            client.send(sites[f"a.{scheme}.test"].request(host=host, version=version))
            message = client.response()
            assert message.status == 504 and "E504-ANSWER" in message.text
            assert bool(message.interim) == some_seen
            client.close()


def test_interim_answers_without_end_for_a_client_that_does_not_read(sites, site):
    """They are not read from the upstream either: what it sends piles up there."""
    def script(connection):
        connection.request()
        connection.sock.settimeout(1)
        sent = 0
        try:
            while True:
                sent += connection.sock.send(response("103 Early Hints", "X: " + "x" * 1000) * 20)
        except TimeoutError:
            connection.report(sent)
        connection.sock.settimeout(LIMIT)
        connection.to_end()
    site.origin.script = script
    client = site.connect(receive_buffer=4096)
    client.send(site.request())
    assert site.origin.reported() > 0
    numbers = site.portico.await_standstill()
    assert numbers["buffers"] <= 4
    client.reset()


# Lines and heads that never end

def endless(client, start, piece):
    """Sends until the peer has had enough; everything it says to that."""
    client.send(start)
    sent = 0
    try:
        while client.is_quiet() and sent < 20_000_000:
            client.send(piece)
            sent += len(piece)
    except (ConnectionResetError, BrokenPipeError):
        pass
    assert sent < 20_000_000, "this goes on for ever"


@pytest.mark.parametrize("start, piece, code", [
    pytest.param("GET /", b"x" * 1000, "E414-TARGET", id="target"),
    pytest.param("X", b"x" * 1000, "E4", id="method"),
    pytest.param("GET / HTTP/1.1\r\n", b"X: y\r\n" * 100, "E431-", id="fields"),
    pytest.param("GET / HTTP/1.1\r\nX: ", b"x" * 1000, "E431-HEAD", id="value"),
    pytest.param("GET / HTTP/1.1\r\nX", b"x" * 1000, "E431-HEAD", id="name"),
    pytest.param("", b"\r\n" * 500, "E4", id="empty lines"),
])
def test_heads_that_never_end(sites, site, start, piece, code):
    mark = site.portico.out.mark()
    with others(sites):
        client = site.connect()
        endless(client, start, piece)
        message = client.response()
        assert message.status in (400, 414, 431) and code in message.text, message.raw
        client.to_end()
    assert site.portico.wait_access(lambda e: e["reason"].startswith(code), mark)["status"] == message.status
    assert site.origin.connections == []


CHUNK_LINES = [
    pytest.param(b"5", b"0" * 1000, id="digits"),
    pytest.param(b"0", b"0" * 1000, id="zeros"),
    pytest.param(b"5;", b"x" * 1000, id="extension"),
    pytest.param(b"5;a=\"", b"x" * 1000, id="quoted"),
    pytest.param(b"0\r\nX: ", b"x" * 1000, id="trailer"),
    pytest.param(b"0\r\n", b"X: y\r\n" * 200, id="trailers"),
]


@pytest.mark.parametrize("start, piece", CHUNK_LINES)
def test_chunk_lines_that_never_end(sites, site, start, piece):
    """In a request: 400."""
    site.origin.script = lambda connection: (connection.request_head(), connection.to_end())
    mark = site.portico.out.mark()
    with others(sites):
        client = site.connect()
        endless(client, site.request("POST", "/", "Transfer-Encoding: chunked") + start, piece)
        message = client.response()
        assert message.status == 400 and "E400-CHUNK" in message.text
        client.to_end()
    site.portico.wait_access(lambda e: e["reason"] == "E400-CHUNK", mark)


@pytest.mark.parametrize("start, piece", CHUNK_LINES)
def test_chunk_lines_of_answers_that_never_end(sites, site, start, piece):
    """In an answer: the client sees an aborted transfer, and the upstream too."""
    seen = threading.Event()

    def script(connection):
        connection.request()
        connection.send(response("200 OK", "Transfer-Encoding: chunked"))
        assert seen.wait(LIMIT)
        connection.send(start)
        while True:
            connection.send(piece)
    site.origin.script = script
    mark = site.portico.out.mark()
    with others(sites):
        client = site.connect()
        client.send(site.request())
        read_head(client)
        seen.set()
        assert b"0\r\n\r\n" not in client.to_end()
        assert client.ended in ABORTED
    site.portico.wait_access(lambda e: e["reason"] == "ANSWER-CHUNK", mark)


@pytest.mark.parametrize("start", [
    pytest.param(b"HTTP/1.1 200 ", id="phrase"),
    pytest.param(b"HTTP/1.1 200 OK\r\nX", id="name"),
    pytest.param(b"x", id="nonsense"),
    pytest.param(b"HTTP/1.1 200 OK\r\n", id="fields"),
])
def test_heads_of_answers_that_never_end(sites, site, start):
    piece = b"X: y\r\n" * 200 if start.endswith(b"OK\r\n") else b"x" * 1000

    def script(connection):
        connection.request()
        connection.send(start)
        while True:
            connection.send(piece)
    site.origin.script = script
    with others(sites):
        client = site.connect()
        for _ in range(2):
            message = client.ask(site.request())
            assert message.status == 502 and "E502-" in message.text
    site.origin.play(answer(response(body=b"fine")))
    assert client.ask(site.request()).body == b"fine"
