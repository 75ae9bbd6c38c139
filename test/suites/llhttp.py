"""llhttp's requests and responses against http-verdict: python3 test/suites/llhttp.py SUITES BUILD

Each case stands in a Markdown file under a heading: how it is parsed (only the strict ways are
of interest here), the bytes, and a log that tells whether a strict parser refuses them."""

import re
import sys
from pathlib import Path

from http_suites import is_refused, report, verdicts, with_host

CASE = re.compile(r"<!--\s*meta=(\{.*?\})\s*-->\s*```http\n(.*?)```\s*```log\n(.*?)```", re.S)
STRICT = re.compile(r'"type"\s*:\s*"(request|response)(-finish)?"')
# Errors by which llhttp hands over rather than refuses: to the protocol that was switched to,
# and at bytes behind a message that closes the connection, which Portico ignores.
NO_REFUSAL = {"5", "21", "22", "23"}


def unescape(text):
    """The bytes of an example: line ends are CRLF, but for what is written as an escape."""
    text = re.sub(r"\n\Z", "", text)
    text = re.sub(r"\\\n", "", text)
    text = text.replace("\n", "\r\n")
    for escape, byte in (("\\r", "\r"), ("\\n", "\n"), ("\\t", "\t"), ("\\f", "\f")):
        text = text.replace(escape, byte)
    text = re.sub(r"\\x([0-9a-fA-F]{2})", lambda match: chr(int(match[1], 16)), text)
    return text.encode("latin-1") if all(ord(c) < 256 for c in text) else text.encode()


def cases(folder):
    """(name, kind, bytes, does a strict parser refuse them)"""
    for path in sorted(folder.glob("*/*.md")):
        text = path.read_text(encoding="utf-8")
        seen = {}
        for match in CASE.finditer(text):
            strict = STRICT.search(match[1])
            if not strict:
                continue
            headings = re.findall(r"^#+ +(.*?)\s*$", text[:match.start()], re.M)
            name = f"{path.parent.name}/{path.name}: {headings[-1]}"
            seen[name] = seen.get(name, 0) + 1
            if seen[name] > 1:
                name += f" ({seen[name]})"
            error = re.search(r"error code=(\d+)", match[3])
            data = unescape(match[2])
            if strict[1] == "request":
                data = with_host(data)
            yield name, strict[1], data, bool(error) and error[1] not in NO_REFUSAL


def main():
    suites, build = Path(sys.argv[1]), Path(sys.argv[2])
    found = list(cases(suites / "llhttp"))
    answers = verdicts(build, [(kind, data) for _, kind, data, _ in found])
    # Some examples stop where llhttp stops, within a line: Portico speaks when its end has come.
    ended = verdicts(build, [(kind, data + b"\r\n\r\n") for _, kind, data, _ in found])
    answers = [late if case[3] and answer.startswith("partial") else answer
               for case, answer, late in zip(found, answers, ended)]
    return report("llhttp", [(name, verdict, is_refused(verdict) != refused)
                             for (name, _, _, refused), verdict in zip(found, answers)])


if __name__ == "__main__":
    sys.exit(main())
