"""The ways in which a connection can be stuck: one class for each phase and direction.

A way says how a client (and its origin) gets there, which of the [timeouts] ends it, and what is
to be seen then: by the client, in the log, in the counters. Members of a crowd that are cut off
in the middle of something are cut at every byte of it in turn."""

import asyncio
import ssl

from .client import tls_context
from .wire import CLEAN, RESET, request, response

READY = response(body=b"ready")
SWITCH = response("101 Switching Protocols", "Connection: Upgrade", "Upgrade: echo/1")
SCHEMES = ("http", "https")


class Member:
    """A client in a crowd, at one route of a Portico."""

    def __init__(self, way, crowd, portico, scheme, host, index):
        self.way, self.crowd, self.scheme, self.host, self.index = way, crowd, scheme, host, index
        self.address = portico.address(scheme)
        self.peer = self.stuck_at = None

    async def connect(self):
        self.peer = await self.crowd.connect(self.address, self.way.small)

    async def handshake(self, **options):
        if self.scheme == "https":
            return await self.peer.handshake(self.way.context, self.host, **options)

    def request(self, method="GET", target="/stuck", *fields, **options):
        return request(method, target, *fields, host=self.host, **options)

    async def ready(self):
        """A first request, answered."""
        await self.peer.send(self.request(target="/ready"))
        await self.peer.until(b"ready")

    def cut(self, data):
        """The first bytes of it: at least one, never all."""
        return data[:1 + self.index % (len(data) - 1)]


class Way:
    schemes = SCHEMES
    timeouts = ()      # the settings that end it; none when its client must leave
    share = 1.0        # of the test's usual number of members: when each takes long, or memory
    reason = None
    status = None      # of the access line; None when there is none
    small = False      # small buffers in the kernel, on the clients' side
    small_origin = False
    late = False       # the client sees the end, or may look, only when it is over
    answered = False   # reason and access line come before it is stuck
    tls_version = ssl.TLSVersion.TLSv1_3

    def __init__(self):
        self.context = tls_context(None, self.tls_version, verify=False)

    def upstream(self, crowd):
        return crowd.listen(self.serve, small=self.small_origin)

    async def serve(self, peer):
        while True:
            head = await peer.until(b"\r\n\r\n")
            if b" /ready " in head:
                await peer.send(READY)
            else:
                await self.serve_stuck(peer)

    async def serve_stuck(self, peer):
        """The origin's side, once the head has come. Its connection is closed at the end."""
        await asyncio.Future()

    async def prepare(self, member):
        """What may take its time, before any deadline that counts begins."""
        await member.connect()
        await member.handshake()

    async def stick(self, member):
        raise NotImplementedError

    async def leave(self, member):
        """Waits for the end."""
        await member.peer.to_end()

    def check(self, member):
        """What the client saw: nothing, and a clean end, unless a way says otherwise."""
        assert (member.peer.buffer, member.peer.ended) == (b"", CLEAN)


class Answered(Way):
    """It ends with an answer of Portico's own."""

    def check(self, member):
        message = member.peer.response()
        assert (message.status, member.peer.ended) == (self.status, CLEAN)
        assert self.reason in message.text and message.get("Connection") == "close"


# HANDSHAKE

class Silent(Way):
    """Not a byte has come."""
    timeouts, reason = ("handshake", "head"), "SILENT"

    async def prepare(self, member):
        pass

    async def stick(self, member):
        await member.connect()


class HalfClientHello(Way):
    schemes, timeouts, reason = ("https",), ("handshake",), "TLS-TIMEOUT"

    async def prepare(self, member):
        pass

    async def stick(self, member):
        await member.connect()
        await member.peer.send_raw(member.cut(member.peer.hello(self.context, member.host)))
        member.peer.tls = None  # the end is to be seen as it is


class HalfFinished(Way):
    """The client's last flight is cut off."""
    schemes, timeouts, reason, share = ("https",), ("handshake",), "TLS-TIMEOUT", 0.4

    async def prepare(self, member):
        pass

    async def stick(self, member):
        await member.connect()
        flight = await member.handshake(last_flight=False)
        await member.peer.send_raw(member.cut(flight))
        member.peer.tls = None


class HalfFinished12(HalfFinished):
    tls_version = ssl.TLSVersion.TLSv1_2

    async def stick(self, member):
        # Here the client's last flight is not the handshake's.
        await member.connect()
        peer = member.peer
        await peer.send_raw(peer.hello(self.context, member.host))
        while not (flight := peer.outgoing.read()):
            await peer._feed()
            try:
                peer.tls.do_handshake()
            except ssl.SSLWantReadError:
                pass
        await peer.send_raw(member.cut(flight))
        peer.tls = None


# HEAD

class SilentAfterHandshake(Way):
    schemes, timeouts, reason, share = ("https",), ("head",), "SILENT", 0.4

    async def prepare(self, member):
        pass

    async def stick(self, member):
        await member.connect()
        await member.handshake()


