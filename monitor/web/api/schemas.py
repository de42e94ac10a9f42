"""The documents of the API as JSON Schemas (2020-12): every key of each, none left out."""

from monitor.web.api import ticketschemas as tickets
from monitor.web.api.shapes import Schema, ref, text
from monitor.web.api.shapes import count as _count
from monitor.web.api.shapes import flag as _flag
from monitor.web.api.shapes import listed as _list
from monitor.web.api.shapes import one as _one
from monitor.web.api.shapes import or_null as _or_null
from monitor.web.api.shapes import percent as _percent
from monitor.web.api.shapes import record as _record
from monitor.web.api.shapes import seconds as _seconds
from monitor.web.api.shapes import time as _time

__all__ = ["SCHEMAS", "ref"]

_TEXTS = {"type": "string"}
_TARGETS = _list(_TEXTS, "`service/target`.")
_BOUNDS = {"type": "array", "items": {"type": "string", "format": "date-time"}, "minItems": 2, "maxItems": 2}
_NEXT = _or_null(text("The `cursor` of the next page, null on the last one; only where pages were asked for."))
_ZONE = text("The SLA's zone.", examples=["Asia/Bangkok"])
_MONTH = text("The calendar month.", examples=["2026-11"])
_UNCOMMITTED = _one("boolean", "True where the ledger cannot be written now: a restart would not know all.", const=True)
_VERDICT = text("Whether it is kept for certain.", enum=["met", "missed", "undetermined"])

_OF_OUTAGE = {
    "id": text("Stays the same for as long as the start does.", examples=["mailgothai-20261110T030100Z"]),
    "start": _time("Of the whole outage, also where that lies in another month."),
    "end": _or_null(_time("Null while it goes on.")),
    "ongoing": _flag("Whether it reaches now."),
    "seconds": _seconds("Its length inside what is accounted for of the month"),
    "min_seconds": _seconds("The same that is certain"),
    "max_seconds": _seconds("The same that is possible"),
    "excused_seconds": _seconds("What maintenance and exclusions take off it"),
    "targets": _TARGETS,
    "cause": _or_null(text("Of the first failing check; docs/BLAME.md lists them.")),
}
_OBJECTIVES = _record(
    "Both promises, judged by the figure.",
    availability=_record("", target_percent=_percent("The promise"), met=_flag("Whether the figure keeps it.")),
    downtime=_record("", target_seconds=_seconds("The promise"), met=_flag("Whether the figure keeps it.")),
)

