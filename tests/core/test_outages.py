"""How outages of a service are named and listed, and what a month says beside its figure (R9)."""

from fractions import Fraction

import pytest

from monitor.core.book import Book, Horizon
from monitor.core.calendar import Month
from monitor.core.check import Check
from monitor.core.instants import HOUR, MINUTE, SECOND
from monitor.core.maintenance import Window
from monitor.core.month import Figures, worst
from monitor.core.outages import start_of
from tests.core.worked import NOVEMBER, at, book, down, up


def checks(*stretches: tuple[str, str], start: str = "10:00", end: str = "11:00", seconds: int = 0) -> list[Check]:
    """A check every 30 s in `[start, end)`, `down` in the stretches."""
    said = [(at(first), at(last)) for first, last in stretches]
    instants = range(at(start), at(end), 30 * SECOND)
    return [down(i, seconds) if any(a <= i < b for a, b in said) else up(i, seconds) for i in instants]


def seen(made: Book, now: str, month: Month = NOVEMBER) -> Figures:
    return made.figures("mail", month, Horizon(at(now), now=True))


@pytest.mark.parametrize(
    ("start", "name"),
    [
        ("2026-11-10T10:20", "mail-20261110T032000Z"),
        ("2026-11-10T10:20:00.5", "mail-20261110T032000.5Z"),
        ("2026-11-10T10:20:00.000001", "mail-20261110T032000.000001Z"),
    ],
)
def test_an_outage_is_named_by_its_service_and_start(start: str, name: str) -> None:
    first = at(start)
    made = book({"t": [up(first - SECOND), *(down(first + n * SECOND) for n in range(4))]})
    (outage,) = made.figures("mail", NOVEMBER, Horizon(first + 5 * SECOND, now=True)).outages
    assert outage.id == name
    assert start_of(name) == ("mail", first)


@pytest.mark.parametrize(
    "text", ["", "mail", "20261110T032000Z", "-20261110T032000Z", "mail-20261110T032000", "mail-20261310T032000Z",
             "mail-20261110T032000.1234567Z", "mail-2026-11-10T03:20:00Z"],
)  # fmt: skip
def test_what_names_no_outage_is_none(text: str) -> None:
    assert start_of(text) is None


def test_a_service_whose_name_has_dashes_is_found_in_the_outages_name() -> None:
    assert start_of("mail-of-agency-7-20261110T032000Z") == ("mail-of-agency-7", at("10:20"))


def test_an_outage_runs_until_its_recovery_is_confirmed() -> None:
    made = book({"t": checks(("10:20", "10:40"))})
    (ended,) = seen(made, "11:00").outages
    assert (ended.ongoing, ended.end) == (False, at("10:40"))
    made = book({"t": [one for one in checks(("10:20", "10:40")) if one.at <= at("10:40")]})
    (running,) = seen(made, "10:40:20").outages
    assert (running.ongoing, running.end, running.seconds) == (True, at("10:40:20"), 20 * MINUTE + 20 * SECOND)
    (past,) = made.figures("mail", NOVEMBER, Horizon(at("10:40:20"), now=False)).outages
    assert (past.ongoing, past.end) == (False, at("10:42:15"))  # the voice of the last check, heard to its end


def test_an_outage_names_the_targets_that_failed_in_it_by_who_failed_first_and_the_first_cause() -> None:
    first = [down(one.at) if one.outcome == "down" else one for one in checks(("10:25", "10:40"))]
    made = book({"a": first, "b": checks(("10:20", "10:30")), "c": checks(("10:50", "10:55"))})
    one, other = seen(made, "11:00").outages
    assert (one.targets, one.cause, one.start, one.end) == (("mail/b", "mail/a"), "timeout", at("10:20"), at("10:40"))
    assert (other.targets, [target for target, _ in other.parts]) == (("mail/c",), ["mail/c"])


