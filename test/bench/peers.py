"""The four proxies and the two origins, each from the template of its configuration that lies
beside this file.

A template's @NAME@ are replaced, and its lines between #repeat and #end written once for each
route. A route is a host, the port of its upstream, and a certificate: ECDSA P-256, made by Portico
once and given to everybody."""

import http.client
import os
import re
import shutil
import ssl
import subprocess
from pathlib import Path

from bench.process import Failed, Server, accepts, free_ports, say

HERE = Path(__file__).resolve().parent
REPLY = "x" * 99 + "\n"
BULK = 32 << 20  # bytes of the large file, and of an upload
PEERS = ["Portico", "nginx", "HAProxy", "Caddy"]
BEFORE = "Portico before"  # another build of it, given by --against

# The host that stands for something, over plain HTTP (where Portico must not redirect) and TLS.
# wrk sends the URL's host as SNI, and localhost resolves everywhere.
SMALL = {"plain": "127.0.0.1", "TLS": "localhost"}
UPLOAD = {"plain": "upload.test", "TLS": "upload.localhost"}
MANY = [f"host{i:04}.test" for i in range(1000)]


def fill(template, values, routes=()):
    """The text of a template with its values and its routes (dicts as well) filled in."""
    def replace(text, more):
        for key, value in {**more, **values}.items():
            text = text.replace(f"@{key}@", str(value))
        left = re.search(r"@[A-Z_]+@", text)
        if left:
            raise KeyError(f"nothing is given for {left[0]}")
        return text

    parts = re.split(r"^#repeat\n(.*?)^#end\n", template, flags=re.M | re.S)
    return "".join(replace(part, {}) if i % 2 == 0 else
                   "".join(replace(part, route) for route in routes)
                   for i, part in enumerate(parts))


class Origins:
    """The nginx that answers, and the sink for uploads."""

    def __init__(self, directory, sink, connections):
        (directory / "bulk").write_bytes(os.urandom(BULK))
        self.connections = connections
        self.port, = free_ports(1)
        path = directory / "origin.conf"
        path.write_text(fill((HERE / "origin.conf.in").read_text(), {
            "DIRECTORY": directory, "ORIGIN": self.port, "REPLY": REPLY.replace("\n", "\\n"),
            "CONNECTIONS": 2 * connections, "FILES": 2 * connections + 100}))
        self.servers = [Server("origin", ["nginx", "-p", directory, "-c", path], directory)]
        self.servers[0].await_(lambda: accepts(self.port))
        below = directory / "sink"
        below.mkdir()
        self.servers.append(Server("sink", [sink], below, stdout=subprocess.PIPE))
        line = self.servers[1].process.stdout.readline()
        if not line:
            raise Failed(f"the sink did not start:\n{self.servers[1].last_words()}")
        self.sink = int(line)

    def stop(self):
        for server in self.servers:
            server.stop()


