"""Parked connections cost nothing: a thousand of each kind at once use less than one per cent of
a CPU. The window of five seconds is what is measured, and the only thing here that waits for
time to pass."""

import os
import time

import pytest

from harness import stuck
from harness.crowd import Crowd, raise_descriptor_limit
from harness.portico import cert_type, sanitizer, toml
from harness.stuck import Member
from harness.wire import LIMIT

WAYS = (stuck.Silent, stuck.HalfClientHello, stuck.HalfFinished, stuck.HalfHead, stuck.HalfHeadInRecord,
        stuck.Idle, stuck.Connecting, stuck.Waiting, stuck.HalfUpload, stuck.RefusedUpload, stuck.HalfAnswer,
        stuck.UnreadAnswer, stuck.Tunnel, stuck.TunnelHalfClosedByClient)
WINDOW = 5
TIMEOUTS = ("handshake", "head", "keep_alive", "connect", "answer", "write", "tunnel", "tunnel_half", "body")


def cpu_time(process):
    """Seconds of CPU time that the process has used."""
    with open(f"/proc/{process.pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def await_rest(portico, count):
    """Until a second passes in which nobody is taken out of the waiting room."""
    limit = time.monotonic() + 4 * LIMIT
    parks, since = None, 0
    while parks is None or time.monotonic() - since < 1:
        numbers = portico.status()
        assert numbers["connections"] == count, numbers
        if numbers["parks_total"] != parks or numbers["workers_busy"]:
            parks, since = numbers["parks_total"], time.monotonic()
        assert time.monotonic() < limit, f"they do not come to rest: {numbers}"
        time.sleep(0.1)


@pytest.mark.waits
@pytest.mark.skipif(sanitizer() is not None, reason="sanitizers have threads and costs of their own")
def test_parked_connections_use_no_cpu(portico_factory, scheme):
    ways = [way() for way in WAYS if scheme in way.schemes]
    # Two descriptors a connection, and what Portico keeps for other purposes.
    count = min(1000, (raise_descriptor_limit() - 3000) // (2 * len(ways)))
    assert count >= 100, "too few descriptors for a measurement"
    with Crowd() as crowd:
        hosts = {way: f"{type(way).__name__.lower()}.{scheme}.test" for way in ways}
        portico = portico_factory(toml([(host, way.upstream(crowd), cert_type(scheme)) for way, host in hosts.items()],
                                       server={"workers": 2, "max_per_client": 0, "drain": "1s"},
                                       timeouts={name: "1h" for name in TIMEOUTS}))
        for way, host in hosts.items():
            members = [Member(way, crowd, portico, scheme, host, index) for index in range(count)]
            crowd.each(way.prepare, members, at_once=64, limit=4 * LIMIT)
            crowd.each(way.stick, members, at_once=64, limit=4 * LIMIT)
        await_rest(portico, count * len(ways))
        began, used = time.monotonic(), cpu_time(portico.process)
        time.sleep(WINDOW)
        used, took = cpu_time(portico.process) - used, time.monotonic() - began
        assert used < took / 100, f"{used:.2f} s of CPU time in {took:.1f} s"
        portico.stop(balanced=False)  # all of them are cut off
