"""Configuration files that are none: a sentence that begins with the file's name, and exit status 2,
whichever command meets them."""

import os
import random
import re
import socket
import subprocess

import pytest

from harness.portico import BINARY, toml
from harness.wire import LIMIT

GOOD = toml([("x.test", "127.0.0.1:80", "none")]).encode()

FILES = {
    "empty": (b"", "no route"),
    "blank": (b" \n\t\n\r\n# nothing\n", "no route"),
    "binary": (BINARY.read_bytes()[:200_000], "binary"),
    "random": (random.Random(1).randbytes(5000), "binary"),
    "one NUL": (GOOD + b"\0", "NUL"),
    "UTF-16": (GOOD.decode().encode("utf-16"), "UTF-16"),
    "UTF-16 without a mark": (GOOD.decode().encode("utf-16-le"), "NUL"),
    "Latin-1": (GOOD + b"# caf\xe9\n", "UTF-8"),
    "carriage returns": (GOOD.replace(b"\n", b"\r"), "carriage return"),
    "another language": (b"server {\n    listen 80;\n}\n", "1:"),
    "huge": (b"# \n" * 4_000_000, "10 MiB"),
    "a long line": (b"x" * 3_000_000, "1:"),
    "a deep array": (GOOD + b"a = " + b"[" * 100_000, "5:"),
    "a deep table": (GOOD + b"a = " + b"{a=" * 100_000, "5:"),
    "a deep key": (GOOD + b"[a" + b".a" * 100_000 + b"]\n", "5:"),
    "many mistakes": (GOOD + b"wrong =\n" * 5000, "5:"),
}


def check_refusal(done, path):
    """What is true of every refusal; returns what it says."""
    assert (done.returncode, done.stdout) == (2, b""), done.stderr
    text = done.stderr.decode()
    assert text.startswith(f"{path}:"), text
    assert len(text.splitlines()[0]) > len(str(path)) + 20  # more than a word
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text), "control characters on a terminal"
    assert len(text.splitlines()) < 1000, "more than anybody reads"
    return text


def invoke(command, path, prefix=()):
    return subprocess.run([*prefix, BINARY, command, path], stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT)


@pytest.mark.parametrize("command", ["run", "check"])
@pytest.mark.parametrize("name", FILES)
def test_files_that_are_no_configuration(tmp_path, command, name):
    data, words = FILES[name]
    path = tmp_path / "portico.toml"
    path.write_bytes(data)
    assert words in check_refusal(invoke(command, path), path)


@pytest.mark.parametrize("command", ["run", "check"])
def test_what_is_no_file(tmp_path, command):
    """Directories, devices, dead ends."""
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        for path, words in ((tmp_path, "directory"), (tmp_path / "missing", "No such file"), (tmp_path / "loop", "symbolic links"),
                            (tmp_path / "file" / "below", "Not a directory"),
                            (tmp_path / "socket", "cannot be read"), ("/dev/null", "no route"), ("/dev/zero", "10 MiB")):
            assert words in check_refusal(invoke(command, path), path)


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_file_that_must_not_be_read(tmp_path, command):
    path = tmp_path / "portico.toml"
    path.write_bytes(GOOD)
    path.chmod(0)
    prefix = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    done = invoke(command, path, prefix)
    assert "Permission denied" in check_refusal(done, path)


def test_files_that_are_unusual_but_good(tmp_path):
    """A byte order mark, a missing last line end, Windows line ends, thousands of routes, a pipe."""
    routes = [(f"h{number}.test", "127.0.0.1:80", "none") for number in range(5000)]
    for number, data in enumerate((b"\xef\xbb\xbf" + GOOD, GOOD.rstrip(), GOOD.replace(b"\n", b"\r\n"), toml(routes).encode())):
        path = tmp_path / f"{number}.toml"
        path.write_bytes(data)
        done = invoke("check", path)
        assert (done.returncode, done.stderr) == (0, b"")
    done = subprocess.run([BINARY, "check", "/dev/stdin"], input=GOOD, capture_output=True, timeout=LIMIT)
    assert (done.returncode, done.stderr) == (0, b"")
