"""Where requests go: H05-H08 and the redirect, H25."""

import ssl
import subprocess

import pytest

from harness.portico import toml
from harness.wire import request


def test_h05_absolute_form(site):
    client = site.connect()
    for target, expected in (("/x?y=z", "/x?y=z"), ("", "/"), ("?q=/", "/?q=/"), ("//a/../b", "//a/../b")):
        data = request("GET", f"{site.scheme}://{site.host}{target}", host=site.host)
        assert client.ask(data).status == 200
        assert site.origin.requests[-1].target == expected
        assert site.origin.requests[-1].get("Host") == site.host


def test_h05_its_authority_wins(site):
    """Routing goes by the target, and Host is rewritten from it."""
    data = request("GET", f"{site.scheme}://{site.host}:8080/x", host="elsewhere.test")
    assert site.connect().ask(data).status == 200
    assert site.origin.requests[0].get("Host") == f"{site.host}:8080"
    data = request("GET", f"{site.scheme}://elsewhere.test/x", host=site.host)
    assert site.connect().ask(data).status == 421
    assert [each.target for each in site.origin.requests if each.target != "/after"] == ["/x"]


def test_h05_the_scheme_may_be_in_upper_case(site):
    data = request("GET", f"{site.scheme.upper()}://{site.host.upper()}/x", host=site.host)
    assert site.connect().ask(data).status == 200
    assert site.origin.requests[0].target == "/x"


def test_h05_host_is_needed_all_the_same(site):
    data = request("GET", f"{site.scheme}://{site.host}/")
    site.refuses(data, 400, "E400-HOST", closes=False)


@pytest.mark.parametrize("authority", ["user@{host}", "user:secret@{host}", "", "{host}:x", "a b"])
def test_h05_a_malformed_authority(site, authority):
    data = request("GET", f"{site.scheme}://{authority.format(host=site.host)}/", host=site.host)
    message = site.connect().ask(data)
    assert message.status == 400
    assert site.origin.connections == []


def test_h05_options_of_the_whole_server(site):
    for target, expected in (("", "*"), ("/", "/"), ("/x", "/x")):
        data = request("OPTIONS", f"{site.scheme}://{site.host}{target}", host=site.host)
        assert site.connect().ask(data).status == 200
        assert site.origin.requests[-1].target == expected


def test_h06_spellings_of_a_host(site):
    client = site.connect()
    for host in (site.host.upper(), site.host + ".", site.host + ":8080", site.host.title() + ".:443", site.host + ":"):
        message = client.ask(site.request(host=host))
        assert message.status == 200, host
        assert site.origin.requests[-1].get("Host") == host


def test_h07_unknown_host(site):
    for host in ("unknown.test", "www." + site.host, site.host + ".evil.test", "127.0.0.1", "[::1]", "localhost"):
        # Over TLS the name may count as unknown or as another than the connection's.
        code = "E421-HOST" if site.scheme == "http" else "E421-"
        message = site.connect().ask(site.request(host=host))
        assert message.status == 421 and code in message.text
        assert site.origin.upstream not in message.text
    assert site.origin.connections == []


def test_h07_sni_and_host_differ(sites):
    a, b = sites["a.https.test"], sites["b.https.test"]
    for host in (b.host, b.host.upper() + ".:443"):
        message = a.refuses(a.request(host=host), 421, "E421-SNI", closes=False)
        assert b.host not in message.text
    client = a.connect()
    assert client.ask(a.request(host=a.host.upper() + ".")).status == 200
    assert client.ask(a.request(host=b.host)).status == 421
    assert b.origin.connections == []


def test_h07_a_plain_route_is_not_served_over_tls(sites):
    a, plain = sites["a.https.test"], sites["a.http.test"]
    message = a.connect().ask(a.request(host=plain.host))
    assert message.status == 421
    assert plain.origin.connections == []


def handshake_alert(portico, server_name, scheme="https"):
    """The alert's name that a handshake ends with; "" if it succeeds."""
    try:
        portico.connect(scheme, server_name=server_name, verify=False).close()
    except ssl.SSLError as error:
        return error.reason or str(error)
    return ""


@pytest.mark.parametrize("name", ["unknown.test", "a.http.test", "www.a.https.test", "https.test", None])
def test_h08_unknown_names_get_an_alert(sites, name):
    portico = sites["a.https.test"].portico
    mark = portico.log.mark()
    assert "UNRECOGNIZED_NAME" in handshake_alert(portico, name)
    portico.wait_log("closed: TLS-NAME", mark)


