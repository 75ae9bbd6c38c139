"""Origins: the servers behind Portico, scripted by each test.

An Origin listens on a port of the kernel's choosing. Every connection to it gets a thread that
runs the test's script, a function of the connection:

    def script(connection):
        request = connection.request()
        connection.send(response(body=b"hello"))

When the script returns, the connection is closed. What it received is kept in
`connection.received`, byte for byte, and its requests in `origin.requests`. An exception in a
script fails the test, unless it says that the peer ended the connection (Ended).
"""

import queue
import socket
import threading
import time

from .wire import LIMIT, Ended, Endpoint, read_body, read_request, read_request_head, response


class OriginConnection(Endpoint):
    def __init__(self, origin, sock):
        super().__init__(sock, step=origin.step)
        self.origin = origin
        self.received = b""
        self.keeps = True  # in `received`; not to be done with gigabytes

    def recv(self):
        data = super().recv()
        if self.keeps:
            self.received += data
        return data

    def request(self):
        """The next request with its body; None at the end of the connection."""
        message = read_request(self)
        if message:
            self.origin.requests.append(message)
        return message

    def request_head(self):
        """The next request without its body."""
        message = read_request_head(self)
        if message:
            self.origin.requests.append(message)
        return message

    def request_body(self, message):
        read_body(self, message)
        return message.body

    def report(self, value):
        """Hands a value to the test, which awaits it with origin.reported()."""
        self.origin.reports.put(value)


def echo(connection):
    """Answers each request with its own bytes, head and body."""
    while message := connection.request():
        connection.send(response(body=message.raw))


def answer(*raws, close=False):
    """A script that answers its requests with these bytes in turn, the last one for ever."""
    def script(connection):
        served = 0
        while connection.request():
            connection.send(raws[min(served, len(raws) - 1)])
            served += 1
            if close:
                return
    return script


class Origin:
    def __init__(self, family=socket.AF_INET):
        host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
        self.listener = socket.create_server((host, 0), family=family, backlog=1024)
        self.port = self.listener.getsockname()[1]
        self.upstream = f"[{host}]:{self.port}" if family == socket.AF_INET6 else f"{host}:{self.port}"
        self.changed = threading.Condition()
        self.clear()
        threading.Thread(target=self._accept, daemon=True).start()

    def clear(self):
        """As new: for the next test."""
        self.script = echo
        self.step = 0  # of its connections: see Endpoint
        self.connections = []
        self.requests = []
        self.errors = []
        self.reports = queue.Queue()

    def play(self, script):
        """Another script: for new connections, and there will be no others."""
        self.drop()
        self.script = script

    def reported(self):
        return self.reports.get(timeout=LIMIT)

    def await_connections(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.connections) >= count, LIMIT)

    def drop(self):
        """Ends every connection with a FIN, whatever its script is doing, and waits for the
        threads, so that nothing of this test reaches the next."""
        with self.changed:
            connections = list(self.connections)
        for connection, thread in connections:
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        deadline = time.monotonic() + LIMIT
        for connection, thread in connections:
            thread.join(max(0, deadline - time.monotonic()))
            assert not thread.is_alive(), "an origin's script does not end"

    def close(self):
        self.listener.close()
        self.drop()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            connection = OriginConnection(self, sock)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            with self.changed:
                self.connections.append((connection, thread))
                thread.start()
                self.changed.notify_all()

    def _serve(self, connection):
        try:
            self.script(connection)
        except (Ended, ConnectionError):
            pass
        except OSError as error:
            if connection.sock.fileno() >= 0:
                self.errors.append(error)
        except BaseException as error:  # noqa: BLE001 - an assertion in a script fails its test
            self.errors.append(error)
        finally:
            connection.sock.close()
