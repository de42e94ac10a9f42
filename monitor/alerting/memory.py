"""What alerts remember from one evaluation to the next, and over a restart as one JSON document."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from monitor.alerting.messages import Message, ended, fired
from monitor.alerting.rules import RULES
from monitor.alerting.sight import Past, Rises, Sight
from monitor.core.alerts import SEVERITIES, Alert, Condition, Key, Severity, inhibited, stepped
from monitor.core.instants import MINUTE, Instant

_FELT = {"MailuptimeScheduleLate", "MailuptimeEventLoopLagging", "MailuptimeSelfTestFailing"}
"""What the monitor knows of itself only after it has run for a while."""
_SETTLING = 6 * MINUTE


@dataclass(slots=True)
class Letter:
    """A message to one receiver, by the name of where its URL stands; `tries` that failed."""

    to: str
    message: Message
    tries: int = 0


@dataclass(slots=True)
class Memory:
    """`began` is when this process first looked."""

    alerts: dict[Key, Alert] = field(default_factory=dict)
    past: Past = field(default_factory=Past)
    letters: list[Letter] = field(default_factory=list)
    began: Instant | None = None

    def look(self, sight: Sight, conditions: Sequence[Condition]) -> None:
        """Take in what holds now."""
        now = sight.snapshot.at
        began = self.began = now if self.began is None else self.began
        unchecked = {tuple(one.name.split("/", 1)) for one in sight.snapshot.targets if one.last is None}

        def unseen(alert: Alert) -> bool:
            return alert.labels[:2] in unchecked or (alert.name in _FELT and now - began < _SETTLING)

        self.alerts = stepped(RULES, conditions, now, self.alerts, unseen)
        self.past = sight.past

    def news(self, least: Severity) -> tuple[list[Alert], list[Alert]]:
        """Alerts of that severity or a higher one to be told now: those that fire, those that were told and ended.

        What only goes on firing, its condition over, is no news.
        """
        over = [one for one in self.alerts.values() if one.ended is not None and one.told]
        due = (one for one in self.alerts.values() if one.firing and one.quiet is None and not one.told)
        fresh = [one for one in due if _urgent(one, least)]
        return [one for one in fresh if not inhibited(RULES, one, self.alerts)], over

    def told(self, alerts: Sequence[Alert]) -> None:
        for one in alerts:
            self.alerts[one.key] = Alert(
                one.name, one.labels, one.value, one.since, one.fired, one.quiet, one.ended, told=True
            )

    def dump(self) -> str:
        rises = self.past.rises
        document = {
            "alerts": [
                [one.name, one.labels, one.value, one.since, one.fired, one.quiet, one.told]
                for one in sorted(self._lasting(), key=lambda one: one.key)
            ],
            "outages": dict(self.past.outages),
            "rises": {"last": rises.last, "by": dict(rises.by)},
            "letters": [[one.to, one.message.document(), one.tries] for one in self.letters],
        }
        return json.dumps(document, sort_keys=True)

    def lasting(self) -> tuple[object, ...]:
        """Differs whenever there is something new to keep: not with each minute that an outage grows older."""
        alerts = frozenset((one.key, one.since, one.fired, one.quiet, one.told) for one in self._lasting())
        letters = tuple((one.to, one.message, one.tries) for one in self.letters)
        rises = {name: tuple(one) for name, one in self.past.rises.by.items()}
        return alerts, letters, dict(self.past.outages), rises

    def _lasting(self) -> list[Alert]:
        return [one for one in self.alerts.values() if one.ended is None]

    @classmethod
    def of(cls, text: str) -> "Memory":
        """The inverse of `dump`; what rules of another version left behind is forgotten."""
        given: Mapping[str, Any] = json.loads(text)
        alerts = (
            Alert(name, tuple(labels), value, since, fired_at, quiet, told=told)
            for name, labels, value, since, fired_at, quiet, told in given["alerts"]
            if name in RULES and len(labels) == len(RULES[name].labels)
        )
        by = {name: tuple((at, count) for at, count in rises) for name, rises in given["rises"]["by"].items()}
        return cls(
            {one.key: one for one in alerts},
            Past(given["outages"], Rises(given["rises"]["last"], by)),
            [Letter(to, Message(**message), tries) for to, message, tries in given["letters"]],
        )


def messages(memory: Memory, sight: Sight, zone: Any, title: str, least: Severity) -> list[Message]:
    """What is to be said now; from then on it is said."""
    fresh, over = memory.news(least)
    memory.told(fresh)
    found = [fired(fresh, sight.snapshot, zone, title)] if fresh else []
    return [*found, *([ended(over, sight.snapshot, zone, title)] if over else [])]


def _urgent(alert: Alert, least: Severity) -> bool:
    return RULES[alert.name].severity in SEVERITIES[: SEVERITIES.index(least) + 1]
