"""The settled part of a running month, kept added up so that one more check costs the same on every day of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from monitor.core.instants import Instant
from monitor.core.maintenance import Exclusion, Window
from monitor.core.month import Sums
from monitor.core.rules import Epochs


@dataclass(frozen=True, slots=True)
class Kept:
    """The sums of a month from its first instant evaluated to one before which nothing can change any more."""

    begin: Instant
    up_to: Instant
    sums: Sums
    blips: tuple[int, int]
    windows: Sequence[Window]
    exclusions: Sequence[Exclusion]
    epochs: Epochs

    def plus(self, up_to: Instant, more: Sums, blips: tuple[int, int]) -> "Kept":
        both = self.blips[0] + blips[0], self.blips[1] + blips[1]
        return replace(self, up_to=up_to, sums=self.sums + more, blips=both)

    def holds(self, begin: Instant, windows: Sequence[Window], exclusions: Sequence[Exclusion], epochs: Epochs) -> bool:
        """Whether nothing was declared and no rule changed since it was added up: the very same objects."""
        same = self.windows is windows and self.exclusions is exclusions and self.epochs is epochs
        return same and self.begin == begin
