"""Tickets by command on a ledger at rest: what is recorded, what is refused, and what the month comes to."""

import csv
import io
import json
from typing import Any

import pytest

from monitor.incidents.asked import Asked
from monitor.resting import rest
from monitor.settings import load
from tests.core.worked import at
from tests.declare.office import DOWN, Office

BY = ("--by", "contact centre")


def opened(office: Office, *arguments: str, kind: str = "incident") -> Any:
    return office.act(kind, "open", *BY, *arguments)


def refused(office: Office, *arguments: str) -> str:
    done = office.run(*arguments)
    assert done.status == 2, done
    assert done.err.count("\n") == 1
    return done.err.strip()


def clock(ticket: Any, which: str) -> Any:
    return next(one for one in ticket["clocks"] if one["clock"] == which)


def month(office: Office) -> Any:
    return office.figures()["tickets"]


def test_a_critical_incident_runs_216_minutes_from_its_record(office: Office) -> None:
    office.now = at("2026-11-11T10:00:05")
    ticket = opened(office, "--priority", "P1", "--channel", "email", "--id", "T-1")
    assert (ticket["state"], ticket["recorded"]) == ("recorded", "2026-11-11T10:00:05+07:00")
    assert clock(ticket, "response")["deadline"] == "2026-11-11T10:30:05+07:00"
    assert clock(ticket, "resolution")["deadline"] == "2026-11-11T13:36:05+07:00"
    assert clock(ticket, "resolution")["left_seconds"] == 216 * 60


@pytest.mark.parametrize(
    ("resolved", "outcome"), [("2026-11-11T13:36:05", "within"), ("2026-11-11T13:36:05.000001", "missed")]
)
def test_exactly_the_target_is_within_it(office: Office, resolved: str, outcome: str) -> None:
    office.now = at("2026-11-11T14:00")
    opened(office, "--priority", "P1", "--id", "T-1", "--recorded", "2026-11-11T10:00:05")
    ticket = office.act("incident", "resolve", "T-1", "--at", resolved, *BY)
    assert clock(ticket, "resolution")["outcome"] == outcome
    assert month(office)["resolutions"][outcome] == 1


def test_what_is_open_is_undetermined_and_once_its_deadline_has_passed_missed(office: Office) -> None:
    office.now = at("2026-11-11T10:00")
    opened(office, "--priority", "P1", "--channel", "email")
    office.now = at("2026-11-11T13:36")
    figures = month(office)
    assert (figures["responses"]["missed"], figures["resolutions"]["undetermined"]) == (1, 1)
    assert (figures["responses"]["verdict"], figures["resolutions"]["verdict"]) == ("missed", "undetermined")
    office.now += 1
    assert month(office)["resolutions"]["verdict"] == "missed"


def test_ninety_nine_in_a_hundred_is_the_promise(office: Office) -> None:
    office.now = at("2026-11-11T12:00")
    imported(office, [("11:00" if number == 0 else "10:00") for number in range(100)])
    figures = month(office)["resolutions"]
    assert (figures["within"], figures["missed"], figures["share_percent"], figures["verdict"]) == (99, 1, 99.0, "met")
    opened(office, "--priority", "P1", "--id", "late", "--recorded", "2026-11-11T07:00")
    office.act("incident", "resolve", "late", "--at", "2026-11-11T11:00", *BY)
    assert month(office)["resolutions"]["verdict"] == "missed"


def imported(office: Office, resolved: list[str]) -> None:
    """P1 incidents of 07:00, each resolved at that time."""
    rows = [
        {"id": f"T-{number}", "priority": "P1", "recorded": "2026-11-11T07:00", "resolved": f"2026-11-11T{time}"}
        for number, time in enumerate(resolved)
    ]
    file = office.place / "tickets.json"
    file.write_text(json.dumps(rows), encoding="utf-8")
    assert office.run("import", "tickets", str(file), *BY).status == 0


def test_a_list_is_made_ticket_by_ticket_so_that_checks_go_on_in_between(office: Office) -> None:
    office.now = at("2026-11-11T12:00")
    imported(office, ["10:00"] * 3)
    with rest(load(office.configuration)) as resting:
        made = resting.desk.tickets.listing(Asked(), office.now)
        assert [len(made.document["tickets"]) for _ in made.steps()] == [1, 2, 3]
        assert made.document == resting.desk.tickets.listed(Asked(), office.now)


