"""Bad TLS: handshakes that are none, that break off, or that ask for what is refused."""

import random
import ssl
import subprocess

import pytest

from harness.scale import scaled, some
from harness.wire import CLEAN, LIMIT, RESET, TRUNCATED, Ended
from harness.witness import Ledger, others

pytestmark = pytest.mark.usefixtures("books")


def s_client(site, *options, text="", **run):
    host, port = site.portico.address(site.scheme)
    command = ["openssl", "s_client", "-connect", f"{host}:{port}", "-servername", site.host,
               "-CAfile", site.portico.root, *options]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=LIMIT, **run)


# The wrong port

def test_tls_to_the_http_port(sites):
    site = sites["a.http.test"]
    ledger = Ledger(site.portico)
    with others(sites):
        for version in ("-tls1_2", "-tls1_3"):
            done = s_client(site, version)
            assert done.returncode != 0 and "wrong version number" in done.stderr
            ledger.refused(b"E400-REQUEST")
    ledger.check()


@pytest.mark.parametrize("line", ["GET / HTTP/1.1", "POST /x HTTP/1.0", "PUT /x HTTP/1.1", "CONNECT a:1 HTTP/1.1"])
def test_http_to_the_https_port(sites, line):
    """For those methods that can be told from TLS, an answer that says so, and nothing else."""
    site = sites["a.https.test"]
    mark = site.portico.out.mark()
    client = site.connect_below_tls()
    client.send(f"{line}\r\nHost: {site.host}\r\nContent-Length: 5\r\n\r\nhello")
    message = client.response()
    assert message.status == 400 and message.get("Connection") == "close"
    assert client.end() == CLEAN
    site.portico.wait_access(lambda e: e["reason"] == "E400-TLS", mark)
    assert site.origin.connections == []


# Handshakes

def client_hello(site, version=None):
    """A real one, as bytes."""
    context = ssl.create_default_context()
    if version:
        context.maximum_version = version
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname=site.host).do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("how", ["fin", "reset"])
def test_truncated_client_hellos(sites, how):
    site = sites["a.https.test"]
    hello = client_hello(site)
    ledger = Ledger(site.portico)
    with others(sites):
        for size in some(range(1, len(hello)), 11):
            client = site.connect_below_tls()
            client.send(hello[:size])
            client.await_consumed()
            client.vanish(how)
            if how == "fin":
                assert client.to_end()[:1] in (b"", b"\x15")
            ledger.closed(client, "TLS-HANDSHAKE")
            client.close()
    ledger.check()


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_damaged_client_hellos(sites, version):
    """Bytes changed at random: an alert, a handshake that goes on, or a wait for more, which the
    client ends."""
    site = sites["a.https.test"]
    hello = client_hello(site, ssl.TLSVersion[version])
    ledger = Ledger(site.portico)
    with others(sites):
        for seed in range(scaled(300, 50)):
            chance = random.Random(seed)
            damaged = bytearray(hello)
            for _ in range(chance.choice((1, 1, 2, 10))):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            client = site.connect_below_tls()
            client.send(bytes(damaged))
            client.sock.shutdown(1)
            seen = client.to_end()
            assert seen[:1] in (b"", b"\x15", b"\x16") or seen.startswith(b"HTTP/1.1 400 "), (seed, seen)
            if seen.startswith(b"HTTP"):
                ledger.refused(seen)
            else:
                ledger.closed(client, "TLS-")
            client.close()
    ledger.check()


@pytest.mark.parametrize("how", ["fin", "reset"])
@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_clients_that_vanish_in_the_rest_of_a_handshake(sites, version, how):
    """After the ClientHello: at every byte of the client's second flight."""
    site = sites["a.https.test"]
    context = ssl.create_default_context(cafile=site.portico.root)
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    ledger = Ledger(site.portico)
    with others(sites):
        for size in some(range(40 if version == "TLSv1_3" else 60), 7):
            client = site.connect_below_tls()
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context.wrap_bio(incoming, outgoing, server_hostname=site.host)
            flights = 0
            while flights < 2:
                try:
                    tls.do_handshake()
                except ssl.SSLWantReadError:
                    pass
                flight = outgoing.read()
                flights += bool(flight)
                client.send(flight if flights == 1 else flight[:size])
                if flights == 1:
                    incoming.write(client.sock.recv(65536))
            client.await_consumed()
            client.vanish(how)
            client.to_end() if how == "fin" else None
            ledger.closed(client, "TLS-HANDSHAKE")
            client.close()
    ledger.check()


