"""The ordinary client of scripts/slow: requests at a steady rate, and how long each took.

    slow_client.py MODE PORT HOST RATE SECONDS

It is open-loop: a request is due at its time whatever became of those before it, and its latency
counts from that time, so that a proxy that stands still for a while shows in all the requests
that it held up. Requests go out over kept-alive connections, as many as are needed; every tenth
has a connection of its own, with its handshake over TLS, which belongs to its latency.

One JSON object comes out: {"latencies": [seconds, in no order], "failed": {what: how many}}."""

import gc
import json
import select
import socket
import ssl
import sys
import time
from collections import Counter

LIMIT = 10.0  # seconds after which a request without an answer has failed
MOST = 500  # connections
FRESH = 10  # every so manieth request has a connection of its own


class Connection:
    """One connection and the request on it, if any. `due` is when that was to be sent."""

    def __init__(self, address, host, context):
        self.sock = socket.socket()
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.connect_ex(address)
        self.request = f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        self.tls = self.due = None
        self.connected = False
        self.buffer = b""
        if context:
            self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=host)

    def fileno(self):
        return self.sock.fileno()

    def ask(self, due):
        self.due, self.buffer = due, b""
        if self.connected:
            self._send()

    def _send(self):
        if self.tls:
            self.tls.write(self.request)
            self.sock.send(self.outgoing.read())
        else:
            self.sock.send(self.request)

    def on_writable(self):
        """The kernel has connected it, or not."""
        if error := self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(error, "connect")
        self.connected = True
        if not self.tls:
            self._send()
        else:
            self._handshake()

    def _handshake(self):
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            self.sock.send(self.outgoing.read())
            return
        self._send()

    def on_readable(self):
        """True when the answer is whole."""
        data = self.sock.recv(65536)
        if not data:
            raise ConnectionError("closed")
        if not self.tls:
            self.buffer += data
            return is_whole(self.buffer)
        self.incoming.write(data)
        if self.tls.version() is None:
            self._handshake()
        try:
            while piece := self.tls.read(65536):
                self.buffer += piece
        except ssl.SSLWantReadError:
            pass
        return is_whole(self.buffer)


def is_whole(answer):
    """Whether these bytes are an answer with all of its Content-Length; anything but a 200 is an
    error."""
    head, mark, body = answer.partition(b"\r\n\r\n")
    if not mark:
        return False
    if not head.startswith(b"HTTP/1.1 200 "):
        raise ConnectionError("status " + head[9:12].decode("latin-1"))
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:])
    return len(body) >= int(fields[b"content-length"])


class Client:
    def __init__(self, address, host, context):
        self.place = address, host, context
        self.idle, self.busy = [], set()
        self.latencies, self.failed = [], Counter()

    def ask(self, number, due):
        is_fresh = number % FRESH == FRESH - 1
        if self.idle and not is_fresh:
            connection = self.idle.pop()
        elif len(self.busy) < MOST:
            connection = Connection(*self.place)
        else:
            self.failed["too many unanswered"] += 1
            return
        connection.last = is_fresh
        self.busy.add(connection)
        self._step(connection, lambda: connection.ask(due))

    def _step(self, connection, step):
        try:
            is_done = step()
        except BlockingIOError:
            return
        except (OSError, ValueError, KeyError) as error:
            self._end(connection, str(error))
            return
        if is_done:
            self.latencies.append(time.monotonic() - connection.due)
            self.busy.discard(connection)
            if connection.last:
                connection.sock.close()
            else:
                self.idle.append(connection)

    def _end(self, connection, what):
        self.failed[what] += 1
        self.busy.discard(connection)
        connection.sock.close()

    def wait(self, seconds):
        """Serves what comes, once, for at most so long. (select, since epoll counts milliseconds.)"""
        connecting = [one for one in self.busy if not one.connected]
        connected = [one for one in self.busy if one.connected]
        readable, writable, _ = select.select(connected, connecting, [], max(0, seconds))
        for connection in writable:
            self._step(connection, connection.on_writable)
        for connection in readable:
            self._step(connection, connection.on_readable)

    def run(self, rate, seconds):
        began = time.monotonic()
        for number in range(int(rate * seconds)):
            due = began + number / rate
            while (left := due - time.monotonic()) > 0:
                self.wait(left)
            self.ask(number, due)
        end = time.monotonic() + LIMIT
        while self.busy and (left := end - time.monotonic()) > 0:
            self.wait(left)
        for connection in list(self.busy):
            self._end(connection, "no answer")
        return {"latencies": self.latencies, "failed": self.failed}


def main():
    mode, port, host, rate, seconds = sys.argv[1:]
    context = None
    if mode == "TLS":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    gc.disable()
    client = Client(("127.0.0.1", int(port)), host, context)
    print(json.dumps(client.run(float(rate), float(seconds))))


if __name__ == "__main__":
    main()
