"""`portico check`: errors and warnings, for people and for scripts; and secrets, which nothing shows."""

import datetime
import json
import os
import re
import signal
import subprocess

import pytest
import yaml

from harness.origin import echo
from harness.portico import BINARY, ROOT, toml
from harness.wire import LIMIT, request

MARK = "S3CR3TM4RK"
SECRET = f"Basic {MARK}"


def check(path, *options, env=None, **more):
    environment = {**os.environ, "CERT_DIR": str(path.parent / "certs") if hasattr(path, "parent") else "certs", **(env or {})}
    return subprocess.run([BINARY, "check", *options, path], text=True, capture_output=True, timeout=LIMIT, env=environment, **more)


def problems_of(path, *options, **more):
    """What --json says, as a dictionary, and the problems in it; with what is true of each."""
    done = check(path, "--json", *options, **more)
    said = json.loads(done.stdout)
    assert done.stderr == ""
    assert set(said) == {"file", "ok", "routes", "problems", "omitted"}
    assert done.returncode == (0 if said["ok"] else 2)
    for problem in said["problems"]:
        assert list(problem) == ["severity", "code", "pointer", "file", "line", "column", "message", "hint"]
        assert problem["severity"] in ("error", "warning")
        assert problem["code"] in CODES
        assert problem["message"]
        assert problem["pointer"] == "" or problem["pointer"].startswith("/")
        assert all(problem[key] is None or problem[key] > 0 for key in ("line", "column"))
    assert said["ok"] == (not any(problem["severity"] == "error" for problem in said["problems"]))
    return said, said["problems"]