SCHEMAS: dict[str, Schema] = {
    "Services": _record("The services, as configured.", services=_list(_TEXTS, "Their names.")),
    "Outage": _record("An outage of a service.", **_OF_OUTAGE),
    "OutageOfService": _record(
        "An outage, with the service and the bounds of its targets' true starts and ends.",
        service=text("Its name."),
        **_OF_OUTAGE,
        bounds=_list(ref("Bounds"), "By their starts."),
    ),
    "Bounds": _record(
        "A target's part of an outage: its true start and end lie within these.",
        target=text("`service/target`."),
        start=_time("As it is counted."),
        end=_or_null(_time("As it is counted; null while it goes on.")),
        start_bounds={**_BOUNDS, "description": "After the first, and at the second at the latest."},
        end_bounds={"oneOf": [_BOUNDS, {"type": "null"}], "description": "The same of its end."},
        cause=_or_null(text("Of its first failing check.")),
    ),
    "Outages": _record(
        "A month's outages.", ("uncommitted", "next"),
        month=_MONTH, timezone=_ZONE, outages=_list(ref("OutageOfService"), "By service and start, pages by start."),
        uncommitted=_UNCOMMITTED, next=_NEXT,
    ),
    "Figures": _record(
        "A service's figures of a month, as docs/ACCOUNTING.md defines them.", ("availability_weighted_percent",),
        service=text("Its name."),
        total_seconds=_seconds("The whole month"),
        gross_downtime_seconds=_seconds("Down, excused or not"),
        excused_seconds=_seconds("Down, and excused"),
        downtime_seconds=_seconds("Down, and counted"),
        unknown_seconds=_seconds("Nobody observed it"),
        coverage=_or_null(_one("number", "The observed part, 1 for all; null where nothing is accounted for.")),
        availability_percent=_percent("The figure"),
        availability_lower_percent=_percent("Its lower bound"),
        availability_upper_percent=_percent("Its upper bound"),
        budget_seconds=_seconds("The downtime that keeps both promises"),
        remaining_seconds=_seconds("What is left of it; negative when overspent"),
        met=_flag("Whether the figure keeps both promises."),
        verdict=_VERDICT,
        since=_or_null(_time("From when the month is accounted for.")),
        until=_or_null(_time("Until when.")),
        provisional=_flag("Whether the month goes on."),
        elapsed_seconds=_seconds("What is accounted for"),
        up_seconds=_seconds("Up"),
        availability_to_date_percent=_or_null(_percent("Of what is accounted for")),
        suspect=_list(_TEXTS, "Targets whose last failures are not decided yet."),
        objectives=_OBJECTIVES,
        blips=_record("Failures too short for an outage.", count=_count("Of them."), seconds=_seconds("Together")),
        outages=_list(ref("Outage"), "By their starts."),
        availability_weighted_percent=_percent("By accounts; of services whose members say how many they serve"),
    ),
    "Workload": _record(
        "How much is served, beside how much is promised for.",
        accounts=_count("Of all services that say."),
        services=_count("That say how many accounts they serve."),
        basis=_record("What the promises hold for.", accounts=_count("Accounts."), services=_count("Services.")),
        exceeded=_list({"type": "string", "enum": ["accounts", "services"]}, "Of which there are more."),
    ),
    "Month": _record(
        "A month's figures of one service.", ("revision", "digest", "uncommitted"),
        month=_MONTH, timezone=_ZONE, services=_list(ref("Figures"), "The one."), workload=ref("Workload"),
        revision=_one("integer", "Of a closed month; each correction makes the next.", minimum=1),
        digest=text("Of what was closed: `mailuptime verify` recomputes it."),
        uncommitted=_UNCOMMITTED,
    ),
    "Window": _record(
        "Declared maintenance, and what it comes to.",
        id=text("Its own, or the hash of its content."),
        scope=_list(_TEXTS, "`service` or `service/target`; empty for everything."),
        start=_time("Of the window, or of the occurrence that comes."),
        end=_time("As planned."),
        rrule=_or_null(text("RFC 5545, where it recurs.")),
        reason=text("What is done in it."),
        by=text("Who declared it."),
        declared=_or_null(_time("When.")),
        approved_by=_or_null(text("Somebody else.")),
        attested_by_one=_flag("Whether one login declared and approved it."),
        late=_flag("Whether it was declared later than the notice that is asked for."),
        retroactive_seconds=_seconds("The part before its declaration"),
        excuses={"oneOf": [_BOUNDS, {"type": "null"}], "description": "Which time, if any."},
        cancelled=_flag("Whether it was; what lies before stays excused."),
        source=text("Where it was declared.", enum=["file", "command"]),
    ),
    "Maintenance": _record(
        "Every window ever declared.", ("next",),
        maintenance=_list(ref("Window"), "In the order in which they were declared."), next=_NEXT,
    ),
    "Exclusion": _record(
        "Downtime excused after the fact.",
        id=text("Its own, or the hash of its content."),
        scope=_list(_TEXTS, "`service` or `service/target`; empty for everything."),
        start=_time("Of the excused span."),
        end=_time("Of the excused span."),
        category=text("Which the agreement names.",
                      enum=["force_majeure", "business_continuity", "customer", "suspension"]),
        evidence=text("What proves it."),
        by=text("Who asked for it."),
        approved_by=_or_null(text("Somebody else; without, it excuses nothing.")),
        attested_by_one=_flag("Whether one login asked for and approved it."),
        excuses=_flag("Whether it does."),
        withdrawn=_flag("Whether it was."),
        source=text("Where it was declared.", enum=["file", "command"]),
    ),
    "Exclusions": _record(
        "Every exclusion ever asked for.", ("next",),
        exclusions=_list(ref("Exclusion"), "In the order in which they were asked for."), next=_NEXT,
    ),
    **tickets.SCHEMAS,
    "Problem": _one(
        "object", "What is wrong (RFC 9457).",
        properties={
            "type": text("Nothing more than the status.", const="about:blank"),
            "title": text("The status in words."),
            "status": _one("integer", "The status.", minimum=400, maximum=599),
            "detail": text("One line: what is wrong, and what to do."),
            "parameter": text("The parameter that is wrong, if one is."),
        },
        required=["type", "title", "status", "detail"],
    ),
}  # fmt: skip
