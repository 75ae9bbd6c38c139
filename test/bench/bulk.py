"""Full TLS handshakes and large bodies, with bench-client, all peers in turn.

The client finishes what it has begun and counts it exactly; the proxy's CPU time is read before it
and after it."""

import subprocess
import time

from bench import peers
from bench.figures import Unreadable, parse_client
from bench.process import Failed, say
from bench.small import TRIES, in_turn
from bench.targets import BULK, HANDSHAKE

HANDSHAKES_PER_SECOND, BULK_RATE = "full handshakes per second", "GB per second"
CLIENTS = 4  # at once
SETTLE = 0.05  # seconds in which a proxy closes what is left of the run before

DOWN = {"what": "get", "hosts": peers.SMALL, "target": "/bulk"}
UP = {"what": "put", "hosts": peers.UPLOAD, "target": "/"}
HANDSHAKES = {"what": "handshake", "hosts": peers.SMALL, "target": "/"}


def command(client, server, mode, job, connections, seconds):
    return [str(client), job["what"], mode.lower(), str(server.ports[mode]), job["hosts"][mode],
            job["target"], str(connections), str(seconds), str(peers.BULK)]


def run_client(client, server, mode, job, seconds):
    """(count, bytes, seconds, CPU seconds of the server) of one run; tried again when it failed."""
    for attempt in range(1, TRIES + 1):
        time.sleep(SETTLE)
        before = server.cpu_seconds()
        try:
            done = subprocess.run(command(client, server, mode, job, CLIENTS, seconds),
                                  capture_output=True, text=True, timeout=seconds + 60, check=False)
            if done.returncode != 0:
                raise Unreadable(done.stderr.strip())
            result = parse_client(done.stdout)
            time.sleep(SETTLE)
            return *result, server.cpu_seconds() - before
        except (Unreadable, subprocess.TimeoutExpired) as error:
            problem = error
            say(f"{server.name}, {mode}, {job['what']}, attempt {attempt}: {error}")
    raise Failed(f"{server.name}, {mode}, {job['what']}: failed {TRIES} times, at last with: "
                 f"{problem}\n{server.last_words()}")


def compare_handshakes(samples, servers, client, plan):
    for turn in range(plan.rounds):
        for server in in_turn(servers, turn):
            count, _, seconds, cpu = run_client(client, server, "TLS", HANDSHAKES, plan.slice)
            samples.add(HANDSHAKE, "full", server.name, cpu / count * 1e6)
            samples.add(HANDSHAKES_PER_SECOND, "full", server.name, count / seconds)
            say(f"round {turn + 1}/{plan.rounds}  handshakes  {server.name:7}  "
                f"{cpu / count * 1e6:6.0f} µs CPU  {count / seconds:6.0f} a second")


def compare_bulk(samples, servers, field, client, plan):
    """Down and up, plain and TLS, with a second nginx that has large buffers; for plain bodies
    there is a second HAProxy, too, which splices."""
    hosts = [*peers.SMALL.values(), *peers.UPLOAD.values()]
    with (peers.start("nginx, large buffers", field, hosts) as large,
          peers.start("HAProxy, splicing", field, hosts) as splicing):
        for turn in range(plan.rounds):
            for mode in peers.SMALL:
                for direction, job in (("download", DOWN), ("upload", UP)):
                    taking_part = [*servers, large] + [splicing] * (mode == "plain")
                    for server in in_turn(taking_part, turn):
                        _, size, seconds, cpu = run_client(client, server, mode, job,
                                                           plan.bulk_slice)
                        row = f"{mode} {direction}"
                        samples.add(BULK, row, server.name, cpu / size * 1e9)
                        samples.add(BULK_RATE, row, server.name, size / seconds / 1e9)
                        say(f"round {turn + 1}/{plan.rounds}  {row:14}  {server.name:20}  "
                            f"{cpu / size * 1e9:5.2f} s CPU/GB  {size / seconds / 1e9:5.2f} GB/s")
