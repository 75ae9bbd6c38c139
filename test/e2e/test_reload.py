"""Reloading the configuration: how it is asked for, what it changes, and what it leaves alone."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest
import websockets

from harness.client import Client
from harness.hold import held
from harness.origin import Origin, answer
from harness.portico import BINARY, toml
from harness.scale import scaled
from harness.websocket_echo import WebSocketEcho
from harness.wire import CLEAN, LIMIT, read_head, request, response

HELLO = ("hello.test", "builtin:hello", "none")
SECURE = ("hello.secure.test", "builtin:hello", "self_signed")


def hello(*hosts, cert_type="none", **sections):
    return toml([(host, "builtin:hello", cert_type) for host in hosts], **sections)


def status_of(portico, host, scheme="http"):
    client = portico.connect(scheme, server_name=host)
    status = client.ask(request("GET", "/", "Connection: close", host=host)).status
    client.reset()
    return status


def done(line):
    return " admin: reloaded: " in line


def failed(line):
    return " admin: not reloaded: " in line


def await_done(portico, mark, ended=done):
    portico.wait_log(ended, mark)


# Who asks for it

def test_sighup(portico_factory):
    portico = portico_factory(hello("a.test"))
    mark = portico.log.mark()
    portico.write(hello("a.test", "b.test"))
    portico.process.send_signal(signal.SIGHUP)
    await_done(portico, mark)
    assert "SIGHUP: reloading" in portico.log.text()
    assert (status_of(portico, "a.test"), status_of(portico, "b.test")) == (200, 200)


def test_the_command(portico_factory):
    portico = portico_factory(hello("a.test"), env={"RUNTIME_DIRECTORY": "", "CERT_DIR": "certs"})
    assert portico.wait_log("info main: `portico reload` reaches this process at ").endswith("certs/portico.sock")
    said = portico.reload(hello("b.test", "c.test"))
    assert said == f"reloaded: {portico.path}, routes: 2\n"
    assert (status_of(portico, "a.test"), status_of(portico, "b.test")) == (421, 200)
    assert (portico.cert_dir / "portico.sock").stat().st_mode & 0o777 == 0o600
    portico.stop()
    assert not (portico.cert_dir / "portico.sock").exists()


def test_run_dir(portico_factory, tmp_path):
    """Also when the new file has problems, among which run_dir is not; and a second process in
    the same directory leaves the first one's socket alone."""
    run = tmp_path / "run"
    server = {"run_dir": str(run)}
    portico = portico_factory(hello("a.test", server=server))
    portico.reload(hello("b.test", server=server))
    portico.write(hello("b.test", server={**server, "worker": 1}))
    found = portico.invoke("reload", portico.path)
    assert found.returncode == 2 and '"worker" is no key of [server]' in found.stderr
    second = portico_factory(hello("second.test", server=server))
    second.wait_log("another Portico has its control socket in")
    portico.reload(hello("b.test", server=server))
    assert (status_of(portico, "b.test"), status_of(second, "second.test")) == (200, 200)
    # Another run_dir takes effect after a restart, and so does another number of workers.
    portico.write(hello("b.test", server={"run_dir": str(tmp_path / "other"), "workers": 3}))
    mark = portico.log.mark()
    portico.process.send_signal(signal.SIGHUP)
    portico.wait_log("changed: workers, run_dir; that takes effect after a restart", mark)
    await_done(portico, mark)


BROKEN = '[[routes]]\nhost = "a.test"\nupstream = """no end\n'


