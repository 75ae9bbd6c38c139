"""Byte streams, and HTTP/1 messages read from them to the letter.

An Endpoint is one end of a TCP connection, plain or with TLS on top. TLS runs over memory BIOs,
so that a test decides how ciphertext is cut into segments and how the connection ends, and so
that the three ways of ending can be told apart: cleanly, by a reset, and (TLS only) truncated,
by a FIN without close_notify.
"""

import errno
import os
import socket
import ssl
import struct
import time
from dataclasses import dataclass, field

# Seconds that a condition may take. Only a failing test waits that long.
LIMIT = 30.0

CLEAN, RESET, TRUNCATED = "clean", "reset", "truncated"


class Ended(Exception):
    """The stream ended where more was expected. `how` is CLEAN, RESET or TRUNCATED."""

    def __init__(self, how, partial=b""):
        super().__init__(f"the stream ended ({how}) after {len(partial)} bytes: {partial[-200:]!r}")
        self.how = how
        self.partial = partial


class Malformed(AssertionError):
    """What the peer sent is not HTTP/1.1 as RFC 9112 has it."""


class Endpoint:
    """One end of a connection. Reading fills `buffer`; nothing is read ahead of need but what
    one recv brings. With `step`, whatever is sent goes out in pieces of that many bytes, each
    only after the peer's process has read the one before. With `record`, TLS records carry that
    many bytes, and no piece holds bytes of two of them."""

    def __init__(self, sock, tls_context=None, server_name=None, step=0, record=0):
        self.sock = sock
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.settimeout(LIMIT)
        self.step = step
        self.record = record
        self.buffer = b""
        self.ended = None
        self.tls = None
        if tls_context:
            self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            self.tls = tls_context.wrap_bio(self.incoming, self.outgoing, server_hostname=server_name)
            self._handshake()

    # Sending

    def send(self, data, step=None):
        if isinstance(data, str):
            data = data.encode("latin-1")
        if not self.tls:
            self.send_raw(data, step)
            return
        step = self.step if step is None else step
        size = self.record or max(1, len(data))
        for at in range(0, len(data), size):
            self.tls.write(data[at:at + size])
            if step or at + size >= len(data):
                self.send_raw(self.outgoing.read(), step)

    def send_raw(self, data, step=None):
        """Bytes as they are, below TLS."""
        step = self.step if step is None else step
        if not step:
            self.sock.sendall(data)
            return
        for at in range(0, len(data), step):
            self.sock.sendall(data[at:at + step])
            self.await_consumed()

    def await_consumed(self):
        """Until the peer's process has read everything that was sent."""
        deadline = time.monotonic() + LIMIT
        while unread_by_peer(self.sock):
            assert time.monotonic() < deadline, "the peer does not read what was sent"
            os.sched_yield()

    def send_close_notify(self):
        try:
            self.tls.unwrap()
        except (ssl.SSLWantReadError, ssl.SSLError):
            pass
        self.sock.sendall(self.outgoing.read())

    def finish(self):
        """Says that nothing more will be sent: FIN, or close_notify and FIN."""
        if self.tls:
            self.send_close_notify()
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            if error.errno != errno.ENOTCONN:  # the peer was quicker, and is gone
                raise

    def reset(self):
        if self.sock.fileno() >= 0:
            set_reset(self.sock)
            self.sock.close()

    def vanish(self, how):
        """Without a word of TLS: "fin" or "reset"."""
        self.sock.shutdown(socket.SHUT_WR) if how == "fin" else self.reset()

    def close(self):
        if self.tls and self.sock.fileno() >= 0 and not self.ended:
            try:
                self.send_close_notify()
            except OSError:
                pass
        self.sock.close()

    # Receiving

    def recv(self):
        """Some more bytes. b"" at the end, and then `ended` says which."""
        if self.ended:
            return b""
        try:
            data = self._recv_tls() if self.tls else self.sock.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            self.ended = RESET
            return b""
        except ssl.SSLError as error:
            if "EOF" not in (error.reason or "") and not isinstance(error, ssl.SSLEOFError):
                raise
            self.ended = TRUNCATED
            return b""
        if not data:
            self.ended = CLEAN
        return data

    def fill(self):
        data = self.recv()
        if not data:
            raise Ended(self.ended, self.buffer)
        self.buffer += data

    def until(self, mark):
        while mark not in self.buffer:
            self.fill()
        end = self.buffer.index(mark) + len(mark)
        return self.take(end)

    def exactly(self, size):
        while len(self.buffer) < size:
            self.fill()
        return self.take(size)

    def take(self, size):
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def to_end(self):
        """Everything up to the end, however that comes; `ended` says how."""
        pieces = [self.buffer]
        self.buffer = b""
        while data := self.recv():
            pieces.append(data)
        return b"".join(pieces)

    def end(self):
        """How the connection ends; nothing more may arrive before."""
        rest = self.to_end()
        assert rest == b"", f"unexpected bytes before the end: {rest[:200]!r}"
        return self.ended

    def drain(self):
        """Reads to the end, whatever OpenSSL thinks of it; how the connection ended."""
        try:
            self.to_end()
        except ssl.SSLError:
            self.ended = TRUNCATED  # by an alert
        return self.ended

    def is_quiet(self):
        """True while neither bytes nor an end have arrived that were not read yet."""
        self.sock.settimeout(0)
        try:
            self.buffer += self.recv()
        except BlockingIOError:
            pass
        finally:
            self.sock.settimeout(LIMIT)
        return not self.buffer and not self.ended

    # TLS

    def _handshake(self):
        while True:
            try:
                self.tls.do_handshake()
                self.send_raw(self.outgoing.read())
                return
            except ssl.SSLWantReadError:
                self.send_raw(self.outgoing.read())
                self._feed()

    def _feed(self):
        data = self.sock.recv(65536)
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()

    def _recv_tls(self):
        while True:
            try:
                return self.tls.read(65536)
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLWantReadError:
                self._feed()


