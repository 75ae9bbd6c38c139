"""Requests as they come in: H01-H04, H09, H11-H14, H26, and what must never be smuggled."""

import pytest

from harness.client import Client
from harness.wire import CLEAN


def raw(*lines, body=b""):
    """A head from its lines, as bytes, whatever they are."""
    return b"".join(line if isinstance(line, bytes) else line.encode("latin-1") + b"\r\n"
                    for line in lines) + b"\r\n" + body


# A request that somebody tries to hide behind an ambiguous one. It must never reach an origin.
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: %s\r\n\r\n"


def smuggled(site):
    return SMUGGLED % site.host.encode()


@pytest.mark.parametrize("fields", [
    ("Content-Length: 5", "Transfer-Encoding: chunked"),
    ("Transfer-Encoding: chunked", "Content-Length: 5"),
    ("Transfer-Encoding: chunked", "Content-Length: 0"),
    ("Content-Length: 5", "transfer-encoding: CHUNKED"),
])
def test_h01_both_framings(site, fields):
    data = raw("POST / HTTP/1.1", f"Host: {site.host}", *fields, body=b"0\r\n\r\n" + smuggled(site))
    site.refuses(data, 400, "E400-FRAMING")
    assert site.origin.requests == []


@pytest.mark.parametrize("fields", [
    ("Content-Length: 5", "Content-Length: 5"),
    ("Content-Length: 5", "Content-Length: 6"),
    ("Content-Length: 5, 5",),
    ("Content-Length: +5",),
    ("Content-Length: -5",),
    ("Content-Length: 0x5",),
    ("Content-Length: 5 5",),
    ("Content-Length: 5a",),
    ("Content-Length: 5.0",),
    ("Content-Length:",),
    ("Content-Length: 18446744073709551616",),
    ("Content-Length: 18446744073709551621",),
    ("Content-Length: 99999999999999999999999999999999",),
])
def test_h02_content_length(site, fields):
    data = raw("POST / HTTP/1.1", f"Host: {site.host}", *fields, body=b"hello" + smuggled(site))
    site.refuses(data, 400, "E400-LENGTH")
    assert site.origin.requests == []


@pytest.mark.parametrize("fields", [
    ("Transfer-Encoding: gzip",),
    ("Transfer-Encoding: gzip, chunked",),
    ("Transfer-Encoding: chunked, chunked",),
    ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
    ("Transfer-Encoding: chunked, identity",),
    ("Transfer-Encoding: identity",),
    ("Transfer-Encoding: xchunked",),
    ("Transfer-Encoding: chunked;q=1",),
    ("Transfer-Encoding: \"chunked\"",),
    ("Transfer-Encoding: \x0bchunked",),
])
def test_h03_transfer_encoding(site, fields):
    data = raw("POST / HTTP/1.1", f"Host: {site.host}", *fields, body=b"0\r\n\r\n" + smuggled(site))
    if "\x0b" in fields[0]:
        site.refuses(data, 400, "E400-FIELD")
    else:
        site.refuses(data, 501, "E501-CODING")
    assert site.origin.requests == []


def test_h03_chunked_in_any_case(site):
    data = raw("POST / HTTP/1.1", f"Host: {site.host}", "transfer-encoding: \tCHUNKED ", body=b"2\r\nhi\r\n0\r\n\r\n")
    message = site.connect().ask(data)
    assert message.status == 200 and site.origin.requests[0].body == b"hi"


def test_h03_chunked_in_http10(site):
    data = raw("POST / HTTP/1.0", f"Host: {site.host}", "Transfer-Encoding: chunked", body=b"0\r\n\r\n")
    site.refuses(data, 400, "E400-FRAMING")


@pytest.mark.parametrize("hosts", [
    (),
    ("{host}", "{host}"),
    ("{host}", "other.test"),
    ("{host}, {host}",),
    ("user@{host}",),
    ("{host}/",),
    ("{host}/x",),
    ("{host}?",),
    ("{host}#",),
    ("{host}:x",),
    ("{host}:80:80",),
    ("{host}:123456",),
    ("a b",),
    ("[::1",),
    ("::1]",),
    ("<{host}>",),
    ("{host}\\",),
    ("\xe4.test",),
])
def test_h04_host(site, hosts):
    fields = [f"Host: {each.format(host=site.host)}" for each in hosts]
    site.refuses(raw("GET / HTTP/1.1", *fields), 400, "E400-HOST", closes=False)
    assert [each.target for each in site.origin.requests if each.target != "/after"] == []


