"""Bad input: garbage, and peers that vanish at any byte. Each time the right status or a close,
one line in the log, nothing left behind, and others served as if nothing had happened."""

import random
import re
import ssl
import subprocess
import threading
from collections import Counter
from contextlib import contextmanager

import pytest

from harness.client import Client
from harness.origin import answer
from harness.portico import toml
from harness.scale import scaled, some
from harness.wire import CLEAN, LIMIT, RESET, TRUNCATED, Ended, read_head, response

ABORTED = (RESET, TRUNCATED)


@pytest.fixture(autouse=True)
def books(shared):
    """Nothing is left behind by any test: connections, buffers, descriptors."""
    portico, _ = shared
    before = portico.await_balance()["upstream_open"]
    descriptors = portico.descriptors() - before
    yield
    portico.await_status(lambda n: portico.descriptors() - n["upstream_open"] == descriptors)
    portico.await_balance()


@contextmanager
def others(sites):
    """While the block runs, other clients make requests on kept-alive connections, over HTTP and
    HTTPS, and every one is answered."""
    over, failures, served = threading.Event(), [], []

    def keep_asking(site):
        try:
            client = site.connect()
            while True:
                last = over.is_set()
                assert client.ask(site.request()).status == 200
                served.append(site.host)
                if last:
                    break
                over.wait(0.01)
            client.close()
        except BaseException as error:  # noqa: BLE001 - reported by the test's own thread
            failures.append(error)
    threads = [threading.Thread(target=keep_asking, args=(sites[f"hello.{scheme}.test"],)) for scheme in ("http", "https")]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(LIMIT)
    if failures:
        raise failures[0]
    assert len(set(served)) == 2


def raw_client(site):
    """A client of the site's port that speaks no TLS."""
    client = Client(site.portico.address(site.scheme))
    site.clients.append(client)
    return client


class Ledger:
    """What the logs are to say about a series of connections. It is looked at in the end, since
    Portico writes its logs in batches."""

    def __init__(self, portico):
        self.portico = portico
        self.out, self.log = portico.out.mark(), portico.log.mark()
        self.closings, self.entries, self.refusals = [], [], Counter()

    def closed(self, client, code):
        """A connection that ended without an answer has a line, and only one."""
        self.closings.append((client.port, code))

    def answered(self, target, status, reason):
        self.entries.append((target, f" {status} ", f" reason={reason} "))

    def refused(self, answer):
        """An answer (raw) to something without a target: there are as many lines as answers."""
        self.refusals[re.search(rb"E4\d\d-[A-Z]+", answer)[0].decode()] += 1

    def check(self):
        for port, code in self.closings:
            line = self.portico.log.wait(lambda line: f":{port} closed: " in line, self.log)
            assert f"closed: {code}" in line, line
        for target, status, reason in self.entries:
            line = self.portico.out.wait(lambda line: f" {target} " in line, self.out)
            assert status in line and reason in line, line
        for code, count in self.refusals.items():
            seen = []
            self.portico.out.wait(lambda line: f" reason={code} " in line and not seen.append(line) and len(seen) == count, self.out)
        closings = [line for line in self.portico.log.items[self.log:] if " closed: " in line]
        assert len(closings) == len(self.closings), closings


def leave(client, how):
    """Without a word of TLS: a FIN or a reset."""
    client.sock.shutdown(1) if how == "fin" else client.reset()


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
            client = raw_client(site)
            client.send(garbage(seed))
            client.finish()
            seen = client.to_end()  # an alert, if anything
            assert seen[:1] in (b"", b"\x15") and len(seen) in (0, 7), (seed, seen)
            ledger.closed(client, "TLS-HANDSHAKE")
            client.close()
    ledger.check()


