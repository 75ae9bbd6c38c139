"""Answers as they come from upstreams: H01-H03, H10 and H14 seen from the other side, and H29."""

import pytest

from harness.origin import answer
from harness.wire import CLEAN, response


def nonsense(site, raw, code="E502-ANSWER", keeps_open=True):
    """An answer that the client must not see: 502 instead, and the upstream's connection is not
    used again."""
    site.origin.script = answer(raw, close=not keeps_open)
    mark = site.portico.out.mark()
    client = site.connect()
    message = client.ask(site.request())
    assert (message.status, code in message.text) == (502, True), message.raw
    entry = site.portico.wait_access(lambda e: e["reason"] == code, mark)
    assert entry["status"] == 502
    # The client has done nothing wrong: its connection goes on, with a fresh one behind it.
    site.origin.script = answer(response(body=b"fine"))
    assert client.ask(site.request()).body == b"fine"
    assert len(site.origin.connections) == 2


@pytest.mark.parametrize("fields", [
    ("Content-Length: 5", "Transfer-Encoding: chunked"),
    ("Transfer-Encoding: chunked", "Content-Length: 5"),
])
def test_h01_both_framings_in_an_answer(site, fields):
    nonsense(site, response("200 OK", *fields) + b"5\r\nhello\r\n0\r\n\r\n")


@pytest.mark.parametrize("fields", [
    ("Content-Length: 5", "Content-Length: 5"),
    ("Content-Length: 5", "Content-Length: 6"),
    ("Content-Length: 5, 6",),
    ("Content-Length: +5",),
    ("Content-Length: -1",),
    ("Content-Length: five",),
    ("Content-Length: 5;",),
    ("Content-Length: 18446744073709551621",),
])
def test_h02_content_length_of_an_answer(site, fields):
    nonsense(site, response("200 OK", *fields) + b"hello")


@pytest.mark.parametrize("fields", [
    ("Transfer-Encoding: gzip",),
    ("Transfer-Encoding: gzip, chunked",),
    ("Transfer-Encoding: chunked, gzip",),
    ("Transfer-Encoding: chunked, chunked",),
    ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    ("Transfer-Encoding: identity",),
])
def test_h03_transfer_encoding_of_an_answer(site, fields):
    nonsense(site, response("200 OK", *fields) + b"5\r\nhello\r\n0\r\n\r\n")


@pytest.mark.parametrize("lines, name, value", [
    (b"X: a\r\n b\r\n", "X", "a b"),               # obs-fold becomes one space
    (b"X: a\r\n  \t b\r\n\tc\r\n", "X", None),
    (b"X : a\r\n", "X", "a"),                       # space before the colon goes
    (b"X \t : a\r\n", "X", "a"),
    (b"X: a\n", "X", "a"),                          # bare LF line ends
    (b"X:\xe4\xff\tb\r\n", "X", "\xe4\xff\tb"),
])
def test_h10_kindness_to_appliances(site, lines, name, value):
    site.origin.script = answer(b"HTTP/1.1 200 OK\r\nA: b\r\n" + lines + b"Content-Length: 2\r\n\r\nhi")
    message = site.fetch()  # its parser is strict: nothing of the liberties may come through
    assert (message.status, message.body, message.get("A")) == (200, b"hi", "b")
    if value is None:
        assert message.get(name).split() == ["a", "b", "c"]
    else:
        assert message.get(name) == value


def test_h10_all_lines_end_with_a_bare_lf(site):
    site.origin.script = answer(b"HTTP/1.1 200 OK\nServer: printer\nContent-Length: 2\n\nhi")
    client = site.connect()
    for _ in range(2):
        message = client.ask(site.request())
        assert (message.status, message.body, message.get("Server")) == (200, b"hi", "printer")


