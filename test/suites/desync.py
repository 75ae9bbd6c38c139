"""http-desync-guardian's requests against http-verdict: python3 test/suites/desync.py SUITES BUILD

Every Severe head must be refused, for another reason than a missing Host; the allow-list cannot
change that. A Compliant head that is refused, or an Ambiguous one that is accepted, is a
difference, to be explained by the allow-list. The Acceptable ones may go either way."""

import sys
from pathlib import Path

import yaml

from http_suites import is_refused, report, verdicts, with_host


def encode(text):
    """Characters are bytes, where they can be: "\\xa0" means the byte."""
    text = "" if text is None else str(text)
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


def head(case):
    line = encode(case["method"]) + b" " + encode(case["uri"])
    if case["version"]:
        line += b" " + encode(case["version"])
    fields = b"".join(encode(field["name"]) + b":" + encode(field["value"]) + b"\r\n"
                      for field in case.get("headers") or [])
    return with_host(line + b"\r\n" + fields + b"\r\n")


def main():
    suites, build = Path(sys.argv[1]), Path(sys.argv[2])
    cases = []
    for path in sorted((suites / "http-desync-guardian").glob("*.yaml")):
        for case in yaml.safe_load(path.read_text(encoding="utf-8")):
            name = f"{path.name}: {' '.join(case['name'].split())}"
            while name in (each[0] for each in cases):
                name += " (again)"
            cases.append((name, case["expected"]["tier"], head(case)))
    answers = verdicts(build, [("request", data) for _, _, data in cases])

    results, accepted = [], 0
    for (name, tier, _), verdict in zip(cases, answers):
        refused = is_refused(verdict)
        if tier == "Severe" and (not refused or verdict.startswith("E400-HOST")):
            print(f"desync: {name}: Severe, and {verdict}")
            accepted += 1
        differs = refused if tier == "Compliant" else tier == "Ambiguous" and not refused
        results.append((name, verdict, differs))
    return report("desync", results) or (1 if accepted else 0)


if __name__ == "__main__":
    sys.exit(main())