def write(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(0o600)
    return path


def document(value, suffix):
    """A configuration in one of the formats, spread over lines."""
    if suffix == "json":
        return json.dumps(value, indent=2) + "\n"
    if suffix == "yaml":
        return yaml.safe_dump(value, sort_keys=False)
    lines = []
    for section, tables in value.items():
        for table in tables if isinstance(tables, list) else [tables]:
            lines.append(f"[[{section}]]" if isinstance(tables, list) else f"[{section}]")
            lines += [f"{key} = {json.dumps(item)}" for key, item in table.items()]
    return "\n".join(lines) + "\n"


# The codes

CODES = {code: severity.lower() for severity, code in re.findall(
    r'^PROBLEM\(\w+, (\w+), "([a-z-]+)"', (ROOT / "src" / "format" / "problem.def").read_text(), re.M)}
ROUTE = '[[routes]]\nhost = "a.example.com"\nupstream = "127.0.0.1:1"\n'

# For each code a file that has it (and the name that it needs), what the pointer is, and the place.
OCCASIONS = {
    "too-large": (b"# \n" * 4_000_000, "", None),
    "bad-encoding": (ROUTE.encode() + b"# \xe4\n", "", (4, 3)),
    "other-format": ('{ "routes": [] }\n', "", None),
    "syntax": (ROUTE + "cert_type = none\n", "", (4, 13)),
    "unsupported": ("a.yaml", "routes:\n  - &x\n    host: a.example.com\n    upstream: 127.0.0.1:1\n", "", (2, 5)),
    "too-deep": ("a.json", "[" * 1001 + "]" * 1001, "", (1, 1001)),
    "duplicate-key": (ROUTE + 'host = "b.example.com"\n', "", (4, 1)),
    "no-route": ("[server]\n", "", None),
    "unknown-section": (ROUTE + '["serv~/er"]\n', "/serv~0~1er", (4, 2)),
    "unknown-key": (ROUTE + "wrong = 1\n", "/routes/0/wrong", (4, 1)),
    "missing-key": (ROUTE + '[[routes]]\nhost = "b.example.com"\n', "/routes/1", (4, 3)),
    "wrong-type": (ROUTE + '[server]\nlisten = ["::", 1]\n', "/server/listen/1", (5, 17)),
    "out-of-range": (ROUTE + "[server]\nworkers = 5000\n", "/server/workers", (5, 11)),
    "bad-duration": (ROUTE + '[timeouts]\nhead = "soon"\n', "/timeouts/head", (5, 8)),
    "bad-choice": (ROUTE + '[server]\nlog_level = "loud"\n', "/server/log_level", (5, 13)),
    "bad-host": ('[[routes]]\nhost = "*.a.test"\nupstream = "127.0.0.1:1"\n', "/routes/0/host", (2, 8)),
    "bad-upstream": (ROUTE.replace("127.0.0.1:1", "127.0.0.1"), "/routes/0/upstream", (3, 12)),
    "bad-address": (ROUTE + '[server]\nlisten = ["eth0"]\n', "/server/listen/0", (5, 11)),
    "bad-network": (ROUTE + '[server]\ntrusted_proxies = ["10.0.0.1/8"]\n', "/server/trusted_proxies/0", (5, 20)),
    "bad-email": (ROUTE + '[acme]\nemail = "me"\n', "/acme/email", (5, 9)),
    "bad-path": (ROUTE + '[server]\nrun_dir = ""\n', "/server/run_dir", (5, 11)),
    "bad-field": (ROUTE + 'authorization = "\\u0001"\n', "/routes/0/authorization", (4, 17)),
    "duplicate-host": (ROUTE + ROUTE.replace("a.e", "A.e"), "/routes/1/host", (5, 8)),
    "duplicate-address": (ROUTE + '[server]\nlisten = ["::1", "0::1"]\n', "/server/listen/1", (5, 18)),
    "bad-variable": (ROUTE + 'cert_type = "${X"\n', "/routes/0/cert_type", (4, 13)),
    "unset-variable": (ROUTE + 'cert_type = "${NOT_SET_FOR_SURE}"\n', "/routes/0/cert_type", (4, 13)),
    "masked-secret": (ROUTE + 'authorization = "<secret>"\n', "/routes/0/authorization", (4, 17)),
    "bad-secret-file": (ROUTE + 'authorization = "file:missing"\n', "/routes/0/authorization", (4, 17)),
    "never-matches": (ROUTE.replace("a.example.com", "0.0.0.0"), "/routes/0/host", (2, 8)),
    "no-public-certificate": (ROUTE.replace("a.example.com", "a.local"), "/routes/0/host", (2, 8)),
}
ELSEWHERE = {"unreadable-file", "bad-port", "unresolved-upstream", "unreadable-certificate", "expiring-certificate",
             "readable-secret"}  # have tests of their own below


def test_too_many_addresses(tmp_path):
    """As many as run takes, and no more."""
    for count in (16, 17):
        path = write(tmp_path / "a.toml", ROUTE + "[server]\nlisten = " + json.dumps([f"127.0.0.{i + 1}" for i in range(count)]) + "\n")
        said, problems = problems_of(path, "--offline")
        assert said["ok"] == (count == 16)
    assert [(problem["code"], problem["pointer"], problem["line"], problem["column"]) for problem in problems] == [
        ("out-of-range", "/server/listen", 5, 10)]
    assert "17 items; 16 at most" in problems[0]["message"] and "0.0.0.0" in problems[0]["hint"]


def test_every_code_has_a_test():
    assert set(OCCASIONS) | ELSEWHERE == set(CODES) - {"out-of-memory", "bad-size"}  # no key is a size yet
    reference = (ROOT / "config" / "reference.md").read_text()
    for code, severity in CODES.items():
        assert f"| `{code}` | {severity} | " in reference
        assert f"{'a' if severity == 'warning' else 'an'} {severity} of" in \
            subprocess.run([BINARY, "help", code], text=True, capture_output=True, timeout=LIMIT).stdout


@pytest.mark.parametrize("code", OCCASIONS)
def test_codes(tmp_path, code):
    *name, text, pointer, place = OCCASIONS[code]
    path = write(tmp_path / (name or ["a.toml"])[0], text)
    said, problems = problems_of(path, "--offline")
    found = [problem for problem in problems if problem["code"] == code]
    assert found, problems
    assert (found[0]["severity"], found[0]["pointer"], found[0]["file"]) == (CODES[code], pointer, str(path))
    assert (found[0]["line"], found[0]["column"]) == (place or (None, None))
    assert said["ok"] == (CODES[code] == "warning")


def test_a_file_that_is_not_there_and_ports_that_are_none(tmp_path):
    said, problems = problems_of(tmp_path / "missing")
    assert (said["ok"], said["routes"], problems[0]["code"], problems[0]["line"]) == (False, None, "unreadable-file", None)
    _, problems = problems_of(write(tmp_path / "a.toml", ROUTE), env={"HTTP_PORT": "http"})
    assert [(problem["code"], problem["file"], problem["pointer"]) for problem in problems] == [("bad-port", None, "")]


# All formats

def find(value, pointer):
    for part in pointer.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


WRONG = {
    "routes": [
        {"host": "a.test", "upstream": "${NOT_SET_FOR_SURE}:80", "cert_type": "none"},
        {"host": "b.test", "upstream": "127.0.0.1", "cert_type": "selfsigned", "authorization": SECRET + "\u00e9"},
        {"host": "A.TEST", "upstream": "127.0.0.1:80", "cert_type": "none", "frobnicate": "wrong"}],
    "server": {"listen": ["127.0.0.1", "localhost"], "log_level": "wrang", "workers": 100000},
    "timeouts": {"head": "1y"}}
WRONG_ONES = {
    "/routes/0/upstream": "unset-variable", "/routes/1/upstream": "bad-upstream", "/routes/1/cert_type": "bad-choice",
    "/routes/1/authorization": "bad-field", "/routes/2/host": "duplicate-host", "/routes/2/frobnicate": "unknown-key",
    "/server/listen/1": "bad-address", "/server/log_level": "bad-choice", "/server/workers": "out-of-range",
    "/timeouts/head": "bad-duration"}


@pytest.mark.parametrize("suffix", ["toml", "json", "yaml"])
def test_pointers_and_places_fit_together(tmp_path, suffix):
    """At the place stands what the pointer points to, or its key. In JSON the pointer is the place."""
    path = write(tmp_path / f"a.{suffix}", document(WRONG, suffix))
    said, problems = problems_of(path, "--offline")
    assert {problem["pointer"]: problem["code"] for problem in problems if problem["severity"] == "error"} == WRONG_ONES
    lines = path.read_text().splitlines()
    for problem in problems:
        if suffix == "json":
            assert problem["line"] is problem["column"] is None
            continue
        rest = lines[problem["line"] - 1][problem["column"] - 1:].lstrip("\"'")
        value, key = find(WRONG, problem["pointer"]), problem["pointer"].rsplit("/")[-1]
        assert rest.startswith(key if problem["code"] == "unknown-key" else str(value)[:8]), problem
    for people in (check(path, "--offline"), check(path, "--offline", "--strict")):
        assert people.returncode == 2
        assert [line for line in people.stderr.splitlines() if line.startswith(str(path))] == [
            (f"{path}: {problem['pointer']}: " if suffix == "json" else f"{path}:{problem['line']}:{problem['column']}: ")
            + ("warning: " if problem["severity"] == "warning" and "--strict" not in people.args else "") + problem["message"]
            for problem in problems]
    stream = subprocess.run([BINARY, "check", "--json", "--offline", "--format", suffix, "-"], input=path.read_text(), text=True,
                            capture_output=True, timeout=LIMIT)
    assert json.loads(stream.stdout.replace("standard input", str(path))) == said


GOOD = {
    "routes": [
        {"host": "app.local", "upstream": "nowhere.invalid:80"},
        {"host": "255.255.255.255", "upstream": "builtin:hello", "cert_type": "none"},
        {"host": "b.example.com", "upstream": "127.0.0.1:80", "authorization": SECRET}]}
WARNINGS = {"/routes/0/host": "no-public-certificate", "/routes/0/upstream": "unresolved-upstream",
            "/routes/1/host": "never-matches", "/routes/2/authorization": "readable-secret"}


@pytest.mark.parametrize("suffix", ["toml", "json", "yaml"])
def test_warnings(tmp_path, suffix):
    path = write(tmp_path / f"a.{suffix}", document(GOOD, suffix))
    path.chmod(0o644)
    said, problems = problems_of(path)
    assert (said["ok"], said["routes"], said["omitted"]) == (True, 3, 0)
    assert {problem["pointer"]: problem["code"] for problem in problems} == WARNINGS
    assert all(problem["severity"] == "warning" and bool(problem["line"]) == bool(problem["column"]) == (suffix != "json")
               and problem["hint"] for problem in problems)
    done = check(path)
    assert (done.returncode, done.stdout) == (0, f"{path}: ok, 3 routes, 4 warnings\n")
    assert done.stderr.count(": warning: ") == 4

    strict, problems = problems_of(path, "--strict")
    assert not strict["ok"] and {problem["severity"] for problem in problems} == {"error"}
    done = check(path, "--strict")
    assert (done.returncode, done.stdout, "warning: " in done.stderr) == (2, "", False)

    path.chmod(0o600)
    _, problems = problems_of(path, "--offline")
    assert [problem["code"] for problem in problems] == ["no-public-certificate", "never-matches"]
    assert not (tmp_path / "certs").exists()  # check makes nothing


def test_many_warnings_are_no_error(tmp_path):
    path = write(tmp_path / "a.toml", toml([(f"h{number}.local", "127.0.0.1:80", "acme") for number in range(150)]))
    said, problems = problems_of(path)
    assert (said["ok"], len(problems), said["omitted"]) == (True, 100, 50)
    assert check(path).returncode == 0


@pytest.mark.parametrize("host, code", [
    ("::", "never-matches"), ("0.1.2.3", "never-matches"), ("224.0.0.1", "never-matches"), ("ff02::1", "never-matches"),
    ("a.0x7f", "never-matches"), ("0x1", "never-matches"), ("a.0xg", None), ("localhost", "no-public-certificate"),
    ("127.0.0.1", "no-public-certificate"), ("2001:db8::1", "no-public-certificate"), ("nas", "no-public-certificate"),
    ("a.home.arpa", "no-public-certificate"), ("a.internal", "no-public-certificate"), ("local.example.com", None),
    ("notlocal", "no-public-certificate"), ("a.notlocal", None)])
def test_hosts_that_can_hardly_be_meant(tmp_path, host, code):
    path = write(tmp_path / "a.toml", toml([(host, "builtin:hello", "acme")]))
    assert [problem["code"] for problem in problems_of(path)[1]] == ([code] if code else [])
    path.write_text(toml([(host, "builtin:hello", "self_signed")]))
    assert [problem["code"] for problem in problems_of(path)[1]] == ([code] if code == "never-matches" else [])


# Certificates

def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=LIMIT)


