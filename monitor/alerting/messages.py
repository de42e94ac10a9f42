"""What people are told: one message for all that began to fire at once, one for all that ended."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from monitor.alerting.rules import RULES
from monitor.core.alerts import SEVERITIES, Alert
from monitor.core.instants import Instant, format_instant
from monitor.figures import minutes, minutes_left, moment
from monitor.snapshot import ServicePicture, Snapshot

MOST_LISTED = 20
"""Alerts that a message describes; of 320 services on one server nobody reads the rest."""


@dataclass(frozen=True, slots=True)
class Message:
    """`kind` is what Apprise calls the type: failure, warning, info or success."""

    title: str
    body: str
    kind: str

    def document(self) -> dict[str, Any]:
        return {"title": self.title, "body": self.body, "kind": self.kind}


def fired(alerts: Sequence[Alert], snapshot: Snapshot, zone: ZoneInfo, prefix: str) -> Message:
    """The most severe decides the title and the kind."""
    ordered = sorted(alerts, key=lambda one: (SEVERITIES.index(RULES[one.name].severity), one.key))
    severity = RULES[ordered[0].name].severity
    services = {one.name: one for one in snapshot.services}
    down = _down(snapshot)
    parts = [_described(one, services, down, zone) for one in ordered[:MOST_LISTED]]
    kind = {"page": "failure", "ticket": "warning", "info": "info"}[severity]
    return Message(_title(f"{prefix} [{severity}]", ordered), _body(parts, len(ordered)), kind)


def ended(alerts: Sequence[Alert], snapshot: Snapshot, zone: ZoneInfo, prefix: str) -> Message:
    """That alerts are over: also where a window of maintenance has begun, which is no all-clear and says so."""
    ordered = sorted(alerts, key=lambda one: one.key)
    quiet = {one.name for one in snapshot.services if one.maintenance.active}
    parts = [_over(one, quiet, zone) for one in ordered[:MOST_LISTED]]
    return Message(_title(f"{prefix} [resolved]", ordered), _body(parts, len(ordered)), "success")


def summary(alert: Alert) -> str:
    return _filled(RULES[alert.name].summary, alert)


def _down(snapshot: Snapshot) -> dict[str, list[str]]:
    """Of each service the targets that are down, with the cause of their last check."""
    found: dict[str, list[str]] = {}
    for target in snapshot.targets:
        if target.state == "down":
            service, _, name = target.name.partition("/")
            cause = None if target.last is None else target.last.check.cause
            found.setdefault(service, []).append(name if cause is None else f"{name} ({cause})")
    return found


def _described(
    alert: Alert, services: Mapping[str, ServicePicture], down: Mapping[str, Sequence[str]], zone: ZoneInfo
) -> str:
    rule = RULES[alert.name]
    lines = [summary(alert), _filled(rule.description, alert), _since("Since", alert.since, zone)]
    if rule.labels == ("sla_service",) and alert.labels[0] in down:
        lines.append(f"Targets that are down: {', '.join(down[alert.labels[0]])}.")
    service = services.get(alert.labels[0]) if rule.labels[:1] == ("sla_service",) else None
    if service is not None:
        figures = service.running
        lines.append(f"Budget of {figures.month}: {minutes_left(figures.remaining)} left of {minutes(figures.budget)}.")
        if service.outage is not None:
            lines.append(f"Outage {service.outage}.")
    lines.append(f"docs/RUNBOOK.md#{rule.name.lower()}")
    return "\n".join(lines)


def _over(alert: Alert, quiet: Iterable[str], zone: ZoneInfo) -> str:
    lines = [summary(alert), _since("Fired since", alert.since, zone)]
    if alert.labels[:1] and alert.labels[0] in quiet:
        lines.append("Maintenance has begun: it is not said to be well, alerts are silent.")
    return "\n".join(lines)


def _filled(text: str, alert: Alert) -> str:
    return text.format(value=alert.value, **dict(zip(RULES[alert.name].labels, alert.labels, strict=True)))


def _since(word: str, at: Instant, zone: ZoneInfo) -> str:
    return f"{word} {moment(format_instant(at, zone))}."


def _title(before: str, ordered: Sequence[Alert]) -> str:
    more = f", and {len(ordered) - 1} more" if len(ordered) > 1 else ""
    return f"{before.strip()} {summary(ordered[0])}{more}"


def _body(parts: Sequence[str], total: int) -> str:
    more = [f"And {total - len(parts)} more: mailuptime watch"] if total > len(parts) else []
    return "\n\n".join([*parts, *more])