def test_an_outage_that_reaches_beyond_the_month_is_listed_whole_and_measured_inside() -> None:
    start, end = at("2026-10-31T22:00"), at("2026-11-01T03:00")
    facts = [down(i) for i in range(start, end, MINUTE)]
    made = book({"t": [up(start - MINUTE), *facts, up(end), up(end + MINUTE), up(end + 2 * MINUTE)]})
    october, november = (seen(made, "2026-11-01T03:02", month) for month in (NOVEMBER.plus(-1), NOVEMBER))
    assert [(o.start, o.end, o.seconds) for o in october.outages] == [(start, end, 2 * HOUR)]
    assert [(o.start, o.end, o.seconds) for o in november.outages] == [(start, end, 3 * HOUR)]
    assert (october.outages[0].max_seconds, november.outages[0].max_seconds) == (2 * HOUR + MINUTE, 3 * HOUR)
    assert (october.outages[0].min_seconds, november.outages[0].min_seconds) == (2 * HOUR, 3 * HOUR - MINUTE)


def test_an_outage_of_many_days_is_found_whole() -> None:
    start = at("2026-09-01T00:00")
    facts = [down(start + n * 6 * HOUR) for n in range(4 * 70)]
    wide = [Check(one.at, one.outcome, 0, 12 * HOUR) for one in facts]
    (outage,) = seen(book({"t": wide}), "2026-11-05T00:00").outages
    assert (outage.start, outage.end) == (start, at("2026-11-05T00:00"))
    assert outage.seconds == 4 * 24 * HOUR


def test_least_and_most_of_an_outage_are_gross_and_what_is_excused_stands_beside() -> None:
    window = Window("w", (), at("10:25"), at("10:30"), "", "ops")
    (outage,) = seen(book({"t": checks(("10:20", "10:40"))}, windows=[window]), "11:00").outages
    assert (outage.seconds, outage.excused_seconds) == (20 * MINUTE, 5 * MINUTE)
    assert (outage.min_seconds, outage.max_seconds) == (19 * MINUTE + 30 * SECOND, 20 * MINUTE + 30 * SECOND)


def test_most_of_an_outage_ends_at_its_neighbour() -> None:
    made = book({"t": [up(at("10:00")), *(down(at(f"10:0{n}"), 10) for n in (1, 2, 3)), up(at("10:04"), 120),
                       up(at("10:05")), *(down(at(f"10:0{n}")) for n in (6, 7, 8))]})  # fmt: skip
    one, other = seen(made, "10:09").outages
    assert (one.start, one.end, one.seconds, one.max_seconds) == (at("10:01"), at("10:04"), 3 * MINUTE, 6 * MINUTE)
    # Their stretches 10:00-10:06 and 10:05-10:09 overlap and are one, cut at either outage.
    assert (other.start, other.max_seconds) == (at("10:06"), 5 * MINUTE)


def test_overlapping_outages_of_two_targets_are_bounded_together_by_the_services_rule() -> None:
    both = {"a": checks(("10:10", "10:30")), "b": checks(("10:20", "10:40"))}
    (either,) = seen(book(both, at_least=1), "11:00").outages
    assert (either.start, either.end, either.max_seconds) == (at("10:10"), at("10:40"), 30 * MINUTE + 30 * SECOND)
    (each,) = seen(book(both, at_least=2), "11:00").outages
    assert (each.start, each.end, each.max_seconds) == (at("10:20"), at("10:30"), 10 * MINUTE + 30 * SECOND)


def test_availability_to_date_is_that_of_the_part_that_is_accounted_for() -> None:
    found = seen(book({"t": checks(("10:20", "10:30"))}), "11:00")
    assert found.availability_to_date == Fraction(100 * 5, 6)
    assert found.coverage == Fraction(1)
    assert found.provisional
    assert found.availability == 100 - Fraction(100 * 10 * MINUTE, 30 * 24 * HOUR)
    assert seen(book({"t": []}), "11:00").availability_to_date is None


def test_a_month_that_nobody_watched_has_no_bounds_and_no_verdict() -> None:
    found = seen(book({"t": []}), "11:00")
    assert (found.since, found.until, found.coverage, found.verdict) == (None, None, None, "undetermined")
    assert (found.outages, found.suspect, found.sums.length) == ((), (), 0)


def test_a_month_is_provisional_until_it_is_over() -> None:
    made, end = book({"t": checks()}), NOVEMBER.span(book({}).rules.zone)[1]
    found = [made.figures("mail", NOVEMBER, Horizon(at_end, now=True)).provisional for at_end in (end - 1, end)]
    assert found == [True, False]


def test_a_missed_promise_outweighs_an_open_one_and_that_a_kept_one() -> None:
    assert worst("met", "undetermined", "missed") == "missed"
    assert worst("met", "undetermined") == "undetermined"
    assert worst("met", "met") == "met"
