"""The configuration's keys, their types and defaults. Durations and instants are integer microseconds."""

import hashlib
import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, model_validator

from monitor.core.instants import DAY, MINUTE, SECOND, Duration
from monitor.settings.values import (
    DurationValue,
    InstantValue,
    ListenValue,
    Model,
    NameValue,
    PercentValue,
    PositiveDuration,
    PulseValue,
    ScopeValue,
    SwitchValue,
    Words,
    ZoneValue,
)
from probes.base import Options


class SlaSettings(Model):
    """What the agreement promises."""

    timezone: ZoneValue = Field(
        ZoneInfo("Asia/Bangkok"), description="zone of the calendar months", examples=["Asia/Bangkok"]
    )
    availability: PercentValue = Field(Fraction("99.5"), description="availability per month", examples=["99.5%"])
    downtime_budget: PositiveDuration = Field(216 * MINUTE, description="longest downtime per month", examples=["216m"])
    close_after: PositiveDuration = Field(
        7 * DAY, description="how long after its end a month is closed", examples=["7d"]
    )


class OwnSla(Model):
    """A service's own promise, where it differs."""

    availability: PercentValue | None = Field(None, description="availability per month", examples=["99.9%"])
    downtime_budget: PositiveDuration | None = Field(None, description="longest downtime per month", examples=["43m"])


class LedgerSettings(Model):
    path: Path = Field(Path("/var/lib/mailuptime/ledger.db"), description="the ledger's file")


class WebSettings(Model):
    listen: ListenValue = Field(("127.0.0.1", 9925), description="address and port of metrics, health and API")


class ControlSettings(Model):
    socket: Path = Field(Path("/run/mailuptime/control.sock"), description="the socket that commands ask the daemon on")


class MetricsSettings(Model):
    months: Annotated[int, Field(ge=1, le=120)] = Field(13, description="months exported, the running one included")


class LogSettings(Model):
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level that is logged")
    format: Literal["auto", "json", "console"] = Field("auto", description="auto: for people on a terminal, else JSON")


class Confirm(Model):
    failures: Annotated[int, Field(ge=1, le=100)] = Field(
        3, description="failed checks in a row that make a target down"
    )
    interval: PositiveDuration = Field(5 * SECOND, description="time between checks while that is being decided")


class Recover(Model):
    successes: Annotated[int, Field(ge=1, le=100)] = Field(2, description="good checks in a row that make it up again")
    interval: PositiveDuration = Field(15 * SECOND, description="longest time between checks while down")


class Defaults(Model):
    """How targets are checked; every key may stand on a target too."""

    interval: PositiveDuration = Field(60 * SECOND, description="time between checks")
    timeout: PositiveDuration = Field(15 * SECOND, description="longest time that a check may take")
    confirm: Confirm = Confirm()
    recover: Recover = Recover()
    pulse: PulseValue = Field(5 * SECOND, description="time between connect-and-greeting checks, or off")
    stale_after: PositiveDuration | None = Field(
        None, description="how long a check speaks for; default: 2 × interval + timeout"
    )


class OwnConfirm(Model):
    failures: Annotated[int, Field(ge=1, le=100)] | None = None
    interval: PositiveDuration | None = None


class OwnRecover(Model):
    successes: Annotated[int, Field(ge=1, le=100)] | None = None
    interval: PositiveDuration | None = None


class TargetKeys(Model):
    """The keys of a target that are not its probe's."""

    name: NameValue = Field(description="the target's name within its service")
    type: str = Field(description="the probe")
    counts: SwitchValue = Field(default=True, description="whether it decides the service's figures")
    interval: PositiveDuration | None = None
    timeout: PositiveDuration | None = None
    confirm: OwnConfirm = OwnConfirm()
    recover: OwnRecover = OwnRecover()
    pulse: PulseValue = None
    stale_after: PositiveDuration | None = None


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """A target with the defaults filled in."""

    name: str
    type: str
    counts: bool
    interval: Duration
    timeout: Duration
    confirm: Confirm
    recover: Recover
    pulse: Duration | None
    stale_after: Duration
    options: Options


class AtLeast(Model):
    at_least: Annotated[int, Field(ge=1)]


def _down_when(value: Any) -> Any:
    if isinstance(value, dict):
        return AtLeast.model_validate(value)
    if isinstance(value, AtLeast) or value in {"any", "all"}:
        return value
    raise ValueError("any, all or {at_least: n} is expected")


class Title(Model):
    th: str | None = None
    en: str | None = None


class ServiceKeys(Model):
    """The keys of a service, its targets aside."""

    name: NameValue = Field(description="the service's name, the label sla_service")
    title: Title = Title()
    since: InstantValue | None = Field(None, description="accounted for from here on; default: the first check")
    until: InstantValue | None = Field(None, description="accounted for up to here; default: without end")
    sla: OwnSla | None = Field(None, description="a promise of its own")
    down_when: Annotated[Literal["any", "all"] | AtLeast, BeforeValidator(_down_when)] = Field(
        "any", description="any | all | {at_least: n}: how many targets make the service down"
    )
    members: tuple[str, ...] = Field((), description="services in place of targets")


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    name: str
    title: Title
    since: int | None
    until: int | None
    sla: OwnSla | None
    down_when: Literal["any", "all"] | AtLeast
    targets: tuple[TargetSettings, ...]
    members: tuple[str, ...]


class MaintenancePolicy(Model):
    notice: DurationValue = Field(0, description="how long before its start a window must be declared")
    late: Literal["excuse", "refuse"] = Field("excuse", description="whether a window declared later excuses")


class Declared(Model):
    """What windows and exclusions have in common."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)] = ""
    scope: ScopeValue = ()
    by: Words
    approved_by: Words | None = None

    @model_validator(mode="after")
    def _identified(self) -> Self:
        """Without an id the content is the identity (R15)."""
        if self.approved_by is not None and self.approved_by == self.by:
            raise ValueError("approved_by must be somebody other than by")
        if not self.id:
            content = json.dumps(self.model_dump(mode="json", exclude={"id"}), sort_keys=True, default=str)
            object.__setattr__(self, "id", hashlib.sha256(content.encode()).hexdigest()[:12])
        return self


class WindowSettings(Declared):
    start: InstantValue
    end: InstantValue | None = None
    rrule: Words | None = None
    timezone: Annotated[str, Field(min_length=1)] | None = None
    duration: PositiveDuration | None = None
    reason: Words
    declared: InstantValue | None = None


class ExclusionSettings(Declared):
    start: InstantValue | None = None
    end: InstantValue | None = None
    outage: str | None = None
    category: Literal["force_majeure", "business_continuity", "customer", "suspension"]
    evidence: Words
