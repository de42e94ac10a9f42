"""Ten thousand targets on one machine: how long the daemon takes to start, what it holds, how late it is.

Real servers on loopback in this process, a real daemon in another; each target is checked in its first round and, by
its interval, again. `make crowd` writes docs/results/crowd-DATE.md.
"""

import argparse
import asyncio
import json
import os
import platform
import re
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.prose import paragraph
from monitor.fleet import FIRST_ROUND_GAP
from tests.endure.herd import Server, herd
from tests.endure.hour import metrics
from tests.endure.watched import holding, number
from tests.lab.configuration import free_port
from tests.lab.daemon import Daemon

RESULTS = Path(__file__).parents[2] / "docs" / "results"
SERVERS = 40
OF_A_SERVICE = 20
INTERVAL = 600
LOOK = 5.0
"""Seconds between two scrapes."""


@dataclass
class Crowd:
    """Seconds, MiB and what the metrics said at last; `reload` is how long one took, `scrape` the slowest one."""

    targets: int
    answered: float
    first: float
    round: float
    reload: float
    scrape: float
    least: float
    most: float
    lag: float
    lateness: dict[float, float]
    outcomes: dict[str, float]
    problems: list[str]

    @property
    def checks(self) -> float:
        return sum(self.outcomes.values())

    def late(self, share: float) -> float:
        """The least bound of the histogram below which so large a share of all starts was late."""
        total = max(self.lateness.values())
        return min(bound for bound, count in self.lateness.items() if count >= share * total)


def configuration(place: Path, servers: Sequence[Server], targets: int, port: int) -> Path:
    listed = [servers[one % len(servers)].target(f"t{one}") for one in range(targets)]
    document: dict[str, Any] = {
        "sla": {"timezone": "Asia/Bangkok", "availability": "99.5%", "downtime_budget": "216m"},
        "ledger": {"path": str(place / "ledger.db")},
        "control": {"socket": str(place / "control.sock")},
        "web": {"listen": f"127.0.0.1:{port}"},
        "defaults": {"interval": f"{INTERVAL}s", "timeout": "15s", "pulse": "off"},
        "services": [
            {"name": f"s{start // OF_A_SERVICE}", "targets": listed[start : start + OF_A_SERVICE]}
            for start in range(0, targets, OF_A_SERVICE)
        ],
    }
    file = place / "mailuptime.yaml"
    file.write_text(json.dumps(document), encoding="utf-8")
    return file


async def until(condition: Callable[[str], bool], daemon: Daemon, limit: float) -> float:
    """Seconds until the metrics say so; the limit where they never do."""
    began = time.monotonic()
    while time.monotonic() - began < limit:
        if condition(await asyncio.to_thread(metrics, daemon)):
            return time.monotonic() - began
        await asyncio.sleep(0.2)
    return limit


def outcomes(text: str) -> dict[str, float]:
    """Checks of all targets."""
    found: dict[str, float] = {}
    for outcome, count in re.findall(r'^mailuptime_checks_total\{.*outcome="(\w+)".*\} (\S+)$', text, re.MULTILINE):
        found[outcome] = found.get(outcome, 0.0) + float(count)
    return found


def lateness(text: str) -> dict[float, float]:
    pattern = r'^mailuptime_schedule_lateness_seconds_bucket\{le="(\S+)"\} (\S+)'
    return {float(bound): float(count) for bound, count in re.findall(pattern, text, re.MULTILINE)}


