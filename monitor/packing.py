"""Old checks made small and, in the end, dropped: packed a day after they were sealed, pruned when nobody needs them.

Figures rest on events, which are facts and stay; checks are what events are recomputed from. What failed is kept in
full as evidence beside the packs, with the good checks around it, for a time of its own. Every step is one commit of
bounded size with its own fact, so that it may be interrupted anywhere and holds nothing up.
"""

import hashlib
from collections.abc import Iterable, Sequence

from monitor.core.book import Book, Rules
from monitor.core.check import Outcome
from monitor.core.instants import DAY, Duration, Instant
from monitor.core.timeline import Timeline
from monitor.ledger import Batch, Fact, Ledger, LedgerDamagedError, Reader
from monitor.ledger.chain import canonical
from monitor.ledger.packs import Baseline, Numbered, Pruned, made
from monitor.ledger.restore import RULES, epochs_of
from monitor.sealing import bytes_of

PACKED = "checks_packed"
PRUNED = "checks_pruned"
DROPPED = "evidence_pruned"
MOST = 20_000
"""Checks in one pack: more would hold up commits, fewer pack less well."""
AGE: Duration = DAY
"""Fewer are packed once the oldest is so old."""


def pack(ledger: Ledger, sealed: int, now: Instant) -> int:
    """Pack the oldest checks that are rows, of those sealed, if they are many or old; how many were packed.

    The newest check of all stays a row.
    """
    last = min(sealed, ledger.last_check() - 1)
    rows = [one for one in ledger.unpacked(MOST) if one[0] <= last]
    if not rows or (len(rows) < MOST and rows[0][1].check.at > now - AGE):
        return 0
    kept = _evidence(ledger, rows)
    packed = made(rows, (number for number, _ in kept))
    body = {
        "first": packed.first, "last": packed.last, "count": packed.count, "digest": packed.digest,
        "kept": len(kept), "evidence": digest_of(kept),
    }  # fmt: skip
    ledger.commit(Batch(facts=[Fact(now, PACKED, body)], pack=packed))
    return packed.count


def digest_of(rows: Iterable[Numbered]) -> str:
    digest = hashlib.sha256()
    for number, row in rows:
        digest.update(bytes_of(number, row))
    return digest.hexdigest()


def drop_evidence(ledger: Ledger, before: Instant, now: Instant) -> int:
    """Drop the evidence of the oldest pack that has any, if all of it is so old; how many checks that were."""
    found = ledger.oldest_evidence()
    if found is None or found.end >= before:
        return 0
    count = sum(1 for _ in ledger.evidence(found.first, found.last))
    body = {"first": found.first, "last": found.last, "count": count}
    ledger.commit(Batch(facts=[Fact(now, DROPPED, body)], dropped=(found.first, found.last)))
    return count


class Pruning:
    """Drops whole packs, the oldest first, and remembers what the timelines had come to; for one run of steps."""

    def __init__(self, ledger: Ledger, rules: Rules) -> None:
        self._ledger = ledger
        self._book, self._events = based(ledger, rules)

    def step(self, before: Instant, now: Instant) -> int:
        """Drop one pack, if all of it is so old; how many checks it had.

        Raises LedgerDamagedError, with nothing dropped, for a pack that is not what was packed.
        """
        found = self._ledger.oldest_pack()
        if found is None or found.end >= before:
            return 0
        try:
            for _, row in self._ledger.of_pack(found):
                if row.target in self._book.accounts:
                    self._events[row.target] += len(self._book.record(row.target, row.check))
        except ValueError as error:
            text = f"{self._ledger.path}: the pack of checks {found.first} to {found.last} is not pruned: {error}"
            raise LedgerDamagedError(text) from error
        baselines = [
            Baseline(name, one.first, one.newest, one.timeline.dump(), self._events[name])
            for name, one in self._book.accounts.items()
            if one.first is not None and one.newest is not None
        ]
        body = {
            "first": found.first, "last": found.last, "count": found.count, "start": found.start, "end": found.end,
            "states": states_digest(baselines),
        }  # fmt: skip
        self._ledger.commit(Batch(facts=[Fact(now, PRUNED, body)], pruned=Pruned(found.first, baselines)))
        return found.count


def based(reader: Reader, rules: Rules) -> tuple[Book, dict[str, int]]:
    """A book as of the last check that was pruned, without its past, and how many events of each target lie before."""
    book = Book(epochs_of((link.fact for link in reader.facts((RULES,))), rules))
    events = dict.fromkeys(book.accounts, 0)
    for one in reader.baselines():
        if one.target in book.accounts:
            account = book.accounts[one.target]
            account.first, account.newest = one.first, one.newest
            account.timeline = Timeline.restore(one.timeline)
            events[one.target] = one.events
    return book, events


def states_digest(baselines: Iterable[Baseline]) -> str:
    values = sorted([one.target, one.first, one.newest, one.timeline, one.events] for one in baselines)
    return hashlib.sha256(canonical(values)).hexdigest()


def _evidence(ledger: Ledger, rows: Sequence[Numbered]) -> list[Numbered]:
    """What is kept in full: all that was not up, and the good checks on both sides of it."""
    following = ledger.outcomes_after(rows[-1][0], MOST)
    before: dict[str, bool] = {}  # whether a target's check before was up
    wanted: set[int] = set()
    newest: dict[str, int] = {}
    for number, row in rows:
        target, up = row.target, row.check.outcome is Outcome.UP
        if target not in before:
            before[target] = not up or not ledger.failed_last(target)
        if not up or row.evidence is not None or not before[target]:
            wanted.add(number)
        if not up and target in newest:
            wanted.add(newest[target])
        before[target], newest[target] = up, number
    for target, number in newest.items():
        if following.get(target) is not Outcome.UP:  # or nobody knows
            wanted.add(number)
    return [(number, row) for number, row in rows if number in wanted]
