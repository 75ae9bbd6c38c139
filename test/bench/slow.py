"""The command line of scripts/slow, and the order of things. The table goes to standard output,
progress to standard error.

For each kind of slow peer two thousand of them are connected at once (of stalled downloads a
quarter of that: the kernel holds some 300 KB for each), and an ordinary client makes 200 requests
a second beside them, and again when they are gone: its p50 and p99, what failed, and the proxy's
CPU use. Latency counts from the moment at which a request was due. The windows with and without
slow peers take turns, as do the proxies; the figures are medians over the rounds."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import types
from pathlib import Path

from bench import peers as proxies
from bench import report
from bench.process import Failed, raise_open_files, run_tool, say
from bench.slow_peers import KINDS
from bench.slow_servers import QUICK, SLOW, Proxies, await_rest, host, start_origin
from bench.slow_table import markdown, row, summary, verdict

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DESCRIPTION = """What slow peers cost everybody else: the latency of an ordinary client beside 2,000 of
each kind, and without them, for Portico, nginx and HAProxy."""
EPILOG = """Half a handshake is over TLS, and so is the ordinary client then; the others are plain, and
with --tls over TLS too. The exit status is 0 even if the target is missed, and 1 if something could
not be measured."""

RATE = 200  # requests a second
PYTHON = "/usr/bin/python3"
PROXIES = ["Portico", "nginx", "HAProxy"]


class Peers:
    """The process of the slow peers: see test/bench/slow_peers.py."""

    def __init__(self):
        self.process = subprocess.Popen([PYTHON, HERE / "slow_peers.py"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.upstream = self._hear()["upstream"]

    def tell(self, do, **order):
        self.process.stdin.write(json.dumps({"do": do, **order}) + "\n")
        self.process.stdin.flush()
        return self._hear()

    def _hear(self):
        line = self.process.stdout.readline()
        if not line:
            raise Failed("the slow peers have ended")
        return json.loads(line)

    def stop(self):
        self.process.stdin.close()
        self.process.wait(30)


def window(server, mode, seconds):
    """The ordinary client, for so long."""
    before = server.cpu_seconds()
    run = subprocess.run([PYTHON, HERE / "slow_client.py", mode, str(server.ports[mode]), host(QUICK, mode),
                          str(RATE), str(seconds)], capture_output=True, text=True, timeout=seconds + 60, check=False)
    if run.returncode != 0:
        raise Failed(f"the ordinary client: {run.stderr}")
    result = json.loads(run.stdout)
    if not result["latencies"]:
        raise Failed(f"{server.name} answers nothing: {result['failed']}")
    if result["failed"]:
        say(f"    failed: {result['failed']}")
    return summary(result, server.cpu_seconds() - before, seconds)


def measure(server, peers, kind, mode, count, seconds):
    """One window without slow peers and one with them."""
    without = window(server, mode, seconds)
    peers.tell("stick", kind=kind, mode=mode, address=["127.0.0.1", server.ports[mode]],
               host=host(SLOW, mode), count=count)
    await_rest(server)
    beside = window(server, mode, seconds)
    kept = peers.tell("look")["kept"]
    peers.tell("leave")
    await_rest(server)
    if kept < count:
        raise Failed(f"{server.name} kept only {kept} of {count} peers of the kind '{kind}'")
    return {"without": without, "with": beside}


def stages(kinds, count, everything_over_tls):
    """(kind, mode, how many) in the order of the table."""
    for kind in kinds:
        way, share = KINDS[kind]
        modes = ["plain"] if "http" in way.schemes else ["TLS"]
        if everything_over_tls and modes == ["plain"]:
            modes.append("TLS")
        for mode in modes:
            yield kind, mode, max(1, int(count * share))


def measure_all(servers, peers, plan, rounds, seconds):
    """[row of the table]"""
    windows = {}
    for turn in range(rounds):
        for kind, mode, count in plan:
            for server in servers if turn % 2 == 0 else reversed(servers):
                pair = measure(server, peers, kind, mode, count, seconds)
                each = windows.setdefault((kind, mode, count, server.name), {"without": [], "with": []})
                for when, figures in pair.items():
                    each[when].append(figures)
                say(f"round {turn + 1}/{rounds}  {count:5} × {kind:22} {mode:5}  {server.name:7}  p99 "
                    f"{pair['without']['p99'] * 1000:6.2f} ms without, {pair['with']['p99'] * 1000:6.2f} ms with")
    return [{"kind": kind, "mode": mode, "count": count, "proxy": name, **row(each), "windows": each}
            for (kind, mode, count, name), each in windows.items()]


def slow(options, plan, rounds, seconds):
    started = []
    with tempfile.TemporaryDirectory(prefix="portico-slow-") as name:
        directory = Path(name)
        directory.chmod(0o755)  # nginx's workers run as nobody when it is started by root
        try:
            peers = Peers()
            started.append(peers)
            origin = start_origin(directory, 2 * options.peers)
            started.append(origin)
            upstreams = {QUICK: f"127.0.0.1:{origin.ports['plain']}", SLOW: peers.upstream}
            servers = []
            for server in Proxies(options.binary, directory, upstreams).start():
                started.append(server)
                servers.append(server)
            return measure_all([server for server in servers if server.name in options.proxies], peers, plan, rounds, seconds)
        finally:
            for each in reversed(started):
                each.stop()


def name_list(known):
    def parse(text):
        names = text.split(",")
        unknown = [name for name in names if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"there is no '{unknown[0]}', only: {', '.join(known)}")
        return names
    return parse


def options_of(argv):
    parser = argparse.ArgumentParser(prog="scripts/slow", description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument("--quick", action="store_true",
                        help="under three minutes (in full: about ten): 500 peers, one round")
    parser.add_argument("--tls", action="store_true", help="every kind over TLS as well")
    parser.add_argument("--rounds", type=int, help="default: 5, with --quick 1")
    parser.add_argument("--peers", type=int, help="slow peers at once, 2000 by default")
    parser.add_argument("--kinds", type=name_list(KINDS), default=list(KINDS), help=", ".join(KINDS))
    parser.add_argument("--proxies", type=name_list(PROXIES), default=PROXIES, help=", ".join(PROXIES))
    parser.add_argument("--record", action="store_true", help="write test/bench/SLOW.md")
    parser.add_argument("--json", metavar="FILE", type=Path, help="everything that was measured, as JSON")
    parser.add_argument("binary", nargs="?", type=Path, default=ROOT / "build" / "portico",
                        help="default: build/portico, made if need be")
    options = parser.parse_args(argv)
    options.peers = options.peers or (500 if options.quick else 2000)
    if not 0 < options.peers <= 4000:
        parser.error("--peers must be between 1 and 4000")
    if options.record and not (set(KINDS) <= set(options.kinds) and set(PROXIES) <= set(options.proxies)):
        parser.error("--record replaces all results, so it cannot go with some --kinds or --proxies only")
    return options


def run(options):
    began = time.monotonic()
    os.environ["PATH"] += ":/usr/sbin"  # nginx and HAProxy
    subprocess.run([ROOT / "scripts" / "install-packages", "build", "bench"], check=True, stdout=sys.stderr)
    if options.binary == ROOT / "build" / "portico":
        subprocess.run(["make", "-s", "-C", ROOT, f"-j{os.cpu_count()}", "all"], check=True, stdout=sys.stderr)
    # Two for each in a proxy, and what nginx and HAProxy set aside.
    raise_open_files(4 * options.peers + 2000)
    rounds, seconds = options.rounds or (1 if options.quick else 5), 2
    plan = list(stages(options.kinds, options.peers, options.tls))
    machine = report.machine()
    versions = proxies.versions(types.SimpleNamespace(binary=options.binary), options.proxies)
    rows = slow(options, plan, rounds, seconds)
    opening = (f"{machine['processor']}, {machine['cores']} cores, Linux {machine['kernel']}; "
               + ", ".join(f"{name} {number}" for name, number in versions.items())
               + f"; load when it began {machine['load']:.1f}. {RATE} requests a second, {rounds} × {seconds} s, "
               "medians; times in milliseconds, CPU of one core.")
    text = "\n\n".join([opening, markdown(rows), verdict(rows)])
    print(text)
    if options.record:
        date = time.strftime("%Y-%m-%d", time.gmtime())
        (HERE / "SLOW.md").write_text(f"# Results of scripts/slow{' --quick' if options.quick else ''}, {date}\n\n{text}\n")
    if options.json:
        options.json.write_text(json.dumps({"machine": machine, "versions": versions, "rows": rows}, indent=1) + "\n")
    say(f"scripts/slow took {time.monotonic() - began:.0f} s")


def main(argv=None):
    options = options_of(argv)
    return run_tool("scripts/slow", lambda: run(options))
