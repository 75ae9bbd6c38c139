"""`portico explain` is of the same opinion as a running Portico, and says where each answer comes
from; `portico config` prints what is in force. Rows H05, H07, H08, H18 and H25 meet here again."""

import json
import os
import re
import socket
import ssl
import subprocess

import pytest

from harness.client import Client, tls_context
from harness.portico import BINARY, ROOT, toml
from harness.wire import LIMIT, Endpoint, read_response, request

EXAMPLE = ROOT / "config" / "example.toml"
TRUSTED = "127.0.0.2"  # a proxy in front, in these tests; the client is 127.0.0.1 otherwise


def invoke(*arguments, env=None, stdin=None, cwd=None):
    return subprocess.run([BINARY, *map(str, arguments)], text=True, capture_output=True, timeout=LIMIT,
                          input=stdin or "", env={**os.environ, **(env or {})}, cwd=cwd)


def printed(*arguments, **options):
    """A configuration, with a secret where one was masked."""
    done = invoke("config", *arguments, **options)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout.replace("<secret>", "${APP_LOGIN:-secret}")


def explain(*arguments, status=0, **options):
    done = invoke("explain", "--json", *arguments, **options)
    assert (done.returncode, done.stderr) == (status, ""), done
    return json.loads(done.stdout)


def test_readme_shows_what_it_prints():
    """But for the file on the disk, the look-up and the id, which are another machine's."""
    shown = (ROOT / "README.md").read_text().split("$ portico explain ")[1].split("```")[0]
    url, *lines = shown.splitlines()
    done = invoke("explain", *url.replace("'", "").split(), cwd=ROOT)
    others = ("             .certs/", "upstream", "             X-Request-Id")
    same = [line for line in lines if not line.startswith(others)]
    assert [line for line in done.stdout.splitlines() if line in same] == same


@pytest.fixture
def site(portico_factory, origin_factory):
    """A Portico, its origin, and the question: what would happen, and what does?"""
    origin = origin_factory()
    closed = socket.socket()
    closed.bind(("127.0.0.1", 0))
    portico = portico_factory(toml([
        ("tls.test", origin.upstream, "self_signed"), ("other.test", origin.upstream, "self_signed"),
        ("plain.test", origin.upstream, "none"), ("hello.test", "builtin:hello", "self_signed"),
        ("127.0.0.1", origin.upstream, "self_signed"),
    ], {"trusted_proxies": [TRUSTED]}), env={"PUBLIC_HTTPS_PORT": "8443"})
    yield Site(portico, origin)
    closed.close()


class Site:
    def __init__(self, portico, origin):
        self.portico, self.origin = portico, origin

    def explain(self, url, method, fields, source, status):
        arguments = [argument for field in fields for argument in ("--header", field)]
        return explain(url, self.portico.path, "--method", method, "--from", source, *arguments,
                       status=status, env=self.portico.environment)

    def ask(self, url, method, fields, source, body):
        """The answer; None if the handshake ends with the alert."""
        scheme, authority, target = re.fullmatch(r"(\w+)://([^/?]*)(.*)", url).groups()
        secure = scheme in ("https", "wss")
        sock = socket.create_connection(self.portico.address("https" if secure else "http"), LIMIT,
                                        (source, 0))
        try:
            name = authority.split(":")[0]
            try:
                client = Endpoint(sock, tls_context(self.portico.root) if secure else None, name if secure else None)
            except ssl.SSLError as error:
                assert "UNRECOGNIZED_NAME" in str(error)
                return None
            has_host = any(field.lower().startswith("host:") for field in fields)
            target = target if target.startswith("/") else "/" + target
            client.send(request(method, target, *fields, host=None if has_host else authority) + body)
            return read_response(client, method)
        finally:
            sock.close()


def without_id(head):
    return re.sub(r"X-Request-Id: \S+\r\n", "", head)


WEBSOCKET = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
SPOOFED = ["X-Forwarded-For: 9.9.9.9, 8.8.8.8", "X-Forwarded-Proto: https", "Forwarded: for=9.9.9.9;proto=https",
           "X-Real-IP: 9.9.9.9", "x_forwarded_for: 7.7.7.7", "X-Forwarded-Port: 1"]

