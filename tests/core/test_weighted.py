"""Availability of a service of services by the accounts that each serves (R6)."""

from dataclasses import replace
from fractions import Fraction

from monitor.core.book import Book, Horizon, Rules, TargetRule
from monitor.core.instants import MINUTE
from monitor.core.month import Objectives
from monitor.core.rules import Rules as RulesAgain
from monitor.core.service import Service
from tests.core.worked import NOVEMBER, STALE_AFTER, ZONE, at, every, series, up

PROMISE = Objectives(Fraction("99.5"), 216 * MINUTE)
FAILED = series(up(at("09:59")), *every(5, "10:00:00", "10:59:55"), up(at("11:00:00")), up(at("11:00:05")))


def book(*accounts: int | None) -> Book:
    """Agencies a, b, …, of which the first was down for an hour, and all of them together."""
    names = "abc"[: len(accounts)]
    agencies = [Service(n, 1, (f"{n}/imap",), accounts=w) for n, w in zip(names, accounts, strict=True)]
    services = [*agencies, Service("all", 1, members=tuple(agencies))]
    rules = Rules(
        ZONE,
        {f"{name}/imap": TargetRule(3, 2, STALE_AFTER) for name in names},
        {service.name: service for service in services},
        {service.name: PROMISE for service in services},
    )
    assert RulesAgain.of(rules.document()) == rules
    made = Book(rules)
    for name in names:
        for check in FAILED if name == "a" else series():
            made.record(f"{name}/imap", check)
    return made


def weighted(made: Book, name: str = "all") -> Fraction | None:
    horizon = Horizon(NOVEMBER.span(ZONE)[1], now=False)
    found = made.figures(name, NOVEMBER, horizon).availability_weighted
    assert made.running(name, NOVEMBER, horizon, horizon.at).availability_weighted == found
    return found


def test_an_agency_weighs_as_many_accounts_as_it_serves() -> None:
    assert weighted(book(1000, 3000)) == 100 * (1 - Fraction(1000 * 60, 43_200 * 4000))


def test_without_the_accounts_of_every_member_there_is_no_weighted_figure() -> None:
    assert weighted(book(1000, None)) is None
    assert weighted(book(0, 0)) is None


def test_a_service_of_targets_has_none() -> None:
    assert weighted(book(1000, 3000), "a") is None


def test_an_agency_that_leaves_takes_nothing_from_months_that_it_was_served_in() -> None:
    made = book(1000, 3000)
    stays = {name: one for name, one in made.rules.services.items() if name == "b"}
    before, end = weighted(made), NOVEMBER.span(ZONE)[1]
    made.change_rules(end + MINUTE, replace(made.rules, services=stays, objectives=dict.fromkeys(stays, PROMISE)))
    assert weighted(made) == before is not None


def test_what_was_added_and_removed_again_has_figures_of_months_before_it_came() -> None:
    """As a report shows them: a year of months beside that of the report."""
    made = book(1000)
    start, end = NOVEMBER.span(ZONE)
    new = replace(made.rules, services={**made.rules.services, "new": Service("new", 1, ("a/imap",), since=start)})
    made.change_rules(end - MINUTE, replace(new, objectives=dict.fromkeys(new.services, PROMISE)))
    made.change_rules(end + MINUTE, book(1000).rules)
    horizon = Horizon(end + 2 * MINUTE, now=True)
    assert made.figures("new", NOVEMBER, horizon).since == start
    assert made.figures("new", NOVEMBER.plus(-1), horizon).verdict == "undetermined"
