"""Outages open incidents by themselves, one each, by the rule; maintenance and exclusions reach them."""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from types import SimpleNamespace
from typing import Any, cast

import pytest

from monitor.core.book import Book, Horizon, Rules, TargetRule
from monitor.core.check import Check, Outcome
from monitor.core.clocks import BY_DEFAULT
from monitor.core.events import Outage
from monitor.core.instants import HOUR, MINUTE, SECOND, Instant
from monitor.core.maintenance import Exclusion, Window
from monitor.core.month import Objectives
from monitor.core.outages import identity_of
from monitor.core.rules import Epochs
from monitor.core.service import Service
from monitor.core.tickets import Ticket
from monitor.incidents.days import Days
from monitor.incidents.register import RULES, Register
from monitor.incidents.watch import OutageWatch
from monitor.ledger import Fact
from monitor.settings.incidents import FromOutages
from monitor.snapshot import Snapshot
from tests.core.worked import ZONE, at

TARGETS = {"mail/smtp": "smtp", "mail/imap": "imap", "des/imap": "imap", "dga/imap": "imap"}
BEGIN = at("09:00")


def rules() -> Rules:
    services = {
        "mail": Service("mail", 1, ("mail/smtp", "mail/imap")),
        "des": Service("des", 1, ("des/imap",), accounts=100),
        "dga": Service("dga", 1, ("dga/imap",), accounts=200),
    }
    objectives = dict.fromkeys(services, Objectives(Fraction("99.5"), 216 * MINUTE))
    return Rules(ZONE, dict.fromkeys(TARGETS, TargetRule(3, 2, 135 * SECOND)), services, objectives)


@dataclass
class Room:
    """A book that is fed, and a watch that looks; `now` goes with the checks."""

    rule: FromOutages = field(default_factory=FromOutages)
    since: Instant = BEGIN

    def __post_init__(self) -> None:
        self.book = Book(rules())
        self.register = Register(self.book, BY_DEFAULT, Days())
        self.register.take(Fact(self.since, RULES, BY_DEFAULT.document()))
        self.restart()
        self.now = BEGIN
        for target in TARGETS:
            self.check(target, Outcome.UP, BEGIN)

    def restart(self) -> None:
        self.watch = OutageWatch(self.book, self.register, lambda: self.rule)

    def check(self, target: str, outcome: Outcome, *instants: Instant) -> None:
        for instant in instants:
            cause = "timeout" if outcome is Outcome.DOWN else None
            self.book.record(target, Check(instant, outcome, 0, 2 * HOUR, cause=cause))
            self.now = max(self.now, instant)

    def down(self, target: str, start: Instant) -> None:
        self.check(target, Outcome.DOWN, start, start + 5 * SECOND, start + 10 * SECOND)

    def up(self, target: str, end: Instant) -> None:
        self.check(target, Outcome.UP, end, end + 5 * SECOND)

    def look(self, now: Instant | None = None) -> list[Fact]:
        """Take what the watch says, as the daemon does once it is on record."""
        self.now = self.now if now is None else now
        facts = self.watch.look(self.snapshot())
        for fact in facts:
            self.register.take(fact)
        return facts

    def snapshot(self) -> Snapshot:
        horizon = Horizon(self.now, now=True)
        targets = []
        for name, protocol in TARGETS.items():
            account = self.book.accounts[name]
            present = account.timeline.present()
            late = sum(isinstance(one, Outage) for one in present.events)
            count = len(account.history.outages) + late + bool(present.ended or present.stretch)
            state = "down" if present.down else "up"
            targets.append(SimpleNamespace(name=name, protocol=protocol, state=state, outages=count))
        services = []
        for name in self.book.rules.services:
            start = self.book.down_since(name, horizon)
            outage = None if start is None else identity_of(name, start)
            active = any(one.occurrences(self.now, self.now + 1) for one in self.book.windows)
            state, kept = "up" if outage is None else "down", SimpleNamespace(active=active)
            services.append(SimpleNamespace(name=name, outage=outage, state=state, maintenance=kept))
        return cast("Snapshot", SimpleNamespace(at=self.now, targets=targets, services=services))

    @property
    def tickets(self) -> list[Ticket]:
        return list(self.register.tickets.values())

    @property
    def ticket(self) -> Ticket:
        (one,) = self.tickets
        return one


