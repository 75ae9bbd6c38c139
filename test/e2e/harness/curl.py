"""curl, told where a host is, and trusting only the local CA."""

import subprocess

from .wire import LIMIT


def curl_command(portico, scheme, host, path, *options, limit=LIMIT):
    address, port = portico.address(scheme)
    command = ["curl", "-sS", "--max-time", str(int(limit)), "--noproxy", "*", *options,
               "--connect-to", f"{host}:{80 if scheme == 'http' else 443}:{address}:{port}"]
    if portico.root.exists():
        command += ["--cacert", str(portico.root)]
    return [*command, f"{scheme}://{host}{path}"]


def curl(portico, scheme, host, path, *options, limit=LIMIT, **run):
    """What it writes to its standard output; it must succeed."""
    done = subprocess.run(curl_command(portico, scheme, host, path, *options, limit=limit),
                          capture_output=True, timeout=2 * limit, **run)
    assert done.returncode == 0, done.stderr
    return done.stdout
