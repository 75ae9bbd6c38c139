"""Peers that vanish at any byte. Each time the right status or an abort, a line in the log, nothing
left behind, and others served as if nothing had happened."""

import pytest

from harness.scale import scaled, some
from harness.wire import RESET, TRUNCATED, Ended, response
from harness.witness import Ledger, others

pytestmark = pytest.mark.usefixtures("books")
ABORTED = (RESET, TRUNCATED)


# Clients that vanish

REQUESTS = {
    "length": lambda site, number: site.request("POST", f"/vanish/{number:03}", body=b"hello world"),
    "chunked": lambda site, number: site.request("POST", f"/vanish/{number:03}", chunks=[b"hello", b" world"]),
}


@pytest.mark.parametrize("how", ["fin", "reset", "close_notify"])
@pytest.mark.parametrize("framing", REQUESTS)
def test_clients_that_vanish_at_any_byte(sites, site, framing, how):
    """Of head and body. The upstream sees no request, or an aborted one."""
    if how == "close_notify" and site.scheme == "http":
        pytest.skip("TLS only")

    def script(connection):
        try:
            connection.request()
            connection.report(None)
        except Ended as end:
            connection.report(end.how)
    site.origin.script = script
    ledger = Ledger(site.portico)
    with others(sites):
        for size in some(range(1, len(REQUESTS[framing](site, 100))), 7):
            data = REQUESTS[framing](site, size)
            head = data.index(b"\r\n\r\n") + 4
            client = site.connect()
            client.send(data[:size])
            client.await_consumed()
            if how == "close_notify":
                client.finish()
            else:
                client.vanish(how)
            if size < head:
                ledger.closed(client, "CLIENT-GONE: in the middle of a request's head")
            else:
                ledger.answered(f"/vanish/{size:03}", 499, "CLIENT-GONE")
                assert site.origin.reported() == RESET
            client.drain() if how == "fin" else client.reset()
            client.close()
    ledger.check()


@pytest.mark.parametrize("how", ["fin", "reset"])
def test_clients_that_vanish_at_any_byte_of_a_record(sites, how):
    """Below TLS: at each byte of what carries a request."""
    site = sites["a.https.test"]
    head = site.request()
    ledger = Ledger(site.portico)
    with others(sites):
        size = 1
        while True:
            client = site.connect()
            client.tls.write(head)
            record = client.outgoing.read()
            if size >= len(record):
                break
            client.send_raw(record[:size])
            client.await_consumed()
            client.vanish(how)
            client.drain() if how == "fin" else None
            client.close()
            size += scaled(1, 5)
    assert site.origin.connections == []
    ledger.check()  # no byte of a request has come: as if the connections had been idle


# Upstreams that vanish

ANSWERS = {
    "length": response("200 OK", "X: y", body=b"hello world"),
    "chunked": response("200 OK", "X: y", chunks=[b"hello", b" world"]),
    "until-close": response("200 OK", "X: y") + b"hello world",
}


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("framing", ANSWERS)
def test_upstreams_that_vanish_at_any_byte(sites, site, framing, how):
    """In the head: 502. In the body: an aborted transfer, unless the end is what ends it."""
    raw = ANSWERS[framing]
    head = raw.index(b"\r\n\r\n") + 4
    size = 0

    def script(connection):
        connection.request()
        connection.send(raw[:size])
        connection.await_consumed()
        getattr(connection, how)()
    site.origin.script = script
    ledger = Ledger(site.portico)
    with others(sites):
        for size in some(range(len(raw)), 7):
            client = site.connect()
            client.send(site.request("GET", f"/vanish/{size}"))
            if size < head:
                message = client.response()
                assert (message.status, "E502-CLOSED" in message.text) == (502, True)
                assert client.ask(site.request()).status == 502  # the client goes on
                expected = (502, "E502-CLOSED")
            elif framing == "until-close" and how == "close":
                assert client.response().body == raw[head:size]
                expected = (200, "-")
            else:
                with pytest.raises(Ended) as failed:
                    client.response()
                assert failed.value.how in ABORTED
                expected = (200, "ANSWER-SHORT")
            ledger.answered(f"/vanish/{size}", *expected)
            client.close()
    ledger.check()


@pytest.mark.parametrize("how", ["close", "reset"])
def test_upstreams_that_end_without_reading(sites, site, how):
    """Whatever the client is sending, and however much of it: it can read the 502."""
    site.origin.script = lambda connection: getattr(connection, how)()
    ledger = Ledger(site.portico)
    with others(sites):
        for number in range(scaled(20, 5)):
            for size in (0, 10, 20_000, 500_000):
                client = site.connect()
                target = f"/unread/{number}/{size}"
                message = client.ask(site.request("POST", target, body=b"x" * size))
                assert (message.status, "E502-CLOSED" in message.text) == (502, True)
                ledger.answered(target, 502, "E502-CLOSED")
                client.close()
    ledger.check()


@pytest.mark.parametrize("how", ["fin", "reset"])
def test_clients_that_vanish_while_they_read(sites, site, how):
    """In the middle of an answer that is larger than every buffer on its way."""
    site.origin.script = lambda connection: (connection.request(), connection.send(response(body=b"x" * 20_000_000)))
    ledger = Ledger(site.portico)
    with others(sites):
        for size in (0, 1, 1000, 16_384, 100_000, 1_000_000, 5_000_000):
            client = site.connect(receive_buffer=65536)
            client.send(site.request("GET", f"/left/{size}"))
            client.exactly(size + 1)
            client.vanish(how)
            client.close()
            ledger.answered(f"/left/{size}", 200, "CLIENT-GONE")
    ledger.check()
