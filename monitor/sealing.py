"""Digests of recorded checks as facts, so that a check changed by hand is found too."""

import hashlib
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Sequence

from monitor.ledger.chain import Fact, Link, canonical
from monitor.ledger.reader import Reader
from monitor.ledger.rows import CheckRow

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
        digest.update(bytes_of(number, row))
        last, count = number, count + 1
        if count == MOST:
            break
    if not count:
        return None
    return Fact(now, KIND, {"first": after + 1, "last": last, "count": count, "digest": digest.hexdigest()})


class Seals:
    """Looks at every check that is there, in the order of their numbers, for what no longer agrees with its seal.

    Of seals with checks or evidence that were pruned nothing can be said: `gone` are those stretches of numbers.
    """

    def __init__(self, links: Iterable[Link], gone: Sequence[tuple[int, int]]) -> None:
        bodies = [(one.seq, one.fact.body) for one in links if one.fact.kind == KIND]
        self._left = deque((seq, body) for seq, body in bodies if not _meets(body["first"], body["last"], gone))
        self._count, self._digest = 0, hashlib.sha256()
        self.differences: list[str] = []

    def take(self, number: int, row: CheckRow) -> None:
        while self._left and number > self._left[0][1]["last"]:
            self._end()
        if self._left and number >= self._left[0][1]["first"]:
            self._digest.update(bytes_of(number, row))
            self._count += 1

    def end(self) -> list[str]:
        """After the last check: the differences."""
        while self._left:
            self._end()
        return self.differences

    def _end(self) -> None:
        seq, body = self._left.popleft()
        count, digest = self._count, self._digest.hexdigest()
        self._count, self._digest = 0, hashlib.sha256()
        if (count, digest) != (body["count"], body["digest"]):
            lost = f", {body['count'] - count} are missing" if count != body["count"] else ""
            text = f"checks {body['first']} to {body['last']} were changed since fact {seq} sealed them{lost}"
            self.differences.append(text)


def _meets(first: int, last: int, stretches: Sequence[tuple[int, int]]) -> bool:
    """Whether numbers lie in one of some stretches, which are in order and do not overlap."""
    place = bisect_left(stretches, first, key=lambda stretch: stretch[1])
    return place < len(stretches) and stretches[place][0] <= last


def bytes_of(number: int, row: CheckRow) -> bytes:
    """What a digest covers of a check."""
    check = row.check
    values = [
        number, row.target, check.at, check.outcome.value, check.duration, check.voice, check.speaks, check.cause,
        row.phase, row.evidence, *(["recovered"] if row.recovered else []),
    ]  # fmt: skip
    return canonical(values) + b"\n"
