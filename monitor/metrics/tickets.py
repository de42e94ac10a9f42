"""Incidents, service requests and complaints: how many wait, how their clocks stand, what the month comes to."""

from monitor.core.clocks import WHICH
from monitor.core.compliance import Compliance
from monitor.incidents.picture import TicketPicture, priority_shown
from monitor.metrics import names
from monitor.metrics.text import Block, Lines, labelled

_OF_CLOCK = ("kind", "priority", "clock")
OUTCOMES = ("within", "missed", "undetermined")


def ticket_block(picture: TicketPicture) -> Block:
    lines = Lines(names.OF_TICKETS)
    for waiting, count in picture.open.items():
        lines.add(names.TICKETS_OPEN, labelled(("kind", "priority", "state"), waiting), count)
    for one in picture.urgent:
        kind, priority, clock = one.row
        labels = labelled(_OF_CLOCK, (kind, priority_shown(priority), clock))
        lines.add(names.CLOCK_USED, labels, one.used)
        lines.add(names.CLOCK_LEFT, labels, one.left)
    for month, found in picture.months:
        _month(lines, month, found)
    return lines.block()


def _month(lines: Lines, month: str, found: Compliance) -> None:
    for (kind, priority, clock), tally in found.rows.items():
        for outcome in OUTCOMES:
            values = (month, kind, priority_shown(priority), clock, outcome)
            labels = labelled(("month", *_OF_CLOCK, "outcome"), values)
            lines.add(names.TICKET_CLOCKS, labels, getattr(tally, outcome))
    for clock in WHICH:
        labels = labelled(("month", "clock"), (month, clock))
        share, verdict = found.total(clock).share, found.verdict(clock)
        if share is not None:
            lines.add(names.WITHIN_TARGET, labels, float(share / 100))
        if verdict in {"met", "missed"}:
            lines.add(names.TICKETS_MET, labels, verdict == "met")
