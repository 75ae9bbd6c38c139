"""Crowds: hundreds of connections at once, both ends of them, driven by one asyncio loop in one
thread.

A test builds its crowd step by step from outside the loop: `crowd.each(step, members)` runs a
coroutine for every member at once and returns when all have ended, so that what a test asserts
between two steps holds of all members at the same time. Origins of the crowd serve in the same
loop. Peers are what Endpoint is elsewhere: raw bytes, TLS over memory BIOs, three ways of
ending."""

import asyncio
import resource
import socket
import ssl
import threading
import time

from .wire import CLEAN, LIMIT, RESET, TRUNCATED, Ended, Replay, read_response, set_reset


def raise_descriptor_limit():
    """As many descriptors as possible, for this process and the Porticos that it starts. Returns
    how many that are. Only root can go beyond the hard limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in (1 << 17, hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, max(limit, hard)))
            break
        except (ValueError, PermissionError):
            continue
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


class Peer:
    """One end of a connection. Coroutines run in the crowd's loop."""

    def __init__(self, loop, sock):
        sock.setblocking(False)
        self.loop, self.sock = loop, sock
        self.tls = None
        self.buffer = b""  # received, not taken
        self.ended = self.ended_at = None
        self.was_reset = False

    # TLS

    async def handshake(self, context, server_name, last_flight=True):
        """With last_flight=False the client's last flight is not sent but returned."""
        hello = self.hello(context, server_name)
        await self.send_raw(hello)
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self.send_raw(self.outgoing.read())
                await self._feed()
        flight = self.outgoing.read()
        if last_flight:
            await self.send_raw(flight)
        return flight

    def hello(self, context, server_name):
        """The ClientHello that begins a handshake, not sent."""
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=server_name)
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self.outgoing.read()

    def encrypt(self, data):
        """The bytes that `data` is on the wire: over TLS one record."""
        if not self.tls:
            return data
        self.tls.write(data)
        return self.outgoing.read()

    async def _feed(self):
        data = await self.loop.sock_recv(self.sock, 65536)
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()

    # Sending

    async def send_raw(self, data):
        try:
            await self.loop.sock_sendall(self.sock, data)
        except ConnectionResetError:
            self.was_reset = True  # the kernel says so only once
            raise

    async def send(self, data):
        await self.send_raw(self.encrypt(data))

    async def flood(self):
        """Sends for as long as the peer takes anything, until it ends the connection."""
        try:
            while True:
                await self.send(bytes(8192))
        except OSError:
            pass

    async def finish(self):
        """Says that nothing more will be sent: FIN, or close_notify and FIN."""
        if self.tls:
            try:
                self.tls.unwrap()
            except (ssl.SSLWantReadError, ssl.SSLError):
                pass
            await self.send_raw(self.outgoing.read())
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        if self.sock.fileno() >= 0:
            set_reset(self.sock)
            self.sock.close()

    # Receiving

    async def recv(self):
        """Some more bytes. b"" at the end, and then `ended` says which, and `ended_at` when."""
        if self.ended:
            return b""
        data = b""
        try:
            data = await (self._recv_tls() if self.tls else self.loop.sock_recv(self.sock, 65536))
            self.ended = None if data else CLEAN
        except (ConnectionResetError, BrokenPipeError):
            self.ended = RESET
        except ssl.SSLError as error:
            if "EOF" not in (error.reason or "") and not isinstance(error, ssl.SSLEOFError):
                raise
            self.ended = TRUNCATED
        if self.ended:
            self.ended = RESET if self.was_reset else self.ended
            self.ended_at = time.monotonic()
        return data

    async def _recv_tls(self):
        while True:
            try:
                return self.tls.read(65536)
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLWantReadError:
                await self._feed()

    async def until(self, mark):
        while mark not in self.buffer:
            data = await self.recv()
            if not data:
                raise Ended(self.ended, self.buffer)
            self.buffer += data
        end = self.buffer.index(mark) + len(mark)
        taken, self.buffer = self.buffer[:end], self.buffer[end:]
        return taken

    async def to_end(self):
        """Everything up to the end, however that comes; also left in `buffer`."""
        while data := await self.recv():
            self.buffer += data
        return self.buffer

    def response(self):
        """The answer in what has been received, which must be followed by nothing else."""
        replay = Replay(self.buffer, self.ended)
        message = read_response(replay)
        assert replay.buffer == b"", f"more than an answer: {replay.buffer[:200]!r}"
        return message


class Crowd:
    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.peers, self.listeners, self.tasks, self.errors = [], [], set(), []
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def run(self, coroutine, limit=LIMIT):
        """Runs a coroutine in the loop and returns its result."""
        return asyncio.run_coroutine_threadsafe(asyncio.wait_for(coroutine, limit), self.loop).result()

    def each(self, step, members, at_once=None, limit=LIMIT):
        """Runs step(member) for all members; those that run `at_once` can be limited."""
        async def together():
            gate = asyncio.Semaphore(at_once or len(members))

            async def one(member):
                async with gate:
                    await step(member)
            await asyncio.gather(*(one(member) for member in members))
        self.run(together(), limit)

    def spawn(self, coroutine):
        """Runs a coroutine beside the others, until it ends or the crowd is closed; returns its
        task. From inside the loop."""
        task = self.loop.create_task(self._guarded(coroutine))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def _guarded(self, coroutine):
        try:
            await coroutine
        except (Ended, OSError):
            pass
        except Exception as error:  # noqa: BLE001 - an assertion in a script fails its test
            self.errors.append(error)

    async def connect(self, address, small=False, source=None):
        """A peer connected to the address. `small` makes the kernel hold little in either
        direction; `source` is an IP address to connect from."""
        sock = socket.socket()
        if small:
            shrink(sock)
        if source:
            sock.bind((source, 0))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = Peer(self.loop, sock)
        self.peers.append(peer)
        await self.loop.sock_connect(sock, address)
        return peer

    def listen(self, serve, small=False):
        """An origin, whose connections are each served by the coroutine serve(peer) and then
        closed. Returns its host:port."""
        sock = socket.socket()
        if small:
            shrink(sock)
        sock.bind(("127.0.0.1", 0))
        sock.listen(4096)
        sock.setblocking(False)
        self.listeners.append(sock)

        async def begin():
            self.spawn(self._accept(sock, serve))
        self.run(begin())
        return f"127.0.0.1:{sock.getsockname()[1]}"

    async def _accept(self, listener, serve):
        async def whole(peer):
            try:
                await serve(peer)
            finally:
                peer.sock.close()
        while True:
            sock, _ = await self.loop.sock_accept(listener)
            peer = Peer(self.loop, sock)
            self.peers.append(peer)
            self.spawn(whole(peer))

    def unconnectable(self):
        """The host:port of an address to which connecting neither succeeds nor fails: a listener
        whose queue is full, so that the kernel drops whatever would make it longer."""
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        self.listeners.append(listener)
        while True:
            filler = socket.socket()
            self.listeners.append(filler)
            filler.settimeout(0.2)
            try:
                filler.connect(listener.getsockname())
            except TimeoutError:
                return f"127.0.0.1:{listener.getsockname()[1]}"

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.close()
        if not error and self.errors:
            raise self.errors[0]

    def close(self):
        """Ends everything, connections by resets."""
        async def over():
            tasks = list(self.tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for sock in self.listeners:
                sock.close()
            for peer in self.peers:
                peer.reset()
        self.run(over())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(LIMIT)
        self.loop.close()


def shrink(sock):
    """Small buffers, and small segments, from which the peer's kernel concludes that small
    buffers will do. Before connect or listen."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1000)

