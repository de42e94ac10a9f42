"""How fast a budget is spent (R11), by hand."""

from fractions import Fraction

from monitor.core.book import Horizon
from monitor.core.budget import LONGEST, WINDOWS, burn, burn_rate, exhaustion
from monitor.core.instants import DAY, HOUR, MINUTE, SECOND
from monitor.core.month import Objectives
from tests.core.worked import at, book, down, up, window

MONTH = 30 * DAY
BUDGET = 216 * MINUTE
NOW = at("10:00")


def test_a_burn_of_one_lasts_exactly_the_month() -> None:
    assert burn_rate(18 * SECOND, HOUR, BUDGET, MONTH) == 1  # half a percent of an hour
    assert burn_rate(BUDGET, MONTH, BUDGET, MONTH) == 1


def test_a_total_outage_burns_two_hundred_in_a_month_of_thirty_days() -> None:
    assert {burn_rate(length, length, BUDGET, MONTH) for length in WINDOWS.values()} == {200}
    assert burn_rate(HOUR, HOUR, BUDGET, 31 * DAY) == Fraction(44_640, 216)


def test_each_window_sees_the_downtime_inside_it_alone() -> None:
    spent = burn([(NOW - 10 * MINUTE, NOW - 4 * MINUTE)], NOW, BUDGET, BUDGET - 6 * MINUTE, MONTH)
    assert spent.rates == {
        "5m": 40, "30m": 40, "1h": 20, "2h": 10, "6h": 200 / 60, "1d": 200 / 240, "3d": 200 / 720,
    }  # fmt: skip
    assert LONGEST == 3 * DAY


def test_downtime_before_a_window_burns_nothing_in_it_and_after_now_nothing_at_all() -> None:
    spent = burn([(NOW - 4 * DAY, NOW - 3 * DAY), (NOW, NOW + HOUR)], NOW, BUDGET, BUDGET, MONTH)
    assert set(spent.rates.values()) == {0}
    assert spent.exhaustion is None


def test_a_budget_of_nothing_burns_and_does_not_divide_by_nothing() -> None:
    assert burn_rate(1, 10, 0, 100) == 10
    assert burn_rate(1, 10, 1, 100) == 10


def test_the_budget_is_gone_when_the_last_hour_has_gone_on_long_enough() -> None:
    assert exhaustion(BUDGET, HOUR) == BUDGET
    assert exhaustion(BUDGET, HOUR // 2) == 2 * BUDGET
    spent = burn([(NOW - 2 * HOUR, NOW - HOUR // 4)], NOW, BUDGET, 3 * HOUR, MONTH)
    assert spent.exhaustion == 4 * HOUR  # of the last hour three quarters were down


def test_the_budget_is_never_gone_where_the_last_hour_was_not_down() -> None:
    assert exhaustion(1, 0) is None
    assert burn([(NOW - 2 * HOUR, NOW - HOUR)], NOW, BUDGET, 1, MONTH).exhaustion is None


def test_what_is_spent_is_gone_at_once() -> None:
    assert [exhaustion(0, 0), exhaustion(0, HOUR), exhaustion(-1, 0)] == [Fraction(0)] * 3
    assert burn([], NOW, BUDGET, 0, MONTH).exhaustion == 0


def test_last_months_downtime_and_what_is_excused_burn_nothing() -> None:
    facts = [down(i) for i in range(at("2026-10-31T23:30"), at("2026-11-01T00:30"), 5 * SECOND)]
    facts += [up(at("2026-11-01T00:30:00")), up(at("2026-11-01T00:30:05"))]
    window_of_ten = window("2026-11-01T00:20", "2026-11-01T00:30", declared="2026-10-20T09:00")
    start, now = at("2026-11-01T00:00"), at("2026-11-01T00:30:10")
    counted = book({"t": facts}, windows=[window_of_ten]).counted("mail", (start, now), Horizon(now, now=True))
    assert counted == [(start, at("2026-11-01T00:20"))]
    assert burn(counted, now, BUDGET, BUDGET, MONTH).rates["1h"] == 200 / 3


def test_the_budget_is_the_smaller_of_the_two_promises_in_whole_microseconds() -> None:
    promised = Objectives(Fraction("99.5"), BUDGET)
    minutes = {days: Fraction(promised.budget(days * DAY), MINUTE) for days in (28, 29, 30, 31)}
    assert minutes == {28: Fraction("201.6"), 29: Fraction("208.8"), 30: 216, 31: 216}
    assert promised.allowed(31 * DAY) == Fraction("223.2") * MINUTE
    assert Objectives(Fraction("99.999"), BUDGET).budget(150_000) == 1
