"""scripts/gen-config: lines and containers become a configuration that Portico takes, or sentences."""

import json
import subprocess

import jsonschema
import pytest

from harness.portico import BINARY, ROOT, sanitizer
from harness.wire import LIMIT

pytestmark = pytest.mark.skipif(bool(sanitizer()), reason="nothing in it is C")

VALIDATOR = jsonschema.Draft202012Validator(json.loads((ROOT / "config" / "schema.json").read_text()))


def generate(text, *options):
    return subprocess.run([ROOT / "scripts" / "gen-config", *options], input=text, text=True, capture_output=True, timeout=LIMIT)


def routes(text, *options):
    """What comes out for a good input, as (host, upstream, cert_type or None)."""
    done = generate(text, *options)
    assert (done.returncode, done.stderr) == (0, "")
    config = json.loads(done.stdout)
    VALIDATOR.validate(config)
    assert list(config) == ["routes"]
    return [(route["host"], route["upstream"], route.get("cert_type")) for route in config["routes"]]


def complaint(text, *options):
    """What is said about a wrong input: sentences, and nothing else."""
    done = generate(text, *options)
    assert (done.returncode, done.stdout) == (1, "")
    assert all(line.startswith("gen-config: ") for line in done.stderr.splitlines()), done.stderr
    return done.stderr


