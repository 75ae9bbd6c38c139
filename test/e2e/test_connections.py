"""Connections and their reuse, on both sides: pipelining, keep-alive, H23, H24, H27."""

import signal
import threading
import time

import pytest

from harness.origin import answer, echo
from harness.portico import toml
from harness.wire import CLEAN, LIMIT, request, response


# Keep-alive and pipelining

def test_one_connection_on_each_side(site):
    client = site.connect()
    for number in range(20):
        assert client.ask(site.request(target=f"/{number}")).status == 200
    assert len(site.origin.connections) == 1
    # Another client finds it in the pool.
    assert site.connect().ask(site.request()).status == 200
    assert len(site.origin.connections) == 1


def test_pipelined_requests_are_answered_in_order(site):
    client = site.connect()
    requests = [site.request("POST" if number % 3 == 0 else "GET", f"/{number}", body=b"x" * number if number % 3 == 0 else None)
                for number in range(50)]
    client.send(b"".join(requests))
    for number in range(50):
        message = client.response()
        assert message.status == 200 and message.body.split(b" ")[1] == b"/%d" % number
    assert [each.target for each in site.origin.requests] == [f"/{number}" for number in range(50)]
    client.finish()
    assert client.end() == CLEAN


def test_pipelined_requests_of_every_kind(site):
    client = site.connect()
    client.send(site.request("HEAD", "/1") + site.request("POST", "/2", chunks=[b"two"]) + b"\r\n"
                + site.request("OPTIONS", "*") + site.request("GET", "/4", "Connection: close")
                + site.request("GET", "/never"))
    assert client.response("HEAD").status == 200
    assert client.response().body.endswith(b"two")
    assert client.response().status == 200
    last = client.response()
    assert last.status == 200 and last.get("Connection") == "close"
    assert client.end() == CLEAN
    assert [each.target for each in site.origin.requests] == ["/1", "/2", "*", "/4"]


def test_pipelining_waits_for_a_slow_answer(site):
    """The second request is not sent upstream, and not answered, before the first is done."""
    go = threading.Event()

    def script(connection):
        while message := connection.request():
            connection.report(message.target)
            if message.target == "/slow":
                assert go.wait(LIMIT)
            connection.send(response(body=message.target.encode()))
    site.origin.script = script
    client = site.connect()
    client.send(site.request(target="/slow") + site.request(target="/fast"))
    assert site.origin.reported() == "/slow"
    assert client.is_quiet() and len(site.origin.requests) == 1
    go.set()
    assert client.response().body == b"/slow"
    assert client.response().body == b"/fast"


def test_pipelining_to_several_hosts(sites):
    """Over plain HTTP one connection may ask for any host."""
    a, b = sites["a.http.test"], sites["b.http.test"]
    a.origin.script, b.origin.script = answer(response(body=b"A")), answer(response(body=b"B"))
    client = a.connect()
    client.send(b"".join(each.request() for each in (a, b, b, a, b)))
    assert b"".join(client.response().body for _ in range(5)) == b"ABBAB"
    assert (len(a.origin.connections), len(b.origin.connections)) == (1, 1)


def test_pipelined_behind_a_tunnel_that_did_not_come_about(site):
    client = site.connect()
    client.send(site.request("GET", "/1", "Connection: Upgrade", "Upgrade: websocket") + site.request(target="/2"))
    assert client.response().body.startswith(b"GET /1 ")
    assert client.response().body.startswith(b"GET /2 ")


def with_an_empty_line_behind(portico, when):
    """A connection with one request and its answer behind it, and an empty line (H26), which
    came with the request or after the answer."""
    client = portico.connect("http")
    asking = request("GET", "/", host="x.test")
    assert client.ask(asking + b"\r\n" if when == "with the request" else asking).status == 200
    if when == "after the answer":
        client.send(b"\r\n")
    return client


WHEN = pytest.mark.parametrize("when", ["with the request", "after the answer"])


