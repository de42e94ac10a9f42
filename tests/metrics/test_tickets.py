"""Tickets in the exposition: how many wait, how their clocks stand, and what a month comes to; nothing without any."""

from fractions import Fraction

from monitor.core.book import Book, Rules
from monitor.core.clocks import BY_DEFAULT
from monitor.core.instants import HOUR, MINUTE, Instant
from monitor.core.month import Objectives
from monitor.core.service import Service
from monitor.core.tickets import OPENED, STEP
from monitor.incidents.days import Days
from monitor.incidents.picture import TicketPhotographer
from monitor.incidents.register import Register
from monitor.ledger import Fact
from monitor.metrics.tickets import ticket_block
from tests.core.worked import ZONE, at

NOON = at("2026-11-11T12:00")


def register() -> Register:
    rules = Rules(ZONE, {}, {"mail": Service("mail", 1)}, {"mail": Objectives(Fraction("99.5"), 216 * MINUTE)})
    return Register(Book(rules), BY_DEFAULT, Days())


def opened(made: Register, identity: str, recorded: Instant, *, priority: str = "P1", kind: str = "incident") -> None:
    body = {
        "id": identity, "kind": kind, "priority": priority, "recorded": recorded, "channel": "monitor", "agency": None,
        "outages": [], "by": "x", "source": "command", "proof": None,
    }  # fmt: skip
    made.take(Fact(recorded, OPENED, body))


def resolved(made: Register, identity: str, at_: Instant) -> None:
    body = {"id": identity, "step": "resolved", "time": at_, "with": None, "not_reached": False, "reason": None}
    made.take(Fact(at_, STEP, {**body, "by": "x", "source": "command", "proof": None}))


def exposed(made: Register, now: Instant = NOON) -> set[str]:
    return set("".join(ticket_block(TicketPhotographer(made).take(2, now))).splitlines())


def test_without_tickets_nothing_is_exposed() -> None:
    assert exposed(register()) == set()


def test_the_most_urgent_of_each_kind_and_priority_is_told_and_how_many_wait() -> None:
    made = register()
    opened(made, "A", NOON - 54 * MINUTE)
    opened(made, "B", NOON - 162 * MINUTE)
    found = exposed(made)
    labels = 'kind="incident",priority="P1",clock="resolution"'
    assert f"mailuptime_ticket_clock_used_ratio{{{labels}}} 0.75" in found
    assert f"mailuptime_ticket_clock_left_seconds{{{labels}}} 3240.0" in found
    assert 'mailuptime_tickets_open{kind="incident",priority="P1",state="recorded"} 2.0' in found
    assert f'mailuptime_ticket_clocks{{month="2026-11",{labels},outcome="undetermined"}} 2.0' in found
    assert not any("objective_met" in line or "within_target" in line for line in found)


def test_a_month_that_is_decided_says_so_and_what_is_resolved_has_no_clock() -> None:
    made = register()
    opened(made, "A", NOON - 5 * HOUR)
    resolved(made, "A", NOON - HOUR)
    found = exposed(made)
    assert 'mailuptime_ticket_objective_met{month="2026-11",clock="resolution"} 0.0' in found
    assert 'mailuptime_ticket_within_target_ratio{month="2026-11",clock="resolution"} 0.0' in found
    assert 'mailuptime_tickets_open{kind="incident",priority="P1",state="recorded"} 0.0' in found
    assert not any("clock_used" in line for line in found)


def test_a_clock_in_business_hours_stands_still_outside_them() -> None:
    made = register()
    opened(made, "A", at("2026-11-11T17:00"), priority="high", kind="request")
    evening, night = (exposed(made, at(text)) for text in ("2026-11-11T18:00", "2026-11-12T08:00"))
    assert 'mailuptime_ticket_clock_used_ratio{kind="request",priority="high",clock="resolution"} 0.0625' in evening
    assert {line for line in evening if "clock_" in line} == {line for line in night if "clock_" in line}


def test_a_deadline_that_passes_is_missed_from_then_on() -> None:
    """Figures are kept until time changes them."""
    made = register()
    opened(made, "A", NOON)
    photographer = TicketPhotographer(made)
    deadline = NOON + 216 * MINUTE
    assert dict(photographer.take(1, deadline).months)["2026-11"].total("resolution").undetermined == 1
    assert dict(photographer.take(1, deadline + 6_000_000).months)["2026-11"].total("resolution").missed == 1