def test_h10_framing_by_a_field_with_space_before_its_colon(site):
    """What is understood kindly is understood the same way by everyone: the field is repaired."""
    site.origin.script = answer(b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nhi")
    message = site.fetch()
    assert (message.body, message.framing) == (b"hi", "length")


@pytest.mark.parametrize("raw", [
    b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX\0: ab\r\nContent-Length: 0\r\n\r\n",
    b"\0",
])
def test_h10_nul(site, raw):
    nonsense(site, raw)


@pytest.mark.parametrize("raw", [
    b"hello world\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"\x15\x03\x01\x00\x02\x02\x46\r\n\r\n",
    b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1200 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n: no name\r\nContent-Length: 0\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
])
def test_h10_nonsense(site, raw):
    nonsense(site, raw, keeps_open=False)


def test_h10_a_status_line_without_a_phrase(site):
    for line in (b"HTTP/1.1 200 \r\n", b"HTTP/1.1 200\r\n"):
        site.origin.script = answer(line + b"Content-Length: 2\r\n\r\nhi", close=True)
        message = site.fetch()
        assert (message.status, message.phrase, message.body) == (200, "", b"hi")


def test_h10_a_phrase_and_fields_travel_as_they_are(site):
    site.origin.script = answer(response("299 \xe4 strange  phrase", "Set-Cookie: a=b; Path=/", "Set-Cookie: c=d",
                                         "X-Odd!#$: \"v\"", "server: me", body=b"x"))
    message = site.fetch()
    assert (message.status, message.phrase) == (299, "\xe4 strange  phrase")
    assert message.all("Set-Cookie") == ["a=b; Path=/", "c=d"]
    names = [name for name, _ in message.fields]
    assert names.index("Set-Cookie") < names.index("X-Odd!#$") < names.index("server")


def test_h14_the_head_of_an_answer(site):
    site.origin.script = answer(response("200 OK", *["X: " + "x" * 8000] * 8, body=b"large"))
    message = site.fetch()
    assert message.body == b"large" and len(message.head) > 64000


def test_h14_the_head_of_an_answer_is_too_large(site):
    nonsense(site, response("200 OK", *["X: " + "x" * 8000] * 9, body=b""), code="E502-HEAD")


def test_h14_the_head_of_an_answer_never_ends(site):
    def script(connection):
        connection.request()
        connection.send(b"HTTP/1.1 200 OK\r\nX: ")
        while True:
            connection.send(b"x" * 10000)
    site.origin.script = script
    message = site.fetch()
    assert message.status == 502 and "E502-HEAD" in message.text


@pytest.mark.parametrize("fields", [
    ("Content-Length: 1000",), ("Transfer-Encoding: chunked",), (),
])
def test_h29_head_has_no_body(site, fields):
    site.origin.script = answer(response("200 OK", "X: y", *fields))
    client = site.connect()
    for _ in range(2):
        message = client.ask(site.request("HEAD"), "HEAD")
        assert (message.status, message.get("X"), message.body) == (200, "y", b"")
    if fields == ("Content-Length: 1000",):
        assert message.get("Content-Length") == "1000"
    # The connection behind carries on as well: nothing was waited for.
    assert len(site.origin.connections) == 1


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
@pytest.mark.parametrize("fields", [(), ("Content-Length: 5",), ("Transfer-Encoding: chunked",)])
def test_h29_204_and_304_have_no_body(site, status, fields):
    site.origin.script = answer(response(status, "ETag: \"x\"", *fields))
    client = site.connect()
    for _ in range(2):
        message = client.ask(site.request())
        assert (message.status, message.get("ETag")) == (int(status[:3]), '"x"')
    if status.startswith("204"):
        assert message.get("Content-Length") is None
    assert len(site.origin.connections) == 1


def test_h29_a_body_that_came_nevertheless_is_seen_by_nobody(site):
    def script(connection):
        connection.request()
        connection.send(response("204 No Content", "Content-Length: 5") + b"hello")
        connection.request()
    site.origin.script = script
    client = site.connect()
    assert client.ask(site.request()).status == 204
    site.origin.script = answer(response(body=b"second"))
    assert client.ask(site.request()).body == b"second"


def test_h29_head_answered_by_portico(sites, scheme):
    site = sites[f"hello.{scheme}.test"]
    client = site.connect()
    full = client.ask(site.request("GET"))
    head = client.ask(site.request("HEAD"), "HEAD")
    assert head.status == full.status == 200
    assert head.get("Content-Type") == full.get("Content-Type")
    refused = sites[f"refused.{scheme}.test"]
    client = refused.connect()
    assert client.ask(refused.request("HEAD"), "HEAD").status == 502
    assert client.ask(refused.request("GET")).status == 502


def test_an_until_close_answer_with_keep_alive_for_others(site):
    """An answer of unknown length from an HTTP/1.0 origin: chunked for an HTTP/1.1 client, whose
    connection goes on."""
    site.origin.script = answer(b"HTTP/1.0 200 OK\r\n\r\nuntil the end", close=True)
    client = site.connect()
    for _ in range(3):
        message = client.ask(site.request())
        assert (message.body, message.framing, message.version) == (b"until the end", "chunked", "HTTP/1.1")
    client.finish()
    assert client.end() == CLEAN


def test_an_http10_origin_that_keeps_alive(site):
    site.origin.script = answer(response("200 OK", "Connection: keep-alive", body=b"x", version="HTTP/1.0"))
    client = site.connect()
    for _ in range(3):
        assert client.ask(site.request()).body == b"x"
    assert len(site.origin.connections) == 1


def test_an_http10_origin_that_does_not(site):
    site.origin.script = answer(response(body=b"x", version="HTTP/1.0"))
    client = site.connect()
    for _ in range(3):
        assert client.ask(site.request()).body == b"x"
    assert len(site.origin.connections) == 3
