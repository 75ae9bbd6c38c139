"""CERT_DIR that does not answer: its lock is held by somebody else, or its file system hangs. Whoever
needs nothing from it does not notice, and the process ends in time."""

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import ssl
import time
from pathlib import Path

import pytest

from harness.hold import await_sleep, thread_of
from harness.portico import toml
from harness.wire import LIMIT, request

WAITING = 8  # handshakes that wait: more than there are workers


@contextlib.contextmanager
def held_lock(certs):
    """Nobody can make a certificate."""
    with open(certs / ".lock", "r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def dead_file_system(certs, name="self-signed", kind=40000):
    """Whoever opens a file there waits: a FUSE file system whose server never says a word."""
    folder = str(certs / name).encode()
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        server = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        pytest.skip(f"no file system can be made here that hangs: {error}")
    try:
        options = f"fd={server},rootmode={kind},user_id={os.getuid()},group_id={os.getgid()}".encode()
        if libc.mount(b"dead", folder, b"fuse", 0, options) != 0:
            pytest.skip(f"no file system can be made here that hangs: {os.strerror(ctypes.get_errno())}")
        yield
    finally:
        libc.umount2(folder, 2)  # MNT_DETACH
        os.close(server)


def config(*new, **timeouts):
    return toml([("plain.test", "builtin:hello", "none"),
                 *((host, "builtin:hello", "self_signed") for host in ("good.test", *new))],
                server={"workers": 2, "drain": "1s"}, timeouts=timeouts or None)


def client_hello(name):
    outgoing = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name).do_handshake()
    return outgoing.read()


def begin_handshake(portico, name):
    sock = socket.create_connection(portico.address("https"), LIMIT)
    sock.sendall(client_hello(name))
    return sock


def assert_serves(portico):
    """Hosts that need nothing from the directory: on kept connections, and with new handshakes."""
    for scheme, host in (("http", "plain.test"), ("https", "good.test")) * 3:
        client = portico.connect(scheme, server_name=host)
        for _ in range(10):
            assert client.ask(request("GET", "/", host=host)).status == 200
        client.close()


@pytest.fixture(params=[held_lock, dead_file_system])
def hung(request):
    return request.param


def test_others_do_not_notice(portico_factory, hung):
    new = [f"new{number}.test" for number in range(WAITING)]
    portico = portico_factory(config())
    assert_serves(portico)
    with hung(portico.cert_dir):
        portico.reload(config(*new))
        waiting = [begin_handshake(portico, name) for name in (*new, new[0])]
        for name in new:
            # Where a request for such a host goes does not depend on the disk.
            client = portico.connect("http")
            assert client.ask(request("GET", "/", host=name)).status == 301
            client.close()
        portico.await_status(lambda n: n["workers_busy"] == 0 and n["connections"] == len(waiting))
        assert_serves(portico)
        assert portico.reload().startswith("reloaded")
        assert_serves(portico)
    for sock in waiting:
        if hung is held_lock:
            assert sock.recv(1) == b"\x16"  # its handshake goes on
        sock.close()
    portico.await_balance()


def test_a_handshake_ends_at_its_deadline(portico_factory, hung):
    portico = portico_factory(config(handshake="1s"))
    assert_serves(portico)
    with hung(portico.cert_dir):
        portico.reload(config("new.test", handshake="1s"))
        with begin_handshake(portico, "new.test") as sock:
            assert sock.recv(1) == b""
        portico.wait_log("closed: TLS-TIMEOUT: its certificate is not loaded yet")
        # Nor does one that left in the meantime leave anything behind.
        begin_handshake(portico, "new.test").close()
        portico.await_status(lambda n: n["connections"] == 0)
        assert_serves(portico)


def test_the_process_ends(portico_factory, hung):
    # A sanitizer that looks for leaks stops all threads first, and one in the kernel does not stop.
    portico = portico_factory(config(), env={"ASAN_OPTIONS": "halt_on_error=1:exitcode=99:detect_leaks=0"})
    assert_serves(portico)
    with hung(portico.cert_dir):
        portico.reload(config("new.test"))
        with begin_handshake(portico, "new.test"):
            portico.await_status(lambda n: n["connections"] == 1 and n["workers_busy"] == 0)
            portico.process.send_signal(signal.SIGTERM)
            portico.expect_exit(0, limit=8)  # `docker stop` gives 10 s


def test_the_process_ends_during_a_reload(portico_factory):
    """The same goes for the file that is being read again."""
    portico = portico_factory(config(), env={"ASAN_OPTIONS": "halt_on_error=1:exitcode=99:detect_leaks=0"})
    admin = thread_of(portico.process.pid, "admin")
    await_sleep(portico.process.pid, admin)
    call = Path(f"/proc/{portico.process.pid}/task/{admin}/syscall")
    polls = call.read_text().split()[0]
    with dead_file_system(portico.directory, portico.path.name, kind=100000):
        portico.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + LIMIT
        while call.read_text().split()[0] in (polls, "running"):
            assert time.monotonic() < deadline, "it does not reload"
        assert_serves(portico)
        portico.process.send_signal(signal.SIGTERM)
        portico.expect_exit(0, limit=8)
