"""The tables, in Markdown: Portico's ratio to the others first, then everybody's medians with, in
brackets, where the rounds lie."""

import os
import platform
import re
from pathlib import Path

from bench import targets
from bench.bulk import BULK_RATE, HANDSHAKES_PER_SECOND
from bench.figures import comparison, geometric_mean, markdown, number
from bench.footprint import IDLE_TOTAL, START_PSS
from bench.peers import BEFORE
from bench.small import LOGGED
from bench.targets import BETTER, BULK, CPU, HANDSHAKE, IDLE, RATE, START_MEMORY, START_TIME

LESS = [("× before", [BEFORE], min), ("× nginx", ["nginx"], min), ("× HAProxy", ["HAProxy"], min),
        ("× Caddy", ["Caddy"], min)]
BEST_LOW = [("× the better of nginx and HAProxy", BETTER, min), *LESS]
BEST_HIGH = [("× the better of nginx and HAProxy", BETTER, max), *LESS]


def processor():
    text = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*: (.+)$", text, re.M)
    return model[1] if model else platform.machine()


def machine():
    return {"processor": processor(), "cores": len(os.sched_getaffinity(0)),
            "kernel": platform.release(), "load": os.getloadavg()[0]}


def opening(facts, versions, plan):
    rows = [["processor", f"{facts['processor']}, {facts['cores']} cores"],
            ["kernel", f"Linux {facts['kernel']}"],
            ["compared", ", ".join(f"{name} {version}" for name, version in versions.items())],
            ["threads", f"{facts['threads']} each; Portico's workers: "
                        f"{facts['workers'] or 'automatic'}"],
            ["load when it began", f"{facts['load']:.1f}"],
            ["rounds", f"{plan.rounds}, all peers in turn; medians (lowest–highest)"],
            ["date", facts["date"]]]
    return "| | |\n| :--- | :--- |\n" + "".join(f"| {a} | {b} |\n" for a, b in rows)


def summary(samples):
    """Small requests in one table: how Portico does in relation to each of the others."""
    others = [peer for peer in samples.peers(CPU["plain"]) if peer != "Portico"]
    rows = []
    for mode in CPU:
        for other in others:
            cpu = samples.ratios([CPU[mode]], "Portico", [other]).values()
            rate = samples.ratios([RATE[mode]], "Portico", [other]).values()
            rows.append([f"{mode}, Portico to {other}", number(geometric_mean(cpu)),
                         number(max(cpu, default=None)), number(geometric_mean(rate)),
                         number(min(rate, default=None))])
    return markdown(["", "CPU per request: geometric mean", "worst point",
                     "requests per second: geometric mean", "worst point"], rows)


def latency(samples, mode):
    """p50 and p99 of every peer."""
    peers = samples.peers(f"p50, {mode}")
    rows = [[row, *[f"{number(samples.median(f'p50, {mode}', row, peer))} / "
                    f"{number(samples.median(f'p99, {mode}', row, peer))}" for peer in peers]]
            for row in samples.rows(f"p50, {mode}")]
    return markdown(["connections", *peers], rows)


def small(samples):
    parts = ["## Small requests (100 bytes)\n", summary(samples)]
    for mode in CPU:
        parts += [f"### CPU per request, {mode}, µs\n",
                  comparison(samples, CPU[mode], "connections", LESS),
                  f"### Requests per second, {mode}\n",
                  comparison(samples, RATE[mode], "connections", BEST_HIGH),
                  f"### Latency, {mode}, p50 / p99, ms\n", latency(samples, mode)]
    return parts


def sizes_table(sizes):
    return markdown(["", "program, MiB", "its shared libraries, MiB", "which"],
                    [[name, number(size / 2**20), number(total / 2**20), ", ".join(libraries)]
                     for name, (size, total, libraries) in sizes.items()])


def sections(plan):
    """(heading, what it means, [(measure, label of the rows, references)]) of all but the small
    requests."""
    yield ("Access log",
           f"Plain, {plan.logged_connections} connections, the log written to a file; CPU per "
           "request in µs, then requests per second.",
           [(LOGGED["cpu"], "access log", LESS), (LOGGED["rate"], "access log", BEST_HIGH)])
    yield ("Full TLS handshakes",
           "TLS 1.3, X25519, ECDSA P-256, no resumption: CPU per handshake in µs, then handshakes "
           "per second.",
           [(HANDSHAKE, "handshake", LESS), (HANDSHAKES_PER_SECOND, "handshake", BEST_HIGH)])
    yield ("Bulk",
           "Bodies of 32 MiB, four at a time, TLS_AES_128_GCM_SHA256: CPU seconds per GB, then GB "
           "per second. Set apart are an nginx with buffers of 64 KiB instead of 4 or 8, and a "
           "HAProxy that splices: neither is the default.",
           [(BULK, "body", [*BEST_LOW,
                            ("× nginx, large buffers", ["nginx, large buffers"], min),
                            ("× HAProxy, splicing", ["HAProxy, splicing"], min)]),
            (BULK_RATE, "body", BEST_HIGH)])
    yield ("Memory of idle connections",
           "KiB of VmRSS that each adds (one request answered, kept alive; summed over processes), "
           "then MiB in all.",
           [(IDLE, "", LESS), (IDLE_TOTAL, "idle connections", [])])
    yield ("Memory at start",
           "After one answer: MiB of VmRSS, summed over processes, and then of PSS, which shares "
           "out what several processes have in common.",
           [(START_MEMORY, "VmRSS", LESS), (START_PSS, "PSS", LESS)])
    yield ("Start to first answer",
           "In ms, over HTTPS, each route with a certificate of its own that exists already (with "
           "the others: a server block, a site, or entries of a list of certificates and of a map "
           "of hosts).",
           [(START_TIME, "", LESS)])


def tables(samples, plan, sizes):
    """Everything that was measured."""
    parts = small(samples) if samples.rows(CPU["plain"]) else []
    for heading, meaning, measures in sections(plan):
        if samples.rows(measures[0][0]):
            parts += [f"## {heading}\n", f"{meaning}\n",
                      *[comparison(samples, *measure) for measure in measures]]
    return "\n".join([*parts, "## Size of the programs\n", "Without debugging symbols.\n",
                      sizes_table(sizes)])


def targets_table(judged):
    missed = sum(each["verdict"].startswith("missed") for each in judged)
    unknown = sum(each["verdict"] == "not measured" for each in judged)
    return "\n".join(["## Targets\n", targets.table(judged),
                      f"{len(judged) - missed - unknown} met, {missed} missed"
                      + (f", {unknown} not measured" if unknown else "") + ".\n"])
