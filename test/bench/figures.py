"""Figures: what wrk says, medians with their spread, ratios, and Markdown. No clock, no process."""

import math
import re
import statistics

UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4, "h": 3.6e6}  # to milliseconds


class Unreadable(Exception):
    pass


def parse_wrk(text):
    """{"requests", "p50", "p99" (milliseconds), "errors"} of what wrk --latency prints; errors is
    the line that tells of them, or None."""
    total = re.search(r"(\d+) requests in", text)
    latency = {percent: re.search(rf"^ +{percent}%\s+([\d.]+)(us|ms|s|m|h) *$", text, re.M)
               for percent in (50, 99)}
    if not total or not all(latency.values()):
        raise Unreadable(f"this is not what wrk --latency prints:\n{text}")
    errors = re.search(r"^ *((?:Socket errors|Non-2xx).*)$", text, re.M)
    if int(total[1]) == 0 and not errors:
        raise Unreadable(f"wrk completed no request:\n{text}")
    return {"requests": int(total[1]), "errors": errors[1] if errors else None,
            **{f"p{percent}": float(found[1]) * UNITS[found[2]]
               for percent, found in latency.items()}}


def parse_client(text):
    """(count, bytes, seconds) of the last line of bench-client."""
    found = re.search(r"^count (\d+) bytes (\d+) seconds ([\d.]+)$", text, re.M)
    if not found or int(found[1]) == 0:
        raise Unreadable(f"bench-client completed nothing:\n{text}")
    return int(found[1]), int(found[2]), float(found[3])


def parse_status(text):
    """How many requests a nginx has answered, by its stub_status."""
    found = re.search(r"^ (\d+) (\d+) (\d+) $", text, re.M)
    if not found:
        raise Unreadable(f"this is not nginx's status:\n{text}")
    return int(found[3])


def geometric_mean(values):
    values = list(values)
    if not values:
        return None
    return math.exp(sum(map(math.log, values)) / len(values))


class Samples:
    """All that was measured: a list of numbers for each measure ("CPU, plain"), row of its table
    ("64") and peer ("nginx")."""

    def __init__(self):
        self.values = {}

    def add(self, measure, row, peer, value):
        self.values.setdefault(measure, {}).setdefault(row, {}).setdefault(peer, []).append(value)

    def rows(self, measure):
        return list(self.values.get(measure, {}))

    def peers(self, measure):
        """In the order of their first sample."""
        return list(dict.fromkeys(peer for row in self.values.get(measure, {}).values()
                                  for peer in row))

    def all(self, measure, row, peer):
        return self.values.get(measure, {}).get(row, {}).get(peer, [])

    def median(self, measure, row, peer):
        """None if it was not measured."""
        values = self.all(measure, row, peer)
        return statistics.median(values) if values else None

    def ratio(self, measure, row, peer, others, better=min):
        """The peer's median in relation to the better one of the others."""
        mine = self.median(measure, row, peer)
        theirs = [self.median(measure, row, other) for other in others]
        theirs = [value for value in theirs if value]
        return mine / better(theirs) if mine and theirs else None

    def ratios(self, measures, peer, others, better=min):
        """{(measure, row): ratio}, of those that were measured."""
        found = {(measure, row): self.ratio(measure, row, peer, others, better)
                 for measure in measures for row in self.rows(measure)}
        return {key: value for key, value in found.items() if value is not None}

    def as_json(self):
        return {measure: {str(row): {peer: {"median": statistics.median(values), "all": values}
                                     for peer, values in peers.items()}
                          for row, peers in rows.items()}
                for measure, rows in self.values.items()}


def number(value):
    """Three significant digits, and no exponent."""
    if value is None:
        return ""
    if value == 0:
        return "0"
    digits = 2 - math.floor(math.log10(abs(value)))
    return f"{value:.{min(max(digits, 0), 4)}f}"


def with_spread(values):
    """The median, and from where to where the values go."""
    if not values:
        return ""
    median = number(statistics.median(values))
    return median if len(values) == 1 else f"{median} ({number(min(values))}–{number(max(values))})"


def markdown(head, rows):
    """A table whose first column is text and the others numbers."""
    lines = [head, [":---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


def comparison(samples, measure, label, references, peer="Portico"):
    """The table of a measure: first the peer's ratios to the references (each a heading, peers,
    and min or max as the better), then everybody's medians with their spread."""
    peers = samples.peers(measure)
    references = [each for each in references if set(each[1]) <= set(peers)]
    head = [label, *[heading for heading, _, _ in references], *peers]
    rows = [[row, *[number(samples.ratio(measure, row, peer, others, better))
                    for _, others, better in references],
             *[with_spread(samples.all(measure, row, each)) for each in peers]]
            for row in samples.rows(measure)]
    return markdown(head, rows)