def test_an_sslv2_hello(sites):
    site = sites["a.https.test"]
    suites = bytes.fromhex("010080 020080 030080 040080 050080 060040 0700c0")
    hello = b"\x01\x00\x02" + len(suites).to_bytes(2, "big") + b"\0\0" + b"\0\x10" + suites + bytes(range(16))
    ledger = Ledger(site.portico)
    for version in (b"\x00\x02", b"\x03\x00", b"\x03\x03"):
        body = hello[:1] + version + hello[3:]
        client = site.connect_below_tls()
        client.send((0x8000 | len(body)).to_bytes(2, "big") + body)
        seen = client.to_end()
        assert seen[:1] in (b"", b"\x15")
        ledger.closed(client, "TLS-")
        client.close()
    ledger.check()


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_versions_are_refused(sites, version):
    site = sites["a.https.test"]
    log = site.portico.log.mark()
    done = s_client(site, version, "-cipher", "ALL:@SECLEVEL=0")
    assert done.returncode != 0 and "protocol version" in done.stderr, done.stderr
    assert "closed: TLS-HANDSHAKE" in site.portico.wait_log("closed: TLS-", log)


@pytest.mark.parametrize("options", [
    pytest.param(["-tls1_2", "-cipher", "AES128-SHA"], id="no forward secrecy"),
    pytest.param(["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256"], id="no AEAD"),
    pytest.param(["-tls1_2", "-cipher", "aNULL:eNULL:@SECLEVEL=0"], id="no key"),
])
def test_weak_suites_are_refused(sites, options):
    site = sites["a.https.test"]
    log = site.portico.log.mark()
    done = s_client(site, *options)
    assert done.returncode != 0 and "handshake failure" in done.stderr, done.stderr
    assert "closed: TLS-HANDSHAKE" in site.portico.wait_log("closed: TLS-", log)


def test_renegotiation_is_refused(sites):
    """The client insists, so that its connection ends; it never gets an answer that way."""
    site = sites["a.https.test"]
    with others(sites):
        done = s_client(site, "-tls1_2", text="R\n")
        assert "RENEGOTIATING" in done.stdout + done.stderr
        assert "no renegotiation" in done.stderr and done.returncode != 0, done.stderr
    assert site.origin.requests == []


def test_key_updates(sites):
    """Those of TLS 1.3 are part of it."""
    site = sites["a.https.test"]
    host, port = site.portico.address("https")
    with subprocess.Popen(["openssl", "s_client", "-connect", f"{host}:{port}", "-servername", site.host, "-tls1_3"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as client:
        for command in "KkKk":  # one at a time, or the program takes them for data
            client.stdin.write(command.encode() + b"\n")
            while b"KEYUPDATE" not in (line := client.stderr.readline()):
                assert line, "s_client has ended"
        client.stdin.write(site.request("GET", "/updated", "Connection: close"))
        while b"HTTP/1.1 200 OK" not in (line := client.stdout.readline()):
            assert line, "s_client has ended"
        client.communicate(timeout=LIMIT)
    assert site.origin.requests[0].target == "/updated"


# Behind a handshake

def test_garbage_behind_a_handshake(sites):
    """Records that are none, in the middle of a head and of an upload: an alert, and the end."""
    site = sites["a.https.test"]

    def script(connection):
        try:
            connection.request()
        except Ended as end:
            connection.report(end.how)
    site.origin.script = script
    ledger = Ledger(site.portico)
    with others(sites):
        for seed in range(scaled(40, 10)):
            head = site.request("POST", f"/broken/{seed}", "Content-Length: 100")
            client = site.connect()
            client.send(head[:20] if seed % 2 else head + b"x")
            client.await_consumed()
            chance = random.Random(seed)
            data = chance.randbytes(200)
            client.send_raw(data if seed % 4 < 2 else b"\x17\x03\x03\x00\xc3" + data[:195])
            assert client.drain() in (CLEAN, RESET, TRUNCATED)
            if seed % 2:
                ledger.closed(client, "CLIENT-GONE")
            else:
                ledger.answered(f"/broken/{seed}", 499, "CLIENT-GONE")
                assert site.origin.reported() == RESET
            client.reset()
    ledger.check()
