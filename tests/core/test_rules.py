"""Rules in force since when (R7): each stretch of time is judged by those of its own time."""

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from monitor.core.book import Book, Horizon
from monitor.core.check import Check
from monitor.core.instants import HOUR, MINUTE, SECOND
from monitor.core.intervals import BEGINNING, END
from monitor.core.maintenance import Policy, Window
from monitor.core.month import Figures, Objectives
from monitor.core.rules import Epochs, Rules, TargetRule
from monitor.core.service import Service
from tests.core.worked import NOVEMBER, STALE_AFTER, ZONE, at, down, up

TEN, HALF, ELEVEN = at("10:00:00"), at("10:30:00"), at("11:00:00")
PROMISED = {"mail": Objectives(Fraction("99.5"), 216 * MINUTE)}


def rules(*targets: str, confirm: int = 1, recover: int = 1, at_least: int = 1, **others: Any) -> Rules:
    """A service `mail` of the targets."""
    named = tuple(f"mail/{target}" for target in targets)
    own = {name: TargetRule(confirm, recover, STALE_AFTER) for name in named}
    return replace(Rules(ZONE, own, {"mail": Service("mail", at_least, named)}, PROMISED), **others)


def minutely(start: str, end: str, *stretches: tuple[str, str]) -> list[Check]:
    """A check every minute in `[start, end)`, `down` in the stretches."""
    said = [(at(first), at(last)) for first, last in stretches]
    instants = range(at(start), at(end), MINUTE)
    return [down(i) if any(first <= i < last for first, last in said) else up(i) for i in instants]


def judged(epochs: Epochs, *windows: Window, until: str = "12:00", **checks: list[Check]) -> Figures:
    made = Book(epochs, windows)
    for name, own in checks.items():
        for check in own:
            made.record(f"mail/{name}", check)
    return made.figures("mail", NOVEMBER, Horizon(at(until), now=True))


def minutes(found: Figures) -> list[float]:
    """Downtime, and unknown time."""
    return [found.sums.downtime / MINUTE, found.sums.unknown / MINUTE]


def test_the_first_rules_hold_from_the_beginning_and_each_until_the_next() -> None:
    first, second, third = (rules("a", confirm=number) for number in (1, 2, 3))
    epochs = Epochs.of(first, (TEN, second)).plus(ELEVEN, third)
    assert [epochs.at(i) for i in (BEGINNING, TEN - 1, TEN, ELEVEN - 1, ELEVEN, END)] == [
        first, first, second, second, third, third,
    ]  # fmt: skip
    assert epochs.current == third
    assert Epochs.of(first).current == first


def test_a_stretch_is_cut_where_rules_change() -> None:
    first, second, third = (rules("a", confirm=number) for number in (1, 2, 3))
    epochs = Epochs.of(first, (TEN, second), (ELEVEN, third))
    assert list(epochs.pieces(TEN - 5, ELEVEN + 5)) == [
        (TEN - 5, TEN, first), (TEN, ELEVEN, second), (ELEVEN, ELEVEN + 5, third),
    ]  # fmt: skip
    assert list(epochs.pieces(TEN, ELEVEN)) == [(TEN, ELEVEN, second)]
    assert list(epochs.pieces(BEGINNING, TEN)) == [(BEGINNING, TEN, first)]


def test_rules_are_recorded_and_read_again_without_floating_point() -> None:
    leaf = Service("mail", 2, ("mail/a", "mail/b"), (), TEN, ELEVEN)
    other = Service("web", 1, ("web/a",))
    made = Rules(
        ZoneInfo("Europe/Berlin"),
        {name: TargetRule(3, 2, number * SECOND) for number, name in enumerate(("mail/a", "mail/b", "web/a"), 1)},
        {"all": Service("all", 1, (), (leaf, other)), "mail": leaf, "web": other},
        {"all": Objectives(Fraction(1999, 20), 216 * MINUTE), "mail": Objectives(Fraction("99.5"), 1)},
        Policy(HOUR, late_excuses=False),
    )
    text = json.dumps(made.document())
    assert Rules.of(json.loads(text)) == made
    assert "." not in text


def test_a_changed_threshold_judges_checks_from_its_instant_on() -> None:
    epochs = Epochs.of(rules("a", confirm=3), (HALF, rules("a", confirm=1)))
    early = minutely("10:00", "11:00", ("10:10", "10:12"))  # two in a row: a blip then
    late = minutely("10:00", "11:00", ("10:40", "10:42"))  # an outage now
    found = [judged(epochs, a=own, until="11:00") for own in (early, late)]
    assert [minutes(one)[0] for one in found] == [0, 2]
    assert [one.blips for one in found] == [(1, 2 * MINUTE), (0, 0)]