def test_an_outage_opens_one_incident_and_its_end_proposes_the_resolution() -> None:
    room = Room()
    room.down("mail/smtp", at("10:00"))
    room.look()
    room.look(at("10:01"))
    assert (room.ticket.id, room.ticket.recorded) == ("INC-mail-20261110T030000Z", at("10:00:10"))
    assert (room.ticket.channel, room.ticket.agency, room.ticket.by) == ("monitor", "mail", "mailuptime")
    room.up("mail/smtp", at("10:30"))
    room.look()
    assert (room.ticket.state, room.ticket.proposed, room.ticket.resolved) == ("proposed", at("10:30"), None)
    assert room.look(at("10:31")) == []


def test_its_end_may_be_the_resolution() -> None:
    room = Room(FromOutages(resolution="recorded"))
    room.down("mail/smtp", at("10:00"))
    room.look()
    room.up("mail/smtp", at("10:30"))
    room.look()
    assert (room.ticket.state, room.ticket.resolved) == ("resolved", at("10:30"))


@pytest.mark.parametrize("resolution", ["proposed", "recorded"])
def test_who_reopens_an_incident_is_not_contradicted_and_its_clock_runs_again(resolution: Any) -> None:
    room = Room(FromOutages(resolution=resolution))
    room.down("mail/smtp", at("10:00"))
    room.look()
    room.up("mail/smtp", at("10:30"))
    room.look()
    step = {"id": room.ticket.id, "step": "resolved", "with": None, "not_reached": False}
    room.register.take(Fact(room.now, "ticket_step", {**step, "time": at("10:30"), "reason": None}))
    room.register.take(Fact(room.now, "ticket_step", {**step, "time": None, "reason": "queues stand still"}))
    assert room.look(at("10:45")) == []
    assert room.ticket.state == "recorded"
    assert [one.outcome(at("23:59")) for one in room.register.clocks(room.ticket)] == ["missed"]


@pytest.mark.parametrize(
    ("targets", "priority"), [(["mail/smtp"], "P2"), (["mail/smtp", "mail/imap"], "P1"), (["des/imap"], "P3")]
)
def test_the_priority_is_by_rule(targets: list[str], priority: str) -> None:
    room = Room()
    for target in targets:
        room.down(target, at("10:00"))
    room.look()
    assert room.ticket.priority == priority


def test_what_grows_worse_becomes_more_urgent_unless_somebody_chose_and_never_less() -> None:
    room = Room()
    room.down("mail/smtp", at("10:00"))
    room.look()
    room.down("mail/imap", at("10:05"))
    room.look()
    assert room.ticket.priority == "P1"
    room.up("mail/imap", at("10:10"))
    room.look()
    assert (room.ticket.priority, room.ticket.corrections, room.ticket.state) == ("P1", 0, "recorded")
    body = {"id": room.ticket.id, "values": {"priority": "P3"}, "reason": "few users", "by": "x", "source": "command"}
    room.register.take(Fact(room.now, "ticket_changed", body))
    room.down("mail/imap", at("10:15"))
    room.look()
    assert room.ticket.priority == "P3"


def test_a_restart_in_the_middle_opens_no_second_one() -> None:
    room = Room()
    room.down("mail/smtp", at("10:00"))
    room.look()
    room.restart()
    room.look(at("10:10"))
    room.up("mail/smtp", at("10:30"))
    room.restart()
    room.look()
    room.restart()
    assert room.look(at("10:40")) == []
    assert room.ticket.proposed == at("10:30")


def test_an_outage_that_came_and_went_unseen_has_one_too() -> None:
    room = Room()
    room.look()
    room.down("mail/smtp", at("10:00"))
    room.up("mail/smtp", at("10:02"))
    room.look()
    assert (room.ticket.recorded, room.ticket.proposed) == (at("10:00"), None)
    room.look()
    assert room.ticket.proposed == at("10:02")