class Field:
    """What all of them have in common: the directory, the origins, the certificates, the threads."""

    def __init__(self, directory, origins, binary, before, threads, workers):
        self.directory, self.origins = directory, origins
        self.binary, self.before = binary, before
        self.threads, self.workers = threads, workers
        self.certs = directory / "certs"
        self.count = 0
        self.has_access_log = self.accepts_access_log()

    def routes(self, hosts):
        """The routes for these hosts; the ones for uploads lead to the sink."""
        for host in hosts:
            plain = host in (SMALL["plain"], UPLOAD["plain"])
            leaf = self.certs / "self-signed" / (SMALL["TLS"] if plain else host)
            yield {"HOST": host, "CERTIFICATE": f"{leaf}.crt", "KEY": f"{leaf}.key",
                   "PEM": f"{leaf}.pem", "CERT_TYPE": "none" if plain else "self_signed",
                   "UPSTREAM": self.origins.sink if host in UPLOAD.values() else self.origins.port}

    def below(self, name):
        self.count += 1
        directory = self.directory / f"{self.count:03}-{re.sub('[^A-Za-z]+', '-', name)}"
        directory.mkdir()
        return directory

    def portico_config(self, directory, routes, access_log):
        path = directory / "portico.toml"
        path.write_text(fill((HERE / "portico.toml.in").read_text(), {
            "WORKERS": self.workers, "ACCESS_LOG": access_log}, routes))
        return path

    def accepts_access_log(self):
        """Whether this Portico knows [server] access_log; else its lines go to /dev/null."""
        path = self.portico_config(self.below("probe"), self.routes(SMALL.values()),
                                   "access_log = false")
        return subprocess.run([self.binary, "check", path], capture_output=True,
                              check=False).returncode == 0

    def make_certificates(self, hosts):
        """Those of all hosts, kept as PEM files, and certificate and key in one for HAProxy."""
        with start("Portico", self, hosts) as server:
            # It answers at once, and makes them one after the other.
            server.await_(lambda: all(Path(route["CERTIFICATE"]).exists() for route in self.routes(hosts)),
                          seconds=120)
        for route in self.routes(hosts):
            pem = Path(route["PEM"])
            pem.write_bytes(Path(route["CERTIFICATE"]).read_bytes()
                            + Path(route["KEY"]).read_bytes())
            pem.chmod(0o600)


def start_portico(field, directory, routes, values, log, binary=None):
    access_log = f"access_log = {'true' if log else 'false'}" if field.has_access_log else ""
    path = field.portico_config(directory, routes, access_log)
    env = {"CERT_DIR": field.certs, "HTTP_PORT": values["PLAIN"], "HTTPS_PORT": values["TLS"]}
    with open(directory / "access.log" if log else os.devnull, "wb") as stdout:
        return Server("Portico", [binary or field.binary, "run", path], directory,
                      env={key: str(value) for key, value in env.items()}, stdout=stdout)


def start_before(field, *args):
    return start_portico(field, *args, binary=field.before)


def start_nginx(_, directory, routes, values, log, buffers=""):
    values["BUFFERS"] = buffers
    values["ACCESS_LOG"] = (f"{directory}/access.log combined buffer=64k flush=1s" if log
                            else "off")
    path = directory / "nginx.conf"
    path.write_text(fill((HERE / "nginx.conf.in").read_text(), values, routes))
    return Server("nginx", ["nginx", "-p", directory, "-c", path], directory)


def start_nginx_tuned(*args):
    return start_nginx(*args, buffers="proxy_buffers 16 64k; proxy_buffer_size 64k; "
                                      "proxy_busy_buffers_size 256k; client_body_buffer_size 64k;")


def start_haproxy(_, directory, routes, values, log, splice=False):
    values.update(LOG="log stdout format raw local0 info" if log else "",
                  LOG_FORMAT="log global\n    option httplog" if log else "",
                  SPLICE="option splice-request\n    option splice-response" if splice else "")
    for name in ("haproxy.cfg", "haproxy.certificates", "haproxy.hosts"):
        (directory / name).write_text(fill((HERE / f"{name}.in").read_text(), values, routes))
    with open(directory / "access.log" if log else os.devnull, "wb") as stdout:
        return Server("HAProxy", ["haproxy", "-db", "-f", directory / "haproxy.cfg"], directory,
                      stdout=stdout)


def start_haproxy_splicing(*args):
    return start_haproxy(*args, splice=True)


def start_caddy(field, directory, routes, values, log):
    values["ACCESS_LOG"] = f"log {{\n\t\toutput file {directory}/access.log\n\t}}" if log else ""
    path = directory / "Caddyfile"
    path.write_text(fill((HERE / "Caddyfile.in").read_text(), values, routes))
    home = {key: str(directory) for key in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}
    return Server("Caddy", ["caddy", "run", "--config", path, "--adapter", "caddyfile"], directory,
                  env={"GOMAXPROCS": str(field.threads), **home})


