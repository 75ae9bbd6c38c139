"""Starting, saying what is wrong, logging, and ending."""

import os
import re
import signal
import socket
import ssl
import stat
import subprocess
import threading

import pytest

from harness.origin import answer
from harness.portico import BINARY, ROOT, Portico, parse_access, toml
from harness.wire import CLEAN, LIMIT, RESET, request, response


def invoke(*arguments, env=None, cwd=None):
    return subprocess.run([BINARY, *arguments], env={**os.environ, **(env or {})}, cwd=cwd, text=True,
                          capture_output=True, timeout=LIMIT, stdin=subprocess.DEVNULL)


GOOD = toml([("x.test", "127.0.0.1:80", "none")])


# Commands

def test_version_and_help():
    version = re.search(r"^VERSION := (\S+)", (ROOT / "GNUmakefile").read_text(), re.M)[1]
    done = invoke("version")
    assert (done.returncode, version in done.stdout, done.stderr) == (0, True, "")
    done = invoke("help")
    assert done.returncode == 0
    for word in ("run", "check", "config", "explain", "version", "--strict", "--format", "CONFIG_PATH", "HTTP_PORT"):
        assert word in done.stdout


@pytest.mark.parametrize("line, words", [
    ("frobnicate", "frobnicate"), ("version x", "too many arguments: x"), ("run a b", "too many arguments: b"), ("help a b", "b"),
    ("check --josn", "unknown option: --josn"), ("check --strict=yes", "--strict=yes"), ("check --to json", "unknown option: --to"),
    ("check --format xml x", "--format takes toml, json or yaml: xml"), ("check --format", "needs a value: --format"),
    ("reload --format=", "--format"), ("config --to xml", "--to takes toml, json or yaml: xml"), ("config --to", "needs a value: --to"),
])
def test_wrong_command_lines(line, words):
    done = invoke(*line.split())
    assert (done.returncode, done.stdout) == (2, "") and words in done.stderr


@pytest.mark.parametrize("command", ["version", "help"])
def test_output_that_nobody_gets_is_a_failure(command):
    with open("/dev/full", "w") as full:
        done = subprocess.run([BINARY, command], stdout=full, stderr=subprocess.PIPE, text=True, timeout=LIMIT)
    assert done.returncode == 1 and "standard output" in done.stderr