@WHEN
def test_h26_an_empty_line_does_not_begin_a_head(portico_factory, origin_factory, when):
    """Nobody has asked for anything: no 408, but the silent end of an idle connection."""
    origin = origin_factory()
    portico = portico_factory(toml([("x.test", origin.upstream, "none")],
                                   timeouts={"head": "1s", "keep_alive": "3s"}))
    client = with_an_empty_line_behind(portico, when)
    assert client.end() == CLEAN
    numbers = portico.await_status(lambda n: n.get("IDLE", 0) == 1)
    assert "E408-HEAD" not in numbers
    client.close()


@WHEN
def test_h26_an_empty_line_does_not_hold_up_the_end(portico_factory, origin_factory, when):
    origin = origin_factory()
    portico = portico_factory(toml([("x.test", origin.upstream, "none")], {"drain": "1h"},
                                   {"head": "1h", "keep_alive": "1h"}))
    client = with_an_empty_line_behind(portico, when)
    portico.await_standstill()  # it waits for the next request
    portico.process.send_signal(signal.SIGTERM)
    assert client.end() == CLEAN
    portico.expect_exit(0)
    client.close()


@WHEN
def test_h26_a_request_after_an_empty_line(portico_factory, origin_factory, when):
    """The line is skipped even when it was read long before."""
    origin = origin_factory()
    portico = portico_factory(toml([("x.test", origin.upstream, "none")]))
    client = with_an_empty_line_behind(portico, when)
    portico.await_standstill()
    assert client.ask(request("GET", "/next", host="x.test")).body.startswith(b"GET /next ")
    client.close()


def test_an_upstream_that_announces_its_end(site):
    """Keep-Alive: timeout=1, less one, leaves nothing: such a connection is not kept."""
    site.origin.script = answer(response("200 OK", "Keep-Alive: timeout=1, max=5", body=b"x"))
    client = site.connect()
    for _ in range(3):
        assert client.ask(site.request()).body == b"x"
    assert len(site.origin.connections) == 3


def test_idle_upstream_connections_are_closed_in_time(portico_factory, origin_factory):
    """Soon, so that the upstream does not do it at the wrong moment."""
    def script(connection):
        connection.request()
        connection.send(response(body=b"x"))
        connection.report(connection.to_end() or connection.ended)
    origin = origin_factory(script)
    portico = portico_factory(toml([("x.test", origin.upstream, "none")], {}, {"upstream_idle": "500ms"}))
    client = portico.connect("http")
    assert client.ask(request("GET", "/", host="x.test")).status == 200
    assert origin.reported() == CLEAN
    portico.await_status(lambda n: n["upstream_open"] == n["upstream_idle"] == 0)
    client.close()


def test_an_empty_body_leaves_nothing_over(site):
    """Portico answers without an upstream, and the connection goes on."""
    client = site.connect()
    message = client.ask(request("POST", "/", body=b"", host="unknown.test"))
    assert (message.status, message.get("Connection")) == (421, None)
    assert client.ask(site.request()).status == 200


# What comes behind an answer

def test_h23_bytes_behind_an_answer(site):
    site.origin.script = answer(response(body=b"good") + response(body=b"evil"))
    client = site.connect()
    for _ in range(3):
        assert client.ask(site.request()).body == b"good"
    assert len(site.origin.connections) == 3


def test_h23_bytes_behind_a_chunked_answer(site):
    site.origin.script = answer(response(chunks=[b"good"]) + b"x")
    client = site.connect()
    for _ in range(3):
        assert client.ask(site.request()).body == b"good"
    assert len(site.origin.connections) == 3


def test_h23_bytes_on_an_idle_connection(site):
    """They come while the connection lies in the pool."""
    go = threading.Event()

    def script(connection):
        connection.request()
        connection.send(response(body=b"good"))
        assert go.wait(LIMIT)
        connection.send(response(body=b"evil"))
        connection.report("sent")
        connection.to_end()
    site.origin.script = script
    client = site.connect()
    assert client.ask(site.request()).body == b"good"
    go.set()
    assert site.origin.reported() == "sent"
    site.origin.script = echo
    assert client.ask(site.request("POST", "/", body=b"x")).body.endswith(b"x")
    assert len(site.origin.connections) == 2


