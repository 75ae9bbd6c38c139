"""Nobody's slowness holds a worker. With two workers, hundreds of connections are stuck at once
in each phase and direction: no worker is busy, other clients are served as if they were alone,
and each connection is closed at its deadline for the right reason."""

import time

import pytest

from harness.crowd import Crowd, raise_descriptor_limit
from harness.origin import answer
from harness.portico import cert_type, parse_access, sanitizer, toml
from harness.stuck import WAYS, Member
from harness.wire import LIMIT, request, response

COUNT = {None: 500, "asan": 250, "tsan": 150}[sanitizer()]
# Long enough for all members to get stuck before the first one is closed.
DEADLINE = {None: 2, "asan": 4, "tsan": 5}[sanitizer()]


class TooSlow(Exception):
    """The first were closed, in due time, before the last were stuck: nothing can be said."""


class Stage:
    """A crowd of members stuck in one way at one Portico."""

    def __init__(self, crowd, portico, way, scheme, host, deadline):
        self.crowd, self.portico, self.way, self.deadline = crowd, portico, way, deadline
        self.members = [Member(way, crowd, portico, scheme, host, index) for index in range(int(COUNT * way.share))]
        self.out, self.log = portico.out.mark(), portico.log.mark()

    def fill(self):
        self.opened = time.monotonic()
        self.crowd.each(self.way.prepare, self.members, at_once=32)
        self.began = time.monotonic()
        self.crowd.each(self.way.stick, self.members)

    def look(self):
        """The counters, while all are stuck."""
        numbers = self.portico.status()
        all_came = numbers["connections_total"] >= len(self.members)
        some_left = not self.way.answered and numbers.get(self.way.reason, 0) > 0
        if some_left or all_came and numbers["connections"] < len(self.members):
            # Whoever left for another reason did so before it was stuck: its deadline ran from
            # the moment it connected.
            since = self.began if some_left else self.opened
            assert time.monotonic() - since >= self.deadline, f"closed too early: {numbers}"
            raise TooSlow(numbers)
        return numbers

    def await_rest(self):
        """Until nothing happens any more: no worker is busy, nor has been between two looks."""
        limit = time.monotonic() + LIMIT
        parks = None
        while ((numbers := self.look())["connections"] < len(self.members) or numbers["workers_busy"] > 0
               or numbers["parks_total"] != parks):
            parks = numbers["parks_total"]
            assert time.monotonic() < limit, f"they do not come to rest: {numbers}"

    def await_end(self):
        count, way = len(self.members), self.way
        if way.late:
            self.portico.await_status(lambda n: n["connections"] == 0 if way.answered else n.get(way.reason, 0) == count)
        self.crowd.each(way.leave, self.members)
        numbers = self.portico.await_status(lambda n: n["connections"] == 0)
        assert numbers[way.reason] == count
        assert not way.timeouts or time.monotonic() - self.began >= self.deadline
        for member in self.members:
            way.check(member)
            assert way.late or not way.timeouts or member.peer.ended_at - self.began >= self.deadline

    def check_log(self):
        """A line for each of them, on standard output or standard error."""
        count, way = len(self.members), self.way
        if way.status:
            lines = self.portico.out.wait_count(lambda line: f"reason={way.reason} " in line, count, self.out)
            entries = [parse_access(line) for line in lines]
            assert len(entries) == count and all(entry["status"] == way.status for entry in entries)
            assert way.answered or not way.timeouts or all(float(entry["time"]) >= self.deadline for entry in entries)
        elif way.reason != "IDLE":
            lines = self.portico.log.wait_count(lambda line: f"closed: {way.reason}" in line, count, self.log)
            assert len(lines) == count


def others_are_served(portico, scheme, rounds=5):
    host = f"other.{scheme}.test"
    client = portico.connect(scheme, server_name=host)
    for _ in range(rounds):
        assert client.ask(request("GET", "/", host=host)).body == b"other"
        fresh = portico.connect(scheme, server_name=host)
        assert fresh.ask(request("GET", "/", host=host)).body == b"other"
        fresh.close()
    client.close()


@pytest.mark.waits
@pytest.mark.parametrize("way, scheme", [(way, scheme) for way in WAYS for scheme in way.schemes],
                         ids=lambda value: value if isinstance(value, str) else value.__name__)
def test_stuck(portico_factory, origin_factory, way, scheme):
    raise_descriptor_limit()
    other = origin_factory(answer(response(body=b"other"))).upstream
    for deadline in (DEADLINE, 4 * DEADLINE, 16 * DEADLINE):
        with Crowd() as crowd:
            try:
                run_stage(portico_factory, crowd, way(), scheme, other, deadline)
                return
            except TooSlow:
                pass
    pytest.fail("they do not get stuck within any deadline")


def run_stage(portico_factory, crowd, way, scheme, other, deadline):
    host = f"stuck.{scheme}.test"
    portico = portico_factory(toml([(host, way.upstream(crowd), cert_type(scheme)),
                                    ("other.http.test", other, "none"), ("other.https.test", other, "self_signed")],
                                   server={"workers": 2, "max_per_client": 0, "drain": "1s"},
                                   timeouts={name: f"{deadline}s" for name in way.timeouts}))
    stage = Stage(crowd, portico, way, scheme, host, deadline)
    stage.fill()
    stage.await_rest()
    for each in ("http", "https"):
        others_are_served(portico, each)
    stage.await_rest()
    stage.await_end()
    stage.check_log()
