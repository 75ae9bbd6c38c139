"""Real software behind Portico. On the release build only: what the sanitizers look for, the other
tests provoke harder."""

import pytest

from harness.portico import toml
from harness.program import Server
from harness.scale import IS_RELEASE


def pytest_runtest_setup():
    if not IS_RELEASE:
        pytest.skip("real software is tested with the release build")


@pytest.fixture
def server_factory(tmp_path):
    """Starts servers, each in its own directory; ends them with the test, after Portico, since the
    fixtures below ask for this one first."""
    started = []

    def start(command, **options):
        """`command` may be a function of the server's directory, to put files there first."""
        directory = tmp_path / f"server{len(started)}"
        directory.mkdir()
        server = Server(directory, command(directory) if callable(command) else command, **options)
        started.append(server)
        server.await_listening()
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def behind(server_factory, portico_factory):
    """Starts a Portico in front of a server: host "http.test" over HTTP, "https.test" over HTTPS,
    and any other hosts that are given, over HTTPS."""
    def start(server, *hosts):
        return portico_factory(toml([("http.test", server.upstream, "none"),
                                     *((host, server.upstream, "self_signed") for host in ("https.test", *hosts))]))
    return start


@pytest.fixture
def connect(server_factory, portico_factory):
    """A client of such a Portico, closed when the test ends."""
    clients = []

    def connect(portico, host, scheme="https"):
        clients.append(portico.connect(scheme, server_name=host))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()
