"""Where maintenance, exclusions and approvals are declared: a request in, facts and an answer out (R13, R14, R15).

The desk decides and writes nothing: a running daemon commits the facts through its recorder, a command without one
through the ledger that it has locked. Either then calls `accept`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from monitor.acts import Answer, RefusedActError, text_of
from monitor.assembly import exclusion_of, window_of
from monitor.core.book import Book, Horizon
from monitor.core.declarations import Act, Declarations, exclusion_body, window_body
from monitor.core.instants import DAY, Instant, format_instant, parse_instant, seconds
from monitor.core.maintenance import Exclusion, Window, judge
from monitor.figures import Document, exclusion_document
from monitor.incidents.desk import PREFIX, TicketDesk
from monitor.ledger import Fact
from monitor.ledger.reader import Reader
from monitor.preview import Preview
from monitor.reconciling import reconciled
from monitor.settings import Settings, read_exclusion, read_maintenance
from monitor.settings.windows import same_person


class Desk:
    def __init__(self, settings: Settings, book: Book, declarations: Declarations) -> None:
        self._settings = settings
        self._book = book
        self.declarations = declarations
        self.tickets = TicketDesk(settings, book)
        self._show()

    def open(self, ledger: Reader) -> None:
        """Take up the tickets that the ledger holds."""
        self.tickets.register.load(ledger)

    def prepare(self, now: Instant) -> None:
        """Read what takes its time once: the list of holidays, before anything else has to be done meanwhile."""
        register = self.tickets.register
        register.calendar(register.rules).next_open(now)

    def accept(self, facts: Sequence[Fact]) -> None:
        """Let recorded facts take effect."""
        before = self.declarations
        for fact in facts:
            self.declarations = self.declarations.plus(fact.at, fact.kind, fact.body)
            self.tickets.register.take(fact)
        if self.declarations is not before:  # else everything would be evaluated anew for a ticket
            self._show()

    def reconcile(self, settings: Settings, now: Instant) -> tuple[list[Fact], list[str]]:
        """What the configuration's windows, exclusions and ticket rules mean beside what is recorded (R15, R7).

        New ones are declared now at the earliest; those gone from the file are cancelled now; an edited one is both.
        Beside the facts, a line for each that cannot be.
        """
        self._settings = settings
        windows = [window_of(one, settings.zone) for one in settings.maintenance]
        exclusions, refused = [], []
        for one in settings.exclusions:
            try:
                exclusions.append(self._excluded(exclusion_of(one), one.outage, now))
            except RefusedActError as error:
                refused.append(f"exclusion {one.id}: {error}")
        facts = reconciled(self.declarations, windows, exclusions, now)
        return [*facts, *self.tickets.change(settings, now)], refused

    def handle(self, act: str, request: dict[str, Any], now: Instant, proof: str) -> Answer:
        """Decide on a request. Raises RefusedActError or ConfigurationError, and nothing is to be recorded."""
        handlers: dict[str, Callable[[dict[str, Any], Instant, str], Answer]] = {
            "maintenance.add": self._add,
            "maintenance.shorten": self._shorten,
            "maintenance.cancel": self._cancel,
            "exclusion.add": self._exclude,
            "exclusion.withdraw": self._withdraw,
            "approve": self._approve,
        }
        if act.startswith(PREFIX):
            return self.tickets.handle(act, request, now, proof)
        if act not in handlers:
            raise RefusedActError(f'there is no act "{act}"')
        return handlers[act](request, now, proof)

    def listed(self, now: Instant) -> Document:
        """Every window and exclusion with what it comes to."""
        return {
            "maintenance": [self._window_document(window, act, now) for window, act in self.declarations.windows],
            "exclusions": [self._exclusion_document(one, act) for one, act in self.declarations.exclusions],
        }

    def _add(self, request: dict[str, Any], now: Instant, proof: str) -> Answer:
        request, dry = _without(request, "dry_run")
        settings = read_maintenance(request, self._settings)
        if self.declarations.window(settings.id):
            text = f"maintenance {settings.id} is declared already; shorten or cancel it"
            raise RefusedActError(text, "declared_already")
        self._refuse_two_of_one_id(settings.id, "exclusion", self.declarations.exclusion(settings.id))
        # A command speaks for now: what it claims of earlier days needs an approval.
        window = replace(window_of(settings, self._settings.zone), declared=now, approved_by=None)
        document = self._window_document(window, Act("command", now, proof=proof), now)
        facts = () if dry else (Fact(now, "window", window_body(window, "command", proof)),)
        return Answer(facts, document, self._preview(window, now))

    def _shorten(self, request: dict[str, Any], now: Instant, proof: str) -> Answer:
        window, act = self._window(request)
        end = self._time(request, "end")
        if not window.start < end:
            raise RefusedActError("end must be after the window's start; cancel it instead", "ends_before_it_starts")
        ends = _ends(window)
        if ends is not None and end >= ends:
            raise RefusedActError(f"it ends at {format_instant(ends, self._settings.zone)} already", "ends_already")
        body = {"id": window.id, "end": end, "by": text_of(request, "by"), "source": "command", "proof": proof}
        return self._amended(window, act, Fact(now, "window_amended", body), now)

    def _cancel(self, request: dict[str, Any], now: Instant, proof: str) -> Answer:
        window, act = self._window(request)
        body = {"id": window.id, "end": None, "by": text_of(request, "by"), "source": "command", "proof": proof}
        return self._amended(window, act, Fact(now, "window_amended", body), now)

    def _amended(self, window: Window, act: Act, fact: Fact, now: Instant) -> Answer:
        after = Declarations(windows=((window, act),)).plus(fact.at, fact.kind, fact.body)
        return Answer((fact,), self._window_document(*after.windows[0], now))

    def _exclude(self, request: dict[str, Any], now: Instant, proof: str) -> Answer:
        request, dry = _without(request, "dry_run")
        settings = read_exclusion(request, self._settings)
        if self.declarations.exclusion(settings.id):
            text = f"exclusion {settings.id} is declared already; withdraw it first"
            raise RefusedActError(text, "declared_already")
        self._refuse_two_of_one_id(settings.id, "maintenance", self.declarations.window(settings.id))
        made = replace(self._excluded(exclusion_of(settings), settings.outage, now), approved_by=None)
        facts = () if dry else (Fact(now, "exclusion", exclusion_body(made, "command", proof)),)
        document = self._exclusion_document(made, Act("command", now, proof=proof))
        return Answer(facts, document, self._preview(made, now))

    def _withdraw(self, request: dict[str, Any], now: Instant, proof: str) -> Answer:
        identity = text_of(request, "id")
        if self.declarations.exclusion(identity) is None:
            raise RefusedActError(f"there is no exclusion {identity}", "no_exclusion")
        body = {"id": identity, "by": text_of(request, "by"), "source": "command", "proof": proof}
        return Answer((Fact(now, "exclusion_withdrawn", body),), {"id": identity, "withdrawn": True})

    def _approve(self, request: dict[str, Any], now: Instant, proof: str) -> Answer:
        request, dry = _without(request, "dry_run")
        identity, by = text_of(request, "id"), text_of(request, "by")
        window, exclusion = self.declarations.window(identity), self.declarations.exclusion(identity)
        if window is not None and exclusion is not None:  # an approval would reach both, and only one was looked at
            raise RefusedActError(f"{identity} is a maintenance and an exclusion; cancel or withdraw one of them first")
        found = window or exclusion
        if found is None:
            raise RefusedActError(
                f"there is no maintenance and no exclusion {identity} to approve", "nothing_to_approve"
            )
        declared, act = found
        if same_person(declared.by, by):
            text = f"{identity} was declared by {declared.by}; somebody else must approve it"
            raise RefusedActError(text, "same_person")
        if declared.approved_by is not None and act.approval_proof is not None:
            raise RefusedActError(f"{identity} is approved already, by {declared.approved_by}", "approved_already")
        body = {"id": identity, "by": by, "proof": proof}
        document = {"id": identity, "approved_by": by, "attested_by_one": act.proof == proof}
        if dry:
            return Answer((), document, self._preview(declared, now))
        return Answer((Fact(now, "approval", body),), document)

    @staticmethod
    def _refuse_two_of_one_id(identity: str, other: str, found: object) -> None:
        """Who approves names an id: what else has it must not be approved unseen."""
        if found is not None:
            raise RefusedActError(f"there is {other} {identity} already; choose another id", "declared_already")

    def _excluded(self, exclusion: Exclusion, outage: str | None, now: Instant) -> Exclusion:
        """With the span of the outage that it names."""
        if outage is None:
            return exclusion
        found = self._book.outage(outage, Horizon(now, now=True))
        if found is None:
            raise RefusedActError(f"there is no outage {outage}; mailuptime outages lists them", "no_outage")
        return exclusion.over(found.service, (found.start, found.end))

    def _preview(self, change: Window | Exclusion, now: Instant) -> Preview:
        """Without an approval it takes nothing off what has been: a window is declared now, and that lies before."""
        return Preview(self._book, self.declarations, change, now)

    def _show(self) -> None:
        self._book.windows = self.declarations.declared
        self._book.exclusions = self.declarations.excluded

    def _window(self, request: dict[str, Any]) -> tuple[Window, Act]:
        identity = text_of(request, "id")
        found = self.declarations.window(identity)
        if found is None:
            text = f"there is no maintenance {identity}, or it is cancelled; list shows them"
            raise RefusedActError(text, "no_maintenance")
        return found

    def _time(self, request: dict[str, Any], key: str) -> Instant:
        try:
            return parse_instant(text_of(request, key), self._settings.zone)
        except ValueError as error:
            raise RefusedActError(f"{key}: {error}") from None

    def _window_document(self, window: Window, act: Act, now: Instant) -> Document:
        zone = self._settings.zone
        span = (window.start, window.end)
        coming = [one for one in window.occurrences(now, now + 400 * DAY) if one[1] > now]
        judged = judge(window, coming[0] if window.recurrence and coming else span, self._book.rules.policy)
        retroactive = judged.retroactive
        return {
            "id": window.id,
            "scope": list(window.scope),
            "start": format_instant(judged.planned[0], zone),
            "end": format_instant(judged.planned[1], zone),
            "rrule": window.recurrence.rule if window.recurrence else None,
            "reason": window.reason,
            "by": window.by,
            "declared": None if window.declared is None else format_instant(window.declared, zone),
            "approved_by": window.approved_by,
            "attested_by_one": act.attested_by_one(window.approved_by),
            "late": judged.late,
            "retroactive_seconds": 0 if retroactive is None else seconds(retroactive[1] - retroactive[0]),
            "excuses": None if judged.excused is None else [format_instant(at, zone) for at in judged.excused],
            "cancelled": act.cancelled,
            "source": act.source,
        }

    def _exclusion_document(self, exclusion: Exclusion, act: Act) -> Document:
        return {
            **exclusion_document(exclusion, act, self._settings.zone),
            "excuses": exclusion.excuses and not act.cancelled,
            "withdrawn": act.cancelled,
            "source": act.source,
        }


def _ends(window: Window) -> Instant | None:
    """When a window, as shortened, ends at last; None for one that recurs on and on."""
    planned = [] if window.recurrence else [window.end]
    return min([*planned, *(max(one.at, one.end) for one in window.amendments)], default=None)


def _without(request: dict[str, Any], key: str) -> tuple[dict[str, Any], bool]:
    return {name: value for name, value in request.items() if name != key}, bool(request.get(key))
