"""The harness tested against itself: what it says about bytes and ends must be believable."""

import socket
import ssl
import struct
import subprocess
import threading

import pytest

from harness.client import Client, tls_context
from harness.origin import answer
from harness.wire import (CLEAN, LIMIT, RESET, TRUNCATED, Ended, Malformed, chunked,
                          request, response, unread_by_peer)


def dial(origin, **options):
    return Client(("127.0.0.1", origin.port), **options)


@pytest.fixture
def origin(origin_factory):
    return origin_factory()


def test_echo_and_pipelining(origin):
    client = dial(origin)
    client.send(request("GET", "/1", host="x") + request("POST", "/2", host="x", body=b"two"))
    assert client.response().body == request("GET", "/1", host="x")
    assert client.response().body.endswith(b"two")
    client.finish()
    assert client.end() == CLEAN
    assert [each.target for each in origin.requests] == ["/1", "/2"]


def test_chunked_bodies_are_read_strictly(origin):
    origin.script = answer(response(chunks=[b"ab", b"c"]),
                           b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x\r\na\r\n0\r\n\r\n",
                           b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n")
    client = dial(origin)
    first = client.ask(request("GET", "/", host="x"))
    assert (first.body, first.chunks, first.framing) == (b"abc", [2, 1], "chunked")
    with pytest.raises(Malformed):
        client.ask(request("GET", "/", host="x"))
    client = dial(origin)
    origin.script = answer(b"HTTP/1.1 200 OK\nServer: x\r\n\r\n")
    with pytest.raises(Malformed):
        dial(origin).ask(request("GET", "/", host="x"))


def test_truncated_bodies_are_errors(origin):
    for raw in (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n"):
        origin.script = answer(raw, close=True)
        with pytest.raises(Ended) as failed:
            dial(origin).ask(request("GET", "/", host="x"))
        assert failed.value.how == CLEAN


def test_ends_are_told_apart(origin):
    def script(connection):
        connection.request()
        connection.send(response(body=b"bye"))
        connection.reset()
    origin.script = script
    client = dial(origin)
    assert client.ask(request("GET", "/", host="x")).body == b"bye"
    assert client.end() == RESET


def test_a_byte_at_a_time_and_half_closing(origin):
    client = dial(origin, step=1)
    client.send(request("POST", "/slow", host="x", chunks=[b"abc", b"d"]))
    client.finish()
    assert client.response().body.endswith(b"abcd")
    assert client.end() == CLEAN
    assert origin.connections[0][0].received.endswith(chunked(b"abc", b"d"))


def test_interim_answers(origin):
    origin.script = answer(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + response(body=b"ok"))
    message = dial(origin).ask(request("GET", "/", host="x"))
    assert [each.status for each in message.interim] == [103] and message.body == b"ok"


def test_an_exception_in_a_script_is_kept(origin):
    def script(connection):
        raise AssertionError("wrong")
    origin.script = script
    dial(origin).end()
    origin.drop()
    assert str(origin.errors.pop()) == "wrong"


def test_the_kernel_knows_what_the_peer_has_not_read():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(listener.getsockname()) as sock:
            peer, _ = listener.accept()
            with peer:
                sock.sendall(b"12345")
                assert unread_by_peer(sock) == 5
                assert peer.recv(3) == b"123"
                assert unread_by_peer(sock) == 2
                sock.shutdown(socket.SHUT_WR)
                assert unread_by_peer(sock) == 2
            assert unread_by_peer(sock) == 0


@pytest.mark.parametrize("how", [CLEAN, RESET, TRUNCATED])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_ends_of_tls_are_told_apart(tmp_path, how, version):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-keyout", tmp_path / "key", "-out", tmp_path / "crt", "-subj", "/CN=x",
                    "-addext", "subjectAltName=DNS:x.test"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "crt", tmp_path / "key")

    def serve(listener):
        sock, _ = listener.accept()
        with context.wrap_socket(sock, server_side=True) as tls:
            tls.settimeout(LIMIT)
            tls.sendall(tls.recv(100))
            if how == CLEAN:
                tls.unwrap()
            elif how == RESET:
                tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        client = Client(listener.getsockname(), tls_context(tmp_path / "crt", version), "x.test", step=1)
        client.send(b"hello")
        assert client.exactly(5) == b"hello"
        assert client.end() == how
        client.close()
        thread.join(LIMIT)
