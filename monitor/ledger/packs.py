"""Old checks packed: up to some thousands, of all targets, in one compressed blob whose digest is a fact.

A blob is zlib over a line of JSON and columns of integers. The line holds the kinds of checks that occur: target,
outcome, voice, speaks, cause, phase, recovered. The columns hold of each check, in the order in which they were
recorded, what its number, its kind, its instant (against the one before it of its target) and its duration add. Each
column is cut into planes of one byte, the lowest bytes first, since the high ones are nearly all alike. About 5 bytes
a check, where a row takes some 100.
"""

import hashlib
import json
import sqlite3
import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.core.check import Check, Outcome
from monitor.core.instants import Instant
from monitor.ledger.rows import CheckRow

_WIDTH = 8
Numbered = tuple[int, CheckRow]


@dataclass(frozen=True, slots=True)
class Pack:
    """Checks `first` to `last` by number, with instants from `start` to `end`; `kept` stay rows, as evidence."""

    first: int
    last: int
    count: int
    start: Instant
    end: Instant
    blob: bytes | None
    """None once it is pruned."""
    kept: Sequence[int] = ()

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.blob or b"").hexdigest()


@dataclass(frozen=True, slots=True)
class Baseline:
    """A target's timeline after the last check that was pruned, and how many of its final events came before."""

    target: str
    first: Instant
    newest: Instant
    timeline: dict[str, Any]
    events: int


@dataclass(frozen=True, slots=True)
class Pruned:
    """The pack that loses its checks, and what the targets' timelines go on from."""

    first: int
    baselines: Sequence[Baseline]


def made(rows: Sequence[Numbered], kept: Iterable[int]) -> Pack:
    """Pack rows in the order of their numbers."""
    instants = [row.check.at for _, row in rows]
    first, last = rows[0][0], rows[-1][0]
    return Pack(first, last, len(rows), min(instants), max(instants), _encoded(rows), tuple(kept))


def unpacked(pack: Pack) -> Iterator[Numbered]:
    """The checks of a pack, without their evidence. Raises ValueError for a blob that cannot be read."""
    if pack.blob is None:
        return
    try:
        head, _, body = zlib.decompress(pack.blob).partition(b"\n")
        kinds = [tuple(kind) for kind in json.loads(head)]
        numbers, places, instants, durations = _columns(body)
        number, place, latest = pack.first - 1, 0, dict[str, int]()
        for step, move, passed, duration in zip(numbers, places, instants, durations, strict=True):
            number += step
            place += move
            target, outcome, voice, speaks, cause, phase, recovered = kinds[place]
            at = latest[target] = latest.get(target, pack.start) + passed
            check = Check(at, Outcome(outcome), duration, voice, speaks, cause)
            yield number, CheckRow(target, check, phase, None, recovered)
    except (zlib.error, TypeError, IndexError, OverflowError) as error:
        raise ValueError(str(error)) from error


def _encoded(rows: Sequence[Numbered]) -> bytes:
    start = min(row.check.at for _, row in rows)
    kinds: dict[tuple[Any, ...], int] = {}
    latest: dict[str, int] = {}
    numbers, places, instants, durations = [], [], [], []
    number, place = rows[0][0] - 1, 0
    for its_number, row in rows:
        check = row.check
        kind = row.target, check.outcome.value, check.voice, check.speaks, check.cause, row.phase, row.recovered
        its_place = kinds.setdefault(kind, len(kinds))
        numbers.append(its_number - number)
        places.append(its_place - place)
        instants.append(check.at - latest.get(row.target, start))
        durations.append(check.duration)
        number, place, latest[row.target] = its_number, its_place, check.at
    head = json.dumps(list(kinds), separators=(",", ":")).encode()
    return zlib.compress(head + b"\n" + b"".join(map(_planes, (numbers, places, instants, durations))))


def _planes(values: Sequence[int]) -> bytes:
    """Integers of either sign as bytes: their lowest bytes, then the next ones, and so on."""
    words = array("Q", [value << 1 if value >= 0 else ~(value << 1) for value in values])
    if sys.byteorder == "big":
        words.byteswap()
    raw = words.tobytes()
    return b"".join(raw[plane::_WIDTH] for plane in range(_WIDTH))


def _columns(body: bytes) -> list[list[int]]:
    count, rest = divmod(len(body), 4 * _WIDTH)
    if rest:
        raise ValueError("the columns do not end with a whole number")
    found = []
    for column in range(4):
        raw = bytearray(count * _WIDTH)
        for plane in range(_WIDTH):
            begin = (column * _WIDTH + plane) * count
            raw[plane::_WIDTH] = body[begin : begin + count]
        words = array("Q", bytes(raw))
        if sys.byteorder == "big":
            words.byteswap()
        found.append([word >> 1 if not word & 1 else ~(word >> 1) for word in words])
    return found


def write_pack(connection: sqlite3.Connection, pack: Pack) -> None:
    """Put a pack in the place of its rows; those that are evidence move to where evidence is kept."""
    connection.executemany(
        "INSERT INTO evidence SELECT * FROM checks WHERE id = ?", [(number,) for number in pack.kept]
    )
    removed = connection.execute("DELETE FROM checks WHERE id BETWEEN ? AND ?", (pack.first, pack.last)).rowcount
    if removed != pack.count:
        raise sqlite3.IntegrityError(f"checks {pack.first} to {pack.last} changed while they were packed")
    connection.execute(
        "INSERT INTO packs (first, last, count, start, end, checks) VALUES (?, ?, ?, ?, ?, ?)",
        (pack.first, pack.last, pack.count, pack.start, pack.end, pack.blob),
    )


def write_pruned(connection: sqlite3.Connection, pruned: Pruned, targets: dict[str, int]) -> None:
    connection.execute("UPDATE packs SET checks = NULL WHERE first = ?", (pruned.first,))
    connection.executemany(
        "INSERT OR REPLACE INTO baselines (target, first, newest, state, events) VALUES (?, ?, ?, ?, ?)",
        [
            (targets[one.target], one.first, one.newest, json.dumps(one.timeline, sort_keys=True), one.events)
            for one in pruned.baselines
        ],
    )
