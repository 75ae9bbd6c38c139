"""Python's http.server: HTTP/1.0, a connection a request, and answers that end with theirs."""

import random
import sys

import pytest

from harness.wire import CLEAN, Ended, request

DATA = random.Random(4).randbytes(5_000_000)

# A handler that says nothing about the length of its answers, as small programs do.
UNTIL_CLOSE = """
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        pieces, size = map(int, self.path.split("/")[1:])
        for number in range(pieces):
            self.wfile.write(bytes([number % 256]) * size)
            self.wfile.flush()
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)
    def do_DELETE(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        self.wfile.write(b"half")
        self.wfile.flush()
        os._exit(0)
http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler).serve_forever()
"""


@pytest.fixture
def files(server_factory, behind):
    """(Portico, the directory that the server serves)"""
    def command(directory):
        root = directory / "root"
        (root / "folder").mkdir(parents=True)
        (root / "data.bin").write_bytes(DATA)
        (root / "folder" / "a b.txt").write_text("text")
        (root / "empty").touch()
        return [sys.executable, "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(root)]
    return behind(server_factory(command))


def test_files(connect, files, scheme):
    host = f"{scheme}.test"
    client = connect(files, host, scheme)  # kept alive, whatever the server does
    ask = lambda method, target, *fields: client.ask(request(method, target, *fields, host=host), method)  # noqa: E731
    whole = ask("GET", "/data.bin")
    assert (whole.version, whole.status, whole.body, whole.framing) == ("HTTP/1.1", 200, DATA, "length")
    assert ask("HEAD", "/data.bin").get("Content-Length") == str(len(DATA))
    unchanged = ask("GET", "/data.bin", f"If-Modified-Since: {whole.get('Last-Modified')}")
    assert (unchanged.status, unchanged.body) == (304, b"")
    assert ask("GET", "/empty").body == b""
    assert ask("GET", "/folder/a%20b.txt").body == b"text"
    assert b"a%20b.txt" in ask("GET", "/folder/").body
    redirect = ask("GET", "/folder")
    assert (redirect.status, redirect.get("Location")) == (301, "/folder/")
    assert ask("GET", "/missing").status == 404
    assert ask("DELETE", "/data.bin").status == 501  # the server's, not Portico's


@pytest.fixture
def until_close(server_factory, behind):
    return behind(server_factory([sys.executable, "-c", UNTIL_CLOSE]))


def test_answers_until_close(connect, until_close, scheme):
    """They reach an HTTP/1.1 client in chunks, on a connection that goes on."""
    host = f"{scheme}.test"
    client = connect(until_close, host, scheme)
    for pieces, size in ((0, 0), (1, 1), (1, 300_000), (200, 1000), (1, 65536)):
        answer = client.ask(request("GET", f"/{pieces}/{size}", host=host))
        assert answer.framing == "chunked"
        assert answer.body == b"".join(bytes([number % 256]) * size for number in range(pieces))
    assert client.ask(request("POST", "/", host=host, body=DATA)).body == DATA
    client = connect(until_close, host, scheme)
    client.send(request("GET", "/3/1000", host=host, version="HTTP/1.0"))
    answer = client.response()
    assert (answer.framing, len(answer.body), client.ended) == ("close", 3000, CLEAN)


def test_a_server_that_dies(connect, until_close, scheme):
    """In the middle of an answer: the client cannot take half for the whole. Afterwards: 502."""
    host = f"{scheme}.test"
    client = connect(until_close, host, scheme)
    with pytest.raises(Ended) as ended:
        client.ask(request("DELETE", "/", host=host))
    assert ended.value.how != CLEAN
    client = connect(until_close, host, scheme)
    assert client.ask(request("GET", "/1/1", host=host)).status == 502
