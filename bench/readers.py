"""A thousand readers a second of the status page: do they move what checks measure?

A real daemon checks real servers; by turns nobody reads, readers ask for the status page, and, for comparison, as many
ask the daemon's own listener. Latencies are those that the daemon recorded. `make readers` writes
docs/results/readers-DATE.md.
"""

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Thread

from bench.peers import minimal, ours
from bench.peers.load import quantiles
from bench.peers.race import own_times
from bench.peers.yard import processor_seconds, resident_bytes
from bench.prose import paragraph
from tests.lab import Lab, wait_until
from tests.lab.configuration import free_port

RESULTS = Path(__file__).parents[1] / "docs" / "results"
RATE, CONNECTIONS = 1000, 50
KINDS, AGENCIES = ("imap", "pop3", "smtp"), 40
PATHS = ("/th/", "/en/", "/th/services/agency007", "/en/history", "/th/services/agency007/state.svg", "/status.json")
SCENES = ("nobody", "the status page", "the daemon's own listener")


@dataclass
class Crowd:
    """What readers saw: answers a second, failures, and milliseconds that one took."""

    rate: float
    failed: int
    median: float
    highest: float


@dataclass
class Seen:
    """Of one scene, over all rounds."""

    checks: list[float] = field(default_factory=list)
    independent: list[float] = field(default_factory=list)  # milliseconds of another client's IMAP checks
    busy: list[float] = field(default_factory=list)  # shares of a core: the daemon's
    page: list[float] = field(default_factory=list)  # the page's process
    readers: list[Crowd] = field(default_factory=list)


async def read(port: int, paths: tuple[str, ...], seconds: float) -> Crowd:
    """Ask at a steady pace over connections that stay open, whether or not answers come in time."""
    took: list[float] = []
    failed = 0

    async def reader(number: int) -> None:
        nonlocal failed
        stream, writer = await asyncio.open_connection("127.0.0.1", port)
        due = began + number / RATE
        turn = number
        while due < began + seconds:
            await asyncio.sleep(due - time.monotonic())
            path = paths[turn % len(paths)]
            asked = time.monotonic()
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n".encode())
            head = await stream.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
            await stream.readexactly(length)
            took.append(1000 * (time.monotonic() - asked))
            failed += not head.startswith(b"HTTP/1.1 200")
            due, turn = due + CONNECTIONS / RATE, turn + 1
        writer.close()

    began = time.monotonic() + 0.5
    await asyncio.gather(*(reader(number) for number in range(CONNECTIONS)))
    middle, high = quantiles(took)
    return Crowd(len(took) / (time.monotonic() - began), failed, middle, high)


