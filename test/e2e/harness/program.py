"""Other people's programs, each with a directory of its own and nothing of the user's environment.
Servers are told to take their port from the kernel; which one they got, /proc knows."""

import os
import shutil
import socket
import struct
import subprocess
import time
from pathlib import Path

import pytest

from .wire import LIMIT


def find_program(name):
    """Its path; a test that needs a program that is not there is skipped."""
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")
    if not path:
        pytest.skip(f"{name} is not installed")
    return path


def environment(home, **more):
    """What a program is given of the environment: it finds and leaves nothing outside its home."""
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(home), "TMPDIR": str(home),
            "XDG_RUNTIME_DIR": str(home), **more}


class Server:
    """A server as an origin: its process, and where on 127.0.0.1 it listens. Ports that are not for
    HTTP it is to have on another address."""

    def __init__(self, directory, command, **more):
        self.name = Path(command[0]).name
        self.output = Path(directory) / "output"
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(command, cwd=directory, env=environment(directory, **more),
                                            stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    def await_listening(self):
        deadline = time.monotonic() + LIMIT
        while not (ports := listening_ports(self.process.pid, "127.0.0.1")):
            assert self.process.poll() is None, f"{self.name} has ended: {self.said()}"
            assert time.monotonic() < deadline, f"{self.name} does not listen: {self.said()}"
            time.sleep(0.01)
        self.upstream = f"127.0.0.1:{ports[0]}"

    def said(self):
        return self.output.read_text(errors="replace")[-4000:]

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(LIMIT)
            raise AssertionError(f"{self.name} does not end: {self.said()}") from None


def listening_ports(pid, ip):
    """The TCP ports on which a process listens at this address: proc(5), as sockets of its own in
    the table of all, so that nobody else's are taken for them."""
    sockets = set()
    try:
        for descriptor in os.scandir(f"/proc/{pid}/fd"):
            try:
                sockets.add(os.readlink(descriptor.path))
            except FileNotFoundError:  # closed just now
                pass
        table = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    except OSError:  # the process has ended
        return []
    place = "%08X:" % struct.unpack("=I", socket.inet_aton(ip))
    rows = [line.split() for line in table]
    return [int(row[1].removeprefix(place), 16) for row in rows
            if row[1].startswith(place) and row[3] == "0A" and f"socket:[{row[9]}]" in sockets]
