"""What a ticket system says of its tickets, as facts beside what is recorded: what is known already changes nothing.

A row holds texts by the names of a ticket's fields; what is left out or empty is not said. A ticket system overrides
what it said before, and every difference is a fact of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from monitor.acts import RefusedActError
from monitor.core.instants import Instant, format_instant
from monitor.core.tickets import CHANGED, OPENED, STEP, STEPS, Kind, Ticket
from monitor.figures import Document
from monitor.incidents import requests

FIELDS = (
    "id", "kind", "priority", "recorded", "channel", "agency", "responded", "resolved", "closed", "closed_with",
    "not_reached",
)  # fmt: skip
REASON = "import"
MOST_REFUSED = 1000
_YES = {"true", "yes", "1", "y"}

Made = list[tuple[str, dict[str, Any]]]
"""Kinds and bodies of facts, unsigned."""


@dataclass(slots=True)
class Imported:
    """What rows come to; the refused ones by their number."""

    facts: Made = field(default_factory=list)
    recorded: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)

    def take(self, row: Any, steps: Callable[[Mapping[str, Any]], Made]) -> None:
        if not isinstance(row, dict) or not isinstance(row.get("row"), int):
            raise RefusedActError("rows: each has its number, and texts")
        try:
            made = steps({key: value for key, value in row.items() if value is not None and value != ""})
        except RefusedActError as error:
            self.refused.append((row["row"], str(error)))
            return
        self.facts += made
        if not made:
            self.unchanged += 1
        elif made[0][0] == OPENED:
            self.recorded += 1
        else:
            self.changed += 1

    def document(self) -> Document:
        refused = [{"row": number, "problem": problem} for number, problem in self.refused[:MOST_REFUSED]]
        counts = {"recorded": self.recorded, "changed": self.changed, "unchanged": self.unchanged}
        return {**counts, "refused": len(self.refused), "problems": refused}


@dataclass(frozen=True, slots=True)
class Context:
    """`earliest` is from when a ticket of that record may be closed without its reporter."""

    zone: ZoneInfo
    now: Instant
    known: Mapping[str, Ticket]
    earliest: Callable[[Instant], Instant]


def steps_to(row: Mapping[str, Any], context: Context, fresh: set[str]) -> Made:
    """The facts that bring a ticket to what a row says. Raises RefusedActError.

    `fresh` holds the ids of earlier rows.
    """
    identity = requests.identity_of(row)
    if identity in fresh:
        raise RefusedActError(f"id {identity} stands in an earlier row")
    kind = requests.kind_of({"kind": "incident", **row})
    values = _values(row, kind, context)
    zone, now = context.zone, context.now
    times: dict[str, Instant] = {step: requests.time_of(row, step, zone, now) for step in STEPS if step in row}
    known = context.known.get(identity)
    made = _opened(identity, kind, values) if known is None else _changed(known, kind, values)
    _check_order({"recorded": _recorded(known, values), **_known_times(known), **times}, zone)
    if known is None or known.withdrawn is None:
        made += _steps(identity, known, row, times, context, recorded=_recorded(known, values))
    elif known.withdrawn is not None:
        made = []
    fresh.add(identity)
    return made


def _values(row: Mapping[str, Any], kind: Kind, context: Context) -> dict[str, Any]:
    """What a row says beside its steps."""
    found: dict[str, Any] = {}
    if "priority" in row or kind == "complaint":
        found["priority"] = requests.priority_of(row, kind)
    if "recorded" in row:
        found["recorded"] = requests.time_of(row, "recorded", context.zone, context.now)
    if "channel" in row:
        found["channel"] = requests.channel_of(row)
    if "agency" in row:
        found["agency"] = requests.optional_text(row, "agency")
    return found


def _opened(identity: str, kind: Kind, values: Mapping[str, Any]) -> Made:
    for key in ("recorded", "priority"):
        if key not in values:
            raise RefusedActError(f"{key} is required")
    body = {"id": identity, "kind": kind, "channel": "telephone", "agency": None, "outages": [], **values}
    return [(OPENED, body)]


def _changed(known: Ticket, kind: Kind, values: Mapping[str, Any]) -> Made:
    if known.kind != kind:
        raise RefusedActError(f"{known.id} is a {known.kind}, not a {kind}")
    differing = {key: value for key, value in values.items() if getattr(known, key) != value}
    return [(CHANGED, {"id": known.id, "values": differing, "reason": REASON})] if differing else []


def _steps(
    identity: str, known: Ticket | None, row: Mapping[str, Any], times: Mapping[str, Instant], context: Context, *,
    recorded: Instant,
) -> Made:  # fmt: skip
    made: Made = []
    for step, at in times.items():
        before = None if known is None else getattr(known, step)
        met, not_reached = None, False
        if step == "closed":
            met, not_reached = _closing(row, at, context, recorded)
            if known is not None and (known.closed_with, known.not_reached) != (met, not_reached):
                before = before if before != at else -1
        if before != at:
            reason = None if before is None else REASON
            made.append((STEP, {
                "id": identity, "step": step, "time": at, "with": met, "not_reached": not_reached, "reason": reason,
            }))  # fmt: skip
    return made


def _closing(row: Mapping[str, Any], at: Instant, context: Context, recorded: Instant) -> tuple[str | None, bool]:
    not_reached = str(row.get("not_reached", "")).strip().lower() in _YES
    met = None if not_reached else requests.optional_text(row, "closed_with")
    if not_reached and at < (earliest := context.earliest(recorded)):
        text = format_instant(earliest, context.zone)
        raise RefusedActError(f"not_reached: the reporter may still be reached until {text}")
    if not not_reached and met is None:
        raise RefusedActError("closed_with is required, or not_reached")
    return met, not_reached


def _recorded(known: Ticket | None, values: Mapping[str, Any]) -> Instant:
    found: Instant = values["recorded"] if "recorded" in values or known is None else known.recorded
    return found


def _known_times(known: Ticket | None) -> dict[str, Instant]:
    times: dict[str, Instant | None] = {} if known is None else {step: getattr(known, step) for step in STEPS}
    return {step: at for step, at in times.items() if at is not None}


def _check_order(times: Mapping[str, Instant], zone: ZoneInfo) -> None:
    """Nothing comes before the record, nor the closing before the resolution."""
    if "closed" in times and "resolved" not in times:
        raise RefusedActError("closed, but not resolved")
    for earlier, later in (("recorded", "responded"), ("recorded", "resolved"), ("resolved", "closed")):
        if earlier in times and later in times and times[later] < times[earlier]:
            text = format_instant(times[earlier], zone)
            raise RefusedActError(f"{later} is before {earlier}, {text}")
