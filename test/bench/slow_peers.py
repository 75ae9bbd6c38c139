"""The slow peers of scripts/slow: a process of its own, clients and their origin in one loop.

    slow_peers.py

It speaks JSON, one object a line. At once it says {"upstream": "HOST:PORT"}: the origin of its
clients. Then it does as it is told:

    {"do": "stick", "kind": NAME, "mode": "plain" or "TLS", "address": [HOST, PORT],
     "host": NAME, "count": N}     N clients at once get stuck     {"stuck": N}
    {"do": "look"}                 how many are connected still    {"kept": N}
    {"do": "leave"}                all of them reset               {"left": N}

and ends with its input. While they are stuck they cost next to nothing: the loop sleeps, but for
the bytes of those that trickle. They come from 127.0.1.1 to 127.0.1.200 in turn, so that no limit
per client is what is measured."""

import asyncio
import itertools
import json
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))

from harness import stuck  # noqa: E402
from harness.crowd import Crowd, raise_descriptor_limit  # noqa: E402

ESTABLISHED = 1  # the first byte of TCP_INFO
SECONDS = 120  # that getting stuck may take
SCHEMES = {"plain": "http", "TLS": "https"}


class Trickle(stuck.Way):
    """One byte of a request's head a second, for ever."""

    async def stick(self, member):
        await member.peer.send(member.request()[:-2] + b"X-Slow: ")

    async def keep_on(self, members):
        due, each = time.monotonic(), 1 / len(members)
        for member in itertools.cycle(members):
            due += each
            # Not every single one is worth a timer: those due within 10 ms go together.
            if (left := due - time.monotonic()) > 0.01:
                await asyncio.sleep(left)
            try:
                await member.peer.send(b"x")
            except OSError:
                pass  # `look` counts it


class UnreadAnswer(stuck.UnreadAnswer):
    """Half a megabyte that is not read: more than the kernel holds for a client with small
    buffers, and a bound for what a proxy may buffer."""
    size = 500_000
    sent = 0  # to the proxy, of all answers

    async def serve_stuck(self, peer):
        await peer.send(stuck.response("200 OK", f"Content-Length: {self.size}"))
        for _ in range(self.size // 5000):
            await peer.send(bytes(5000))
            self.sent += 5000
        await asyncio.Future()

    async def settle(self):
        """Until nothing moves: the kernel takes a while to be sure that the window stays shut."""
        before = -1
        while before != self.sent:
            before = self.sent
            await asyncio.sleep(0.5)


# By the name in the table: how they get stuck, and what part of the usual number they are.
KINDS = {
    "silent": (stuck.Silent, 1),
    "half a handshake": (stuck.HalfFinished, 1),
    "one head byte a second": (Trickle, 1),
    "idle keep-alive": (stuck.Idle, 1),
    "stalled upload": (stuck.HalfUpload, 1),
    "stalled download": (UnreadAnswer, 0.25),
    "upstream that thinks": (stuck.Waiting, 1),
    "idle tunnel": (stuck.Tunnel, 1),
}


class Place:
    """What the harness's members take for a Portico: where to connect."""

    def __init__(self, address):
        self._address = tuple(address)

    def address(self, _):
        return self._address


class SlowPeers(Crowd):
    def __init__(self):
        super().__init__()
        self.sources = itertools.cycle(f"127.0.1.{number}" for number in range(1, 201))
        self.way, self.members = None, []
        self.upstream = self.listen(self.serve, small=True)
        self.permanent = set(self.tasks)

    async def connect(self, address, small=False, source=None):
        return await super().connect(address, small, source or next(self.sources))

    async def serve(self, peer):
        await self.way.serve(peer)

    def stick(self, kind, mode, address, host, count):
        self.way = KINDS[kind][0]()
        self.members = [stuck.Member(self.way, self, Place(address), SCHEMES[mode], host, index)
                        for index in range(count)]
        self.each(self.way.prepare, self.members, at_once=32, limit=SECONDS)
        self.each(self.way.stick, self.members, at_once=32, limit=SECONDS)
        if hasattr(self.way, "settle"):
            self.run(self.way.settle(), SECONDS)
        if hasattr(self.way, "keep_on"):
            async def begin():
                self.spawn(self.way.keep_on(self.members))
            self.run(begin())
        return {"stuck": count}

    def look(self):
        return {"kept": sum(is_connected(member.peer.sock) for member in self.members)}

    def leave(self):
        """The origin's ends as well, so that no proxy keeps one for peers of another kind."""
        async def over():
            tasks = self.tasks - self.permanent
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for peer in self.peers:
                peer.reset()
            self.peers.clear()
        self.run(over(), SECONDS)
        left, self.members = len(self.members), []
        return {"left": left}


def is_connected(sock):
    return sock.fileno() >= 0 and sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == ESTABLISHED


def say(answer):
    print(json.dumps(answer), flush=True)


def main():
    raise_descriptor_limit()
    with SlowPeers() as peers:
        say({"upstream": peers.upstream})
        for line in sys.stdin:
            order = json.loads(line)
            say(getattr(peers, order.pop("do"))(**order))


if __name__ == "__main__":
    main()
