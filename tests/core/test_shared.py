"""One target in several services: it is recorded once and counts in each by that service's own rule (R6)."""

from fractions import Fraction

from monitor.core.book import Book, Horizon, Rules, TargetRule
from monitor.core.instants import MINUTE
from monitor.core.maintenance import Window
from monitor.core.month import Figures, Objectives
from monitor.core.service import Service
from tests.core.worked import NOVEMBER, STALE_AFTER, ZONE, at, every, series, up

PROMISE = Objectives(Fraction("99.5"), 216 * MINUTE)
SMTP, ONE, TWO = "cluster/smtp", "one/imap", "two/imap"
FAILED = series(up(at("09:59")), *every(5, "10:00:00", "10:59:55"), up(at("11:00:00")), up(at("11:00:05")))
HOUR = 60 * MINUTE


def rules(*more: Service) -> Rules:
    """Agencies that share the cluster's SMTP server; in `two` it takes both to be down."""
    one, two = Service("one", 1, (ONE, SMTP), accounts=1000), Service("two", 2, (TWO, SMTP), accounts=3000)
    services = [Service("cluster", 1, (SMTP,)), one, two, Service("all", 1, members=(one, two)), *more]
    return Rules(
        ZONE,
        {name: TargetRule(3, 2, STALE_AFTER) for name in (SMTP, ONE, TWO)},
        {service.name: service for service in services},
        {service.name: PROMISE for service in services},
    )


def book(*windows: Window) -> Book:
    made = Book(rules(), windows)
    for name in (SMTP, ONE, TWO):
        for check in FAILED if name == SMTP else series():
            made.record(name, check)
    return made


def figures(made: Book, name: str) -> Figures:
    horizon = Horizon(NOVEMBER.span(ZONE)[1], now=False)
    found = made.figures(name, NOVEMBER, horizon)
    assert made.running(name, NOVEMBER, horizon, horizon.at).sums == found.sums
    return found


def window(*scope: str) -> Window:
    return Window("w", scope, at("10:15:00"), at("10:30:00"), "patching", "ops")


def test_its_outage_is_one_of_each_service_that_it_makes_down() -> None:
    made = book()

    assert [figures(made, name).sums.downtime for name in ("cluster", "one", "two", "all")] == [HOUR, HOUR, 0, HOUR]
    (outage,) = figures(made, "one").outages
    assert (outage.targets, outage.id) == ((SMTP,), "one-20261110T030000Z")
    (rolled_up,) = figures(made, "all").outages
    assert rolled_up.targets == (SMTP,)  # once, however many members it makes down


def test_a_window_on_it_is_taken_out_wherever_it_counts() -> None:
    made = book(window(SMTP))

    assert [figures(made, name).sums.excused for name in ("cluster", "one", "two", "all")] == [
        15 * MINUTE, 15 * MINUTE, 0, 15 * MINUTE,
    ]  # fmt: skip


def test_a_window_on_one_service_excuses_nothing_in_another() -> None:
    of_using, of_declaring = book(window("one")), book(window("cluster"))

    excused = [[figures(made, name).sums.excused for name in ("cluster", "one")] for made in (of_using, of_declaring)]
    assert excused == [[0, 15 * MINUTE], [15 * MINUTE, 0]]


def test_availability_by_accounts_takes_each_member_by_its_own_rule() -> None:
    assert figures(book(), "all").availability_weighted == 100 * (1 - Fraction(1000 * 60, 43_200 * 4000))


def test_a_service_that_uses_it_later_is_accounted_for_from_its_first_check_and_unknown_until_then() -> None:
    made = book()
    late = Service("late", 1, (SMTP,))
    made.change_rules(at("11:30:00"), rules(late))

    found = figures(made, "late")

    first = min(check.at for check in FAILED)
    assert found.since == first  # R8: the first recorded check of its counting targets
    assert found.sums.downtime == 0  # R7: before it was declared, nothing of it can be told
    assert found.sums.unknown >= at("11:30:00") - first