REQUESTS = {
    "https": ("https://tls.test/a/../b?c=d&e", {}),
    "no path": ("https://tls.test", {}),
    "a query alone": ("https://tls.test?q", {}),
    "http": ("http://plain.test/x", {}),
    "HEAD": ("https://tls.test/", {"method": "HEAD"}),
    "WebDAV": ("https://tls.test/dav/", {"method": "PROPFIND", "fields": ["Depth: 1"]}),
    "a body": ("https://tls.test/up", {"method": "POST", "fields": ["Content-Length: 5"], "body": b"hello"}),
    "chunks": ("http://plain.test/up", {"method": "PUT", "fields": ["Transfer-Encoding: chunked", "Trailer: X", "TE: trailers"],
                                        "body": b"5\r\nhello\r\n0\r\n\r\n"}),
    "hop by hop": ("https://tls.test/", {"fields": ["Connection: X-Gone, close, Host", "X-Gone: 1", "Keep-Alive: 5", "X-Stays: 2"]}),
    "fields": ("https://tls.test/", {"fields": ["Accept: */*", "Cookie: a=b; c=\"d\"", "X-Empty:", "x-case:  v ", "X-Request-Id: mine-1"]}),
    "not ASCII": ("http://plain.test/caf\xe9?\xfc", {"fields": ["X-Name: \xfcber"]}),
    "another port": ("https://tls.test:8443/x", {}),
    "upper case": ("https://TLS.Test/x", {}),
    "Host as it is": ("http://plain.test/", {"fields": ["Host: PLAIN.test.:99"]}),
    "an address": ("https://127.0.0.1/x", {}),
    "h18 spoofed": ("https://tls.test/", {"fields": SPOOFED}),
    "h18 from a proxy": ("http://tls.test/", {"fields": SPOOFED, "source": TRUSTED}),
    "h18 from a proxy, HTTP": ("http://plain.test/", {"fields": SPOOFED[:1], "source": TRUSTED}),
    "hello": ("https://hello.test/", {}),
    "h25 redirect": ("http://tls.test/x?y=/&z", {}),
    "h25 no path": ("http://tls.test?q", {}),
    "h25 POST": ("http://tls.test/x", {"method": "POST", "fields": ["Content-Length: 0"]}),
    "h25 from a proxy": ("http://hello.test/", {"fields": ["X-Forwarded-Proto: https, http"], "source": TRUSTED}),
    "h25 not believed": ("http://hello.test/", {"fields": ["X-Forwarded-Proto: https"]}),
    "h25 an encoded Location": ("http://other.test/\xe9", {}),
    "unknown": ("http://unknown.test/", {}),
    "h08 unknown": ("https://unknown.test/", {}),
    "h08 plain only": ("https://plain.test/", {}),
    "h07 another host": ("https://tls.test/", {"fields": ["Host: other.test"]}),
    "h07 an unknown host": ("https://tls.test/", {"fields": ["Host: unknown.test"]}),
    "two hosts": ("http://plain.test/", {"fields": ["Host: plain.test", "Host: plain.test"]}),
    "a space": ("http://plain.test/a b", {}),
    "a bad field": ("http://plain.test/", {"fields": ["X-A : b"]}),
    "two lengths": ("http://plain.test/", {"method": "POST", "fields": ["Content-Length: 1", "Content-Length: 1"]}),
    "both framings": ("http://plain.test/", {"method": "POST", "fields": ["Content-Length: 1", "Transfer-Encoding: chunked"]}),
    "a coding": ("http://plain.test/", {"method": "POST", "fields": ["Transfer-Encoding: gzip, chunked"]}),
    "TRACE": ("http://plain.test/", {"method": "TRACE"}),
    "an expectation": ("http://plain.test/", {"fields": ["Expect: cake"]}),
    "a long target": ("http://plain.test/" + "x" * 17000, {}),
    "large fields": ("http://plain.test/", {"fields": ["X: " + "y" * 60000, "Z: " + "z" * 9000]}),
    "a bad method": ("http://plain.test/", {"method": "G\tT"}),
}


