"""Real programs on both sides: curl and Python's libraries in front, nginx behind."""

import http.client
import random
import socket
import subprocess
import threading

import pytest

from harness.client import tls_context
from harness.curl import curl, curl_command
from harness.portico import toml
from harness.scale import scaled
from harness.wire import LIMIT, request, response

DATA = random.Random(1).randbytes(3_000_000)


@pytest.fixture
def nginx_site(nginx, portico_factory):
    (nginx.root / "data.bin").write_bytes(DATA)
    (nginx.root / "index.html").write_text("<h1>home</h1>")
    portico = portico_factory(toml([("n.http.test", nginx.upstream, "none"), ("n.https.test", nginx.upstream, "self_signed")]))
    return portico, nginx


def test_nginx_files_and_ranges(nginx_site, scheme):
    portico, _ = nginx_site
    host = f"n.{scheme}.test"
    client = portico.connect(scheme, server_name=host)
    whole = client.ask(request("GET", "/data.bin", host=host))
    assert whole.body == DATA
    for start, end in ((0, 0), (0, 99), (1_000_000, 1_999_999), (len(DATA) - 1, len(DATA) - 1)):
        part = client.ask(request("GET", "/data.bin", f"Range: bytes={start}-{end}", host=host))
        assert (part.status, part.body) == (206, DATA[start:end + 1])
    several = client.ask(request("GET", "/data.bin", "Range: bytes=0-9,20-29", host=host))
    assert several.status == 206 and several.get("Content-Type").startswith("multipart/byteranges")
    head = client.ask(request("HEAD", "/data.bin", host=host), "HEAD")
    assert head.get("Content-Length") == str(len(DATA))
    unchanged = client.ask(request("GET", "/data.bin", f"If-None-Match: {whole.get('ETag')}", host=host))
    assert unchanged.status == 304
    assert client.ask(request("GET", "/missing", host=host)).status == 404
    client.close()


def test_nginx_uploads(nginx_site, scheme):
    portico, nginx = nginx_site
    host = f"n.{scheme}.test"
    (nginx.root / "upload").mkdir()
    client = portico.connect(scheme, server_name=host)
    assert client.ask(request("PUT", "/upload/length", body=DATA, host=host)).status == 201
    assert client.ask(request("PUT", "/upload/chunked", chunks=[DATA[:1], DATA[1:70_000], DATA[70_000:]], host=host)).status == 201
    client.send(request("PUT", "/upload/asked", f"Content-Length: {len(DATA)}", "Expect: 100-continue", host=host))
    assert client.interim().status == 100
    client.send(DATA)
    assert client.response().status == 201
    client.close()
    for name in ("length", "chunked", "asked"):
        assert (nginx.root / "upload" / name).read_bytes() == DATA


def test_curl(nginx_site, scheme, tmp_path):
    portico, nginx = nginx_site
    host = f"n.{scheme}.test"
    assert curl(portico, scheme, host, "/") == b"<h1>home</h1>"
    assert curl(portico, scheme, host, "/data.bin") == DATA
    assert curl(portico, scheme, host, "/data.bin", "-r", "5-9") == DATA[5:10]
    (nginx.root / "upload").mkdir()
    file = tmp_path / "file"
    file.write_bytes(DATA)
    curl(portico, scheme, host, "/upload/curl", "-T", str(file))
    assert (nginx.root / "upload" / "curl").read_bytes() == DATA
    curl(portico, scheme, host, "/upload/piped", "-T", "-", input=DATA)
    assert (nginx.root / "upload" / "piped").read_bytes() == DATA


WRITE_OUT = ("-w", "%{stderr}%{http_version} %{response_code} %{num_connects}\\n")