def make_certificate(directory, name, days, host=None):
    directory.mkdir(parents=True, exist_ok=True)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-days", str(days),
            "-addext", f"subjectAltName=DNS:{host or name}",
            "-keyout", str(directory / f"{name}.key"), "-out", str(directory / f"{name}.crt"))


def test_certificates_on_the_disk(tmp_path):
    path = write(tmp_path / "a.toml", toml([(f"{name}.test", "builtin:hello", "self_signed")
                                            for name in ("good", "late", "damaged", "other", "keyless", "foreign", "none")]
                                           + [("plain.test", "builtin:hello", "none")]))
    certs = tmp_path / "certs"
    make_certificate(certs, "local-ca", 3650)
    for name, days in {"good": 80, "late": 5, "damaged": 80, "other": 80, "keyless": 80, "plain": 1}.items():
        make_certificate(certs / "self-signed", f"{name}.test", days)
    make_certificate(certs / "self-signed", "foreign.test", 80, host="good.test")
    (certs / "self-signed" / "damaged.test.crt").write_text("nothing")
    (certs / "self-signed" / "other.test.key").write_bytes((certs / "self-signed" / "good.test.key").read_bytes())
    (certs / "self-signed" / "keyless.test.key").unlink()
    before = sorted((file, file.stat().st_mtime_ns) for file in certs.rglob("*"))
    said, problems = problems_of(path)
    assert said["ok"]
    assert {problem["pointer"]: problem["code"] for problem in problems} == {
        "/routes/1/host": "expiring-certificate", "/routes/2/host": "unreadable-certificate",
        "/routes/3/host": "unreadable-certificate", "/routes/4/host": "unreadable-certificate",
        "/routes/5/host": "unreadable-certificate"}
    day = datetime.datetime.now(datetime.timezone.utc).date() + datetime.timedelta(days=5)
    assert any(str(day + datetime.timedelta(days=off)) in problems[0]["message"] for off in (-1, 0))
    assert before == sorted((file, file.stat().st_mtime_ns) for file in certs.rglob("*"))

    (certs / "local-ca.key").write_text("nothing")
    _, problems = problems_of(path)
    assert [(problem["code"], problem["pointer"]) for problem in problems][0] == ("unreadable-certificate", "")
    make_certificate(certs, "local-ca", 20)
    assert problems_of(path)[1][0]["code"] == "expiring-certificate"