def test_requests_and_complaints_are_things_of_their_own(office: Office) -> None:
    opened(office, "--priority", "high", kind="request")
    complaint = opened(office, "--agency", "กรมบัญชีกลาง", kind="complaint")
    assert (complaint["priority"], complaint["clocks"], complaint["agency"]) == (None, [], "กรมบัญชีกลาง")
    assert month(office)["recorded"] == {"request": 1, "complaint": 1}
    assert refused(office, "incident", "respond", complaint["id"], *BY).startswith("there is no incident CMP-2026")
    listed = office.act("request", "list")["tickets"]
    assert [one["id"] for one in listed] == ["REQ-20261110-1"]


def test_a_ticket_goes_its_way_and_each_step_is_a_fact(office: Office) -> None:
    office.now = at("2026-11-11T09:00")
    identity = opened(office, "--priority", "P2", "--channel", "telephone")["id"]
    assert office.act("incident", "respond", identity, *BY)["state"] == "responded"
    office.now = at("2026-11-11T11:00")
    assert office.act("incident", "resolve", identity, *BY)["state"] == "resolved"
    assert refused(office, "incident", "close", identity, *BY) == (
        "say with whom it was closed, or that the reporter was not reached"
    )
    closed = office.act("incident", "close", identity, "--with", "help desk of the agency", *BY)
    assert (closed["state"], closed["closed_with"]) == ("closed", "help desk of the agency")
    assert [link.fact.kind for link in office.facts() if link.fact.kind.startswith("ticket")] == [
        "ticket_rules", "ticket_opened", "ticket_step", "ticket_step", "ticket_step",
    ]  # fmt: skip
    assert {body["by"] for body in office.bodies("ticket_step")} == {"contact centre"}


def test_a_correction_says_why_and_the_first_word_stays(office: Office) -> None:
    office.now = at("2026-11-11T09:00")
    identity = opened(office, "--priority", "P2", "--channel", "email")["id"]
    office.now = at("2026-11-11T11:00")
    office.act("incident", "respond", identity, *BY)
    again = ("incident", "respond", identity, "--at", "2026-11-11T09:10", *BY)
    assert refused(office, *again) == (
        f"{identity} was responded at 2026-11-11T11:00:00+07:00; to correct that give a reason"
    )
    ticket = office.act(*again, "--reason", "the telephone log says 09:10")
    assert (clock(ticket, "response")["outcome"], ticket["corrections"]) == ("within", 1)
    assert len(office.bodies("ticket_step")) == 2
    changed = office.act("incident", "change", identity, "--priority", "P1", "--reason", "all users", *BY)
    assert (changed["priority"], changed["corrections"]) == ("P1", 2)


def test_one_that_was_none_counts_no_more_and_is_still_told(office: Office) -> None:
    identity = opened(office, "--priority", "P1")["id"]
    office.act("incident", "withdraw", identity, "--reason", "a test call", *BY)
    figures = month(office)
    assert (figures["withdrawn"], figures["recorded"], figures["resolutions"]["verdict"]) == (1, {}, "none")
    assert refused(office, "incident", "resolve", identity, *BY) == f"{identity} is withdrawn: a test call"