def test_h04_an_underscore_is_accepted(sites, scheme):
    site = sites[f"under_score.{scheme}.test"]
    assert site.fetch().status == 200
    assert site.origin.requests[0].get("Host") == site.host


def test_h04_http10_without_host_is_not_malformed(site):
    # There is no name to route by but what TLS gave; over plain HTTP nothing is served.
    client = site.connect()
    message = client.ask(b"GET / HTTP/1.0\r\n\r\n")
    if site.scheme == "http":
        assert message.status == 421 and "E421-HOST" in message.text
    else:
        assert message.status in (200, 421)
    assert client.end() == CLEAN


@pytest.mark.parametrize("line", [
    b"X: a\r\n b\r\n",            # obs-fold
    b"X: a\r\n\tb\r\n",
    b" X: a\r\n",
    b"X : a\r\n",                 # space before the colon
    b"X\t: a\r\n",
    b"Transfer-Encoding : chunked\r\n",
    b"X: a\rb\r\n",               # bare CR
    b"X: a\r\r\n",
    b"X: a\n",                    # bare LF
    b"X: a\nY: b\r\n",
    b"X: a\0b\r\n",               # NUL and controls
    b"X: a\x01b\r\n",
    b"X: a\x7fb\r\n",
    b"X: a\x1bb\r\n",
    b"X\0: a\r\n",
    b": a\r\n",                   # no name, no colon, not a token
    b"X\r\n",
    b"X(Y): a\r\n",
    b"X Y: a\r\n",
    b"\xe4: a\r\n",
])
def test_h09_malformed_fields(site, line):
    # Behind another field, in front of one, and as the last: the same answer.
    for before, after in ((b"A: b\r\n", b""), (b"", b"A: b\r\n")):
        data = b"GET / HTTP/1.1\r\nHost: %s\r\n%s%s%s\r\n" % (site.host.encode(), before, line, after)
        site.refuses(data, 400, "E400-FIELD")
    assert site.origin.requests == []


def test_h09_a_malformed_first_field_line(site):
    data = b"GET / HTTP/1.1\r\n X: a\r\nHost: %s\r\n\r\n" % site.host.encode()
    message = site.connect().ask(data)
    assert message.status == 400


def test_h09_bare_lf_ends_no_head(site):
    """Neither a bare LF between lines nor a bare one at the end is taken for a line's end."""
    for data in (b"GET / HTTP/1.1\nHost: %s\n\n", b"GET / HTTP/1.1\r\nHost: %s\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: %s\r\n\n"):
        client = site.connect()
        message = client.ask(data % site.host.encode())
        assert message.status == 400
        assert client.end() == CLEAN
    assert site.origin.connections == []


def test_h09_tabs_and_high_bytes_are_fine(site):
    fields = ("X-Tab: a\tb", "X-High: \xe4\xff\x80", "X-Space: \t  padded \t ", "X-Empty:", "X!#$%&'*+.^_`|~9: odd")
    message = site.fetch("GET", "/", *fields)
    assert message.status == 200
    received = site.origin.requests[0]
    assert received.get("X-Tab") == "a\tb"
    assert received.get("X-High") == "\xe4\xff\x80"
    assert received.get("X-Space") == "padded"
    assert received.get("X-Empty") == ""
    assert received.get("X!#$%&'*+.^_`|~9") == "odd"


@pytest.mark.parametrize("target", [
    b"/a#b", b"/#", b"/a b", b"/a\tb", b"/\x01", b"/a\x7f", b"/\0", b"", b"a", b"?x", b"*", b"//\x1b",
])
def test_h11_bad_targets(site, target):
    data = b"GET %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (target, site.host.encode())
    client = site.connect()
    message = client.ask(data)
    assert message.status == 400 and "E400-" in message.text
    assert site.origin.connections == []