def test_explain_is_right(site):
    """Byte for byte what the origin gets, or the same status and reason, or the same Location. One
    Portico for all of them, since it is the slow part."""
    for name, (url, options) in REQUESTS.items():
        asked = {"method": "GET", "fields": [], "source": "127.0.0.1", **options}
        body = asked.pop("body", b"")
        seen, mark = len(site.origin.requests), site.portico.out.mark()
        answer = site.ask(url, body=body, **asked)
        entry = site.portico.wait_access(lambda _: True, mark) if answer else {"reason": "TLS-NAME"}
        refused = entry["reason"] != "-"
        # The test's Latin-1 is what the command line has in bytes.
        raw = {key: [each.encode("latin-1").decode("utf-8", "surrogateescape") for each in value] if key == "fields" else value
               for key, value in asked.items()}
        said = site.explain(url.encode("latin-1").decode("utf-8", "surrogateescape"), status=int(refused), **raw)
        assert said["access"] == {"allowed": not refused, "trusted_proxy": asked["source"] == TRUSTED}, name
        assert (said["reason"] or "-") == entry["reason"], name
        assert (said["head"] is None) == (said["result"] not in ("forwarded", "answered")), name
        if answer is None:
            assert (said["result"], said["status"]) == ("refused", None), name
        elif refused:
            assert (said["result"], said["status"]) == ("refused", answer.status), name
        elif said["result"] == "redirected":
            assert said["redirect"] == {"status": answer.status, "location": answer.get("Location")}, name
        elif said["result"] == "answered":
            assert answer.status == said["status"] == 200, name
            assert without_id(said["head"]) == without_id(answer.text[answer.text.index("GET "):]), name
        else:
            assert said["result"] == "forwarded" and answer.status == 200, name
            got = site.origin.requests[seen].head.decode("utf-8", "surrogateescape")
            expected = re.sub("[\udc80-\udcff]", "\ufffd", got)  # JSON is UTF-8
            assert without_id(said["head"]) == without_id(expected), name
            if any(field.startswith("X-Request-Id") for field in asked["fields"]):
                assert said["head"] == expected, name
            assert said["upstream"]["addresses"] == [site.origin.upstream], name
        if said["result"] != "forwarded":
            assert len(site.origin.requests) == seen, name


def test_explain_a_websocket(site):
    """What a client adds to a ws or wss URL."""
    for scheme, host in (("wss", "tls.test"), ("ws", "plain.test")):
        said = explain(f"{scheme}://{host}/live", site.portico.path, env=site.portico.environment)
        site.ask(f"{scheme}://{host}/live", "GET", WEBSOCKET, "127.0.0.1", b"")
        got = site.origin.requests[-1].head.decode().replace("127.0.0.1", "192.0.2.1")
        expected, found = (sorted(without_id(head).split("\r\n")) for head in (got, said["head"]))
        assert found == expected
        assert "Upgrade: websocket" in found


def test_explain_certificates(site):
    path = site.portico.await_certificate("tls.test")
    said = explain("https://tls.test/", site.portico.path, env=site.portico.environment)["certificate"]
    ends = subprocess.run(["openssl", "x509", "-in", path, "-noout", "-enddate", "-dateopt", "iso_8601"],
                          capture_output=True, text=True, check=True).stdout
    assert said["expires"] == ends.strip().removeprefix("notAfter=").replace(" ", "T")
    assert (said["host"], said["cert_type"], said["file"], said["exists"]) == ("tls.test", "self_signed", str(path), True)
    path.write_text("nonsense")
    said = explain("https://tls.test/", site.portico.path, env=site.portico.environment)["certificate"]
    assert (said["exists"], said["expires"]) == (True, None) and "damaged" in said["problem"]


