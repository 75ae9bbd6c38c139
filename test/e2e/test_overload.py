"""Overload: new connections are turned away while those that are ready wait too long for a worker,
and are let in again; handshakes, however many, do not keep the others from being served.

Nothing goes by time here: how the queues behave in detail is for the unit tests to say."""

import ssl
import threading
import time

import pytest

from harness.crowd import Crowd
from harness.portico import toml
from harness.stuck import Way
from harness.wire import CLEAN, LIMIT, Ended, request, response

CHUNKS = b"1\r\nx\r\n" * (1 << 14)  # much work in few bytes
BUSY = 8
FLOOD = 40  # connections that do one handshake after the other


def get(host, target="/"):
    return request("GET", target, host=host)


def answer(connection):
    """An origin that answers, or eats uploads that do not end."""
    while message := connection.request_head():
        if message.method == "POST":
            while connection.sock.recv(1 << 18):
                pass
            return
        connection.send(response(body=message.target.encode()))


class Upload:
    """A client that keeps a worker as busy as it can."""

    def __init__(self, client):
        self.client = client
        client.send(request("POST", "/", "Transfer-Encoding: chunked", host="x.test"))
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            while True:
                self.client.send(CHUNKS)
        except OSError:
            pass

    def stop(self):
        self.client.sock.shutdown(2)
        self.thread.join(LIMIT)
        self.client.reset()


def knock_plain(portico):
    """Status and text of the answer that a new connection gets."""
    client = portico.connect("http")
    try:
        message = client.ask(get("x.test"))
        if message.status == 503:
            assert int(message.get("Retry-After")) > 0 and message.get("Connection") == "close"
            assert client.end() == CLEAN
        return message.status, message.text
    except (Ended, OSError):
        return 0, ""  # the request came too late, and its reset overtook the answer
    finally:
        client.close()


def knock_tls(portico):
    """Does a new connection get through its handshake?"""
    try:
        portico.connect("https", server_name="y.test").close()
        return True
    except (ssl.SSLError, OSError):
        return False


def until(knock):
    """Knocks again and again, until it is answered as it should be."""
    deadline = time.monotonic() + LIMIT
    while not knock():
        assert time.monotonic() < deadline, "it never came to be"


def test_overload_sheds_and_recovers(portico_factory, origin_factory):
    origin = origin_factory(answer)
    portico = portico_factory(toml([("x.test", origin.upstream, "none"), ("y.test", origin.upstream, "self_signed")],
                                   {"workers": 1, "max_wait": "5ms"}))
    kept = portico.connect("http")
    assert kept.ask(get("x.test")).status == 200
    uploads = [Upload(portico.connect("http")) for _ in range(BUSY)]
    try:
        until(lambda: knock_plain(portico) == (503, "E503-OVERLOAD: The proxy has more to do than it can; "
                                                    "try again in a moment.\n"))
        until(lambda: not knock_tls(portico))
        # Whoever was there is served on.
        for number in range(5):
            assert kept.ask(get("x.test", f"/{number}")).body == b"/%d" % number
    finally:
        for upload in uploads:
            upload.stop()
    until(lambda: knock_plain(portico)[0] == 200)
    until(lambda: knock_tls(portico))
    portico.wait_log("overload: connections wait ")
    portico.wait_log("overload: over after ")
    numbers = portico.await_status(lambda n: n["shedding"] == 0)
    assert numbers["E503-OVERLOAD"] >= 2
    kept.close()


def test_overload_can_be_switched_off(portico_factory, origin_factory):
    origin = origin_factory(answer)
    portico = portico_factory(toml([("x.test", origin.upstream, "none")], {"workers": 1, "max_wait": "0s"}))
    uploads = [Upload(portico.connect("http")) for _ in range(BUSY)]
    try:
        for _ in range(10):
            assert knock_plain(portico)[0] == 200
    finally:
        for upload in uploads:
            upload.stop()
    assert "E503-OVERLOAD" not in portico.status()


@pytest.mark.parametrize("kept_scheme", ["http", "https"])
def test_a_flood_of_handshakes(portico_factory, origin_factory, kept_scheme):
    """Everybody is served: who was there before, and the flood itself."""
    hosts = {"http": "x.test", "https": "y.test"}
    origin = origin_factory(answer)
    portico = portico_factory(toml([("x.test", origin.upstream, "none"), ("y.test", origin.upstream, "self_signed")],
                                   {"workers": 2}))
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
