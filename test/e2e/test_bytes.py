"""Every phase is resumed at every byte boundary.

Each exchange below is made in one go, then with the client sending a byte at a time, then with
the origin doing so, then both: Portico has read each byte, and parked, before the next is sent.
What client and origin see must be the same each time. Over TLS it is the bytes of the records
that are sent one by one, from the first of the ClientHello on."""

import ssl

import pytest

from harness.wire import CLEAN, Ended, chunked, read_head, response

ID = "X-Request-Id: byte-by-byte"


def post_length(site):
    return site.request("POST", "/length?a=b", ID, "Cookie: a=b", body=b"hello\r\n\r\nworld")


def post_chunked(site):
    return (site.request("POST", "/chunked", ID, "Transfer-Encoding: chunked", "Trailer: T")
            + b"5;ext=\"1\"\r\nhello\r\n0006\r\n world\r\n0\r\nT: x\r\n\r\n")


def pipelined(site):
    return (b"\r\n" + site.request("GET", "/1", ID) + site.request("POST", "/2", ID, body=b"two")
            + site.request("POST", "/3", ID, "Transfer-Encoding: chunked") + chunked(b"three"))


EXCHANGES = {
    "get": (lambda site: site.request("GET", "/get", ID), 1,
            response("200 OK", "X: y", body=b"hello")),
    "post with length": (post_length, 1, response("201 Created", body=b"made")),
    "post chunked": (post_chunked, 1, response(chunks=[b"hello", b" ", b"world"])),
    "pipelined": (pipelined, 3, response(body=b"again")),
    "chunked with extensions": (lambda site: site.request("GET", "/", ID), 1,
                                response("200 OK", "Transfer-Encoding: chunked")
                                + b"5;ext\r\nhello\r\n06\r\n world\r\n0\r\nT: x\r\n\r\n"),
    "interim": (lambda site: site.request("GET", "/", ID), 1,
                response("103 Early Hints", "Link: x") + response("102 Processing") + response(body=b"final")),
    "obs-fold and bare LF": (lambda site: site.request("GET", "/", ID), 1,
                             b"HTTP/1.1 200 OK\nX: a\r\n b\nContent-Length : 2\r\n\nhi"),
    "no body": (lambda site: site.request("DELETE", "/", ID), 1, response("204 No Content")),
    "nonsense": (lambda site: site.request("GET", "/", ID), 1, b"HTTP/1.1 2xx\r\n\r\n"),
    "both framings": (lambda site: site.request("GET", "/", ID, "Content-Length: 0", "Transfer-Encoding: chunked"), 1, b""),
}


def run(site, data, answers, raw, client_step, origin_step, **options):
    """(what the client saw, what the origin saw)"""
    site.origin.drop()
    site.origin.clear()
    site.origin.step = origin_step

    def script(connection):
        while connection.request():
            connection.send(raw)
    site.origin.script = script
    client = site.connect(step=client_step, **options)
    client.send(data)
    seen = []
    for _ in range(answers):
        message = client.response()
        fields = [field for field in message.fields if field[0] != "Date"]
        seen.append((message.status, fields, message.body, [each.head for each in message.interim]))
    client.close()
    return seen, [(each.head, each.body) for each in site.origin.requests]


@pytest.mark.parametrize("name", EXCHANGES)
def test_exchanges_a_byte_at_a_time(site, name):
    make, answers, raw = EXCHANGES[name]
    expected = run(site, make(site), answers, raw, 0, 0)
    assert run(site, make(site), answers, raw, 1, 0) == expected
    assert run(site, make(site), answers, raw, 0, 1) == expected
    assert run(site, make(site), answers, raw, 1, 1) == expected


def test_tls_1_2_a_byte_at_a_time(sites):
    site, version = sites["a.https.test"], ssl.TLSVersion.TLSv1_2
    make, answers, raw = EXCHANGES["pipelined"]
    expected = run(site, make(site), answers, raw, 0, 0, version=version)
    assert run(site, make(site), answers, raw, 1, 1, version=version) == expected


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/1.1"])
def test_until_close_a_byte_at_a_time(site, version):
    def script(connection):
        connection.request()
        connection.send(b"HTTP/1.0 200 OK\r\nX: y\r\n\r\nuntil the end")
    site.origin.script = script
    for client_step, origin_step in ((0, 0), (1, 0), (0, 1), (1, 1)):
        site.origin.step = origin_step
        client = site.connect(step=client_step)
        message = client.ask(site.request(version=version))
        assert (message.get("X"), message.body) == ("y", b"until the end")


def test_head_a_byte_at_a_time(site):
    def script(connection):
        while connection.request():
            connection.send(response("200 OK", "Content-Length: 5"))
    site.origin.script = script
    for client_step, origin_step in ((1, 0), (0, 1), (1, 1)):
        site.origin.drop()
        site.origin.step = origin_step
        client = site.connect(step=client_step)
        for _ in range(2):
            message = client.ask(site.request("HEAD"), "HEAD")
            assert (message.status, message.get("Content-Length")) == (200, "5")


def test_100_continue_a_byte_at_a_time(site):
    def script(connection):
        # A connection that the origin closes here could be taken for the next PUT (H24).
        while message := connection.request_head():
            connection.send(response("100 Continue"))
            connection.send(response(body=connection.request_body(message)))
    site.origin.script = script
    for client_step, origin_step in ((1, 0), (0, 1), (1, 1)):
        site.origin.drop()
        site.origin.step = origin_step
        client = site.connect(step=client_step)
        client.send(site.request("PUT", "/", "Expect: 100-continue", "Content-Length: 5"))
        assert client.interim().status == 100
        client.send(b"hello")
        assert client.response().body == b"hello"


def test_tunnels_a_byte_at_a_time(site):
    def script(connection):
        connection.request_head()
        connection.send(response("101 Switching Protocols", "Connection: Upgrade", "Upgrade: echo/1"))
        connection.send(connection.exactly(20))
        connection.report(connection.to_end())
        connection.send(b"goodbye")
    site.origin.script = script
    for client_step, origin_step in ((1, 0), (0, 1), (1, 1)):
        site.origin.step = origin_step
        client = site.connect(step=client_step)
        client.send(site.request("GET", "/", "Connection: Upgrade", "Upgrade: echo/1"))
        read_head(client)
        client.send(b"0123456789" * 2 + b"rest")
        assert client.exactly(20) == b"0123456789" * 2
        client.finish()
        assert site.origin.reported() == b"rest"
        assert client.to_end() == b"goodbye" and client.ended == CLEAN


def test_an_aborted_answer_a_byte_at_a_time(site):
    raw = response("200 OK", "Content-Length: 10") + b"hello"

    def script(connection):
        connection.request()
        connection.send(raw)
    site.origin.script = script
    site.origin.step = 1
    with pytest.raises(Ended) as failed:
        site.connect(step=1).ask(site.request())
    assert failed.value.how != CLEAN


def test_odd_pieces(site):
    """Neither one byte nor all: pieces that straddle everything."""
    body = bytes(range(256)) * 64

    def script(connection):
        while message := connection.request():
            connection.send(response(chunks=[message.body[:5000], message.body[5000:]]))
    site.origin.script = script
    for step in (2, 3, 7, 61, 997):
        site.origin.drop()
        site.origin.step = step * 10 + 1
        client = site.connect(step=step * 10)
        assert client.ask(site.request("POST", "/", chunks=[body[:3000], body[3000:]])).body == body
