"""Bad company: clients and upstreams that vanish, talk nonsense and change their minds, all at once
and beside clients that behave, who must notice nothing. test/soak/ has them for longer."""

import itertools
import random
import threading
import time

import pytest

from harness.client import Client
from harness.company import client_hello, moody_client, origin_script, steady_client
from harness.portico import toml
from harness.wire import LIMIT

SECONDS = 3.0

TIMEOUTS = {"linger": "300ms", "upstream_idle": "500ms", "tunnel": "1s", "tunnel_half": "500ms"}


@pytest.mark.parametrize("workers", [1, 4])
def test_chaos(portico_factory, origin_factory, workers):
    seeds = itertools.count()
    origin = origin_factory(lambda connection: origin_script(connection, random.Random(next(seeds))))
    portico = portico_factory(toml([("x.http.test", origin.upstream, "none"), ("x.https.test", origin.upstream, "self_signed")],
                                   {"workers": workers}, TIMEOUTS))

    def connect(scheme):
        return portico.connect(scheme, server_name=f"x.{scheme}.test")

    failures = []
    until = time.monotonic() + SECONDS

    def run(behaviour, scheme, number):
        try:
            behaviour(connect, scheme, random.Random(f"{behaviour.__name__} {number}"), until)
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
