"""What is added to heads and taken from them: H15-H18, H20."""

import re

import pytest

from harness.origin import answer, echo
from harness.portico import toml
from harness.wire import CLEAN, request, response


# Expect: 100-continue

def test_h15_the_upstreams_100_is_awaited(site):
    """The client sends its body only after the upstream's own 100."""
    def script(connection):
        # A connection that the origin closes here could be taken for the next PUT (H24).
        while message := connection.request_head():
            connection.report(message.get("Expect"))
            connection.send(response("100 Continue"))
            connection.send(response(body=connection.request_body(message)))
    site.origin.script = script
    client = site.connect()
    for field in ("Expect: 100-continue", "expect: 100-Continue"):
        client.send(site.request("PUT", "/", field, "Content-Length: 5"))
        assert client.interim().status == 100
        assert site.origin.reported().lower() == "100-continue"
        client.send(b"hello")
        assert client.response().body == b"hello"
        client = site.connect()


def test_h15_chunked(site):
    def script(connection):
        message = connection.request_head()
        connection.send(response("100 Continue"))
        connection.send(response(body=connection.request_body(message)))
    site.origin.script = script
    client = site.connect()
    client.send(site.request("PUT", "/", "Expect: 100-continue", "Transfer-Encoding: chunked"))
    assert client.interim().status == 100
    client.send(b"3\r\nabc\r\n0\r\n\r\n")
    assert client.response().body == b"abc"


def test_h15_a_final_answer_instead(site):
    """The upstream declines: the client gets 417 or 401 or whatever it was, at once."""
    def script(connection):
        connection.request_head()
        connection.send(response("401 Unauthorized", body=b"no"))
        connection.to_end()
    site.origin.script = script
    client = site.connect()
    client.send(site.request("PUT", "/", "Expect: 100-continue", "Content-Length: 5"))
    message = client.response()
    assert (message.status, message.body, message.interim) == (401, b"no", [])


def test_h15_a_client_that_does_not_wait(site):
    def script(connection):
        message = connection.request()
        connection.send(response("100 Continue") + response(body=message.body))
    site.origin.script = script
    message = site.connect().ask(site.request("PUT", "/", "Expect: 100-continue", body=b"hello"))
    assert message.body == b"hello"


def test_h15_an_upstream_that_knows_no_100(site):
    message = site.connect().ask(site.request("PUT", "/", "Expect: 100-continue", body=b"hello"))
    assert message.status == 200 and message.interim == []


@pytest.mark.parametrize("value", ["200-ok", "100-continue, other", "gzip"])
def test_h15_other_expectations(site, value):
    site.refuses(site.request("POST", "/", f"Expect: {value}", body=b"x"), 417, "E417-EXPECT", closes=False)


def test_h15_not_in_http10(site):
    """RFC 9110, 10.1.1: an HTTP/1.0 request's expectation is ignored."""
    data = site.request("POST", "/", "Expect: 100-continue", body=b"x", version="HTTP/1.0")
    message = site.connect().ask(data)
    assert message.status == 200 and message.interim == []


def test_interim_answers_are_forwarded(site):
    site.origin.script = answer(response("103 Early Hints", "Link: </style.css>") + response("102 Processing")
                                + response(body=b"page"))
    message = site.fetch()
    assert [(each.status, each.get("Link")) for each in message.interim] == [(103, "</style.css>"), (102, None)]
    assert message.body == b"page"


def test_interim_answers_arrive_before_the_final_one(site):
    def script(connection):
        connection.request()
        connection.send(response("103 Early Hints", "Link: </style.css>"))
        assert connection.origin.reports.get(timeout=30) == "seen"
        connection.send(response(body=b"page"))
    site.origin.script = script
    client = site.connect()
    client.send(site.request())
    assert client.interim().status == 103
    site.origin.reports.put("seen")
    assert client.response().body == b"page"


# Hop-by-hop fields

HOP_BY_HOP = ("Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "TE: trailers", "Trailer: X",
              "Proxy-Authorization: Basic eDp5", "Proxy-Authenticate: Basic")


def test_h16_hop_by_hop_fields_of_a_request(site):
    message = site.fetch("GET", "/", *HOP_BY_HOP, "Connection: X-Mine, keep-alive", "X-Mine: 1", "X-Other: 2")
    assert message.status == 200
    received = site.origin.requests[0]
    for field in HOP_BY_HOP + ("X-Mine: 1",):
        assert received.all(field.split(":")[0]) == [], field
    assert received.get("X-Other") == "2"
    assert (received.get("Connection") or "").lower() in ("", "keep-alive")