def test_check(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(GOOD)
    for done in (invoke("check", path), invoke("check", env={"CONFIG_PATH": str(path)})):
        assert (done.returncode, done.stderr) == (0, "")


# What is wrong with a configuration

@pytest.mark.parametrize("text, place, words", [
    ("[server\n", "1:", "]"), ("[timeouts]\nhead = 10\n", "2:8", "10s"), ("\x80", "1:1", "UTF-8"), ("\0\1\2\xff", "", "binary"),
    ("[[routes]]\nhost = \"x.test\"\nupstream = \"x\"\n", "3:12", "port"),
])
@pytest.mark.parametrize("command", ["run", "check"])
def test_problems_have_a_place(tmp_path, command, text, place, words):
    path = tmp_path / "bad.toml"
    path.write_bytes(text.encode("latin-1"))
    done = invoke(command, path)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{path}:{place}" in done.stderr and words in done.stderr


@pytest.mark.parametrize("variable, value", [
    ("HTTP_PORT", "http"), ("HTTPS_PORT", "65536"), ("HTTP_PORT", "-1"), ("PUBLIC_HTTPS_PORT", "8443x"),
])
def test_bad_environments(tmp_path, variable, value):
    path = tmp_path / "config.toml"
    path.write_text(GOOD)
    done = invoke("run", path, env={variable: value})
    assert done.returncode == 2 and variable in done.stderr


# What is wrong with the machine

def test_a_port_in_use(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        portico = Portico(tmp_path, GOOD, env={"HTTP_PORT": str(port)})
        done = subprocess.run(portico.arguments, env=portico.environment, capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode not in (0, 2) and done.returncode > 0
    assert str(port) in done.stderr and "in use" in done.stderr.lower()


@pytest.mark.parametrize("directory", ["{tmp}/file/certs", "/proc/certs"])
def test_a_bad_certificate_directory(tmp_path, directory):
    """Below a file; where nobody, root neither, may make one."""
    (tmp_path / "file").touch()
    directory = directory.format(tmp=tmp_path)
    portico = Portico(tmp_path, toml([("x.test", "127.0.0.1:80", "self_signed")]), env={"CERT_DIR": directory})
    done = subprocess.run(portico.arguments, env=portico.environment, capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode not in (0, 2) and done.returncode > 0 and directory in done.stderr


def test_names_that_do_not_resolve_never_prevent_starting(portico_factory, origin_factory):
    origin = origin_factory()
    portico = portico_factory(toml([("x.test", origin.upstream, "none"), ("y.test", "does-not-exist.invalid:80", "none")]))
    client = portico.connect("http")
    message = client.ask(request("GET", "/", host="y.test"))
    assert message.status == 502 and "E502-NAME" in message.text
    client.close()
    client = portico.connect("http")
    assert client.ask(request("GET", "/", host="x.test")).status == 200
    client.close()


# Addresses

def test_ipv6_listeners_and_upstreams(portico_factory, origin_factory):
    origin = origin_factory(family=socket.AF_INET6)
    portico = portico_factory(toml([("x.test", origin.upstream, "none"), ("y.test", origin.upstream, "self_signed")]),
                              listen=("127.0.0.1", "::1"))
    mark = portico.out.mark()
    for scheme, host in (("http", "x.test"), ("https", "y.test")):
        client = portico.connect(scheme, server_name=host, family=6)
        assert client.ask(request("GET", "/", host=host)).status == 200
        assert origin.requests[-1].get("X-Real-IP") == "::1"
        client.close()
    portico.wait_access(lambda e: e["client"] == "::1", mark)


def test_the_default_is_every_address(portico_factory, origin_factory):
    origin = origin_factory()
    portico = portico_factory(toml([("x.test", origin.upstream, "none")]), listen=None)
    assert {host for host, _ in portico.ports["http"]} == {"0.0.0.0", "::"}
    for host, (address, port) in zip(("127.0.0.1", "::1"), sorted(portico.ports["http"])):
        with socket.create_connection((host, port), LIMIT) as sock:
            sock.sendall(request("GET", "/", "Connection: close", host="x.test"))
            assert sock.recv(12) == b"HTTP/1.1 200"


def test_several_addresses_are_tried(portico_factory, origin_factory):
    """localhost has two addresses on most machines, and the origin listens on one."""
    origin = origin_factory()
    portico = portico_factory(toml([("x.test", f"localhost:{origin.port}", "none")]))
    client = portico.connect("http")
    for _ in range(3):
        assert client.ask(request("GET", "/", host="x.test")).status == 200
    client.close()


def test_the_built_in_upstream(sites, scheme):
    site = sites[f"hello.{scheme}.test"]
    message = site.fetch("GET", "/some/path?q=1", "X-Shown: yes", "X-Forwarded-For: 192.0.2.1")
    assert message.status == 200
    for word in (site.host, "127.0.0.1", "/some/path?q=1", "X-Shown: yes", "X-Forwarded-Proto"):
        assert word in message.text
    assert "192.0.2.1" not in message.text
    assert ("TLSv1.3" in message.text) == (scheme == "https")
    html = site.fetch("GET", "/<b>", "Accept: text/html", "X: <script>")
    assert "<html" in html.text.lower() and "<script>" not in html.text
    posted = site.fetch("POST", "/", body=b"x" * 100_000)
    assert posted.status == 200


# Certificates

def test_certificates_are_made_once_and_reused(tmp_path, origin_factory):
    origin = origin_factory()
    config = toml([("x.test", origin.upstream, "self_signed"), ("y.test", origin.upstream, "acme")])
    contents = []
    for _ in range(2):
        portico = Portico(tmp_path, config)
        try:
            portico.start()
            for host in ("x.test", "y.test"):
                client = portico.connect("https", server_name=host)
                assert client.ask(request("GET", "/", host=host)).status == 200
                contents.append((host, client.tls.getpeercert(binary_form=True)))
                client.close()
            portico.stop()
        finally:
            portico.kill()
        contents.append(("root", portico.root.read_bytes()))
        assert "local-ca.crt" in portico.log.text()
        warnings = [line for line in portico.log.items if " warn " in line and "y.test" in line]
        assert warnings, "an acme route that gets a local certificate is worth a warning"
    assert contents[:3] == contents[3:]
    modes = {path.relative_to(portico.cert_dir).as_posix(): stat.S_IMODE(path.stat().st_mode)
             for path in portico.cert_dir.rglob("*") if path.is_file()}
    assert modes["local-ca.crt"] == 0o644 and modes["local-ca.key"] == 0o600
    assert {name for name in modes if name.endswith(".key") and modes[name] != 0o600} == set()
    assert "self-signed/x.test.crt" in modes and "self-signed/x.test.key" in modes


def test_routes_without_tls_need_no_directory(portico_factory):
    portico = portico_factory(GOOD)
    assert not portico.cert_dir.exists()


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_tls_versions(sites, version):
    site = sites["a.https.test"]
    client = site.connect(version=ssl.TLSVersion[version])
    assert client.tls.selected_alpn_protocol() == "http/1.1"
    assert client.tls.cipher()[0].find("GCM") >= 0 or "POLY1305" in client.tls.cipher()[0]
    assert client.ask(site.request()).status == 200


def test_tls_sessions_are_resumed(sites):
    site = sites["a.https.test"]
    host, port = site.portico.address("https")
    for version in ("-tls1_2", "-tls1_3"):
        done = subprocess.run(["openssl", "s_client", "-connect", f"{host}:{port}", "-servername", site.host, version,
                               "-reconnect" if version == "-tls1_2" else "-ign_eof", "-CAfile", site.portico.root],
                              input=site.request("GET", "/", "Connection: close").decode(),
                              capture_output=True, text=True, timeout=LIMIT)
        if version == "-tls1_2":
            assert "Reused, TLSv1.2" in done.stdout
        else:
            assert "TLS session ticket" in done.stdout
        assert "Verify return code: 0 (ok)" in done.stdout


# The log

def test_access_lines(site):
    mark = site.portico.out.mark()
    site.origin.script = answer(response("404 Not Found", body=b"nothing"))
    site.fetch("GET", "/a?b=c", "Referer: http://there/", "User-Agent: a \"quoted\" \\ \t \xff agent", "X-Request-Id: my-id")
    entry = site.portico.wait_access(lambda e: e["id"] == "my-id", mark)
    assert re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}", entry["date"])
    assert (entry["client"], entry["request"], entry["status"], entry["bytes"]) == ("127.0.0.1", "GET /a?b=c HTTP/1.1", 404, 7)
    assert entry["referer"] == "http://there/"
    assert entry["agent"] == r'a \"quoted\" \\ \x09 \xff agent'
    assert (entry["host"], entry["reason"]) == (site.host, "-")
    assert re.fullmatch(r"\d+\.\d{3}", entry["time"]) and re.fullmatch(r"\d+\.\d{3}", entry["upstream"])


def test_access_lines_of_many_requests_are_whole(site):
    """One line for each of them, none torn, whatever happens at the same time."""
    mark = site.portico.out.mark()

    def burst(number):
        client = site.connect()
        client.send(b"".join(site.request(target=f"/{number}/{each}") for each in range(100)))
        for _ in range(100):
            client.response()
    threads = [threading.Thread(target=burst, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    wanted = {f"GET /{number}/{each} HTTP/1.1" for number in range(8) for each in range(100)}
    site.portico.out.wait(lambda line: wanted.discard(parse_access(line)["request"]) or not wanted, mark)
    lines = [parse_access(line)["request"] for line in site.portico.out.items[mark:]]
    lines = [line for line in lines if line != "GET / HTTP/1.1"]  # of tests before, written late
    assert len(lines) == len(set(lines)) == 800


@pytest.mark.parametrize("written", [True, False])
def test_access_lines_at_the_end(portico_factory, written):
    """Those of the very last requests are written before the process ends, or none at all."""
    portico = portico_factory(toml([("x.test", "builtin:hello", "none")], {"access_log": written}))
    clients = [portico.connect("http") for _ in range(4)]
    for client in clients:
        client.send(b"".join(request("GET", f"/{each}", host="x.test") for each in range(50)))
    for client in clients:
        for _ in range(50):
            assert client.response().status == 200
    portico.process.send_signal(signal.SIGTERM)
    portico.expect_exit(0)
    lines = [parse_access(line) for line in portico.out.items]
    assert len(lines) == (200 if written else 0)
    for client in clients:
        client.close()


def test_the_log_s_lines(sites):
    portico = sites["a.http.test"].portico
    for line in portico.log.items:
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|warn|error) [\w-]+: .", line), line


# Ends

def hanging(portico_factory, origin_factory, **server):
    """A Portico with one exchange under way that ends only when `go` is set."""
    go = threading.Event()

    def script(connection):
        connection.request()
        connection.report("asked")
        go.wait(LIMIT)
        connection.send(response(body=b"finished"))
        connection.request()
    origin = origin_factory(script)
    portico = portico_factory(toml([("x.test", origin.upstream, "none")], server))
    client = portico.connect("http")
    client.send(request("GET", "/", host="x.test"))
    assert origin.reported() == "asked"
    return portico, client, go


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_draining(portico_factory, origin_factory, number):
    """What is under way is finished; idle connections and listeners are closed at once."""
    portico, client, go = hanging(portico_factory, origin_factory, drain="25s")
    idle, silent = portico.connect("http"), portico.connect("http")
    assert idle.ask(request("GET", "/", host="unknown.test")).status == 421
    address = portico.address("http")
    portico.process.send_signal(number)
    assert idle.end() == CLEAN
    silent.to_end()
    with pytest.raises(OSError):
        socket.create_connection(address, LIMIT).close()
    assert portico.process.poll() is None
    go.set()
    message = client.response()
    assert (message.body, message.get("Connection")) == (b"finished", "close")
    assert client.end() == CLEAN
    portico.expect_exit(0)
    for each in (client, idle, silent):
        each.close()


def test_draining_has_an_end(portico_factory, origin_factory):
    """Then what is still under way is cut off, in a way that nobody takes for complete."""
    portico, client, go = hanging(portico_factory, origin_factory, drain="300ms")
    portico.process.send_signal(signal.SIGTERM)
    portico.expect_exit(0)
    client.to_end()
    assert client.ended == RESET
    assert [parse_access(line)["reason"] for line in portico.out.items] == ["SHUTDOWN"]
    go.set()
    client.close()


def end_at_once(portico):
    """SIGTERM, and once more."""
    portico.process.send_signal(signal.SIGTERM)
    with pytest.raises(OSError):  # the first one has arrived when nobody accepts any more
        while True:
            socket.create_connection(portico.address("http"), LIMIT).close()
    portico.process.send_signal(signal.SIGTERM)
    portico.expect_exit(0)


def test_a_second_signal_ends_at_once(portico_factory, origin_factory):
    portico, client, go = hanging(portico_factory, origin_factory, drain="1h")
    end_at_once(portico)
    go.set()
    client.close()


def test_the_access_line_of_an_answer_that_the_end_cut_off(portico_factory, origin_factory):
    """It counts what this exchange has sent, whatever its connection carried before."""
    def script(connection):
        connection.request()
        connection.send(response(body=b"a complete answer"))
        connection.request()
        connection.send(response("200 OK", "Content-Length: 10") + b"hello")
        connection.to_end()
    origin = origin_factory(script)
    portico = portico_factory(toml([("x.test", origin.upstream, "none")], {"drain": "1h"}))
    client = portico.connect("http")
    assert client.ask(request("GET", "/", host="x.test")).status == 200
    client.send(request("GET", "/", host="x.test"))
    assert client.until(b"hello").startswith(b"HTTP/1.1 200 OK")
    end_at_once(portico)
    client.to_end()
    assert client.ended == RESET
    entries = [parse_access(line) for line in portico.out.items]
    assert [(e["status"], e["bytes"], e["reason"]) for e in entries] == [(200, 17, "-"), (200, 5, "SHUTDOWN")]
    client.close()


@pytest.mark.parametrize("start", [
    request("POST", "/", "Content-Length: 10", host="x.test") + b"hello",
    request("POST", "/", "Transfer-Encoding: chunked", host="x.test") + b"5\r\nhello\r\n",
], ids=["length", "chunked"])
def test_h21_an_upload_that_the_end_cut_off(portico_factory, origin_factory, start):
    """The upstream cannot take what it has got for the whole."""
    def script(connection):
        connection.request_head()
        connection.until(b"hello")
        connection.report("begun")
        connection.to_end()
        connection.report(connection.ended)
    origin = origin_factory(script)
    portico = portico_factory(toml([("x.test", origin.upstream, "none")], {"drain": "1h"}))
    client = portico.connect("http")
    client.send(start)
    assert origin.reported() == "begun"
    end_at_once(portico)
    assert origin.reported() == RESET
    client.close()


def test_draining_closes_tunnels_once_only_they_remain(portico_factory, origin_factory):
    def script(connection):
        connection.request_head()
        connection.send(response("101 Switching Protocols", "Connection: Upgrade", "Upgrade: x"))
        connection.to_end()
    origin = origin_factory(script)
    portico = portico_factory(toml([("x.test", origin.upstream, "none")], {"drain": "1h"}))
    client = portico.connect("http")
    client.send(request("GET", "/", "Connection: Upgrade", "Upgrade: x", host="x.test"))
    client.until(b"\r\n\r\n")
    portico.process.send_signal(signal.SIGTERM)
    portico.expect_exit(0)
    client.to_end()
    client.close()


@pytest.mark.parametrize("closed", [True, False])
def test_nobody_reads_the_access_log(tmp_path, origin_factory, closed):
    """Standard output is a closed pipe, or a full one: requests go on, and so does the end."""
    origin = origin_factory()
    portico = Portico(tmp_path, toml([("x.test", origin.upstream, "none")]))
    reader, writer = os.pipe()
    if closed:
        os.close(reader)
    try:
        portico.start(stdout=writer)
        os.close(writer)
        client = portico.connect("http")
        for _ in range(200):
            assert client.ask(request("GET", "/" + "x" * 1000, host="x.test")).status == 200
        client.close()
        portico.stop()
    finally:
        portico.kill()
        if not closed:
            os.close(reader)