async def gather(place: Path, targets: int, seconds: float) -> Crowd:
    """Start, wait for the first round and then so many seconds; in the midst of them read the configuration again."""
    async with herd(SERVERS) as servers:
        port = free_port()
        daemon = Daemon(configuration(place, servers, targets, port), port)
        began = time.monotonic()
        await asyncio.to_thread(daemon.start)
        answered = time.monotonic() - began
        try:
            first = answered + await until(lambda text: sum(outcomes(text).values()) > 0, daemon, 120)
            least = most = holding(daemon.pid).memory
            slowest = lag = 0.0

            async def look(condition: Callable[[str], bool], limit: float) -> str:
                nonlocal most, slowest, lag
                ends = time.monotonic() + limit
                while True:
                    asked = time.monotonic()
                    text = await asyncio.to_thread(metrics, daemon)
                    slowest = max(slowest, time.monotonic() - asked)
                    most = max(most, holding(daemon.pid).memory)
                    lag = number(text, "mailuptime_event_loop_stalled_seconds_total")
                    if condition(text) or time.monotonic() > ends:
                        return text
                    await asyncio.sleep(LOOK)

            await look(lambda text: sum(outcomes(text).values()) >= targets, targets * FIRST_ROUND_GAP + 120)
            whole = time.monotonic() - began
            before = number(metrics(daemon), "mailuptime_config_last_reload_success_timestamp_seconds")
            os.kill(daemon.pid, signal.SIGHUP)
            reloaded = await until(
                lambda text: number(text, "mailuptime_config_last_reload_success_timestamp_seconds") > before,
                daemon,
                60,
            )
            text = await look(lambda _: False, seconds)
        finally:
            status = await asyncio.to_thread(daemon.stop)
    problems = [f"the daemon ended with status {status}"] if status else []
    return Crowd(
        targets, answered, first, whole, reloaded, slowest, least, most, lag, lateness(text), outcomes(text), problems
    )


def report(crowd: Crowd) -> str:
    counted = ", ".join(f"{count:,.0f} {outcome}" for outcome, count in sorted(crowd.outcomes.items()) if count)
    rows = [
        ("from the start of the process to its answer on the control socket", f"{crowd.answered:.1f} s"),
        ("to the first recorded check", f"{crowd.first:.1f} s"),
        (f"to the last first check (they are paced {FIRST_ROUND_GAP:g} s apart)", f"{crowd.round:.0f} s"),
        ("a reload of the same file", f"{crowd.reload:.1f} s"),
        ("memory (RSS) at the first check", f"{crowd.least:.0f} MiB"),
        ("memory (RSS) at the most", f"{crowd.most:.0f} MiB"),
        ("starts late by, 50 %", f"≤ {crowd.late(0.5):g} s"),
        ("starts late by, 95 %", f"≤ {crowd.late(0.95):g} s"),
        ("starts late by, 99 %", f"≤ {crowd.late(0.99):g} s"),
        ("starts late by, all", f"≤ {crowd.late(1.0):g} s"),
        ("the event loop stood still, altogether", f"{crowd.lag:.1f} s"),
        ("the slowest scrape, its transfer and reading included", f"{crowd.scrape:.1f} s"),
    ]
    return "\n".join(
        [
            f"# {crowd.targets:,} targets on one machine, {datetime.now(UTC):%Y-%m-%d}",
            "",
            paragraph(
                f"`python -m tests.endure.crowd`, Python {platform.python_version()}, {os.cpu_count()} cores shared",
                f"with the servers. {crowd.targets // OF_A_SERVICE:,} services of {OF_A_SERVICE} targets, SMTP and",
                f"POP3 in turn on {SERVERS} real servers, every {INTERVAL} s, no pulses; scraped every {LOOK:g} s.",
            ),
            "",
            "| what | |",
            "|---|---|",
            *(f"| {what} | {value} |" for what, value in rows),
            "",
            f"Checks: {counted}. Problems:{''.join(f' {one}.' for one in crowd.problems) or ' none.'}",
            "",
        ]
    )


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.endure.crowd", description=__doc__)
    parser.add_argument("--targets", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60.0, help="after the first round")
    parser.add_argument("--write", action="store_true", help="the result, under docs/results")
    asked = parser.parse_args(given)
    with TemporaryDirectory() as place:
        crowd = asyncio.run(gather(Path(place), asked.targets, asked.seconds))
    text = report(crowd)
    if asked.write:
        (RESULTS / f"crowd-{datetime.now(UTC):%Y-%m-%d}.md").write_text(text, encoding="utf-8")
    print(text)
    return 1 if crowd.problems else 0


if __name__ == "__main__":
    sys.exit(main())
