"""An immutable picture of tickets, for metrics and alerts: bounded, whatever their number."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from monitor.core.calendar import Month
from monitor.core.compliance import Compliance, Row
from monitor.core.instants import SECOND, Instant
from monitor.core.tickets import Ticket
from monitor.incidents.register import Register

STATES = ("recorded", "responded", "proposed")


@dataclass(frozen=True, slots=True)
class Urgent:
    """Of the clocks of one kind and priority that run: the one of which most is used, and the least time left."""

    row: Row
    ticket: str
    used: float
    left: float
    """Seconds, as the clock counts; negative once it is over."""


@dataclass(frozen=True, slots=True)
class TicketPicture:
    """`open` counts by kind, priority and state, with a 0 for what there was; months from the running one back."""

    open: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    urgent: tuple[Urgent, ...] = ()
    months: tuple[tuple[str, Compliance], ...] = ()


def priority_shown(priority: str | None) -> str:
    """As a label: a complaint has none."""
    return priority or "none"


class TicketPhotographer:
    """Takes a picture at most every few seconds; a clock's share of a target does not move faster."""

    REST: Instant = 5 * SECOND

    def __init__(self, register: Register) -> None:
        self._register = register
        self._taken: tuple[Instant, TicketPicture] | None = None

    def take(self, months: int, now: Instant) -> TicketPicture:
        if self._taken is None or not 0 <= now - self._taken[0] < self.REST:
            self._taken = now, self._picture(months, now)
        return self._taken[1]

    def _picture(self, months: int, now: Instant) -> TicketPicture:
        register = self._register
        if not register.tickets:
            return TicketPicture()
        waiting = [one for one in register.open() if not register.excuses.of(one, now)]
        counts: Counter[tuple[str, str, str]] = Counter(
            (one.kind, priority_shown(one.priority), one.state) for one in waiting
        )
        seen = {(one.kind, priority_shown(one.priority)) for one in register.tickets.values()}
        kinds: list[tuple[str, str]] = sorted(seen)
        shown = {(*pair, state): counts[*pair, state] for pair in kinds for state in STATES}
        month = Month.of(now, register.zone)
        judged = ((str(one), register.compliance(one, now)) for one in (month.plus(-back) for back in range(months)))
        return TicketPicture(shown, tuple(_urgent(register, waiting, now)), tuple(j for j in judged if not j[1].empty))


def _urgent(register: Register, waiting: list[Ticket], now: Instant) -> Iterator[Urgent]:
    most: dict[Row, tuple[float, str]] = {}
    least: dict[Row, float] = {}
    for ticket in waiting:
        calendar = register.calendar(register.judging.at(ticket.recorded))
        for clock in register.clocks(ticket):
            if clock.running():
                row: Row = (ticket.kind, ticket.priority, clock.which)
                left = clock.left(now, calendar) / SECOND
                used = 1 - left * SECOND / clock.target if clock.target else 1.0
                most[row] = max(most.get(row, (-1.0, "")), (used, ticket.id))
                least[row] = min(least.get(row, left), left)
    for row, (used, identity) in most.items():
        yield Urgent(row, identity, used, least[row])