def test_a_damaged_or_missing_file_is_its_process_s_affair(portico_factory, tmp_path):
    """Never that of another process with the same CERT_DIR; without a process, it is reported."""
    run = {"run_dir": str(tmp_path / "run")}
    shared = {"RUNTIME_DIRECTORY": "", "CERT_DIR": str(tmp_path)}
    other = portico_factory(hello("other.test"), env=shared)
    portico = portico_factory(hello("a.test", server=run), env=shared)
    mark = other.log.mark()
    portico.write(hello("b.test", server={"run_dir": str(tmp_path / "edited")}))
    found = portico.invoke("reload", portico.path)
    assert (found.returncode, status_of(portico, "b.test")) == (0, 200), found.stderr
    portico.path.write_text(BROKEN)
    found = portico.invoke("reload", portico.path)
    assert found.returncode == 2 and "not reloaded: problems in" in found.stderr, found.stderr
    portico.path.unlink()
    found = portico.invoke("reload", portico.path)
    assert found.returncode == 2 and "not reloaded: problems in" in found.stderr, found.stderr
    assert "the configuration cannot be read" in found.stderr
    assert status_of(portico, "b.test") == 200
    portico.stop()
    portico.path.write_text(BROKEN)
    found = portico.invoke("reload", portico.path)
    assert found.returncode == 2 and f"{portico.path}:" in found.stderr, found.stderr
    assert f"(of a process that serves {other.path})" in found.stderr
    portico.path.write_text(hello("c.test"))
    assert portico.invoke("reload", portico.path).returncode == 1
    assert portico.invoke("reload", "-").returncode == 1
    assert "reloading" not in "\n".join(other.log.items[mark:])


def test_a_directory_that_cannot_be_used_is_no_failure(portico_factory):
    portico = portico_factory(hello("a.test", server={"run_dir": "/proc/nowhere"}))
    portico.wait_log("warn main: `portico reload` will not work, SIGHUP does: ")
    mark = portico.log.mark()
    portico.process.send_signal(signal.SIGHUP)
    await_done(portico, mark)


def test_other_clients_of_the_socket(portico_factory, tmp_path):
    """Silent ones hold nobody up; unknown words are answered."""
    portico = portico_factory(hello("a.test", server={"run_dir": str(tmp_path / "run")}))
    path = str(tmp_path / "run" / "portico.sock")
    silent = []
    for _ in range(4):
        silent.append(socket.socket(socket.AF_UNIX))
        silent[-1].connect(path)
    portico.reload()
    with socket.socket(socket.AF_UNIX) as other:
        other.connect(path)
        other.sendall(b"make coffee\n")
        text = other.makefile().read()
    assert text.startswith("error 1\nthis Portico (") and "does not know that command" in text
    for client in silent:
        client.close()


def test_a_storm_of_signals(portico_factory):
    portico = portico_factory(hello("a.test"))
    for _ in range(scaled(200, 50)):
        portico.process.send_signal(signal.SIGHUP)
    portico.write(hello("b.test"))
    portico.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + LIMIT
    while status_of(portico, "b.test") != 200:
        assert time.monotonic() < deadline
    portico.await_balance()


@contextlib.contextmanager
def while_it_reads(portico):
    """Starts it with a pipe as its file: the block runs while it waits for the text, which is what
    the file has been."""
    text = portico.path.read_text()
    portico.stop()
    ended = portico.process
    portico.path.unlink()
    os.mkfifo(portico.path)
    starter = threading.Thread(target=portico.start)
    starter.start()
    with open(portico.path, "w", encoding="utf-8") as pipe:  # once it has opened its end
        while portico.process is ended:
            time.sleep(0.001)
        yield
        pipe.write(text)
    starter.join(LIMIT)


def test_signals_that_come_while_it_starts(portico_factory):
    """SIGHUP and SIGUSR1 wait until it can follow them."""
    portico = portico_factory(hello("a.test"))
    with while_it_reads(portico):
        portico.process.send_signal(signal.SIGHUP)
        portico.process.send_signal(signal.SIGUSR1)
    portico.wait_log("SIGHUP: reloading")
    assert status_of(portico, "a.test") == 200


# The file, watched

def rename(path, text, _portico=None):
    beside = path.with_name("beside")
    beside.write_text(text)
    beside.rename(path)