def test_h16_hop_by_hop_fields_of_an_answer(site):
    site.origin.script = answer(response("200 OK", *HOP_BY_HOP, "Connection: X-Mine", "X-Mine: 1", "X-Other: 2",
                                         "Upgrade: h2", body=b"x"))
    message = site.fetch()
    for field in HOP_BY_HOP + ("X-Mine: 1", "Upgrade: h2"):
        assert message.all(field.split(":")[0]) == [], field
    assert message.get("X-Other") == "2"
    assert message.get("Connection") is None


def test_h16_connection_names_away_neither_host_nor_framing_nor_forwarding(site):
    data = site.request("POST", "/", "Connection: Host, Content-Length, X-Forwarded-For, X-Real-IP, X-Forwarded-Proto",
                        body=b"hello")
    assert site.connect().ask(data).status == 200
    received = site.origin.requests[0]
    assert received.get("Host") == site.host and received.body == b"hello"
    assert received.get("X-Forwarded-For") == "127.0.0.1"
    assert received.get("X-Real-IP") == "127.0.0.1"
    assert received.get("X-Forwarded-Proto") == site.scheme
    data = site.request("POST", "/", "Connection: Transfer-Encoding", chunks=[b"abc"])
    assert site.connect().ask(data).status == 200
    assert site.origin.requests[1].body == b"abc"


def test_h16_connection_close_of_either_side(site):
    site.origin.script = answer(response("200 OK", "Connection: close", body=b"x"))
    client = site.connect()
    for _ in range(2):  # the upstream's close is its own affair
        message = client.ask(site.request())
        assert message.body == b"x" and message.get("Connection") is None
    assert len(site.origin.connections) == 2
    site.origin.script = echo
    message = client.ask(site.request("GET", "/", "Connection: close"))
    assert message.get("Connection") == "close"
    assert client.end() == CLEAN
    assert "close" not in (site.origin.requests[-1].get("Connection") or "")


# Upgrade: tunnels are in test_tunnels.py

def test_h17_upgrade_travels(site):
    site.fetch("GET", "/", "Connection: keep-alive, Upgrade", "Upgrade: websocket, other/2")
    received = site.origin.requests[0]
    assert received.get("Upgrade") == "websocket, other/2"
    assert received.get("Connection").lower() == "upgrade"


@pytest.mark.parametrize("fields", [
    ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
    ("Connection: Upgrade", "Upgrade: H2C"),
    ("Upgrade: websocket",),  # not named by Connection: meant for nobody
])
def test_h17_upgrades_that_are_ignored(site, fields):
    message = site.fetch("GET", "/", *fields)
    assert message.status == 200
    received = site.origin.requests[0]
    assert received.get("Upgrade") is None and received.get("HTTP2-Settings") is None
    assert "upgrade" not in (received.get("Connection") or "").lower()


def test_h17_h2c_among_others(site):
    site.fetch("GET", "/", "Connection: Upgrade", "Upgrade: h2c, websocket")
    assert site.origin.requests[0].get("Upgrade") == "websocket"


def test_h17_a_101_that_nobody_asked_for(site):
    site.origin.script = answer(response("101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket"))
    for fields in ((), ("Connection: Upgrade", "Upgrade: h2c")):
        message = site.fetch("GET", "/", *fields)
        assert message.status == 502 and "E502-UPGRADE" in message.text


# Who the client is

SPOOFS = ("X-Forwarded-For: 192.0.2.66", "x-forwarded-proto: ftp", "X-Forwarded-Host: evil.test",
          "X-Forwarded-Port: 666", "X-Forwarded-Server: evil", "X-Forwarded-Prefix: /evil", "X-Forwarded-Ssl: on",
          "X_Forwarded_For: 192.0.2.66", "X-Forwarded_For: 192.0.2.66", "X_FORWARDED_PROTO: ftp",
          "Forwarded: for=192.0.2.66", "X-Real-IP: 192.0.2.66", "X_Real_IP: 192.0.2.66", "X-Real_IP: 192.0.2.66")


def test_h18_what_an_untrusted_client_says_is_dropped(site):
    site.fetch("GET", "/", *SPOOFS)
    received = site.origin.requests[0]
    assert not re.search("192[.]0[.]2[.]66|evil|ftp|: 666", received.head.decode("latin-1"))
    assert not [name for name, _ in received.fields if "_" in name]
    assert received.get("X-Forwarded-For") == "127.0.0.1"
    assert received.get("X-Real-IP") == "127.0.0.1"
    assert received.get("X-Forwarded-Proto") == site.scheme
    assert received.get("X-Forwarded-Host") == site.host
    assert received.get("Forwarded") is None


