"""A Portico process: started with a configuration, watched, and stopped with its books checked."""

import json
import os
import re
import resource
import signal
import subprocess
import threading
import time
from pathlib import Path

from .client import Client, tls_context
from .wire import LIMIT

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("PORTICO_BIN", ROOT / "build" / "portico")).resolve()


def sanitizer():
    """Which sanitizer the binary was built with, if any."""
    code = BINARY.read_bytes()
    return "tsan" if b"__tsan_init" in code else "asan" if b"__asan_init" in code else None


# A sanitizer's report, or Portico's own last words.
REPORT = re.compile(r"ERROR: \w*Sanitizer|WARNING: \w*Sanitizer|SUMMARY: \w*Sanitizer"
                    r"|runtime error:|PANIC")
SUPPRESSIONS = ROOT / "test" / "e2e" / "tsan.supp"

ACCESS = re.compile(
    r'(?P<client>\S+) - (?P<user>\S+) \[(?P<date>[^\]]+)\] "(?P<request>(?:[^"\\]|\\.)*)" '
    r'(?P<status>\d+|-) (?P<bytes>\d+|-) "(?P<referer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)" '
    r'host=(?P<host>\S+) time=(?P<time>\S+) upstream=(?P<upstream>\S+) reason=(?P<reason>\S+) id=(?P<id>\S+)')


def cert_type(scheme):
    return "self_signed" if scheme == "https" else "none"


def toml(routes, server=None, timeouts=None, acme=None):
    """The text of a configuration: routes are (host, upstream, cert_type) and perhaps their timeouts."""
    lines = []
    for name, table in (("acme", acme), ("server", server), ("timeouts", timeouts)):
        if table:
            lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items()), ""]
    for host, upstream, cert_type, *own in routes:
        lines += ["[[routes]]", f'host = "{host}"', f'upstream = "{upstream}"',
                  f'cert_type = "{cert_type}"', ""]
        for table in own:
            lines += ["[routes.timeouts]", *(f'{key} = "{value}"' for key, value in table.items()), ""]
    return "\n".join(lines)