def test_what_was_not_resolved_after_all_runs_on(office: Office) -> None:
    office.now = at("2026-11-11T09:00")
    identity = opened(office, "--priority", "P1")["id"]
    office.now = at("2026-11-11T10:00")
    office.act("incident", "resolve", identity, *BY)
    ticket = office.act("incident", "reopen", identity, "--reason", "it came back", *BY)
    assert (ticket["state"], clock(ticket, "resolution")["left_seconds"]) == ("recorded", 156 * 60)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("incident", "resolve", "T-1", "--at", "2026-11-11T08:00"), "resolved would be before it was recorded"),
        (("incident", "resolve", "T-1", "--at", "2027-01-01T00:00"), "at: 2027-01-01T00:00:00+07:00 has not come yet"),
        (("incident", "resolve", "T-9"), "there is no incident T-9; list shows them"),
        (("incident", "close", "T-1", "--with", "them"), "T-1 is not resolved yet"),
        (("incident", "open", "--priority", "P1", "--id", "T-1"), "incident T-1 is recorded already"),
        (("incident", "open", "--priority", "P1", "--id", "no id"), 'id: "no id" is not an id'),
        (("incident", "open", "--priority", "P1", "--outage", "mail-1"), "there is no outage mail-1"),
        (("incident", "change", "T-1", "--priority", "P2", "--reason", "x"), "nothing of T-1 would change"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(office: Office, arguments: tuple[str, ...], words: str) -> None:
    office.now = at("2026-11-11T09:00")
    opened(office, "--priority", "P2", "--id", "T-1")
    office.now = at("2026-11-11T09:30")
    assert refused(office, *arguments, *BY).startswith(words)


def test_an_excused_outage_is_no_missed_incident(office: Office) -> None:
    office.now = at("12:30")
    [outage] = office.figures()["outages"]
    opened(office, "--priority", "P1", "--id", "T-1", "--recorded", "2026-11-10T10:00:10", "--outage", outage["id"])
    office.act("incident", "resolve", "T-1", "--at", "2026-11-10T12:20", *BY)
    office.now = at("15:00")
    assert month(office)["resolutions"]["within"] == 1
    evidence = ("--category", "force_majeure", "--evidence", "flood report")
    exclusion = office.act("exclude", "add", "--outage", outage["id"], *evidence, "--by", "ops")
    assert month(office)["excused"] == 0
    office.act("approve", exclusion["id"], "--by", "boss")
    figures = month(office)
    assert (figures["excused"], figures["resolutions"]["verdict"]) == (1, "none")
    [listed] = office.act("incident", "list")["tickets"]
    assert (listed["excused"], listed["clocks"], listed["outages"]) == (True, [], [outage["id"]])
    assert at("10:00") == DOWN


def test_the_export_has_a_row_for_each_and_no_formula(office: Office) -> None:
    opened(office, "--priority", "P1", "--channel", "email", "--agency", "=cmd()")
    done = office.run("incident", "list", "--format", "csv")
    [row] = csv.DictReader(io.StringIO(done.out))
    assert (row["agency"], row["priority"], row["response_outcome"]) == ("'=cmd()", "P1", "undetermined")
    assert row["resolution_target_seconds"] == "12960"


def test_a_setting_changes_the_clock_of_what_is_recorded_from_then_on(office: Office) -> None:
    office.reload()
    opened(office, "--priority", "P1", "--id", "before")
    office.now += 60_000_000
    office.write(incidents={"clocks": {"P1": {"resolution": "1h"}}})
    office.reload()
    office.now += 60_000_000
    opened(office, "--priority", "P1", "--id", "after")
    tickets = office.act("incident", "list")["tickets"]
    listed = {one["id"]: clock(one, "resolution")["target_seconds"] for one in tickets}
    assert listed == {"before": 12960, "after": 3600}


def test_the_document_of_a_month_has_rows_readings_and_running_clocks(office: Office) -> None:
    opened(office, "--priority", "P3", "--channel", "email")
    figures = json.loads(json.dumps(month(office)))
    assert [(row["kind"], row["priority"], row["clock"]) for row in figures["rows"]] == [
        ("incident", "P3", "response"), ("incident", "P3", "resolution"),
    ]  # fmt: skip
    assert figures["readings"]["critical_runs"] == "always"
    assert [one["clock"] for one in figures["running"]] == ["response", "resolution"]


def test_the_table_of_a_month_says_how_much_was_within_target(office: Office) -> None:
    assert "tickets" not in office.figures()
    assert "within target" not in office.run("sla", "--month", "2026-11").out
    identity = opened(office, "--priority", "P1", "--channel", "email")["id"]
    office.now += 3_600_000_000
    office.act("incident", "resolve", identity, *BY)
    shown = office.run("sla", "--month", "2026-11").out
    assert "\nRecorded: 1 incident; excused 0, withdrawn 0\n" in shown
    assert "Responses within target: 0.000 % of 99 % promised (0 within, 1 missed, 0 undetermined): missed\n" in shown
    assert "Resolutions within target: 100.000 % of 99 % promised (1 within, 0 missed, 0 undetermined): met\n" in shown


def test_what_is_left_of_a_clock_is_told_in_hours_as_it_runs(office: Office) -> None:
    """Never in days, of which one in business hours has nine."""
    office.now = at("2026-11-11T08:00")
    opened(office, "--priority", "P4", "--channel", "email")
    opened(office, "--priority", "P1", "--channel", "email", "--id", "T-1")
    office.now = at("2026-11-11T11:36:30")
    shown = office.run("incident", "list").out
    assert "2 h 36 min of business hours over  20 h 53 min of business hours left\n" in shown
    assert "3 h 06 min over" in shown
    assert "0 h 00 min over\n" in shown
