"""Proves that `make accuracy` judges rightly: errors, bounds, what nobody saw, and what never was."""

from dataclasses import replace

import pytest

from bench.accuracy.outages import KINDS, Truth
from bench.accuracy.verdict import Recorded, bounded, false_ones, polled, seen
from tests.lab.processes import Change

TRUTH = Truth(0, KINDS[0], Change(100.0, 100.2), Change(160.0, 160.4))
IMAP = Recorded(0, "imap", 103.0, 164.0, outer=(40.0, 165.0), certain=(104.0, 155.0))


def test_the_service_is_down_from_its_first_target_to_its_last() -> None:
    pop3 = replace(IMAP, target="pop3", start=102.0, end=162.0)
    found = seen(TRUTH, [IMAP, pop3])
    assert found.start == pytest.approx(1.9)
    assert found.end == pytest.approx(3.8)
    assert (found.inside, found.blip) == (True, False)


@pytest.mark.parametrize(
    ("outer", "certain"),
    [((101, 165), (104, 155)), ((40, 165), (99, 155)), ((40, 165), (104, 161)), ((40, 159), (104, 155))],
    ids=["begins too late", "certain too early", "certain too long", "ends too early"],
)
def test_bounds_that_the_truth_lies_outside_of_are_noticed(
    outer: tuple[float, float], certain: tuple[float, float]
) -> None:
    assert bounded(IMAP, TRUTH)
    assert not bounded(replace(IMAP, outer=outer, certain=certain), TRUTH)


def test_what_nobody_saw_and_what_never_was_are_told_apart() -> None:
    elsewhere, later = replace(IMAP, lab=1), replace(IMAP, start=500.0, end=520.0)
    assert seen(TRUTH, [elsewhere, later]).start is None
    assert false_ones([IMAP, elsewhere, later, replace(later, blip=True)], [TRUTH]) == [elsewhere, later]


def test_a_poller_sees_an_outage_from_its_first_bad_sample_to_its_next_good_one() -> None:
    samples = {(0, "imap"): [(70.0, True), (130.0, False), (190.0, True)], (1, "imap"): [(110.0, False)]}
    assert polled(TRUTH, samples) == pytest.approx((29.9, 29.8))
    assert polled(TRUTH, {(0, "imap"): [(70.0, True), (190.0, True)]}) is None
