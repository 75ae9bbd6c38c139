"""Good and bad company: clients and origins that vanish, talk nonsense and change their minds, and
those that behave and must notice nothing of the others.

A client's behaviour is a function of connect(scheme), the scheme, its own source of randomness and
the time (of the monotonic clock) at which it is to end. One that behaves raises what it did not
expect; the moody ones take everything as it comes. Those that are slow do sleep: it is what they
are for."""

import random
import ssl
import time

from .wire import Ended, Malformed, read_body, read_request_head, request, response

DATA = random.Random(1).randbytes(400_000)


def host(scheme):
    return f"x.{scheme}.test"


# Origins

def steady_answer(connection, message):
    read_body(connection, message)
    connection.send(response(body=message.target.encode() + b" " + message.body))
    return True


def echoing_tunnel(connection):
    connection.send(response("101 Switching Protocols", "Upgrade: echo", "Connection: Upgrade"))
    while data := connection.recv():
        connection.send(data)
    return False


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
    read_body(connection, message)
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


def origin_script(connection, chance):
    connection.keeps = False
    go_on = True
    while go_on and (message := read_request_head(connection)):
        if message.target.startswith("/steady"):
            go_on = steady_answer(connection, message)
        elif message.target.startswith("/echo"):
            go_on = echoing_tunnel(connection)
        else:
            go_on = moody_answer(connection, message, chance)


# Clients that behave. Both return how much they were served.

def steady_client(connect, scheme, chance, until):
    client, served = connect(scheme), 0
    while time.monotonic() < until:
        body = DATA[:chance.choice((0, 10, 20_000, 100_000))]
        target = f"/steady/{chance.randrange(1 << 40)}"
        options = {"chunks": [body]} if body and chance.random() < 0.5 else {"body": body}
        message = client.ask(request("PUT", target, host=host(scheme), **options))
        assert (message.status, message.body) == (200, target.encode() + b" " + body), repr(message.raw[:2000])
        served += 1
        if chance.random() < 0.1:
            client.close()
            client = connect(scheme)
    client.close()
    return served


def steady_tunnel(connect, scheme, chance, until):
    served = 0
    while time.monotonic() < until:
        client = connect(scheme)
        client.send(request("GET", "/echo", "Connection: Upgrade", "Upgrade: echo", host=host(scheme)))
        assert b" 101 " in client.until(b"\r\n\r\n")
        for _ in range(chance.randrange(20)):
            piece = DATA[:chance.choice((1, 100, 10_000))]
            client.send(piece)
            assert client.exactly(len(piece)) == piece
            served += 1
        client.close()
    return served


# A client that does not

def moody_client(connect, scheme, chance, until):
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
    data = request(chance.choice(("GET", "POST", "PUT", "HEAD")), "/moody", *fields, host=host(scheme),
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


def slow_reader(connect, scheme, chance, until):
    """Reads an answer a little at a time, with pauses, and leaves somewhere on the way."""
    while time.monotonic() < until:
        client = connect(scheme, receive_buffer=4096)
        size = chance.choice((1000, 100_000, 400_000))
        try:
            client.send(request("PUT", "/steady/slow", host=host(scheme), body=DATA[:size]))
            turns = chance.randrange(1, 30)
            while size > 0 and turns > 0:
                size -= len(client.recv())
                turns -= 1
                time.sleep(chance.random() / 50)
        except OSError:
            pass
        client.reset() if chance.random() < 0.5 else client.close()


def client_hello(name):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    hello = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(incoming, outgoing, server_hostname=name)
    try:
        hello.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def unfinished_client(connect, scheme, chance, until):
    """Goes away in the middle of the first thing that it says, or right after it."""
    whole = client_hello(host(scheme)) if scheme == "https" else request("GET", "/steady/unfinished", host=host(scheme))
    while time.monotonic() < until:
        client = connect(scheme, handshake=False)
        try:
            client.send_raw(whole[:chance.randrange(len(whole) + 1)])
            if chance.random() < 0.2:
                time.sleep(chance.random() / 20)
            client.vanish(chance.choice(("fin", "reset")))
        except OSError:
            pass
        client.sock.close()
