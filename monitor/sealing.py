"""Digests of recorded checks as facts, so that a check changed by hand is found too."""

import hashlib
from collections.abc import Iterable

from monitor.ledger.chain import Fact, Link, canonical
from monitor.ledger.reader import CheckRow, Reader

KIND = "checks_sealed"
MOST = 20_000
"""Checks under one seal: a longer one would hold up commits."""


def sealed_up_to(links: Iterable[Link]) -> int:
    """The number of the last check under a seal; 0 where none is."""
    return max((link.fact.body["last"] for link in links if link.fact.kind == KIND), default=0)


def seal(reader: Reader, after: int, now: int) -> Fact | None:
    """Seal the checks behind number `after`, at most `MOST`; None where there are none."""
    last, count, digest = after, 0, hashlib.sha256()
    for number, row in reader.rows(after):
        digest.update(_bytes(number, row))
        last, count = number, count + 1
        if count == MOST:
            break
    if not count:
        return None
    return Fact(now, KIND, {"first": after + 1, "last": last, "count": count, "digest": digest.hexdigest()})


def digest_of(reader: Reader, first: int, last: int) -> tuple[int, str]:
    """How many checks stand between two numbers, and their digest."""
    count, digest = 0, hashlib.sha256()
    for number, row in reader.rows(first - 1, last):
        digest.update(_bytes(number, row))
        count += 1
    return count, digest.hexdigest()


def _bytes(number: int, row: CheckRow) -> bytes:
    check = row.check
    values = [
        number, row.target, check.at, check.outcome.value, check.duration, check.voice, check.speaks, check.cause,
        row.phase, row.evidence, *(["recovered"] if row.recovered else []),
    ]  # fmt: skip
    return canonical(values) + b"\n"
