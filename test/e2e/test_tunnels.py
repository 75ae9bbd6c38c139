"""Tunnels, once an upstream has switched protocols: H17, H28."""

import threading

import pytest

from harness.portico import toml
from harness.wire import CLEAN, LIMIT, RESET, TRUNCATED, read_head, request, response

SWITCH = response("101 Switching Protocols", "Connection: Upgrade", "Upgrade: echo/1", "X-Kept: yes")
DATA = b"".join(number.to_bytes(4, "big") for number in range(250_000))


def open_tunnel(site, script, behind=b"", **options):
    """A client at its end of a tunnel; `script` runs at the other, after the 101."""
    def whole(connection):
        connection.request_head()
        connection.send(SWITCH)
        script(connection)
    site.origin.script = whole
    client = site.connect(**options)
    client.send(site.request("GET", "/tunnel", "Connection: Upgrade", "Upgrade: echo/1") + behind)
    line, fields, _ = read_head(client)
    assert line == "HTTP/1.1 101 Switching Protocols"
    found = {name.lower(): value for name, value in fields}
    assert (found["upgrade"], found["connection"].lower(), found["x-kept"]) == ("echo/1", "upgrade", "yes")
    return client


def echo(connection):
    while data := (connection.take(len(connection.buffer)) or connection.recv()):
        connection.send(data)


