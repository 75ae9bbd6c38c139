"""Answers of Portico's own: H30. Every reason that can be provoked from outside is, and is found in
the body, in the access line, and in the counters."""

import socket
import threading
from contextlib import contextmanager

import pytest

from harness.client import Client
from harness.origin import Origin, answer
from harness.portico import toml
from harness.scale import IS_RELEASE
from harness.wire import CLEAN, LIMIT, RESET, request, response


@contextmanager
def full_backlog():
    """The address of a listener that neither accepts nor refuses: its queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        for _ in range(4):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
            waiting.append(sock)
        try:
            yield "127.0.0.1:%d" % listener.getsockname()[1]
        finally:
            for sock in waiting:
                sock.close()


@contextmanager
def refusing():
    """The address of a port that is taken, and that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield "127.0.0.1:%d" % taken.getsockname()[1]


def silent(connection):
    connection.request_head()
    connection.to_end()


ANSWERS = {
    "closed.test": lambda connection: connection.request() and None,
    "nonsense.test": answer(b"nonsense\r\n\r\n"),
    "large.test": answer(response("200 OK", *["X: " + "x" * 8000] * 9)),
    "upgrade.test": answer(response("101 Switching Protocols", "Upgrade: x", "Connection: upgrade")),
    "silent.test": silent,
}


def get(host="ok.test", target="/", *fields, **options):
    return request("GET", target, *fields, host=host, **options)


REFUSALS = [
    ("E400-REQUEST", b"nonsense\r\n\r\n"),
    ("E400-TARGET", get(target="/#")),
    ("E400-FIELD", get("ok.test", "/", "X : y")),
    ("E400-HOST", b"GET / HTTP/1.1\r\n\r\n"),
    ("E400-LENGTH", get("ok.test", "/", "Content-Length: x")),
    ("E400-FRAMING", get("ok.test", "/", "Content-Length: 1", "Transfer-Encoding: chunked")),
    ("E400-CHUNK", get("silent.test", "/", "Transfer-Encoding: chunked") + b"x\r\n"),
    ("E405-METHOD", request("TRACE", "/", host="ok.test")),
    ("E408-HEAD", b"GET / HTTP/1.1\r\nHost: ok.te"),
    ("E408-BODY", request("POST", "/", "Content-Length: 100000", host="silent.test") + b"x"),
    ("E414-TARGET", get(target="/" + "x" * 17000)),
    ("E417-EXPECT", get("ok.test", "/", "Expect: more")),
    ("E421-HOST", get("unknown.test")),
    ("E431-HEAD", get("ok.test", "/", "X: " + "x" * 70000)),
    ("E431-FIELDS", get("ok.test", "/", *["X: y"] * 201)),
    ("E501-CODING", get("ok.test", "/", "Transfer-Encoding: gzip")),
    ("E505-VERSION", b"GET / HTTP/2.0\r\n\r\n"),
    ("E502-NAME", get("name.test")),
    ("E502-REFUSED", get("refused.test")),
    ("E502-UNREACHABLE", get("unreachable.test")),
    ("E502-CLOSED", get("closed.test")),
    ("E502-ANSWER", get("nonsense.test")),
    ("E502-HEAD", get("large.test")),
    ("E502-UPGRADE", get("upgrade.test")),
    ("E504-CONNECT", get("backlog.test")),
    ("E504-ANSWER", get("silent.test")),
]


@pytest.fixture
def houses(portico_factory):
    """A Portico with short patience, and one route for each kind of misfortune."""
    origins = []
    with full_backlog() as backlog, refusing() as refused:
        routes = [("refused.test", refused, "none"), ("backlog.test", backlog, "none"),
                  ("name.test", "does-not-exist.invalid:80", "none"),
                  ("unreachable.test", "224.0.0.1:80", "none"), ("tls.test", "127.0.0.1:1", "self_signed")]
        for host, script in {"ok.test": None, **ANSWERS}.items():
            origin = Origin()
            origin.script = script or origin.script
            origins.append(origin)
            routes.append((host, origin.upstream, "none"))
        portico = portico_factory(toml(routes, {"body_rate": 500}, {
            "head": "700ms", "connect": "700ms", "answer": "700ms", "body": "500ms"}))
        yield portico
        for origin in origins:
            origin.close()


