"""The command line of scripts/bench, and the order of things. Tables go to standard output,
progress to standard error."""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import bulk, footprint, peers, report, small, targets
from bench.figures import Samples
from bench.process import Failed, raise_open_files, run_tool, say

ROOT = Path(__file__).resolve().parent.parent.parent
PARTS = ["small", "log", "handshakes", "bulk", "idle", "start"]

DESCRIPTION = """Compares Portico with nginx, HAProxy and Caddy: CPU per request, requests per
second, latency, TLS handshakes, bulk, memory, start, size."""
EPILOG = """The peers take turns, round by round, so that whatever else the machine does hits all
of them; figures are medians. The exit status is 0 even if a target is missed, and 1 if something
could not be measured."""


@dataclasses.dataclass
class Plan:
    """How much is measured; times in seconds."""
    peers: list
    connections: list
    rounds: int
    slice: float
    bulk_slice: float
    logged_connections: int
    idle: int
    idle_rounds: int
    start_rounds: int


FULL = Plan(peers.PEERS, [1, 4, 16, 64, 256, 1000], rounds=5, slice=1.5, bulk_slice=1.0,
            logged_connections=64, idle=4000, idle_rounds=2, start_rounds=3)
QUICK = Plan(peers.PEERS[:3], [1, 16, 256], rounds=2, slice=0.6, bulk_slice=0.4,
             logged_connections=64, idle=1000, idle_rounds=1, start_rounds=1)


def options_of(argv):
    parser = argparse.ArgumentParser(prog="scripts/bench", description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument("--quick", action="store_true",
                        help="under two minutes (in full: under twenty): fewer points, no Caddy")
    parser.add_argument("--only", metavar="PART", action="append", choices=PARTS,
                        help=f"measure this part only (may be repeated): {', '.join(PARTS)}")
    parser.add_argument("--against", metavar="BINARY", type=Path,
                        help="compare with another build of Portico, instead of with Caddy")
    parser.add_argument("--rounds", metavar="N", type=int,
                        help="how often each figure is measured (default 5; --quick 2)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="all samples, as JSON")
    parser.add_argument("--record", action="store_true", help="write test/bench/RESULTS.md")
    parser.add_argument("--workers", type=int, default=0,
                        help="Portico's [server] workers (default 0: automatic)")
    parser.add_argument("binary", nargs="?", type=Path, default=ROOT / "build" / "portico",
                        help="default: build/portico, made if need be")
    options = parser.parse_args(argv)
    if options.record and options.only:
        parser.error("--record replaces the results of all parts, so it cannot go with --only")
    if options.record and options.against:
        parser.error("--record wants all the peers, so it cannot go with --against")
    return options


def prepare(options):
    """What is missing is installed and built. Returns the tools' directory."""
    os.environ["PATH"] += ":/usr/sbin"  # nginx and HAProxy
    subprocess.run([ROOT / "scripts" / "install-packages", "build", "bench"], check=True,
                   stdout=sys.stderr)
    goals = ["bench-tools"] + ["all"] * (options.binary == ROOT / "build" / "portico")
    subprocess.run(["make", "-s", "-C", ROOT, f"-j{os.cpu_count()}", *goals], check=True,
                   stdout=sys.stderr)
    for binary in filter(None, (options.binary, options.against)):
        if not os.access(binary, os.X_OK):
            raise Failed(f"{binary} is no program")
    options.binary = options.binary.resolve()
    options.against = options.against and options.against.resolve()
    return ROOT / "build" / "test"


def measure(field, tools, plan, parts):
    """(samples, sizes)."""
    samples, client, servers = Samples(), tools / "bench-client", []
    side_by_side = {
        "small": lambda: small.compare(samples, servers, field.origins.port, plan),
        "handshakes": lambda: bulk.compare_handshakes(samples, servers, client, plan),
        "bulk": lambda: bulk.compare_bulk(samples, servers, field, client, plan)}
    alone = {
        "log": lambda: small.compare_logging(samples, field, plan.peers, plan),
        "idle": lambda: footprint.compare_idle(samples, field, plan.peers, client, plan),
        "start": lambda: footprint.compare_start(samples, field, plan.peers, plan)}
    began = time.monotonic()

    def run_all(jobs):
        for part in filter(parts.__contains__, jobs):
            say(f"{part}: begins after {time.monotonic() - began:.0f} s")
            jobs[part]()

    field.make_certificates([*peers.SMALL.values(), *peers.UPLOAD.values(), *peers.MANY])
    try:
        if not side_by_side.keys().isdisjoint(parts):
            servers += peers.start_all(field, plan.peers)
        run_all(side_by_side)
    finally:
        for server in servers:
            server.stop()
    run_all(alone)
    return samples, footprint.sizes(field, plan.peers)


def run(options):
    plan, parts = QUICK if options.quick else FULL, options.only or PARTS
    if options.against:
        plan = dataclasses.replace(plan, peers=["Portico", peers.BEFORE, "nginx", "HAProxy"])
    plan = dataclasses.replace(plan, rounds=options.rounds or plan.rounds)
    connections = max(plan.idle, max(plan.connections)) + 500
    raise_open_files(2 * connections + 200)
    tools = prepare(options)
    began = time.monotonic()
    facts = {**report.machine(), "workers": options.workers,
             "date": time.strftime("%Y-%m-%d", time.gmtime())}
    facts["threads"] = facts["cores"]
    with tempfile.TemporaryDirectory(prefix="portico-bench-") as name:
        directory = Path(name)
        directory.chmod(0o755)  # nginx's workers run as nobody when it is started by root
        origins = peers.Origins(directory, tools / "bench-sink", connections)
        try:
            field = peers.Field(directory, origins, options.binary, options.against,
                                facts["threads"], options.workers)
            versions = peers.versions(field, plan.peers)
            samples, sizes = measure(field, tools, plan, parts)
        finally:
            origins.stop()
    judged = targets.judge(samples)
    text = "\n".join([report.opening(facts, versions, plan),
                      report.tables(samples, plan, sizes), report.targets_table(judged)])
    print(text)
    if options.record:
        (ROOT / "test" / "bench" / "RESULTS.md").write_text(
            f"# Results of scripts/bench{' --quick' if options.quick else ''}\n\n{text}")
    if options.json:
        options.json.write_text(json.dumps(
            {"machine": facts, "versions": versions, "plan": dataclasses.asdict(plan),
             "samples": samples.as_json(), "sizes": sizes, "targets": judged}, indent=1))
    say(f"scripts/bench took {time.monotonic() - began:.0f} s")


def main(argv=None):
    options = options_of(argv)
    return run_tool("scripts/bench", lambda: run(options))