class SilentInRecord(SilentAfterHandshake):
    """The first request is in a record that never becomes whole."""

    async def stick(self, member):
        await super().stick(member)
        await member.peer.send_raw(member.cut(member.peer.encrypt(member.request())))


class HalfHead(Answered):
    timeouts, reason, status = ("head",), "E408-HEAD", 408

    async def prepare(self, member):
        await super().prepare(member)
        if member.scheme == "https":
            await member.ready()  # since the same setting limits the silence after a handshake

    async def stick(self, member):
        await member.peer.send(member.cut(member.request()))


class HalfHeadInRecord(HalfHead):
    """The rest of the head is in a record that never becomes whole."""
    schemes = ("https",)

    async def stick(self, member):
        whole = member.request()
        await member.peer.send(whole[:20])
        await member.peer.send_raw(member.cut(member.peer.encrypt(whole[20:])))


class Idle(Way):
    """Kept alive, and not used again."""
    timeouts, reason = ("keep_alive",), "IDLE"

    async def stick(self, member):
        await member.ready()


class IdleInRecord(Idle):
    schemes = ("https",)

    async def stick(self, member):
        await super().stick(member)
        await member.peer.send_raw(member.cut(member.peer.encrypt(member.request())))


# CONNECT

class Connecting(Answered):
    timeouts, reason, status = ("connect",), "E504-CONNECT", 504

    def upstream(self, crowd):
        return crowd.unconnectable()

    async def stick(self, member):
        await member.peer.send(member.request("GET", "/stuck", "Connection: close"))


# EXCHANGE: the way up

class HalfUpload(Answered):
    """The client stops in the middle of its request's body."""
    timeouts, reason, status = ("body",), "E408-BODY", 408

    async def stick(self, member):
        await member.peer.send(member.request("POST", body=bytes(300))[:-1 - member.index % 300])


class HalfUploadChunked(HalfUpload):
    async def stick(self, member):
        head, _, body = member.request("POST", chunks=[b"a" * 20, b"b" * 10]).partition(b"\r\n\r\n")
        await member.peer.send(head + b"\r\n\r\n" + member.cut(body))


class HalfUploadInRecord(HalfUpload):
    schemes = ("https",)

    async def stick(self, member):
        head, _, body = member.request("POST", body=bytes(100)).partition(b"\r\n\r\n")
        await member.peer.send(head + b"\r\n\r\n" + body[:50])
        await member.peer.send_raw(member.cut(member.peer.encrypt(body[50:])))


class RefusedUpload(Answered):
    """The upstream does not read the body, and the client sends until nobody takes any more."""
    timeouts, reason, status = ("answer",), "E504-ANSWER", 504
    small = small_origin = True
    share = 0.4

    async def stick(self, member):
        await member.peer.send(member.request("POST", "/stuck", "Content-Length: 1000000000"))
        member.crowd.spawn(member.peer.flood())


# EXCHANGE: the way down

class Waiting(Answered):
    """The upstream does not answer."""
    timeouts, reason, status = ("answer",), "E504-ANSWER", 504
    fields = ("Connection: close",)
    method = "GET"

    async def stick(self, member):
        await member.peer.send(member.request(self.method, "/stuck", *self.fields))


class WaitingPipelined(Waiting):
    """More requests lie behind the one that is not answered."""

    async def stick(self, member):
        await super().stick(member)
        await member.peer.send(member.request(target="/more") * (1 + member.index % 20))


class WaitingInRecord(Waiting):
    """And the next request is in a record that never becomes whole."""
    schemes = ("https",)

    async def stick(self, member):
        await super().stick(member)
        await member.peer.send_raw(member.cut(member.peer.encrypt(member.request())))


class WaitingToContinue(Waiting):
    """The client waits for 100 Continue."""
    method, fields = "POST", ("Expect: 100-continue", "Content-Length: 10")


class HalfAnswerHead(Waiting):
    """The upstream stops in the middle of its answer's head."""
    raw = response("200 OK", "Server: origin", body=b"x")

    async def serve_stuck(self, peer):
        self.turn = getattr(self, "turn", 0) + 1
        head = self.raw[:self.raw.index(b"\r\n\r\n") + 4]
        await peer.send(head[:1 + self.turn % (len(head) - 1)])
        await asyncio.Future()


class HalfAnswer(Way):
    """The upstream stops in the middle of its answer: nobody minds before the client does."""
    reason, status = "CLIENT-GONE", 200
    seen = response("200 OK", "Content-Length: 10") + b"hello"

    async def serve_stuck(self, peer):
        await peer.send(self.seen)
        await asyncio.Future()

    async def stick(self, member):
        await member.peer.send(member.request())
        await member.peer.until(b"\r\n\r\nhello")

    async def leave(self, member):
        member.peer.reset()

    def check(self, member):
        pass


class RefusedUploadHalfAnswered(HalfAnswer):
    """Nor does it read the body, of which there is more than anybody takes."""
    small = small_origin = True
    share = 0.4

    async def stick(self, member):
        await member.peer.send(member.request("POST", "/stuck", "Content-Length: 1000000000"))
        member.flood = member.crowd.spawn(member.peer.flood())
        await member.peer.until(b"\r\n\r\nhello")

    async def leave(self, member):
        member.flood.cancel()
        await asyncio.wait([member.flood])
        member.peer.reset()