def test_h18_a_trusted_proxy_is_believed(portico_factory, origin_factory):
    origin = origin_factory()
    portico = portico_factory(toml([("x.test", origin.upstream, "none")], {"trusted_proxies": ["127.0.0.1/32"]}))
    client = portico.connect("http")
    said = ("X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: public.test",
            "X-Real-IP: 192.0.2.1", "Forwarded: for=192.0.2.1;proto=https")
    assert client.ask(request("GET", "/", *said, host="x.test")).status == 200
    received = origin.requests[0]
    assert [each.strip() for each in ",".join(received.all("X-Forwarded-For")).split(",")] == ["192.0.2.1", "127.0.0.1"]
    assert received.get("X-Forwarded-Proto") == "https"
    assert received.get("X-Forwarded-Host") == "public.test"
    assert received.get("X-Real-IP") == "192.0.2.1"
    elements = [each.strip() for each in ",".join(received.all("Forwarded")).split(",")]
    assert elements[0] == "for=192.0.2.1;proto=https" and len(elements) == 2 and "for=127.0.0.1" in elements[1]
    # Silence from a trusted proxy is filled in as for anyone else.
    assert client.ask(request("GET", "/", host="x.test")).status == 200
    received = origin.requests[1]
    assert received.get("X-Forwarded-For") == received.get("X-Real-IP") == "127.0.0.1"
    assert received.get("X-Forwarded-Proto") == "http"
    assert received.get("X-Forwarded-Host") == "x.test"
    assert received.get("Forwarded") is None
    client.close()


def test_h18_ipv6_clients_and_networks(portico_factory, origin_factory):
    origin = origin_factory()
    portico = portico_factory(toml([("x.test", origin.upstream, "none")], {"trusted_proxies": ["10.0.0.0/8", "::1"]}),
                              listen=("127.0.0.1", "::1"))
    for family, expected in ((4, "127.0.0.1"), (6, "192.0.2.1, ::1")):
        client = portico.connect("http", family=family)
        assert client.ask(request("GET", "/", "X-Forwarded-For: 192.0.2.1", host="x.test")).status == 200
        assert origin.requests[-1].get("X-Forwarded-For") == expected
        client.close()


def test_request_ids(site):
    """One that a client brings is kept, if it is sound; otherwise one is made. The log has it."""
    mark = site.portico.out.mark()
    for given in ("abc-123", None, "with space", "quote\"", "x" * 129):
        fields = [f"X-Request-Id: {given}"] if given else []
        assert site.fetch("GET", "/id", *fields).status == 200
        sent = site.origin.requests[-1].get("X-Request-Id")
        if given == "abc-123":
            assert sent == given
        else:
            assert re.fullmatch("[0-9a-f]{32}", sent)
        site.portico.wait_access(lambda e: e["id"] == sent, mark)


# HTTP/1.0 clients

def test_h20_no_chunked_for_http10(site):
    """An answer of unknown length ends with the connection."""
    site.origin.script = answer(response(chunks=[b"ab", b"cd"]))
    client = site.connect()
    message = client.ask(site.request(version="HTTP/1.0"))
    assert (message.body, message.framing) == (b"abcd", "close")
    site.origin.play(answer(b"HTTP/1.1 200 OK\r\n\r\nuntil the end", close=True))
    client = site.connect()
    message = client.ask(site.request("GET", "/", "Connection: keep-alive", version="HTTP/1.0"))
    assert (message.body, message.framing) == (b"until the end", "close")
    assert client.ended == CLEAN


def test_h20_no_interim_answers_for_http10(site):
    site.origin.script = answer(response("103 Early Hints") + response(body=b"x"))
    message = site.connect().ask(site.request(version="HTTP/1.0"))
    assert (message.status, message.interim) == (200, [])


def test_h20_keep_alive_of_http10(site):
    client = site.connect()
    for _ in range(2):
        message = client.ask(site.request("GET", "/", "Connection: keep-alive", version="HTTP/1.0"))
        assert (message.framing, message.get("Connection").lower()) == ("length", "keep-alive")
    message = client.ask(site.request(version="HTTP/1.0"))
    assert message.framing == "length"
    assert client.end() == CLEAN


def test_h20_a_request_goes_upstream_as_http11(site):
    site.connect().ask(site.request("POST", "/", version="HTTP/1.0", body=b"hello"))
    assert (site.origin.requests[0].version, site.origin.requests[0].body) == ("HTTP/1.1", b"hello")
