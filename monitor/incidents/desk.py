"""Where incidents, requests and complaints are recorded: a request in, facts and an answer out.

As the desk of declarations it decides and writes nothing. Who says something of a ticket for the second time corrects
it, and has to say why.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from monitor.acts import Answer, RefusedActError, text_of
from monitor.core.book import Book
from monitor.core.calendar import Month
from monitor.core.instants import Instant, format_instant, to_datetime
from monitor.core.tickets import CHANGED, OPENED, STEP, STEPS, WITHDRAWN, Ticket, Tickets, after
from monitor.figures import Document
from monitor.incidents import documents, requests
from monitor.incidents.asked import Asked
from monitor.incidents.days import Days
from monitor.incidents.importing import Context, Imported, steps_to
from monitor.incidents.listing import Listing
from monitor.incidents.picture import TicketPhotographer, TicketPicture
from monitor.incidents.register import Register
from monitor.ledger import Fact
from monitor.settings import Settings
from monitor.settings.incidents import FromOutages, ticket_rules

PREFIX = "ticket."
_DONE = {"respond": "responded", "resolve": "resolved", "close": "closed"}
_LETTERS = {"incident": "INC", "request": "REQ", "complaint": "CMP"}


def register_of(settings: Settings, book: Book) -> Register:
    """An empty one, by the configuration."""
    return Register(book, ticket_rules(settings.calendar, settings.incidents), days_of(settings))


def days_of(settings: Settings) -> Days:
    calendar = settings.calendar
    return Days(calendar.holidays, frozenset(calendar.add), frozenset(calendar.remove))


class TicketDesk:
    def __init__(self, settings: Settings, book: Book) -> None:
        self._settings = settings
        self._book = book
        self.register = register_of(settings, book)
        self._photographer = TicketPhotographer(self.register)

    @property
    def from_outages(self) -> FromOutages:
        return self._settings.incidents.from_outages

    def change(self, settings: Settings, now: Instant) -> list[Fact]:
        """What another configuration means for tickets recorded from now on."""
        self._settings = settings
        return self.register.change(ticket_rules(settings.calendar, settings.incidents), days_of(settings), now)

    def handle(self, act: str, request: dict[str, Any], now: Instant, proof: str) -> Answer:
        """Decide on a request. Raises RefusedActError, and nothing is to be recorded."""
        handlers: dict[str, Callable[[dict[str, Any], Instant, str], Answer]] = {
            f"{PREFIX}open": self._open,
            f"{PREFIX}reopen": self._reopen,
            f"{PREFIX}change": self._change,
            f"{PREFIX}withdraw": self._withdraw,
            f"{PREFIX}import": self._import,
            **{f"{PREFIX}{verb}": self._step for verb in _DONE},
        }
        if act not in handlers:
            raise RefusedActError(f'there is no act "{act}"')
        answer = handlers[act]({**request, "step": _DONE.get(act.removeprefix(PREFIX))}, now, proof)
        if not answer.facts or self.register.recorded:
            return answer
        # The first ticket of a ledger that no daemon has opened since there are tickets: what judges it comes first.
        return replace(answer, facts=(*self.change(self._settings, now), *answer.facts))

    def listed(self, asked: Asked, now: Instant) -> Document:
        """Raises ValueError for a month, kind or state that there is not."""
        made = self.listing(asked, now)
        deque(made.steps(), maxlen=0)
        return made.document

    def listing(self, asked: Asked, now: Instant) -> Listing:
        """The same, for who gives others their turns in between."""
        return Listing(self.register, self._settings.zone, asked, self._book.present(now))

    def picture(self, now: Instant) -> TicketPicture:
        return self._photographer.take(self._settings.metrics.months, self._book.present(now))

    def added(self, document: Document, now: Instant) -> Document:
        """A month's document of services with what became of its tickets, where there is anything to say."""
        found = self.figures(Month.parse(document["month"]), now)
        said = any(found[key] for key in ("recorded", "withdrawn", "running"))
        return {**document, "tickets": found} if said else document

    def figures(self, month: Month, now: Instant) -> Document:
        """The month's compliance, with every clock that runs now."""
        return documents.figures_document(self.register, month, self._settings.zone, now)

    def _open(self, request: dict[str, Any], now: Instant, proof: str) -> Answer:
        kind = requests.kind_of(request)
        recorded = requests.time_of(request, "recorded", self._settings.zone, now)
        given = request.get("id") is not None
        body = {
            "id": requests.identity_of(request) if given else self._numbered(kind, recorded),
            "kind": kind,
            "priority": requests.priority_of(request, kind),
            "recorded": recorded,
            "channel": requests.channel_of(request, "telephone"),
            "agency": requests.optional_text(request, "agency"),
            "outages": self._outages(request, now),
            **_signed(request, proof),
        }
        known = self.register.tickets.get(body["id"])
        if known is not None:
            raise RefusedActError(
                f"{known.kind} {known.id} is recorded already; change it, or open another", "ticket_exists"
            )
        return self._answered((Fact(now, OPENED, body),), body["id"], now)

    def _step(self, request: dict[str, Any], now: Instant, proof: str) -> Answer:
        ticket, step = self._ticket(request), request["step"]
        at = now
        if step == "resolved" and request.get("at") is None and ticket.proposed is not None:
            at = ticket.proposed  # the end of the outage, which somebody confirms
        elif request.get("at") is not None:
            at = requests.time_of(request, "at", self._settings.zone, now)
        not_reached = bool(request.get("not_reached"))
        if step == "closed":
            self._closable(ticket, request, at, not_reached=not_reached)
        self._in_order(ticket, step, at)
        reason = requests.optional_text(request, "reason")
        if getattr(ticket, step) is not None and reason is None:
            said = format_instant(getattr(ticket, step), self._settings.zone)
            raise RefusedActError(f"{ticket.id} was {step} at {said}; to correct that give a reason", "said_already")
        met = requests.optional_text(request, "with") if step == "closed" else None
        corrects = reason if getattr(ticket, step) is not None else None
        body = {
            "id": ticket.id, "step": step, "time": at, "with": met, "not_reached": not_reached, "reason": corrects,
            **_signed(request, proof),
        }  # fmt: skip
        return self._answered((Fact(now, STEP, body),), ticket.id, now)

    def _reopen(self, request: dict[str, Any], now: Instant, proof: str) -> Answer:
        """Resolved it was not, nor closed."""
        ticket, reason = self._ticket(request), text_of(request, "reason")
        if ticket.open:
            raise RefusedActError(f"{ticket.id} is open", "is_open")
        undone = [step for step in ("resolved", "closed") if getattr(ticket, step) is not None]
        facts = tuple(
            Fact(now, STEP, {
                "id": ticket.id, "step": step, "time": None, "with": None, "not_reached": False, "reason": reason,
                **_signed(request, proof),
            })
            for step in undone
        )  # fmt: skip
        return self._answered(facts, ticket.id, now)

    def _change(self, request: dict[str, Any], now: Instant, proof: str) -> Answer:
        ticket, reason = self._ticket(request), text_of(request, "reason")
        values: dict[str, Any] = {}
        if request.get("priority") is not None:
            values["priority"] = requests.priority_of(request, ticket.kind)
        if request.get("channel") is not None:
            values["channel"] = requests.channel_of(request)
        if request.get("agency") is not None:
            values["agency"] = requests.optional_text(request, "agency")
        if request.get("recorded") is not None:
            values["recorded"] = requests.time_of(request, "recorded", self._settings.zone, now)
            self._in_order(replace(ticket, recorded=values["recorded"]), None, now)
        if request.get("outages") is not None:
            values["outages"] = self._outages(request, now)
        values = {key: value for key, value in values.items() if _kept(getattr(ticket, key)) != value}
        if not values:
            raise RefusedActError(f"nothing of {ticket.id} would change")
        body = {"id": ticket.id, "values": values, "reason": reason, **_signed(request, proof)}
        return self._answered((Fact(now, CHANGED, body),), ticket.id, now)

    def _withdraw(self, request: dict[str, Any], now: Instant, proof: str) -> Answer:
        ticket = self._ticket(request)
        body = {"id": ticket.id, "reason": text_of(request, "reason"), **_signed(request, proof)}
        return self._answered((Fact(now, WITHDRAWN, body),), ticket.id, now)

    def _import(self, request: dict[str, Any], now: Instant, proof: str) -> Answer:
        """What a ticket system says of some tickets, beside what is recorded; a bad row is named and left out."""
        rows, dry = request.get("rows"), bool(request.get("dry_run"))
        if not isinstance(rows, list):
            raise RefusedActError("rows: a list is expected")
        found, fresh = Imported(), set[str]()
        context = Context(self._settings.zone, now, self.register.tickets, self._earliest)
        for row in rows:
            found.take(row, lambda one: steps_to(one, context, fresh))
        facts = [Fact(now, kind, {**body, **_signed(request, proof, "import")}) for kind, body in found.facts]
        return Answer(() if dry else tuple(facts), found.document())

    def _ticket(self, request: dict[str, Any]) -> Ticket:
        identity = text_of(request, "id")
        found = self.register.tickets.get(identity)
        if found is None or request.get("kind") not in (None, found.kind):
            raise RefusedActError(f"there is no {request.get('kind') or 'ticket'} {identity}; list shows them")
        if found.withdrawn is not None:
            raise RefusedActError(f"{identity} is withdrawn: {found.withdrawn}", "is_withdrawn")
        return found

    def _closable(self, ticket: Ticket, request: dict[str, Any], at: Instant, *, not_reached: bool) -> None:
        if ticket.resolved is None:
            raise RefusedActError(f"{ticket.id} is not resolved yet", "not_resolved")
        if not_reached == (request.get("with") is not None):
            raise RefusedActError("say with whom it was closed, or that the reporter was not reached")
        if not_reached and at < (earliest := self._earliest(ticket.recorded)):
            text = format_instant(earliest, self._settings.zone)
            raise RefusedActError(f"the reporter may still be reached until {text}", "may_be_reached")

    def _earliest(self, recorded: Instant) -> Instant:
        """From when a ticket may be closed whose reporter was not reached (SLA 4.1)."""
        rules = self.register.judging.at(recorded)
        return self.register.calendar(rules).after_business_days(recorded, rules.not_reached_after)

    def _in_order(self, ticket: Ticket, step: str | None, at: Instant) -> None:
        """Recorded, then resolved, then closed; an answer comes any time after the record."""
        zone = self._settings.zone
        times = {name: getattr(ticket, name) for name in STEPS} | ({} if step is None else {step: at})
        floor = ticket.recorded, "recorded"
        for name in STEPS:
            if times[name] is None:
                continue
            if times[name] < floor[0]:
                said = f"{name} would be before it was {floor[1]}, at {format_instant(floor[0], zone)}"
                raise RefusedActError(said, "out_of_order")
            floor = floor if name == "responded" else (times[name], name)

    def _outages(self, request: dict[str, Any], now: Instant) -> list[str]:
        given = request.get("outages") or []
        if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
            raise RefusedActError("outages: a list of ids is expected")
        named = list(dict.fromkeys(given))
        for one in named:
            if documents.outage_span(self._book, one, now) is None:
                raise RefusedActError(f"there is no outage {one[:100]}; mailuptime outages lists them", "no_outage")
        return named

    def _numbered(self, kind: str, recorded: Instant) -> str:
        day = to_datetime(recorded, self._settings.zone).strftime("%Y%m%d")
        number = 1
        while f"{_LETTERS[kind]}-{day}-{number}" in self.register.tickets:
            number += 1
        return f"{_LETTERS[kind]}-{day}-{number}"

    def _answered(self, facts: tuple[Fact, ...], identity: str, now: Instant) -> Answer:
        """With the ticket as it will be."""
        known = self.register.tickets.get(identity)
        ticket = Tickets([(facts[0].kind, facts[0].body)])[identity] if known is None else known
        for fact in facts if known is not None else ():
            ticket = after(ticket, fact.kind, fact.body)
        return Answer(facts, documents.ticket_document(ticket, self.register, self._settings.zone, now))


def _signed(request: dict[str, Any], proof: str, source: str = "command") -> dict[str, Any]:
    source = "web" if request.get("source") == "web" else source
    return {"by": text_of(request, "by"), "source": source, "proof": proof}


def _kept(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
