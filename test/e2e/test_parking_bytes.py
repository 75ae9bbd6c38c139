"""Every phase is resumed at every byte boundary: what test_bytes does to the bytes of plain
connections and of TLS records, here to the records themselves. Each byte is a record of its own,
and these come all at once, one by one, or a byte at a time; and every exchange is cut in two at
each of its bytes. What client and origin see must be the same each time."""

import ssl

import pytest

from harness.wire import CLEAN, Ended, read_head, response
from test_bytes import EXCHANGES, run

TLS_VERSIONS = {"tls12": ssl.TLSVersion.TLSv1_2, "tls13": ssl.TLSVersion.TLSv1_3}
WHOLE = 1 << 16
# How records of one byte are sent.
RECORDS = {"at once": 0, "one by one": WHOLE, "byte by byte": 1}
UPGRADE = ("Connection: Upgrade", "Upgrade: echo/1")


@pytest.fixture
def tls_site(sites):
    return sites["a.https.test"]


@pytest.fixture(params=TLS_VERSIONS)
def version(request):
    return TLS_VERSIONS[request.param]


@pytest.fixture(params=RECORDS)
def step(request):
    return RECORDS[request.param]


@pytest.mark.parametrize("name", EXCHANGES)
def test_exchanges_in_records_of_a_byte(tls_site, version, step, name):
    make, answers, raw = EXCHANGES[name]
    expected = run(tls_site, make(tls_site), answers, raw, 0, 0, version=version)
    assert run(tls_site, make(tls_site), answers, raw, step, 0, version=version, record=1) == expected


def test_100_continue_in_records_of_a_byte(tls_site, version, step):
    def script(connection):
        message = connection.request_head()
        connection.send(response("100 Continue"))
        # A connection that the origin closes here could be taken for the next PUT (H24).
        connection.send(response("200 OK", "Connection: close", body=connection.request_body(message)))
    tls_site.origin.script = script
    client = tls_site.connect(version=version, step=step, record=1)
    client.send(tls_site.request("PUT", "/", "Expect: 100-continue", "Content-Length: 5"))
    assert client.interim().status == 100
    client.send(b"hello")
    assert client.response().body == b"hello"


def test_tunnels_in_records_of_a_byte(tls_site, version, step):
    def script(connection):
        connection.request_head()
        connection.send(response("101 Switching Protocols", *UPGRADE))
        connection.send(connection.exactly(20))
        connection.report(connection.to_end())
        connection.send(b"goodbye")
    tls_site.origin.script = script
    client = tls_site.connect(version=version, step=step, record=1)
    client.send(tls_site.request("GET", "/", *UPGRADE) + b"0123456789" * 2 + b"rest")
    read_head(client)
    assert client.exactly(20) == b"0123456789" * 2
    client.finish()
    assert tls_site.origin.reported() == b"rest"
    assert client.to_end() == b"goodbye" and client.ended == CLEAN


def test_until_close_in_records_of_a_byte(tls_site, version, step):
    def script(connection):
        connection.request()
        connection.send(b"HTTP/1.0 200 OK\r\n\r\nuntil the end")
    tls_site.origin.script = script
    client = tls_site.connect(version=version, step=step, record=1)
    assert client.ask(tls_site.request()).body == b"until the end"


# Cut in two

def exchange(site, script, send, answers):
    """What the client and the origin saw, as in test_bytes."""
    site.origin.drop()
    site.origin.clear()
    site.origin.script = script
    client = site.connect()
    send(client)
    seen = []
    for _ in range(answers):
        message = client.response()
        fields = [field for field in message.fields if field[0] != "Date"]
        seen.append((message.status, fields, message.body, [each.head for each in message.interim]))
    client.close()
    return seen, [(each.head, each.body) for each in site.origin.requests]


def in_two(endpoint, data, at):
    endpoint.send(data[:at])
    endpoint.await_consumed()
    endpoint.send(data[at:])


@pytest.mark.parametrize("name", EXCHANGES)
def test_requests_cut_in_two_at_each_byte(site, name):
    make, answers, raw = EXCHANGES[name]
    data = make(site)

    def script(connection):
        while connection.request():
            connection.send(raw)
    expected = exchange(site, script, lambda client: client.send(data), answers)
    for at in range(1, len(data)):
        assert exchange(site, script, lambda client: in_two(client, data, at), answers) == expected


@pytest.mark.parametrize("name", [name for name in EXCHANGES if EXCHANGES[name][2]])
def test_answers_cut_in_two_at_each_byte(site, name):
    make, answers, raw = EXCHANGES[name]
    at = len(raw)

    def script(connection):
        while connection.request():
            in_two(connection, raw, at)

    def send(client):
        client.send(make(site))
    expected = exchange(site, script, send, answers)
    for at in range(1, len(raw)):
        assert exchange(site, script, send, answers) == expected


def test_tunnels_cut_in_two_at_each_byte(site):
    """The client's bytes from the request on, the origin's from the 101 on."""
    switch = response("101 Switching Protocols", *UPGRADE) + b"hello"
    request = site.request("GET", "/", *UPGRADE) + b"early"
    up = down = None

    def script(connection):
        connection.request_head()
        in_two(connection, switch, down)
        connection.report(connection.to_end())
    site.origin.script = script
    for up, down in [(at, len(switch)) for at in range(1, len(request))] + [(len(request), at) for at in range(1, len(switch))]:
        client = site.connect()
        in_two(client, request, up)
        read_head(client)
        assert client.exactly(5) == b"hello"
        client.finish()
        assert client.end() == CLEAN
        assert site.origin.reported() == b"early"


def test_until_close_cut_in_two_at_each_byte(site):
    raw = b"HTTP/1.0 200 OK\r\nX: y\r\n\r\nuntil the end"
    at = None

    def script(connection):
        connection.request()
        in_two(connection, raw, at)
    site.origin.script = script
    for at in range(1, len(raw)):
        message = site.fetch()
        assert (message.get("X"), message.body) == ("y", b"until the end")


# Receivers that take a few bytes at a time

def test_readers_with_small_windows(site):
    """Writing stops and is resumed wherever the peer's window happens to end, on both sides."""
    body = bytes(range(256)) * 1024

    def script(connection):
        message = connection.request()
        connection.send(response("200 OK", "Connection: close", chunks=[message.body[at:at + 999] for at in range(0, len(message.body), 999)]))
    site.origin.script = script
    for size in (1, 3000, 20000):
        client = site.connect(receive_buffer=size)
        assert client.ask(site.request("POST", "/", body=body)).body == body


def test_an_aborted_answer_in_records_of_a_byte(tls_site, version, step):
    def script(connection):
        connection.request()
        connection.send(response("200 OK", "Content-Length: 10") + b"hello")
    tls_site.origin.script = script
    with pytest.raises(Ended) as failed:
        tls_site.connect(version=version, step=step, record=1).ask(tls_site.request())
    assert failed.value.how != CLEAN
