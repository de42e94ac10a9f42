"""How many responses and resolutions of a month were within target, against what is promised (SLA 5.2).

A ticket belongs to the calendar month in which it was recorded.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from monitor.core.clocks import WHICH, Clock, Outcome, Which
from monitor.core.instants import Instant
from monitor.core.month import Verdict
from monitor.core.tickets import Ticket

Row = tuple[str, str | None, Which]
"""Kind, priority and clock."""


@dataclass(frozen=True, slots=True)
class Tally:
    within: int = 0
    missed: int = 0
    undetermined: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.within + other.within, self.missed + other.missed, self.undetermined + other.undetermined
        )  # fmt: skip

    @property
    def total(self) -> int:
        return self.within + self.missed + self.undetermined

    @property
    def share(self) -> Fraction | None:
        """In percent, of those that are decided; None where none is."""
        decided = self.within + self.missed
        return Fraction(100 * self.within, decided) if decided else None

    def verdict(self, promised: Fraction) -> Verdict | Literal["none"]:
        """Met if the promise is kept however the open ones end, missed if it is broken however they end.

        `none`: nothing was to be kept.
        """
        if not self.total:
            return "none"
        if 100 * (self.within + self.undetermined) < promised * self.total:
            return "missed"
        return "met" if 100 * self.within >= promised * self.total else "undetermined"


@dataclass(frozen=True, slots=True)
class Compliance:
    """Of one month. `recorded` counts its tickets by kind; `excused` and `withdrawn` ones are judged by no clock."""

    promised: Fraction
    rows: Mapping[Row, Tally] = field(default_factory=dict)
    recorded: Mapping[str, int] = field(default_factory=dict)
    excused: int = 0
    withdrawn: int = 0

    def total(self, which: Which) -> Tally:
        """Of all kinds and priorities together: what the promise is made for."""
        return sum((tally for row, tally in self.rows.items() if row[2] == which), Tally())

    def verdict(self, which: Which) -> Verdict | Literal["none"]:
        return self.total(which).verdict(self.promised)

    @property
    def empty(self) -> bool:
        return not self.recorded and not self.withdrawn

    def body(self) -> dict[str, object]:
        """What a closed month holds of it; nothing where nothing was recorded."""
        if self.empty:
            return {}
        rows = {"/".join((kind, priority or "", which)): tally for (kind, priority, which), tally in self.rows.items()}
        return {
            "promised": str(self.promised),
            "rows": {name: [one.within, one.missed, one.undetermined] for name, one in sorted(rows.items())},
            "recorded": dict(sorted(self.recorded.items())),
            "excused": self.excused,
            "withdrawn": self.withdrawn,
        }


def compliance(
    tickets: Iterable[Ticket],
    clocks: Callable[[Ticket], Iterable[Clock]],
    excused: Callable[[Ticket], bool],
    promised: Fraction,
    now: Instant,
) -> Compliance:
    """Judge tickets as seen from now."""
    outcomes: Counter[tuple[Row, Outcome]] = Counter()
    recorded: Counter[str] = Counter()
    spared = withdrawn = 0
    for ticket in tickets:
        if ticket.withdrawn is not None:
            withdrawn += 1
            continue
        recorded[ticket.kind] += 1
        if excused(ticket):
            spared += 1
            continue
        for clock in clocks(ticket):
            outcomes[(ticket.kind, ticket.priority, clock.which), clock.outcome(now)] += 1
    rows = {row for row, _ in outcomes}
    tallies = {
        row: Tally(outcomes[row, "within"], outcomes[row, "missed"], outcomes[row, "undetermined"])
        for row in sorted(rows, key=lambda row: (row[0], row[1] or "", WHICH.index(row[2])))
    }
    return Compliance(promised, tallies, dict(recorded), spared, withdrawn)
