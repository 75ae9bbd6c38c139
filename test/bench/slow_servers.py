"""The proxies that scripts/slow looks at, and the quick origin that they share: started with
configurations that differ only in language. Each has two hosts, one whose upstream is the quick
origin and one before that of the slow peers, for plain HTTP and for TLS."""

import os
import re
import resource
import signal
import socket
import subprocess
import time
from pathlib import Path

BENCH = Path(__file__).resolve().parent
QUICK, SLOW = "quick", "slow"
REPLY = "x" * 99 + "\\n"
TIMEOUTS = ("handshake", "head", "keep_alive", "answer", "write", "tunnel", "body")


class Failed(Exception):
    """The measurement could not be made."""


def host(what, mode):
    return f"{what}.{mode.lower()}.test"


def free_ports(count):
    """Ports of the kernel's choice, for programs that cannot ask for one themselves."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def workers():
    """What Portico chooses by itself."""
    return max(2, os.cpu_count())


def cpu_ticks(stat):
    """User and system time in the text of /proc/PID/stat. The second field is the name in
    brackets, which may contain spaces."""
    fields = stat.rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


class Server:
    """A child process, where it listens, and the CPU time that it has used."""

    def __init__(self, name, command, log, ports=None, **env):
        self.name, self.log, self.ports = name, log, ports
        with open(log, "wb") as err:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                            stderr=err, env={**os.environ, **env})

    def await_start(self, is_up):
        deadline = time.monotonic() + 15
        while not is_up():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"{self.name} did not start:\n{self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)
        return self

    def listens(self):
        try:
            for port in self.ports.values():
                socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            return False

    def cpu_seconds(self):
        """Of the process and its children (nginx's workers)."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ticks = sum(cpu_ticks(Path(f"/proc/{each}/stat").read_text()) for each in (pid, *children))
        return ticks / os.sysconf("SC_CLK_TCK")

    def await_rest(self):
        """Until it has used no CPU time for a moment, or for two seconds."""
        deadline, last = time.monotonic() + 2, None
        while (now := self.cpu_seconds()) != last and time.monotonic() < deadline:
            last = now
            time.sleep(0.1)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def fill(template, path, **values):
    """Writes a template of test/bench with its @NAME@s replaced."""
    text = (BENCH / template).read_text()
    for key, value in values.items():
        text = text.replace(f"@{key}@", str(value))
    path.write_text(text)
    return path


def start_origin(directory):
    port, = free_ports(1)
    conf = fill("nginx-origin.conf.in", directory / "origin.conf", DIRECTORY=directory, REPLY=REPLY, ORIGIN=port)
    origin = Server("nginx as the origin", ["nginx", "-p", directory, "-c", conf], directory / "origin.log", {"plain": port})
    return origin.await_start(origin.listens)


def start_portico(binary, directory, upstreams):
    routes = "".join(f'[[routes]]\nhost = "{host(what, mode)}"\nupstream = "{upstream}"\ncert_type = "{cert_type}"\n'
                     for what, upstream in upstreams.items()
                     for mode, cert_type in (("plain", "none"), ("TLS", "self_signed")))
    config = directory / "portico.toml"
    config.write_text('[server]\nlisten = ["127.0.0.1"]\n[timeouts]\n'
                      + "".join(f'{name} = "1h"\n' for name in TIMEOUTS) + routes)
    portico = Server("Portico", [binary, "run", config], directory / "portico.log",
                     CERT_DIR=str(directory / "certs"), HTTP_PORT="0", HTTPS_PORT="0")
    portico.await_start(lambda: re.search(r" ready\b", portico.log.read_text()))
    ports = dict(re.findall(r"listening on (https?) 127\.0\.0\.1:(\d+)", portico.log.read_text()))
    portico.ports = {"plain": int(ports["http"]), "TLS": int(ports["https"])}
    return portico


def start_other(name, command, template, directory, upstreams):
    """nginx or HAProxy, with the certificate that Portico has made."""
    plain, tls = free_ports(2)
    leaf = directory / "certs" / "self-signed" / host(QUICK, "TLS")
    both = directory / "both.pem"
    both.write_text(Path(f"{leaf}.crt").read_text() + Path(f"{leaf}.key").read_text())
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    conf = fill(template, directory / template.removesuffix(".in"), DIRECTORY=directory, WORKERS=workers(),
                CONNECTIONS=min(10000, descriptors // 2 - 200), PLAIN=plain, TLS=tls, BOTH=both,
                CERTIFICATE=f"{leaf}.crt", KEY=f"{leaf}.key", QUICK=upstreams[QUICK], SLOW=upstreams[SLOW])
    server = Server(name, [*command, conf], directory / f"{name}.log", {"plain": plain, "TLS": tls})
    return server.await_start(server.listens)


def start_proxies(binary, directory, upstreams):
    """Portico, nginx and HAProxy, one after the other: a generator, so that what has started can be
    stopped when the next does not."""
    yield start_portico(binary, directory, upstreams)
    yield start_other("nginx", ["nginx", "-p", directory, "-c"], "slow-nginx.conf.in", directory, upstreams)
    yield start_other("HAProxy", ["haproxy", "-q", "-db", "-f"], "slow-haproxy.cfg.in", directory, upstreams)
