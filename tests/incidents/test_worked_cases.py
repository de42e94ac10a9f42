"""The worked cases of docs/INCIDENTS.md, read from its table, with the holidays that come with the program."""

import re
from pathlib import Path

import pytest

from monitor.core.instants import format_instant
from tests.core.worked import ZONE, at
from tests.declare.office import Office

PAGE = (Path(__file__).parents[2] / "docs" / "INCIDENTS.md").read_text(encoding="utf-8")
MOMENT = r"([-\d]+ [\d:]+)"
ROW = re.compile(rf"^\| \w{{3}} {MOMENT}[^|]*\| (\w+) (\w+) \| {MOMENT} \| {MOMENT} \| {MOMENT} \|$", re.MULTILINE)
CASES = ROW.findall(PAGE)
BY = ("--by", "contact centre")


def moment(text: str) -> str:
    return format_instant(at(text.replace(" ", "T")), ZONE)


def test_the_page_has_the_four_cases() -> None:
    assert [(kind, priority) for _, kind, priority, *_ in CASES] == [
        ("incident", "P1"), ("incident", "P3"), ("incident", "P4"), ("request", "high"),
    ]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[1]}-{case[2]}")
def test_a_clock_ends_when_the_page_says(office: Office, case: tuple[str, ...]) -> None:
    recorded, kind, priority, begins, answer, resolution = case
    office.now = at("2026-12-31T00:00")
    ticket = office.act(
        kind, "open", "--priority", priority, "--channel", "email", "--recorded", recorded.replace(" ", "T"), *BY
    )
    found = {one["clock"]: (one["begins"], one["deadline"]) for one in ticket["clocks"]}
    assert found == {
        "response": (moment(begins), moment(answer)),
        "resolution": (moment(begins), moment(resolution)),
    }


def test_a_reporter_who_is_not_reached(office: Office) -> None:
    assert "recorded on Friday 2026-12-04 at 10:00" in PAGE.replace("\n", " ")
    assert "2026-12-11 17:30" in PAGE
    office.now = at("2026-12-11T18:00")
    office.act("incident", "open", "--priority", "P3", "--id", "T", "--recorded", "2026-12-04T10:00", *BY)
    office.act("incident", "resolve", "T", "--at", "2026-12-04T11:00", *BY)
    early = office.run("incident", "close", "T", "--not-reached", "--at", "2026-12-11T17:29:59", *BY)
    assert early.err == "the reporter may still be reached until 2026-12-11T17:30:00+07:00\n"
    closed = office.act("incident", "close", "T", "--not-reached", "--at", "2026-12-11T17:30", *BY)
    assert (closed["state"], closed["not_reached"], closed["closed_with"]) == ("closed", True, None)