def test_garbage_behind_a_handshake(sites):
    """Records that are none, in the middle of a head and of an upload: an alert, and the end."""
    site = sites["a.https.test"]
    site.origin.script = lambda connection: connection.request()
    ledger = Ledger(site.portico)
    with others(sites):
        for seed in range(scaled(40, 10)):
            head = site.request("POST", f"/broken/{seed}", "Content-Length: 100")
            client = site.connect()
            client.send(head[:20] if seed % 2 else head + b"x")
            client.await_consumed()
            chance = random.Random(seed)
            data = chance.randbytes(200)
            client.send_raw(data if seed % 4 < 2 else b"\x17\x03\x03\x00\xc3" + data[:195])
            assert drain(client) in (CLEAN, *ABORTED)
            if seed % 2:
                ledger.closed(client, "CLIENT-GONE")
            else:
                ledger.answered(f"/broken/{seed}", 499, "CLIENT-GONE")
            client.reset()
    ledger.check()


def drain(client):
    """Reads to the end, whatever OpenSSL thinks of it; how the connection ended."""
    try:
        client.to_end()
    except ssl.SSLError:
        return TRUNCATED  # an alert
    return client.ended


def test_tls_to_the_http_port(sites):
    site = sites["a.http.test"]
    ledger = Ledger(site.portico)
    with others(sites):
        for version in ("-tls1_2", "-tls1_3"):
            done = s_client(site, version)
            assert done.returncode != 0 and "wrong version number" in done.stderr
            ledger.refused(b"E400-REQUEST")
    ledger.check()


@pytest.mark.parametrize("line", ["GET / HTTP/1.1", "POST /x HTTP/1.0", "PUT /x HTTP/1.1", "CONNECT a:1 HTTP/1.1"])
def test_http_to_the_https_port(sites, line):
    """For those methods that can be told from TLS, an answer that says so, and nothing else."""
    site = sites["a.https.test"]
    mark = site.portico.out.mark()
    client = raw_client(site)
    client.send(f"{line}\r\nHost: {site.host}\r\nContent-Length: 5\r\n\r\nhello")
    message = client.response()
    assert message.status == 400 and message.get("Connection") == "close"
    assert client.end() == CLEAN
    site.portico.wait_access(lambda e: e["reason"] == "E400-TLS", mark)
    assert site.origin.connections == []


# Handshakes

def client_hello(site, version=None):
    """A real one, as bytes."""
    context = ssl.create_default_context()
    if version:
        context.maximum_version = version
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname=site.host).do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("how", ["fin", "reset"])
def test_truncated_client_hellos(sites, how):
    site = sites["a.https.test"]
    hello = client_hello(site)
    ledger = Ledger(site.portico)
    with others(sites):
        for size in some(range(1, len(hello)), 11):
            client = raw_client(site)
            client.send(hello[:size])
            client.await_consumed()
            leave(client, how)
            if how == "fin":
                assert client.to_end()[:1] in (b"", b"\x15")
            ledger.closed(client, "TLS-HANDSHAKE")
            client.close()
    ledger.check()


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_damaged_client_hellos(sites, version):
    """Bytes changed at random: an alert, a handshake that goes on, or a wait for more, which the
    client ends."""
    site = sites["a.https.test"]
    hello = client_hello(site, ssl.TLSVersion[version])
    ledger = Ledger(site.portico)
    with others(sites):
        for seed in range(scaled(300, 50)):
            chance = random.Random(seed)
            damaged = bytearray(hello)
            for _ in range(chance.choice((1, 1, 2, 10))):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            client = raw_client(site)
            client.send(bytes(damaged))
            client.sock.shutdown(1)
            seen = client.to_end()
            assert seen[:1] in (b"", b"\x15", b"\x16") or seen.startswith(b"HTTP/1.1 400 "), (seed, seen)
            if seen.startswith(b"HTTP"):
                ledger.refused(seen)
            else:
                ledger.closed(client, "TLS-")
            client.close()
    ledger.check()


