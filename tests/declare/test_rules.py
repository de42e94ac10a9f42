"""Rules that change between two runs: each stretch of time is judged by those in force then (R7)."""

from typing import Any

from tests.core.worked import at
from tests.declare.office import DOWN, Office, down, hourly, outage, up
from tests.e2e.written import smtp

SECOND = 1_000_000


def target(failures: int) -> dict[str, Any]:
    return {**smtp(25), "confirm": {"failures": failures}}


def service(failures: int = 3, **keys: Any) -> list[dict[str, Any]]:
    return [{"name": "mail", "targets": [target(failures)], **keys}]


def test_three_failures_stay_an_outage_when_later_it_takes_five(office: Office) -> None:
    office.write(services=service(5))
    later = at("2026-11-12T10:00")
    office.feed([*hourly(at("13:00"), later), *outage(later, at("2026-11-12T12:00"))])
    office.now = at("2026-11-12T12:30")
    figures = office.figures()
    assert (figures["downtime_seconds"], figures["blips"]) == (7200, {"count": 1, "seconds": 7200})
    assert [one["start"] for one in figures["outages"]] == ["2026-11-10T10:00:00+07:00"]
    assert office.verified().differences == ()


def test_a_blip_stays_one_when_later_two_failures_are_enough(office: Office) -> None:
    start = at("14:00")
    two = [*down(start, start + 5 * SECOND), *up(start + 600 * SECOND)]
    office.feed(two)
    office.write(services=service(2))
    start = at("16:00")
    office.feed([*up(at("15:00")), *down(start, start + 5 * SECOND), *up(at("17:00"), at("17:00:05"))])
    office.now = at("17:30")
    figures = office.figures()
    assert (figures["downtime_seconds"], figures["blips"]) == (7200 + 3600, {"count": 1, "seconds": 600})
    assert office.verified().differences == ()


def test_a_second_target_that_one_of_two_may_fail_for_does_not_change_what_was_down_before(
    office: Office,
) -> None:
    other = {**target(3), "name": "other", "port": 26}
    office.write(services=[{"name": "mail", "targets": [target(3), other], "down_when": "all"}])
    later = at("2026-11-12T10:00")
    office.feed([*hourly(at("13:00"), later), *outage(later, at("2026-11-12T12:00"))])
    office.now = at("2026-11-12T12:30")
    figures = office.figures()
    assert figures["downtime_seconds"] == 7200
    assert [one["start"] for one in figures["outages"]] == ["2026-11-10T10:00:00+07:00"]
    assert office.verified().differences == ()


def test_an_outage_that_a_change_of_rules_falls_into_is_judged_on_either_side_by_its_own(
    office: Office,
) -> None:
    start = at("2026-11-12T10:00")
    office.feed([*hourly(at("13:00"), start), *outage(start, at("2026-11-12T12:00"))[:3]])
    other = {**target(3), "name": "other", "port": 26}
    office.write(services=[{"name": "mail", "targets": [target(3), other], "down_when": "all"}])
    office.feed([*down(at("2026-11-12T11:00")), *up(at("2026-11-12T12:00"), at("2026-11-12T12:00:05"))])
    office.now = at("2026-11-12T12:30")
    assert office.downtime() == 7200 + 3600
    assert office.verified().differences == ()


def test_rules_are_recorded_once_and_again_only_where_they_change(office: Office) -> None:
    office.feed(hourly(at("13:00"), at("15:00")))
    assert len(office.facts("rules")) == 1
    office.write(services=service(5))
    office.feed(hourly(at("15:00"), at("17:00")))
    office.feed(hourly(at("17:00"), at("19:00")))
    [first, second] = office.facts("rules")
    assert first.fact.body["targets"]["mail/smtp"][0] == 3
    assert (second.fact.at, second.fact.body["targets"]["mail/smtp"][0]) == (at("15:00"), 5)


def test_a_changed_file_alone_changes_no_figure_before_a_daemon_runs_by_it(office: Office) -> None:
    office.write(services=service(5), sla={"timezone": "Asia/Bangkok", "availability": "99.9%"})
    assert office.downtime() == 7200
    assert office.figures()["objectives"]["availability"]["target_percent"] == 99.5
    assert at("10:00") == DOWN