def test_a_row_that_began_before_a_changed_threshold_is_decided_by_the_check_that_ends_it() -> None:
    checks = minutely("10:00", "11:00", ("10:28", "10:32"))
    stricter, laxer = (
        judged(Epochs.of(rules("a", confirm=before), (HALF, rules("a", confirm=after))), a=checks, until="11:00")
        for before, after in ((9, 3), (3, 9))
    )
    assert [(one.start, one.end) for one in stricter.outages] == [(at("10:28"), at("10:32"))]
    assert laxer.outages == ()
    assert laxer.blips == (1, 4 * MINUTE)


def test_the_check_at_the_instant_of_the_change_is_judged_by_the_new_rules() -> None:
    checks = minutely("10:00", "11:00", ("10:29", "10:31"))
    at_half, after = (
        judged(Epochs.of(rules("a", confirm=9), (turn, rules("a", confirm=2))), a=checks, until="11:00")
        for turn in (HALF, HALF + 1)
    )
    assert (len(at_half.outages), len(after.outages)) == (1, 0)


def test_a_changed_recovery_ends_an_outage_by_the_rules_of_its_own_time() -> None:
    checks = minutely("10:00", "11:00", ("10:20", "10:35"))[::5]  # down 10:20, :25, :30; up 10:35, :40 …
    wide = [replace(check, voice=10 * MINUTE) for check in checks]
    epochs = Epochs.of(rules("a", recover=1), (HALF, rules("a", recover=9)))
    assert minutes(judged(epochs, a=wide, until="11:00"))[0] == 40  # nine in a row never came


def test_a_changed_combination_cuts_an_outage_of_the_service() -> None:
    epochs = Epochs.of(rules("a", "b", at_least=1), (HALF, rules("a", "b", at_least=2)))
    only_a = {"a": minutely("10:00", "11:00", ("10:20", "10:40")), "b": minutely("10:00", "11:00")}
    found = judged(epochs, **only_a, until="11:00")
    assert [(one.start, one.end) for one in found.outages] == [(at("10:20"), HALF)]
    (outage,) = found.outages
    assert outage.max_seconds == 11 * MINUTE  # from the last up at 10:19 to the change of rules
    back = judged(Epochs.of(rules("a", "b", at_least=2), (HALF, rules("a", "b"))), **only_a, until="11:00")
    assert [(one.start, one.end) for one in back.outages] == [(HALF, at("10:40"))]


def test_an_outage_under_both_rules_is_one_outage() -> None:
    epochs = Epochs.of(rules("a"), (HALF, rules("a", "b")))
    checks = {"a": minutely("10:00", "11:00", ("10:20", "10:40")), "b": minutely("10:30", "11:00")}
    found = judged(epochs, **checks, until="11:00")
    assert [(one.start, one.end, one.seconds) for one in found.outages] == [
        (at("10:20"), at("10:40"), 20 * MINUTE)
    ]  # fmt: skip
    assert found.sums.unknown == 0


def test_a_target_counts_from_its_own_first_rules_on() -> None:
    epochs = Epochs.of(rules("a"), (HALF, rules("a", "b")))
    b = minutely("10:31", "11:00", ("10:40", "10:45"))
    found = judged(epochs, a=minutely("10:00", "11:00"), b=b, until="11:00")
    assert minutes(found) == [5, 1]  # unknown from the change until its first check
    assert found.since == TEN


def test_a_target_that_is_gone_decides_nothing_any_more() -> None:
    epochs = Epochs.of(rules("a", "b"), (HALF, rules("a")))
    b = minutely("10:00", "10:30", ("10:25", "10:30"))
    found = judged(epochs, a=minutely("10:00", "11:00"), b=b, until="11:00")
    assert minutes(found) == [5, 0]
    assert [(one.start, one.end) for one in found.outages] == [(at("10:25"), HALF)]


def test_blips_of_a_target_count_while_it_belongs_to_the_service() -> None:
    epochs = Epochs.of(rules("a", "b", confirm=3), (HALF, rules("a", confirm=3)))
    b = minutely("10:00", "11:00", ("10:10", "10:11"), ("10:40", "10:41"))
    assert judged(epochs, a=minutely("10:00", "11:00"), b=b, until="11:00").blips == (1, MINUTE)


def test_time_before_a_service_was_configured_is_unknown_and_possibly_down() -> None:
    other = replace(rules("a"), services={"web": Service("web", 1, ("mail/a",))}, objectives={"web": PROMISED["mail"]})
    epochs = Epochs.of(other, (HALF, rules("a")))
    found = judged(epochs, a=minutely("10:00", "11:00", ("10:20", "10:40")), until="11:00")
    assert minutes(found) == [10, 30]
    assert found.sums.possibly == 40 * MINUTE
    assert (found.since, found.coverage) == (TEN, Fraction(1, 2))


