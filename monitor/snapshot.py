"""An immutable picture of everything that is exported, made after a commit and rendered by whoever asks."""

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.core.budget import Burn
from monitor.core.calendar import Month
from monitor.core.check import Outcome
from monitor.core.instants import Instant
from monitor.core.maintenance import Outlook
from monitor.core.month import Figures, StateSeconds
from monitor.runner import Result

STATES = ("up", "suspect", "down", "unknown")


@dataclass(frozen=True, slots=True)
class TargetPicture:
    """`expiring` is None without a certificate, `backoff` the seconds that no login is tried for, if any.

    `presented` is of the last check that was shown a certificate.
    """

    name: str
    protocol: str
    state: str
    success: bool | None
    last: Result | None
    outcomes: Mapping[Outcome, int]
    causes: Mapping[str, int]
    outage_start: Instant | None
    outages: int
    blips: int
    deliveries: Mapping[str, int]
    expiring: bool | None
    expects: bool
    backoff: float | None
    presented: Result | None = None


@dataclass(frozen=True, slots=True)
class ServicePicture:
    """`outage` is the id of the one that runs; `seconds` is None where nothing is accounted for yet."""

    name: str
    state: str
    running: Figures
    past: tuple[Figures, ...]
    """The months before the running one, backwards, as far as the service is accounted for."""
    burn: Burn
    seconds: StateSeconds | None
    maintenance: Outlook
    outage: str | None

    @property
    def months(self) -> tuple[Figures, ...]:
        """From the running one backwards."""
        return (self.running, *self.past)


@dataclass(frozen=True, slots=True)
class Snapshot:
    at: Instant
    month: Month
    targets: tuple[TargetPicture, ...]
    services: tuple[ServicePicture, ...]