# Secrets and variables

SECRET_FORMS = {
    "in the file": (SECRET, {}), "in the environment": ("${APP_SECRET}", {"APP_SECRET": SECRET}),
    "in part": (f"Basic ${{APP_SECRET:-{MARK}}}", {}), "in a file": ("file:sub/secret", {}),
    "in a file named by the environment": ("file:${SUB}/secret", {"SUB": "sub"})}


@pytest.mark.parametrize("suffix", ["toml", "json", "yaml"])
@pytest.mark.parametrize("form", SECRET_FORMS)
def test_where_secrets_come_from(tmp_path, suffix, form):
    value, env = SECRET_FORMS[form]
    (tmp_path / "sub").mkdir()
    write(tmp_path / "sub" / "secret", SECRET + "\n").chmod(0o640)
    path = write(tmp_path / f"a.{suffix}", document({"routes": [{"host": "a.test", "upstream": "a:1", "cert_type": "none",
                                                                 "authorization": value}]}, suffix))
    path.chmod(0o604)
    _, problems = problems_of(path, "--offline", env=env, cwd="/")
    if form == "in the file":
        assert [(problem["code"], "this file" in problem["message"]) for problem in problems] == [("readable-secret", True)]
    elif "in a file" in form:
        named = f'"{value.removeprefix("file:")}"'  # as it is written
        assert [(problem["code"], named in problem["message"]) for problem in problems] == [("readable-secret", True)]
    else:
        assert problems == []