@pytest.mark.parametrize("suffix", ["key", "crt"])
def test_explain_a_certificate_that_cannot_be_used(portico_factory, suffix):
    """As a Portico that starts on such files."""
    portico = portico_factory(toml([("bad.test", "builtin:hello", "self_signed"),
                                    ("good.test", "builtin:hello", "self_signed")]))
    broken = portico.await_certificate("bad.test").with_suffix(f".{suffix}")
    portico.stop()
    broken.unlink()
    (broken / "in the way").mkdir(parents=True)
    portico.start()
    portico.wait_log("no certificate for bad.test")
    said = explain("http://bad.test/", portico.path, env=portico.environment, status=1)
    assert (said["result"], said["status"], said["reason"]) == ("refused", 503, "E503-CERTIFICATE")
    assert f"{broken} is a directory" in said["hint"] and said["redirect"] is None
    client = portico.connect("http")
    assert client.ask(request("GET", "/", host="bad.test")).status == 503
    client.reset()
    said = explain("https://bad.test/", portico.path, env=portico.environment, status=1)
    assert (said["result"], said["status"], said["reason"]) == ("refused", None, "TLS-CERTIFICATE")
    assert f"{broken} is a directory" in said["hint"]
    with pytest.raises(ssl.SSLError, match="(?i)internal.error"):
        portico.connect("https", server_name="bad.test")
    assert explain("https://good.test/", portico.path, env=portico.environment)["result"] == "answered"
    text = invoke("explain", "http://bad.test/", portico.path, env=portico.environment).stdout
    assert "refused with 503 E503-CERTIFICATE" in text and "redirect " not in text


def test_a_root_that_cannot_be_used(portico_factory):
    """It stops nobody: what is there is served. What is missing is not, and run, explain and check say why."""
    portico = portico_factory(toml([("bad.test", "builtin:hello", "self_signed"), ("good.test", "builtin:hello", "self_signed")]))
    for host in ("bad.test", "good.test"):
        portico.await_certificate(host)
    portico.stop()
    root = portico.cert_dir / "local-ca.crt"
    root.write_text("nonsense")
    (portico.cert_dir / "self-signed" / "bad.test.key").unlink()
    portico.start()
    fault = f"the local CA's root is damaged: {root}"
    assert "certificates that are there are served" in portico.wait_log(fault)
    for scheme, status, reason in (("http", 503, "E503-CERTIFICATE"), ("https", None, "TLS-CERTIFICATE")):
        said = explain(f"{scheme}://bad.test/", portico.path, env=portico.environment, status=1)
        assert (said["status"], said["reason"]) == (status, reason) and said["hint"].startswith(f"{fault}: restore")
    assert explain("https://good.test/", portico.path, env=portico.environment)["result"] == "answered"
    done = invoke("check", "--offline", portico.path, env=portico.environment)
    assert done.returncode == 0 and f"warning: {fault}; until it is usable" in done.stderr
    for host, status in (("good.test", 301), ("bad.test", 503)):
        client = portico.connect("http")
        assert client.ask(request("GET", "/", host=host)).status == status
        client.reset()
    client = portico.connect("https", server_name="good.test", verify=False)
    assert client.ask(request("GET", "/", host="good.test")).status == 200
    client.reset()
    with pytest.raises(ssl.SSLError, match="(?i)internal.error"):
        portico.connect("https", server_name="bad.test", verify=False)


def routes_of_example():
    """(host, upstream, line of the host) of each, by looking."""
    lines = EXAMPLE.read_text().splitlines()
    return [(re.match(r'host = "(.*?)"', line)[1], re.match(r'upstream = "(.*?)"', lines[number])[1],
             re.match(r'cert_type = "(.*?)"', lines[number + 1])[1], number)
            for number, line in enumerate(lines, start=1) if line.startswith("host = ")]


