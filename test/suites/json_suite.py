"""JSONTestSuite against json-verdict and portico: python3 test/suites/json_suite.py SUITES_DIR BUILD_DIR

Every file: neither program may crash or hang. What begins with y_ must be read, with n_ refused,
unless test/suites/json-allow.txt lists it, with the reason; i_ is open. A line of that list that
is not needed fails as well. Prints the failures and the count; exits 0 only if all pass."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

LIMIT = 60  # seconds, on a busy machine


def allowed():
    """The names in the list; each line is a name, white space, and a reason."""
    names = set()
    for line in Path(__file__).with_name("json-allow.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, reason = line.split(None, 1)
            assert reason and name not in names, line
            names.add(name)
    return names


def run(command, data):
    """The exit status; None if it hangs."""
    try:
        return subprocess.run(command, input=data, capture_output=True, timeout=LIMIT).returncode
    except subprocess.TimeoutExpired:
        return None


def check(build, path, allow):
    """None, or why the file fails."""
    data = path.read_bytes()
    verdict = run([build / "test" / "json-verdict"], data)
    whole = run([build / "portico", "check", "--format", "json", "-"], data)
    if verdict not in (0, 1) or whole not in (0, 2):
        return f"crashed or hung (exit statuses {verdict} and {whole})"
    expected = {"y": 0, "n": 1}.get(path.name[0], verdict)
    if path.name in allow:
        return "is listed in json-allow.txt without need" if verdict == expected else None
    return None if verdict == expected else "refused" if verdict else "accepted"


def main():
    suites, build = Path(sys.argv[1]), Path(sys.argv[2])
    paths = sorted((suites / "json" / "test_parsing").glob("*.json"))
    allow = allowed()
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda path: check(build, path, allow), paths))
    failures = [(path.name, why) for path, why in zip(paths, results) if why]
    failures += [(name, "is listed in json-allow.txt, but not in the suite") for name in allow - {path.name for path in paths}]
    for name, why in failures:
        print(f"json: {name}: {why}")
    print(f"json: {results.count(None)} of {len(paths)}, {len(allow)} of them by json-allow.txt")
    return 0 if paths and not failures else 1


if __name__ == "__main__":
    sys.exit(main())
