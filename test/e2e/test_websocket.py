"""WebSocket: python3-websockets on both sides of Portico."""

import asyncio
import random

import pytest
import websockets

from harness.client import tls_context
from harness.portico import toml
from harness.scale import scaled
from harness.websocket_echo import WebSocketEcho
from harness.wire import LIMIT, read_head, request

COUNT = {"https": scaled(100_000, 2_000), "http": scaled(10_000, 1_000)}
SIZES = (0, 1, 125, 126, 127, 1000, 4000)
LARGE = (65535, 65536, 300_000)


@pytest.fixture
def site(portico_factory, scheme):
    """(Portico, host) in front of an echo server."""
    host = f"w.{scheme}.test"
    with WebSocketEcho() as server:
        portico = portico_factory(toml([(host, server.upstream, "self_signed" if scheme == "https" else "none")]))
        yield portico, host
        portico.stop()


def connect(portico, host, scheme, **options):
    address, port = portico.address(scheme)
    if scheme == "https":
        options |= {"ssl": tls_context(portico.root), "server_hostname": host}
    return websockets.connect(f"{'wss' if scheme == 'https' else 'ws'}://{host}/socket", host=address, port=port,
                              max_size=None, ping_interval=None, **options)


def make_messages(count):
    """Binary ones of mixed sizes, every one different, texts among them."""
    chance = random.Random(2)
    data = chance.randbytes(max(LARGE) + 1000)
    for number in range(count):
        size = LARGE[number // 1000 % 3] if number % 1000 == 999 else chance.choice(SIZES)
        if number % 100 == 50:
            yield f"text \u2713 {number}"
        else:
            at = number % 997
            yield number.to_bytes(4, "big") + data[at:at + size]


async def echoed(client, messages):
    """Sends the messages without waiting for any, and compares what comes back."""
    async def send():
        for message in messages:
            await client.send(message)
    sending = asyncio.create_task(send())
    for message in messages:
        assert await client.recv() == message
    await sending


def test_many_messages_and_a_silence(site, scheme):
    """The silence costs nobody anything: no worker is busy, others are served, and the tunnel
    goes on where it was."""
    portico, host = site
    messages = list(make_messages(COUNT[scheme]))
    half = len(messages) // 2

    async def talk():
        async with connect(portico, host, scheme, compression=None) as client:
            await asyncio.wait_for(echoed(client, messages[:half]), 10 * LIMIT)
            await asyncio.to_thread(portico.await_standstill)
            assert portico.status()["tunnels"] == 1
            async with connect(portico, host, scheme) as other:
                await asyncio.wait_for(echoed(other, ["not alone"]), LIMIT)
            await asyncio.wait_for(echoed(client, messages[half:]), 10 * LIMIT)
            await asyncio.wait_for(await client.ping(), LIMIT)
    mark = portico.out.mark()
    asyncio.run(talk())
    entry = portico.wait_access(lambda e: e["bytes"] > sum(map(len, messages)), mark)
    assert (entry["status"], entry["reason"], entry["request"]) == (101, "-", "GET /socket HTTP/1.1")


def test_compressed_messages_by_many_clients(site, scheme):
    portico, host = site

    async def one(number):
        async with connect(portico, host, scheme) as client:
            assert "permessage-deflate" in client.response_headers["Sec-WebSocket-Extensions"]
            await echoed(client, [b"%d " % number * (each % 500) for each in range(scaled(200, 40))])

    async def all_of_them():
        await asyncio.wait_for(asyncio.gather(*(one(number) for number in range(20))), 4 * LIMIT)
    asyncio.run(all_of_them())


def test_who_closes(site, scheme):
    """The closing handshake is the peers' own, and its code arrives."""
    portico, host = site

    async def close():
        async with connect(portico, host, scheme) as client:
            await client.close(4001, "enough")
            return client.close_code, client.close_reason
    assert asyncio.run(close()) == (4001, "enough")
    portico.await_status(lambda n: n["tunnels"] == 0)


def test_a_handshake_that_the_server_refuses(site, scheme):
    """Its answer arrives, and there is no tunnel."""
    portico, host = site
    client = portico.connect(scheme, server_name=host)
    client.send(request("GET", "/socket", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 12",
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", host=host))
    line, fields, _ = read_head(client)
    assert line.startswith("HTTP/1.1 4"), line
    assert portico.status()["tunnels"] == 0
    client.close()
