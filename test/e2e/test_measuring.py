"""The measuring tools tested themselves: what scripts/slow and the soak make of what they see. Not
of a Portico, so once is enough."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.scale import IS_RELEASE
from harness.wire import response

TEST = Path(__file__).resolve().parent.parent
sys.path.append(str(TEST))

from bench import slow, slow_table  # noqa: E402
from soak.soak import parse_wrk  # noqa: E402

pytestmark = pytest.mark.skipif(not IS_RELEASE, reason="has nothing to do with the binary")


@pytest.mark.parametrize("share, value", [(0.5, 50), (0.99, 99), (0.991, 100), (1, 100), (0, 1)])
def test_quantiles(share, value):
    assert slow_table.quantile(range(100, 0, -1), share) == value


def window(p99, failed=0):
    return {"p50": p99 / 2, "p99": p99, "cpu": 0.01, "requests": 100, "failed": failed}


def test_windows_become_a_row():
    run = {"latencies": [0.001] * 98 + [0.004, 0.005], "failed": {"closed": 2, "status 502": 1}}
    assert slow_table.summary(run, 0.5, 10) == {"p50": 0.001, "p99": 0.004, "cpu": 0.05, "requests": 100, "failed": 3}
    row = slow_table.row({"without": [window(1), window(100), window(2)], "with": [window(3, failed=1), window(5), window(5)]})
    assert (row["p99 without"], row["p99 with"], row["p50 with"], row["ratio"], row["failed"]) == (2, 5, 2.5, 2.5, 1)


def test_the_verdict_is_about_portico():
    good = {"kind": "silent", "mode": "plain", "count": 10, "proxy": "Portico", **slow_table.row({"without": [window(1)], "with": [window(2)]})}
    late = {**good, "ratio": 2.01}
    failing = {**good, "failed": 1}
    assert "reaches" in slow_table.verdict([good, {**late, "proxy": "nginx"}])
    assert "misses" in slow_table.verdict([good, late]) and "misses" in slow_table.verdict([failing])
    assert "| silent | 10 | Portico | 500.00 | 1000.00 | 1000.00 | 2000.00 | 2.00 | 0 | 1.0% | 1.0% |" in slow_table.markdown([good])


def ordinary_client(origin, rate, seconds):
    done = subprocess.run([sys.executable, TEST / "bench" / "slow_client.py", "plain", str(origin.port), "x.test",
                           str(rate), str(seconds)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("part", [["--kinds", "silent"], ["--proxies", "Portico,nginx"]])
def test_a_part_of_it_is_not_recorded(part, capsys):
    with pytest.raises(SystemExit):
        slow.options_of(["--record", *part])
    assert "--record" in capsys.readouterr().err
    assert slow.options_of(["--record"]).record


def test_latency_counts_from_when_a_request_was_due(origin_factory):
    """An origin that stands still for a moment delays all the requests of that moment."""
    resume = []

    def script(connection):
        while connection.request():
            if not resume:
                resume.append(time.monotonic() + 0.5)
            time.sleep(max(0, resume[0] - time.monotonic()))
            connection.send(response(body=b"hello"))
    result = ordinary_client(origin_factory(script), 50, 1)
    assert result["failed"] == {} and len(result["latencies"]) == 50
    # They were due every 20 ms of that half second.
    for share in (0.1, 0.2, 0.3, 0.4):
        assert sum(latency >= share for latency in result["latencies"]) >= (0.5 - share) / 0.02 - 1


def test_failed_requests_are_counted(origin_factory):
    def script(connection):
        served = 0
        while connection.request():
            connection.send(response("200 OK" if served % 2 == 0 else "503 No", body=b"hello"))
            served += 1
    result = ordinary_client(origin_factory(script), 50, 1)
    assert set(result["failed"]) == {"status 503"}
    assert result["failed"]["status 503"] + len(result["latencies"]) == 50


def test_what_wrk_says():
    good = "Running 1s test @ http://127.0.0.1/\n  1 threads and 4 connections\n  814 requests in 1.00s, 0.1MB read\nRequests/sec: 814\n"
    assert parse_wrk(good) == (814, "")
    assert parse_wrk(good + "  Socket errors: connect 0, read 3, write 0, timeout 0\n")[1].startswith("Socket errors")
    assert "Non-2xx" in parse_wrk(good + "  Non-2xx or 3xx responses: 7\n")[1]
    assert parse_wrk("unable to connect")[1]