@pytest.mark.parametrize("target", [
    "/", "//", "//a//b/", "/../../etc/passwd", "/a/./b/../c", "/%2e%2e/%2F%00%zz%", "/a%20b+c", "/?", "/?a=b&c=%0d%0a",
    "/a?b?c", "/\xe4\xff\x80", "/\"<>\\^`{|}", "/a;b=c,d:e@f", "/[x]", "/http://evil/", "/" + "x" * 8000,
])
def test_h11_targets_travel_byte_for_byte(site, target):
    message = site.fetch("GET", target)
    assert message.status == 200
    assert site.origin.requests[0].target == target


@pytest.mark.parametrize("line", [
    "CONNECT {host}:443 HTTP/1.1", "CONNECT / HTTP/1.1", "TRACE / HTTP/1.1",
])
def test_h12_connect_and_trace(site, line):
    data = raw(line.format(host=site.host), f"Host: {site.host}")
    message = site.refuses(data, 405, "E405-METHOD", closes=False)
    allowed = [each.strip() for each in message.get("Allow").split(",")]
    assert "GET" in allowed and "CONNECT" not in allowed and "TRACE" not in allowed
    assert [each.method for each in site.origin.requests if each.target != "/after"] == []


@pytest.mark.parametrize("method", [
    "GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "MKCOL", "LOCK", "REPORT",
    "M-SEARCH", "get", "Trace", "X!#$%&'*+-.^_`|~9",
])
def test_h12_other_methods_are_forwarded(site, method):
    message = site.fetch(method, "/dav", body=b"<x/>")
    assert message.status == 200
    assert (site.origin.requests[0].method, site.origin.requests[0].body) == (method, b"<x/>")


@pytest.mark.parametrize("method", ["G(T", "G\xe4T", "GE\"T", "G/T", "@", "G\x01T"])
def test_h12_a_method_is_a_token(site, method):
    site.refuses(raw(f"{method} / HTTP/1.1", f"Host: {site.host}"), 400, "E400-REQUEST")


@pytest.mark.parametrize("version, status, code", [
    ("HTTP/1.2", 200, None), ("HTTP/1.9", 200, None),
    ("HTTP/2.0", 505, "E505-VERSION"), ("HTTP/3.0", 505, "E505-VERSION"), ("HTTP/9.9", 505, "E505-VERSION"),
    ("HTTP/0.9", 400, "E400-REQUEST"), ("HTTP/1.10", 400, "E400-REQUEST"), ("HTTP/1.", 400, "E400-REQUEST"),
    ("HTTP/11", 400, "E400-REQUEST"), ("http/1.1", 400, "E400-REQUEST"), ("HTTP /1.1", 400, None),
    ("HTTP/1.1 ", 400, None), ("HTTP/+1.1", 400, "E400-REQUEST"), ("ICAP/1.0", 400, "E400-REQUEST"), ("", 400, None),
])
def test_h13_versions(site, version, status, code):
    data = raw(f"GET / {version}", f"Host: {site.host}")
    if status == 200:
        assert site.connect().ask(data).status == 200
        assert site.origin.requests[0].version == "HTTP/1.1"
        return
    client = site.connect()
    message = client.ask(data)
    assert message.status == status
    assert code is None or code in message.text
    assert client.end() == CLEAN
    assert site.origin.connections == []


def test_h13_an_http2_preface(site):
    site.refuses(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "E505-VERSION")


@pytest.mark.parametrize("data", [
    b"GET /\r\n\r\n", b"GET / \r\n\r\n", b"hello\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40),
    b"\xff" * 100 + b"\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", b"\0", b" GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /  HTTP/1.1\r\nHost: x\r\n\r\n", b"GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n",
])
def test_h13_garbage(site, data):
    client = site.connect()
    client.send(data)
    if site.scheme == "http" or b"\r\n" in data:
        message = client.response()
        assert message.status == 400 and "E400-" in message.text
        assert client.end() == CLEAN
    else:
        client.to_end()
    assert site.origin.connections == []