@pytest.mark.parametrize("option", ["-0", "--http1.1", "--http2"])
def test_curl_of_each_version(nginx_site, scheme, option):
    """HTTP/2 is offered and not taken, whether through ALPN or Upgrade."""
    portico, _ = nginx_site
    host = f"n.{scheme}.test"
    command = curl_command(portico, scheme, host, "/data.bin", option, *WRITE_OUT)
    done = subprocess.run(command, capture_output=True, timeout=LIMIT)
    assert done.stdout == DATA
    assert done.stderr.split() == [b"1.1", b"200", b"1"]


@pytest.mark.parametrize("options", [("--tls-max", "1.2"), ("--tlsv1.3",), ("--no-alpn",), ("--no-sessionid",)])
def test_curl_over_each_tls(nginx_site, options):
    assert curl(nginx_site[0], "https", "n.https.test", "/", *options) == b"<h1>home</h1>"


def test_curl_asks_for_heads(nginx_site, scheme):
    head = curl(nginx_site[0], scheme, f"n.{scheme}.test", "/data.bin", "-I")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n") and b"Content-Length: %d\r\n" % len(DATA) in head


def test_curl_goes_on_with_a_download(nginx_site, scheme, tmp_path):
    portico, _ = nginx_site
    part = tmp_path / "part"
    part.write_bytes(DATA[:1_234_567])
    curl(portico, scheme, f"n.{scheme}.test", "/data.bin", "-C", "-", "-o", str(part))
    assert part.read_bytes() == DATA


def test_curl_keeps_a_connection(nginx_site, scheme):
    """Fifty requests in a row, on one connection."""
    portico, _ = nginx_site
    host = f"n.{scheme}.test"
    command = curl_command(portico, scheme, host, "/?[1-50]", *WRITE_OUT)
    done = subprocess.run(command, capture_output=True, timeout=LIMIT)
    assert done.stdout == b"<h1>home</h1>" * 50
    assert done.stderr.splitlines() == [b"1.1 200 1"] + [b"1.1 200 0"] * 49


def test_curl_asks_for_many_at_once(nginx_site, scheme, tmp_path):
    portico, nginx = nginx_site
    count = scaled(100, 30)
    curl(portico, scheme, f"n.{scheme}.test", f"/data.bin?[1-{count}]", "-Z", "--parallel-max", "50", "-r", "1000-200999",
         "-o", str(tmp_path / "part#1"), limit=4 * LIMIT)
    for number in range(1, count + 1):
        assert (tmp_path / f"part{number}").read_bytes() == DATA[1000:201_000]


def test_curl_awaits_100_continue(site, scheme):
    """And does not send its body before, nor when it is refused."""
    def script(connection):
        while message := connection.request_head():
            assert message.get("Expect") == "100-continue" and connection.is_quiet()
            if message.target == "/refused":
                connection.send(response("403 Forbidden", "Connection: close", body=b"no"))
                connection.report(connection.to_end())
                return
            connection.send(response("100 Continue"))
            connection.request_body(message)
            connection.send(response(body=b"%d" % len(message.body)))
    site.origin.script = script
    options = ("-H", "Expect: 100-continue", "--expect100-timeout", str(LIMIT))
    assert curl(site.portico, scheme, site.host, "/", *options, "--data-binary", "x" * 5000) == b"5000"
    assert curl(site.portico, scheme, site.host, "/", *options, "-T", "-", input=DATA) == b"3000000"
    assert curl(site.portico, scheme, site.host, "/refused", *options, "--data-binary", "x" * 5000) == b"no"
    assert site.origin.reported() == b""


def test_curl_sends_large_fields(site, scheme):
    options = ["-H", "X-Large: " + "x" * 60_000]
    body = curl(site.portico, scheme, site.host, "/", *options)
    assert options[1].encode() in body
    status = curl(site.portico, scheme, site.host, "/", *options, "-H", "X-More: " + "y" * 6000, "-o", "/dev/null", "-w", "%{response_code}")
    assert status == b"431"