class HalfAnswerChunked(HalfAnswer):
    seen = response("200 OK", "Transfer-Encoding: chunked") + b"5\r\nhello\r\n6\r\n wor"

    async def stick(self, member):
        await member.peer.send(member.request())
        await member.peer.until(b" wor")


class UnreadAnswer(Way):
    """The client does not read a large answer."""
    timeouts, reason, status = ("write",), "CLIENT-STALLED", 200
    small = small_origin = late = True
    share = 0.4

    async def serve_stuck(self, peer):
        await peer.send(response("200 OK", "Content-Length: 1000000000"))
        await peer.flood()

    async def stick(self, member):
        await member.peer.send(member.request())

    def check(self, member):
        # Over TLS not even the first record may have come whole.
        assert member.peer.buffer[:15] in (b"HTTP/1.1 200 OK", b"")
        assert member.peer.ended == RESET


class UnreadAnswerChunked(UnreadAnswer):
    async def serve_stuck(self, peer):
        await peer.send(response("200 OK", "Transfer-Encoding: chunked"))
        while True:
            await peer.send(b"1000\r\n" + bytes(4096) + b"\r\n")


class UnreadOwnAnswers(UnreadAnswer):
    """The client keeps asking and does not read what Portico itself has to say."""

    def upstream(self, crowd):
        return "builtin:hello"

    async def stick(self, member):
        # The page repeats the head of the request.
        asking = member.request("GET", "/stuck", "X: " + "x" * 14000)

        async def ask():
            while True:
                await member.peer.send(asking)
        member.crowd.spawn(ask())


# TUNNEL

class Tunnel(Way):
    """Nothing moves in either direction."""
    timeouts, reason, status = ("tunnel",), "TUNNEL-IDLE", 101

    async def serve_stuck(self, peer):
        await peer.send(SWITCH)
        await self.serve_tunnel(peer)

    async def serve_tunnel(self, peer):
        await asyncio.Future()

    async def stick(self, member):
        await member.peer.send(member.request("GET", "/stuck", "Connection: Upgrade", "Upgrade: echo/1"))
        await member.peer.until(b"\r\n\r\n")


class TunnelInRecord(Tunnel):
    schemes = ("https",)

    async def stick(self, member):
        await super().stick(member)
        await member.peer.send_raw(member.cut(member.peer.encrypt(bytes(50))))


class TunnelUnreadByUpstream(Tunnel):
    """The client sends until nobody takes any more."""
    small = small_origin = True
    share = 0.4

    async def stick(self, member):
        await super().stick(member)
        member.crowd.spawn(member.peer.flood())

    def check(self, member):
        # What it sent and nobody read makes a reset of the end.
        assert member.peer.buffer == b"" and member.peer.ended


class TunnelUnreadByClient(Tunnel):
    small = small_origin = late = True
    share = 0.4

    async def serve_tunnel(self, peer):
        await peer.flood()

    def check(self, member):
        assert member.peer.buffer and member.peer.ended


class TunnelHalfClosedByClient(Tunnel):
    timeouts, reason = ("tunnel_half",), "TUNNEL-HALF"

    async def serve_tunnel(self, peer):
        assert await peer.to_end() == b""
        await asyncio.Future()

    async def stick(self, member):
        await super().stick(member)
        await member.peer.finish()


class TunnelHalfClosedByUpstream(Tunnel):
    timeouts, reason = ("tunnel_half",), "TUNNEL-HALF"
    late = True

    async def serve_tunnel(self, peer):
        await peer.finish()
        await asyncio.Future()

    async def stick(self, member):
        await super().stick(member)
        await member.peer.to_end()


# LINGER

class Lingering(Answered):
    """Answered while it was still sending, and it does not leave."""
    timeouts, reason, status = ("linger",), "E400-FIELD", 400
    late = answered = True

    async def stick(self, member):
        await member.peer.send(member.request("POST", "/stuck", "Bad name: x", "Content-Length: 10") + b"hello")
        await member.peer.to_end()


WAYS = (Silent, HalfClientHello, HalfFinished, HalfFinished12, SilentAfterHandshake, SilentInRecord,
        HalfHead, HalfHeadInRecord, Idle, IdleInRecord, Connecting, HalfUpload, HalfUploadChunked,
        HalfUploadInRecord, RefusedUpload, Waiting, WaitingPipelined, WaitingInRecord,
        WaitingToContinue, HalfAnswerHead, HalfAnswer, HalfAnswerChunked, RefusedUploadHalfAnswered,
        UnreadAnswer, UnreadAnswerChunked, UnreadOwnAnswers, Tunnel, TunnelInRecord, TunnelUnreadByUpstream,
        TunnelUnreadByClient, TunnelHalfClosedByClient, TunnelHalfClosedByUpstream, Lingering)
