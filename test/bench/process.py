"""Servers as child processes: started, awaited, stopped, and what they use of CPU and memory.

Everything that is started here is ended here, by its process id, and takes its children along.
CPU time is that of all threads and processes of a server, also of those that have ended."""

import ctypes
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


class Failed(Exception):
    """Something could not be measured; the text says what."""


def say(message):
    print(message, file=sys.stderr, flush=True)


def run_tool(name, run):
    """Runs a script's work; its exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are stopped
    try:
        run()
    except (Failed, subprocess.SubprocessError) as problem:
        say(f"{name}: {problem}")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def raise_open_files(needed):
    """Raises the limit on open files as far as it goes, for the children as well."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise Failed(f"only {hard} open files are allowed to a process here, and {needed} are "
                     f"needed for this many connections; raise the hard limit (ulimit -Hn {needed} "
                     "as root, or LimitNOFILE= of a service), or use --quick")
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def free_ports(count):
    """Ports of the kernel's choice, for programs that cannot ask for one themselves."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def descendants(pid):
    """The process and all its children, as far as they live."""
    found = [pid]
    for each in found:
        # A child is listed under the thread that made it.
        for task in Path(f"/proc/{each}/task").glob("*/children"):
            try:
                found += map(int, task.read_text().split())
            except (FileNotFoundError, ProcessLookupError):
                pass
    return found


def cpu_of(pid):
    """Seconds of CPU of one process, its ended threads and the children that it has waited for."""
    try:
        # The clock of a process counts nanoseconds, /proc only ticks; see clock_getcpuclockid(3).
        own = time.clock_gettime((~pid << 3) | 2)
        # The second field is the name in brackets, which may contain spaces.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return own + (int(fields[13]) + int(fields[14])) / TICKS
    except (FileNotFoundError, ProcessLookupError, OSError):
        return 0.0  # it has just ended, and its parent counts it


def memory_of(pid, field):
    """KiB of "Rss" (VmRSS) or "Pss" of one process."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    raise Failed(f"/proc/{pid}/smaps_rollup does not say {field}")


def die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Server:
    """A child process and all that it starts."""

    def __init__(self, name, command, directory, env=None, stdout=subprocess.DEVNULL):
        self.name = name
        self.log = directory / "stderr"
        self.began = time.monotonic()
        with open(self.log, "wb") as err:
            self.process = subprocess.Popen(
                list(map(str, command)), stdin=subprocess.DEVNULL, stdout=stdout, stderr=err,
                env=dict(os.environ, **(env or {})), preexec_fn=die_with_parent)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def pids(self):
        return descendants(self.process.pid)

    def cpu_seconds(self):
        return sum(map(cpu_of, self.pids()))

    def memory(self, field):
        """KiB, summed over its processes."""
        return sum(memory_of(pid, field) for pid in self.pids())

    def await_(self, condition, seconds=20):
        deadline = time.monotonic() + seconds
        while not condition():
            if self.process.poll() is not None:
                raise Failed(f"{self.name} did not start:\n{self.last_words()}")
            if time.monotonic() > deadline:
                raise Failed(f"{self.name} was not ready within {seconds} s:\n{self.last_words()}")
            time.sleep(0.005)

    def last_words(self):
        return self.log.read_text(errors="replace")[-2000:].strip() or "(it said nothing)"

    def stop(self):
        """Ends it, and after some seconds whatever is left of it."""
        if self.process.poll() is not None:
            return
        pids = self.pids()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            for pid in reversed(pids):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.process.wait()