class Replay(Endpoint):
    """What was received before, to be read from once more."""

    def __init__(self, data, ended):
        self.buffer, self.ended = data, ended


def set_reset(sock):
    """Closing this socket will reset its connection."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


# The kernel knows how much the other end of a loopback connection has not read yet: sock_diag(7).

_SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, _NETLINK_SOCK_DIAG = 20, 1, 4
_CLOSE_WAIT = 8  # the state of a socket that got a FIN
_netlink = None


def unread_by_peer(sock):
    """Bytes in the receive queue of the connection's other end; 0 when that is gone."""
    global _netlink
    if _netlink is None:
        _netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG)
    try:
        ours, theirs = sock.getsockname(), sock.getpeername()
    except OSError:
        return 0
    family = sock.family
    identity = struct.pack("!HH", theirs[1], ours[1])
    identity += b"".join(socket.inet_pton(family, a[0]).ljust(16, b"\0") for a in (theirs, ours))
    identity += struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)
    body = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF) + identity
    header = struct.pack("=IHHII", 16 + len(body), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 1, 0)
    _netlink.send(header + body)
    answer = _netlink.recv(8192)
    kind, = struct.unpack_from("=H", answer, 4)
    if kind != _SOCK_DIAG_BY_FAMILY:
        return 0
    state, = struct.unpack_from("=B", answer, 16 + 1)
    unread, = struct.unpack_from("=I", answer, 16 + 4 + 48 + 4)
    return unread - 1 if unread and state == _CLOSE_WAIT else unread  # a FIN counts as one


# Messages

@dataclass
class Message:
    line: str
    fields: list
    head: bytes  # first line to empty line, as received
    body: bytes = b""
    framing: str = "none"  # none, length, chunked, close
    chunks: list = field(default_factory=list)  # sizes
    trailers: list = field(default_factory=list)

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name):
        values = self.all(name)
        assert len(values) <= 1, f"{name} is repeated: {values}"
        return values[0] if values else None

    @property
    def raw(self):
        return self.head + self.body


@dataclass
class Request(Message):
    method: str = ""
    target: str = ""
    version: str = ""


@dataclass
class Response(Message):
    version: str = ""
    status: int = 0
    phrase: str = ""
    interim: list = field(default_factory=list)  # the 1xx before it

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")


_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


def read_head(stream):
    """(first line, fields, raw head)"""
    head = stream.until(b"\r\n\r\n")
    text = head.decode("latin-1")
    if "\n" in text.replace("\r\n", "") or "\r" in text.replace("\r\n", ""):
        raise Malformed(f"bare CR or LF in {head!r}")
    if "\0" in text:
        raise Malformed(f"NUL in {head!r}")
    line, *rest = text[:-4].split("\r\n")
    return line, [_field(each) for each in rest], head


def _field(line):
    name, colon, value = line.partition(":")
    if not colon or not name or not set(name) <= _TOKEN:
        raise Malformed(f"not a field: {line!r}")
    return name, value.strip(" \t")


def read_request(stream):
    """The next request with its body, or None when the stream ends cleanly before one."""
    request = read_request_head(stream)
    if request:
        read_body(stream, request)
    return request


