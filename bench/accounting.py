"""How long the accounting takes: each time beside a plain loop over the same input, interleaved, medians of five.

A ratio to a loop in the same run says more than milliseconds of one machine. `make bench` writes RESULTS.md.
"""

import platform
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from functools import partial
from io import BytesIO
from itertools import islice
from json import loads
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

from monitor import __version__
from monitor.checkfile import CheckFile
from monitor.checklines import LineReader, line_of
from monitor.core.book import Book, Horizon
from monitor.core.calendar import Month
from monitor.core.check import Check, Outcome
from monitor.core.instants import DAY, MINUTE, SECOND, Duration, Instant
from monitor.core.maintenance import Window
from monitor.core.month import Objectives
from monitor.core.rules import Rules, TargetRule
from monitor.core.service import Service
from monitor.ledger import CheckRow
from monitor.live import Live
from monitor.photographer import Photographer
from monitor.replay import Replay
from monitor.runner import Target
from probes.base import Steps

ROUNDS = 5
ZONE = ZoneInfo("Asia/Bangkok")
NOVEMBER = Month(2026, 11)
START, END = NOVEMBER.span(ZONE)
VOICE = 135 * SECOND
TARGET = "mail/smtp"
FLEET = 1600
RESULTS = Path(__file__).with_name("RESULTS.md")


def rules(targets: Sequence[str]) -> Rules:
    """A service of one target for each."""
    objectives = Objectives(Fraction("99.5"), 216 * MINUTE)
    named = {name.partition("/")[0]: name for name in targets}
    return Rules(
        ZONE,
        {name: TargetRule(3, 2, VOICE) for name in targets},
        {service: Service(service, 1, (name,)) for service, name in named.items()},
        dict.fromkeys(named, objectives),
    )


def minutely(start: Instant, end: Instant, outage_every: Duration) -> Iterator[Check]:
    """A check a minute; of each `outage_every` the first four fail."""
    for at in range(start, end, MINUTE):
        failing = (at - start) % outage_every < 4 * MINUTE
        yield Check(at, Outcome.DOWN if failing else Outcome.UP, 0, VOICE, cause="timeout" if failing else None)