def test_curl_follows_the_redirect(portico_factory, origin_factory):
    """With -L, for GET, and for POST, whose body and method survive."""
    def script(connection):
        while message := connection.request():
            connection.send(response(body=f"{message.method} {message.target} ".encode() + message.body))
    origin = origin_factory(script)
    portico = portico_factory(toml([("n.https.test", origin.upstream, "self_signed")]))
    (host, http), (_, https) = portico.address("http"), portico.address("https")
    for options, expected in (((), b"GET /a?b=c "), (("-d", "x=y"), b"POST /a?b=c x=y"),
                              (("-X", "PUT", "-d", "z"), b"PUT /a?b=c z")):
        done = subprocess.run(["curl", "-sS", "-L", "--noproxy", "*", "--cacert", str(portico.root), *options,
                               "--connect-to", f"n.https.test:80:{host}:{http}",
                               "--connect-to", f"n.https.test:443:{host}:{https}", "http://n.https.test/a?b=c"],
                              capture_output=True, timeout=LIMIT)
        assert done.stdout == expected, done.stderr


# Python

def test_http_client(nginx_site, scheme):
    """A connection that is kept for every kind of request."""
    portico, nginx = nginx_site
    host = f"n.{scheme}.test"
    (nginx.root / "upload").mkdir()
    address, port = portico.address(scheme)
    if scheme == "https":
        client = http.client.HTTPSConnection(host, port, timeout=LIMIT, context=tls_context(portico.root))
    else:
        client = http.client.HTTPConnection(host, port, timeout=LIMIT)
    client._create_connection = lambda where, *rest: socket.create_connection((address, where[1]), *rest)

    def ask(method, target, **options):
        client.request(method, target, **options, headers={"Host": host, **options.pop("headers", {})})
        answer = client.getresponse()
        return answer.status, answer.read()
    assert ask("GET", "/data.bin") == (200, DATA)
    first = client.sock
    assert ask("HEAD", "/data.bin") == (200, b"")
    assert ask("PUT", "/upload/whole", body=DATA) == (201, b"")
    assert ask("PUT", "/upload/pieces", body=(DATA[at:at + 70_000] for at in range(0, len(DATA), 70_000))) == (201, b"")
    assert ask("DELETE", "/upload/whole") == (204, b"")
    assert ask("GET", "/upload/whole")[0] == 404
    assert ask("GET", "/upload/pieces") == (200, DATA)
    assert client.sock is first
    client.close()


# Everything at once

def test_mixed_load(site, other_site):
    """Many clients with different habits at the same time; each sees exactly its own bytes."""
    def echo_body(connection):
        while message := connection.request():
            kind = message.target.rsplit("/", 1)[1]
            raw = {"length": lambda: response(body=message.body),
                   "chunked": lambda: response(chunks=[message.body[at:at + 3000] for at in range(0, len(message.body), 3000)]),
                   "close": lambda: response("200 OK", "Connection: close", body=message.body)}[kind]()
            connection.send(raw)
            if kind == "close":
                return
    site.origin.script = other_site.origin.script = echo_body
    failures = []

    def client_of(number):
        chance = random.Random(number)
        target = (site, other_site)[number % 2]
        try:
            client = target.connect()
            for each in range(25):
                size = chance.choice((0, 1, 100, 16384, 50_000))
                at = chance.randrange(len(DATA) - size)
                body = DATA[at:at + size]
                kind = chance.choice(("length", "chunked", "close"))
                options = {"body": body} if chance.random() < 0.5 or not body else {"chunks": [body]}
                message = client.ask(target.request("PUT", f"/{number}/{each}/{kind}", **options))
                assert (message.status, message.body) == (200, body)
                if chance.random() < 0.1:
                    client.close()
                    client = target.connect()
        except BaseException as error:  # noqa: BLE001 - reported by the test's own thread
            failures.append(error)
    threads = [threading.Thread(target=client_of, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(4 * LIMIT)
        assert not thread.is_alive()
    if failures:
        raise failures[0]