def away_and_back(path, text, portico):
    mark = portico.log.mark()
    path.unlink()
    portico.wait_log("is gone; the configuration in force stays until it is back", mark)
    path.write_text(text)


def swapped_link(path, text, _portico):
    """As Kubernetes mounts a ConfigMap."""
    new = path.with_name(f"..{len(list(path.parent.iterdir()))}")
    new.mkdir()
    (new / path.name).write_text(text)
    temporary = path.with_name("..temporary")
    temporary.symlink_to(new.name)
    temporary.rename(path.with_name("..data"))
    if not path.is_symlink():
        path.unlink()
        path.symlink_to(f"..data/{path.name}")


def test_watch(portico_factory):
    watched = {"server": {"watch": True}}
    portico = portico_factory(hello("a0.test", **watched))
    for number, change in enumerate((away_and_back, swapped_link, swapped_link)):
        mark = portico.log.mark()
        text = portico.path.read_text().replace(f'"a{number}.test"', f'"a{number + 1}.test"')
        change(portico.path, text, portico)
        await_done(portico, mark)
        assert "the file has changed: reloading" in "\n".join(portico.log.items[mark:])
        assert status_of(portico, f"a{number + 1}.test") == 200
    # An error leaves the last one in force; the next change mends it.
    good, mark = portico.path.read_text(), portico.log.mark()
    portico.path.write_text(good + "nonsense = 1\n")
    await_done(portico, mark, failed)
    assert status_of(portico, "a3.test") == 200
    mark = portico.log.mark()
    rename(portico.path, good)
    await_done(portico, mark)
    # What a command has loaded is no news; nor is anything once it is off.
    mark = portico.log.mark()
    rename(portico.path, good.replace("watch = true", "watch = false"))
    portico.reload()
    assert "the file has changed" not in "\n".join(portico.log.items[mark:])


def test_a_change_while_it_starts_is_seen(portico_factory):
    watched = hello("a.test", server={"watch": True, "listen": ["127.0.0.1"]})
    portico = portico_factory(watched)
    with while_it_reads(portico):
        rename(portico.path, watched.replace("a.test", "b.test"))
    portico.wait_log("the file has changed: reloading")
    await_done(portico, 0)
    assert (status_of(portico, "a.test"), status_of(portico, "b.test")) == (421, 200)


def test_a_file_that_is_mounted_by_itself(portico_factory, tmp_path):
    """Written in place it is seen; one that takes its name outside is not, and the log says so."""
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        pytest.skip("no mount namespaces here")
    outside, inside = tmp_path / "outside.toml", tmp_path / "portico0" / "config.toml"
    watched = hello("a.test", server={"listen": ["127.0.0.1"], "watch": True})
    outside.write_text(watched)
    script = f'mount --bind {outside} {inside} && exec "$@"'
    portico = portico_factory(watched, wrapper=("unshare", "-m", "sh", "-c", script, "sh"))
    mark = portico.log.mark()
    outside.write_text(watched.replace("a.test", "b.test"))
    await_done(portico, mark)
    assert status_of(portico, "b.test") == 200
    mark = portico.log.mark()
    rename(outside, watched.replace("a.test", "c.test"))
    portico.wait_log("is mounted by itself and was replaced outside", mark)
    await_done(portico, mark)
    assert (status_of(portico, "b.test"), status_of(portico, "c.test")) == (200, 421)


# Errors

def test_an_error_leaves_the_old_one_running(portico_factory):
    portico = portico_factory(hello("a.test"))
    mark = portico.log.mark()
    portico.write(hello("b.test") + 'upstrem = "x"\n[timeouts]\nhead = "5"\n')
    portico.process.send_signal(signal.SIGHUP)
    await_done(portico, mark, failed)
    lines = [line for line in portico.log.items[mark:] if " error admin: " in line]
    assert len(lines) == 3
    assert re.search(r"config\.toml:\d+:1: \"upstrem\" is no key of .*; hint: did you mean \"upstream\"", lines[0])
    assert re.search(r"config\.toml:\d+:8: \"head\" ", lines[1])
    assert "not reloaded: problems in " in lines[2] and lines[2].endswith(": 2; the configuration in force stays")
    assert (status_of(portico, "a.test"), status_of(portico, "b.test")) == (200, 421)
    portico.path.unlink()
    mark = portico.log.mark()
    portico.process.send_signal(signal.SIGHUP)
    await_done(portico, mark, failed)
    assert status_of(portico, "a.test") == 200