@pytest.mark.parametrize("how", ["fin", "reset"])
@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_clients_that_vanish_in_the_rest_of_a_handshake(sites, version, how):
    """After the ClientHello: at every byte of the client's second flight."""
    site = sites["a.https.test"]
    context = ssl.create_default_context(cafile=site.portico.root)
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    ledger = Ledger(site.portico)
    with others(sites):
        for size in some(range(40 if version == "TLSv1_3" else 60), 7):
            client = raw_client(site)
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context.wrap_bio(incoming, outgoing, server_hostname=site.host)
            flights = 0
            while flights < 2:
                try:
                    tls.do_handshake()
                except ssl.SSLWantReadError:
                    pass
                flight = outgoing.read()
                flights += bool(flight)
                client.send(flight if flights == 1 else flight[:size])
                if flights == 1:
                    incoming.write(client.sock.recv(65536))
            client.await_consumed()
            leave(client, how)
            client.to_end() if how == "fin" else None
            ledger.closed(client, "TLS-HANDSHAKE")
            client.close()
    ledger.check()


def test_an_sslv2_hello(sites):
    site = sites["a.https.test"]
    suites = bytes.fromhex("010080 020080 030080 040080 050080 060040 0700c0")
    hello = b"\x01\x00\x02" + len(suites).to_bytes(2, "big") + b"\0\0" + b"\0\x10" + suites + bytes(range(16))
    ledger = Ledger(site.portico)
    for version in (b"\x00\x02", b"\x03\x00", b"\x03\x03"):
        body = hello[:1] + version + hello[3:]
        client = raw_client(site)
        client.send((0x8000 | len(body)).to_bytes(2, "big") + body)
        seen = client.to_end()
        assert seen[:1] in (b"", b"\x15")
        ledger.closed(client, "TLS-")
        client.close()
    ledger.check()


def s_client(site, *options, text="", **run):
    host, port = site.portico.address(site.scheme)
    command = ["openssl", "s_client", "-connect", f"{host}:{port}", "-servername", site.host,
               "-CAfile", site.portico.root, *options]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=LIMIT, **run)


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_versions_are_refused(sites, version):
    site = sites["a.https.test"]
    log = site.portico.log.mark()
    done = s_client(site, version, "-cipher", "ALL:@SECLEVEL=0")
    assert done.returncode != 0 and "protocol version" in done.stderr, done.stderr
    assert "closed: TLS-HANDSHAKE" in site.portico.wait_log("closed: TLS-", log)


@pytest.mark.parametrize("options", [
    pytest.param(["-tls1_2", "-cipher", "AES128-SHA"], id="no forward secrecy"),
    pytest.param(["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256"], id="no AEAD"),
    pytest.param(["-tls1_2", "-cipher", "aNULL:eNULL:@SECLEVEL=0"], id="no key"),
])
def test_weak_suites_are_refused(sites, options):
    site = sites["a.https.test"]
    log = site.portico.log.mark()
    done = s_client(site, *options)
    assert done.returncode != 0 and "handshake failure" in done.stderr, done.stderr
    assert "closed: TLS-HANDSHAKE" in site.portico.wait_log("closed: TLS-", log)


def test_renegotiation_is_refused(sites):
    """The client insists, so that its connection ends; it never gets an answer that way."""
    site = sites["a.https.test"]
    with others(sites):
        done = s_client(site, "-tls1_2", text="R\n" + site.request().decode())
        assert "RENEGOTIATING" in done.stdout + done.stderr
        assert "no renegotiation" in done.stderr and done.returncode != 0, done.stderr
    assert site.origin.requests == []