STARTERS = {"Portico": start_portico, BEFORE: start_before, "nginx": start_nginx,
            "nginx, large buffers": start_nginx_tuned, "HAProxy": start_haproxy,
            "HAProxy, splicing": start_haproxy_splicing, "Caddy": start_caddy}


def launch(name, field, hosts, log=False):
    """Starts a proxy for these hosts and does not wait for it; its ports are in .ports."""
    directory = field.below(name)
    routes = list(field.routes(hosts))
    ports = dict(zip(SMALL, free_ports(2)))
    first = field.certs / "self-signed" / SMALL["TLS"]
    connections = field.origins.connections
    values = {"DIRECTORY": directory, "PLAIN": ports["plain"], "TLS": ports["TLS"],
              "THREADS": field.threads, "ORIGIN": field.origins.port, "SINK": field.origins.sink,
              "CONNECTIONS": connections, "FILES": 2 * connections + 100,
              "CERTIFICATE": f"{first}.crt", "KEY": f"{first}.key"}
    server = STARTERS[name](field, directory, routes, values, log)
    server.name, server.ports, server.directory = name, ports, directory
    return server


def start(name, field, hosts, log=False):
    """The same, and waits until it accepts connections on both ports."""
    server = launch(name, field, hosts, log)
    try:
        server.await_(lambda: all(map(accepts, server.ports.values())))
    except BaseException:
        server.stop()
        raise
    return server


def tls_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def verify(server):
    """Does it answer what it should? A fast wrong answer is worth nothing."""
    for mode, port in server.ports.items():
        for hosts, method, target, body in ((SMALL, "GET", "/", None),
                                            (UPLOAD, "PUT", "/", b"0" * 100000)):
            if mode == "TLS":
                connection = SniConnection(port, hosts[mode])
            else:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            try:
                connection.request(method, target, body, {"Host": hosts[mode]})
                answer = connection.getresponse()
                text = answer.read().decode()
                if answer.status != 200 or text != ("ok\n" if body else REPLY):
                    raise Failed(f"{server.name} answers {method} over {mode} with "
                                 f"{answer.status} {text[:200]!r}\n{server.last_words()}")
            except (OSError, http.client.HTTPException) as error:
                raise Failed(f"{server.name} does not answer {method} over {mode}: {error}\n"
                             f"{server.last_words()}") from error
            finally:
                connection.close()


class SniConnection(http.client.HTTPConnection):
    """To 127.0.0.1, over TLS, asking for a name."""

    def __init__(self, port, name):
        super().__init__("127.0.0.1", port, timeout=10)
        self.name = name

    def connect(self):
        super().connect()
        self.sock = tls_context().wrap_socket(self.sock, server_hostname=self.name)


def versions(field, names):
    """{peer: what it calls its version}."""
    commands = {"Portico": [field.binary, "version"], BEFORE: [field.before, "version"],
                "nginx": ["nginx", "-v"], "HAProxy": ["haproxy", "-v"], "Caddy": ["caddy", "version"]}
    found = {}
    for name in names:
        done = subprocess.run(commands[name], capture_output=True, text=True, check=False)
        text = (done.stdout + done.stderr).strip().split("\n")[0]
        number = re.search(r"\d+\.\d+[\w.+-]*", text)
        found[name] = number[0] if number else text
    return found


def executables(field, names):
    """{peer: path of its program}."""
    programs = {"Portico": field.binary, BEFORE: field.before, "nginx": shutil.which("nginx"),
                "HAProxy": shutil.which("haproxy"), "Caddy": shutil.which("caddy")}
    return {name: programs[name] for name in names}


def start_all(field, names):
    """All of them at once, verified."""
    servers = []
    try:
        for name in names:
            say(f"starting {name}")
            servers.append(start(name, field, [*SMALL.values(), *UPLOAD.values()]))
            verify(servers[-1])
        return servers
    except BaseException:
        for server in servers:
            server.stop()
        raise
