"""A closed month keeps its tickets' figures and the holidays that it was judged by; later words make revisions."""

from typing import Any

from monitor.core.instants import DAY
from tests.core.worked import at
from tests.declare.office import Office, hourly

BY = ("--by", "contact centre")
CLOSED = at("2026-12-08T12:00")


def closings(office: Office) -> list[dict[str, Any]]:
    return office.bodies("closing")


def closed(office: Office) -> None:
    """A P4 of Friday 27 November, 24 business hours of which end on 2 December at 14:29, and the month's closing."""
    office.feed(hourly(at("2026-11-11T00:00"), at("2026-11-27T00:00")))
    office.now = at("2026-11-27T17:29")
    office.act("incident", "open", "--priority", "P4", "--id", "T-4", *BY)
    office.now = CLOSED
    office.act("request", "open", "--priority", "low", "--id", "R-1", *BY)


def test_a_closed_month_holds_its_figures_and_the_holidays_up_to_then(office: Office) -> None:
    closed(office)
    [body] = closings(office)
    assert body["tickets"]["rows"] == {"incident/P4/resolution": [0, 1, 0], "incident/P4/response": [0, 1, 0]}
    assert body["holidays"] == ["2026-12-05", "2026-12-07"]
    assert office.run("verify").status == 0


def test_a_later_word_on_a_ticket_makes_a_revision_with_its_reason(office: Office) -> None:
    closed(office)
    office.now += DAY
    office.act("incident", "resolve", "T-4", "--at", "2026-12-02T14:29", *BY)
    _, body = closings(office)
    assert (body["revision"], body["reason"]) == (2, "ticket.resolve T-4")
    assert body["tickets"]["rows"]["incident/P4/resolution"] == [1, 0, 0]
    assert body["services"] == closings(office)[0]["services"]
    verified = office.verified()
    assert (verified.differences, verified.months) == ((), 1)


def test_a_day_declared_a_holiday_afterwards_changes_open_months_only(office: Office) -> None:
    """With 30 November a holiday the P4 would have had until 3 December."""
    closed(office)
    office.write(calendar={"add": ["2026-11-30", "2026-12-02"]})
    office.now += DAY
    office.act("incident", "resolve", "T-4", "--at", "2026-12-02T14:30", *BY)
    [*_, last] = closings(office)
    assert last["holidays"] == ["2026-12-02", "2026-12-05", "2026-12-07"]
    assert last["tickets"]["rows"]["incident/P4/resolution"] == [1, 0, 0]
    office.write(calendar={"add": ["2026-11-30"]})
    assert office.figures()["tickets"]["resolutions"]["missed"] == 1


def test_a_figure_that_was_forged_is_found(office: Office) -> None:
    closed(office)
    with office.tampering() as connection:
        connection.execute(
            "UPDATE facts SET body = replace(body, '\"incident/P4/resolution\":[0,1,0]', "
            "'\"incident/P4/resolution\":[1,0,0]') WHERE kind = 'closing'"
        )
    assert any("tickets: recorded as" in one for one in office.verified().differences)