class Readers:
    """A process that reads when it is told to: what it takes to start falls into no scene."""

    def __init__(self, port: int, paths: tuple[str, ...], seconds: float) -> None:
        self._seconds = seconds
        command = ["nice", "-n", "19", sys.executable, "-m", "bench.readers", "--read", str(port)]
        self._process = subprocess.Popen(
            [*command, "--seconds", str(seconds), *paths], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._line()

    def read(self) -> Crowd:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        crowd = Crowd(**json.loads(self._line()))
        self._process.wait(self._seconds)
        return crowd

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def configured(lab: Lab, place: Path, page: int) -> Path:
    services = {
        f"agency{number:03}": [ours.target(lab, kind, f"{kind}-{number}") for kind in KINDS]
        for number in range(AGENCIES)
    }
    file = ours.configured(place, services, interval="4s", timeout="3s", pulse="off")
    file.write_text(json.dumps(json.loads(file.read_text()) | {"status": {"listen": f"127.0.0.1:{page}"}}))
    return file


def page_process(daemon: int) -> int:
    children = Path(f"/proc/{daemon}/task/{daemon}/children").read_text().split()
    return next(int(one) for one in children if "statuspage" in Path(f"/proc/{one}/cmdline").read_text())


def measured(rounds: int, seconds: float) -> tuple[dict[str, Seen], float]:
    """By scene what was seen, and the bytes that the page's process holds."""
    seen = {scene: Seen() for scene in SCENES}
    spans: list[tuple[str, float, float]] = []
    page = free_port()
    with TemporaryDirectory() as directory, Lab(Path(directory) / "lab") as lab:
        configuration = configured(lab, Path(directory), page)
        job = minimal.Job(
            "imap", lab.ports.imaps, str(lab.ca_file), lab.probe.username, lab.probe.password, 1, 0.25, seconds
        )
        with ours.running(configuration) as (daemon, pid):
            wait_until(lambda: daemon.get("/-/ready")[0] == 200, "every target to be checked", seconds=120)
            time.sleep(5)
            reader = page_process(pid)
            own = int(daemon.url.rpartition(":")[2])
            for scene, port, paths in _turns(rounds, page, own):
                reading = None if port is None else Readers(port, paths, seconds)
                time.sleep(1)
                other: list[float] = []
                beside = Thread(target=lambda kept=other: kept.extend(own_times("loop", job)))
                before, readers = processor_seconds(pid), processor_seconds(reader)
                began = time.time()
                beside.start()
                if reading is not None:
                    seen[scene].readers.append(reading.read())
                beside.join()
                elapsed = time.time() - began
                spans.append((scene, began, began + elapsed))
                seen[scene].independent += [1000 * one for one in other]
                seen[scene].busy.append((processor_seconds(pid) - before) / elapsed)
                seen[scene].page.append((processor_seconds(reader) - readers) / elapsed)
            held = resident_bytes(reader)
        _sort(configuration, spans, seen)
    return seen, held


def _turns(rounds: int, page: int, own: int) -> Iterator[tuple[str, int | None, tuple[str, ...]]]:
    for _ in range(rounds):
        yield from zip(SCENES, (None, page, own), ((), PATHS, ("/-/healthy",)), strict=True)


def _sort(configuration: Path, spans: list[tuple[str, float, float]], seen: dict[str, Seen]) -> None:
    """Put each recorded check into the scene that it fell in."""
    month = time.strftime("%Y-%m", time.gmtime(spans[0][1] + 7 * 3600))
    command = [sys.executable, "-m", "monitor", "export", "checks", "-c", str(configuration), "--month", month]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        check = json.loads(line)
        at = datetime.fromisoformat(check["at"]).timestamp()
        scene = next((name for name, began, ended in spans if began <= at < ended), None)
        if scene is not None and check["outcome"] == "up":
            seen[scene].checks.append(1000 * check["duration_seconds"])


def report(seen: dict[str, Seen], held: float, load: float, rounds: int, seconds: float) -> str:
    rows = []
    for scene, one in seen.items():
        middle, high = quantiles(one.checks)
        rates = sum(each.rate for each in one.readers) / max(1, len(one.readers))
        cells = [
            f"{rates:,.0f}",
            f"{middle:.2f} ms",
            f"{high:.1f} ms",
            f"{median(one.independent):.2f} ms",
            f"{100 * median(one.busy):.0f} %",
            f"{100 * median(one.page):.0f} %",
            f"{len(one.checks):,}",
        ]
        rows.append(f"| {scene} | {' | '.join(cells)} |")
    readers = seen[SCENES[1]].readers
    failed = sum(each.failed for each in readers)
    answered = f"half of them within {median(e.median for e in readers):.1f} ms"
    what = paragraph(
        f"`python -m bench.readers`, Python {platform.python_version()}, {os.cpu_count()} cores that servers, daemon,",
        f"page and readers share. {AGENCIES * len(KINDS)} targets on real Dovecot and Postfix, each every 4 s.",
        f"By turns, {rounds} rounds of {seconds:g} s each: nobody reads; {RATE:,} readers a second of {len(PATHS)}",
        "addresses of the page over connections that stay open, as a process that stands back behind all others; as",
        "many of the shortest answer that the daemon's own listener has, to show what a process of its own is for.",
        "Another client asked IMAP four times a second beside all of it: by as much as it became slower, servers and",
        "processors did, and not the monitor.",
        f"The machine's load was {load:.1f} before it began: on one that others use, compare with that client.",
    )
    how = paragraph(
        f"The page answered {sum(each.rate for each in readers) / len(readers):,.0f} readers a second, {answered};",
        f"{failed} answers were not 200. Its process held {held / 2**20:.0f} MiB.",
    )
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    head = f"# A thousand readers a second of the status page, {today}\n"
    table = [
        "| readers of | answers/s | check, median | check, p99 | another client, median | daemon | page | checks |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
        *rows,
    ]
    return "\n".join([head, what, "", *table, "", how, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--read", type=int, help=argparse.SUPPRESS)
    parser.add_argument("paths", nargs="*", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.read is not None:
        print("ready", flush=True)
        sys.stdin.readline()
        print(json.dumps(vars(asyncio.run(read(arguments.read, tuple(arguments.paths), arguments.seconds)))))
        return
    load, _, _ = os.getloadavg()
    seen, held = measured(arguments.rounds, arguments.seconds)
    text = report(seen, held, load, arguments.rounds, arguments.seconds)
    if arguments.write:
        (RESULTS / f"readers-{datetime.now(UTC):%Y-%m-%d}.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