def test_a_listener_that_cannot_be_opened_fails_it_as_a_whole(portico_factory, tmp_path):
    server = {"run_dir": str(tmp_path / "run")}
    portico = portico_factory(hello("a.test", server=server))
    portico.write(hello("b.test", server=server), listen=("127.0.0.1", "127.0.0.2", "192.0.2.1"))
    found = portico.invoke("reload", portico.path)
    assert found.returncode == 1 and found.stdout == ""
    assert "cannot listen on 192.0.2.1" in found.stderr and "hint: " in found.stderr
    assert "the configuration in force stays" in found.stderr
    assert (status_of(portico, "a.test"), status_of(portico, "b.test")) == (200, 421)


def test_standard_input_cannot_be_read_again(portico_factory, tmp_path):
    with open(tmp_path / "text", "w", encoding="utf-8") as text:
        text.write(hello("a.test", server={"listen": ["127.0.0.1"]}))
    portico = portico_factory(hello("a.test"))
    other = subprocess.Popen([str(BINARY), "run", "-"], env=portico.environment, cwd=tmp_path,
                             stdin=open(tmp_path / "text", encoding="utf-8"), stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True)
    lines = []
    for line in other.stderr:
        lines.append(line)
        if ": ready" in line:
            other.send_signal(signal.SIGHUP)
        if "not reloaded" in line:
            break
    assert "which cannot be read again" in lines[-2] and "portico run FILE" in lines[-2]
    other.send_signal(signal.SIGTERM)
    other.communicate(timeout=LIMIT)
    assert other.returncode == 0


# What takes effect, and when

def test_idle_connections_get_the_new_one(portico_factory):
    """421 for a host that is gone, by H07 also over TLS, and another upstream for one that has it."""
    first, second = Origin(), Origin()
    first.script, second.script = answer(response(body=b"first")), answer(response(body=b"second"))

    def config(upstream, *hosts):
        return toml([("kept.test", upstream, "none"), ("kept.secure.test", upstream, "self_signed"),
                     *((host, "builtin:hello", "self_signed") for host in hosts)])
    portico = portico_factory(config(first.upstream, "gone.test"))
    clients = {host: portico.connect(scheme, server_name=host)
               for scheme, host in (("http", "kept.test"), ("https", "kept.secure.test"), ("https", "gone.test"))}

    def ask(host):
        return clients[host].ask(request("GET", "/", host=host))
    assert ask("kept.test").body == ask("kept.secure.test").body == b"first"
    assert ask("gone.test").status == 200
    portico.reload(config(second.upstream))
    assert ask("kept.test").body == ask("kept.secure.test").body == b"second"
    gone = ask("gone.test")
    assert gone.status == 421 and "E421-HOST" in gone.text
    for client in clients.values():
        client.reset()
    # A new handshake for it gets the alert; for a host that is new it has a certificate at once.
    portico.reload(config(second.upstream, "new.test"))
    assert status_of(portico, "new.test", "https") == 200
    with pytest.raises(Exception, match="(?i)unrecognized.name"):
        portico.connect("https", server_name="gone.test")
    for origin in (first, second):
        origin.drop()


