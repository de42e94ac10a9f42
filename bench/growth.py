"""How a ledger grows: hours of 1,600 targets through the real ledger, packed and pruned, and a year reckoned from it.

`python -m bench.growth [--hours N] [--write]` writes docs/results/ledger-growth-DATE.md.
"""

import argparse
import heapq
import platform
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from monitor import packing, sealing, verification
from monitor.core.book import Book
from monitor.core.check import Check, Outcome
from monitor.core.instants import DAY, HOUR, MINUTE, SECOND, Instant
from monitor.core.month import Objectives
from monitor.core.rules import Rules, TargetRule
from monitor.core.service import Service
from monitor.ledger import Batch, CheckRow, Ledger
from monitor.ledger.backups import back_up
from monitor.ledger.restore import event_fact, put_in_force, restored, state_of

RESULTS = Path(__file__).parents[1] / "docs" / "results"
TARGETS = [f"agency{number // 5:03}/{kind}" for number, kind in enumerate(["smtp", "sub", "imap", "pop3", "web"] * 320)]
VOICE = 135 * SECOND
START = 1_793_466_000 * SECOND
PER_COMMIT = 400
DOWN = 0.001
"""The share of checks that fail, in outages of ten minutes."""
SEEN = {
    "address": "198.51.100.17", "reply": "421 4.3.2 Service not available, closing transmission channel",
    "phases": [["resolve", 812], ["connect", 1904], ["greeting", 20154]],
}  # fmt: skip
YEAR = 1600 * 1440 * 365


def rules() -> Rules:
    names = sorted({name.partition("/")[0] for name in TARGETS})
    return Rules(
        zone=ZoneInfo("Asia/Bangkok"),
        targets=dict.fromkeys(TARGETS, TargetRule(3, 2, VOICE)),
        services={name: Service(name, 1, tuple(t for t in TARGETS if t.startswith(f"{name}/"))) for name in names},
        objectives=dict.fromkeys(names, Objectives(Fraction("99.5"), 216 * MINUTE)),
    )


def told(hours: int) -> Iterator[CheckRow]:
    """In the order in which they end: started within some milliseconds of their slot, of durations of their own."""
    random = Random(1)
    usual = {name: random.uniform(20_000, 300_000) for name in TARGETS}

    def of(place: int, name: str) -> Iterator[tuple[Instant, int, CheckRow]]:
        left = 0
        for minute in range(hours * 60):
            left = left - 1 if left else 10 if random.random() < DOWN / 10 else 0
            at = START + minute * MINUTE + place * MINUTE // len(TARGETS) + int(abs(random.gauss(0, 3000)))
            took = int(usual[name] * random.lognormvariate(0, 0.15))
            outcome = Outcome.DOWN if left else Outcome.UP
            check = Check(at, outcome, took, VOICE, cause="rejected_temporary" if left else None)
            yield at + took, place, CheckRow(name, check, "greeting" if left else None, SEEN if left else None)

    for _, _, row in heapq.merge(*(of(place, name) for place, name in enumerate(TARGETS))):
        yield row


def feed(ledger: Ledger, book: Book, hours: int) -> None:
    facts = put_in_force(book, ledger, book.rules, START)
    batch, sealed = Batch(facts=facts), START + HOUR
    for row in told(hours):
        batch.facts += [event_fact(row.target, event, row.check.at) for event in book.record(row.target, row.check)]
        batch.checks.append(row)
        state = state_of(row.target, book.accounts[row.target])
        if state is not None:
            batch.states[row.target] = state
        if len(batch.checks) >= PER_COMMIT:
            ledger.commit(batch)
            batch = Batch()
        if row.check.at >= sealed:
            seal(ledger, sealed)
            sealed += HOUR
    ledger.commit(batch)
    seal(ledger, sealed)


def seal(ledger: Ledger, now: Instant) -> None:
    after = sealing.sealed_up_to(ledger.facts((sealing.KIND,)))
    while (fact := sealing.seal(ledger, after, now)) is not None:
        ledger.commit(Batch(facts=[fact]))
        after = fact.body["last"]


