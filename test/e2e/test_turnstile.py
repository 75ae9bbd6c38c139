"""Workers that sleep let others run: while as many as there are cores wait for a lock on the
certificates, requests are answered."""

import fcntl
import os
import socket
import ssl

import pytest

from harness.portico import toml
from harness.wire import LIMIT, request

HOSTS = 400  # spoiled certificates: enough that the thread that mends them all is not done at once


def spoiled(tmp_path):
    """A directory of certificates that all have to be made anew, and their hosts."""
    names = [f"h{number:03}.test" for number in range(HOSTS)]
    certs = tmp_path / "spoiled"
    (certs / "self-signed").mkdir(parents=True)
    for name in names:
        for kind in ("crt", "key"):
            (certs / "self-signed" / f"{name}.{kind}").write_text("spoiled\n")
    return certs, names


def client_hello(name):
    outgoing = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name).do_handshake()
    return outgoing.read()


def test_workers_that_sleep_let_others_run(tmp_path, portico_factory):
    certs, names = spoiled(tmp_path)
    portico = portico_factory(toml([("x.test", "builtin:hello", "none"),
                                    *((name, "builtin:hello", "self_signed") for name in names)]),
                              env={"CERT_DIR": str(certs)})
    cores = len(os.sched_getaffinity(0))
    with open(certs / ".lock", "r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Nobody can mend a certificate now. Those that come last have not been looked at yet.
        sleeping = [socket.create_connection(portico.address("https"), LIMIT) for _ in range(cores)]
        for sock, name in zip(sleeping, reversed(names)):
            sock.sendall(client_hello(name))
        portico.await_status(lambda n: n["workers_busy"] >= cores)
        client = portico.connect("http")
        for _ in range(20):
            assert client.ask(request("GET", "/", host="x.test")).status == 200
        assert portico.status()["workers_busy"] >= cores
    for sock in sleeping:
        assert sock.recv(1) == b"\x16"  # its handshake goes on
        sock.close()
    client.close()
    portico.await_status(lambda n: n["workers_busy"] == 0)


def test_the_last_that_does_not_sleep_looks_out(tmp_path, portico_factory):
    """A plain request for a host with a certificate sleeps as well, where no handshake announces it."""
    certs, names = spoiled(tmp_path)
    portico = portico_factory(toml([("x.test", "builtin:hello", "none"),
                                    *((name, "builtin:hello", "self_signed") for name in names)],
                                   server={"workers": 2}), env={"CERT_DIR": str(certs)})
    client, sleeping = portico.connect("http"), portico.connect("http")
    with open(certs / ".lock", "r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert client.ask(request("GET", "/", host="x.test")).status == 200
        sleeping.sock.sendall(request("GET", "/", host=names[-1]))
        portico.await_status(lambda n: n["workers_busy"] == 1)
        for _ in range(20):
            assert client.ask(request("GET", "/", host="x.test")).status == 200
        assert portico.status()["workers_busy"] >= 1
    sleeping.close()
    client.close()
    portico.await_status(lambda n: n["workers_busy"] == 0)