def read_request_head(stream):
    while not stream.buffer:
        data = stream.recv()
        if not data:
            if stream.ended != CLEAN:
                raise Ended(stream.ended)
            return None
        stream.buffer += data
    line, fields, head = read_head(stream)
    parts = line.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise Malformed(f"not a request line: {line!r}")
    return Request(line, fields, head, method=parts[0], target=parts[1], version=parts[2])


def read_response(stream, method="GET", interim=True):
    """The next final answer with its body; interim ones are collected in `interim`. With
    interim=False the next answer of any kind."""
    before = []
    while True:
        line, fields, head = read_head(stream)
        version, _, rest = line.partition(" ")
        status, space, phrase = rest.partition(" ")
        if version not in ("HTTP/1.0", "HTTP/1.1") or len(status) != 3 or not space:
            raise Malformed(f"not a status line: {line!r}")
        response = Response(line, fields, head, version=version, status=int(status),
                            phrase=phrase, interim=before)
        if interim and 100 <= response.status < 200 and response.status != 101:
            before.append(response)
            continue
        read_body(stream, response, method)
        return response


def read_body(stream, message, method=None):
    """Reads the body by the message's framing; raises Ended when it is cut short."""
    codings, lengths = message.all("Transfer-Encoding"), message.all("Content-Length")
    if codings and lengths:
        raise Malformed("both Transfer-Encoding and Content-Length")
    if len(lengths) > 1 or any(not value.isdecimal() for value in lengths):
        raise Malformed(f"Content-Length: {lengths}")
    if isinstance(message, Response):
        bodiless = message.status < 200 or message.status in (204, 304)
        if bodiless and codings or (message.status < 200 or message.status == 204) and lengths:
            raise Malformed(f"framing fields in a {message.status}")
        if bodiless or method == "HEAD":
            return
    if codings:
        if codings != ["chunked"]:
            raise Malformed(f"Transfer-Encoding: {codings}")
        message.framing = "chunked"
        _read_chunks(stream, message)
    elif lengths:
        message.framing = "length"
        message.body = stream.exactly(int(lengths[0]))
    elif isinstance(message, Response):
        message.framing = "close"
        message.body = stream.to_end()
        if stream.ended != CLEAN:
            raise Ended(stream.ended, message.body)


def _read_chunks(stream, message):
    pieces = []
    while True:
        line = stream.until(b"\r\n")[:-2]
        if not line or not all(c in b"0123456789abcdefABCDEF" for c in line):
            raise Malformed(f"not a plain chunk size: {line!r}")
        size = int(line, 16)
        if size == 0:
            break
        message.chunks.append(size)
        pieces.append(stream.exactly(size))
        if stream.exactly(2) != b"\r\n":
            raise Malformed("a chunk without CRLF behind its data")
    while (line := stream.until(b"\r\n")) != b"\r\n":
        message.trailers.append(_field(line[:-2].decode("latin-1")))
    message.body = b"".join(pieces)


def stream_body(stream, message):
    """The body of a message whose head was read, in pieces as they come: for bodies that are
    too large to keep. Raises Ended when it is cut short."""
    if message.get("Transfer-Encoding") == "chunked":
        while size := int(stream.until(b"\r\n")[:-2], 16):
            yield from _stream_exactly(stream, size)
            assert stream.exactly(2) == b"\r\n"
        assert stream.until(b"\r\n") == b"\r\n"
    else:
        yield from _stream_exactly(stream, int(message.get("Content-Length") or 0))


def _stream_exactly(stream, size):
    while size:
        if not stream.buffer:
            stream.fill()
        data = stream.take(min(size, len(stream.buffer)))
        size -= len(data)
        yield data


# Writing messages

def request(method, target, *fields, host=None, body=None, chunks=None, version="HTTP/1.1"):
    """A request as bytes. Fields are whole lines ("Name: value"); `body` adds Content-Length,
    `chunks` (a list of bytes) adds Transfer-Encoding."""
    lines = [f"{method} {target} {version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += fields
    return _assemble(lines, body, chunks)


def response(status="200 OK", *fields, body=None, chunks=None, version="HTTP/1.1"):
    """An answer as bytes, in the same way."""
    return _assemble([f"{version} {status}", *fields], body, chunks)


def _assemble(lines, body, chunks):
    payload = b""
    lines = list(lines)
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
        payload = body
    if chunks is not None:
        lines.append("Transfer-Encoding: chunked")
        payload = chunked(*chunks)
    return "".join(line + "\r\n" for line in lines).encode("latin-1") + b"\r\n" + payload


def chunked(*pieces):
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