def container(name="web", ports="0.0.0.0:8080->80/tcp, [::]:8080->80/tcp", networks="home", **others):
    """A line as `docker ps --format json` prints it; keyword label_x_y becomes the label x.y."""
    labels = {"maintainer": "NGINX Docker Maintainers <docker-maint@nginx.com>", "note": "a,b,c = d",
              "portico.host": f"{name}.home.arpa"}
    labels |= {key.removeprefix("label_").replace("_", ".", 1): value for key, value in others.items() if key.startswith("label_")}
    fields = {
        "Command": '"/docker-entrypoint.sh nginx -g \'daemon off;\'"', "CreatedAt": "2026-11-20 10:00:00 +0100 CET",
        "ID": "4c01db0b339c", "Image": "nginx:1", "LocalVolumes": "0", "Mounts": "", "Names": name, "Networks": networks,
        "Ports": ports, "RunningFor": "3 days ago", "Size": "0B", "State": "running", "Status": "Up 3 days (healthy)",
        "Labels": ",".join(f"{key}={value}" for key, value in labels.items() if value is not None)}
    fields |= {key: value for key, value in others.items() if not key.startswith("label_")}
    # Docker is a Go program, whose encoder does not let these through.
    return json.dumps(fields, ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026") + "\n"


def test_lines():
    text = "# my hosts\n\ncloud.test=127.0.0.1:8081\n  nas.test = [::1]:80  \r\nhello.test=builtin:hello"
    expected = [("cloud.test", "127.0.0.1:8081", None), ("nas.test", "[::1]:80", None), ("hello.test", "builtin:hello", None)]
    assert routes(text) == expected
    assert routes(text, "--cert-type", "none") == [(host, upstream, "none") for host, upstream, _ in expected]


def test_containers_and_lines_together():
    assert [host for host, _, _ in routes("a.test=a:1\n" + container() + "b.test=b:1\n")] == ["a.test", "web.home.arpa", "b.test"]


@pytest.mark.parametrize("ports, upstream", [
    ("0.0.0.0:8080->80/tcp, :::8080->80/tcp", "127.0.0.1:8080"),  # before Docker 27
    ("0.0.0.0:8080->80/tcp, [::]:8080->80/tcp", "127.0.0.1:8080"),
    ("[::]:32768->80/tcp, 0.0.0.0:32769->80/tcp", "127.0.0.1:32769"),
    ("127.0.0.1:8080->80/tcp", "127.0.0.1:8080"),
    ("192.168.1.2:8080->80/tcp", "192.168.1.2:8080"),
    (":::8080->80/tcp", "[::1]:8080"),
    ("[::1]:8080->80/tcp", "[::1]:8080"),
    ("fd00::2:8080->80/tcp", "[fd00::2]:8080"),
    ("0.0.0.0:53->53/udp, 0.0.0.0:8080->80/tcp", "127.0.0.1:8080"),
])
def test_published_ports(ports, upstream):
    assert routes(container(ports=ports)) == [("web.home.arpa", upstream, None)]


def test_one_of_several_ports():
    ports = "9000/tcp, 0.0.0.0:443->443/tcp, 127.0.0.1:18000-18002->8000-8002/tcp, 7000-7001/tcp"
    assert routes(container(ports=ports, label_portico_port="8001")) == [("web.home.arpa", "127.0.0.1:18001", None)]
    assert routes(container(ports=ports, label_portico_port="7001"), "--network", "home") == [("web.home.arpa", "web:7001", None)]


def test_containers_on_a_network():
    text = (container(ports="8080/tcp", networks="other,home") + container("shop-app_1.a,web/alias", ports="80/tcp", label_portico_host="s.test")
            + container("quiet", ports="", label_portico_port="3000"))
    assert routes(text, "--network", "home") == [
        ("web.home.arpa", "web:8080", None), ("s.test", "shop-app_1.a:80", None), ("quiet.home.arpa", "quiet:3000", None)]


def test_a_container_with_the_network_of_the_host():
    assert routes(container(ports="", networks="host", label_portico_port="8123")) == [("web.home.arpa", "127.0.0.1:8123", None)]


def test_several_hosts_and_a_type():
    for hosts in ("a.test b.test", "a.test,b.test", " a.test,  b.test "):
        assert routes(container(label_portico_host=hosts, label_portico_cert_type="none"), "--cert-type", "acme") == [
            ("a.test", "127.0.0.1:8080", "none"), ("b.test", "127.0.0.1:8080", "none")]


def test_containers_without_a_label_or_not_running_are_passed_over():
    others = (container("db", ports="5432/tcp", label_portico_host=None) + container("bare", Labels="")
              + container("gone", ports="", State="exited") + container("new", ports="", State="created"))
    assert routes(others + container()) == [("web.home.arpa", "127.0.0.1:8080", None)]
    assert "no running container with the label portico.host" in complaint(others)


def test_characters_that_shells_and_json_care_about():
    host = "we\"b$(id)'\\`.caf\u00e9"
    done = generate(container(label_portico_host=host) + "x;$HOME\"=y'\\z:1\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert [(route["host"], route["upstream"]) for route in json.loads(done.stdout)["routes"]] == [
        (host, "127.0.0.1:8080"), ('x;$HOME"', "y'\\z:1")]  # check refuses it, in its own words


def test_text_is_not_looked_up_in_the_environment():
    text = container(label_portico_host="${HOME}.test $${B}.test") + "c.test=a$b.${HOME}:1\n"
    assert [route[:2] for route in routes(text)] == [
        ("$${HOME}.test", "127.0.0.1:8080"), ("$$${B}.test", "127.0.0.1:8080"), ("c.test", "a$b.$${HOME}:1")]


@pytest.mark.parametrize("text, options", [
    ("\33[2J\n", []),
    ('{"Names": "\\u001b[2J"}\n', []),
    (container(label_portico_port="\33[2J\x7f\x9b0m"), []),
    (container(networks="\33[2J\r"), ["--network", "home"]),
    (container(label_portico_host="\33[2J") + container(label_portico_host="\33[2J"), []),
], ids=["line", "name", "port", "network", "host"])
def test_no_control_character_reaches_the_terminal(text, options):
    said = complaint(text, *options)
    assert len(said.splitlines()) == 1 and said[:-1].isprintable()


@pytest.mark.parametrize("text, options, words", [
    ("", [], "there is no route"),
    ("\n# only words\n", [], "there is no route"),
    ("a.test=a:1\ncloud.test 127.0.0.1:80\n", [], "line 2 is neither HOST=UPSTREAM nor JSON: cloud.test 127.0.0.1:80"),
    ("a=b=c\n", [], "line 1 is neither"),
    ("=a:1\n", [], "line 1 is neither"),
    ("a=\n", [], "line 1 is neither"),
    ('{"Names": "web"\n', [], "line 1 is no container"),
    ('{"Names": ["web"]}\n', [], "line 1 is no container"),
    ("[]\n", [], "line 1 is neither"),
    (container(""), [], "line 1 is no container"),
    (container(",web"), ["--network", "home"], "line 1 is no container"),
    (container("a b"), ["--network", "home"], "line 1 is no container"),
    (container(ports=80), [], "line 1 is no container"),
    (container(ports="1-9999999999/tcp"), [], "web has the ports 1-9999999999/tcp; numbers from 1 to 65535"),
    (container(ports="80/tcp, 0/tcp"), ["--network", "home"], "1 to 65535"),
    (container(ports="127.0.0.1:65535-65536->80-81/tcp"), [], "1 to 65535"),
    (container(label_portico_port="0"), ["--network", "home"], "portico.port=0; a number from 1 to 65535"),
    (container(label_portico_port="65536"), ["--network", "home"], "1 to 65535"),
    (container(label_portico_cert_type="selfsigned"), [], "portico.cert_type=selfsigned; acme, self_signed or none"),
    (container(label_portico_cert_type=""), [], "portico.cert_type=; acme"),
    ("a.test=a:1\nA.test.=b:1\n", [], "the host a.test is given twice: by line 1 and by line 2"),
    (container() + container("api", label_portico_host="web.home.arpa"), [], "by container web and by container api"),
    (container(ports="80/tcp"), [], "web does not publish its port 80"),
    (container(ports="80/tcp, 443/tcp"), [], "web has several ports (80, 443)"),
    (container(ports="53/udp"), [], "web has no TCP port"),
    (container(ports=""), [], "web has no TCP port"),
    (container(label_portico_port="81"), [], "web does not publish its port 81"),
    (container(label_portico_port="http"), [], "portico.port=http; a number from 1 to 65535 was expected"),
    (container(label_portico_host=" "), [], "web has an empty label portico.host"),
    (container(networks="a,b"), ["--network", "home"], "web is not on the network home but on a, b"),
], ids=lambda value: value if isinstance(value, str) and len(value) < 80 else "")
def test_wrong_input(text, options, words):
    assert words in complaint(text, *options)


def test_all_problems_are_reported():
    assert len(complaint("x\ny\n" + container(ports="")).splitlines()) == 3


@pytest.mark.parametrize("options, words", [
    (["--frobnicate"], "no option"), (["--network"], "needs a value"), (["--network", ""], "needs a value"),
    (["--cert-type", "letsencrypt"], "letsencrypt"), (["--network", "bridge"], "by name"), (["--network", "host"], "leave --network out")])
def test_a_wrong_command_line(options, words):
    done = generate("a.test=a:1\n", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr and done.stderr.startswith("gen-config: ")


def test_a_machine_without_jq(tmp_path):
    done = subprocess.run(["/bin/sh", ROOT / "scripts" / "gen-config"], input="a.test=a:1\n", env={"PATH": str(tmp_path)}, text=True,
                          capture_output=True, timeout=LIMIT)
    assert done.returncode == 1 and "jq is missing" in done.stderr


def test_portico_takes_it(tmp_path):
    path = tmp_path / "portico.json"
    path.write_text(generate("a.test=a:1\n" + container() + container("six", ports=":::1->1/tcp"), "--cert-type", "self_signed").stdout)
    done = subprocess.run([BINARY, "check", "--offline", path], text=True, capture_output=True, timeout=LIMIT)
    assert (done.returncode, done.stderr) == (0, "")
