"""A BitTorrent daemon (transmission-daemon): its web interface, and its RPC, whose session id comes
with a 409. It talks to nobody else: no peers, no trackers, no announcements."""

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest

from harness.program import find_program
from harness.wire import request

PIECES = 30_000
PIECE_SIZE = 16384

SETTINGS = {
    "rpc-enabled": True, "rpc-bind-address": "127.0.0.1", "rpc-port": 0, "rpc-url": "/transmission/",
    "rpc-whitelist-enabled": True, "rpc-whitelist": "127.0.0.1",
    "rpc-host-whitelist-enabled": True, "rpc-host-whitelist": "http.test,https.test",
    # Peers are listened for elsewhere than at the RPC's address, which tells the two ports apart.
    "peer-port": 0, "peer-port-random-on-start": False, "bind-address-ipv4": "127.0.0.2", "bind-address-ipv6": "::1",
    "dht-enabled": False, "lpd-enabled": False, "pex-enabled": False, "utp-enabled": False,
    "port-forwarding-enabled": False, "blocklist-enabled": False, "start-added-torrents": False, "message-level": 2,
}


def daemon_command(directory):
    settings = SETTINGS | {"download-dir": str(directory), "incomplete-dir": str(directory)}
    (directory / "settings.json").write_text(json.dumps(settings))
    return [find_program("transmission-daemon"), "--foreground", "--config-dir", str(directory)]


@pytest.fixture
def portico(server_factory, behind):
    return behind(server_factory(daemon_command), "stranger.test")


def bencode(value):
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, str):
        return bencode(value.encode())
    return b"d%se" % b"".join(bencode(key) + bencode(value[key]) for key in sorted(value))


def make_torrent():
    """A torrent of many pieces, of which nobody has any: its RPC is a request of some size."""
    pieces = b"".join(hashlib.sha1(b"%d" % number).digest() for number in range(PIECES))
    return bencode({"info": {"length": PIECES * PIECE_SIZE, "name": "data", "piece length": PIECE_SIZE,
                             "pieces": pieces, "private": 1}})


def test_rpc(connect, portico, scheme):
    """The dance with the session id, and then a torrent's life, on one kept-alive connection."""
    host = f"{scheme}.test"
    client = connect(portico, host, scheme)

    def ask(body, *fields):
        return client.ask(request("POST", "/transmission/rpc", "Content-Type: application/json", *fields, host=host, body=body))

    def call(method, **arguments):
        answer = ask(json.dumps({"method": method, "arguments": arguments}).encode(), session)
        assert answer.status == 200, answer.raw
        assert (result := json.loads(answer.body))["result"] == "success", answer.body[:1000]
        return result["arguments"]

    body = b'{"method": "session-get"}'
    conflict = ask(body)
    assert conflict.status == 409
    session = "X-Transmission-Session-Id: " + conflict.get("X-Transmission-Session-Id")
    assert ask(body, session[:-1] + "!").status == 409
    assert call("session-get")["dht-enabled"] is False

    added = call("torrent-add", paused=True, metainfo=base64.b64encode(make_torrent()).decode())["torrent-added"]
    call("torrent-set", ids=[added["id"]], downloadLimit=7)
    torrent, = call("torrent-get", fields=["name", "pieceCount", "downloadLimit", "pieces"])["torrents"]
    assert (torrent["name"], torrent["pieceCount"], torrent["downloadLimit"]) == ("data", PIECES, 7)
    assert base64.b64decode(torrent["pieces"]) == bytes((PIECES + 7) // 8)
    call("torrent-remove", ids=[added["id"]])
    assert call("torrent-get", fields=["name"])["torrents"] == []


def test_web_interface(connect, portico, scheme):
    """The page and everything that it refers to, as on disk; compressed for those who take it so."""
    host = f"{scheme}.test"
    client = connect(portico, host, scheme)
    get = lambda target, *fields: client.ask(request("GET", target, *fields, host=host))  # noqa: E731
    redirect = get("/")
    assert (redirect.status, redirect.get("Location")) == (301, "/transmission/web/")
    page = get("/transmission/web/")
    assert page.status == 200 and b"<title>Transmission" in page.body
    root = Path("/usr/share/transmission/web")
    names = re.findall(r'(?:src|href)="\./([^"?]+)"', page.text)
    packed = get("/transmission/web/", "Accept-Encoding: gzip")
    assert packed.get("Content-Encoding") == "gzip" and gzip.decompress(packed.body) == page.body
    files = [name for name in names if (root / name).is_file()]
    assert len(files) > 10
    for name in files:
        file = get(f"/transmission/web/{name}")
        assert (file.status, file.body) == (200, (root / name).read_bytes()), name
    assert get("/transmission/web/missing").status == 404


def test_a_host_that_the_daemon_does_not_know(connect, portico):
    """Its own 421 is not taken for one of Portico's."""
    client = connect(portico, "stranger.test")
    answer = client.ask(request("POST", "/transmission/rpc", host="stranger.test", body=b"{}"))
    assert answer.status == 421 and "transmission" in answer.text.lower()
    portico.wait_access(lambda entry: entry["status"] == 421 and entry["reason"] == "-")
