"""Other rules than those in force, for every target and service alike: what a month would have come to under them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from monitor.core.instants import Duration
from monitor.core.month import Objectives
from monitor.core.rules import Rules, TargetRule
from monitor.core.service import Service
from monitor.settings.fields import AtLeast, Context
from monitor.settings.models import Checking, Confirm, Recover, ServiceKeys
from monitor.settings.nodes import Document
from monitor.settings.problems import Report, suggest
from monitor.settings.reader import Reader
from monitor.settings.sections import OwnSla

_AT_LEAST = re.compile(r"\{? *at_least *: *(\w+) *\}?", re.ASCII)


class WhatIfError(ValueError):
    """A rule that there is not, or that cannot hold; the text is one line."""


@dataclass(frozen=True, slots=True)
class _Key:
    """Where a rule's value is read, as the configuration's own is; `also` is what that section requires beside it."""

    kind: type[BaseModel]
    name: str
    also: Mapping[str, str]

    def read(self, text: str) -> Any:
        """Raises WhatIfError."""
        at_least = _AT_LEAST.fullmatch(text) if self.name == "down_when" else None
        tree = {**self.also, self.name: {"at_least": at_least[1]} if at_least else text}
        report = Report("--what-if")
        made = Reader(Document(tree, report), Context(ZoneInfo("UTC"), Path()), {}).model(self.kind, tree, ())
        if made is None:
            problem = report.problems[0]
            raise WhatIfError(str(replace(problem, mark=None, key="")).removeprefix("--what-if: "))
        return getattr(made, self.name)


KEYS = {
    "confirm.failures": _Key(Confirm, "failures", {}),
    "recover.successes": _Key(Recover, "successes", {}),
    "stale_after": _Key(Checking, "stale_after", {}),
    "down_when": _Key(ServiceKeys, "down_when", {"name": "any"}),
    "sla.availability": _Key(OwnSla, "availability", {}),
    "sla.downtime_budget": _Key(OwnSla, "downtime_budget", {}),
}


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What was asked for, as it is shown, and the rules that it makes."""

    shown: dict[str, int | str]
    rules: Rules

    @property
    def text(self) -> str:
        return ", ".join(f"{key}={value}" for key, value in self.shown.items())


def what_if(rules: Rules, given: Sequence[str]) -> WhatIf:
    """The rules with each `KEY=VALUE` in place of what is configured. Raises WhatIfError."""
    shown: dict[str, int | str] = {}
    values: dict[str, Any] = {}
    for one in given:
        key, equals, text = (part.strip() for part in one.partition("="))
        if not equals:
            raise WhatIfError(f"{one}: a key and a value are expected; write it as in confirm.failures=2")
        if key not in KEYS:
            raise WhatIfError(f"{one}: there is no rule {key}; {suggest(key, KEYS)}")
        if key in values:
            raise WhatIfError(f"{one}: {key} stands there twice; leave one of them out")
        try:
            values[key] = KEYS[key].read(text)
        except WhatIfError as error:
            raise WhatIfError(f"{one}: {error}") from None
        shown[key] = values[key] if isinstance(values[key], int) and text.isdigit() else text
    return WhatIf(shown, _changed(rules, values))


def _changed(rules: Rules, values: Mapping[str, Any]) -> Rules:
    return replace(
        rules,
        targets={name: _target(rule, values) for name, rule in rules.targets.items()},
        services={name: _service(one, values.get("down_when")) for name, one in rules.services.items()},
        objectives={name: _objectives(one, values) for name, one in rules.objectives.items()},
    )


def _target(rule: TargetRule, values: Mapping[str, Any]) -> TargetRule:
    failures: int = values.get("confirm.failures", rule.confirm)
    successes: int = values.get("recover.successes", rule.recover)
    stale_after: Duration = values.get("stale_after", rule.stale_after)
    return TargetRule(failures, successes, stale_after)


def _objectives(objectives: Objectives, values: Mapping[str, Any]) -> Objectives:
    availability: Fraction = values.get("sla.availability", objectives.availability)
    downtime: Duration = values.get("sla.downtime_budget", objectives.downtime)
    return Objectives(availability, downtime)


def _service(service: Service, down_when: str | AtLeast | None) -> Service:
    if down_when is None:
        return service
    parts = len(service.targets) + len(service.members)
    at_least = {"any": 1, "all": parts}[down_when] if isinstance(down_when, str) else down_when.at_least
    if at_least > parts:
        raise WhatIfError(f"down_when: {service.name} has {parts} that count, not {at_least}; write {parts} or less")
    members = tuple(_service(member, down_when) for member in service.members)
    return replace(service, at_least=at_least, members=members)
