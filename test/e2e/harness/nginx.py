"""A real nginx as an origin: its own prefix, in the foreground, serving static files."""

import socket
import subprocess
import time
from pathlib import Path

from .wire import LIMIT

CONFIG = """
daemon off; worker_processes 1; pid {prefix}/nginx.pid; error_log {prefix}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off; sendfile on; default_type application/octet-stream;
    client_body_temp_path {prefix}/body; proxy_temp_path {prefix}/proxy;
    fastcgi_temp_path {prefix}/fastcgi; uwsgi_temp_path {prefix}/uwsgi; scgi_temp_path {prefix}/scgi;
    server {{
        listen 127.0.0.1:{port}; root {root}; client_max_body_size 0;
        location /upload/ {{ dav_methods PUT DELETE; create_full_put_path on; }}
        {extra}
    }}
}}
"""


class Nginx:
    def __init__(self, directory, extra=""):
        self.prefix = Path(directory) / "nginx"
        self.root = self.prefix / "root"
        self.root.mkdir(parents=True)
        self.port = free_port()
        self.upstream = f"127.0.0.1:{self.port}"
        config = self.prefix / "nginx.conf"
        config.write_text(CONFIG.format(prefix=self.prefix, root=self.root, port=self.port, extra=extra))
        user = ["-g", "user root;"] if Path("/proc/self").stat().st_uid == 0 else []
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-p", self.prefix, "-c", config, *user],
                                        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._await_listening()

    def _await_listening(self):
        deadline = time.monotonic() + LIMIT
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), LIMIT).close()
                return
            except ConnectionRefusedError:
                assert self.process.poll() is None, "nginx ended"
                assert time.monotonic() < deadline, "nginx does not listen"
                time.sleep(0.01)

    def stop(self):
        self.process.terminate()
        self.process.wait(LIMIT)


def free_port():
    """A port that was free a moment ago, for servers that cannot take one from the kernel."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
