"""Bad company: clients and upstreams that vanish, talk nonsense and change their minds, all at once
and beside clients that behave, who must notice nothing."""

import random
import ssl
import threading
import time

import pytest

from harness.client import Client
from harness.portico import toml
from harness.wire import LIMIT, Ended, Malformed, request, response

DATA = random.Random(1).randbytes(400_000)
SECONDS = 3.0

TIMEOUTS = {"linger": "300ms", "upstream_idle": "500ms", "tunnel": "1s", "tunnel_half": "500ms"}


def steady_answer(connection, message):
    body = connection.request_body(message)
    connection.send(response(body=message.target.encode() + b" " + body))
    return True


def moody_answer(connection, message, chance):
    """Something that an origin should not do, mostly. True when its connection goes on."""
    mood = chance.randrange(11)
    if mood == 0:
        return False
    if mood == 1:
        connection.reset()
        return False
    if mood == 2:
        connection.send(chance.randbytes(200))
        return False
    if mood == 3:
        connection.send(response("413 Content Too Large", "Connection: close", body=DATA[:chance.randrange(100_000)]))
        return False
    if mood == 4:
        connection.send(response("101 Switching Protocols", "Upgrade: x", "Connection: Upgrade"))
        connection.send(connection.recv())
        return False
    if mood == 5:
        connection.send(response("200 OK", "Transfer-Encoding: chunked") + b"5\r\nhello\r\n"
                        + chance.choice((b"zz\r\n", b"5\r\nhel", b"0\r\n\r\nbehind")))
        return False
    connection.request_body(message)
    if mood == 6:
        connection.send(response(body=DATA)[:chance.randrange(len(DATA))])
        return False
    if mood == 7:
        connection.send(b"HTTP/1.0 200 OK\r\n\r\n" + DATA[:chance.randrange(len(DATA))])
        return False
    if mood == 8:
        connection.send(response("204 No Content", "Content-Length: 5"))
    elif mood == 9:
        pieces = [DATA[:chance.randrange(1, 5000)] for _ in range(chance.randrange(40))]
        connection.send(response("103 Early Hints") + response(chunks=pieces))
    else:
        connection.send(response(body=DATA[:chance.randrange(len(DATA))]))
    return True


def origin_script(connection):
    chance = random.Random(len(connection.origin.connections))
    go_on = True
    while go_on and (message := connection.request_head()):
        if message.target.startswith("/steady"):
            go_on = steady_answer(connection, message)
        else:
            go_on = moody_answer(connection, message, chance)


def steady_client(connect, scheme, number, until):
    chance = random.Random(number)
    client, served = connect(scheme), 0
    while time.monotonic() < until:
        body = DATA[:chance.choice((0, 10, 20_000, 100_000))]
        target = f"/steady/{number}/{served}"
        options = {"chunks": [body]} if body and chance.random() < 0.5 else {"body": body}
        message = client.ask(request("PUT", target, host=f"x.{scheme}.test", **options))
        assert (message.status, message.body) == (200, target.encode() + b" " + body), repr(message.raw[:2000])
        served += 1
        if chance.random() < 0.1:
            client.close()
            client = connect(scheme)
    client.close()
    assert served > 0


def moody_client(connect, scheme, number, until):
    chance = random.Random(1000 + number)
    while time.monotonic() < until:
        client = connect(scheme)
        client.sock.settimeout(2)  # its patience
        try:
            for _ in range(chance.randrange(1, 4)):
                moody_request(client, scheme, chance)
            client.to_end()
        except (OSError, Ended, Malformed):
            pass
        finally:
            client.reset() if chance.random() < 0.5 else client.close()


def moody_request(client, scheme, chance):
    fields = chance.choice(((), ("Connection: close",), ("Connection: Upgrade", "Upgrade: x"), ("Expect: 100-continue",)))
    body = DATA[:chance.choice((10, 5000, 300_000))]
    options = chance.choice(({}, {"body": body}, {"chunks": [body]}))
    data = request(chance.choice(("GET", "POST", "PUT", "HEAD")), "/moody", *fields, host=f"x.{scheme}.test",
                   version=chance.choice(("HTTP/1.1", "HTTP/1.1", "HTTP/1.0")), **options)
    how = chance.randrange(5)
    if how == 0:
        data = data[:chance.randrange(len(data))]
    elif how == 1:
        data *= 3
    elif how == 2:
        at = chance.randrange(min(len(data), 300))
        data = data[:at] + chance.randbytes(2) + data[at + 1:]
    client.send(data)
    what_then = chance.randrange(7)
    if what_then == 0:
        raise Ended("by choice")
    if what_then == 1:
        client.finish()
    elif what_then == 2:
        client.sock.shutdown(1)
    elif what_then < 5:
        client.recv()


@pytest.mark.parametrize("workers", [1, 4])
def test_chaos(portico_factory, origin_factory, workers):
    origin = origin_factory(origin_script)
    portico = portico_factory(toml([("x.http.test", origin.upstream, "none"), ("x.https.test", origin.upstream, "self_signed")],
                                   {"workers": workers}, TIMEOUTS))

    def connect(scheme):
        return portico.connect(scheme, server_name=f"x.{scheme}.test")

    failures = []
    until = time.monotonic() + SECONDS

    def run(behaviour, scheme, number):
        try:
            behaviour(connect, scheme, number, until)
        except BaseException as error:  # noqa: BLE001 - raised again below
            failures.append(error)
    threads = [threading.Thread(target=run, args=(behaviour, scheme, number))
               for behaviour, count in ((steady_client, 2), (moody_client, 4))
               for scheme in ("http", "https") for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * LIMIT)
        assert not thread.is_alive()
    if failures:
        raise failures[0]
    origin.drop()
    portico.stop()


def client_hello(name):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    hello = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        hello.do_handshake()
    return outgoing.read()


def test_clients_that_vanish_in_the_handshake(sites):
    site = sites["a.https.test"]
    hello = client_hello(site.host)
    for size in range(0, len(hello) + 1, 3):
        client = Client(site.portico.address("https"))
        client.send_raw(hello[:size])
        client.reset() if size % 2 else client.close()
    assert site.fetch().status == 200


def test_garbage_instead_of_tls(sites):
    """An alert or an end, never a crash, never an answer in the clear but to plain HTTP."""
    site = sites["a.https.test"]
    chance = random.Random(3)
    hello = client_hello(site.host)
    for number in range(200):
        at = chance.randrange(len(hello))
        data = hello[:at] + chance.randbytes(3) + hello[at + 3:] if number % 2 else chance.randbytes(600)
        client = Client(site.portico.address("https"))
        client.send_raw(data)
        client.finish()
        rest = client.to_end()
        assert rest[:1] in (b"", b"\x15", b"\x16"), rest
        client.close()
    assert site.fetch().status == 200
