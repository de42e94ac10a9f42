"""Whether a ledger is what it was: its chain, its seals, and every figure recomputed from recorded facts (R16)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from monitor import archived, closing, packing, sealing
from monitor.core.book import Book, Rules
from monitor.core.calendar import Month
from monitor.core.clocks import BY_DEFAULT, TicketRules
from monitor.core.declarations import KINDS, Declarations
from monitor.core.instants import format_instant
from monitor.core.tickets import KINDS as TICKET_FACTS
from monitor.core.tickets import Tickets
from monitor.incidents.days import Days
from monitor.incidents.register import RULES as TICKET_RULES
from monitor.incidents.register import Register
from monitor.ledger.backups import RESTORED
from monitor.ledger.chain import GENESIS, Fact, Link, broken
from monitor.ledger.errors import ValueUnreadableError
from monitor.ledger.reader import Reader
from monitor.ledger.restore import EVENT_KINDS, RECOVERED, RULES, event_of


@dataclass(frozen=True, slots=True)
class Verified:
    """What was gone through, and the first difference of each kind; none where everything agrees."""

    facts: int
    checks: int
    months: int
    head: str
    differences: tuple[str, ...]
    pruned: archived.Gone | None = None
    """Checks whose time is recomputed from the recorded events alone."""


def verify(reader: Reader, rules: Rules, head: str | None = None) -> Verified:
    """Recompute everything; `rules` hold where none are recorded. Raises LedgerDamagedError."""
    reader.examine()  # first: damage in what is not read here, such as an index, is damage all the same
    links, unread = _links(reader)
    unread += _unreadable(links)
    kinds = [iter([reader.shortfall] if reader.shortfall else []), broken(links), _head(links, head), iter(unread)]
    checks = 0
    if not unread:
        kinds += [archived.differences(reader, links)]
        book, checks, broken_seals, stuck = _recomputed(reader, links, rules)
        kinds += [iter(broken_seals), iter(stuck)]
        if not stuck:
            kinds += [_events(book, links), _months(book, links)]
    differences = [first for kind in kinds if (first := next(kind, None)) is not None]
    months = len({one.fact.body.get("month") for one in links if one.fact.kind == closing.KIND})
    digest = links[-1].digest if links else GENESIS
    gone = None if unread else archived.pruned(reader)
    return Verified(len(links), checks, months, digest.hex(), tuple(differences), gone)


def _links(reader: Reader) -> tuple[list[Link], list[str]]:
    """The facts up to the first one that is not even text of the right form, and what is said of that."""
    links: list[Link] = []
    facts = reader.facts()
    while True:
        try:
            links.append(next(facts))
        except StopIteration:
            return links, []
        except ValueUnreadableError:
            return links, [f"what follows fact {links[-1].seq if links else 0} cannot be read: it holds no JSON"]


def _unreadable(links: list[Link]) -> list[str]:
    """The first fact whose content is not what one of its kind holds."""
    for one in links:
        try:
            _READERS.get(one.fact.kind, _nothing)(one.fact)
        except (KeyError, TypeError, ValueError, AttributeError):
            return [f"fact {one.seq} ({one.fact.kind}) cannot be read: it does not hold what one of its kind does"]
    return []


def _nothing(_fact: Fact) -> None: ...


def _keys(*names: str) -> Callable[[Fact], object]:
    return lambda fact: [fact.body[name] for name in names]


def _declared(fact: Fact) -> Declarations:
    return Declarations().plus(fact.at, fact.kind, fact.body)


def _ticket(fact: Fact) -> object:
    return Tickets([(fact.kind, fact.body)])


_READERS: Mapping[str, Callable[[Fact], object]] = {
    **dict.fromkeys(EVENT_KINDS, event_of),
    **dict.fromkeys(KINDS, _declared),
    "window_amended": _keys("id", "end"),
    "approval": _keys("id", "by"),
    **dict.fromkeys(TICKET_FACTS, _ticket),
    TICKET_RULES: lambda fact: TicketRules.of(fact.body),
    RULES: lambda fact: Rules.of(fact.body),
    RESTORED: _keys("source", "replaced", "head", "by"),
    RECOVERED: _keys("since", "checks", "turned_away", "reason"),
    packing.PACKED: _keys("first", "last", "count", "digest", "kept", "evidence"),
    packing.PRUNED: _keys("first", "last", "count", "start", "end", "states"),
    packing.DROPPED: _keys("first", "last", "count"),
    sealing.KIND: _keys("first", "last", "count", "digest"),
    closing.KIND: lambda fact: (Month.parse(fact.body["month"]), fact.body["revision"], fact.body["services"].items()),
}


def _head(links: list[Link], head: str | None) -> Iterator[str]:
    if head is not None and head.lower() not in {one.digest.hex() for one in links}:
        yield f"no fact has the digest {head}: the chain was rebuilt or cut off since it was noted"


def _recomputed(reader: Reader, links: list[Link], rules: Rules) -> tuple[Book, int, list[str], list[str]]:
    """A book made of checks, of events alone where those are pruned; what differs from seals; what cannot be."""
    book, before = packing.based(reader, rules)
    for one in links:
        if one.fact.kind in EVENT_KINDS:
            target, event = event_of(one.fact)
            if before.get(target, 0):
                before[target] -= 1
                book.accounts[target].history.add([event])
    seals, stuck = sealing.Seals(links, archived.gone(links)), list[str]()
    count = 0
    for number, row in reader.rows(0):
        count += 1
        seals.take(number, row)
        if not stuck and row.target in book.accounts:  # others no recorded rules name
            try:
                book.record(row.target, row.check)
            except ValueError:
                stuck = [f"check {number} ({row.target}) lies before one that was recorded earlier"]
    return book, count, seals.end(), stuck


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
                what = "an outage" if kind == "outages" else f"a {kind[:-1]}"
                yield f"{name}: fact {stored[len(computed)][1]} records {what} that the checks do not give"


def _months(book: Book, links: list[Link]) -> Iterator[str]:
    """Every revision of every closed month, by what was declared when it was made."""
    declarations, register = Declarations(), Register(book, BY_DEFAULT, Days("none"))
    for one in links:
        fact = one.fact
        declarations = declarations.plus(fact.at, fact.kind, fact.body)
        register.take(fact)
        if fact.kind != closing.KIND:
            continue
        book.windows, book.exclusions = declarations.declared, declarations.excluded
        computed = closing.figures_at(book, Month.parse(fact.body["month"]), fact.at)
        recorded = fact.body["services"]
        for name in {**computed, **recorded}:
            made, kept = computed.get(name, {}), recorded.get(name, {})
            differing = [key for key in {**kept, **made} if made.get(key) != kept.get(key)]
            if differing:
                key = "downtime" if "downtime" in differing else differing[0]
                text = f"{key} is recorded as {kept.get(key)}, recomputed as {made.get(key)}"
                yield f"{fact.body['month']} revision {fact.body['revision']}, {name}: {text}"
        month, kept = Month.parse(fact.body["month"]), fact.body.get("tickets", {})
        register.days = Days("none", frozenset(map(date.fromisoformat, fact.body.get("holidays", ()))))
        made = register.compliance(month, fact.at).body()
        if made != kept:
            text = f"recorded as {kept}, recomputed as {made}"
            yield f"{fact.body['month']} revision {fact.body['revision']}, tickets: {text}"
