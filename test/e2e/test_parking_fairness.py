"""Nobody's speed holds a worker either: two clients that never stop sending and receiving, as
fast as they can, do not keep a third waiting, though there are no more than two workers.

Never stopping is not easy: the proxy must always be the slowest of all. So bodies come in chunks
of one byte, which costs their sender nothing, and whoever talks to Portico runs before it."""

import threading

import pytest

from harness.portico import cert_type, toml
from harness.scale import scaled
from harness.wire import CLEAN, LIMIT, read_head, request, response, unread_by_peer

PIECE = bytes(1 << 18)
CHUNKS = b"1\r\nx\r\n" * (1 << 16)
UPGRADE = ("Connection: Upgrade", "Upgrade: echo/1")
REQUESTS = 50
# What a flow may move for each request of the third: some turns of 256 KiB on either side of the
# proxy, and what the kernel buffers. Without yielding, it is a hundred megabytes and more.
TURN = 10 << 20


class Flow:
    """A client that never stops; `moved` counts what it has sent or received."""

    def __init__(self, client, host, kind):
        self.client, self.moved, self.failure = client, 0, None
        self.progress = threading.Condition()
        send = {
            "download": request("GET", "/download", host=host),
            "upload": request("POST", "/upload", "Transfer-Encoding: chunked", host=host),
            "tunnel": request("GET", "/tunnel", *UPGRADE, host=host),
        }[kind]
        client.send(send)
        if kind != "upload":
            read_head(client)
        self.over = False
        self.thread = threading.Thread(target=self._run, args=(getattr(self, kind),), daemon=True)
        self.thread.start()

    def _run(self, step):
        try:
            while not self.over:
                size = step()
                with self.progress:
                    self.moved += size
                    self.progress.notify_all()
        except Exception as error:  # noqa: BLE001 - shown by await_progress
            self.failure = error
        with self.progress:
            self.progress.notify_all()

    def download(self):
        data = self.client.recv()
        assert data, self.client.ended
        return len(data)

    def upload(self):
        self.client.send(CHUNKS)
        return len(CHUNKS)

    def tunnel(self):
        self.client.send(PIECE)
        return len(PIECE) + self.download()

    def await_progress(self, size):
        """Until so many more bytes have been moved, however slowly: Portico gets what others leave it."""
        with self.progress:
            goal, before = self.moved + size, -1
            while before < self.moved < goal and not self.failure:
                before = self.moved
                self.progress.wait_for(lambda: self.moved > before or self.failure, LIMIT)
            assert self.moved >= goal or self.failure, "it stands still"
        if self.failure:
            raise self.failure

    def stop(self):
        self.over = True
        self.client.sock.shutdown(2)
        self.thread.join(LIMIT)
        self.client.reset()


def endless(connection):
    """The origin's side of a flow."""
    message = connection.request_head()
    if message.target == "/tunnel":
        connection.send(response("101 Switching Protocols", *UPGRADE))
        threading.Thread(target=flood, args=(connection, PIECE), daemon=True).start()
    elif message.target == "/download":
        connection.send(response("200 OK", "Transfer-Encoding: chunked"))
        flood(connection, CHUNKS)
    while connection.sock.recv(1 << 18):
        pass


def flood(connection, piece):
    try:
        while True:
            connection.send(piece)
    except OSError:
        pass


def hello(connection):
    while message := connection.request():
        connection.send(response(body=message.target.encode()))


@pytest.mark.parametrize("kinds", [("download", "download"), ("upload", "upload"), ("tunnel", "tunnel"),
                                   ("upload", "download")], ids=" and ".join)
def test_two_that_never_stop(portico_factory, origin_factory, scheme, kinds):
    host, other = f"flow.{scheme}.test", f"other.{scheme}.test"
    portico = portico_factory(toml([(host, origin_factory(endless).upstream, cert_type(scheme)),
                                    (other, origin_factory(hello).upstream, cert_type(scheme))],
                                   server={"workers": 2}), wrapper=("nice", "-n", "19"))
    flows = [Flow(portico.connect(scheme, server_name=host), host, kind) for kind in kinds]
    try:
        for flow in flows:
            flow.await_progress(1 << 20)
        before = [flow.moved for flow in flows]
        kept = portico.connect(scheme, server_name=other)
        # On a busy machine fifty requests can be over before a flow's next piece has gone.
        number, moved = 0, [0]
        while number < REQUESTS // 2 or not all(moved):
            assert number < 20 * REQUESTS, f"they do not flow meanwhile: {moved}"
            number += 1
            fresh = portico.connect(scheme, server_name=other)
            for client in (kept, fresh):
                assert client.ask(request("GET", f"/{number}", host=other)).body == b"/%d" % number
            fresh.finish()
            assert fresh.end() == CLEAN
            fresh.close()
            moved = [flow.moved - size for flow, size in zip(flows, before)]
        kept.close()
        assert max(moved) < 2 * number * TURN, f"too many bytes went before {2 * number} requests: {moved}"
        for flow in flows:
            flow.await_progress(1 << 20)
    finally:
        for flow in flows:
            flow.stop()


def test_heads_that_never_begin(portico_factory, origin_factory):
    """An empty line in each TLS record: it is skipped (H26), and there is always another one."""
    portico = portico_factory(toml([("flow.test", "builtin:hello", "self_signed"),
                                    ("other.test", origin_factory(hello).upstream, "none")],
                                   server={"workers": 2}, timeouts={"head": "10m"}), wrapper=("nice", "-n", "10"))
    flows = []
    for _ in range(2):
        client = portico.connect("https", server_name="flow.test")
        for _ in range(scaled(800_000, 150_000)):
            client.tls.write(b"\r\n")
        data = client.outgoing.read()
        flows.append((client, threading.Thread(target=client.send_raw, args=(data,), daemon=True)))
    other = portico.connect("http")
    for client, thread in flows:
        thread.start()
    portico.await_status(lambda n: n["workers_busy"] == 2)
    for number in range(3):
        assert other.ask(request("GET", f"/{number}", host="other.test")).body == b"/%d" % number
    assert all(thread.is_alive() or unread_by_peer(client.sock) for client, thread in flows), "both were waited for"
    for client, thread in flows:
        thread.join(LIMIT)
        assert client.ask(request("GET", "/", host="flow.test")).status == 200
        client.close()
    other.close()