def test_h08_never_another_hosts_certificate(sites):
    portico = sites["a.https.test"].portico
    host, port = portico.address("https")
    for name in ("-servername", "unknown.test"), ("-noservername",):
        done = subprocess.run(["openssl", "s_client", "-connect", f"{host}:{port}", *name],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
        assert "no peer certificate available" in done.stdout
        assert "BEGIN CERTIFICATE" not in done.stdout


def test_h08_each_host_has_its_own_certificate(sites):
    for host in ("a.https.test", "b.https.test", "under_score.https.test"):
        client = sites[host].connect()
        names = [value for kind, value in client.tls.getpeercert()["subjectAltName"] if kind == "DNS"]
        assert names == [host]
    # SNI in upper case is the same name.
    assert handshake_alert(sites["a.https.test"].portico, "A.HTTPS.TEST") == ""


def test_h08_an_address_as_host_entry(portico_factory, origin_factory):
    """Without SNI, the host entry that equals the local address is served."""
    origin = origin_factory()
    portico = portico_factory(toml([("127.0.0.1", origin.upstream, "self_signed"),
                                    ("other.test", origin.upstream, "self_signed"),
                                    ("::1", origin.upstream, "self_signed")]),
                              listen=("127.0.0.1", "::1"))
    for family, address, host in ((4, "127.0.0.1", "127.0.0.1"), (6, "::1", "[::1]")):
        # Python sends no SNI for an address, and verifies it against the certificate's.
        client = portico.connect("https", server_name=address, family=family)
        assert client.ask(request("GET", "/x", host=host)).status == 200
        assert client.ask(request("GET", "/x", host=host + ":443")).status == 200
        assert client.ask(request("GET", "/x", host="other.test")).status == 421
        client.close()
    assert len(origin.requests) == 4


# Redirects

def location(message):
    return message.get("Location")


@pytest.mark.parametrize("method, status", [("GET", 301), ("HEAD", 301), ("POST", 308), ("PUT", 308), ("OPTIONS", 308)])
def test_h25_redirect(sites, method, status):
    portico, host = sites["a.https.test"].portico, "a.https.test"
    for target in ("/", "/a/b?c=d&e", "//x", "/%20%2f?"):
        client = portico.connect("http")
        data = request(method, target, host=host, body=b"xyz" if method in ("POST", "PUT") else None)
        message = client.ask(data, method)
        assert (message.status, location(message)) == (status, f"https://{host}{target}")
        client.close()
    assert sites[host].origin.connections == []


def test_h25_the_port_and_spelling_of_host(sites):
    client = sites["a.https.test"].portico.connect("http")
    for host in ("a.https.test:8080", "a.https.test.", "A.HTTPS.TEST"):
        message = client.ask(request("GET", "/x", host=host))
        assert message.status == 301
        assert location(message).lower().rstrip(".") in ("https://a.https.test/x", "https://a.https.test./x")
    client.close()


def test_h25_options_star(sites):
    client = sites["a.https.test"].portico.connect("http")
    message = client.ask(request("OPTIONS", "*", host="a.https.test"))
    assert (message.status, location(message)) == (308, "https://a.https.test/")
    client.close()


def test_h25_a_large_upload_can_read_its_redirect(sites):
    client = sites["a.https.test"].portico.connect("http")
    client.send(request("POST", "/up", "Content-Length: 1000000", host="a.https.test"))
    message = client.response()
    assert message.status == 308
    client.close()


def test_h25_the_public_port(portico_factory, origin_factory):
    origin = origin_factory()
    portico = portico_factory(toml([("x.test", origin.upstream, "self_signed"), ("::1", origin.upstream, "self_signed")]),
                              env={"PUBLIC_HTTPS_PORT": "8443"})
    client = portico.connect("http")
    assert location(client.ask(request("GET", "/a", host="x.test:8080"))) == "https://x.test:8443/a"
    assert location(client.ask(request("GET", "/a", host="[::1]:8080"))) == "https://[::1]:8443/a"
    client.close()


def test_h25_goes_by_the_real_scheme(portico_factory, origin_factory):
    """Behind a trusted proxy that ended TLS, a redirect would loop; an untrusted client that
    claims the same is redirected."""
    for trusted in (True, False):
        origin = origin_factory()
        server = {"trusted_proxies": ["127.0.0.1/32"]} if trusted else {}
        portico = portico_factory(toml([("x.test", origin.upstream, "self_signed")], server))
        client = portico.connect("http")
        for field in ("X-Forwarded-Proto: https", "Forwarded: for=192.0.2.1;proto=https"):
            assert client.ask(request("GET", "/a", field, host="x.test")).status == (200 if trusted else 301)
        assert client.ask(request("GET", "/a", host="x.test")).status == 301
        assert client.ask(request("GET", "/a", "X-Forwarded-Proto: http", host="x.test")).status == 301
        client.close()
        assert len(origin.requests) == (2 if trusted else 0)