def test_key_updates(sites):
    """Those of TLS 1.3 are part of it."""
    site = sites["a.https.test"]
    host, port = site.portico.address("https")
    with subprocess.Popen(["openssl", "s_client", "-connect", f"{host}:{port}", "-servername", site.host, "-tls1_3"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as client:
        for command in "KkKk":  # one at a time, or the program takes them for data
            client.stdin.write(command.encode() + b"\n")
            while b"KEYUPDATE" not in (line := client.stderr.readline()):
                assert line, "s_client has ended"
        client.stdin.write(site.request("GET", "/updated", "Connection: close"))
        while b"HTTP/1.1 200 OK" not in (line := client.stdout.readline()):
            assert line, "s_client has ended"
        client.communicate(timeout=LIMIT)
    assert site.origin.requests[0].target == "/updated"


# Clients that vanish

REQUESTS = {
    "length": lambda site, number: site.request("POST", f"/vanish/{number:03}", body=b"hello world"),
    "chunked": lambda site, number: site.request("POST", f"/vanish/{number:03}", chunks=[b"hello", b" world"]),
}


@pytest.mark.parametrize("how", ["fin", "reset", "close_notify"])
@pytest.mark.parametrize("framing", REQUESTS)
def test_clients_that_vanish_at_any_byte(sites, site, framing, how):
    """Of head and body. The upstream sees no request, or an aborted one."""
    if how == "close_notify" and site.scheme == "http":
        pytest.skip("TLS only")

    def script(connection):
        try:
            connection.request()
            connection.report(None)
        except Ended as end:
            connection.report(end.how)
    site.origin.script = script
    ledger = Ledger(site.portico)
    with others(sites):
        for size in some(range(1, len(REQUESTS[framing](site, 100))), 7):
            data = REQUESTS[framing](site, size)
            head = data.index(b"\r\n\r\n") + 4
            client = site.connect()
            client.send(data[:size])
            client.await_consumed()
            if how == "close_notify":
                client.finish()
            else:
                leave(client, how)
            if size < head:
                ledger.closed(client, "CLIENT-GONE: in the middle of a request's head")
            else:
                ledger.answered(f"/vanish/{size:03}", 499, "CLIENT-GONE")
                assert site.origin.reported() == RESET
            drain(client) if how == "fin" else client.reset()
            client.close()
    ledger.check()


@pytest.mark.parametrize("how", ["fin", "reset"])
def test_clients_that_vanish_at_any_byte_of_a_record(sites, how):
    """Below TLS: at each byte of what carries a request."""
    site = sites["a.https.test"]
    head = site.request()
    ledger = Ledger(site.portico)
    with others(sites):
        size = 1
        while True:
            client = site.connect()
            client.tls.write(head)
            record = client.outgoing.read()
            if size >= len(record):
                break
            client.send_raw(record[:size])
            client.await_consumed()
            leave(client, how)
            drain(client) if how == "fin" else None
            client.close()
            size += scaled(1, 5)
    assert site.origin.connections == []
    ledger.check()  # no byte of a request has come: as if the connections had been idle


# Upstreams that vanish, or never end

ANSWERS = {
    "length": response("200 OK", "X: y", body=b"hello world"),
    "chunked": response("200 OK", "X: y", chunks=[b"hello", b" world"]),
    "until-close": response("200 OK", "X: y") + b"hello world",
}


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("framing", ANSWERS)
def test_upstreams_that_vanish_at_any_byte(sites, site, framing, how):
    """In the head: 502. In the body: an aborted transfer, unless the end is what ends it."""
    raw = ANSWERS[framing]
    head = raw.index(b"\r\n\r\n") + 4
    size = 0

    def script(connection):
        connection.request()
        connection.send(raw[:size])
        connection.await_consumed()
        getattr(connection, how)()
    site.origin.script = script
    ledger = Ledger(site.portico)
    with others(sites):
        for size in some(range(len(raw)), 7):
            client = site.connect()
            client.send(site.request("GET", f"/vanish/{size}"))
            if size < head:
                message = client.response()
                assert (message.status, "E502-CLOSED" in message.text) == (502, True)
                assert client.ask(site.request()).status == 502  # the client goes on
                expected = (502, "E502-CLOSED")
            elif framing == "until-close" and how == "close":
                assert client.response().body == raw[head:size]
                expected = (200, "-")
            else:
                with pytest.raises(Ended) as failed:
                    client.response()
                assert failed.value.how in ABORTED
                expected = (200, "ANSWER-SHORT")
            ledger.answered(f"/vanish/{size}", *expected)
            client.close()
    ledger.check()


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
