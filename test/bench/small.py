"""Small requests: wrk over kept-alive connections, all peers in turn.

wrk runs a little longer than what is measured. The beginning (connecting, handshakes) is left
out: when requests flow, the proxy's CPU time and the origin's count of requests are read, and
again at the end of the slice, so that CPU per request and requests per second have nothing of the
handshakes in them and are counted alike for everybody. The latencies are wrk's own, of the whole run."""

import itertools
import signal
import subprocess
import time
import urllib.request

from bench import peers
from bench.figures import Unreadable, parse_status, parse_wrk
from bench.process import Failed, say
from bench.targets import CPU, RATE

TRIES = 3
WARM, PATIENCE = 0.25, 30  # seconds before a slice: at least, at most
LOGGED = {"cpu": "CPU per request, access log", "rate": "requests per second, access log"}


def requests_of(origin):
    """How many requests the origin has answered, this one included."""
    with urllib.request.urlopen(f"http://127.0.0.1:{origin}/status", timeout=10) as answer:
        return parse_status(answer.read().decode())


def reading(server, origin):
    """(time, requests, CPU seconds), as nearly at once as can be."""
    return time.monotonic(), requests_of(origin), server.cpu_seconds()


def await_flow(wrk, origin, connections):
    """Waits until the connections are made and requests flow, however busy the machine is."""
    began, first = time.monotonic(), requests_of(origin)
    for polls in itertools.count(1):
        time.sleep(0.05)
        elapsed = time.monotonic() - began
        if elapsed >= WARM and requests_of(origin) - first - polls >= 3 * connections:
            return
        if elapsed > PATIENCE or wrk.poll() is not None:
            raise Unreadable(f"no flow of requests within {elapsed:.0f} s")


def run_wrk(server, mode, connections, seconds, origin):
    """One run: {"cpu" (microseconds per request), "rate", "p50", "p99" (milliseconds)}."""
    url = f"{'https' if mode == 'TLS' else 'http'}://{peers.SMALL[mode]}:{server.ports[mode]}/"
    limit = int(PATIENCE + seconds) + 10  # it is told when to stop; this is if nobody does
    wrk = subprocess.Popen(["wrk", "--latency", "-t", "1", "-c", str(connections), "-d",
                            f"{limit}s", "--timeout", "10s", url],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        await_flow(wrk, origin, connections)
        before = reading(server, origin)
        time.sleep(seconds)
        after = reading(server, origin)
        wrk.send_signal(signal.SIGINT)
        text, _ = wrk.communicate(timeout=30)
    finally:
        if wrk.poll() is None:
            wrk.kill()
            wrk.communicate()
    result = parse_wrk(text)
    if result["errors"]:
        raise Unreadable(f"not every request was answered: {result['errors']}")
    elapsed, requests, cpu = (late - early for late, early in zip(after, before))
    requests -= 1  # the second reading itself
    if wrk.returncode != 0 or requests <= 0:
        raise Unreadable(f"wrk ended with status {wrk.returncode}:\n{text}")
    return {"cpu": cpu / requests * 1e6, "rate": requests / elapsed,
            "p50": result["p50"], "p99": result["p99"]}


def measure(server, mode, connections, seconds, origin):
    """A run that failed under load is tried again, twice at most."""
    for attempt in range(1, TRIES + 1):
        try:
            return run_wrk(server, mode, connections, seconds, origin)
        except (Unreadable, OSError, subprocess.TimeoutExpired) as error:
            problem = error
            say(f"{server.name}, {mode}, {connections} connections, attempt {attempt}: {error}")
            time.sleep(1)
    raise Failed(f"{server.name}, {mode}, {connections} connections: failed {TRIES} times, at last "
                 f"with: {problem}\n{server.last_words()}")


def in_turn(servers, turn):
    """Who goes first changes from round to round."""
    start = turn % len(servers)
    return servers[start:] + servers[:start]


def compare(samples, servers, origin, plan):
    """All points, plain and TLS."""
    for turn in range(plan.rounds):
        for connections in plan.connections:
            for mode in CPU:
                for server in in_turn(servers, turn):
                    result = measure(server, mode, connections, plan.slice, origin)
                    for measure_name, key in ((CPU[mode], "cpu"), (RATE[mode], "rate"),
                                              (f"p50, {mode}", "p50"), (f"p99, {mode}", "p99")):
                        samples.add(measure_name, connections, server.name, result[key])
                    say(f"round {turn + 1}/{plan.rounds}  {mode:5}  {connections:4} connections  "
                        f"{server.name:7}  {result['cpu']:6.1f} µs CPU  {result['rate']:8.0f} "
                        f"requests/s")


def compare_logging(samples, field, names, plan):
    """One point, plain, with the access log written to a file, and each peer without it beside."""
    connections, origin = plan.logged_connections, field.origins.port
    servers = []
    try:
        for name in names:
            for log in (False, True):
                servers.append(peers.start(name, field, peers.SMALL.values(), log))
                servers[-1].row = "on" if log else "off"
        for turn in range(plan.rounds):
            for server in in_turn(servers, turn):
                result = measure(server, "plain", connections, plan.slice, origin)
                for key, name in LOGGED.items():
                    samples.add(name, server.row, server.name, result[key])
                say(f"round {turn + 1}/{plan.rounds}  access log {server.row:3}  {server.name:7}  "
                    f"{result['cpu']:6.1f} µs CPU  {result['rate']:8.0f} requests/s")
        for server in servers:
            if server.row == "on":
                check_log(server)
    finally:
        for server in servers:
            server.stop()


def check_log(server):
    """A log that was not written would compare badly."""
    server.stop()
    lines = (server.directory / "access.log").read_bytes().count(b"\n")
    if lines < 100:
        raise Failed(f"{server.name} wrote {lines} lines of access log, which cannot be all")
