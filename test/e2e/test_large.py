"""A gigabyte through Portico, both ways: the same bytes at the other end, and no more memory
than a small request takes, however long somebody stands still in the middle."""

import subprocess
import threading
from contextlib import closing

import pytest

from harness.content import Checker, write_sparse
from harness.curl import curl, curl_command
from harness.portico import toml
from harness.scale import IS_RELEASE, scaled
from harness.wire import LIMIT, read_head, request, response, stream_body

SIZE = scaled(1 << 30, 64 << 20) + 12345
MORE = 8 << 20  # what Portico's resident memory may grow by
LONG = 10 * LIMIT  # for a whole transfer on a busy machine


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("large") / "large.bin"
    write_sparse(path, SIZE)
    yield path
    path.unlink()


class Memory:
    """Watches Portico's resident memory while the block runs. Sanitizers keep what was freed, so
    that there only the watching is left."""

    def __init__(self, portico):
        self.portico = portico
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._watch)

    def _watch(self):
        while not self.over.wait(0.02):
            self.most = max(self.most, self.portico.resident())

    def __enter__(self):
        self.least = self.most = self.portico.resident()
        self.thread.start()

    def __exit__(self, *failure):
        self.over.set()
        self.thread.join()
        if not any(failure) and IS_RELEASE:
            grown = max(self.most, self.portico.resident()) - self.least
            assert grown < MORE, f"grown by {grown} bytes"


# Downloads, from nginx

@pytest.fixture
def download(nginx, portico_factory, scheme, file):
    """(Portico, host): /large.bin is there, and a small request has been made."""
    (nginx.root / "large.bin").symlink_to(file)
    (nginx.root / "small").write_bytes(b"small")
    host = f"n.{scheme}.test"
    portico = portico_factory(toml([(host, nginx.upstream, "self_signed" if scheme == "https" else "none")]))
    assert curl(portico, scheme, host, "/small") == b"small"
    return portico, host


def test_a_large_file(download, scheme):
    """Whole, by a client that stops reading midway, for as long as others are served."""
    portico, host = download
    client = portico.connect(scheme, server_name=host, receive_buffer=1 << 18)
    with Memory(portico), closing(client):
        client.send(request("GET", "/large.bin", host=host))
        line, fields, _ = read_head(client)
        assert line == "HTTP/1.1 200 OK" and ("Content-Length", str(SIZE)) in fields
        checker = Checker()
        checker.feed(client.take(len(client.buffer)))
        while checker.position < SIZE // 2:
            checker.feed(client.recv())
        portico.await_standstill()
        assert curl(portico, scheme, host, "/small") == b"small"
        while checker.position < SIZE:
            checker.feed(client.recv())
            assert not client.ended
        small = client.ask(request("GET", "/small", host=host))
        assert small.body == b"small"


def test_a_large_file_in_ranges(download, scheme):
    """By several curls at once, of which each gets its part."""
    portico, host = download
    cuts = [0, 1, SIZE // 3, SIZE // 3 * 2 + 77, SIZE - 1, SIZE]
    failures = []

    def fetch(start, end):
        command = curl_command(portico, scheme, host, "/large.bin", "-r", f"{start}-{end - 1}", limit=LONG)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0)
        checker = Checker(start)
        buffer = bytearray(65536)
        try:
            while size := process.stdout.readinto(buffer):
                checker.feed(memoryview(buffer)[:size])
            assert process.wait(LIMIT) == 0
            assert checker.position == end
        except BaseException as error:  # noqa: BLE001 - reported by the test's own thread
            failures.append(error)
        finally:
            process.stdout.close()
            process.wait()
    with Memory(portico):
        threads = [threading.Thread(target=fetch, args=each) for each in zip(cuts, cuts[1:])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LONG)
        if failures:
            raise failures[0]


# Uploads, to an origin that looks at every byte

@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_large_upload(portico_factory, origin_factory, scheme, framing, file):
    """By curl, to an origin that stops reading midway, for as long as others are served."""
    midway, go = threading.Event(), threading.Event()

    def script(connection):
        connection.keeps = False
        while message := connection.request_head():
            checker = Checker()
            for data in stream_body(connection, message):
                checker.feed(data)
                if checker.position > SIZE // 2 and not midway.is_set():
                    midway.set()
                    assert go.wait(LIMIT)
            connection.send(response(body=b"%d %s" % (checker.position, message.method.encode())))
    origin = origin_factory(script)
    host = f"u.{scheme}.test"
    portico = portico_factory(toml([(host, origin.upstream, "self_signed" if scheme == "https" else "none")]))
    assert curl(portico, scheme, host, "/") == b"0 GET"
    source = str(file) if framing == "length" else "-"
    with Memory(portico), open(file, "rb") as standard_input:
        command = curl_command(portico, scheme, host, "/", "-T", source, limit=LONG)
        process = subprocess.Popen(command, stdin=standard_input, stdout=subprocess.PIPE)
        assert midway.wait(LONG)
        portico.await_standstill()
        assert curl(portico, scheme, host, "/") == b"0 GET"
        go.set()
        answer, _ = process.communicate(timeout=LONG)
    assert answer == b"%d PUT" % SIZE
    assert (origin.requests[1].get("Content-Length") == str(SIZE)) == (framing == "length")
