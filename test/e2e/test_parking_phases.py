"""Nobody's slowness holds a worker. With two workers, hundreds of connections are stuck at once
in each phase and direction: no worker is busy, other clients are served as if they were alone,
and each connection is closed at its deadline for the right reason."""

import time

import pytest

from harness.crowd import Crowd, raise_descriptor_limit
from harness.origin import answer
from harness.portico import parse_access, sanitizer, toml
from harness.stuck import WAYS, Member
from harness.wire import LIMIT, request, response

COUNT = {None: 500, "asan": 250, "tsan": 150}[sanitizer()]
# Long enough for all members to get stuck before the first one is closed.
DEADLINE = {None: 2, "asan": 4, "tsan": 5}[sanitizer()]


@pytest.fixture
def crowd():
    raise_descriptor_limit()
    crowd = Crowd()
    yield crowd
    crowd.close()
    for error in crowd.errors:
        raise error


def cert_type(scheme):
    return "self_signed" if scheme == "https" else "none"


def await_stuck(portico, count, way):
    """Until all are there and nothing happens any more: no worker is busy, and none has been
    between two looks."""
    limit = time.monotonic() + LIMIT
    parks = None
    while True:
        numbers = portico.status()
        assert way.answered or numbers.get(way.reason, 0) == 0, \
            f"the first were closed before the last were stuck: {numbers}"
        if (numbers["connections"], numbers["workers_busy"], numbers["parks_total"]) == (count, 0, parks):
            return
        parks = numbers["parks_total"]
        assert time.monotonic() < limit, f"they do not come to rest: {numbers}"


def others_are_served(portico, scheme, rounds=5):
    host = f"other.{scheme}.test"
    client = portico.connect(scheme, server_name=host)
    for _ in range(rounds):
        assert client.ask(request("GET", "/", host=host)).body == b"other"
        fresh = portico.connect(scheme, server_name=host)
        assert fresh.ask(request("GET", "/", host=host)).body == b"other"
        fresh.close()
    client.close()


@pytest.mark.parametrize("way, scheme", [(way, scheme) for way in WAYS for scheme in way.schemes],
                         ids=lambda value: value if isinstance(value, str) else value.__name__)
def test_stuck(portico_factory, origin_factory, crowd, way, scheme):
    way = way()
    count, deadline = int(COUNT * way.share), DEADLINE * way.patience
    other = origin_factory(answer(response(body=b"other")))
    host = f"stuck.{scheme}.test"
    portico = portico_factory(toml(
        [(host, way.upstream(crowd), cert_type(scheme)),
         ("other.http.test", other.upstream, "none"), ("other.https.test", other.upstream, "self_signed")],
        server={"workers": 2, "max_per_client": 0, "drain": "1s"},
        timeouts={name: f"{deadline}s" for name in way.timeouts}))
    members = [Member(way, crowd, portico, scheme, host, index) for index in range(count)]
    others_are_served(portico, scheme, rounds=1)
    out, log = portico.out.mark(), portico.log.mark()

    crowd.each(way.prepare, members, at_once=32)
    began = time.monotonic()
    crowd.each(way.stick, members)
    await_stuck(portico, count, way)
    for each in ("http", "https"):
        others_are_served(portico, each)
    numbers = portico.await_status(lambda n: n["workers_busy"] == 0)
    assert way.answered or numbers.get(way.reason, 0) == 0, "the deadline is too short to tell"
    assert numbers["connections"] >= count

    if way.late:
        portico.await_status(lambda n: n["connections"] == 0 if way.answered else n.get(way.reason, 0) == count)
    crowd.each(way.leave, members)
    for member in members:
        way.check(member)
        assert way.late or not way.timeouts or member.peer.ended_at - began >= deadline
    numbers = portico.await_status(lambda n: n["connections"] == 0)
    assert numbers[way.reason] == count
    if way.answered:
        assert time.monotonic() - began >= deadline
    check_log(portico, way, count, deadline, out, log)


def check_log(portico, way, count, deadline, out, log):
    """A line for each of them, on standard output or standard error."""
    if way.status:
        lines = portico.out.wait_count(lambda line: f"reason={way.reason} " in line, count, out)
        entries = [parse_access(line) for line in lines]
        assert len(entries) == count and all(entry["status"] == way.status for entry in entries)
        assert way.answered or not way.timeouts or all(float(entry["time"]) >= deadline for entry in entries)
    elif way.reason != "IDLE":
        lines = portico.log.wait_count(lambda line: f"closed: {way.reason}" in line, count, log)
        assert len(lines) == count
