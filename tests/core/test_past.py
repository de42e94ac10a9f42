"""The past as exported: at every instant exactly what the accounting says of the time before it."""

from dataclasses import replace
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core import past
from monitor.core.book import Horizon
from monitor.core.budget import LONGEST, burn
from monitor.core.calendar import Month
from monitor.core.instants import DAY, HOUR, MINUTE, SECOND
from monitor.core.maintenance import Exclusion, Window
from monitor.core.month import Sums
from monitor.core.service import Service
from tests.core.strategies import BANGKOK, NOVEMBER, START, Lie, OCase, book_of, cases, lies, service_of
from tests.core.worked import ZONE, at, book, down, every, minutely, up, window

END = NOVEMBER.span(ZONE)[1]


@settings(max_examples=60)
@given(cases(), lies, st.integers(1, 9), st.integers(0, 3))
def test_each_moment_is_the_sum_of_the_time_before_it(case: OCase, lie: Lie, width: int, ahead: int) -> None:
    """The month's figures, the state and the burn rates are those of one evaluation from the beginning."""
    axis = lie.axis(case.view)
    made = book_of(case, axis, budget=5, service=service_of(case.service))
    now = axis.instant(case.view.horizon)
    start, horizon = axis.instant(-ahead), Horizon(now, now=True)
    for moment in past.moments(made, "s", start, now, width * axis.step, now):
        month = Month.of(moment.at, BANGKOK)
        since = made.since(made.rules.services["s"])
        begin = None if since is None else max(since, month.start(BANGKOK))
        expected = Sums() if begin is None or begin >= moment.at else made.sums("s", begin, moment.at, horizon)
        assert moment.figures.sums == expected
        lately = (max(month.start(BANGKOK), moment.at - LONGEST), moment.at)
        downtime = made.counted("s", lately, horizon)
        figures = moment.figures
        assert moment.burn == burn(downtime, moment.at, figures.budget, figures.remaining, figures.total)
        here = made.sums("s", moment.at, moment.at + 1, horizon)
        gross = here.downtime + here.excused
        assert moment.state == ("down" if gross else "unknown" if here.unknown else "up")


def test_a_moment_without_anything_undecided_is_what_the_daemon_said_then() -> None:
    """Fed only what was known at that time, the figures are the same; the bounds of then did not know what followed."""
    checks = [*minutely(START, at("10:01")), *every(15, "10:01", "11:00"), *minutely(at("11:01"), END)]
    whole = book({"a": checks}, windows=[window("10:30", "10:40")])
    for moment in past.moments(whole, "mail", at("09:00"), at("12:00"), 20 * MINUTE + 7 * SECOND, END):
        then = book({"a": [one for one in checks if one.at < moment.at]}, windows=whole.windows)
        live = then.figures("mail", NOVEMBER, Horizon(moment.at, now=True))
        later = replace(live.sums, possibly=moment.figures.sums.possibly, certainly=moment.figures.sums.certainly)
        assert moment.figures == replace(live, sums=later, outages=(), blips=(0, 0), suspect=())


def test_an_outage_over_midnight_of_the_first_is_in_both_months() -> None:
    """At the turn the month's figures begin anew; what was added up before goes on."""
    turn = END
    checks = [*minutely(turn - DAY, turn - HOUR), *(down(i) for i in range(turn - HOUR, turn + HOUR, MINUTE))]
    checks += minutely(turn + HOUR, turn + DAY)
    found = {
        m.at: m for m in past.moments(book({"a": checks}), "mail", turn - 2 * HOUR, turn + 2 * HOUR, HOUR, turn + DAY)
    }
    assert found[turn - HOUR].figures.sums.downtime == 0
    assert found[turn].figures.sums == Sums()
    assert str(found[turn].figures.month) == "2026-12"
    assert found[turn].seconds.downtime == HOUR
    assert found[turn + HOUR].figures.sums.downtime == HOUR
    assert found[turn + HOUR].seconds.downtime == 2 * HOUR
    assert [found[turn + hours * HOUR].state for hours in (-2, -1, 0, 1)] == ["up", "down", "down", "up"]
    assert found[turn].burn.rates["1h"] == 0


def test_an_exclusion_of_afterwards_is_in_the_past_too() -> None:
    """A correction changes every instant behind it."""
    checks = [*minutely(START, at("10:00")), *every(60, "10:00", "10:59"), *minutely(at("11:00"), END)]
    made = book({"a": checks})
    before = [m.figures.sums.downtime for m in past.moments(made, "mail", at("10:00"), at("11:30"), 30 * MINUTE, END)]
    made.exclusions = [
        Exclusion("x", ("mail",), at("10:15"), at("11:00"), "force_majeure", "flood", "ops", approved_by="manager")
    ]
    after = [m.figures.sums.downtime for m in past.moments(made, "mail", at("10:00"), at("11:30"), 30 * MINUTE, END)]
    assert before == [0, 30 * MINUTE, HOUR]
    assert after == [0, 15 * MINUTE, 15 * MINUTE]


def test_a_target_shows_the_start_of_the_outage_that_runs() -> None:
    """Also where it began days before."""
    checks = [*minutely(START, START + DAY), *(down(i) for i in range(START + DAY, START + 4 * DAY, MINUTE))]
    checks += minutely(START + 4 * DAY, START + 5 * DAY)
    made = book({"a": checks})
    found = list(past.target_moments(made, "mail/a", START, START + 5 * DAY, 12 * HOUR, END))
    assert [moment.state for moment in found] == ["up"] * 2 + ["down"] * 6 + ["up"] * 2
    assert {moment.outage for moment in found if moment.state == "down"} == {START + DAY}
    assert {moment.outage for moment in found if moment.state == "up"} == {None}


def test_windows_are_active_from_their_start_to_their_end() -> None:
    """Half-open, and everybody's windows are the service's too."""
    made = book({"a": [up(START)]}, windows=[window("10:00", "11:00")])
    made.windows = [*made.windows, Window("other", ("web",), at("09:00"), at("12:00"), "r", "ops")]
    steps = past.in_maintenance(made, "mail", at("09:00"), at("12:00"), 30 * MINUTE)
    assert [active for _, active in steps] == [False, False, True, True, False, False]


def test_members_are_weighed_by_their_accounts() -> None:
    """Without the accounts of one there is no weighted figure."""

    def weighed(accounts: int | None) -> Fraction | None:
        members = (Service("a", 1, ("a/t",), accounts=300), Service("b", 1, ("b/t",), accounts=accounts))
        return past.by_accounts(members, {"a": HOUR, "b": 0}, 100 * HOUR)

    assert weighed(100) == Fraction(100) * (1 - Fraction(3, 400))
    assert weighed(None) is None
