"""What the suites of HTTP messages have in common: asking http-verdict, and the allow-list.

The allow-list (http-allow.txt) names each case that Portico decides otherwise than its suite,
with the row of the HTTP table that says why. A difference that is not listed fails, and so does
a listed one that is gone or has changed."""

import re
import subprocess
from pathlib import Path

ALLOWED = Path(__file__).parent / "http-allow.txt"


def verdicts(build, records):
    """What http-verdict says of each (kind, bytes): "complete 1", "E400-FIELD 0", ..."""
    stdin = b"".join(b"%s %d\n%s" % (kind.encode(), len(data), data) for kind, data in records)
    run = subprocess.run([Path(build) / "test" / "http-verdict"], input=stdin, capture_output=True,
                         timeout=60, check=True)
    lines = run.stdout.decode().splitlines()
    assert len(lines) == len(records), "http-verdict answered too few records"
    return lines


def is_refused(verdict):
    return verdict.split()[0] not in ("complete", "partial", "closed", "switched")


def with_host(data):
    """The requests, each HTTP/1.1 one with a Host field behind its request line if it has none:
    the suites' examples mostly lack it, and are about something else."""
    def insert(match):
        head = (b"\r\n" + data[match.end():]).partition(b"\r\n\r\n")[0]
        has_host = re.search(rb"(?mi)^host[ \t]*:", head)
        return match[0] if has_host else match[0] + b"Host: suite.test\r\n"
    return re.sub(rb"(?m)^\S+ \S+ HTTP/1\.1\r\n", insert, data)


def allowed(suite):
    """{case: verdict} of the allow-list's lines for `suite`: "H09 suite verdict case"."""
    found = {}
    for number, line in enumerate(ALLOWED.read_text(encoding="utf-8").splitlines(), start=1):
        if not line or line.startswith("#"):
            continue
        row, of, verdict, case = line.split(None, 3)
        assert re.fullmatch(r"H\d\d", row), f"{ALLOWED.name}:{number}: {row} is no row"
        assert (of, case) not in found, f"{ALLOWED.name}:{number}: twice"
        if of == suite:
            found[case] = verdict
    return found


def report(suite, results):
    """Prints what is wrong with (case, verdict, is it a difference); 0 if nothing is."""
    expected = allowed(suite)
    bad = 0
    for case, verdict, differs in results:
        listed = expected.pop(case, None)
        word = verdict.split()[0]
        if differs and listed != word:
            print(f"{suite}: {case}: {verdict}" + (f", listed as {listed}" if listed else ""))
            bad += 1
        elif listed and not differs:
            print(f"{suite}: {case}: {verdict}, and is listed as a difference")
            bad += 1
    for case in expected:
        print(f"{suite}: {case}: listed, but not in the suite")
        bad += 1
    print(f"{suite}: {len(results) - bad} of {len(results)}")
    return 1 if bad or not results else 0