@pytest.mark.parametrize("content, words", [
    (b"", "empty"), (b"\n", "empty"), (b"a" * 8193, "8192"), (b"a\0b", "NUL"), (b"a\nb", "control"), (b"a\n\n", "control"),
    (b"\xff", "ASCII"), (None, "No such file"), ("pipe", "a pipe or a device")])
def test_secret_files_that_are_none(tmp_path, content, words):
    if content == "pipe":
        os.mkfifo(tmp_path / "secret")
    elif content is not None:
        write(tmp_path / "secret", content)
    path = write(tmp_path / "a.toml", ROUTE + 'authorization = "file:secret"\n')
    _, problems = problems_of(path, "--offline")
    assert len(problems) == 1 and words in problems[0]["message"]


@pytest.mark.parametrize("content", [b"a" * 8192, b"a" * 8192 + b"\r\n", SECRET.encode() + b"\n", b"a"])
def test_secret_files_that_are_good(tmp_path, content):
    write(tmp_path / "secret", content)
    assert problems_of(write(tmp_path / "a.toml", ROUTE + 'authorization = "file:secret"\n'), "--offline")[1] == []


def test_variables_cannot_change_what_the_file_means(tmp_path):
    path = write(tmp_path / "a.yaml", "routes:\n  - host: ${A}\n    upstream: ${B:-127.0.0.1}:${C}\n    cert_type: none\n")
    assert problems_of(path, env={"A": "a.test", "C": "80"})[1] == []
    _, problems = problems_of(path, env={"A": "a.test\n    cert_type: acme", "C": '80"'})
    assert [(problem["code"], problem["pointer"]) for problem in problems] == [
        ("bad-host", "/routes/0/host"), ("bad-upstream", "/routes/0/upstream")]


def slips(suffix):
    """Files with secrets, and something wrong at one or near it. (test/unit/test_slips.c makes thousands.)"""
    good = document({"routes": [{"host": "a.test", "upstream": "127.0.0.1:80", "authorization": SECRET, "cert_type": "none"},
                                {"host": "b.test", "upstream": "127.0.0.1:80", "cert_type": "none"}]}, suffix)
    at = good.find("author")
    yield from (good[:at + step] + letter + good[at + step:] for step in (0, 3, 14, 16, 18, 25) for letter in "\"'\n:{")
    yield good.replace("authorization", "kennwort")
    yield good.replace(SECRET, SECRET + "\u00e9")
    yield good.replace("127.0.0.1:80", f"http://admin:{MARK}@127.0.0.1:80")
    yield good + good


