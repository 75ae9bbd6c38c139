"""Overload: new connections are turned away while those that are ready wait too long for a worker,
and are let in again; handshakes, however many, do not keep the others from being served.

Nothing goes by time here: how the queues behave in detail is for the unit tests to say."""

import ssl
import threading
import time

import pytest

from harness.client import Client
from harness.crowd import Crowd
from harness.hold import held
from harness.portico import toml
from harness.stuck import Way
from harness.wire import CLEAN, LIMIT, request, response

FLOOD = 40  # connections that do one handshake after the other


def get(host, target="/"):
    return request("GET", target, host=host)


def echo_target(connection):
    while message := connection.request():
        connection.send(response(body=message.target.encode()))


def check_refusal(client):
    message = client.response()
    assert message.status == 503 and message.text.startswith("E503-OVERLOAD: ")
    assert int(message.get("Retry-After")) > 0 and message.get("Connection") == "close"
    assert client.end() == CLEAN
    client.close()


def check_closed(client):
    """Without a byte, before any handshake."""
    assert client.to_end() == b""
    client.close()


def is_served(portico, scheme, host):
    try:
        client = portico.connect(scheme, server_name=host)
        served = client.ask(get(host)).status == 200
        client.close()
        return served
    except (ssl.SSLError, OSError):
        return False


def until(condition):
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"


def two_hosts(origin, server):
    return toml([("x.test", origin.upstream, "none"), ("y.test", origin.upstream, "self_signed")], server)


def test_overload_sheds_and_recovers(portico_factory, origin_factory):
    portico = portico_factory(two_hosts(origin_factory(echo_target), {"workers": 1, "max_wait": "1s"}))
    kept = portico.connect("http")
    assert kept.ask(get("x.test", "/before")).body == b"/before"
    with held(portico.process.pid, "w00"):
        # Those who come before anybody knows wait, ...
        early, early_tls = portico.connect("http"), Client(portico.address("https"))
        early.send(get("x.test"))
        early_tls.send(b"\x16")
        kept.send(get("x.test", "/meanwhile"))
        portico.await_status(lambda n: n["shedding"] == 1)
        # ... those who come then are turned away at once, ...
        check_refusal(portico.connect("http"))
        check_closed(Client(portico.address("https")))
    # ... and when the worker goes on, whoever was there before is served, ...
    assert kept.response().body == b"/meanwhile"
    kept.close()
    # ... who has waited for too long is not, and all is well again.
    check_refusal(early)
    check_closed(early_tls)
    assert portico.await_status(lambda n: n["shedding"] == 0)["E503-OVERLOAD"] == 4
    portico.wait_log("overload: connections wait ")
    assert portico.wait_log("overload: over after ").endswith(": 4")
    until(lambda: is_served(portico, "http", "x.test"))
    until(lambda: is_served(portico, "https", "y.test"))


@pytest.mark.parametrize("kept_scheme", ["http", "https"])
def test_a_flood_of_handshakes(portico_factory, origin_factory, kept_scheme):
    """Everybody is served: who was there before, and the flood itself."""
    hosts = {"http": "x.test", "https": "y.test"}
    portico = portico_factory(two_hosts(origin_factory(echo_target), {"workers": 2}))
    kept = portico.connect(kept_scheme, server_name=hosts[kept_scheme])
    assert kept.ask(get(hosts[kept_scheme])).status == 200
    context = Way().context
    done = [0] * FLOOD
    under_way, over = threading.Event(), threading.Event()

    async def shake_hands(index):
        while not over.is_set() and done[index] < 200:
            peer = await crowd.connect(portico.address("https"))
            await peer.handshake(context, "y.test")
            done[index] += 1
            if sum(done) > FLOOD:
                under_way.set()
            peer.reset()

    with Crowd() as crowd:
        flood = threading.Thread(target=crowd.each, args=(shake_hands, range(FLOOD)), daemon=True)
        flood.start()
        assert under_way.wait(LIMIT)
        before = sum(done)
        for number in range(100):
            assert kept.ask(get(hosts[kept_scheme], f"/{number}")).body == b"/%d" % number
        assert sum(done) > before, "the handshakes stood still"
        over.set()
        flood.join(LIMIT)
        assert not flood.is_alive() and all(done)
    kept.close()
