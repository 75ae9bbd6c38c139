"""Server-Sent Events: each arrives when it was sent, and not with the next."""

import statistics
import subprocess
import threading
import time

import pytest

from harness.curl import curl_command
from harness.scale import IS_RELEASE
from harness.wire import CLEAN, LIMIT, read_head, response

COUNT = 50
PROMISE = 0.050  # seconds from sending an event to having it

HEADS = {
    "chunked": response("200 OK", "Content-Type: text/event-stream", "Transfer-Encoding: chunked"),
    "until-close": response("200 OK", "Content-Type: text/event-stream", "Connection: close"),
    "http/1.0": response("200 OK", "Content-Type: text/event-stream", version="HTTP/1.0"),
}


def event_of(number):
    return b"id: %d\ndata: event %d\n\n" % (number, number)


class Source:
    """An origin's script that sends an event each time it is told to, and notes when."""

    def __init__(self, framing):
        self.framing = framing
        self.next = threading.Semaphore(0)
        self.sent = []

    def __call__(self, connection):
        connection.request()
        connection.send(HEADS[self.framing])
        for number in range(COUNT):
            assert self.next.acquire(timeout=LIMIT)
            event = event_of(number)
            self.sent.append(time.monotonic())
            connection.send(b"%x\r\n%s\r\n" % (len(event), event) if self.framing == "chunked" else event)
        if self.framing == "chunked":
            connection.send(b"0\r\n\r\n")
            connection.request()


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
@pytest.mark.parametrize("framing", HEADS)
def test_events_arrive_one_by_one(site, framing, version):
    """The next is sent only when the one before is here, so that nothing can be held back; the
    head comes before the first. How long each takes is a promise of its own."""
    source = Source(framing)
    site.origin.script = source
    client = site.connect()
    client.send(site.request("GET", "/events", "Accept: text/event-stream", version=version))
    _, fields, _ = read_head(client)
    assert ("Content-Type", "text/event-stream") in fields
    took = []
    for number in range(COUNT):
        assert client.is_quiet()
        source.next.release()
        received = client.until(event_of(number))
        took.append(time.monotonic() - source.sent[number])
        if version == "HTTP/1.1":
            assert client.until(b"\r\n") == b"\r\n"
            assert received == b"%x\r\n%s" % (len(event_of(number)), event_of(number))
        else:
            assert received == event_of(number)
    if version == "HTTP/1.1":
        assert client.until(b"0\r\n\r\n") == b"0\r\n\r\n"
    else:
        assert client.end() == CLEAN
    if IS_RELEASE:  # the others promise nothing about time
        assert statistics.median(took) < PROMISE, took


def test_an_event_after_a_silence(site):
    """In between nobody works, and the connection is parked."""
    source = Source("chunked")
    site.origin.script = source
    client = site.connect()
    client.send(site.request("GET", "/events"))
    read_head(client)
    for number in range(3):
        source.next.release()
        client.until(event_of(number))
        site.portico.await_standstill()
    for _ in range(3, COUNT):
        source.next.release()
    client.until(event_of(COUNT - 1))


@pytest.mark.parametrize("framing", ["chunked", "until-close"])
def test_curl_reads_events(site, scheme, framing):
    """A program that prints what it gets as it gets it."""
    source = Source(framing)
    site.origin.script = source
    command = curl_command(site.portico, scheme, site.host, "/events", "-N", limit=4 * LIMIT)
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as curl:
        for number in range(COUNT):
            source.next.release()
            received = b""
            while len(received) < len(event_of(number)):
                received += curl.stdout.read(1) or pytest.fail("curl has ended")
            assert received == event_of(number)
        assert curl.stdout.read() == b""
    assert curl.returncode == 0


def test_many_streams_at_once(site):
    """More than there are workers, and each goes on when its own event comes."""
    streams = []
    for _ in range(40):
        source = Source("chunked")
        site.origin.script = source
        client = site.connect()
        client.send(site.request("GET", "/events"))
        read_head(client)
        streams.append((client, source))
    for number in range(3):
        for client, source in streams[::-1] if number % 2 else streams:
            source.next.release()
            client.until(event_of(number))
    for client, source in streams:
        for _ in range(3, COUNT):
            source.next.release()
        client.until(event_of(COUNT - 1))