def test_a_service_that_is_configured_no_more_has_the_figures_of_its_time() -> None:
    promise = Objectives(Fraction(90), HOUR)
    other = replace(rules("a"), services={"web": Service("web", 1, ("mail/a",))}, objectives={"web": promise})
    epochs = Epochs.of(rules("a"), (at("2026-12-01T00:00"), other))
    made = Book(epochs)
    for check in minutely("10:00", "11:00", ("10:20", "10:40")):
        made.record("mail/a", check)
    with pytest.raises(KeyError):
        made.figures("mail", NOVEMBER.plus(1), Horizon(at("2026-12-02T00:00"), now=True))
    found = made.figures("mail", NOVEMBER, Horizon(at("2026-12-01T00:00"), now=True))
    assert (minutes(found)[0], found.objectives) == (20, PROMISED["mail"])


@pytest.mark.parametrize(("turn", "budget"), [("2026-11-30T23:59:59.999999", 60), ("2026-12-01T00:00", 216)])
def test_a_month_is_judged_by_the_objectives_at_its_end(turn: str, budget: int) -> None:
    later = rules("a", objectives={"mail": Objectives(Fraction("99.5"), HOUR)})
    epochs = Epochs.of(rules("a"), (at(turn), later))
    made = Book(epochs)
    for now in (True, False):
        found = made.figures("mail", NOVEMBER, Horizon(at("2026-12-02T00:00"), now=now))
        assert found.budget == budget * MINUTE
    assert made.figures("mail", NOVEMBER, Horizon(at("12:00"), now=True)).budget == 216 * MINUTE


@pytest.mark.parametrize(("turn", "downtime"), [("10:20", 5), ("10:20:01", 20)])
def test_a_window_is_judged_by_the_policy_at_its_start(turn: str, downtime: int) -> None:
    strict = rules("a", policy=Policy(HOUR, late_excuses=False))
    late = Window("w", (), at("10:20"), at("10:35"), "", "ops", declared=at("10:10"))
    checks = minutely("10:00", "11:00", ("10:20", "10:40"))
    assert minutes(judged(Epochs.of(strict, (at(turn), rules("a"))), late, a=checks, until="11:00"))[0] == downtime


def test_rules_that_change_while_checks_come_in_are_those_that_were_known_all_along() -> None:
    checks = minutely("10:00", "11:00", ("10:28", "10:33"), ("10:50", "10:51"))
    live = Book(rules("a", confirm=9))
    for check in checks:
        if check.at == HALF:
            live.change_rules(HALF, rules("a", "b", confirm=2))
        live.record("mail/a", check)
    known = Epochs.of(rules("a", confirm=9), (HALF, rules("a", "b", confirm=2)))
    assert live.rules == known.current
    assert "mail/b" in live.accounts
    assert live.figures("mail", NOVEMBER, Horizon(ELEVEN, now=True)) == judged(known, a=checks, until="11:00")


def test_rules_that_change_after_the_clock_was_set_back_leave_alone_what_is_recorded() -> None:
    live = Book(rules("a"))
    for check in minutely("10:00", "11:00", ("10:50", "10:52")):
        live.record("mail/a", check)
    newest = live.present(0)
    before = live.figures("mail", NOVEMBER, Horizon(newest, now=True))
    assert live.change_rules(HALF, rules("a", confirm=1)) == newest + 1
    assert live.change_rules(HALF, rules("a", confirm=2)) == newest + 2
    assert live.figures("mail", NOVEMBER, Horizon(newest, now=True)).sums == before.sums
    assert list(live.epochs.starts) == sorted(live.epochs.starts)


def test_a_check_of_a_target_that_the_rules_of_its_time_do_not_name_is_judged_by_its_first_rules() -> None:
    epochs = Epochs.of(rules("a"), (HALF, rules("a", "b", confirm=2)))
    made = Book(epochs)
    for check in minutely("10:28", "10:40", ("10:28", "10:30")):
        made.record("mail/b", check)
    assert [(one.start, one.end) for one in made.accounts["mail/b"].history.outages] == [(at("10:28"), HALF)]


def test_a_check_of_an_unknown_target_is_refused() -> None:
    with pytest.raises(KeyError):
        Book(rules("a")).record("mail/z", up(TEN))


def test_the_first_and_the_newest_check_are_known_whatever_their_order_and_whether_they_speak() -> None:
    made = Book(rules("a"))
    for check in (replace(up(ELEVEN), speaks=False), up(HALF), replace(up(TEN), speaks=False)):
        made.record("mail/a", check)
    account = made.accounts["mail/a"]
    assert (account.first, account.newest) == (TEN, ELEVEN)
    assert made.since(made.rules.services["mail"]) == TEN


def test_an_outage_is_found_by_its_id() -> None:
    made = Book(rules("a"))
    for check in minutely("10:00", "11:00", ("10:20", "10:40"), ("10:50", "10:55")):
        made.record("mail/a", check)
    horizon = Horizon(ELEVEN, now=True)
    found = made.outage("mail-20261110T035000Z", horizon)
    assert found is not None
    assert (found.start, found.end) == (at("10:50"), at("10:55"))
    assert made.outage("mail-20261110T035100Z", horizon) is None
    assert made.outage("post-20261110T035000Z", horizon) is None
    assert made.outage("nonsense", horizon) is None
