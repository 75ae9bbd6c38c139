#!/usr/bin/python3
"""Portico under full load and in bad company, for a while: neither memory nor descriptors grow.

    test/soak/soak.py BINARY [--seconds N] [--seed TEXT]

wrk keeps the machine busy, over HTTP and HTTPS. Beside it clients reset, stop half-way, read
slowly, talk nonsense and open tunnels, with an origin that does the like, and clients that behave
and check every byte of their answers. After a sixth of the time everybody leaves and Portico is
looked at; then it is loaded again, and looked at again. All must be true at the end:

  - no well-behaved client was let down
  - counters and descriptors are back where they began, both times
  - resident memory has not grown, but for what is allowed (GROWTH)
  - SIGTERM ends it with status 0, and no sanitizer has reported anything

The last line is "soak: N passed, N failed". The same seed makes the same clients; not, of course,
the same interleaving."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "test" / "soak"
PYTHON = "/usr/bin/python3"
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "test" / "e2e"))

MIB = 1 << 20
# Resident memory may grow by so much between the two looks, in MiB: what the most connections at
# once happened to need, and what malloc then keeps. ThreadSanitizer's shadow of every address
# that was ever used is resident too. A leak of 100 bytes a request is tens of MiB in a minute.
GROWTH = {None: 4, "asan": 16, "tsan": 24}
WRK_CONNECTIONS = 32


def say(message):
    print(message, flush=True)


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, what, is_true, detail=""):
        self.passed += bool(is_true)
        self.failed += not is_true
        say(f"{'ok  ' if is_true else 'FAIL'} {what}" + (f": {detail}" if detail else ""))

    def attempt(self, what, step):
        """Something that raises AssertionError when it is not so; its result, or None."""
        try:
            result = step()
        except AssertionError as error:
            self.check(what, False, str(error))
            return None
        self.check(what, True)
        return result


def parse_wrk(text):
    """(requests, what went wrong or "") of what wrk says at the end."""
    total = re.search(r"^\s*(\d+) requests in", text, re.M)
    wrong = [line.strip() for line in text.splitlines() if "Socket errors" in line or "Non-2xx" in line]
    if not total:
        wrong.append(text.strip() or "wrk says nothing")
    return int(total[1]) if total else 0, "; ".join(wrong)


def wrk(url, seconds):
    # A slow build on a busy machine may take a while for an answer; it must come, though.
    return ["wrk", "-t", "1", "-c", str(WRK_CONNECTIONS), "-d", f"{max(1, round(seconds))}s", "--timeout", "30s", url]


def load(portico, seconds, seed):
    """Everybody at once, for so long. (wrk's requests, those of the checking clients, what went wrong)"""
    ports = {scheme: portico.address(scheme)[1] for scheme in ("http", "https")}
    # wrk sends the URL's host as Host and SNI: an IP literal over HTTP, and a name that resolves.
    commands = [wrk(f"http://127.0.0.1:{ports['http']}/", seconds), wrk(f"https://localhost:{ports['https']}/", seconds)]
    commands.append([PYTHON, HERE / "clients.py", str(ports["http"]), str(ports["https"]), str(seconds), seed])
    running = [subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True) for command in commands]
    try:
        outputs = [process.communicate(timeout=seconds + 150)[0] for process in running]
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
                process.wait()
    answered, wrong = zip(*map(parse_wrk, outputs[:2]))
    if running[2].returncode:
        wrong += (outputs[2],)
    checked = int(re.match(r"\d*", outputs[2])[0] or 0)
    return sum(answered), checked, "\n".join(filter(None, wrong))


def look(portico, origin):
    """Waits until everything is as it began, and says how much memory that takes, in bytes."""
    # A client that has closed may as well have half-closed: its exchange waits for the origin.
    origin.stdin.write("drop\n")
    origin.stdin.flush()
    assert origin.stdout.readline() == "dropped\n", "the origin has died"
    portico.await_balance()
    portico.await_status(lambda n: n["upstream_open"] == 0)
    return portico.resident()


def soak(portico, origin, sanitizer, seconds, seed, checks):
    looks = []
    for name, part in (("warm-up", seconds / 6), ("soak", seconds * 5 / 6)):
        answered, checked, wrong = load(portico, part, f"{seed} {name}")
        checks.check(f"{name}: {answered} requests of wrk and {checked} of the checking clients", not wrong, wrong)
        loaded = answered > 0 and checked > 0
        looks.append(checks.attempt(f"{name}: counters and descriptors are back where they began", lambda: look(portico, origin)))
        if looks[-1] is None:
            return
    checks.check("it was loaded", loaded)  # the warm-up may be too short for that
    grown = (looks[1] - looks[0]) / MIB
    bound = GROWTH[sanitizer]
    checks.check(f"resident memory has grown by {grown:.1f} MiB, from {looks[0] / MIB:.1f} (at most {bound})", grown <= bound)


def start(binary, directory, upstream):
    """(Portico, the nginx behind wrk's requests, which sanitizer there is)"""
    os.environ["PORTICO_BIN"] = str(binary)
    from harness.nginx import Nginx
    from harness.portico import Portico, sanitizer, toml

    nginx = Nginx(directory, 'location = / { return 200 "hello"; }')
    routes = [("127.0.0.1", nginx.upstream, "none"), ("localhost", nginx.upstream, "self_signed"),
              ("x.http.test", upstream, "none"), ("x.https.test", upstream, "self_signed")]
    portico = Portico(directory / "portico", toml(routes, {"max_per_client": 0}, {
        "linger": "300ms", "upstream_idle": "500ms", "tunnel_half": "500ms"}))
    # Freed memory that AddressSanitizer keeps back is resident: little of it, so that it is full
    # when the warm-up is over.
    portico.environment["ASAN_OPTIONS"] += ":quarantine_size_mb=16"
    try:
        portico.start(stdout=subprocess.DEVNULL)
    except BaseException:
        portico.kill()
        nginx.stop()
        raise
    return portico, nginx, sanitizer()


def main():
    parser = argparse.ArgumentParser(description="Portico under full load and in bad company.")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", default=None)
    parser.add_argument("binary", type=Path)
    options = parser.parse_args()
    os.environ["PATH"] += ":/usr/sbin"
    for program in ("wrk", "nginx"):
        if not shutil.which(program):
            sys.exit(f"soak: {program} is not installed; scripts/install-packages test bench installs it")
    seed = options.seed or str(time.time_ns())
    say(f"soak: {options.seconds:g} s, seed {seed} (SOAK_SEED={seed} repeats it)")

    checks = Checks()
    origin = subprocess.Popen([PYTHON, HERE / "origin.py", seed], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        with tempfile.TemporaryDirectory(prefix="portico-soak-") as name:
            directory = Path(name)
            directory.chmod(0o755)
            portico, nginx, sanitizer = start(options.binary.resolve(), directory, origin.stdout.readline().strip())
            try:
                soak(portico, origin, sanitizer, options.seconds, seed, checks)
                checks.attempt("SIGTERM ends it, and nothing was reported", lambda: portico.stop(balanced=False))
            finally:
                portico.kill()
                nginx.stop()
        origin.stdin.close()
        checks.check("the origin met nothing unexpected", origin.wait(30) == 0)
    finally:
        origin.kill()
        origin.wait()
    say(f"soak: {checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
