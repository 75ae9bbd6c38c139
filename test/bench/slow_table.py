"""What scripts/slow makes of its measurements: quantiles, medians over the rounds, and the table."""

import math
import statistics

from bench import figures

TARGET = 2.0  # the p99 beside slow peers, as a multiple of that without them, at most
PORTICO = "Portico"


def quantile(values, share):
    """The smallest of the values that at least this share of them do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def summary(run, cpu_seconds, seconds):
    """One window: a run of the client, and the CPU time of the proxy meanwhile."""
    latencies = run["latencies"]
    return {"p50": quantile(latencies, 0.5), "p99": quantile(latencies, 0.99), "cpu": cpu_seconds / seconds,
            "requests": len(latencies), "failed": sum(run["failed"].values())}


def row(windows):
    """One proxy and one kind of slow peer, of windows {"without": [...], "with": [...]}: medians
    of the windows; of failed requests the sum."""
    result = {"failed": sum(window["failed"] for each in windows.values() for window in each)}
    for when, each in windows.items():
        for what in ("p50", "p99", "cpu"):
            result[f"{what} {when}"] = statistics.median(window[what] for window in each)
    result["ratio"] = result["p99 with"] / result["p99 without"]
    return result


def is_good(each):
    return each["ratio"] <= TARGET and each["failed"] == 0


def milliseconds(seconds):
    return f"{seconds * 1000:.2f}"


def markdown(rows):
    """The table of [{"kind", "mode", "count", "proxy", and what row() gives}]."""
    lines = []
    for each in rows:
        times = [milliseconds(each[what]) for what in ("p50 without", "p50 with", "p99 without", "p99 with")]
        kind = each["kind"] + (", TLS" if each["mode"] == "TLS" else "")
        lines.append([kind, each["count"], each["proxy"], *times, f"{each['ratio']:.2f}", each["failed"],
                      f"{each['cpu without']:.1%}", f"{each['cpu with']:.1%}"])
    return figures.markdown(["slow peers", "how many", "proxy", "p50 without", "with", "p99 without", "with", "ratio",
                             "failed", "CPU without", "with"], lines).rstrip("\n")


def verdict(rows):
    """A sentence about the target."""
    ours = [each for each in rows if each["proxy"] == PORTICO]
    missed = [f"{each['kind']} ({each['mode']}: {each['ratio']:.2f}, {each['failed']} failed)"
              for each in ours if not is_good(each)]
    target = f"p99 beside slow peers at most {TARGET:g} × that without them, and no failed request"
    if missed:
        return f"Portico misses the target ({target}) with {', '.join(missed)}."
    return f"Portico reaches the target ({target}) with all kinds that were measured."
