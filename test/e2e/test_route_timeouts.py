"""A route's timeouts, in place of those that hold for all."""

import threading

import pytest

from harness.portico import cert_type, toml
from harness.wire import LIMIT, read_head, request, response


@pytest.fixture
def pair(portico_factory, origin_factory, scheme):
    """Makes two routes to one origin: the first as `timeouts` say, the second with its `own`. What
    connects to the route of that index and asks, and the rest."""
    def make(script, timeouts, own):
        origin = origin_factory(script)
        hosts = [f"{name}.{scheme}.test" for name in ("all", "own")]
        portico = portico_factory(toml([(hosts[0], origin.upstream, cert_type(scheme)),
                                        (hosts[1], origin.upstream, cert_type(scheme), own)], timeouts=timeouts))

        def ask(index, *fields, **options):
            client = portico.connect(scheme, server_name=hosts[index])
            client.send(request("GET", "/", *fields, host=hosts[index], **options))
            return client
        return ask, portico, origin
    return make


@pytest.mark.parametrize("timeouts, own, hasty", [({}, {"answer": "300ms"}, 1), ({"answer": "300ms"}, {"answer": "1h"}, 0)])
def test_answer(pair, timeouts, own, hasty):
    """One gives up while the other waits on, and gets its answer."""
    def script(connection):
        message = connection.request()
        connection.report(None)
        if message.get("X-Wait"):
            assert connection.to_end() == b""
            patient.set()
        else:
            assert patient.wait(LIMIT)
            connection.send(response(body=b"at last"))
    patient = threading.Event()
    ask, portico, origin = pair(script, timeouts, own)
    waiting = ask(1 - hasty)
    origin.reported()
    refused = ask(hasty, "X-Wait: yes").response()
    assert refused.status == 504 and "E504-ANSWER" in refused.text
    assert waiting.response().body == b"at last"


def test_tunnel(pair):
    def script(connection):
        connection.request_head()
        connection.send(response("101 Switching Protocols", "Connection: Upgrade", "Upgrade: echo/1"))
        connection.report(None)
        while data := connection.recv():
            connection.send(data)
    ask, portico, origin = pair(script, {}, {"tunnel": "300ms"})
    silent = [ask(index, "Connection: Upgrade", "Upgrade: echo/1") for index in (0, 1)]
    for client in silent:
        read_head(client)
        origin.reported()
    portico.wait_access(lambda entry: entry["reason"] == "TUNNEL-IDLE")
    silent[1].to_end()
    silent[0].send(b"still here")
    assert silent[0].exactly(10) == b"still here"


def test_upstream_idle(pair):
    """Routes to one upstream share its pool; one of them leaves nothing there."""
    def script(connection):
        while connection.request():
            connection.send(response(body=b"x"))
    ask, portico, origin = pair(script, {"upstream_idle": "60s"}, {"upstream_idle": "0s"})
    for index, connections, idle in ((1, 1, 0), (1, 2, 0), (0, 3, 1), (0, 3, 1)):
        assert ask(index).response().status == 200
        portico.await_status(lambda numbers: numbers["upstream_idle"] == idle)
        assert len(origin.connections) == connections