@pytest.mark.parametrize("suffix", ["toml", "json", "yaml"])
def test_no_command_shows_a_secret_behind_a_slip(portico_factory, tmp_path, suffix):
    """Nor does the log, when a reload fails because of one."""
    portico = portico_factory(toml([("a.test", "builtin:hello", "none")]))
    path, refused = tmp_path / f"a.{suffix}", 0
    commands = [["check"], ["check", "--json"], ["run"], ["config"], ["explain", "http://a.test/"]]
    for number, text in enumerate(slips(suffix)):
        write(path, text)
        command = commands[number % len(commands)]
        done = subprocess.run([BINARY, *command, path], env={**portico.environment, "HTTP_PORT": "x"} if command == ["run"] else None,
                              text=True, capture_output=True, timeout=LIMIT)
        refused += done.returncode == 2
        assert MARK[:6] not in done.stdout + done.stderr, text
        if suffix == "toml" and number % 3 == 0 and check(path, "--offline").returncode == 2:
            write(portico.path, text)
            done = subprocess.run([BINARY, "reload", portico.path], env=portico.environment, text=True, capture_output=True, timeout=LIMIT)
            assert done.returncode != 0 and MARK[:6] not in done.stdout + done.stderr, text
    portico.stop()
    assert refused > 20 and MARK[:6] not in portico.log.text()


@pytest.mark.parametrize("text, value", [
    (ROUTE.replace("127.0.0.1:1", "${TOK}"), MARK), (ROUTE.replace("127.0.0.1:1", "a:${TOK}"), MARK),
    (ROUTE.replace("a.example.com", "${TOK}"), f"{MARK} b"), (ROUTE + '[acme]\nemail = "${TOK}"\n', MARK),
    (ROUTE + 'cert_type = "${TOK}"\n', MARK), (ROUTE + '[timeouts]\nhead = "${TOK}"\n', "7654321"),
    (ROUTE + '[server]\nlisten = ["${TOK}"]\n', MARK), (ROUTE + '[server]\ntrusted_proxies = ["${TOK}"]\n', MARK),
    (ROUTE + '[server]\nlisten = ["0::1", "${TOK}"]\n', "0:0::1"),
    (ROUTE + ROUTE.replace("a.example.com", "${TOK}"), "A.Example.com"), (ROUTE.replace("a.example.com", "${TOK}"), f"{MARK}.local")])
def test_what_a_variable_holds_is_not_shown(tmp_path, text, value):
    """It is quoted as the file has it."""
    path = write(tmp_path / "a.toml", text)
    _, problems = problems_of(path, "--offline", env={"TOK": value})
    assert len(problems) == 1 and "${TOK}" in problems[0]["message"]
    assert value.lower() not in (problems[0]["message"] + str(problems[0]["hint"])).lower()


def test_what_a_variable_holds_is_not_shown_when_it_does_not_resolve(tmp_path):
    path = write(tmp_path / "a.toml", ROUTE.replace("127.0.0.1:1", "${TOK}"))
    _, problems = problems_of(path, env={"TOK": f"{MARK}.invalid:80"})
    assert [problem["code"] for problem in problems] == ["unresolved-upstream"]
    assert MARK not in str(problems) and "${TOK}" in problems[0]["message"]


def ask(portico, host, *fields):
    client = portico.connect("http")
    try:
        return client.ask(request("GET", "/", *fields, host=host))
    finally:
        client.close()


