"""Everything configured that decides figures, and since when (R7)."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from monitor.core.instants import Duration, Instant
from monitor.core.intervals import BEGINNING, END
from monitor.core.maintenance import Policy
from monitor.core.month import Objectives
from monitor.core.service import Service


@dataclass(frozen=True, slots=True)
class TargetRule:
    """How checks of a target become labels (R2), and how long one speaks where it does not say (R1)."""

    confirm: int
    recover: int
    stale_after: Duration


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one epoch. Targets are named `service/target`; `services` holds members too, by name."""

    zone: ZoneInfo
    targets: Mapping[str, TargetRule]
    services: Mapping[str, Service]
    objectives: Mapping[str, Objectives]
    policy: Policy = field(default_factory=Policy)

    def document(self) -> dict[str, Any]:
        """The rules as JSON values, without floating point: what is recorded when they change."""
        return {
            "zone": self.zone.key,
            "targets": {name: [t.confirm, t.recover, t.stale_after] for name, t in self.targets.items()},
            "services": {name: _service_document(service) for name, service in self.services.items()},
            "objectives": {name: [str(o.availability), o.downtime] for name, o in self.objectives.items()},
            "policy": [self.policy.notice, self.policy.late_excuses],
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Rules":
        """The inverse of `document`."""
        services: dict[str, Service] = {}
        for name in document["services"]:
            _service(name, document["services"], services)
        notice, late_excuses = document["policy"]
        return cls(
            ZoneInfo(document["zone"]),
            {name: TargetRule(*numbers) for name, numbers in document["targets"].items()},
            services,
            {name: Objectives(Fraction(share), longest) for name, (share, longest) in document["objectives"].items()},
            Policy(notice, late_excuses),
        )


@dataclass(frozen=True, slots=True)
class Epochs:
    """Rules one after the other, each in force from its instant on; the first from the beginning."""

    starts: Sequence[Instant]
    rules: Sequence[Rules]

    @classmethod
    def of(cls, first: Rules, *later: tuple[Instant, Rules]) -> "Epochs":
        return cls([BEGINNING, *(start for start, _ in later)], [first, *(rules for _, rules in later)])

    def plus(self, start: Instant, rules: Rules) -> "Epochs":
        """With rules in force from `start` on, which lies after every start before."""
        return Epochs([*self.starts, start], [*self.rules, rules])

    @property
    def current(self) -> Rules:
        return self.rules[-1]

    def at(self, instant: Instant) -> Rules:
        """The rules in force at an instant."""
        return self.rules[max(bisect_right(self.starts, instant) - 1, 0)]

    def pieces(self, start: Instant, end: Instant) -> Iterator[tuple[Instant, Instant, Rules]]:
        """`[start, end)` cut at the changes of rules."""
        for first, last, rules in zip(self.starts, [*self.starts[1:], END], self.rules, strict=True):
            if first < end and start < last:
                yield max(first, start), min(last, end), rules


def _service_document(service: Service) -> dict[str, Any]:
    return {
        "at_least": service.at_least,
        "targets": list(service.targets),
        "members": [member.name for member in service.members],
        "since": service.since,
        "until": service.until,
        "accounts": service.accounts,
    }


def _service(name: str, documents: Mapping[str, Any], made: dict[str, Service]) -> Service:
    if name not in made:
        one = documents[name]
        members = tuple(_service(member, documents, made) for member in one["members"])
        own = (one["since"], one["until"], one["accounts"])
        made[name] = Service(name, one["at_least"], tuple(one["targets"]), members, *own)
    return made[name]
