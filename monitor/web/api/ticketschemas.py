"""The documents about incidents, requests and complaints as JSON Schemas."""

from monitor.core.tickets import CHANNELS, PRIORITIES, TICKET_KINDS
from monitor.web.api.shapes import Schema, count, flag, listed, one, or_null, percent, record, ref, seconds, text, time

_NEXT = or_null(text("The `cursor` of the next page, null on the last one; only where pages were asked for."))
_ZONE = text("The SLA's zone.", examples=["Asia/Bangkok"])
_MONTH = text("The calendar month.", examples=["2026-11"])
_ANY_PRIORITY = [name for names in PRIORITIES.values() for name in names]
_KIND = text("What it is.", enum=list(TICKET_KINDS))
_PRIORITY = {"type": ["string", "null"], "description": "Null of a complaint.", "enum": [*_ANY_PRIORITY, None]}
_AGENCY = or_null(text("Whose report it is."))
_CLOCK: dict[str, Schema] = {
    "clock": text("What it waits for.", enum=["response", "resolution"]),
    "target_seconds": seconds("How long it may take"),
    "runs": text("When it runs.", enum=["always", "business"]),
    "begins": time("With the record, or the next business hour."),
    "deadline": time("Exactly then is within target."),
    "stopped": or_null(time("When that was done.")),
    "outcome": text("What became of it.", enum=["within", "missed", "undetermined"]),
    "left_seconds": or_null(seconds("Until the deadline, as it runs; negative after it, null once stopped")),
    "used": or_null(one("number", "The share of the target that has run; null once stopped.")),
}
_TALLY: dict[str, Schema] = {
    "within": count("Done in time."),
    "missed": count("Done too late, or not done and overdue."),
    "undetermined": count("Not done, and not overdue."),
    "share_percent": or_null(percent("Within target, of those that are decided")),
}
_VERDICT = text("However the undetermined ones end.", enum=["met", "missed", "undetermined", "none"])
_SUMMED = record("Of all kinds and priorities together.", **_TALLY, verdict=_VERDICT)

SCHEMAS: dict[str, Schema] = {
    "Clock": record("One of the agreement's clocks.", **_CLOCK),
    "Ticket": record(
        "An incident, a service request or a complaint.",
        id=text("Its own, or that of the ticket system."),
        kind=_KIND,
        priority=_PRIORITY,
        state=text(
            "How far it has come.",
            enum=["recorded", "responded", "proposed", "resolved", "closed", "withdrawn"],
        ),
        recorded=time("When its clocks begin, or wait for business hours."),
        channel=text("Of the report.", enum=list(CHANNELS)),
        agency=_AGENCY,
        outages=listed({"type": "string"}, "Ids of outages that it is about."),
        responded=or_null(time("When its reporter was answered.")),
        resolved=or_null(time("When it was resolved.")),
        closed=or_null(time("When it was closed.")),
        closed_with=or_null(text("With which role or office.")),
        not_reached=flag("Whether it was closed without the reporter, who was not reached."),
        proposed=or_null(time("When the end of its outage proposes that it was resolved.")),
        excused=flag("Whether all of its outages is excused: no clock judges it."),
        withdrawn=or_null(text("Why it was none.")),
        corrections=count("Times that something said of it was said anew."),
        by=text("Who recorded it."),
        source=text("Where.", enum=["command", "web", "import", "outage"]),
        clocks=listed(ref("Clock"), "Its clocks."),
    ),
    "Tickets": record(
        "Tickets of one kind.", ("next",),
        timezone=_ZONE, month=_MONTH, tickets=listed(ref("Ticket"), "By their record in pages."), next=_NEXT,
    ),
    "ComplianceRow": record(
        "Of one kind, priority and clock.",
        kind=_KIND, priority=_PRIORITY, clock=_CLOCK["clock"], **_TALLY,
    ),
    "RunningClock": record(
        "A clock that runs now.",
        id=text("Of its ticket."), kind=_KIND, priority=_PRIORITY, agency=_AGENCY, **_CLOCK,
    ),
    "Compliance": record(
        "Responses and resolutions of the tickets recorded in a month, against what is promised.",
        month=_MONTH,
        timezone=_ZONE,
        promised_percent=percent("Within target of each"),
        recorded=one("object", "How many.", properties={kind: count("Of that kind.") for kind in TICKET_KINDS}),
        excused=count("Of which all outages are excused."),
        withdrawn=count("That were none."),
        responses=_SUMMED,
        resolutions=_SUMMED,
        rows=listed(ref("ComplianceRow"), "By kind, priority and clock."),
        readings=record(
            "How the agreement is read where its text is open.",
            month=text("A ticket is of the month of its record.", const="recorded"),
            critical_runs=text("When clocks of P1 and P2 run.", enum=["always", "business"]),
            weekends=flag("Whether Saturday and Sunday have business hours."),
            telephone_seconds=or_null(seconds("What at once is by telephone")),
            open_after_deadline=text("What is not done when its deadline passes.", const="missed"),
            not_reached_after_business_days=count("Until a ticket may be closed without its reporter."),
        ),
        running=listed(ref("RunningClock"), "Every clock that runs now, the most urgent first."),
    ),
    "TicketAct": one(
        "object", "What is recorded; which keys an act needs is what the command of the same name needs.",
        properties={
            "id": text("When opened: that of the ticket system."),
            "priority": text("Of an incident or a request.", enum=_ANY_PRIORITY),
            "channel": text("Of the report.", enum=list(CHANNELS)),
            "agency": text("Whose report it is."),
            "recorded": time("When it was recorded; now by default."),
            "outages": listed({"type": "string"}, "Ids of outages that it is about."),
            "at": time("When it was done; now by default."),
            "with": text("With which role or office it was closed."),
            "not_reached": flag("Whether the reporter was not reached."),
            "reason": text("Why something is corrected, changed or withdrawn."),
        },
    ),
}  # fmt: skip