def test_what_is_in_flight_goes_on_as_it_began(portico_factory):
    """An exchange and a tunnel, whose host and upstream are gone, with their timeouts."""
    origin = Origin()
    go_on = threading.Event()

    def script(connection):
        head = connection.request_head()
        if head.target == "/tunnel":
            connection.send(response("101 Switching Protocols", "Connection: Upgrade", "Upgrade: echo/1"))
            while data := connection.take(len(connection.buffer)) or connection.recv():
                connection.send(data)
            return
        assert go_on.wait(LIMIT)
        connection.send(response(body=b"late"))
    origin.script = script
    portico = portico_factory(toml([("old.test", origin.upstream, "none")]))
    slow, tunnel = portico.connect("http"), portico.connect("http")
    slow.send(request("GET", "/slow", host="old.test"))
    tunnel.send(request("GET", "/tunnel", "Connection: Upgrade", "Upgrade: echo/1", host="old.test"))
    assert "101" in read_head(tunnel)[0]
    origin.await_connections(2)
    tunnel.send(b"before")
    assert tunnel.exactly(6) == b"before"
    portico.reload(hello("new.test", timeouts={"answer": "10ms", "tunnel": "10ms", "tunnel_half": "10ms"}))
    assert portico.status()["configs"] > 1
    tunnel.send(b"after")
    assert tunnel.exactly(5) == b"after"
    go_on.set()
    assert slow.response().body == b"late"
    assert slow.ask(request("GET", "/", host="old.test")).status == 421
    assert slow.ask(request("GET", "/", host="new.test")).status == 200
    tunnel.finish()
    assert tunnel.end() == CLEAN
    slow.reset()
    origin.drop()
    portico.await_balance()


def test_listeners_that_stay_are_not_closed(portico_factory):
    """What waits in a backlog is served, also in that of a listener that goes."""
    both = ("127.0.0.1", "127.0.0.2")
    portico = portico_factory(hello("a.test"), listen=both)
    stays, goes = portico.ports["http"]
    with held(portico.process.pid, "acceptor"):
        waiting = [Client(address) for address in (stays, goes, stays, goes)]
        portico.write(hello("b.test"))
        mark = portico.log.mark()
        portico.process.send_signal(signal.SIGHUP)
        portico.wait_log("SIGHUP: reloading", mark)
    for client in waiting:
        assert client.ask(request("GET", "/", host="b.test")).status == 200
    portico.wait_log(f"no longer listening on http 127.0.0.2:{goes[1]}", mark)
    with pytest.raises(ConnectionRefusedError):
        Client(goes)
    Client(stays).reset()
    portico.write(hello("c.test"), listen=both)
    mark = portico.log.mark()
    portico.process.send_signal(signal.SIGHUP)
    line = portico.wait_log("listening on http 127.0.0.2:", mark)
    await_done(portico, mark)
    again = Client(("127.0.0.2", int(line.rsplit(":", 1)[1])))
    assert again.ask(request("GET", "/", host="c.test")).status == 200
    for client in (*waiting, again):
        client.reset()


def test_pools_and_certificates_survive(portico_factory):
    origin = Origin()
    hosts = [("a.test", origin.upstream, "self_signed")]
    portico = portico_factory(toml(hosts, timeouts={"upstream_idle": "60s"}))
    client = portico.connect("https", server_name="a.test")
    client.ask(request("GET", "/", host="a.test"))
    certificate = client.tls.getpeercert(True)
    portico.await_status(lambda n: n["upstream_idle"] == 1)
    for count in range(3):
        portico.reload(toml(hosts + [HELLO, SECURE][:count], timeouts={"upstream_idle": "60s"}))
    assert portico.status()["upstream_idle"] == 1
    other = portico.connect("https", server_name="a.test")
    other.ask(request("GET", "/", host="a.test"))
    assert other.tls.getpeercert(True) == certificate
    assert len(origin.connections) == 1
    client.reset()
    other.reset()
    origin.drop()


