"""Memory, how long the start takes, and the size of the programs.

Memory is VmRSS, summed over the processes of a server; what several processes share is counted
for each of them, which is why PSS stands beside it at the start. The growth for each idle
connection is the difference before and after, divided by their number, in servers of their own."""

import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from bench import peers
from bench.bulk import command
from bench.process import Failed, say
from bench.small import in_turn
from bench.targets import IDLE, START_MEMORY, START_TIME

START_PSS, IDLE_TOTAL = "PSS at start", "resident memory with idle connections"
WARM = 16  # connections that touch what is touched once only
SETTLE = 0.3  # seconds, for what a server does after an answer
IDLE_JOB = {"what": "idle", "hosts": peers.SMALL, "target": "/"}


class IdleConnections:
    """Kept-alive connections on each of which one request was answered."""

    def __init__(self, client, server, mode, count):
        self.what = f"{server.name}, {count} idle connections, {mode}"
        self.process = subprocess.Popen(command(client, server, mode, IDLE_JOB, count, 0),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            self.close()

    def close(self):
        """The client says whether all of them have stayed open."""
        _, complaint = self.process.communicate()
        if self.process.returncode != 0:
            raise Failed(f"{self.what}: {complaint.strip()}")


def measure_idle(samples, name, field, mode, client, count):
    with peers.start(name, field, peers.SMALL.values()) as server:
        IdleConnections(client, server, mode, WARM).close()
        time.sleep(SETTLE)
        before = server.memory("Rss")
        idle = IdleConnections(client, server, mode, count)
        time.sleep(SETTLE)
        after = server.memory("Rss")
        idle.close()
    samples.add(IDLE, mode, name, (after - before) / count)
    samples.add(IDLE_TOTAL, f"{mode}, 0", name, before / 1024)
    samples.add(IDLE_TOTAL, f"{mode}, {count}", name, after / 1024)
    say(f"{count} idle connections  {mode:5}  {name:7}  {(after - before) / count:6.2f} KiB each")


def compare_idle(samples, field, names, client, plan):
    for turn in range(plan.idle_rounds):
        for mode in peers.SMALL:
            for name in in_turn(names, turn):
                measure_idle(samples, name, field, mode, client, plan.idle)


def first_answer(server, host):
    """Waits for the first answer over TLS; the time is counted from the start of the process."""
    context = peers.tls_context()
    request = f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    while True:
        try:
            with socket.create_connection(("127.0.0.1", server.ports["TLS"]), 20) as plain:
                with context.wrap_socket(plain, server_hostname=host) as client:
                    client.sendall(request)
                    answer = client.recv(4096)
            if answer.startswith(b"HTTP/1.1 200 "):
                return time.monotonic() - server.began
            raise Failed(f"{server.name} answers for {host}: {answer[:200]!r}")
        except OSError as error:
            # Refused for now; or, as with Caddy, listening before its certificates are there.
            if server.process.poll() is not None or time.monotonic() - server.began > 60:
                raise Failed(f"{server.name} does not answer for {host}: {error}\n"
                             f"{server.last_words()}") from error
            time.sleep(0.001)


def compare_start(samples, field, names, plan):
    """Each route over HTTPS, with a certificate of its own that lies there already."""
    for turn in range(plan.start_rounds):
        for hosts in ([peers.SMALL["TLS"]], peers.MANY):
            row = f"{len(hosts)} route{'s' * (len(hosts) > 1)}"
            for name in in_turn(names, turn):
                with peers.launch(name, field, hosts) as server:
                    seconds = first_answer(server, hosts[-1])
                    samples.add(START_TIME, row, name, seconds * 1000)
                    samples.add(START_MEMORY, row, name, server.memory("Rss") / 1024)
                    samples.add(START_PSS, row, name, server.memory("Pss") / 1024)
                say(f"round {turn + 1}/{plan.start_rounds}  start with {row:11}  {name:7}  "
                    f"{seconds * 1000:6.0f} ms")


def sizes(field, names):
    """{peer: (bytes of the program without debugging symbols, bytes of its shared libraries,
    their names)}."""
    found = {}
    for name, path in peers.executables(field, names).items():
        with tempfile.TemporaryDirectory() as directory:
            stripped = Path(directory) / "stripped"
            if not shutil.which("strip") or subprocess.run(
                    ["strip", "-o", stripped, path], capture_output=True, check=False).returncode:
                stripped = Path(path)
            size = stripped.stat().st_size
        text = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
        libraries = {library: Path(file).stat().st_size
                     for library, file in re.findall(r"^\s*(\S+) => (/\S+)", text, re.M)}
        found[name] = (size, sum(libraries.values()), sorted(libraries))
    return found
