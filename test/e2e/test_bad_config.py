"""Configuration files that are none: a sentence that begins with the file's name, and exit status 2,
whichever command meets them."""

import os
import random
import re
import socket
import subprocess

import pytest

from harness.portico import BINARY, ROOT, toml
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
    "many values": (GOOD + b"a = [1" + b",1" * 4_000_000 + b"]\n", "more than 1000000 values"),
    "many mistakes": (GOOD + b"wrong =\n" * 5000, "5:"),
}


JSON = b'{ "routes": [ { "host": "x.test", "upstream": "127.0.0.1:80", "cert_type": "none" } ]%s }\n'
YAML = b"routes:\n  - host: x.test\n    upstream: 127.0.0.1:80\n    cert_type: none\n"

# By what they should be, and are not.
OTHER_FILES = {
    "json": {
        "empty": (b"", "no route"),
        "binary": (FILES["binary"][0], "binary"),
        "one NUL": (JSON % b"" + b"\0", "NUL"),
        "UTF-16": ((JSON % b"").decode().encode("utf-16"), "UTF-16"),
        "Latin-1": (JSON % b', "caf\xe9": 1', "UTF-8"),
        "TOML": (GOOD, "this is TOML"),
        "cut off": ((JSON % b"")[:-20], "not closed"),
        "huge": (b" " * 11_000_000 + JSON % b"", "10 MiB"),
        "a long line": (b'{ "' + b"x" * 3_000_000, "1:"),
        "deep arrays": (JSON % (b', "a": ' + b"[" * 100_000), "too deep"),
        "deep objects": (JSON % (b', "a": ' + b'{"a":' * 100_000), "too deep"),
        "a large number": (JSON % b', "server": {"workers": 9007199254740993}', "too large"),
        "many values": (JSON % (b', "a": [1' + b",1" * 4_000_000 + b"]"), "more than 1000000 values"),
        "many mistakes": (JSON % b"".join(b', "wrong": nope\n' for _ in range(5000)), "1:97: "),
        "many doubles": (JSON % b"".join(b', "a": 1\n' for _ in range(5000)), "/a: "),
    },
    "yaml": {
        "empty": (b"", "no route"),
        "binary": (FILES["binary"][0], "binary"),
        "one NUL": (YAML + b"\0", "NUL"),
        "UTF-16": (YAML.decode().encode("utf-16"), "UTF-16"),
        "Latin-1": (YAML + b"# caf\xe9\n", "UTF-8"),
        "TOML": (GOOD, "this is TOML"),
        "tabs": (YAML.replace(b"    ", b"\t"), "tab"),
        "carriage returns": (YAML.replace(b"\n", b"\r"), "carriage return"),
        "huge": (b"#  \n" * 3_000_000 + YAML, "10 MiB"),
        "a long line": (b"x" * 3_000_000, "1:"),
        "deep lists": (YAML + b"a: " + b"[" * 100_000, "5:"),
        "deep mappings": (YAML + b"a: " + b"{a: " * 100_000, "too deep"),
        "deep dashes": (YAML + b"a:\n  " + b"- " * 100_000, "too deep"),
        "a billion laughs": (b"a: &a [x,x,x,x,x,x,x,x,x,x]\n" + b"".join(
            b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 10)) for c in b"bcdefghi"), "anchor"),
        "many values": (YAML + b"a: [1" + b",1" * 4_000_000 + b"]\n", "more than 1000000 values"),
        "many mistakes": (YAML + b"".join(b"wrong%d: x\n" % number for number in range(5000)), "wrong0"),
        "many doubles": (YAML + b"a: 1\n" * 5000, "already defined"),
        "two documents": (YAML + b"---\n" + YAML, "another document"),
    },
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


@pytest.mark.parametrize("suffix, name", [(suffix, name) for suffix in OTHER_FILES for name in OTHER_FILES[suffix]])
def test_files_in_other_formats(tmp_path, suffix, name):
    """By its name, or from standard input by --format."""
    data, words = OTHER_FILES[suffix][name]
    path = tmp_path / f"portico.{suffix}"
    path.write_bytes(data)
    by_name = check_refusal(invoke("check", path), path)
    assert words in by_name
    done = subprocess.run([BINARY, "run", "--format", suffix, "-"], input=data, capture_output=True, timeout=LIMIT)
    assert check_refusal(done, "standard input").replace("standard input:", f"{path}:") == by_name


@pytest.mark.parametrize("suffix", ["toml", "json", "yaml", "yml"])
def test_a_file_of_100_megabytes(tmp_path, suffix):
    path = tmp_path / f"portico.{suffix}"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    assert "10 MiB" in check_refusal(invoke("check", path), path)


@pytest.mark.parametrize("suffix", ["toml", "json", "yaml"])
def test_the_examples_of_the_readme(tmp_path, suffix):
    examples = re.findall(rf"^```{suffix}\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)
    assert examples
    for example in examples:
        path = tmp_path / f"portico.{suffix}"
        path.write_text(example)
        done = subprocess.run([BINARY, "check", "--offline", path], capture_output=True, timeout=LIMIT)
        assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("data, suffix", [(GOOD, "toml"), (JSON % b"", "json"), (YAML, "yaml"), (YAML, "yml"), (YAML, "YAML")])
def test_each_format_by_name_and_by_option(tmp_path, data, suffix):
    path = tmp_path / f"portico.{suffix}"
    path.write_bytes(data)
    bare = tmp_path / "portico"
    bare.write_bytes(data)
    name = {"yml": "yaml"}.get(suffix.lower(), suffix.lower())
    for arguments in ([path], ["--format", name, bare], [bare, f"--format={name}"], ["-", "--format", name]):
        done = subprocess.run([BINARY, "check", *arguments], input=data, capture_output=True, timeout=LIMIT)
        assert (done.returncode, done.stderr) == (0, b""), arguments
        assert b": ok, 1 route" in done.stdout


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


@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_what_is_no_file_in_other_formats(tmp_path, suffix):
    (tmp_path / f"directory.{suffix}").mkdir()
    for name, words in (("directory", "this is a directory"), ("missing", "No such file")):
        path = tmp_path / f"{name}.{suffix}"
        text = check_refusal(invoke("check", path), path)
        assert words in text
    assert "[[routes]]" not in text  # the advice is in the format at hand


@pytest.mark.parametrize("command, suffix", [("run", "toml"), ("check", "toml"), ("check", "json"), ("check", "yaml")])
def test_a_file_that_must_not_be_read(tmp_path, command, suffix):
    path = tmp_path / f"portico.{suffix}"
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