def test_each_kind_of_setting(portico_factory):
    origin = Origin()
    origin.script = answer(response(body=b"x"))

    def config(server=None, timeouts=None):
        return toml([("a.test", origin.upstream, "none")], {"max_per_client": 4, **(server or {})}, timeouts)
    portico = portico_factory(config())
    kept = portico.connect("http")

    def ask(*fields):
        return kept.ask(request("GET", "/", *fields, host="a.test"))

    def forwarded_for(agent="-"):
        ask("X-Forwarded-For: 192.0.2.7", f"User-Agent: {agent}")
        head = origin.requests[-1].raw.decode("latin-1")
        return re.search(r"(?im)^X-Forwarded-For: (.*)\r$", head)[1]
    # The connection is the same all the time.
    assert forwarded_for() == "127.0.0.1"
    portico.reload(config({"trusted_proxies": ["127.0.0.0/8"]}))
    assert forwarded_for() == "192.0.2.7, 127.0.0.1"
    portico.reload(config({"access_log": False}))
    assert forwarded_for("unseen") == "127.0.0.1"
    portico.reload(config())
    ask("User-Agent: seen")
    portico.wait_access(lambda entry: entry["agent"] == "seen")
    assert "unseen" not in portico.out.text()
    portico.reload(config({"max_per_client": 1}))
    refused = portico.connect("http")
    assert refused.response().status == 503
    portico.reload(config({"max_per_client": 2}))
    admitted = portico.connect("http")
    assert admitted.ask(request("GET", "/", host="a.test")).status == 200
    admitted.reset()
    portico.reload(config(timeouts={"keep_alive": "10ms", "head": "10ms"}))
    ask()
    assert kept.end() == CLEAN
    refused.reset()
    # Even the end: with the first drain it would wait for this client.
    portico.reload(config({"drain": "0s"}))
    origin.script = lambda connection: connection.recv() and connection.recv()
    origin.drop()
    waits = portico.connect("http")
    waits.send(request("GET", "/waits", host="a.test"))
    portico.await_status(lambda n: n["connections"] == 1 and n["upstream_open"] > n["upstream_idle"])
    portico.stop(balanced=False)
    assert "closing 1 connections that have not ended" in portico.log.text()
    waits.reset()
    origin.drop()


def test_log_level(portico_factory):
    portico = portico_factory(hello("a.test"))

    def reload(level, *hosts):
        portico.reload(hello(*hosts, server={"log_level": level}))
    mark = portico.log.mark()
    reload("error", "b.test")  # quiet before it says that it is done
    reload("error", "c.test")
    reload("info", "d.test", "e.test")
    portico.wait_log(lambda line: done(line) and "routes: 2" in line, mark)
    said = [line.split(" ", 1)[1] for line in portico.log.text().splitlines()[mark:] if " admin: " in line]
    assert len(said) == 2 and "info admin: portico reload: reloading" in said[0] and "reloaded: " in said[1], said
    assert (status_of(portico, "a.test"), status_of(portico, "d.test")) == (421, 200)


def test_old_configurations_are_freed(portico_factory):
    """Idle workers do not keep them either: what is large, large again and small does not grow."""
    portico = portico_factory(hello("a.test"))
    large = hello(*(f"host{number}.test" for number in range(scaled(5000, 500))))
    portico.reload(large)
    portico.reload(hello("a.test"))
    before = portico.resident()
    for _ in range(10):
        portico.reload(large)
        assert status_of(portico, "host7.test") == 200
        portico.reload(hello("a.test"))
        portico.await_status(lambda n: n["configs"] == 1)
    if scaled(True, False):
        assert portico.resident() - before < 8 << 20
    portico.await_balance()


def test_the_first_configuration_is_freed_too(portico_factory):
    """Of the one it was started with nothing is kept but what takes a restart: it may hold secrets."""
    portico = portico_factory(hello("a.test", server={"workers": 2}))
    portico.await_status(lambda n: n["configs"] == 1)
    portico.reload(hello("b.test", server={"workers": 2}))
    portico.await_status(lambda n: n["configs"] == 1)


# Quarantine

