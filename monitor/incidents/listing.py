"""Tickets that somebody asks for, made one by one: of thousands, others have their turns in between."""

from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

from monitor.core.calendar import Month
from monitor.core.instants import Instant
from monitor.core.tickets import TICKET_KINDS, Ticket
from monitor.figures import Document
from monitor.incidents.asked import STATES, Asked
from monitor.incidents.documents import ticket_document
from monitor.incidents.register import Register


class Listing:
    """`document` has what `steps` has come to. Raises ValueError for a month, kind or state that there is not."""

    def __init__(self, register: Register, zone: ZoneInfo, asked: Asked, now: Instant) -> None:
        if asked.kind not in {None, *TICKET_KINDS} or asked.state not in STATES:
            raise ValueError(f"kind is one of {', '.join(TICKET_KINDS)}; state one of {', '.join(STATES)}")
        month = Month.of(now, zone) if asked.month is None else Month.parse(asked.month)
        self._register, self._zone, self._now = register, zone, now
        self._chosen = [one for one in _found(register, month, asked) if asked.includes(one)]
        self.document: Document = {"timezone": zone.key, "month": str(month), "tickets": []}

    def steps(self) -> Iterator[None]:
        """A ticket a step."""
        for ticket in self._chosen:
            self.document["tickets"].append(ticket_document(ticket, self._register, self._zone, self._now))
            yield


def _found(register: Register, month: Month, asked: Asked) -> Iterable[Ticket]:
    if asked.id is not None:
        return [register.tickets[asked.id]] if asked.id in register.tickets else []
    found = {one.id: one for one in register.of_month(month)}
    return ({one.id: one for one in register.open()} | found if asked.month is None else found).values()
