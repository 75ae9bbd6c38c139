"""The soak's moody origin.

    origin.py SEED

Prints its HOST:PORT and serves until its input ends. At each line of input it drops all of its
connections, whatever they are waiting for, and prints "dropped"."""

import itertools
import random
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))

from harness.company import origin_script  # noqa: E402
from harness.origin import Origin  # noqa: E402


class ForgetfulOrigin(Origin):
    """Keeps nothing of connections that are over: there will be many."""

    def _serve(self, connection):
        super()._serve(connection)
        with self.changed:
            self.connections.remove((connection, threading.current_thread()))


def main():
    origin, seeds = ForgetfulOrigin(), itertools.count()
    origin.script = lambda connection: origin_script(connection, random.Random(f"{sys.argv[1]} {next(seeds)}"))
    print(origin.upstream, flush=True)
    for _ in sys.stdin:
        origin.drop()
        print("dropped", flush=True)
    for error in origin.errors:
        print(f"the origin: {error!r}", file=sys.stderr)
    sys.exit(1 if origin.errors else 0)


if __name__ == "__main__":
    main()
