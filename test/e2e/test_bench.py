"""scripts/bench: what it reads and computes must be right, whatever the figures are. Nothing here
is a timing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test"))

from bench import cli, figures, peers, process, report, targets  # noqa: E402

WRK = """Running 1s test @ http://127.0.0.1:8080/
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   433.10us  281.67us   3.12ms   86.01%
    Req/Sec    32.10k     1.20k   34.00k    70.00%
  Latency Distribution
     50%  398.00us
     75%    1.05ms
     90%    1.70ms
     99%    1.20s 
  32040 requests in 1.10s, 8.11MB read
{errors}Requests/sec:  29127.27
Transfer/sec:      7.37MB
"""


def test_wrk_is_read():
    assert figures.parse_wrk(WRK.format(errors="")) == {
        "requests": 32040, "errors": None, "p50": pytest.approx(0.398), "p99": pytest.approx(1200)}


@pytest.mark.parametrize("errors", [
    "Socket errors: connect 0, read 3, write 0, timeout 1", "Non-2xx or 3xx responses: 17"])
def test_wrk_errors_are_seen(errors):
    assert figures.parse_wrk(WRK.format(errors=f"  {errors}\n"))["errors"] == errors


@pytest.mark.parametrize("text", ["", "unable to connect to 127.0.0.1:1 Connection refused",
                                  WRK.replace("32040 requests", "0 requests").format(errors="")])
def test_wrk_that_measured_nothing_is_an_error(text):
    with pytest.raises(figures.Unreadable):
        figures.parse_wrk(text)


def test_client_and_status_are_read():
    assert figures.parse_client("ready\ncount 12 bytes 3400 seconds 1.500000\n") == (12, 3400, 1.5)
    with pytest.raises(figures.Unreadable):
        figures.parse_client("count 0 bytes 0 seconds 1.500000\n")
    status = "Active connections: 2 \nserver accepts handled requests\n 7 7 31 \nReading: 0 \n"
    assert figures.parse_status(status) == 31
    with pytest.raises(figures.Unreadable):
        figures.parse_status("404")


def test_geometric_mean():
    assert figures.geometric_mean([2, 8]) == pytest.approx(4)
    assert figures.geometric_mean([0.5, 2]) == pytest.approx(1)
    assert figures.geometric_mean([]) is None


def samples_of(**measures):
    """Samples of {measure: {row: {peer: [values]}}}."""
    samples = figures.Samples()
    for measure, rows in measures.items():
        for row, by_peer in rows.items():
            for peer, values in by_peer.items():
                for value in values:
                    samples.add(measure, row, peer, value)
    return samples


def test_medians_and_ratios():
    samples = samples_of(cpu={1: {"Portico": [1, 9, 2], "nginx": [4, 4], "HAProxy": [8]},
                              2: {"Portico": [3]}})
    assert samples.median("cpu", 1, "Portico") == 2
    assert samples.ratio("cpu", 1, "Portico", ["nginx", "HAProxy"]) == 0.5
    assert samples.ratio("cpu", 1, "Portico", ["nginx", "HAProxy"], max) == 0.25
    assert samples.ratio("cpu", 1, "Portico", ["Caddy", "nginx"]) == 0.5  # of those there are
    assert samples.ratio("cpu", 2, "Portico", ["nginx"]) is None
    assert samples.ratios(["cpu", "none"], "Portico", ["nginx"]) == {("cpu", 1): 0.5}


@pytest.mark.parametrize("value, text", [(None, ""), (0, "0"), (0.0123, "0.0123"), (0.5, "0.500"),
                                         (1.234, "1.23"), (45.67, "45.7"), (123456, "123456")])
def test_numbers(value, text):
    assert figures.number(value) == text


def test_tables_have_ratios_first_and_gaps_where_nothing_was_measured():
    samples = samples_of(cpu={1: {"Portico": [1, 3, 2], "nginx": [4]}, 2: {"Portico": [5]}})
    assert figures.comparison(samples, "cpu", "n", report.LESS) == (
        "| n | × nginx | Portico | nginx |\n"
        "| :--- | ---: | ---: | ---: |\n"
        "| 1 | 0.500 | 2.00 (1.00–3.00) | 4.00 |\n"
        "| 2 |  | 5.00 |  |\n")


@pytest.mark.parametrize("measured, relation, limit, said", [
    (None, "at most", 1, "not measured"),
    (1.0, "at most", 1.0, "met"), (1.1, "at most", 1.0, "missed by 10.0 %"),
    (1.0, "at least", 1.0, "met"), (0.9, "at least", 1.0, "missed by 10.0 %"),
    (13.5, "at most", 13, "missed by 3.8 %"), (0, "at most", 1, "met")])
def test_verdicts(measured, relation, limit, said):
    assert targets.verdict(measured, relation, limit) == said


def test_every_target_is_computed():
    """Portico half as costly and twice as fast as nginx everywhere, and small."""
    def everybody(portico, nginx, haproxy):
        return {"Portico": [portico], "nginx": [nginx], "HAProxy": [haproxy]}
    samples = samples_of(**{
        **{name: {1: everybody(1, 2, 3), 64: everybody(4, 4, 3)} for name in targets.CPU.values()},
        **{name: {1: everybody(4, 1, 2)} for name in targets.RATE.values()},
        targets.HANDSHAKE: {"full": everybody(1, 2, 0.5)},
        targets.BULK: {"plain download": everybody(1, 4, 2), "TLS download": everybody(1, 2, 4)},
        targets.IDLE: {"plain": everybody(0.5, 1, 1), "TLS": everybody(14, 15, 15)},
        targets.START_MEMORY: {"1 route": everybody(7, 20, 20)},
        targets.START_TIME: {"1000 routes": everybody(100, 2, 2)}})
    judged = targets.judge(samples)
    assert [each["measured"] for each in judged] == [
        pytest.approx(0.5 ** 0.5), 1, pytest.approx(0.5 ** 0.5), 1, pytest.approx(2), 0.5, 0.5, 0.5,
        0.5, 14, 7, 100]
    assert [each["what"] for each in judged if each["verdict"] != "met"] == [
        "CPU per GB, plain download", "memory per idle connection, TLS"]
    assert "10 met, 2 missed.\n" in report.targets_table(judged)
    assert all(each["verdict"] == "not measured" for each in targets.judge(figures.Samples()))
    assert "| at least 1.00 × the better of nginx and HAProxy |" in targets.table(judged)
    assert "| at most 13 KiB |" in targets.table(judged)


def test_a_report_of_part_of_it():
    samples = samples_of(**{targets.HANDSHAKE: {"full": {"Portico": [1.0], "nginx": [2.0]}}})
    text = report.tables(samples, cli.QUICK, {"Portico": (2**20, 2**21, ["libc.so.6"])})
    assert "## Full TLS handshakes" in text and "Small requests" not in text
    assert "| Portico | 1.00 | 2.00 | libc.so.6 |" in text


def test_a_part_of_it_is_not_recorded(capsys):
    """It would replace the figures of everything."""
    with pytest.raises(SystemExit):
        cli.options_of(["--record", "--only", "bulk"])
    assert "--only" in capsys.readouterr().err
    assert cli.options_of(["--record"]).record


def test_templates():
    text = "a @X@\n#repeat\n- @Y@ @X@\n#end\nb\n"
    assert peers.fill(text, {"X": 1}, [{"Y": 2}, {"Y": 3}]) == "a 1\n- 2 1\n- 3 1\nb\n"
    with pytest.raises(KeyError):
        peers.fill("@MISSING@", {})


def test_cpu_time_includes_what_has_ended():
    """A thread, a child that was waited for, and a child that still lives."""
    burn = "import os,threading,time\ndef burn():\n c=time.thread_time()\n while time.thread_time()-c<.1:pass\n"
    program = burn + ("t=threading.Thread(target=burn); t.start(); t.join()\n"
                      "p=os.fork()\nif p==0: burn(); os._exit(0)\nos.waitpid(p,0)\n"
                      "p=os.fork()\nif p==0: burn(); print('done',flush=True)\nelse: os.waitpid(p,0)\n"
                      "import sys; sys.stdin.read()\n")
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as child:
        assert child.stdout.readline() == b"done\n"
        pids = process.descendants(child.pid)
        assert len(pids) == 2
        assert sum(map(process.cpu_of, pids)) >= 0.28  # ticks round down
        assert process.memory_of(child.pid, "Rss") >= process.memory_of(child.pid, "Pss") > 0
        child.stdin.close()


def test_a_low_limit_on_open_files_is_a_sentence():
    code = ("import resource, sys; sys.path.insert(0, sys.argv[1])\n"
            "resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))\n"
            "from bench import cli; sys.exit(cli.main(['--quick']))\n")
    done = subprocess.run([sys.executable, "-c", code, str(ROOT / "test")], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("scripts/bench: only 256 open files are allowed")


@pytest.fixture(scope="module")
def tools():
    below = Path(os.environ["PORTICO_BIN"]).parent / "test"
    if not (below / "bench-client").exists():
        pytest.skip("bench-client is not built")
    return below


def run_client(tools, *arguments):
    return subprocess.run([tools / "bench-client", *map(str, arguments)], capture_output=True,
                          text=True, timeout=60, check=False)


def test_the_client_and_the_sink(tools):
    with subprocess.Popen([tools / "bench-sink"], stdout=subprocess.PIPE) as sink:
        try:
            port = int(sink.stdout.readline())
            done = run_client(tools, "put", "plain", port, "x", "/", 2, 0.05, 3_000_000)
            count, size, _ = figures.parse_client(done.stdout)
            assert done.returncode == 0 and count >= 2 and size == count * 3_000_000
            refused = run_client(tools, "get", "plain", port, "x", "/", 1, 0.05)
            assert refused.returncode == 1 and "411 Length Required" in refused.stderr
        finally:
            sink.kill()


@pytest.mark.parametrize("what", ["handshake", "get"])
def test_the_client_over_tls(tools, sites, what):
    site = sites["hello.https.test"]
    done = run_client(tools, what, "tls", site.portico.address("https")[1], site.host, "/", 2, 0.05)
    assert done.returncode == 0, done.stderr
    count, size, _ = figures.parse_client(done.stdout)
    assert count >= 2 and (size > 0) == (what == "get")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_idle_connections(tools, sites, scheme):
    site = sites[f"hello.{scheme}.test"]
    port = site.portico.address(scheme)[1]
    mode = "tls" if scheme == "https" else "plain"
    with subprocess.Popen([tools / "bench-client", "idle", mode, str(port), site.host, "/",
                           "20", "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as client:
        assert client.stdout.readline() == "ready\n"
        rest, _ = client.communicate()
        assert client.returncode == 0 and figures.parse_client(rest)[0] == 20