def with_outages(start: Instant, end: Instant, every: Duration) -> Iterator[Check]:
    """Two good checks and three failures over and over, so that each `every` holds an outage of half of it."""
    for at in range(start, end, every):
        yield Check(at, Outcome.UP, 0, VOICE)
        yield Check(at + every // 4, Outcome.UP, 0, VOICE)
        for part in (50, 51, 52):
            yield Check(at + every * part // 100, Outcome.DOWN, 0, VOICE, cause="timeout")


def plain(checks: Iterable[Check]) -> Duration:
    """What a program does that is not careful: time between a failure and the check after it."""
    downtime, previous = 0, None
    for check in checks:
        if previous is not None and previous.outcome is Outcome.DOWN:
            downtime += check.at - previous.at
        previous = check
    return downtime


def fed(checks: Iterable[Check], windows: Sequence[Window] = ()) -> Book:
    book = Book(rules([TARGET]), windows)
    for check in checks:
        book.record(TARGET, check)
    return book


@dataclass(frozen=True)
class Row:
    """Medians in seconds; `note` says what bears on them."""

    what: str
    loop: float
    seconds: float
    note: str = ""

    def __str__(self) -> str:
        ratio = f"{self.seconds / self.loop:,.1f}"
        return f"| {self.what} | {_time(self.loop)} | {_time(self.seconds)} | {ratio} | {self.note} |"


def compared(what: str, loop: Callable[[], object], work: Callable[[], object], note: str = "") -> Row:
    times = [(timed(loop), timed(work)) for _ in range(ROUNDS)]
    loops, works = zip(*times, strict=True)
    return Row(what, median(loops), median(works), note)


def timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def target_year() -> Row:
    first, last = Month(2026, 1).start(ZONE), Month(2027, 1).start(ZONE)
    checks = list(minutely(first, last, 7 * DAY))

    def work() -> None:
        book = fed(checks)
        for number in range(1, 13):
            month = Month(2026, number)
            book.figures("mail", month, Horizon(month.span(ZONE)[1], now=False))

    note = f"{len(checks):,} checks and twelve months' figures"
    return compared("a target-year at 60 s", lambda: plain(checks), work, note)


def target_month_of_lines() -> Row:
    checks = minutely(START, END, DAY)
    data = "".join(line_of(CheckRow(TARGET, check), ZONE) + "\n" for check in checks).encode()

    def loop() -> None:
        for line in BytesIO(data):
            loads(line)

    def work() -> None:
        with CheckFile("checks", BytesIO(data)) as file:
            books, problems = Replay(file, LineReader([TARGET], ZONE)).into(lambda: [Book(rules([TARGET]))])
        assert not problems.count
        books[0].figures("mail", NOVEMBER, Horizon(END, now=False))

    return compared("a target-month of exported lines", loop, work, "the loop decodes each line's JSON")


def many_outages() -> Row:
    every = (END - START) // 10_000
    windows = [
        Window(f"w{number}", (), at, at + 40 * MINUTE, "upgrade", "ops")
        for number, at in enumerate(range(START, END, (END - START) // 500))
    ]
    book = fed(with_outages(START, END, every), windows)
    horizon = Horizon(END, now=False)
    count = len(book.figures("mail", NOVEMBER, horizon).outages)
    spans = [(one.start, one.end) for one in book.accounts[TARGET].history.outages]
    return compared(
        "a month of 10,000 outages and 500 windows",
        lambda: [end - start for start, end in spans],
        lambda: book.figures("mail", NOVEMBER, horizon),
        f"{count:,} outages listed; contract: under 100 ms",
    )


class _IdleProbe:
    async def check(self, steps: Steps) -> None: ...

    async def pulse(self, steps: Steps) -> None: ...


def more_checks() -> list[Row]:
    """Looking after each of some more checks, at three days of a month with 350 outages a day."""
    every = DAY // 350
    rows = []
    for day in (1, 4, 28):
        now = START + day * DAY
        book = fed(with_outages(START, now, every))
        live = Live(Target(TARGET, "smtp", _IdleProbe(), 15 * SECOND, VOICE), book.accounts[TARGET].timeline)
        photographer = Photographer(book, {TARGET: live}, 1)
        photographer.take(now, 0.0)
        clock = iter(range(now + every, END, SECOND))
        exported = partial(_followed, book, clock, 50, partial(photographer.take, monotonic=0.0))
        listed = partial(_followed, book, clock, 5, partial(_listed, book))
        many, few = partial(_counted_up, 50), partial(_counted_up, 5)
        rows.append(compared(f"50 more checks, each exported, day {day}", many, exported, "looks back three days"))
        rows.append(compared(f"5 more checks, `sla` after each, day {day}", few, listed, "lists every outage"))
    return rows


def _listed(book: Book, at: Instant) -> None:
    book.figures("mail", NOVEMBER, Horizon(at, now=True))


def _followed(book: Book, clock: Iterator[Instant], checks: int, look: Callable[[Instant], object]) -> None:
    for at in islice(clock, checks):
        book.record(TARGET, Check(at, Outcome.UP, 0, VOICE))
        look(at)


def _counted_up(checks: int) -> None:
    """The same for every day: as many additions after each check as a day has outages."""
    for _ in range(checks):
        total = 0
        for number in range(350):
            total += number


def fleet(days: int) -> tuple[float, float, int]:
    """Seconds of the loop and of the accounting, and peak memory in KiB, in this process."""
    names = [f"s{number}/smtp" for number in range(FLEET)]
    book = Book(rules(names))
    began = time.process_time()
    for number in range(FLEET):
        plain(minutely(START + number * SECOND // 100, START + days * DAY, 7 * DAY))
    looped = time.process_time()
    feeds = [minutely(START + number * SECOND // 100, START + days * DAY, 7 * DAY) for number in range(FLEET)]
    for checks in zip(*feeds, strict=True):
        for name, check in zip(names, checks, strict=True):
            book.record(name, check)
    horizon = Horizon(START + days * DAY, now=True)
    for service in book.rules.services:
        book.figures(service, NOVEMBER, horizon)
    ended = time.process_time()
    return looped - began, ended - looped, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def fleet_day() -> Row:
    """Each round in a process of its own, so that the peak of one is not the peak of another."""
    runs = [_fleet_in_process(1) for _ in range(ROUNDS)]
    two = _fleet_in_process(2)
    one = median(run[2] for run in runs)
    note = f"peak memory {one / 1024:.0f} MiB, for two days {two[2] / 1024:.0f} MiB; the loop makes the checks, too"
    return Row(f"{FLEET:,} targets for a day", median(r[0] for r in runs), median(r[1] for r in runs), note)


def _fleet_in_process(days: int) -> tuple[float, float, int]:
    command = [sys.executable, "-m", "bench.accounting", str(days)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    loop, work, memory = done.stdout.split()
    return float(loop), float(work), int(memory)


def _time(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:,.2f} s"
    return f"{seconds * 1e3:,.2f} ms" if seconds >= 0.001 else f"{seconds * 1e6:,.0f} µs"


def _processor() -> str:
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{names[0].partition(':')[2].strip()}, {len(names)} threads" if names else platform.processor()


def written(rows: Sequence[Row]) -> str:
    made = (
        f"Made {datetime.now(UTC):%Y-%m-%d} with mailuptime {__version__}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {platform.system()} {platform.release()}, {_processor()}."
    )
    head = [
        "# Benchmarks of the accounting",
        "",
        "Made by `make bench`: CPU time, medians of five, the loop and the accounting by turns in one run. The ratio",
        "is what compares across machines; the loop is the plainest that goes over the same input.",
        "",
        made,
        "",
        "| what | loop | accounting | ratio | |",
        "|---|---:|---:|---:|---|",
    ]
    return "\n".join([*head, *map(str, rows)]) + "\n"


def main() -> None:
    if len(sys.argv) > 1:
        print(*fleet(int(sys.argv[1])))
        return
    rows = []
    for one in (target_year, target_month_of_lines, many_outages):
        rows.append(one())
        print(rows[-1], flush=True)
    more = more_checks()
    print(*more, sep="\n", flush=True)
    rows += more
    rows.append(fleet_day())
    print(rows[-1])
    # The last of the sections is another benchmark's own.
    _, heading, others = RESULTS.read_text(encoding="utf-8").partition("\n# ") if RESULTS.exists() else ("", "", "")
    RESULTS.write_text(written(rows) + heading + others, encoding="utf-8")


if __name__ == "__main__":
    main()