@pytest.mark.parametrize("code, line, fields", [
    ("E431-HEAD", "GET /large HTTP/1.1", ("X: " + "x" * 70000,)),
    ("E431-FIELDS", "GET /many HTTP/1.1", ("X: y",) * 201),
    ("E400-FIELD", "GET /nul HTTP/1.1", ("X: \0",)),
    ("E505-VERSION", "GET /new HTTP/2.0", ()),
    ("E400-REQUEST", "GET /old", ()),
])
def test_h30_heads_that_are_not_read_to_their_end(site, code, line, fields):
    """What there is of them says what was asked, and that a browser asked."""
    mark = site.portico.out.mark()
    client = site.connect()
    client.send("\r\n".join((line, f"Host: {site.host}", "Accept: text/html", "X-Request-Id: mine", *fields, "", "")))
    message = client.response()
    entry = site.portico.wait_access(lambda e: e["reason"] == code, mark)
    assert entry["request"] == line
    if code in ("E431-HEAD", "E431-FIELDS", "E400-FIELD"):
        assert (entry["host"], entry["id"]) == (site.host, "mine")
        assert message.get("Content-Type").startswith("text/html") and "mine" in message.text


def test_h30_every_refusal(houses):
    portico = houses
    before = portico.status()
    mark = portico.out.mark()
    for code, data in REFUSALS:
        client = portico.connect("http")
        client.send(data)
        message = client.response()
        assert (message.status, message.text.count(code) > 0) == (int(code[1:4]), True), (code, message.raw)
        assert message.get("Content-Type").startswith("text/plain")
        assert message.get("Cache-Control") == "no-store" and message.get("Date")
        assert "127.0.0.1" not in message.text and ".invalid" not in message.text
        if message.get("Connection") == "close":
            assert client.end() == CLEAN
        client.close()
        entry = portico.wait_access(lambda e: e["reason"] == code, mark)  # noqa: B023
        assert (entry["status"], entry["bytes"]) == (message.status, len(message.body)), code
        # Once a request has an id, the answer tells it, so that people can quote it.
        assert entry["id"] == "-" or entry["id"] in message.text
    after = portico.status()
    for code, _ in REFUSALS:
        assert after.get(code, 0) - before.get(code, 0) == 1, code
    assert after["requests_total"] - before["requests_total"] == len(REFUSALS)


def test_h30_html_for_browsers(site):
    for accept, kind in (("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"), ("*/*", "text/plain"),
                         ("application/json", "text/plain")):
        data = site.request("GET", "/", f"Accept: {accept}", "Expect: more")
        message = site.connect().ask(data)
        assert message.get("Content-Type").startswith(kind) and "E417-EXPECT" in message.text
        assert ("<html" in message.text.lower()) == (kind == "text/html")


def test_h30_nothing_of_the_request_is_executed(site):
    """A request id is the client's own word: it cannot break out of the page."""
    data = site.request("GET", "/<script>", "Accept: text/html", "Expect: more", "X-Request-Id: <script>alert(1)</script>")
    assert "<script>" not in site.connect().ask(data).text


def test_h30_too_many_connections_from_one_client(portico_factory, origin_factory):
    origin = origin_factory()
    portico = portico_factory(toml([("x.test", origin.upstream, "none")], {"max_per_client": 3}))
    clients = [portico.connect("http") for _ in range(3)]
    for client in clients:
        assert client.ask(get("x.test")).status == 200
    fourth = portico.connect("http")
    message = fourth.response()
    assert message.status == 503 and "E503-CLIENT" in message.text and message.get("Retry-After")
    assert fourth.end() == CLEAN
    fourth.close()
    clients.pop().close()
    portico.await_status(lambda n: n["connections"] == 2)
    fresh = portico.connect("http")
    assert fresh.ask(get("x.test")).status == 200
    for client in (fresh, *clients):
        client.close()


def test_h30_trusted_proxies_may_have_more(portico_factory, origin_factory):
    origin = origin_factory()
    portico = portico_factory(toml([("x.test", origin.upstream, "none")],
                                   {"max_per_client": 2, "trusted_proxies": ["127.0.0.1"]}))
    clients = [portico.connect("http") for _ in range(5)]
    for client in clients:
        assert client.ask(get("x.test")).status == 200
        client.close()


def test_h30_plain_http_on_the_tls_port_is_counted(houses):
    before = houses.status().get("E400-TLS", 0)
    client = Client(houses.address("https"))
    assert "E400-TLS" in client.ask(get("ok.test")).text
    client.close()
    houses.await_status(lambda n: n.get("E400-TLS", 0) == before + 1)


