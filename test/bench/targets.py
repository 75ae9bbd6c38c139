"""What Portico is to reach, and whether it does. TARGETS is the place to change a figure.

The behaviour beside slow peers is judged by a bench of its own."""

import operator

from bench.figures import geometric_mean, markdown, number

CPU = {"plain": "CPU per request, plain", "TLS": "CPU per request, TLS"}
RATE = {"plain": "requests per second, plain", "TLS": "requests per second, TLS"}
HANDSHAKE = "CPU per full handshake"
BULK = "CPU per GB"
IDLE = "memory per idle connection"
START_MEMORY = "resident memory at start"
START_TIME = "start to first answer"

BETTER = ("nginx", "HAProxy")


def mean(measures, others, better=min):
    return lambda samples: geometric_mean(
        samples.ratios(measures, "Portico", others, better).values())


def worst(measures, others):
    return lambda samples: max(samples.ratios(measures, "Portico", others).values(), default=None)


def ratio(measure, row, others):
    return lambda samples: samples.ratio(measure, row, "Portico", others)


def value(measure, row):
    return lambda samples: samples.median(measure, row, "Portico")


# What is judged, how it is computed, "at most" or "at least", the figure, and its unit.
TARGETS = [
    ("CPU per small request, plain: geometric mean", mean([CPU["plain"]], ["nginx"]),
     "at most", 0.85, "× nginx"),
    ("CPU per small request, plain: worst point", worst([CPU["plain"]], ["nginx"]),
     "at most", 1.05, "× nginx"),
    ("CPU per small request, TLS: geometric mean", mean([CPU["TLS"]], ["nginx"]),
     "at most", 0.90, "× nginx"),
    ("CPU per small request, TLS: worst point", worst([CPU["TLS"]], ["nginx"]),
     "at most", 1.05, "× nginx"),
    ("requests per second: geometric mean", mean(RATE.values(), BETTER, max),
     "at least", 1.00, "× the better of nginx and HAProxy"),
    ("CPU per full TLS handshake", ratio(HANDSHAKE, "full", ["nginx"]),
     "at most", 1.00, "× nginx"),
    ("CPU per GB, plain download", ratio(BULK, "plain download", BETTER),
     "at most", 0.40, "× the better of nginx and HAProxy"),
    ("CPU per GB, TLS download", ratio(BULK, "TLS download", BETTER),
     "at most", 0.70, "× the better of nginx and HAProxy"),
    ("memory per idle connection, plain", value(IDLE, "plain"), "at most", 1, "KiB"),
    ("memory per idle connection, TLS", value(IDLE, "TLS"), "at most", 13, "KiB"),
    ("resident memory at start, one route", value(START_MEMORY, "1 route"), "at most", 8, "MiB"),
    ("start to first answer, 1,000 routes with existing certificates",
     value(START_TIME, "1000 routes"), "at most", 150, "ms"),
]


def verdict(measured, relation, limit):
    """"met", "missed by N %", or "not measured"."""
    if measured is None:
        return "not measured"
    met = (operator.le if relation == "at most" else operator.ge)(measured, limit)
    return "met" if met else f"missed by {abs(measured / limit - 1) * 100:.1f} %"


def judge(samples):
    """One dict for each target, for the table and for JSON."""
    judged = []
    for what, measure, relation, limit, unit in TARGETS:
        measured = measure(samples)
        judged.append({"what": what, "measured": measured, "relation": relation, "limit": limit,
                       "unit": unit, "verdict": verdict(measured, relation, limit)})
    return judged


def table(judged):
    return markdown(["what", "measured", "target", "verdict"],
                    [[each["what"], number(each["measured"]),
                      f"{each['relation']} {each['limit']:{'.2f' if '×' in each['unit'] else 'g'}} "
                      f"{each['unit']}", each["verdict"]] for each in judged])
