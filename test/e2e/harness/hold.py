"""Holding one thread of a process still while the others go on, as a debugger does: what a
machine that is much too slow looks like, without the slowness."""

import ctypes
import os
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from .wire import LIMIT

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000  # wait for threads, too

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def thread_of(pid, name):
    """The id of the process's thread of that name, which it gives itself as it begins."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        for task in Path(f"/proc/{pid}/task").iterdir():
            if (task / "comm").read_text().strip() == name:
                return int(task.name)
    raise AssertionError(f"there is no thread {name}")


def await_sleep(pid, thread):
    """Until it waits for something: what it does before that, it may do with a lock that others need."""
    deadline = time.monotonic() + LIMIT
    while Path(f"/proc/{pid}/task/{thread}/stat").read_text().rpartition(")")[2].split()[0] != "S":
        assert time.monotonic() < deadline, f"thread {thread} does not come to rest"


@contextmanager
def held(pid, name):
    """Inside, the thread does not run. It is held where it sleeps."""
    thread = thread_of(pid, name)
    await_sleep(pid, thread)
    if libc.ptrace(PTRACE_SEIZE, thread, None, None) == -1:
        pytest.skip(f"no thread can be held here: {os.strerror(ctypes.get_errno())}")
    assert libc.ptrace(PTRACE_INTERRUPT, thread, None, None) == 0
    os.waitpid(thread, WALL)
    try:
        yield
    finally:
        libc.ptrace(PTRACE_DETACH, thread, None, None)
