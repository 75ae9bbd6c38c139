"""A Node server: chunks and trailers, 100 Continue, 103 Early Hints, upgrades, and connections that
it keeps for as long as it likes."""

import json
import random
import time
from pathlib import Path

import pytest

from harness.curl import curl
from harness.program import find_program
from harness.wire import CLEAN, Ended, request

DATA = random.Random(5).randbytes(100_000)  # so little that a client may send all before it reads
LARGE = random.Random(6).randbytes(20_000_000)


@pytest.fixture
def node(server_factory, behind):
    """Starts the server and a Portico in front of it."""
    def start(**variables):
        script = Path(__file__).with_name("node_server.js")
        return behind(server_factory([find_program("node"), str(script)], **variables))
    return start


@pytest.fixture
def site(node, connect, scheme):
    return Site(node(), connect, scheme)


class Site:
    """The server as a client sees it that keeps its connection as long as it may."""

    def __init__(self, portico, connect, scheme):
        self.portico, self.connect, self.scheme, self.host = portico, connect, scheme, f"{scheme}.test"
        self.client = None

    def request(self, method, target, *fields, **options):
        return request(method, target, *fields, host=self.host, **options)

    def send(self, data):
        if not self.client:
            self.client = self.connect(self.portico, self.host, self.scheme)
        self.client.send(data)

    def answer(self, method="GET"):
        client, answer = self.client, self.client.response(method)
        if answer.get("Connection") == "close":
            assert client.end() == CLEAN
            self.client = None
        return answer

    def ask(self, method, target, *fields, **options):
        self.send(self.request(method, target, *fields, **options))
        return self.answer(method)


def test_chunks(site):
    """Either way; trailers stay behind (H19)."""
    answer = site.ask("GET", "/chunks")
    assert answer.framing == "chunked" and answer.trailers == []
    assert answer.body == b"".join(bytes([left]) * 1000 for left in range(200, 0, -1))
    answer = site.ask("POST", "/echo", chunks=[DATA[:1], DATA[1:10_000], DATA[10_000:]])
    assert (answer.get("X-Framing"), answer.framing, answer.body) == ("chunked", "chunked", DATA)
    answer = site.ask("PUT", "/echo", body=DATA)
    assert (answer.get("X-Framing"), answer.body) == (str(len(DATA)), DATA)
    old = site.ask("GET", "/chunks", version="HTTP/1.0")
    assert (old.framing, len(old.body)) == ("close", 200_000)


def test_both_ways_at_once(node, scheme, tmp_path):
    """An answer that is as long as the request and begins long before that has ended."""
    portico = node()
    file = tmp_path / "file"
    file.write_bytes(LARGE)
    assert curl(portico, scheme, f"{scheme}.test", "/echo", "-T", str(file)) == LARGE
    assert curl(portico, scheme, f"{scheme}.test", "/echo", "-T", "-", input=LARGE) == LARGE


def test_answers_without_a_body(site):
    answer = site.ask("HEAD", "/connection")
    assert (answer.status, answer.body) == (200, b"")
    assert site.ask("GET", "/nothing").status == 204
    assert site.ask("GET", "/missing").body == b"not here"


def test_what_it_is_told(site):
    seen = json.loads(site.ask("GET", "/head?a=%20&b[]=//", "X-Forwarded-For: 203.0.113.1", "Cookie: a=b", "cookie: c=d").body)
    headers = seen["headers"]
    assert seen["url"] == "/head?a=%20&b[]=//"
    assert headers["host"] == headers["x-forwarded-host"] == site.host
    assert headers["x-forwarded-proto"] == site.scheme
    assert headers["x-forwarded-for"] == headers["x-real-ip"] == "127.0.0.1"
    assert headers["cookie"] == "a=b; c=d" and len(headers["x-request-id"]) >= 8


def test_interim_answers(site):
    answer = site.ask("GET", "/hints")
    assert [(each.status, each.get("Link")) for each in answer.interim] == [(103, "</style.css>; rel=preload")]
    assert answer.body == b"hinted"
    expecting = (f"Content-Length: {len(DATA)}", "Expect: 100-continue")
    site.send(site.request("POST", "/echo", *expecting))
    assert site.client.interim().status == 100
    site.send(DATA)
    answer = site.answer()
    assert (answer.status, answer.body) == (200, DATA)
    site.send(site.request("POST", "/elsewhere", *expecting))
    answer = site.answer()
    assert (answer.status, answer.body, answer.interim) == (413, b"too much", [])


def test_upgrade(site):
    """To a protocol that nobody else knows (H17); bytes right behind the request count too."""
    assert site.ask("GET", "/", "Connection: Upgrade", "Upgrade: unheard/1").status == 400
    site.send(site.request("GET", "/", "Connection: Upgrade", "Upgrade: capitals/1") + b"early ")
    client, answer = site.client, site.answer()
    assert (answer.status, answer.get("Upgrade")) == (101, "capitals/1")
    assert client.exactly(6) == b"EARLY "
    for text in (b"one", b"two " * 20_000, b"three"):
        client.send(text)
        assert client.exactly(len(text)) == text.upper()
    client.finish()
    assert client.end() == CLEAN


def test_broken_off(site):
    with pytest.raises(Ended) as ended:
        site.ask("GET", "/broken")
    assert ended.value.how != CLEAN


def test_connections_are_used_again(node, connect):
    """Several clients, one after the other, on one connection to the server."""
    portico = node()
    numbers = set()
    for _ in range(5):
        client = connect(portico, "https.test")
        for _ in range(5):
            numbers.add(client.ask(request("GET", "/connection", host="https.test")).body)
        client.close()
    assert numbers == {b"1"}


def test_an_impatient_server(node, connect):
    """It closes its idle connections just when the next request comes; no client learns of it. The
    pauses are what is tested: they straddle the moment."""
    portico = node(NODE_KEEP_ALIVE="50")
    client = connect(portico, "https.test")
    chance = random.Random(6)
    for _ in range(30):
        answer = client.ask(request("GET", "/connection", host="https.test"))
        assert answer.status == 200, answer.raw
        time.sleep(chance.uniform(0.03, 0.07))