@pytest.mark.parametrize("how", ["close", "reset"])
def test_h23_the_end_of_an_idle_connection(site, how):
    """It is noticed when the connection would be taken: even a POST comes to no harm."""
    go = threading.Event()

    def script(connection):
        connection.request()
        connection.send(response(body=b"one"))
        assert go.wait(LIMIT)
        getattr(connection, how)()
        connection.report("ended")
    site.origin.script = script
    client = site.connect()
    assert client.ask(site.request()).body == b"one"
    go.set()
    assert site.origin.reported() == "ended"
    site.origin.script = echo
    assert client.ask(site.request("POST", "/", body=b"x")).status == 200
    assert len(site.origin.connections) == 2


# A pooled connection that dies under a request

def dies(method_that_dies, how="close", partial=b""):
    """Answers one request; then ends upon the next of that method. Fresh connections do the
    same, so that a second attempt would show."""
    def script(connection):
        while message := connection.request():
            if message.method == method_that_dies and message.target == "/dies":
                if partial:
                    connection.send(partial)
                    connection.await_consumed()
                getattr(connection, how)()
                return
            connection.send(response(body=b"ok"))
    return script


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("method, fields", [("GET", ()), ("HEAD", ()), ("OPTIONS", ()), ("DELETE", ()),
                                            ("PUT", ("Content-Length: 0",)), ("DELETE", ("Content-Length: 0",))])
def test_h24_idempotent_requests_are_retried_once(site, method, fields, how):
    attempts = []

    def script(connection):
        while message := connection.request():
            if message.target == "/retried":
                attempts.append(message)
                if len(attempts) == 1:
                    getattr(connection, how)()
                    return
            connection.send(response("200 OK", "Content-Length: 2") + (b"" if message.method == "HEAD" else b"ok"))
    site.origin.script = script
    client = site.connect()
    assert client.ask(site.request()).status == 200
    assert client.ask(site.request(method, "/retried", *fields), method).status == 200
    assert len(attempts) == 2 and attempts[0].head == attempts[1].head
    assert len(site.origin.connections) == 2


@pytest.mark.parametrize("how", ["close", "reset"])
def test_h24_so_is_one_whose_client_waits_to_go_on(site, how):
    """Nothing of its body is there yet, let alone consumed."""
    attempts = []

    def script(connection):
        while message := connection.request_head():
            if message.target == "/retried":
                attempts.append(message)
                if len(attempts) == 1:
                    getattr(connection, how)()
                    return
                connection.send(response("100 Continue"))
            connection.send(response(body=connection.request_body(message)))
    site.origin.script = script
    client = site.connect()
    assert client.ask(site.request()).status == 200
    client.send(site.request("PUT", "/retried", "Expect: 100-continue", "Content-Length: 5"))
    assert client.interim().status == 100
    client.send(b"hello")
    assert client.response().body == b"hello"
    assert len(attempts) == 2 and attempts[0].head == attempts[1].head


def test_h24_only_once(site):
    site.origin.script = dies("GET")
    client = site.connect()
    assert client.ask(site.request()).status == 200
    message = client.ask(site.request(target="/dies"))
    assert message.status == 502 and "E502-CLOSED" in message.text
    assert [each.target for each in site.origin.requests] == ["/", "/dies", "/dies"]


def test_h24_a_fresh_connection_is_not_retried(site):
    site.origin.script = dies("GET")
    message = site.fetch("GET", "/dies")
    assert message.status == 502 and "E502-CLOSED" in message.text
    assert len(site.origin.requests) == 1


@pytest.mark.parametrize("method, options", [
    ("POST", {"body": b"x"}), ("POST", {"body": b""}), ("PATCH", {"body": b"x"}), ("PROPFIND", {}),
    ("PUT", {"body": b"consumed"}), ("PUT", {"chunks": [b"consumed"]}),
])
def test_h24_others_are_not(site, method, options):
    site.origin.script = dies(method)
    client = site.connect()
    assert client.ask(site.request()).status == 200
    message = client.ask(site.request(method, "/dies", **options))
    assert message.status == 502 and "E502-CLOSED" in message.text
    assert [each.target for each in site.origin.requests] == ["/", "/dies"]