def eat_memory(portico):
    """Leaves the process 4 MiB of address space, and takes them with heads that do not end.
    Returns the connections once some were closed for lack of a buffer."""
    portico.confine(4 << 20)
    eaters = []
    while "E503-MEMORY" not in portico.status():
        assert len(eaters) < 4000, "there is always more memory"
        for _ in range(50):
            eater = portico.connect("http")
            eaters.append(eater)
            eater.send(b"GET / HTTP/1.1\r\nX: " + b"x" * 8000)
            eater.await_consumed()
    return eaters


@pytest.mark.skipif(not IS_RELEASE, reason="sanitizers take their memory in advance")
def test_h30_out_of_memory(portico_factory, origin_factory):
    """It costs the connections that need more of it, and nobody else: those that can still be
    told are told, and once there is memory again everything is as before."""
    go = threading.Event()

    def script(connection):
        while message := connection.request():
            if message.target == "/waits":
                connection.report("asked")
                go.wait(LIMIT)
            connection.send(response(body=b"answer"))
    origin = origin_factory(script)
    # One worker and one arena: what one thread has put aside, another could not find.
    closed = socket.create_server(("127.0.0.1", 0))
    refused = f"127.0.0.1:{closed.getsockname()[1]}"
    closed.close()
    portico = portico_factory(toml([("x.test", origin.upstream, "none"), ("refused.test", refused, "none")],
                                   {"workers": 1, "max_per_client": 5000}),
                              env={"MALLOC_ARENA_MAX": "1"})
    client = portico.connect("http")
    assert client.ask(get("x.test")).status == 200
    # An answer of Portico's own needs a small block besides those of the request. From here on the
    # worker has one put aside; otherwise it would depend on how the memory happens to be cut.
    assert client.ask(get("refused.test")).status == 502
    client.send(request("GET", "/waits", host="x.test"))
    assert origin.reported() == "asked"
    eaters = eat_memory(portico)
    go.set()
    message = client.response()
    assert message.status == 503 and "E503-MEMORY" in message.text and message.get("Retry-After")
    portico.wait_access(lambda e: e["status"] == 503 and e["reason"] == "E503-MEMORY")
    for eater in eaters:
        eater.reset()
    portico.await_status(lambda n: n["connections"] <= 1)
    fresh = portico.connect("http")
    assert fresh.ask(get("x.test")).body == b"answer"
    fresh.close()
    client.close()


# Ends without an answer

def test_a_client_that_does_not_read(portico_factory, origin_factory):
    def script(connection):
        connection.request()
        connection.send(response("200 OK", "Content-Length: 100000000"))
        connection.send(bytes(100_000_000))
    origin = origin_factory(script)
    portico = portico_factory(toml([("x.test", origin.upstream, "none")], {}, {"write": "500ms"}))
    client = portico.connect("http")
    client.send(get("x.test"))
    entry = portico.wait_access(lambda e: e["reason"] == "CLIENT-STALLED")
    assert entry["status"] == 200 and 0 < entry["bytes"] < 100_000_000
    client.to_end()
    assert client.ended == RESET
    client.close()


def test_ends_without_an_answer_are_logged(portico_factory, origin_factory):
    origin = origin_factory()
    portico = portico_factory(toml([("x.test", origin.upstream, "none"), ("y.test", origin.upstream, "self_signed")], {},
                                   {"handshake": "500ms", "head": "500ms", "keep_alive": "500ms"}))
    mark = portico.log.mark()
    silent_client = portico.connect("http")
    portico.wait_log("closed: SILENT", mark)
    assert silent_client.end() == CLEAN
    idle = portico.connect("http")
    assert idle.ask(get("x.test")).status == 200
    assert idle.end() == CLEAN
    half = Client(portico.address("https"))
    half.send_raw(b"\x16\x03\x01")
    portico.wait_log("closed: TLS-TIMEOUT", mark)
    half.to_end()
    garbage = Client(portico.address("https"))
    garbage.send_raw(b"\x16\x03\x01\x00\x05hello")
    garbage.to_end()
    portico.wait_log("closed: TLS-HANDSHAKE", mark)
    numbers = portico.await_status(lambda n: n.get("IDLE", 0) == 1)
    assert (numbers["SILENT"], numbers["TLS-TIMEOUT"], numbers["TLS-HANDSHAKE"]) == (1, 1, 1)
    assert "closed: IDLE" not in portico.log.text()
    for client in (silent_client, idle, half, garbage):
        client.close()