def test_h28_bytes_both_ways(site):
    client = open_tunnel(site, echo)
    for message in (b"a", b"\0\xff\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"x" * 100_000):
        client.send(message)
        assert client.exactly(len(message)) == message
    assert site.portico.await_status(lambda n: n["tunnels"] >= 1)
    client.finish()
    assert client.end() == CLEAN


def test_h28_bytes_that_came_with_the_heads(site):
    """Behind the request, and behind the 101 in the same segment."""
    def script(connection):
        connection.request_head()
        connection.send(SWITCH + b"hello")
        connection.report(connection.exactly(5))
        echo(connection)
    site.origin.script = script
    client = site.connect()
    client.send(site.request("GET", "/", "Connection: Upgrade", "Upgrade: echo/1") + b"early")
    read_head(client)
    assert client.exactly(5) == b"hello"
    assert site.origin.reported() == b"early"


def test_h28_the_client_ends_first(site):
    """Its end reaches the upstream, which may still send for as long as it likes."""
    go = threading.Event()

    def script(connection):
        connection.report(connection.to_end())
        connection.report(connection.ended)
        assert go.wait(LIMIT)
        connection.send(b"last words")
    client = open_tunnel(site, script)
    client.send(b"question")
    client.finish()
    assert site.origin.reported() == b"question"
    assert site.origin.reported() == CLEAN
    assert client.is_quiet()
    go.set()
    assert client.to_end() == b"last words"
    assert client.ended == CLEAN


def test_h28_the_upstream_ends_first(site):
    def script(connection):
        connection.send(b"speech")
        connection.sock.shutdown(1)
        connection.report(connection.to_end())
        connection.report(connection.ended)
    client = open_tunnel(site, script)
    assert client.to_end() == b"speech"
    assert client.ended == CLEAN
    client.ended = None
    client.send(b"reply")
    client.finish()
    assert site.origin.reported() == b"reply"
    assert site.origin.reported() == CLEAN


def test_h28_it_is_over_when_both_have_ended(site):
    before = site.portico.status()["tunnels"]
    mark = site.portico.out.mark()
    client = open_tunnel(site, lambda connection: connection.to_end())
    client.finish()
    assert client.end() == CLEAN
    site.portico.await_status(lambda n: n["tunnels"] == before)
    entry = site.portico.wait_access(lambda e: "/tunnel" in e["request"], mark)
    assert (entry["status"], entry["reason"]) == (101, "-")


def test_h28_a_reset_client(site):
    mark = site.portico.out.mark()

    def script(connection):
        connection.to_end()
        connection.report(connection.ended)
    client = open_tunnel(site, script)
    client.reset()
    assert site.origin.reported() == RESET
    site.portico.wait_access(lambda e: e["reason"] == "TUNNEL-BROKEN" and e["status"] == 101, mark)


def test_h28_a_reset_upstream(site):
    client = open_tunnel(site, lambda connection: (connection.fill(), connection.reset()))
    client.send(b"x")
    client.to_end()
    assert client.ended in (RESET, TRUNCATED)


def test_h28_a_tls_client_that_ends_without_close_notify(sites):
    site = sites["a.https.test"]

    def script(connection):
        connection.to_end()
        connection.report(connection.ended)
    client = open_tunnel(site, script)
    client.sock.shutdown(1)
    assert site.origin.reported() == RESET


def test_h28_large_transfers_both_ways_at_once(site):
    """Neither side reads before it has sent a good deal."""
    def script(connection):
        sender = threading.Thread(target=connection.sock.sendall, args=(DATA,))
        sender.start()
        connection.report(connection.exactly(len(DATA)))
        sender.join(LIMIT)
        connection.to_end()
    client = open_tunnel(site, script)
    client.send(DATA[:100_000])
    received = client.exactly(500_000)
    client.send(DATA[100_000:])
    received += client.exactly(500_000)
    assert received == DATA
    assert site.origin.reported() == DATA


def test_h28_a_client_that_reads_when_it_has_sent_everything(site):
    """What it does not read is more than anything on the way takes, and does not stop what it sends."""
    parts = 12

    def script(connection):
        def push():
            for _ in range(parts):
                connection.sock.sendall(DATA)
        sender = threading.Thread(target=push)
        sender.start()
        connection.report(connection.exactly(parts * len(DATA)) == DATA * parts)
        sender.join(LIMIT)
        connection.to_end()
    client = open_tunnel(site, script, receive_buffer=2304)
    site.portico.await_standstill()  # nothing more can be moved downwards
    for _ in range(parts):
        client.send(DATA)
    assert site.origin.reported() is True
    client.close()


@pytest.mark.parametrize("half", [False, True])
def test_h28_silent_tunnels_are_closed(portico_factory, origin_factory, half):
    over = threading.Event()

    def script(connection):
        connection.request_head()
        connection.send(SWITCH)
        connection.to_end()
        connection.report(connection.ended)
        assert over.wait(LIMIT)  # in silence
    origin = origin_factory(script)
    timeouts = {"tunnel_half": "500ms"} if half else {"tunnel": "500ms"}
    portico = portico_factory(toml([("x.test", origin.upstream, "none")], {}, timeouts))
    client = portico.connect("http")
    client.send(request("GET", "/", "Connection: Upgrade", "Upgrade: echo/1", host="x.test"))
    read_head(client)
    if half:
        client.finish()
    assert origin.reported() == CLEAN
    client.to_end()
    portico.wait_access(lambda e: e["reason"] == ("TUNNEL-HALF" if half else "TUNNEL-IDLE"))
    over.set()
    client.close()


def test_h17_an_upgrade_that_is_refused(site):
    """The upstream answers as usual; no tunnel, and the connection goes on."""
    client = site.connect()
    for _ in range(2):
        message = client.ask(site.request("GET", "/", "Connection: Upgrade", "Upgrade: echo/1"))
        assert message.status == 200
    assert site.origin.requests[0].get("Upgrade") == "echo/1"


def test_h17_an_upgrade_with_a_body(site):
    def script(connection):
        message = connection.request()
        connection.send(SWITCH)
        connection.send(message.body)
        echo(connection)
    site.origin.script = script
    client = site.connect()
    client.send(site.request("POST", "/", "Connection: Upgrade", "Upgrade: echo/1", body=b"body!"))
    read_head(client)
    assert client.exactly(5) == b"body!"
    client.send(b"more")
    assert client.exactly(4) == b"more"


def test_h17_not_in_http10(site):
    message = site.connect().ask(site.request("GET", "/", "Connection: Upgrade", "Upgrade: echo/1", version="HTTP/1.0"))
    assert message.status == 200
    assert site.origin.requests[0].get("Upgrade") is None