def test_h24_not_after_the_first_byte_of_an_answer(site):
    site.origin.script = dies("GET", partial=b"HTTP/1.1 2")
    client = site.connect()
    assert client.ask(site.request()).status == 200
    assert client.ask(site.request(target="/dies")).status == 502
    assert [each.target for each in site.origin.requests] == ["/", "/dies"]


def test_h24_other_methods_do_not_take_what_has_been_idle(site):
    client = site.connect()
    assert client.ask(site.request()).status == 200
    time.sleep(1.1)  # more than a second: the passing of time is what is tested
    assert client.ask(site.request("POST", "/", body=b"x")).status == 200
    assert len(site.origin.connections) == 2


def test_h24_idempotent_ones_do(site):
    client = site.connect()
    assert client.ask(site.request()).status == 200
    time.sleep(1.1)
    assert client.ask(site.request("PUT", "/")).status == 200
    assert len(site.origin.connections) == 1


# Clients that leave

def test_h27_a_half_closed_client_is_answered(sites):
    site = sites["a.http.test"]
    go = threading.Event()

    def script(connection):
        while message := connection.request():
            connection.report("asked")
            assert go.wait(LIMIT)
            connection.send(response(body=message.body + b"!"))
    site.origin.script = script
    for data in (site.request(), site.request("POST", "/", body=b"hello"), site.request("POST", "/", chunks=[b"hello"])):
        client = site.connect()
        client.send(data)
        client.finish()
        assert site.origin.reported() == "asked"
        go.set()
        assert client.response().body.endswith(b"!")
        assert client.end() == CLEAN
        go.clear()


def test_h27_half_closed_in_the_middle_of_an_answer(sites):
    site = sites["a.http.test"]
    go = threading.Event()

    def script(connection):
        connection.request()
        connection.send(response("200 OK", "Content-Length: 4") + b"ab")
        assert go.wait(LIMIT)
        connection.send(b"cd")
        connection.request()
    site.origin.script = script
    client = site.connect()
    client.send(site.request())
    client.until(b"ab")
    client.finish()
    go.set()
    assert client.exactly(2) == b"cd"
    assert client.end() == CLEAN


def test_h27_pipelined_and_half_closed(sites):
    site = sites["a.http.test"]
    client = site.connect()
    client.send(site.request(target="/1") + site.request(target="/2"))
    client.finish()
    assert client.response().status == client.response().status == 200
    assert client.end() == CLEAN


@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize("scheme, how", [("http", "reset"), ("https", "reset"), ("https", "finish"),
                                         ("https", "close_notify"), ("https", "fin")])
def test_h27_a_client_that_is_gone(site, how, started):
    """Over TLS any end is the end; over plain HTTP a reset is. The upstream learns of it."""
    def script(connection):
        connection.request()
        if started:
            connection.send(response("200 OK", "Content-Length: 10") + b"hello")
        connection.report("asked")
        connection.to_end()
        connection.report("over")
    site.origin.script = script
    mark = site.portico.out.mark()
    client = site.connect()
    client.send(site.request(target="/left"))
    assert site.origin.reported() == "asked"
    if started:
        client.until(b"hello")
    {"finish": client.finish, "close_notify": client.send_close_notify if client.tls else None,
     "fin": lambda: client.sock.shutdown(1), "reset": client.reset}[how]()
    assert site.origin.reported() == "over"
    site.portico.wait_access(lambda e: "/left" in e["request"] and e["reason"] == "CLIENT-GONE", mark)


@pytest.mark.parametrize("before", ["half-closed", "more than is read ahead"])
def test_h27_a_client_that_resets_when_nothing_more_is_read_of_it(sites, before):
    site = sites["a.http.test"]

    def script(connection):
        connection.request_head()
        connection.report("asked")
        connection.report(connection.to_end() or "over")
    site.origin.script = script
    mark = site.portico.out.mark()
    client = site.connect()
    client.send(site.request(target="/left"))
    assert site.origin.reported() == "asked"
    client.finish() if before == "half-closed" else client.send(site.request() * 1000)
    site.portico.await_standstill()
    client.reset()
    assert site.origin.reported() == "over"
    site.portico.wait_access(lambda e: "/left" in e["request"] and e["reason"] == "CLIENT-GONE", mark)