def obstruct(portico, host):
    """A directory in the place of a certificate: it can be neither read nor made anew."""
    folder = portico.cert_dir / "self-signed"
    (folder / f"{host}.key").unlink(missing_ok=True)
    (folder / f"{host}.crt").unlink(missing_ok=True)
    (folder / f"{host}.crt").mkdir(parents=True)
    return folder / f"{host}.crt"


def test_a_certificate_in_quarantine(portico_factory):
    """E503-CERTIFICATE over HTTP, TLS-CERTIFICATE over HTTPS; the other host does not notice, and
    a reload ends it."""
    portico = portico_factory(hello("good.test", "bad.test", cert_type="self_signed"))
    portico.stop()
    obstacle = obstruct(portico, "bad.test")
    portico.start()
    line = portico.wait_log("no certificate for bad.test")
    assert str(obstacle) in line and "HTTP answers 503" in line

    def plain(host):
        client = portico.connect("http")
        found = client.ask(request("GET", "/", host=host))
        client.reset()
        return found
    found = plain("bad.test")
    assert found.status == 503 and "E503-CERTIFICATE" in found.text
    assert plain("good.test").status == 301
    assert status_of(portico, "good.test", "https") == 200
    with pytest.raises(Exception, match="(?i)internal.error"):
        portico.connect("https", server_name="bad.test")
    portico.wait_log("closed: TLS-CERTIFICATE: bad.test")
    portico.reload()
    assert plain("bad.test").status == 503
    obstacle.rmdir()
    portico.reload()
    portico.wait_log("the certificate of bad.test is usable again")
    assert plain("bad.test").status == 301
    assert status_of(portico, "bad.test", "https") == 200
    # A host in quarantine keeps no configuration from being loaded either.
    obstruct(portico, "new.test")
    portico.reload(hello("good.test", "new.test", cert_type="self_signed"))
    portico.wait_log("no certificate for new.test")
    assert (plain("new.test").status, plain("good.test").status) == (503, 301)


def test_load_over_many_reloads(portico_factory, tmp_path):
    """wrk, with kept-alive connections and with new ones, and a WebSocket: no request fails, and
    the tunnel is the same from beginning to end."""
    reloads = scaled(50, 10)
    with WebSocketEcho() as server:
        def config(number):
            routes = [("load.test", "builtin:hello", "none"), ("w.test", server.upstream, "none"), SECURE]
            routes += [(f"new{number}.test", "builtin:hello", "self_signed")] * (number % 2)
            return toml(routes, {"run_dir": str(tmp_path / "run"), "access_log": number % 3 == 0},
                        {"keep_alive": f"{60 + number}s"})
        portico = portico_factory(config(0))
        host, port = portico.address("http")
        loads = [subprocess.Popen(["wrk", "-t1", "-c4", "-d300s", "-H", "Host: load.test", *fields,
                                   f"http://{host}:{port}/"], stdout=subprocess.PIPE, text=True)
                 for fields in ([], ["-H", "Connection: close"])]

        async def talk():
            async with websockets.connect("ws://w.test/", host=host, port=port, ping_interval=None) as client:
                for number in range(1, reloads + 1):
                    listen = ("127.0.0.1", "127.0.0.2")[:1 + number % 2]
                    await asyncio.to_thread(portico.reload, config(number), listen)
                    await client.send(f"message {number}")
                    assert await asyncio.wait_for(client.recv(), LIMIT) == f"message {number}"
        try:
            portico.await_status(lambda n: n["requests_total"] > 100)
            asyncio.run(talk())
        finally:
            for load in loads:
                load.send_signal(signal.SIGINT)
        for load in loads:
            text = load.communicate(timeout=LIMIT)[0]
            assert int(re.search(r"(\d+) requests in", text)[1]) > 0, text
            assert "Socket errors" not in text and "Non-2xx" not in text, text
        # With the first configuration's listeners again, all is as it was.
        portico.reload(config(0))
        portico.await_balance()
        portico.stop()
