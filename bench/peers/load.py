"""The daemon at ten times the SLA's scale: 16,000 checks a minute of the four mail protocols, webmail beside."""

import json
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from threading import Thread

from bench.peers import minimal, ours
from bench.peers.race import own_times
from bench.peers.yard import processor_seconds, resident_bytes
from bench.prose import paragraph
from tests.lab import Lab, wait_until

INTERVAL = 6.0  # seconds; of 1,600 targets as of 320 agencies, 16,000 checks a minute
KINDS = ("imap", "pop3", "smtp", "submission")
TARGETS = 400  # of each kind
WEBMAIL = 32
_LATE = re.compile(r'^mailuptime_schedule_lateness_seconds_bucket\{le="([^"]+)"\} ([0-9.e+]+)', re.MULTILINE)


@dataclass(frozen=True)
class Load:
    """Latencies in milliseconds, by protocol, of what the daemon itself recorded."""

    rate: float
    busy: float  # share of the core
    late: float  # upper bound in seconds of the bucket that holds the 99th percentile
    failed: int
    alone: dict[str, tuple[float, float]]
    together: dict[str, tuple[float, float]]
    independent: tuple[float, float]  # another client's median of IMAP, alone and beside the load
    ledger_bytes: float  # for each check
    memory: float  # bytes
    lag: float  # seconds, the last one


def recorded(configuration: Path, since: float) -> dict[str, list[float]]:
    """Milliseconds of each check from an instant on, by kind; the names of targets begin with it."""
    command = [sys.executable, "-m", "monitor", "export", "checks", "-c", str(configuration)]
    month = time.strftime("%Y-%m", time.gmtime(since + 7 * 3600))
    done = subprocess.run([*command, "--month", month], capture_output=True, text=True, check=True)
    found: dict[str, list[float]] = {}
    for line in done.stdout.splitlines():
        check = json.loads(line)
        kind = check["target"].partition("/")[2].partition("-")[0]
        found.setdefault(kind, []).append(1000 * check["duration_seconds"])
    return found


def quantiles(values: list[float]) -> tuple[float, float]:
    """The median and the 99th percentile."""
    ordered = sorted(values)
    return median(ordered), ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]


def alone(lab: Lab, directory: Path, seconds: float) -> dict[str, tuple[float, float]]:
    """One check at a time: five targets, two seconds apart each."""
    directory.mkdir()
    targets = [ours.target(lab, kind, f"{kind}-0") for kind in (*KINDS, "webmail")]
    configuration = ours.configured(directory, {"mail": targets}, interval="2s", timeout="1900ms", pulse="off")
    began = time.time()
    with ours.running(configuration):
        time.sleep(seconds)
    return {kind: quantiles(took) for kind, took in recorded(configuration, began).items()}


def percentile(before: str, after: str) -> float:
    """The bucket of lateness that the 99th percentile of what lies between two scrapes is in."""
    earlier = dict(_LATE.findall(before))
    grown = [(float(bound), float(count) - float(earlier.get(bound, 0))) for bound, count in _LATE.findall(after)]
    return next(bound for bound, count in grown if count >= 0.99 * grown[-1][1])


def load(lab: Lab, directory: Path, seconds: float) -> Load:
    job = minimal.Job(
        "imap", lab.ports.imaps, str(lab.ca_file), lab.probe.username, lab.probe.password, 1, 0.25, min(seconds, 20)
    )
    one = alone(lab, directory / "alone", max(seconds / 2, 10))
    before = median(own_times("loop", job))
    place = directory / "load"
    place.mkdir()
    services = {
        f"agency{number:03}": [ours.target(lab, kind, f"{kind}-{number}") for kind in KINDS]
        for number in range(TARGETS)
    }
    services["web"] = [ours.target(lab, "webmail", f"webmail-{number}") for number in range(WEBMAIL)]
    configuration = ours.configured(place, services, interval=f"{INTERVAL:g}s", timeout="5s", pulse="off")
    with ours.running(configuration) as (daemon, pid):
        wait_until(lambda: daemon.get("/-/ready")[0] == 200, "every target to be checked", seconds=240)
        other: list[float] = []
        beside = Thread(target=lambda: other.extend(own_times("loop", job)))
        beside.start()
        time.sleep(INTERVAL)  # also for that other client, whose start takes a second of the same core
        first, (count, bad) = daemon.get("/metrics")[1], ours.checks(daemon)
        spent, begun = processor_seconds(pid), time.time()
        time.sleep(seconds)
        beside.join()
        last, (total, worse), elapsed = daemon.get("/metrics")[1], ours.checks(daemon), time.time() - begun
        spent, memory = processor_seconds(pid) - spent, resident_bytes(pid)
        lag = float(re.findall(r"^mailuptime_event_loop_lag_seconds ([0-9.e-]+)", last, re.MULTILINE)[0])
    together = {kind: quantiles(took) for kind, took in recorded(configuration, begun).items()}
    size = sum(one.stat().st_size for one in place.glob("ledger.db*"))
    return Load(
        (total - count) / elapsed, spent / elapsed, percentile(first, last), round(worse - bad),
        one, together, (1000 * before, 1000 * median(other)), size / total, memory, lag,
    )  # fmt: skip


def table(run: Load) -> list[str]:
    rows = [
        paragraph(
            f"{60 * run.rate:,.0f} checks a minute (16,320 wanted), {run.failed} of them not up. The process took",
            f"{100 * run.busy:.0f} % of its core; 99 of 100 starts were late by {1000 * run.late:g} ms at",
            "most (wanted: 100);",
            f"the loop's last lag was {1000 * run.lag:.1f} ms. {run.memory / 1e6:.0f} MB of memory,",
            f"{run.ledger_bytes:.0f} bytes of ledger for a check. An independent client that asked IMAP four",
            "times a second",
            f"had a median of {run.independent[0]:.1f} ms alone and {run.independent[1]:.1f} ms beside the",
            "load: as much of",
            "what follows is the servers', which share a core.",
        ),
        "",
        "| check | alone, median | under load, median | inflated by | alone, p99 | under load, p99 |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for kind, (middle, high) in run.alone.items():
        if kind in run.together:
            loaded, highest = run.together[kind]
            cells = [f"{middle:.1f} ms", f"{loaded:.1f} ms", f"{100 * (loaded / middle - 1):+.0f} %"]
            rows.append(f"| {kind} | {' | '.join(cells)} | {high:.1f} ms | {highest:.1f} ms |")
    return rows