@pytest.mark.parametrize("host, upstream, kind, line", routes_of_example())
def test_explain_the_example(tmp_path, host, upstream, kind, line):
    env = {"CERT_DIR": str(tmp_path / "certs"), "HTTP_PORT": "", "HTTPS_PORT": "", "PUBLIC_HTTPS_PORT": ""}
    url = f"{'http' if kind == 'none' else 'https'}://{host}/x"
    said = explain(url, EXAMPLE, env=env)
    assert said["route"].pop("pointer") == f"/routes/{routes_of_example().index((host, upstream, kind, line))}"
    assert said["route"] == {"host": host, "upstream": upstream, "cert_type": kind, "file": str(EXAMPLE), "line": line}
    assert said["result"] == "forwarded"
    assert said["head"].startswith(f"GET /x HTTP/1.1\r\nHost: {host}\r\n")
    assert (said["certificate"] is None) == (kind == "none")
    assert said["upstream"]["addresses"] or said["upstream"]["problem"]
    assert said["timeouts"]["answer"] == "5m"
    text = invoke("explain", url, EXAMPLE, env=env)
    assert (text.returncode, text.stderr) == (0, "")
    words = ["request", "certificate", "route", "access", "redirect", "upstream", "head", "timeouts", "result"]
    assert [line.split()[0] for line in text.stdout.splitlines() if line[0] != " "] == words
    assert f"({EXAMPLE}:{line})" in text.stdout
    if kind != "none":
        redirected = explain(f"http://{host}/x", EXAMPLE, env=env)
        assert redirected["redirect"] == {"status": 301, "location": f"https://{host}/x"}
    else:
        assert explain(f"https://{host}/x", EXAMPLE, env=env, status=1)["reason"] == "TLS-NAME"
    assert not (tmp_path / "certs").exists(), "it made files"