def timed(work: Callable[[], object]) -> tuple[float, int]:
    """CPU seconds, and how often it had something to do."""
    began, times = time.process_time(), 0
    while work():
        times += 1
    return time.process_time() - began, max(times, 1)


def once(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def sizes(path: Path) -> dict[str, int]:
    """Bytes of each table with its indexes, the file compacted first."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("VACUUM")
    rows = connection.execute(
        "SELECT s.tbl_name, sum(d.pgsize) FROM dbstat d JOIN sqlite_schema s ON s.name = d.name GROUP BY 1"
    ).fetchall()
    connection.close()
    return dict(rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.growth")
    parser.add_argument("--hours", type=int, default=2)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        text = measured(Path(place) / "ledger.db", given.hours)
    print(text)
    if given.write:
        (RESULTS / f"ledger-growth-{datetime.now(UTC):%Y-%m-%d}.md").write_text(text, encoding="utf-8")


def measured(path: Path, hours: int) -> str:
    in_force = rules()
    with Ledger(path) as ledger:
        feed(ledger, Book(in_force), hours)
        count = ledger.last_check()
        raw_verify = once(lambda: verification.verify(ledger, in_force))
    raw = sizes(path)
    with Ledger(path) as ledger:
        pack, packs = timed(lambda: packing.pack(ledger, count - len(TARGETS) * 5, START + 9 * DAY))
        kept = sum(1 for _ in ledger.evidence(0, count))
    packed = sizes(path)
    with Ledger(path) as ledger:
        opening = once(lambda: restored(ledger, in_force))
        verify = once(lambda: verification.verify(ledger, in_force))
        backup = once(lambda: back_up(path, path.with_name("copy.db")))
        pruning = packing.Pruning(ledger, in_force)
        prune, pruned = timed(lambda: pruning.step(START + 99 * DAY, START + 99 * DAY))
    in_packs, left = packed["packs"] / (count - len(TARGETS) * 5), packed["evidence"]
    rows = raw["checks"] / count
    year = YEAR / 1e9
    small = YEAR / len(TARGETS) * 5
    return f"""\
# How a ledger grows, {datetime.now(UTC):%Y-%m-%d}

{hours} hours of {len(TARGETS):,} targets, checked once a minute, one check in {1 / DOWN:.0f} failing: {count:,} checks.
`python -m bench.growth --hours {hours}`, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}.
Times are of the processor, on a machine that did other work beside.

| | measured | of a check |
|---|---|---|
| checks as rows, with their index | {raw["checks"]:,} bytes | {rows:.1f} bytes |
| the same packed | {packed["packs"]:,} bytes | {in_packs:.2f} bytes |
| evidence: {kept:,} checks in full | {left:,} bytes | {left / max(kept, 1):.0f} bytes of each kept |
| facts | {packed["facts"]:,} bytes | |
| packing, {packs} steps | {pack:.2f} s | {pack / packs * 1000:.0f} ms a step |
| pruning, {pruned} steps | {prune:.2f} s | {prune / pruned * 1000:.0f} ms a step |
| restoring the book | {opening:.2f} s | |
| verify, of rows | {raw_verify:.1f} s | {raw_verify / count * 1e6:.0f} µs |
| verify, packed | {verify:.1f} s | {verify / count * 1e6:.0f} µs |
| backup, checked | {backup:.2f} s | |

A year of {len(TARGETS):,} targets is {YEAR / 1e6:.0f} million checks: as rows {rows * year:.0f} GB,
packed {in_packs * year:.1f} GB, and {left / count * year:.1f} GB of evidence at this rate of failures.
`verify` of all of it takes {verify / count * YEAR / 3600:.1f} hours of one core.
Five targets make {small / 1e6:.1f} million a year: {in_packs * small / 1e6:.0f} MB,
verified in {verify / count * small:.0f} s.
"""


if __name__ == "__main__":
    main()
