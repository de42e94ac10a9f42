"""From outages: a confirmed one opens an incident by itself, and its end proposes that it is resolved.

Which outages there are is asked of snapshots, and of the book where one came and went between two of them; which have
their incident, of the register. So it is one for each outage, whatever is restarted or read again in between.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.core.book import Book, Horizon
from monitor.core.calendar import Month
from monitor.core.instants import Instant
from monitor.core.outages import start_of
from monitor.core.rules import Rules
from monitor.core.tickets import CHANGED, OPENED, PRIORITIES, STEP, Ticket
from monitor.incidents.excuses import span_of
from monitor.incidents.register import Register
from monitor.ledger import Fact
from monitor.settings.incidents import FromOutages
from monitor.snapshot import ServicePicture, Snapshot

SOURCE = "outage"
AUTHOR = "mailuptime"
PREFIX = "INC-"
AT_ONCE = 5
"""Services looked through in one look: for what came and went, and whether maintenance excuses what goes on."""


@dataclass(frozen=True, slots=True)
class _Known:
    """The incidents that outages opened, as of a version of the tickets: by outage, and by service."""

    version: int
    by_outage: Mapping[str, str]
    by_service: Mapping[str, Sequence[str]]


class OutageWatch:
    def __init__(self, book: Book, register: Register, rule: Callable[[], FromOutages]) -> None:
        self._book = book
        self._register = register
        self._rule = rule
        self._known = _Known(-1, {}, {})
        self._counts: dict[str, int] = {}
        self._seen: dict[str, int] = {}
        self._of_rules: tuple[Rules, frozenset[str]] | None = None
        self._waiting: deque[str] = deque()

    def look(self, snapshot: Snapshot) -> list[Fact]:
        """What to record now."""
        since = self._register.since
        if since is None:
            return []
        facts = [*self._running(snapshot), *self._ended(snapshot)]
        self._count(snapshot)
        for _ in range(min(AT_ONCE, len(self._waiting))):
            facts += self._missed(self._waiting.popleft(), since, snapshot)
        return facts

    def _running(self, snapshot: Snapshot) -> Iterator[Fact]:
        running = [one for one in snapshot.services if one.outage is not None and one.name in self._book.rules.services]
        down = {one.name for one in snapshot.targets if one.state == "down"} if running else set[str]()
        protocols = {one.name: one.protocol for one in snapshot.targets} if running else {}
        asked = set[str]()
        for service in running:
            if service.outage is None:
                continue
            ticket = self._ticket(service.outage)
            if ticket is None and (moved := self._moved(service.name, service.outage, snapshot.at)) is not None:
                yield self._changed(moved, snapshot.at, outages=[service.outage], proposed=None)
                continue
            priority = self._priority(service.name, down, protocols)
            if ticket is None:
                if priority != "off" and not self._is_excused(service, asked, snapshot.at):
                    yield _opened(service.outage, service.name, priority, snapshot.at, snapshot.at)
            elif ticket.open and ticket.source == SOURCE:
                changes: dict[str, object] = {"proposed": None} if ticket.proposed is not None else {}
                if priority != "off" and not ticket.set_by_hand and _more_urgent(priority, ticket.priority):
                    changes |= {"priority": priority}
                if changes:
                    yield self._changed(ticket, snapshot.at, **changes)

    def _ended(self, snapshot: Snapshot) -> Iterator[Fact]:
        states = {one.name: one.state for one in snapshot.services}
        running = {one.outage for one in snapshot.services}
        for ticket in self._register.open():
            outage = _outage_of(ticket)
            if outage is None or ticket.proposed is not None or ticket.reopened or outage in running:
                continue
            if states.get(_service_of(outage), "unknown") in {"down", "unknown"}:
                continue  # nobody knows yet that it is over
            span = span_of(self._book, outage, snapshot.at)
            if span is not None:
                yield from self._over(ticket, max(span[1], ticket.recorded), snapshot.at)

    def _over(self, ticket: Ticket, end: Instant, now: Instant) -> Iterator[Fact]:
        if self._rule().resolution == "proposed":
            yield self._changed(ticket, now, proposed=end)
            return
        body = {"id": ticket.id, "step": "resolved", "time": end, "with": None, "not_reached": False, "reason": None}
        yield Fact(now, STEP, {**body, **_signed()})

    def _count(self, snapshot: Snapshot) -> None:
        """Note the services some of whose targets have had an outage that nobody saw go on; all of them at first."""
        counts = {one.name: one.outages for one in snapshot.targets}
        if counts == self._seen:
            return
        self._seen = counts
        for service in snapshot.services:
            count = sum(counts.get(leaf, 0) for leaf in self._book.leaves(service.name))
            if self._counts.get(service.name) != count:
                self._counts[service.name] = count
                if count and service.outage is None and service.name not in self._waiting:
                    self._waiting.append(service.name)

    def _missed(self, name: str, since: Instant, snapshot: Snapshot) -> Iterator[Fact]:
        """Outages that are over and have no incident: counted from their start, since nobody recorded it then."""
        if name not in self._book.rules.services:
            return
        zone, horizon = self._book.rules.zone, Horizon(snapshot.at, now=True)
        month = Month.of(snapshot.at, zone)
        for one in (month.plus(-1), month):
            if one.plus(1).start(zone) <= since:
                continue
            for outage in self._book.figures(name, one, horizon).outages:
                if outage.ongoing or outage.end <= since or self._ticket(outage.id) is not None:
                    continue
                if outage.start < one.start(zone) and one == month:
                    continue  # the month before has it
                protocols = {one.name: one.protocol for one in snapshot.targets}
                priority = self._priority(name, set(outage.targets), protocols)
                if priority == "off" or self._register.excuses.outage(outage.id, snapshot.at):
                    continue
                if self._moved(name, outage.id, snapshot.at) is None:
                    yield _opened(outage.id, name, priority, outage.start, snapshot.at)

    def _priority(self, name: str, down: set[str], protocols: Mapping[str, str]) -> str:
        rule = self._rule()
        if name in self._agencies():
            return rule.one_agency
        leaves = {leaf for leaf in self._book.rules.services[name].leaves() if leaf in protocols}
        lost = {protocols[leaf] for leaf in leaves & down}
        return rule.whole_service if lost == {protocols[leaf] for leaf in leaves} else rule.one_protocol

    def _agencies(self) -> frozenset[str]:
        """Services that are members of others, or of several that say whom they serve."""
        rules = self._book.rules
        if self._of_rules is None or self._of_rules[0] is not rules:
            services = rules.services.values()
            serving = {one.name for one in services if one.accounts is not None}
            members = {member.name for one in services for member in one.members}
            self._of_rules = rules, frozenset(members | (serving if len(serving) > 1 else set()))
        return self._of_rules[1]

    def _ticket(self, outage: str) -> Ticket | None:
        """Its incident; also one that somebody opened by hand under the id that it would have."""
        return self._register.tickets.get(self._index().by_outage.get(outage, f"{PREFIX}{outage}"))

    def _moved(self, service: str, outage: str, now: Instant) -> Ticket | None:
        """The incident of an outage that is now known to have begun earlier, and so has another id."""
        names = self._index().by_service.get(service, ())
        start = (start_of(outage) or ("", now))[1]
        later = [self._register.tickets[name] for name in reversed(names)]
        later = [one for one in later if start < (start_of(_outage_of(one) or "") or ("", 0))[1]]
        span = span_of(self._book, outage, now) if later else None
        for one in later if span is not None else ():
            began = start_of(_outage_of(one) or "")
            if began is not None and span is not None and began[1] < span[1]:
                return one
        return None

    def _is_excused(self, service: ServicePicture, asked: set[str], now: Instant) -> bool:
        """Of one that goes on. Outside of maintenance every second counts; inside few are `asked` about at once."""
        if service.outage is None or not service.maintenance.active:
            return False
        if len(asked) >= AT_ONCE:
            return True  # for now
        asked.add(service.outage)
        return self._register.excuses.outage(service.outage, now)

    def _index(self) -> _Known:
        tickets = self._register.tickets
        if self._known.version != tickets.version:
            made = [one for one in tickets.values() if one.source == SOURCE]
            by_service: dict[str, list[str]] = {}
            for one in made:
                by_service.setdefault(_service_of(_outage_of(one) or ""), []).append(one.id)
            by_outage = {name: one.id for one in made for name in (*one.outages, one.id.removeprefix(PREFIX))}
            self._known = _Known(tickets.version, by_outage, by_service)
        return self._known

    def _changed(self, ticket: Ticket, now: Instant, **values: object) -> Fact:
        kept = {key: value for key, value in values.items() if getattr(ticket, key) != value}
        return Fact(now, CHANGED, {"id": ticket.id, "values": kept, "reason": "the outage", **_signed()})


def _opened(outage: str, service: str, priority: str, recorded: Instant, now: Instant) -> Fact:
    body = {
        "id": f"{PREFIX}{outage}", "kind": "incident", "priority": priority, "recorded": recorded, "channel": "monitor",
        "agency": service, "outages": [outage],
    }  # fmt: skip
    return Fact(now, OPENED, {**body, **_signed()})


def _outage_of(ticket: Ticket) -> str | None:
    """The outage that opened a ticket, if one did and it is still about it."""
    return ticket.outages[0] if ticket.source == SOURCE and ticket.outages else None


def _service_of(outage: str) -> str:
    return (start_of(outage) or ("", 0))[0]


def _signed() -> dict[str, object]:
    return {"by": AUTHOR, "source": SOURCE, "proof": None}


def _more_urgent(one: str, other: str | None) -> bool:
    order = PRIORITIES["incident"]
    return other in order and order.index(one) < order.index(other)