def test_h13_plain_http_on_the_tls_port(sites):
    portico = sites["a.https.test"].portico
    client = Client(portico.address("https"))
    mark = portico.out.mark()
    client.send(b"GET /secret HTTP/1.1\r\nHost: a.https.test\r\n\r\n")
    message = client.response()
    assert message.status == 400 and "E400-TLS" in message.text
    assert client.end() == CLEAN
    portico.wait_access(lambda e: e["reason"] == "E400-TLS", mark)
    client.close()


def padded_head(site, size):
    """A request whose head is exactly `size` bytes, in fields of at most 8,000."""
    start = f"GET / HTTP/1.1\r\nHost: {site.host}\r\n".encode()
    left = size - len(start) - 2
    fields = b""
    while left:
        piece = left if left <= 8000 else min(8000, left - 10)
        fields += b"X: " + b"x" * (piece - 5) + b"\r\n"
        left -= piece
    return start + fields + b"\r\n"


def test_h14_the_largest_head(site):
    data = padded_head(site, 65536)
    assert len(data) == 65536
    message = site.connect().ask(data)
    assert message.status == 200
    assert sum(len(value) for value in site.origin.requests[0].all("X")) > 65000


@pytest.mark.parametrize("size", [65537, 70000, 300000])
def test_h14_a_head_too_large(site, size):
    site.refuses(padded_head(site, size), 431, "E431-HEAD")


def test_h14_a_head_that_never_ends(site):
    """The answer comes while the client is still sending, and the client can read it."""
    client = site.connect()
    client.send(f"GET / HTTP/1.1\r\nHost: {site.host}\r\nX: ".encode() + b"x" * 70000)
    assert client.response().status == 431
    assert client.end() == CLEAN


def test_h14_fields(site):
    fields = [f"X-{number}: {number}" for number in range(199)]
    message = site.fetch("GET", "/", *fields)
    assert message.status == 200 and site.origin.requests[0].get("X-198") == "198"
    asked = len(site.origin.connections)
    site.refuses(site.request("GET", "/", *fields, "X-199: 199"), 431, "E431-FIELDS")
    assert len(site.origin.connections) == asked


def test_h14_targets(site):
    longest = "/" + "x" * 16383
    assert site.fetch("GET", longest).status == 200
    assert site.origin.requests[0].target == longest
    for size in (16384, 20000, 60000):
        site.refuses(site.request("GET", "/" + "x" * size), 414, "E414-TARGET")
    site.refuses(site.request("GET", "/" + "x" * 100000), 414, "E414-TARGET")


def test_h26_empty_lines_before_a_request(site):
    client = site.connect()
    assert client.ask(b"\r\n\r\n" + site.request()).status == 200
    assert client.ask(b"\r\n" + site.request("POST", body=b"x")).status == 200
    # As some old clients do: CRLF behind a body.
    assert client.ask(b"\r\n" + site.request()).status == 200
    assert len(site.origin.requests) == 3


def test_h26_options_star(site):
    message = site.fetch("OPTIONS", "*")
    assert message.status == 200
    assert (site.origin.requests[0].method, site.origin.requests[0].target) == ("OPTIONS", "*")


def test_smuggling_finds_no_way(site):
    """A body is a body, however much it looks like a request, and the next request follows it."""
    hidden = smuggled(site)
    client = site.connect()
    assert client.ask(site.request("POST", "/1", body=hidden)).status == 200
    assert client.ask(site.request("POST", "/2", chunks=[hidden, hidden])).status == 200
    assert client.ask(site.request("GET", "/3", body=hidden)).status == 200
    assert client.ask(site.request("GET", "/4")).status == 200
    assert [each.target for each in site.origin.requests] == ["/1", "/2", "/3", "/4"]
    assert [each.body for each in site.origin.requests] == [hidden, hidden * 2, hidden, b""]


def test_nothing_behind_a_refused_request_is_served(site):
    bad = raw("GET / HTTP/1.1", f"Host: {site.host}", "Content-Length: x")
    client = site.connect()
    client.send(site.request(target="/before") + bad + smuggled(site))
    assert client.response().status == 200
    assert client.response().status == 400
    assert client.end() == CLEAN
    assert [each.target for each in site.origin.requests] == ["/before"]
