"""Alerts as Prometheus and Alertmanager understand them: pending, firing, kept, ended; told, inhibited.

A rule's condition holds for some labels at an instant or it does not. What is said of it here is what Prometheus would
say that evaluates at the same instants: `for` is `hold`, `keep_firing_for` is `keep`.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from monitor.core.instants import Duration, Instant

Severity = Literal["page", "ticket", "info", "none"]
SEVERITIES: tuple[Severity, ...] = ("page", "ticket", "info")
"""The most urgent first; an alert of the severity `none` is told to nobody, it only inhibits others."""

_COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}

Key = tuple[str, ...]
"""The name of a rule and the values of its labels."""


@dataclass(frozen=True, slots=True)
class Bound:
    comparison: str
    figure: float

    def holds(self, value: float) -> bool:
        return bool(_COMPARISONS[self.comparison](value, self.figure))


@dataclass(frozen=True, slots=True)
class Rule:
    """`bounds` and `windows` in the order in which the condition names them; `labels` tell its alerts apart.

    `by` are the rules whose alert on the same labels `equal` inhibits this one.
    """

    name: str
    severity: Severity
    labels: tuple[str, ...]
    summary: str
    description: str
    bounds: tuple[Bound, ...] = ()
    windows: tuple[Duration, ...] = ()
    hold: Duration = 0
    keep: Duration = 0
    by: tuple[str, ...] = ()
    equal: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """That a rule's condition holds, for the values of its labels; `value` is what its texts show."""

    name: str
    labels: tuple[str, ...]
    value: float

    @property
    def key(self) -> Key:
        return (self.name, *self.labels)


@dataclass(frozen=True, slots=True)
class Alert:
    """`since` the condition holds, `fired` once it held long enough, `quiet` since it does not, `ended` now.

    `told`: somebody was told that it fires. All instants are those of evaluations.
    """

    name: str
    labels: tuple[str, ...]
    value: float
    since: Instant
    fired: Instant | None = None
    quiet: Instant | None = None
    ended: Instant | None = None
    told: bool = False

    @property
    def key(self) -> Key:
        return (self.name, *self.labels)

    @property
    def firing(self) -> bool:
        return self.fired is not None and self.ended is None


def stepped(
    rules: Mapping[str, Rule],
    conditions: Iterable[Condition],
    now: Instant,
    previous: Mapping[Key, Alert],
    unseen: Callable[[Alert], bool] = lambda _: False,
) -> dict[Key, Alert]:
    """Every alert as of now, those that end now included; who ended before is forgotten.

    An alert stays as it is where its subject is `unseen`: nobody has looked at it since the process began.
    """
    found: dict[Key, Alert] = {}
    for condition in conditions:
        rule, before = rules[condition.name], previous.get(condition.key)
        if before is None or before.ended is not None:
            before = Alert(condition.name, condition.labels, condition.value, now)
        fired = before.fired
        if fired is None and now - before.since >= rule.hold:
            fired = now
        found[condition.key] = replace(before, value=condition.value, fired=fired, quiet=None)
    for key, alert in previous.items():
        if key in found or not alert.firing or alert.name not in rules:
            continue
        if unseen(alert):
            found[key] = alert
            continue
        quiet = now if alert.quiet is None else alert.quiet
        over = now - quiet >= rules[alert.name].keep
        found[key] = replace(alert, quiet=quiet, ended=now if over else None)
    return found


def inhibited(rules: Mapping[str, Rule], alert: Alert, alerts: Mapping[Key, Alert]) -> bool:
    """Whether a stronger alert about the same thing fires."""
    rule = rules[alert.name]
    if not rule.by:
        return False
    same = _values(rule, alert.key, rule.equal)
    firing = [key for key, one in alerts.items() if one.firing]
    return any(key[0] in rule.by and _values(rules[key[0]], key, rule.equal) == same for key in firing)


def _values(rule: Rule, key: Key, labels: tuple[str, ...]) -> tuple[str, ...]:
    given = dict(zip(rule.labels, key[1:], strict=False))
    return tuple(given.get(label, "") for label in labels)
