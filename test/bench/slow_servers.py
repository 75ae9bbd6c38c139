"""The proxies that scripts/slow looks at, and the quick origin that they share: started with
configurations that differ only in language. Each has two hosts, one whose upstream is the quick
origin and one before that of the slow peers, for plain HTTP and for TLS."""

import os
import re
import resource
import time
from pathlib import Path

from bench.peers import REPLY, fill
from bench.process import Server, accepts, free_ports

HERE = Path(__file__).resolve().parent
QUICK, SLOW = "quick", "slow"
TIMEOUTS = ("handshake", "head", "keep_alive", "answer", "write", "tunnel", "body")


def host(what, mode):
    return f"{what}.{mode.lower()}.test"


def workers():
    """What Portico chooses by itself."""
    return max(2, os.cpu_count())


def below(directory, name):
    path = directory / name
    path.mkdir()
    return path


def write(template, path, **values):
    path.write_text(fill((HERE / template).read_text(), values))
    return path


def await_rest(server):
    """Until it has used next to no CPU time for a moment, or for two seconds."""
    deadline, last = time.monotonic() + 2, -1.0
    while (now := server.cpu_seconds()) - last > 0.001 and time.monotonic() < deadline:
        last = now
        time.sleep(0.1)


def start(name, command, directory, ports, **env):
    server = Server(name, command, directory, env)
    server.ports = ports
    try:
        server.await_(lambda: all(map(accepts, ports.values())))
    except BaseException:
        server.stop()
        raise
    return server


def start_origin(directory, connections):
    directory, (port,) = below(directory, "origin"), free_ports(1)
    conf = write("origin.conf.in", directory / "origin.conf", DIRECTORY=directory, ORIGIN=port,
                 REPLY=REPLY.replace("\n", "\\n"), CONNECTIONS=connections, FILES=2 * connections)
    return start("the origin", ["nginx", "-p", directory, "-c", conf], directory, {"plain": port})


class Proxies:
    """Portico, nginx and HAProxy, started one by one."""

    def __init__(self, binary, directory, upstreams):
        self.binary, self.directory, self.upstreams = binary, directory, upstreams
        self.certs = directory / "certs"

    def start_portico(self):
        directory, (plain, tls) = below(self.directory, "portico"), free_ports(2)
        lines = ["[server]", 'listen = ["127.0.0.1"]', "[timeouts]", *(f'{name} = "1h"' for name in TIMEOUTS)]
        for what, upstream in self.upstreams.items():
            for mode, cert_type in (("plain", "none"), ("TLS", "self_signed")):
                lines += ["[[routes]]", f'host = "{host(what, mode)}"', f'upstream = "{upstream}"',
                          f'cert_type = "{cert_type}"']
        config = directory / "portico.toml"
        config.write_text("\n".join(lines) + "\n")
        server = start("Portico", [self.binary, "run", config], directory, {"plain": plain, "TLS": tls},
                       CERT_DIR=str(self.certs), HTTP_PORT=str(plain), HTTPS_PORT=str(tls))
        # Its certificates are needed by the others.
        server.await_(lambda: re.search(r" ready\b", server.log.read_text())
                      and (self.certs / "self-signed" / f"{host(QUICK, 'TLS')}.crt").exists())
        return server

    def start_other(self, name, command, template):
        directory, (plain, tls) = below(self.directory, name), free_ports(2)
        leaf = self.certs / "self-signed" / host(QUICK, "TLS")
        both = directory / "both.pem"
        both.write_text(Path(f"{leaf}.crt").read_text() + Path(f"{leaf}.key").read_text())
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        conf = write(template, directory / template.removesuffix(".in"), DIRECTORY=directory, WORKERS=workers(),
                     CONNECTIONS=min(10000, descriptors // 2 - 200), PLAIN=plain, TLS=tls, BOTH=both,
                     CERTIFICATE=f"{leaf}.crt", KEY=f"{leaf}.key",
                     QUICK=self.upstreams[QUICK], SLOW=self.upstreams[SLOW])
        return start(name, [*command(directory), conf], directory, {"plain": plain, "TLS": tls})

    def start(self):
        """A generator, so that what has started can be stopped when the next does not."""
        yield self.start_portico()
        yield self.start_other("nginx", lambda directory: ["nginx", "-p", directory, "-c"], "slow-nginx.conf.in")
        yield self.start_other("HAProxy", lambda _: ["haproxy", "-q", "-db", "-f"], "slow-haproxy.cfg.in")


