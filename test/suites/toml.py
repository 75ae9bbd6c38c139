"""toml-test against toml-decode: python3 test/suites/toml.py SUITES_DIR BUILD_DIR

Every file that files-toml-1.1.0 lists: a valid one must yield its JSON, an invalid one must be
refused. Prints the failures and the count; exits 0 only if all pass."""

import json
import math
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def normal(value):
    """A tagged value in a form that compares by meaning."""
    if isinstance(value, list):
        return [normal(item) for item in value]
    if not (set(value) == {"type", "value"} and isinstance(value["type"], str)):
        return {key: normal(item) for key, item in value.items()}
    kind, text = value["type"], value["value"]
    if kind == "float":
        number = float(text)
        return (kind, "nan" if math.isnan(number) else number, math.copysign(1, number) if number == 0 else 0)
    if kind == "integer":
        return (kind, int(text))
    if kind.startswith(("date", "time")):
        text = text.upper().replace(" ", "T")
        text = re.sub(r"(^|T)(\d\d:\d\d)(?=$|[Z+-])", r"\1\2:00", text)
        text = re.sub(r"(\.\d*?)0+(?=\D|$)", r"\1", text)
        text = re.sub(r"\.(?=\D|$)", "", text)
        text = re.sub(r"[+-]00:00$", "Z", text)
    return (kind, text)


def check(decoder, folder, name):
    """None, or why the file fails."""
    path = folder / name
    run = subprocess.run([decoder], input=path.read_bytes(), capture_output=True, timeout=60)
    if name.startswith("invalid/"):
        return None if run.returncode == 1 else f"accepted (exit status {run.returncode})"
    if run.returncode != 0:
        return "refused: " + run.stderr.decode(errors="replace").strip()
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    actual = json.loads(run.stdout.decode("utf-8"))
    if normal(actual) != normal(expected):
        return f"differs: {actual} instead of {expected}"
    return None


def main():
    suites, build = Path(sys.argv[1]), Path(sys.argv[2])
    folder = suites / "toml-test"
    decoder = build / "test" / "toml-decode"
    names = (folder / "files-toml-1.1.0").read_text(encoding="utf-8").split()
    names = [name for name in names if name.endswith(".toml")]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda name: check(decoder, folder, name), names))
    for name, why in zip(names, results):
        if why:
            print(f"toml-test: {name}: {why}")
    passed = results.count(None)
    print(f"toml-test: {passed} of {len(names)}")
    return 0 if names and passed == len(names) else 1


if __name__ == "__main__":
    sys.exit(main())