def test_one_that_somebody_opened_under_its_id_is_left_alone() -> None:
    room = Room()
    room.down("mail/smtp", at("10:00"))
    body = {
        "id": f"INC-{room.snapshot().services[0].outage}", "kind": "incident", "priority": "P3", "recorded": room.now,
        "channel": "telephone", "agency": None, "outages": [], "by": "ops", "source": "command",
    }  # fmt: skip
    room.register.take(Fact(room.now, "ticket_opened", body))
    assert room.look(at("10:01")) == []
    room.up("mail/smtp", at("10:30"))
    assert [*room.look(), *room.look(at("10:31"))] == []


def test_outages_from_before_there_were_incidents_have_none() -> None:
    room = Room(since=at("11:00"))
    room.down("mail/smtp", at("10:00"))
    room.up("mail/smtp", at("10:02"))
    assert room.look(at("11:30")) == []


def test_what_begins_again_at_once_is_not_over() -> None:
    """Another protocol is down since before the first one came back, which is known only now."""
    room = Room()
    room.down("mail/smtp", at("10:00"))
    room.look()
    room.check("mail/imap", Outcome.DOWN, at("10:19:55"))
    room.up("mail/smtp", at("10:20"))
    room.look()
    assert room.ticket.proposed == at("10:20")
    room.check("mail/imap", Outcome.DOWN, at("10:20:06"), at("10:20:07"))
    room.look()
    assert (room.ticket.state, room.ticket.outages) == ("recorded", ("mail-20261110T030000Z",))


def test_an_outage_that_turns_out_to_have_begun_earlier_is_the_same_one() -> None:
    room = Room()
    room.check("mail/imap", Outcome.DOWN, at("09:59:55"))
    room.down("mail/smtp", at("10:00"))
    room.look()
    room.check("mail/imap", Outcome.DOWN, at("10:00:11"), at("10:00:12"))
    room.look()
    assert room.ticket.outages == ("mail-20261110T025955Z",)
    room.look()
    assert room.ticket.priority == "P1"


def test_maintenance_opens_none_until_it_is_over() -> None:
    room = Room()
    room.book.windows = [Window("W", (), at("09:30"), at("11:00"), "upgrade", "ops")]
    room.down("mail/smtp", at("10:00"))
    assert room.look() == []
    assert room.look(at("10:59:59")) == []
    room.look(at("11:00:10"))
    assert room.ticket.recorded == at("11:00:10")


def test_an_approved_exclusion_reaches_it() -> None:
    room = Room()
    room.down("mail/smtp", at("10:00"))
    room.look()
    room.up("mail/smtp", at("10:30"))
    room.look()
    assert not room.register.excuses.of(room.ticket, room.now)
    flood = Exclusion("E", ("mail",), at("09:00"), at("12:00"), "force_majeure", "report", "ops", "boss")
    room.book.exclusions = [flood]
    assert room.register.excuses.of(room.ticket, room.now)


def test_what_was_excused_stays_so_when_the_service_is_gone() -> None:
    room = Room()
    room.down("des/imap", at("10:00"))
    room.look()
    room.up("des/imap", at("10:30"))
    room.look()
    room.book.exclusions = [Exclusion("E", ("des",), at("09:00"), at("12:00"), "suspension", "letter", "ops", "boss")]
    services = {name: one for name, one in room.book.rules.services.items() if name != "des"}
    room.book.change_rules(room.now + MINUTE, replace(room.book.rules, services=services))
    assert room.register.excuses.of(room.ticket, room.now + HOUR)
    assert room.book.outage(room.ticket.outages[0], Horizon(room.now + HOUR, now=True)) is None
    december = Horizon(at("2026-12-02T00:00"), now=True)
    room.book.epochs = Epochs([room.book.epochs.starts[0], at("2026-12-01T00:00")], room.book.epochs.rules)
    assert room.book.outage(room.ticket.outages[0], december) is not None


@pytest.mark.parametrize(("key", "target"), [("one_protocol", "mail/smtp"), ("one_agency", "des/imap")])
def test_a_rule_may_open_none(key: str, target: str) -> None:
    values: dict[str, Any] = {key: "off"}
    room = Room(FromOutages(**values))
    room.down(target, at("10:00"))
    assert room.look() == []
