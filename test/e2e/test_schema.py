"""The configuration's JSON Schema, read by somebody else's validator: it refuses what it can, and
nothing that Portico accepts. And `portico help KEY`, which comes from the same table."""

import json
import random
import re
import subprocess
import tomllib

import jsonschema
import pytest

from harness.portico import BINARY, ROOT, sanitizer, toml
from harness.wire import LIMIT

SCHEMA = json.loads((ROOT / "config" / "schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
OLD_VALIDATOR = jsonschema.Draft4Validator(SCHEMA)  # as far as some editors have come

# Hundreds of processes, each of which takes long to start with a sanitizer in it; and what `check`
# says is tested with those elsewhere.
of_release = pytest.mark.skipif(bool(sanitizer()), reason="slow with sanitizers, which it has nothing for")

ROUTE = '[[routes]]\nhost = "a.test"\nupstream = "a:1"\n'


def invoke(*arguments):
    return subprocess.run([BINARY, *arguments], text=True, capture_output=True, timeout=LIMIT, stdin=subprocess.DEVNULL)


def complaints(text):
    """What the schema has against a TOML text: where, and which keyword says so."""
    return complaints_of(VALIDATOR, text)


def complaints_of(validator, text):
    return {("/".join(map(str, error.absolute_path)), error.validator) for error in validator.iter_errors(tomllib.loads(text))}


def check(tmp_path, text):
    path = tmp_path / "config.toml"
    path.write_text(text)
    return invoke("check", "--offline", path)


def readme_examples():
    text = (ROOT / "README.md").read_text()
    return re.findall(r"^```toml\n(.*?)^```", text, re.M | re.S)


def test_it_is_a_schema_and_the_binary_s_own():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    done = invoke("help", "--schema")
    assert (done.returncode, json.loads(done.stdout), done.stderr) == (0, SCHEMA, "")


GOOD = {
    "config/example.toml": (ROOT / "config" / "example.toml").read_text(),
    "config/demo.toml": (ROOT / "config" / "demo.toml").read_text(),
    **{f"README.md {number}": text for number, text in enumerate(readme_examples(), start=1)},
    "the tests'": toml([("x.test", "[::1]:80", "none"), ("127.0.0.1", "builtin:hello", "self_signed")],
                       {"listen": ["127.0.0.1", "::1"], "workers": 2, "trusted_proxies": ["127.0.0.0/8", "::1/128"],
                        "drain": "0s", "max_connections": 1000000, "max_per_client": 0, "body_rate": 0},
                       {"head": "10ms", "write": "30d", "linger": "0s", "answer": "0005m"}, {"email": "a@b"}),
    "hosts": toml([(host, "a:1", "none") for host in (
        "a", "A.test.", "a_b.test", "-".join("ab") + ".test", "xn--bcher-kva.test", "1.2.3.4", "::1", "[::2]", "::ffff:1.2.3.5",
        "1-2", "3com", "a" * 63 + ".test", ".".join(["a" * 63] * 3 + ["b" * 61]))]),
    "upstreams": toml([(f"h{number}", upstream, "none") for number, upstream in enumerate((
        "a:1", "a.:65535", "1.2.3.4:08080", "[::1]:1", "[2001:DB8::1]:80", "_a-b:1"))]),
    "lists": ROUTE + '[server]\nlisten = ["::ffff:1.2.3.4"]\ntrusted_proxies = ["10.0.0.0/8", "10.0.0.0/8", "::/0", "1.2.3.4"]\n',
}


@of_release
@pytest.mark.parametrize("name", GOOD)
def test_what_is_good(tmp_path, name):
    done = check(tmp_path, GOOD[name])
    assert done.returncode == 0, done.stderr
    assert complaints(GOOD[name]) == complaints_of(OLD_VALIDATOR, GOOD[name]) == set()


WRONG = {
    "nothing": ("", "", "required"),
    "no routes": ("[server]\nworkers = 1\n", "", "required"),
    "an empty list of routes": ("routes = []\n", "routes", "minItems"),
    "a single table of routes": ('[routes]\nhost = "a"\nupstream = "a:1"\n', "routes", "type"),
    "a route that is text": ('routes = ["a"]\n', "routes/0", "type"),
    "no host": ('[[routes]]\nupstream = "a:1"\n', "routes/0", "required"),
    "no upstream": ('[[routes]]\nhost = "a"\n', "routes/0", "required"),
    "an unknown section": (ROUTE + "[serverr]\n", "", "additionalProperties"),
    "an unknown key of a route": (ROUTE + "tls = true\n", "routes/0", "additionalProperties"),
    "an alias of a key": (ROUTE + 'domain = "a"\n', "routes/0", "additionalProperties"),
    "a port": (ROUTE + "[server]\nport = 80\n", "server", "additionalProperties"),
    "a key of another section": (ROUTE + '[server]\nhead = "1s"\n', "server", "additionalProperties"),
    "a key outside": ('email = "a@b"\n' + ROUTE, "", "additionalProperties"),
    "a section that is text": ('server = "x"\n' + ROUTE, "server", "type"),
    "a host that is a number": (ROUTE.replace('"a.test"', "1"), "routes/0/host", "type"),
    "several hosts": (ROUTE.replace('"a.test"', '["a", "b"]'), "routes/0/host", "type"),
    **{f"the host {host!r}": (ROUTE.replace("a.test", host), "routes/0/host", "pattern") for host in (
        "", ".", "a..b", "-a", "a-.b", "*.a.test", "http://a.test", "a.test/x", "a.test:80", "a b", "b\u00fccher.test", "[a]",
        "a@b", "x" * 64, "[::1]:80")},
    "a long host": (ROUTE.replace("a.test", ".".join(["a" * 63] * 4)), "routes/0/host", "maxLength"),
    "an upstream that is a number": (ROUTE.replace('"a:1"', "80"), "routes/0/upstream", "type"),
    **{f"the upstream {upstream!r}": (ROUTE.replace("a:1", upstream), "routes/0/upstream", "pattern") for upstream in (
        "", "a", "a:", ":80", "a:0", "a:x", "a:123456", "http://a:1", "a:1/x", "::1:80", "[::1]", "[a]:1", "builtin:bye",
        "unix:/run/x")},
    "an unknown kind of certificate": (ROUTE + 'cert_type = "letsencrypt"\n', "routes/0/cert_type", "anyOf"),
    "no kind of certificate": (ROUTE + "cert_type = false\n", "routes/0/cert_type", "anyOf"),
    "too few": (ROUTE + "[server]\nworkers = -1\n", "server/workers", "minimum"),
    "too many": (ROUTE + "[server]\nworkers = 1025\n", "server/workers", "maximum"),
    "a half": (ROUTE + "[server]\nbody_rate = 0.5\n", "server/body_rate", "type"),
    "a number in quotes": (ROUTE + '[server]\nworkers = "4"\n', "server/workers", "type"),
    "a duration without quotes": (ROUTE + "[timeouts]\nhead = 10\n", "timeouts/head", "type"),
    **{f"the duration {duration!r}": (ROUTE + f'[timeouts]\nhead = "{duration}"\n', "timeouts/head", "pattern") for duration in (
        "", "10", "10 s", "1.5s", "-1s", "1h30m", "10S", "10sec", "1w", "s")},
    "an address without brackets": (ROUTE + '[server]\nlisten = "::"\n', "server/listen", "type"),
    "no address": (ROUTE + "[server]\nlisten = []\n", "server/listen", "minItems"),
    "too many addresses": (ROUTE + f"[server]\nlisten = {[f'127.0.0.{i}' for i in range(1, 18)]}\n", "server/listen",
                           "maxItems"),
    "an address twice": (ROUTE + '[server]\nlisten = ["::", "::"]\n', "server/listen", "uniqueItems"),
    **{f"the address {address!r}": (ROUTE + f'[server]\nlisten = ["{address}"]\n', "server/listen/0", "pattern") for address in (
        "", "*", "localhost", "eth0", "1.2.3", "0.0.0.0:80", "[::]", "fe80::1%eth0")},
    "a port in the list": (ROUTE + "[server]\nlisten = [80]\n", "server/listen/0", "type"),
    **{f"the network {network!r}": (ROUTE + f'[server]\ntrusted_proxies = ["{network}"]\n', "server/trusted_proxies/0", "pattern")
       for network in ("", "10.0.0.0/", "10.0.0.0/255.0.0.0", "10.", "lan", "::/x")},
    **{f"the address {email!r}": (ROUTE + f'[acme]\nemail = "{email}"\n', "acme/email", "pattern")
       for email in ("", "you", "@", "a@", "@b", "a@b@c", "a b@c")},
}


@of_release
@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong(tmp_path, name):
    text, path, keyword = WRONG[name]
    assert (path, keyword) in complaints(text) & complaints_of(OLD_VALIDATOR, text)
    assert check(tmp_path, text).returncode == 2


# Of the wrong files of the unit tests, those that a schema cannot see: it takes arithmetic, or a
# comparison of two values, to know what is wrong with them.
ONLY_PORTICO = {
    "duration-huge", "duration-range", "duration-zero", "upstream-port-range", "host-bad-ipv4",
    "proxies-host-bits", "proxies-ipv6-host-bits", "proxies-prefix",
    "host-duplicate", "host-duplicate-ipv6", "listen-twice",  # in different spellings
    "variable-not-set", "variable-malformed", "secret-file",  # nor does it know other files and the environment
    "count-float",  # 2.0 is an integer to JSON Schema
}


def test_the_wrong_files_of_the_unit_tests():
    unseen = set()
    for path in (ROOT / "test" / "unit" / "wrong").rglob("*.toml"):
        try:
            if not complaints(path.read_bytes().decode()):
                unseen.add(path.stem)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            pass  # no document at all
    assert unseen == ONLY_PORTICO


# What Portico accepts, the schema accepts: values of which most are nearly right.

SEEDS = {
    "host": ["app.example.com", "a_b.test.", "::1", "[2001:db8::1]", "192.168.1.1", "xn--a-b.c", "::ffff:1.2.3.4", "${NONE:-app}.test"],
    "upstream": ["${NONE:-127.0.0.1}:80", "127.0.0.1:8080", "nas.:80", "[::1]:65535", "builtin:hello", "a-b_c.d:1"],
    "head": ["10ms", "20s", "1m", "1h", "0010s"],
    "email": ["you@example.com", "a+b@c"],
    "authorization": ["Basic dXNlcjpwYXNz", "Bearer ${NONE:-x}", "a", "$${"],
    "listen": ["0.0.0.0", "::", "fe80::1", "::ffff:1.2.3.4"],
    "trusted_proxies": ["10.0.0.0/8", "::/0", "fd00::/8", "1.2.3.4", "::1/128"],
}
LETTERS = "aZ09:.-_/[]${}@ *%\u00e9\u00a0mhd"


def mutate(rng, text):
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(("", *LETTERS)) + text[at + rng.randrange(2):]
    return text


def document(key, value):
    """A configuration in which all but this value is good."""
    quoted = json.dumps(value, ensure_ascii=False)
    if key == "host":
        return f'[[routes]]\nhost = {quoted}\nupstream = "a:1"\n'
    if key == "upstream":
        return f'[[routes]]\nhost = "a.test"\nupstream = {quoted}\n'
    if key == "authorization":
        return f"{ROUTE}authorization = {quoted}\n"
    section = {"head": "timeouts", "email": "acme"}.get(key, "server")
    return f"{ROUTE}[{section}]\n{key} = {quoted if section != 'server' else f'[{quoted}]'}\n"


@of_release
@pytest.mark.parametrize("key", SEEDS)
def test_what_portico_accepts(tmp_path, key):
    rng = random.Random(key)
    values = {mutate(rng, rng.choice(SEEDS[key])) for _ in range(40)} | set(SEEDS[key])
    accepted = [value for value in sorted(values) if check(tmp_path, document(key, value)).returncode == 0]
    assert len(accepted) >= len(SEEDS[key])
    for value in accepted:
        assert complaints(document(key, value)) == set(), value


# Help

def test_help_for_a_key_a_section_and_a_variable():
    for topic in ("timeouts.head", "head"):
        done = invoke("help", topic)
        assert (done.returncode, done.stderr) == (0, "")
        for words in ("[timeouts] head\n", '"20s"', '"10ms" to "1h"'):
            assert words in done.stdout
    assert re.search(r"\[\[routes\]\].*host .*upstream .*cert_type ", invoke("help", "routes").stdout, re.S)
    assert ".certs/" in invoke("help", "CERT_DIR").stdout == invoke("help", "cert_dir").stdout


def test_help_for_everything():
    done = invoke("help", "--reference")
    assert (done.returncode, done.stdout) == (0, (ROOT / "config" / "reference.md").read_text())
    sections = list(tomllib.loads((ROOT / "config" / "example.toml").read_text()).items())
    for section, keys in sections:
        for key, value in (keys[0] if isinstance(keys, list) else keys).items():
            if isinstance(value, dict):
                sections.append((f"{section}.{key}", value))
                continue
            assert f"### `{section}.{key}`" in done.stdout
            assert invoke("help", f"{section}.{key}").returncode == 0


@pytest.mark.parametrize("topic, words", [
    ("haed", 'did you mean "head"'), ("timeouts.haed", 'did you mean "head"'),
    ("routes.timeout", 'did you mean "routes.timeouts"'), ("server.head", 'did you mean "timeouts.head"'), ("domain", 'did you mean "routes.host"'), ("port", "HTTP_PORT"),
    ("CERT_DIRR", 'did you mean "CERT_DIR"'), ("frobnicate", "--reference"), ("", "--reference"), ("\x1b[2J", "?[2J")])
def test_help_for_what_there_is_not(topic, words):
    done = invoke("help", topic)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr and done.stderr.count("\n") == 1
