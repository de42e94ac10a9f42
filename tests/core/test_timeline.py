"""What stands between the rules of a timeline: order, the present state, and what is final."""

import pytest
from hypothesis import example, given

from monitor.core.check import Check, Outcome
from monitor.core.events import Blip, Gap, Outage
from monitor.core.history import History
from monitor.core.intervals import Spans
from monitor.core.timeline import Timeline, state_of
from tests.core.oracle import OCheck, OTarget
from tests.core.strategies import LATEST, START, Axis, check_of, series, targets

SMALL = Axis(START, 1)


def told(checks: str, confirm: int = 1, recover: int = 1) -> Timeline:
    """A timeline fed with `0u 5d 9?`: an `up` at 0, a `down` at 5, an unknown at 9; voices last 10."""
    made = Timeline(confirm, recover)
    outcomes = {"u": Outcome.UP, "d": Outcome.DOWN, "?": Outcome.UNKNOWN}
    for word in checks.split():
        made.feed(Check(int(word[:-1]), outcomes[word[-1]], 0, 10))
    return made


def test_a_check_before_the_newest_is_refused_unless_it_does_not_speak() -> None:
    made = told("5u")
    with pytest.raises(ValueError, match="checks must be fed in the order of their instants"):
        made.feed(Check(4, Outcome.UP, 0, 10))
    assert made.feed(Check(4, Outcome.UP, 0, 10, speaks=False)) == []
    assert made.feed(Check(4, Outcome.UNKNOWN, 0, 10)) == []
    assert made == told("5u")


def test_what_is_returned_is_final_and_comes_once() -> None:
    made = told("0u 5d 7u", confirm=2)
    assert made.feed(Check(9, Outcome.UP, 0, 10)) == [Blip(5, 7)]
    assert made.feed(Check(30, Outcome.UP, 0, 10)) == []
    assert made.feed(Check(31, Outcome.UP, 0, 10)) == [Gap(19, 30)]


def test_looking_at_the_present_changes_nothing() -> None:
    made = told("0u 5d 7d 9u", confirm=2)
    state = made.dump()
    made.present()
    made.tail(8, clip=True)
    made.tail(90, clip=False)
    assert made.dump() == state


def test_the_present_is_that_of_the_newest_check_and_of_the_thresholds_in_force() -> None:
    made = told("0u 5d 6d", confirm=3)
    assert state_of(made, 7) == "suspect"
    made.feed(Check(8, Outcome.DOWN, 0, 10))
    assert state_of(made, 9) == "down"
    made = told("0u 5d 6d", confirm=3)
    assert state_of(made, 7) == "suspect"
    made.judge_by(2, 1)
    assert state_of(made, 7) == "down"
    made.feed(Check(6, Outcome.UP, 0, 10))  # the weaker at that instant
    assert state_of(made, 7) == "down"


@pytest.mark.parametrize(
    ("checks", "now", "state"),
    [
        ("", 0, "unknown"), ("0?", 1, "unknown"), ("0u", 9, "up"), ("0u", 10, "unknown"), ("0u 5d", 6, "suspect"),
        ("0u 5d 6d", 7, "down"), ("0u 5d 6d 7u", 8, "down"), ("0u 5d 6d 7u 8u", 9, "up"), ("0u 5d 6u", 7, "up"),
        ("0u 5d 6d", 16, "unknown"),
    ],
)  # fmt: skip
def test_a_target_is_up_suspect_down_or_unknown_now(checks: str, now: int, state: str) -> None:
    assert state_of(told(checks, confirm=2, recover=2), now) == state


@pytest.mark.parametrize(
    ("checks", "anchor"),
    [
        ("", 50),  # nothing is known, and nothing can change before now
        ("3d", 3),
        ("3d 5d", 3),  # the row may become an outage, from its first
        ("0u 3u 5d", 3),  # its outer start is the last up
        ("0u 5d 6d 7d", 6),  # the outage runs: its certain part grows from the last down before the newest
        ("0u 5d 6d 7d 8u 9d", 7),
        ("0u 5d 6d 7d 8u 9u 9d", 7),
        ("0u 5d 6d 7d 8u 9u 10d", 9),
    ],
)
def test_bounds_are_final_before_the_last_instant_that_they_may_still_reach_from(checks: str, anchor: int) -> None:
    assert told(checks, confirm=2, recover=2).anchor(50) == anchor


def test_no_anchor_lies_beyond_what_is_looked_at() -> None:
    assert told("0u 5u 9u").anchor(3) == 3


A_VOICE_OF_NOTHING = [OCheck(0, "up"), OCheck(1, "down", voice=0), OCheck(2, "up")]


@example(OTarget(1, 2, 1), A_VOICE_OF_NOTHING)
@given(targets, series)
def test_before_the_anchor_neither_labels_nor_bounds_change(target: OTarget, checks: list[OCheck]) -> None:
    timeline, history = Timeline(target.confirm, target.recover), History()
    end = SMALL.instant(LATEST + 20)
    ordered = [check_of(check, target, SMALL) for check in sorted(checks, key=lambda check: check.at)]

    def before(anchor: int, horizon: int) -> list[Spans]:
        view = history.view(timeline, SMALL.zero, anchor, horizon=horizon, clip_voices=True)
        return [view.down, view.unknown, view.possibly, view.certainly]

    seen = []
    for check in ordered:
        history.add(timeline.feed(check))
        anchor = timeline.anchor(check.at)
        seen.append((anchor, before(anchor, check.at)))
    assert all(found == before(anchor, end) for anchor, found in seen)


def test_a_gap_ends_an_outage_and_the_next_check_that_speaks_starts_another() -> None:
    made = told("0d 5u 20d", recover=2)
    assert made.tail(40, clip=True).events == [
        Gap(15, 20), Outage(0, 15, 0, 20, 0, 0, None), Gap(30, 40), Outage(20, 30, 15, 30, 20, 20, None),
    ]  # fmt: skip