class Lines:
    """The lines of a pipe, collected by a thread."""

    def __init__(self, pipe):
        self.items = []
        self.over = False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._collect, args=(pipe,), daemon=True)
        self.thread.start()

    def _collect(self, pipe):
        for line in pipe:
            with self.changed:
                self.items.append(line.decode("utf-8", "backslashreplace").rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.over = True
            self.changed.notify_all()

    def mark(self):
        """Where the lines of now end: for `since`."""
        with self.changed:
            return len(self.items)

    def wait(self, predicate, since=0, limit=LIMIT):
        """The first line from `since` on for which the predicate holds."""
        deadline = time.monotonic() + limit
        with self.changed:
            while True:
                for item in self.items[since:]:
                    if predicate(item):
                        return item
                since = max(since, len(self.items))
                left = deadline - time.monotonic()
                if self.over or left <= 0 or not self.changed.wait(left):
                    raise AssertionError("no such line; the last ones were:\n"
                                         + "\n".join(self.items[-15:]))

    def wait_count(self, predicate, count, since=0):
        """Waits for so many lines for which the predicate holds; returns all of them."""
        with self.changed:
            def found():
                return [item for item in self.items[since:] if predicate(item)]
            enough = self.changed.wait_for(lambda: len(found()) >= count, LIMIT)
            assert enough, f"{len(found())} such lines instead of {count}"
            return found()

    def text(self):
        with self.changed:
            return "\n".join(self.items)


class Portico:
    def __init__(self, directory, config, env=None, arguments=("run",), listen=("127.0.0.1",), wrapper=()):
        """`config` is the text of the file; `[server] listen` and `max_wait` are put in when it has
        none: crowds on a busy machine are an overload, which is not what most tests are about.
        `wrapper` is a command that runs another one in its place."""
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.path = self.directory / "config.toml"
        self.path.write_text(with_max_wait(with_listen(config, listen)))
        self.cert_dir = self.directory / "certs"
        self.environment = {
            **os.environ,
            "CERT_DIR": str(self.cert_dir), "HTTP_PORT": "0", "HTTPS_PORT": "0",
            # The control socket: relative, since the path of a socket must not be long.
            "RUNTIME_DIRECTORY": ".",
            "ASAN_OPTIONS": "halt_on_error=1:exitcode=99:detect_leaks=1",
            "UBSAN_OPTIONS": "halt_on_error=1:exitcode=99:print_stacktrace=1",
            "TSAN_OPTIONS": f"halt_on_error=1:exitcode=99:second_deadlock_stack=1:suppressions={SUPPRESSIONS}",
            **(env or {}),
        }
        self.arguments = [*wrapper, str(BINARY), *arguments, str(self.path)]
        self.process = None
        self.ports = {}

    # Life

    def start(self, stdout=subprocess.PIPE):
        self.process = subprocess.Popen(self.arguments, env=self.environment, cwd=self.directory,
                                        stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE)
        self.out, self.log = Lines(self.process.stdout or ()), Lines(self.process.stderr)
        self.log.wait(lambda line: re.search(r" \w+: ready", line))
        self.ports = {}
        for line in list(self.log.items):
            if found := re.search(r"listening on (https?) (\S+):(\d+)$", line):
                scheme, host, port = found.groups()
                self.ports.setdefault(scheme, []).append((host.strip("[]"), int(port)))
        self.baseline = self.status()
        # The fewest of several looks: certificates may be read just now, a file at a time. On a
        # busy machine all looks may find one open, so there may be fewer later.
        self.baseline["descriptors"] = min(self.descriptors() for _ in range(10))
        return self

    def descriptors(self):
        """How many there are, but for the pipe that each worker makes when it first needs one."""
        targets = []
        for fd in Path(f"/proc/{self.process.pid}/fd").iterdir():
            try:
                targets.append(os.readlink(fd))
            except FileNotFoundError:
                pass  # closed just now
        ends = [target for target in targets if target.startswith("pipe:") and targets.count(target) == 2]
        names = [path.read_text() for path in Path(f"/proc/{self.process.pid}/task").glob("*/comm")]
        pipes = min(len(ends) // 2, sum(bool(re.match(r"w\d\d$", name)) for name in names))
        return len(targets) - 2 * pipes

    def stop(self, balanced=True):
        """SIGTERM, and everything that must be true of an orderly end."""
        if balanced:
            self.await_balance()
        self.process.send_signal(signal.SIGTERM)
        self.expect_exit(0)

    def expect_exit(self, status, limit=LIMIT):
        try:
            code = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("Portico does not end:\n" + "\n".join(self.log.items[-15:])) from None
        self.log.thread.join(LIMIT)
        self.out.thread.join(LIMIT)
        self.check_reports()
        assert code == status, f"exit status {code}:\n" + "\n".join(self.log.items[-15:])

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(LIMIT)

    def check_reports(self):
        text = self.log.text()
        found = REPORT.search(text)
        assert not found, text[max(0, found.start() - 500):found.start() + 20000]

    # What it says

    def status(self):
        """The status line as a dictionary of numbers, asked for with SIGUSR1."""
        since = self.log.mark()
        self.process.send_signal(signal.SIGUSR1)
        line = self.log.wait(lambda line: " main: status: " in line, since)
        return {key: int(value) for key, value in re.findall(r"(\S+)=(\d+)", line)}

    def await_status(self, condition):
        """Asks until the condition holds of the numbers; returns them."""
        deadline = time.monotonic() + LIMIT
        while not condition(numbers := self.status()):
            assert time.monotonic() < deadline, f"the counters stay at {numbers}"
        return numbers

    def await_balance(self):
        """Once all test clients have closed, the gauges are back where they began, and there are no
        more descriptors than then, idle connections to upstreams aside."""
        began = self.baseline

        def is_balanced(numbers):
            numbers["descriptors"] = self.descriptors()
            return (numbers["connections"] == numbers["tunnels"] == numbers["workers_busy"] == 0
                    and numbers["upstream_open"] == numbers["upstream_idle"]
                    and numbers["buffers"] <= began["buffers"]
                    and numbers["configs"] == 1
                    and numbers["descriptors"] <= began["descriptors"] + numbers["upstream_idle"])
        try:
            return self.await_status(is_balanced)
        except AssertionError as error:
            raise AssertionError(f"{error}, having begun at {began}") from None

    def await_standstill(self):
        """Until nothing moves: no worker is busy and nothing is parked anew, ten looks in a row."""
        seen = []

        def is_still(numbers):
            now = (numbers["workers_busy"], numbers["parks_total"])
            seen[:] = seen + [now] if seen and now == seen[-1] else [now]
            return now[0] == 0 and len(seen) >= 10
        return self.await_status(is_still)

    def resident(self):
        """Resident memory, in bytes."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB", text, re.M)[1]) * 1024

    def confine(self, more):
        """From now on it gets that many bytes of address space more, and none beyond them."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        limit = int(re.search(r"^VmSize:\s+(\d+) kB", text, re.M)[1]) * 1024 + more
        resource.prlimit(self.process.pid, resource.RLIMIT_AS, (limit, limit))

    def wait_log(self, predicate, since=0):
        """The first line of the log for which the predicate holds, or that contains it."""
        if isinstance(predicate, str):
            words = predicate
            predicate = lambda line: words in line  # noqa: E731
        return self.log.wait(predicate, since)

    def wait_access(self, predicate, since=0):
        """The first access line (parsed) for which the predicate holds."""
        line = self.out.wait(lambda line: predicate(parse_access(line)), since)
        return parse_access(line)

    # Another configuration

    def write(self, config, listen=("127.0.0.1",)):
        """Writes the file in place."""
        self.path.write_text(with_listen(config, listen))

    def invoke(self, *arguments):
        """Runs another `portico` in its environment."""
        return subprocess.run([str(BINARY), *map(str, arguments)], env=self.environment, cwd=self.directory,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT, check=False)

    def reload(self, config=None, listen=("127.0.0.1",)):
        """`portico reload`, after writing the file if there is another one. It must succeed."""
        if config is not None:
            self.write(config, listen)
        done = self.invoke("reload", self.path)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr + self.log.text()[-2000:]
        assert f"reloaded: {self.path}" in done.stdout
        return done.stdout

    def await_certificate(self, host):
        """Portico is ready before its certificates are. The file, once it has been made."""
        path = self.cert_dir / "self-signed" / f"{host}.crt"
        deadline = time.monotonic() + LIMIT
        while not path.exists():
            assert time.monotonic() < deadline, self.log.text()
            time.sleep(0.001)
        return path

    # How to reach it

    def address(self, scheme, family=4):
        return next(a for a in self.ports[scheme] if (":" in a[0]) == (family == 6))

    @property
    def root(self):
        return self.cert_dir / "local-ca.crt"

    def connect(self, scheme, server_name=None, family=4, version=None, verify=True, **options):
        context = tls_context(self.root, version, verify) if scheme == "https" else None
        return Client(self.address(scheme, family), context, server_name, **options)


def with_listen(config, listen):
    return with_server(config, "listen", list(listen)) if listen else config


def with_max_wait(config):
    return with_server(config, "max_wait", "1h")


def with_server(config, key, value):
    """The configuration with this key of [server], unless it has one."""
    if re.search(rf"^{key}\s*=", config, re.M):
        return config
    line = f"{key} = {json.dumps(value)}\n"
    if re.search(r"^\[server\]\n", config, re.M):
        return re.sub(r"^\[server\]\n", lambda found: found.group() + line, config, count=1, flags=re.M)
    return f"[server]\n{line}\n" + config


def parse_access(line):
    found = ACCESS.fullmatch(line)
    assert found, f"not an access line: {line!r}"
    entry = found.groupdict()
    entry["status"] = 0 if entry["status"] == "-" else int(entry["status"])
    entry["bytes"] = 0 if entry["bytes"] == "-" else int(entry["bytes"])
    return entry
