"""What a ledger holds of checks and timelines, as values."""

from dataclasses import dataclass
from typing import Any

from monitor.core.check import Check
from monitor.core.instants import Instant


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A check as it is recorded: what the accounting needs, and what explains it.

    `recovered`: it waited in memory for a ledger that could not be written.
    """

    target: str
    check: Check
    phase: str | None = None
    evidence: dict[str, Any] | None = None
    recovered: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """A target's resumable state."""

    target: str
    first: Instant
    newest: Instant
    timeline: dict[str, Any]
