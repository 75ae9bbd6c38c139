"""Fixtures. Most tests share one Portico for each pytest worker, since sanitizer builds are slow
to start; a test that needs its own configuration asks for `portico_factory`.

The shared one serves, over HTTP (cert_type none) and over HTTPS (self_signed):

    a.SCHEME.test, b.SCHEME.test    scripted origins, which forget everything between tests
    under_score.SCHEME.test         a's origin
    hello.SCHEME.test               builtin:hello
    refused.SCHEME.test             nobody listens there

`site` is a.SCHEME.test, once for each scheme. Tests of a worker run one after the other, so an
origin has one script at a time."""

import socket

import pytest

from harness.client import Client
from harness.nginx import Nginx
from harness.origin import Origin
from harness.portico import cert_type, Portico, toml
from harness.wire import CLEAN, request

SCHEMES = ("http", "https")

# Whether a pooled connection is used again must not depend on how busy the machine is.
TIMEOUTS = {"upstream_idle": "60s"}

running = []  # the shared Portico, once it is there


def pytest_configure(config):
    config.addinivalue_line("markers", "waits: spends its time waiting for time to pass, not working")


def pytest_collection_modifyitems(items):
    """Tests that mostly wait are dealt out evenly among the others: pytest's workers take pieces of
    the list, and so some of them wait while others work, rather than one wait for all of it."""
    waiting = [item for item in items if item.get_closest_marker("waits")]
    others = [item for item in items if not item.get_closest_marker("waits")]
    step = len(others) / max(1, len(waiting))
    places = [*enumerate(others), *(((place + 0.5) * step, item) for place, item in enumerate(waiting))]
    items[:] = [item for _, item in sorted(places, key=lambda each: each[0])]


class Site:
    """One route of a running Portico: how tests reach it, and the origin behind it."""

    def __init__(self, portico, scheme, host, origin, clients):
        self.portico, self.scheme, self.host, self.origin = portico, scheme, host, origin
        self.clients = clients

    def connect(self, server_name=None, **options):
        if self.scheme == "https":
            options.setdefault("server_name", server_name or self.host)
        client = self.portico.connect(self.scheme, **options)
        self.clients.append(client)
        return client

    def connect_below_tls(self):
        """A client that speaks no TLS, whatever the site does."""
        client = Client(self.portico.address(self.scheme))
        self.clients.append(client)
        return client

    def request(self, method="GET", target="/", *fields, **options):
        """A request to this site, as bytes; see harness.wire.request."""
        options.setdefault("host", self.host)
        return request(method, target, *fields, **options)

    def fetch(self, method="GET", target="/", *fields, **options):
        """The answer to such a request, on a connection of its own."""
        return self.connect().ask(self.request(method, target, *fields, **options), method)

    def refuses(self, raw, status, code, closes=True, method="GET", **options):
        """Sends raw bytes that Portico must answer itself, and checks everything that is true of
        such an answer: status, code in body and access line, what becomes of the connection,
        and that nothing reached the origin."""
        mark = self.portico.out.mark()
        asked = len(self.origin.connections)
        client = self.connect(**options)
        client.send(raw)
        response = client.response(method)
        assert (response.status, code in response.text or method == "HEAD") == (status, True), response.raw
        if closes or response.get("Connection") == "close":
            assert response.get("Connection") == "close"
            assert client.end() == CLEAN
        else:
            assert client.ask(self.request(target="/after")).status == 200
        entry = self.portico.wait_access(lambda e: e["reason"] == code, mark)
        assert entry["status"] == status
        if closes:
            assert len(self.origin.connections) == asked
        return response


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """(Portico, {host: Origin})"""
    origins, routes = {}, []
    closed = socket.socket()
    closed.bind(("127.0.0.1", 0))  # bound and not listening: refused for as long as we live
    for scheme in SCHEMES:
        for name in ("a", "b"):
            origins[f"{name}.{scheme}.test"] = Origin()
        for host, origin in list(origins.items()):
            if scheme in host.split("."):
                routes.append((host, origin.upstream, cert_type(scheme)))
        routes.append((f"under_score.{scheme}.test", origins[f"a.{scheme}.test"].upstream, cert_type(scheme)))
        routes.append((f"hello.{scheme}.test", "builtin:hello", cert_type(scheme)))
        routes.append((f"refused.{scheme}.test", f"127.0.0.1:{closed.getsockname()[1]}", cert_type(scheme)))
    portico = Portico(tmp_path_factory.mktemp("shared"), toml(routes, {}, TIMEOUTS))
    try:
        portico.start()
        running.append(portico)
        yield portico, origins
        running.clear()
        for origin in origins.values():
            origin.drop()
        portico.stop()
    finally:
        portico.kill()
        closed.close()


@pytest.fixture
def sites(shared):
    """All sites of the shared Portico, by host; afterwards clients are gone and origins as new."""
    portico, origins = shared
    clients = []
    assert portico.process.poll() is None, "Portico has died:\n" + portico.log.text()[-4000:]
    all_sites = {}
    for scheme in SCHEMES:
        for name in ("a", "b", "under_score", "hello", "refused"):
            host = f"{name}.{scheme}.test"
            origin = origins.get(host, origins[f"a.{scheme}.test"])
            all_sites[host] = Site(portico, scheme, host, origin, clients)
    yield all_sites
    for client in clients:
        client.reset()
    errors = [error for origin in origins.values() for error in origin.errors]
    for origin in origins.values():
        origin.drop()
    # A request may have been sent once more when its origin went: its connection would end in the
    # midst of the next test.
    portico.await_status(lambda n: n["connections"] == 0)
    for origin in origins.values():
        origin.drop()
        origin.clear()
    portico.check_reports()
    assert portico.process.poll() is None, "Portico has died:\n" + portico.log.text()[-4000:]
    for error in errors:
        raise error


@pytest.fixture(params=SCHEMES)
def scheme(request):
    return request.param


@pytest.fixture
def site(sites, scheme):
    return sites[f"a.{scheme}.test"]


@pytest.fixture
def other_site(sites, scheme):
    return sites[f"b.{scheme}.test"]


@pytest.fixture
def origin(site):
    return site.origin


@pytest.fixture
def books(shared):
    """For tests that ask for it: the shared Portico's gauges are back after each of them."""
    portico, _ = shared
    yield
    portico.await_balance()


@pytest.fixture(scope="module", autouse=True)
def balanced():
    """After each module the shared Portico's gauges are back where they began."""
    yield
    for portico in running:
        portico.await_balance()


@pytest.fixture
def portico_factory(tmp_path):
    """Starts Porticos of the test's own; stops them, books checked, when it ends."""
    started = []

    def start(config, **options):
        portico = Portico(tmp_path / f"portico{len(started)}", config, **options)
        started.append(portico)
        return portico.start()

    yield start
    try:
        for portico in started:
            if portico.process and portico.process.poll() is None:
                portico.stop()
    finally:
        for portico in started:
            portico.kill()


@pytest.fixture
def origin_factory():
    made = []

    def make(script=None, family=socket.AF_INET):
        origin = Origin(family)
        if script:
            origin.script = script
        made.append(origin)
        return origin

    yield make
    for origin in made:
        origin.close()
    for error in (error for origin in made for error in origin.errors):
        raise error


@pytest.fixture
def nginx(tmp_path):
    server = Nginx(tmp_path)
    yield server
    server.stop()