def test_explain_names_that_do_not_resolve(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(toml([("x.test", "nowhere.invalid:80", "none"), ("l.test", "localhost:81", "none")]))
    said = explain("http://x.test/", path)
    assert said["upstream"]["addresses"] == [] and said["upstream"]["problem"]
    assert "E502-NAME" in invoke("explain", "http://x.test/", path).stdout
    addresses = explain("http://l.test/", path)["upstream"]["addresses"]
    assert addresses and set(addresses) <= {"127.0.0.1:81", "[::1]:81"}


HINTS = {
    "https://nas.home.arpq/": "did you mean nas.home.arpa",
    "https://nsa.home.arpa/": "did you mean nas.home.arpa",
    "http://app.exmple.com/": "did you mean app.example.com",
    "http://www.app.example.com/": "did you mean app.example.com",
    "https://printer.home.arpa/": "plain HTTP only",
    "http://something.else.test/": "no route has the host \"something.else.test\"",
}


@pytest.mark.parametrize("url", HINTS)
def test_explain_helps(url):
    assert HINTS[url] in explain(url, EXAMPLE, status=1)["hint"]


def test_explain_helps_with_long_names(tmp_path):
    path = tmp_path / "config.toml"
    host = "a-rather-long-name.of-some-department.example.com"
    path.write_text(toml([(host, "a:1", "none")]))
    assert f"did you mean {host} ({path}:2)" in explain(f"http://{host.replace('some', 'sone')}/", path, status=1)["hint"]


def test_explain_two_hosts_on_one_connection():
    said = explain("https://nas.home.arpa/", EXAMPLE, "--header", "Host: app.example.com", status=1)
    assert (said["status"], said["reason"]) == (421, "E421-SNI")
    assert "for nas.home.arpa" in said["hint"] and "app.example.com" in said["hint"]


def test_explain_mentions_the_ports():
    text = invoke("explain", "https://nas.home.arpa:8443/", EXAMPLE, env={"HTTPS_PORT": "9443", "PUBLIC_HTTPS_PORT": "443"}).stdout
    assert "HTTPS on port 9443" in text
    text = invoke("explain", "https://nas.home.arpa:8443/", EXAMPLE, env={"HTTPS_PORT": "9443", "PUBLIC_HTTPS_PORT": "8443"}).stdout
    assert "on port" not in text


def test_explain_ports(portico_factory):
    """One that belongs to the other protocol is refused, as by Portico; of any other there is a note."""
    portico = portico_factory(toml([("a.test", "builtin:hello", "self_signed")]))
    ports = {scheme: portico.address(scheme)[1] for scheme in ("http", "https")}
    env = {**portico.environment, "HTTP_PORT": str(ports["http"]), "HTTPS_PORT": str(ports["https"]), "PUBLIC_HTTPS_PORT": "443"}
    for asked, scheme in (("http", "https"), ("https", "http")):
        said = explain(f"{asked}://a.test:{ports[scheme]}/", portico.path, env=env, status=1)
        client = Client(portico.address(scheme))
        answer = client.ask(request("GET", "/", host="a.test") if asked == "http" else b"\x16\x03\x01\x02\x00\x01")
        assert (said["result"], said["status"], said["note"]) == ("refused", answer.status, None)
        client.reset()
        assert said["reason"] in answer.text and str(ports[asked] if asked == "http" else 443) in said["hint"]
        assert f"refused with 400 {said['reason']}" in invoke("explain", f"{asked}://a.test:{ports[scheme]}/", portico.path, env=env).stdout
    for url, noted in ((f"http://a.test:{ports['http']}/", False), ("https://a.test/", False), (f"https://a.test:{ports['https']}/", False),
                       ("http://a.test:1/", True), ("https://a.test:1/", True)):
        note = explain(url, portico.path, env=env)["note"]
        assert "must lead there" in note if noted else note is None


@pytest.mark.parametrize("format", ["toml", "json", "yaml"])
def test_explain_in_every_format(tmp_path, format):
    """Also on standard input. In JSON, the pointer is the route's place."""
    text = printed(EXAMPLE, "--to", format)
    path = tmp_path / f"config.{format}"
    path.write_text(text)
    line = next(number for number, line in enumerate(text.splitlines(), start=1) if "nas.home.arpa" in line)
    for source in ([path], ["-", "--format", format], [f"--format={format}", "-"]):
        said = explain("https://nas.home.arpa/", *source, stdin=text)
        assert said["route"]["line"] == (None if format == "json" else line) and said["route"]["pointer"] == "/routes/1"
        assert said["route"]["file"] == (str(path) if source[0] == path else "-")


@pytest.mark.parametrize("arguments, words", [
    ([], "needs a URL"),
    (["nas.home.arpa"], "has no scheme"),
    (["https://user:secret@nas.home.arpa/"], '"...@nas.home.arpa/" names a user'),
    (["https://b\u00fccher.test/"], "xn--"),
    (["https://nas.home.arpa/", "--from", "nas"], "--from is no IP address"),
    (["https://nas.home.arpa/", "--header", "X"], "--header"),
    (["https://nas.home.arpa/", "--header", "X: y\r\nZ: z"], "--header"),
    (["https://nas.home.arpa/", "--method", "GET\r\n"], "--method"),
    (["https://nas.home.arpa/", "--method"], "needs a value"),
    (["https://nas.home.arpa/", EXAMPLE, "more"], "too many arguments"),
    (["https://nas.home.arpa/", "nothing.toml"], "cannot be read"),
    (["https://nas.home.arpa/x", EXAMPLE, *["--header=X: y"] * 65], "too often"),
])
def test_explain_refuses_questions(arguments, words):
    done = invoke("explain", *arguments, *([EXAMPLE] if len(arguments) == 1 else []))
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


def test_config_round_trips(tmp_path):
    """Each pair of formats: the same model."""
    for source in (EXAMPLE, ROOT / "config" / "demo.toml"):
        expected = json.loads(invoke("config", source, "--to", "json").stdout)
        for first in ("toml", "json", "yaml"):
            for options in ([], ["--no-defaults"]):
                path = tmp_path / f"{source.stem}.{first}"
                path.write_text(printed(source, f"--to={first}", *options))
                for second in ("toml", "json", "yaml"):
                    text = printed(path, "--to", second, *options)
                    again = invoke("config", "-", "--format", second, "--to", "json", stdin=text)
                    assert (json.loads(again.stdout), again.stderr) == (expected, "")


def test_config_defaults(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(toml([("x.test", "a:1", "acme")], {"drain": "9000ms"}, {"answer": "1m"}))
    done = invoke("config", path, "--no-defaults")
    assert done.stdout == '[[routes]]\nhost = "x.test"\nupstream = "a:1"\n\n[timeouts]\nanswer = "1m"\n'
    assert json.loads(invoke("config", path, "--no-defaults", "--defaults", "--to", "json").stdout)["server"]["drain"] == "9s"
    assert invoke("config", EXAMPLE).stdout.startswith("[[routes]]\n")
