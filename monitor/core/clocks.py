"""The agreement's clocks over a ticket: when each begins, when it must have stopped, and what it came to (SLA 3.2, 4).

A clock that runs in business hours is measured in business time; exactly its target is within it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from monitor.core.business import BusinessCalendar, Hours
from monitor.core.instants import HOUR, MINUTE, Duration, Instant
from monitor.core.intervals import BEGINNING
from monitor.core.tickets import Ticket

Runs = Literal["always", "business"]
Which = Literal["response", "resolution"]
Outcome = Literal["within", "missed", "undetermined"]
WHICH: tuple[Which, ...] = ("response", "resolution")


@dataclass(frozen=True, slots=True)
class ClockRule:
    """Of one kind and priority: how long its resolution may take, in which hours, and in which it is taken in.

    A ticket that is taken in in business hours waits for the next one: both clocks begin then, and the response runs
    in business hours too. `resolution` None: no resolution is promised.
    """

    resolution: Duration | None
    runs: Runs
    intake: Runs


@dataclass(frozen=True, slots=True)
class TicketRules:
    """Everything configured that decides how tickets are judged, but which days are holidays.

    `promised` is the share in percent that must be within target. `response` by channel: None where nobody waits for
    an answer. `clocks` by `kind/priority`; a kind or priority that is not there has no clock.
    """

    promised: Fraction
    response: Mapping[str, Duration | None]
    clocks: Mapping[str, ClockRule]
    hours: Hours
    not_reached_after: int

    def document(self) -> dict[str, Any]:
        """As JSON values, without floating point: what is recorded when they change (R7)."""
        return {
            "promised": str(self.promised),
            "response": dict(self.response),
            "clocks": {name: [one.resolution, one.runs, one.intake] for name, one in self.clocks.items()},
            "hours": [self.hours.opens, self.hours.closes, self.hours.weekends],
            "not_reached_after": self.not_reached_after,
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "TicketRules":
        return cls(
            Fraction(document["promised"]),
            document["response"],
            {name: ClockRule(*values) for name, values in document["clocks"].items()},
            Hours(*document["hours"]),
            document["not_reached_after"],
        )


@dataclass(frozen=True, slots=True)
class RulesInForce:
    """Rules one after the other, each for the tickets recorded from its instant on; the first from the beginning."""

    starts: Sequence[Instant]
    rules: Sequence[TicketRules]

    @classmethod
    def of(cls, first: TicketRules) -> "RulesInForce":
        return cls([BEGINNING], [first])

    def plus(self, start: Instant, rules: TicketRules) -> "RulesInForce":
        return RulesInForce([*self.starts, start], [*self.rules, rules])

    def at(self, instant: Instant) -> TicketRules:
        before = [one for start, one in zip(self.starts, self.rules, strict=True) if start <= instant]
        return before[-1] if before else self.rules[0]


@dataclass(frozen=True, slots=True)
class Clock:
    """One clock of one ticket; `stopped` is when what it waits for was done, `proposed` when that is supposed."""

    which: Which
    begins: Instant
    target: Duration
    runs: Runs
    deadline: Instant
    stopped: Instant | None
    proposed: Instant | None = None

    def outcome(self, now: Instant) -> Outcome:
        """What is not done is missed once its deadline has passed, and before it undetermined.

        What is proposed and not confirmed is undetermined for as long as it would have been in time.
        """
        if self.stopped is not None:
            return "within" if self.stopped <= self.deadline else "missed"
        seen = now if self.proposed is None else self.proposed
        return "missed" if seen > self.deadline else "undetermined"

    def running(self) -> bool:
        return self.stopped is None and self.proposed is None

    def left(self, now: Instant, calendar: BusinessCalendar) -> Duration:
        """Time until the deadline as the clock counts it; negative once it has passed."""
        if self.runs == "always":
            return self.deadline - max(now, self.begins)
        return calendar.business_time(max(now, self.begins), self.deadline)

    def used(self, now: Instant, calendar: BusinessCalendar) -> float:
        """The share of the target that has run, 1 at the deadline."""
        if not self.target:
            return 1.0
        return (self.target - self.left(now, calendar)) / self.target


def clocks_of(ticket: Ticket, rules: TicketRules, calendar: BusinessCalendar) -> Iterator[Clock]:
    """The clocks of a ticket, by the rules in force when it was recorded."""
    rule = rules.clocks.get(ticket.kind if ticket.priority is None else f"{ticket.kind}/{ticket.priority}")
    if rule is None:
        return
    begins = ticket.recorded if rule.intake == "always" else calendar.next_open(ticket.recorded)
    response = rules.response.get(ticket.channel)
    if response is not None:
        deadline = _after(begins, response, rule.intake, calendar)
        # Who was helped has been answered, if nothing else is said of it.
        answered = [at for at in (ticket.responded, ticket.resolved) if at is not None]
        yield Clock("response", begins, response, rule.intake, deadline, min(answered, default=None))
    if rule.resolution is not None:
        deadline = _after(begins, rule.resolution, rule.runs, calendar)
        yield Clock(
            "resolution", begins, rule.resolution, rule.runs, deadline, ticket.resolved, ticket.proposed
        )  # fmt: skip


def _after(begins: Instant, target: Duration, runs: Runs, calendar: BusinessCalendar) -> Instant:
    return begins + target if runs == "always" else calendar.add_business_time(begins, target)


CLOCKS_BY_DEFAULT: Mapping[str, ClockRule] = {
    "incident/P1": ClockRule(216 * MINUTE, "always", "always"),
    "incident/P2": ClockRule(8 * HOUR, "always", "always"),
    "incident/P3": ClockRule(12 * HOUR, "business", "business"),
    "incident/P4": ClockRule(24 * HOUR, "business", "business"),
    "request/high": ClockRule(8 * HOUR, "business", "business"),
    "request/medium": ClockRule(12 * HOUR, "business", "business"),
    "request/low": ClockRule(24 * HOUR, "business", "business"),
}
"""The agreement's own table."""
RESPONSES_BY_DEFAULT: Mapping[str, Duration | None] = {
    "telephone": MINUTE,
    "email": 30 * MINUTE,
    "web": 30 * MINUTE,
    "monitor": None,
}
BY_DEFAULT = TicketRules(Fraction(99), RESPONSES_BY_DEFAULT, CLOCKS_BY_DEFAULT, Hours(), 3)
