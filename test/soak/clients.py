"""One process of the soak's clients, each a thread, well-behaved ones and others.

    clients.py HTTP_PORT HTTPS_PORT SECONDS SEED

Prints how much the well-behaved were served; exits 1, and says why, when one of them was not."""

import os
import random
import sys
import threading
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))

from harness import company  # noqa: E402
from harness.client import Client, tls_context  # noqa: E402
from harness.wire import LIMIT  # noqa: E402

# How many of each, over HTTP and again over HTTPS.
WELL_BEHAVED = ((company.steady_client, 2), (company.steady_tunnel, 2))
OTHERS = ((company.moody_client, 4), (company.slow_reader, 4), (company.unfinished_client, 1))


class Doors:
    """connect(), as harness.company wants it."""

    def __init__(self, http, https):
        self.ports = {"http": http, "https": https}
        self.context = tls_context(None, verify=False)

    def connect(self, scheme, handshake=True, **options):
        context = self.context if scheme == "https" and handshake else None
        return Client(("127.0.0.1", self.ports[scheme]), context, company.host(scheme), **options)


def run(seconds, seed, connect):
    """(how much the well-behaved were served, whether somebody failed)"""
    served, failures = [], []
    until = time.monotonic() + seconds

    def live(behaviour, scheme, number):
        chance = random.Random(f"{seed} {behaviour.__name__} {scheme} {number}")
        try:
            served.append(behaviour(connect, scheme, chance, until) or 0)
        except BaseException:  # noqa: BLE001 - shown
            failures.append(f"{behaviour.__name__} over {scheme}:\n{traceback.format_exc()}")
    threads = [threading.Thread(target=live, args=(behaviour, scheme, number), daemon=True)
               for behaviour, count in WELL_BEHAVED + OTHERS
               for scheme in ("http", "https") for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds + 2 * LIMIT)
        if thread.is_alive():
            failures.append("a client does not come to its end")
    return sum(served), failures


def main():
    http, https, seconds, seed = sys.argv[1:]
    served, failures = run(float(seconds), seed, Doors(int(http), int(https)).connect)
    print(served, flush=True)
    for failure in failures:
        print(failure, file=sys.stderr)
    sys.stderr.flush()
    os._exit(1 if failures else 0)  # whatever threads there still are


if __name__ == "__main__":
    main()
