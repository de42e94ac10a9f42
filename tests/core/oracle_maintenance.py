"""A second opinion on when a declared window excuses: rule R14, with the cancelling and shortening of R15.

One occurrence at a time, over integers, cell by cell; see `oracle` for what a cell is.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class OPolicy:
    notice: int = 0
    late: str = "excuse"  # or "refuse"


@dataclass(frozen=True)
class OOccurrence:
    """One occurrence of a window; `approved` means by somebody other than the author.

    `declared` None is "in advance"; `shortened` holds (when it was shortened, the new end).
    """

    start: int
    end: int
    declared: int | None = None
    approved: bool = False
    cancelled_at: int | None = None
    shortened: Sequence[tuple[int, int]] = ()


def stands(occurrence: OOccurrence, cell: int) -> bool:
    """R15: cancelling or shortening acts from then on, the past stays."""
    if occurrence.cancelled_at is not None and cell >= occurrence.cancelled_at:
        return False
    return not any(cell >= at and cell >= new_end for at, new_end in occurrence.shortened)


def excuses(occurrence: OOccurrence, policy: OPolicy, cell: int) -> bool:
    """R14 for one cell inside the occurrence."""
    if occurrence.approved or occurrence.declared is None:
        return True
    late = occurrence.start - occurrence.declared < policy.notice
    retroactive = cell < occurrence.declared
    return not retroactive and not (late and policy.late == "refuse")


def excusing(occurrence: OOccurrence, policy: OPolicy) -> list[int]:
    return [
        cell
        for cell in range(occurrence.start, occurrence.end)
        if stands(occurrence, cell) and excuses(occurrence, policy, cell)
    ]
