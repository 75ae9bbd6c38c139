"""What must be true around bad input: others are served, and the logs say what happened."""

import re
import threading
from collections import Counter
from contextlib import contextmanager

from .wire import LIMIT


@contextmanager
def others(sites):
    """While the block runs, other clients make requests on kept-alive connections, over HTTP and
    HTTPS, and every one is answered."""
    over, failures, served = threading.Event(), [], []

    def keep_asking(site):
        try:
            client = site.connect()
            while True:
                last = over.is_set()
                assert client.ask(site.request()).status == 200
                served.append(site.host)
                if last:
                    break
                over.wait(0.01)
            client.close()
        except BaseException as error:  # noqa: BLE001 - reported by the test's own thread
            failures.append(error)
    threads = [threading.Thread(target=keep_asking, args=(sites[f"hello.{scheme}.test"],)) for scheme in ("http", "https")]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(LIMIT)
    if failures:
        raise failures[0]
    assert len(set(served)) == 2


class Ledger:
    """What the logs are to say about a series of connections. It is looked at in the end, since
    Portico writes its logs in batches."""

    def __init__(self, portico):
        self.portico = portico
        self.out, self.log = portico.out.mark(), portico.log.mark()
        self.closings, self.entries, self.refusals = [], [], Counter()

    def closed(self, client, code):
        """A connection that ended without an answer has a line, and only one."""
        self.closings.append((client.port, code))

    def answered(self, target, status, reason):
        self.entries.append((target, f" {status} ", f" reason={reason} "))

    def refused(self, answer):
        """An answer (raw) to something without a target: there are as many lines as answers."""
        self.refusals[re.search(rb"E4\d\d-[A-Z]+", answer)[0].decode()] += 1

    def check(self):
        for port, code in self.closings:
            line = self.portico.log.wait(lambda line: f":{port} closed: " in line, self.log)
            assert f"closed: {code}" in line, line
        for target, status, reason in self.entries:
            line = self.portico.out.wait(lambda line: f" {target} " in line, self.out)
            assert status in line and reason in line, line
        for code, count in self.refusals.items():
            seen = []
            self.portico.out.wait(lambda line: f" reason={code} " in line and not seen.append(line) and len(seen) == count, self.out)
        ports = {f":{port} closed: " for port, _ in self.closings}
        closings = [line for line in self.portico.log.items[self.log:] if any(port in line for port in ports)]
        assert len(closings) == len(self.closings), closings
