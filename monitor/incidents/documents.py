"""Tickets and their figures as documents: the one JSON shape of commands, the API and reports."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from monitor.core.calendar import Month
from monitor.core.clocks import WHICH, Clock, TicketRules
from monitor.core.compliance import Compliance, Tally
from monitor.core.instants import Instant, format_instant, seconds
from monitor.core.tickets import Ticket
from monitor.figures import Document
from monitor.incidents.excuses import span_of
from monitor.incidents.register import Register

outage_span = span_of


def ticket_document(ticket: Ticket, register: Register, zone: ZoneInfo, now: Instant) -> Document:
    """One ticket with its clocks as seen from now."""

    def shown(at: Instant | None) -> str | None:
        return None if at is None else format_instant(at, zone)

    excused = register.excuses.of(ticket, now)
    clocks = () if excused or ticket.withdrawn is not None else register.clocks(ticket)
    return {
        "id": ticket.id,
        "kind": ticket.kind,
        "priority": ticket.priority,
        "state": ticket.state,
        "recorded": shown(ticket.recorded),
        "channel": ticket.channel,
        "agency": ticket.agency,
        "outages": list(ticket.outages),
        "responded": shown(ticket.responded),
        "resolved": shown(ticket.resolved),
        "closed": shown(ticket.closed),
        "closed_with": ticket.closed_with,
        "not_reached": ticket.not_reached,
        "proposed": shown(ticket.proposed),
        "excused": excused,
        "withdrawn": ticket.withdrawn,
        "corrections": ticket.corrections,
        "by": ticket.by,
        "source": ticket.source,
        "clocks": [clock_document(one, ticket, register, zone, now) for one in clocks],
    }


def clock_document(clock: Clock, ticket: Ticket, register: Register, zone: ZoneInfo, now: Instant) -> Document:
    """`left_seconds` is as the clock counts: business time where it runs in business hours; null once it stopped."""
    calendar = register.calendar(register.judging.at(ticket.recorded))
    running = clock.running()
    return {
        "clock": clock.which,
        "target_seconds": seconds(clock.target),
        "runs": clock.runs,
        "begins": format_instant(clock.begins, zone),
        "deadline": format_instant(clock.deadline, zone),
        "stopped": None if clock.stopped is None else format_instant(clock.stopped, zone),
        "outcome": clock.outcome(now),
        "left_seconds": seconds(clock.left(now, calendar)) if running else None,
        "used": round(clock.used(now, calendar), 6) if running else None,
    }


def figures_document(register: Register, month: Month, zone: ZoneInfo, now: Instant) -> Document:
    """A month's compliance, the readings behind it, and every clock that runs now, the most urgent first."""
    found = register.compliance(month, now)
    end = month.plus(1).start(zone)
    rules = register.judging.at(min(end - 1, now))
    return {
        "promised_percent": _number(found.promised),
        "recorded": dict(found.recorded),
        "excused": found.excused,
        "withdrawn": found.withdrawn,
        **{f"{which}s": {**_tally(found.total(which)), "verdict": found.verdict(which)} for which in WHICH},
        "rows": [
            {"kind": kind, "priority": priority, "clock": which, **_tally(tally)}
            for (kind, priority, which), tally in found.rows.items()
        ],
        "readings": readings(rules),
        "running": sorted(running(register, zone, now), key=lambda one: -one["used"]),
    }


def running(register: Register, zone: ZoneInfo, now: Instant) -> Iterator[Document]:
    """Every clock that runs, with its ticket."""
    for ticket in register.open():
        if register.excuses.of(ticket, now):
            continue
        named = {"id": ticket.id, "kind": ticket.kind, "priority": ticket.priority, "agency": ticket.agency}
        for clock in register.clocks(ticket):
            if clock.running():
                yield {**named, **clock_document(clock, ticket, register, zone, now)}


def readings(rules: TicketRules) -> Document:
    """How the agreement is read where its text is open; `incidents.readings` of the texts says it to people."""
    critical = [rules.clocks[name] for name in ("incident/P1", "incident/P2") if name in rules.clocks]
    return {
        "month": "recorded",
        "critical_runs": "always" if all(one.runs == "always" for one in critical) else "business",
        "weekends": rules.hours.weekends,
        "telephone_seconds": _seconds(rules.response.get("telephone")),
        "open_after_deadline": "missed",
        "not_reached_after_business_days": rules.not_reached_after,
    }


def compliance_rows(found: Compliance) -> Iterator[tuple[str, str, str, Tally]]:
    """For tables: kind, priority and clock as text."""
    for (kind, priority, which), tally in found.rows.items():
        yield kind, priority or "", which, tally


def _tally(tally: Tally) -> dict[str, Any]:
    share = tally.share
    return {
        "within": tally.within,
        "missed": tally.missed,
        "undetermined": tally.undetermined,
        "share_percent": None if share is None else float(share),
    }


def _number(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else float(value)


def _seconds(value: int | None) -> int | float | None:
    return None if value is None else seconds(value)
