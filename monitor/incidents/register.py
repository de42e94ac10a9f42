"""Every ticket with what judges it: the rules in force when it was recorded, the calendar, and what excuses outages."""

import operator
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from monitor.core.book import Book
from monitor.core.business import BusinessCalendar, Hours
from monitor.core.calendar import Month
from monitor.core.clocks import Clock, RulesInForce, TicketRules, clocks_of
from monitor.core.compliance import Compliance, compliance
from monitor.core.instants import DAY, SECOND, Instant
from monitor.core.tickets import KINDS as TICKET_FACTS
from monitor.core.tickets import Ticket, Tickets
from monitor.incidents.days import Days, frozen_of
from monitor.incidents.excuses import Excuses
from monitor.ledger import Fact
from monitor.ledger.reader import Reader

RULES = "ticket_rules"
CLOSED = "closing"
KINDS = (*TICKET_FACTS, RULES, CLOSED)
"""The facts that it is made of."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """A month's figures as they were made, and until when they hold."""

    found: Compliance
    version: int
    made_from: tuple[object, ...]
    since: Instant
    until: Instant

    def holds(self, version: int, made_from: tuple[object, ...], now: Instant) -> bool:
        same = self.version == version and all(map(operator.is_, self.made_from, made_from))
        return same and self.since <= now < self.until


class Register:
    """`rules` hold where none are recorded; `days` as the configuration has them."""

    def __init__(self, book: Book, rules: TicketRules, days: Days) -> None:
        self._book = book
        self.tickets = Tickets()
        self.excuses = Excuses(book)
        self._unrecorded = rules
        self._recorded: RulesInForce | None = None
        self.since: Instant | None = None
        """When the ledger first said by which rules tickets are judged."""
        self.days = days
        self._clocks: dict[str, tuple[Ticket, Days, TicketRules, tuple[Clock, ...]]] = {}
        self._ordered: tuple[int, list[tuple[Instant, str]]] = (-1, [])
        self._judged: dict[Month, _Judged] = {}
        self._calendars: dict[Hours, tuple[Days, BusinessCalendar]] = {}

    @property
    def zone(self) -> ZoneInfo:
        return self._book.rules.zone

    @property
    def rules(self) -> TicketRules:
        """Those in force now."""
        return self._unrecorded if self._recorded is None else self._recorded.rules[-1]

    @property
    def recorded(self) -> bool:
        """Whether the ledger says so at all."""
        return self._recorded is not None

    @property
    def judging(self) -> RulesInForce:
        return RulesInForce.of(self._unrecorded) if self._recorded is None else self._recorded

    def load(self, ledger: Reader) -> None:
        """Take up what the ledger holds."""
        for link in ledger.facts(KINDS):
            self.take(link.fact)

    def take(self, fact: Fact) -> None:
        """One more recorded fact; other kinds change nothing."""
        if fact.kind == RULES:
            self.since = fact.at if self.since is None else self.since
            rules = TicketRules.of(fact.body)
            before = self._recorded
            self._recorded = RulesInForce.of(rules) if before is None else before.plus(fact.at, rules)
        elif fact.kind == CLOSED:
            frozen = frozen_of([fact.body])
            if frozen and not frozen.keys() <= self.days.frozen.keys():
                self.days = replace(self.days, frozen={**frozen, **self.days.frozen})
        else:
            self.tickets.take(fact.kind, fact.body)

    def change(self, rules: TicketRules, days: Days, now: Instant) -> list[Fact]:
        """What the configuration says now: the days at once, the rules as a fact where they are others (R7)."""
        self.days = replace(days, frozen=self.days.frozen)
        if self._recorded is not None and rules.document() == self.rules.document():
            return []
        return [Fact(now, RULES, rules.document())]

    def calendar(self, rules: TicketRules) -> BusinessCalendar:
        kept, zone = self._calendars.get(rules.hours), self._book.rules.zone
        if kept is None or kept[0] is not self.days or kept[1].zone != zone:
            kept = self.days, BusinessCalendar(zone, rules.hours, self.days.closed)
            self._calendars[rules.hours] = kept
        return kept[1]

    def clocks(self, ticket: Ticket) -> tuple[Clock, ...]:
        """The clocks of a ticket; kept for as long as it, its rules and the days are the same."""
        rules, known = self.judging.at(ticket.recorded), self._clocks.get(ticket.id)
        if known is not None and known[0] is ticket and known[1] is self.days and known[2] is rules:
            return known[3]
        made = tuple(clocks_of(ticket, rules, self.calendar(rules)))
        self._clocks[ticket.id] = (ticket, self.days, rules, made)
        return made

    def of_month(self, month: Month) -> Sequence[Ticket]:
        """The tickets recorded in a month, in the order of their records."""
        if self._ordered[0] != self.tickets.version:
            self._ordered = self.tickets.version, sorted((one.recorded, one.id) for one in self.tickets.values())
        placed, (start, end) = self._ordered[1], month.span(self._book.rules.zone)
        return [self.tickets[name] for _, name in placed[bisect_left(placed, (start,)) : bisect_left(placed, (end,))]]

    def open(self) -> Sequence[Ticket]:
        """The tickets that wait for something, in the order in which they were recorded here."""
        return [one for one in self.tickets.values() if one.open]

    def compliance(self, month: Month, now: Instant) -> Compliance:
        """A month's figures as seen from now, promised by the rules at its end."""
        judged, book = self._judged.get(month), self._book
        made_from = (self.days, self._recorded, book.windows, book.exclusions, book.epochs)
        if judged is not None and judged.holds(self.tickets.version, made_from, now):
            return judged.found
        end = month.plus(1).start(book.rules.zone)
        promised = self.judging.at(min(end - 1, now)).promised
        tickets = self.of_month(month)
        found = compliance(tickets, self.clocks, lambda one: self.excuses.of(one, now), promised, now)
        self._judged[month] = _Judged(found, self.tickets.version, made_from, now, self._changes(tickets, now))
        return found

    def _changes(self, tickets: Sequence[Ticket], now: Instant) -> Instant:
        """Until when time alone changes nothing: the next deadline; while an outage may go on, not for long."""
        undecided = [one for one in tickets if one.open]
        deadlines = [clock.deadline + 1 for one in undecided for clock in self.clocks(one) if clock.deadline >= now]
        goes_on = any(one.outages and one.proposed is None for one in undecided)
        return min([now + (SECOND if goes_on else DAY), *deadlines])

    def closing(self, month: Month, now: Instant) -> Mapping[str, Any]:
        """What a month that is closed now keeps: its figures, and the holidays that they were made with (R16)."""
        zone = self._book.rules.zone
        return {"tickets": self.compliance(month, now).body(), "holidays": self.days.used(month, now, zone)}
