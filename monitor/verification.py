"""Whether a ledger is what it was: its chain, its seals, and every figure recomputed from recorded facts (R16)."""

from collections.abc import Iterator
from dataclasses import dataclass

from monitor import closing, sealing
from monitor.core.book import Book, Rules
from monitor.core.calendar import Month
from monitor.core.declarations import Declarations
from monitor.core.instants import format_instant
from monitor.ledger.chain import GENESIS, Link, link
from monitor.ledger.reader import Reader
from monitor.ledger.restore import EVENT_KINDS, epochs_of, event_of


@dataclass(frozen=True, slots=True)
class Verified:
    """What was gone through, and the first difference of each kind; none where everything agrees."""

    facts: int
    checks: int
    months: int
    head: str
    differences: tuple[str, ...]


def verify(reader: Reader, rules: Rules, head: str | None = None) -> Verified:
    """Recompute everything; `rules` hold where none are recorded."""
    links = list(reader.facts())
    book, checks, broken = _recomputed(reader, links, rules)
    kinds = [_chain(links), _head(links, head), _seals(reader, links), iter(broken)]
    if not broken:
        kinds += [_events(book, links), _months(book, links)]
    differences = [first for kind in kinds if (first := next(kind, None)) is not None]
    months = len({one.fact.body["month"] for one in links if one.fact.kind == closing.KIND})
    digest = links[-1].digest if links else GENESIS
    return Verified(len(links), checks, months, digest.hex(), tuple(differences))


def _chain(links: list[Link]) -> Iterator[str]:
    previous, seq = GENESIS, 0
    for one in links:
        made = link(one.seq, one.fact, previous)
        what = f"fact {one.seq} ({one.fact.kind})"
        if one.seq != seq + 1:
            yield f"fact {seq + 1} is missing"
        elif one.previous != previous:
            yield f"{what} does not follow the fact before it"
        elif made.digest != one.digest:
            yield f"{what} was changed: its content does not have its digest"
        previous, seq = one.digest, one.seq


def _head(links: list[Link], head: str | None) -> Iterator[str]:
    if head is not None and head.lower() not in {one.digest.hex() for one in links}:
        yield f"no fact has the digest {head}: the chain was rebuilt or cut off since it was noted"


def _seals(reader: Reader, links: list[Link]) -> Iterator[str]:
    for one in links:
        if one.fact.kind == sealing.KIND:
            body = one.fact.body
            count, digest = sealing.digest_of(reader, body["first"], body["last"])
            if (count, digest) != (body["count"], body["digest"]):
                lost = f", {body['count'] - count} are missing" if count != body["count"] else ""
                yield f"checks {body['first']} to {body['last']} were changed since fact {one.seq} sealed them{lost}"


def _recomputed(reader: Reader, links: list[Link], rules: Rules) -> tuple[Book, int, list[str]]:
    """A book made of the recorded checks alone."""
    book = Book(epochs_of((one.fact for one in links), rules))
    count = 0
    for number, row in reader.rows(0):
        count += 1
        try:
            book.record(row.target, row.check)
        except KeyError:
            continue  # of a target that no recorded rules name
        except ValueError:
            return book, count, [f"check {number} ({row.target}) lies before one that was recorded earlier"]
    return book, count, []


def _events(book: Book, links: list[Link]) -> Iterator[str]:
    """Recorded outages, gaps and blips against recomputed ones, in the order in which they became final."""
    recorded: dict[str, list[object]] = {name: [] for name in book.accounts}
    numbers: dict[str, list[int]] = {name: [] for name in book.accounts}
    for one in links:
        if one.fact.kind in EVENT_KINDS:
            target, event = event_of(one.fact)
            recorded.setdefault(target, []).append(event)
            numbers.setdefault(target, []).append(one.seq)
    for name, account in book.accounts.items():
        made = account.history
        for kind in ("outages", "gaps", "blips"):
            computed = list(getattr(made, kind))
            stored = [
                (event, seq)
                for event, seq in zip(recorded[name], numbers[name], strict=True)
                if type(event).__name__.lower() + "s" == kind
            ]
            for number, event in enumerate(computed):
                at = format_instant(event.start, book.rules.zone)
                if number >= len(stored):
                    yield f"{name}: the {kind[:-1]} of {at} follows from the checks, but is not recorded"
                elif stored[number][0] != event:
                    yield f"{name}: fact {stored[number][1]} differs from the {kind[:-1]} of {at} that the checks give"
            if len(stored) > len(computed):
                yield f"{name}: fact {stored[len(computed)][1]} records a {kind[:-1]} that the checks do not give"


def _months(book: Book, links: list[Link]) -> Iterator[str]:
    """Every revision of every closed month, by what was declared when it was made."""
    declarations = Declarations()
    for one in links:
        fact = one.fact
        declarations = declarations.plus(fact.at, fact.kind, fact.body)
        if fact.kind != closing.KIND:
            continue
        book.windows, book.exclusions = declarations.declared, declarations.excluded
        computed = closing.figures_at(book, Month.parse(fact.body["month"]), fact.at)
        for name, figures in fact.body["services"].items():
            if computed.get(name) != figures:
                found = computed.get(name) or {}
                key = next((key for key in figures if found.get(key) != figures[key]), "figures")
                text = f"{key} is recorded as {figures[key]}, recomputed as {found.get(key)}"
                yield f"{fact.body['month']} revision {fact.body['revision']}, {name}: {text}"