def test_nothing_shows_a_secret(portico_factory, origin_factory, tmp_path):
    """It reaches the upstream, and neither the log at its most talkative, nor a signal, nor an error."""
    origin = origin_factory(echo)
    write(tmp_path / "secret", SECRET + "\n")
    secrets = {"a.test": f"file:{tmp_path}/secret", "b.test": "${APP_SECRET}", "c.test": SECRET, "down.test": SECRET}
    config = toml([(host, "127.0.0.1:1" if host == "down.test" else origin.upstream, "none") for host in secrets],
                  {"log_level": "debug"})
    for host, secret in secrets.items():
        config = config.replace(f'host = "{host}"', f'host = "{host}"\nauthorization = "{secret}"')
    portico = portico_factory(config, env={"APP_SECRET": SECRET})
    for host in ("a.test", "b.test", "c.test"):
        answer = ask(portico, host, "Authorization: Basic bXkgb3du", "authorization: again")
        sent = [line for line in answer.text.splitlines() if line.lower().startswith("authorization:")]
        assert sent == [f"Authorization: {SECRET}"]
    assert ask(portico, "down.test").status == 502
    assert ask(portico, "down.test", "Transfer-Encoding: chunked", "Content-Length: 1").status == 400
    portico.status()
    assert any("readable" in line or "others can read" in line for line in portico.log.items)  # at the start
    portico.stop()
    assert MARK not in portico.log.text() + portico.out.text()
    for command in (["config"], ["config", "--to", "json"], ["config", "--to", "yaml", "--no-defaults"], ["check", "--json", "--offline"],
                    ["explain", "http://b.test/"], ["explain", "--json", "http://c.test/"]):
        done = subprocess.run([BINARY, *command, portico.path], env=portico.environment, text=True, capture_output=True, timeout=LIMIT)
        assert done.returncode == 0 and MARK not in done.stdout + done.stderr
        if command[0] != "check":
            assert re.search(r"(?i)authorization\"?( =|:) \"?<secret>", done.stdout), done.stdout
        if command[0] == "config":  # and what it prints is not taken for a secret
            printed = write(tmp_path / "printed", done.stdout)
            format = command[2] if len(command) > 1 else "toml"
            _, problems = problems_of(printed, "--offline", "--format", format)
            assert [problem["code"] for problem in problems] == ["masked-secret"] * 4


def test_the_built_in_page_shows_no_secret(portico_factory):
    """It shows the head that an upstream would get, to everybody who asks."""
    config = toml([("a.test", "builtin:hello", "none")]).replace('host = "a.test"', f'host = "a.test"\nauthorization = "{SECRET}"')
    answer = ask(portico_factory(config), "a.test")
    assert answer.status == 200 and "Authorization: <secret>" in answer.text and MARK not in answer.text


def test_what_config_prints_has_the_variables_of_today(tmp_path):
    """And reads as itself, also where it holds what looks like a variable."""
    text = ROUTE.replace("127.0.0.1:1", "${UPSTREAM}") + '[acme]\nemail = "$${NAME}$$${X}@example.com"\n'
    path = write(tmp_path / "0.toml", text)
    env = {**os.environ, "UPSTREAM": "127.0.0.1:7"}
    for number, suffix in enumerate(["json", "yaml", "toml", "json"], start=1):
        done = subprocess.run([BINARY, "config", "--to", suffix, path], text=True, capture_output=True, timeout=LIMIT, env=env)
        assert (done.returncode, done.stderr) == (0, "")
        path = write(tmp_path / f"{number}.{suffix}", done.stdout)
        env = None
    values = json.loads(done.stdout)
    assert values["routes"][0]["upstream"] == "127.0.0.1:7"
    assert values["acme"]["email"] == "$${NAME}$$${X}@example.com"


def test_what_the_client_sends_goes_on_without_a_secret(portico_factory, origin_factory):
    origin = origin_factory(echo)
    portico = portico_factory(toml([("a.test", origin.upstream, "none")]))
    assert "Authorization: Basic bXkgb3du" in ask(portico, "a.test", "Authorization: Basic bXkgb3du").text


@pytest.mark.parametrize("level", ["debug", "info", "warn", "error"])
def test_log_level(tmp_path, level):
    """What is below it is not written. At the higher ones there is no line that says when it runs."""
    path = write(tmp_path / "a.toml", toml([("a.local", "builtin:hello", "acme")], {"log_level": level, "listen": ["127.0.0.1"]}))
    environment = {**os.environ, "CERT_DIR": str(tmp_path / "certs"), "HTTP_PORT": "0", "HTTPS_PORT": "0"}
    process = subprocess.Popen([BINARY, "run", path], env=environment, text=True, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    lines = []
    try:
        if level in ("debug", "info"):
            for line in process.stderr:
                lines.append(line)
                if " ready" in line:
                    break
        elif level == "warn":
            lines += [process.stderr.readline(), process.stderr.readline()]
        else:
            while not (tmp_path / "certs" / "self-signed" / "a.local.crt").exists():
                assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        lines += process.communicate(timeout=LIMIT)[1].splitlines()
    finally:
        process.kill()
        process.wait()
    levels = {line.split()[1] for line in lines}
    assert levels == {"debug": {"info", "warn"}, "info": {"info", "warn"}, "warn": {"warn"}, "error": set()}[level] | (
        {"debug"} & levels if level == "debug" else set())
    assert any("no public CA" in line for line in lines) == (level != "error")
