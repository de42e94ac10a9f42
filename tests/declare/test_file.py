"""Declarations in the configuration: what a start or a reload makes of new, edited and missing ones (R14, R15)."""

from typing import Any

from tests.core.worked import at
from tests.declare.office import Office, outage

FIRST = {"start": "2026-11-12T10:30+07:00", "end": "2026-11-12T11:30+07:00", "reason": "upgrade", "by": "ops"}
SEEN = at("2026-11-11T09:00")


def declare(office: Office, *windows: dict[str, Any], now: int = SEEN) -> None:
    office.now = now
    office.write(maintenance=list(windows))
    assert office.reload() == []


def struck(office: Office) -> float:
    """Excused seconds of an outage of 12 November, 10:00 to 12:00."""
    office.feed(outage(at("2026-11-12T10:00"), at("2026-11-12T12:00")))
    office.now = at("2026-11-12T12:30")
    excused: float = office.figures()["excused_seconds"]
    return excused


def test_a_window_in_the_file_is_declared_when_it_is_first_seen(office: Office) -> None:
    declare(office, FIRST)
    [listed] = office.act("maintenance", "list")["maintenance"]
    assert (listed["declared"], listed["source"], listed["late"]) == (
        "2026-11-11T09:00:00+07:00",
        "file",
        False,
    )
    assert struck(office) == 3600


def test_the_same_file_declares_nothing_twice(office: Office) -> None:
    declare(office, FIRST)
    before = office.facts()
    for hours in range(1, 4):
        declare(office, FIRST, now=SEEN + hours * 3_600_000_000)
    assert office.facts() == before


def test_what_is_claimed_of_an_earlier_day_counts_from_when_it_was_seen(office: Office) -> None:
    declare(office, {**FIRST, "declared": "2026-11-01T09:00+07:00"}, now=at("2026-11-12T11:00"))
    [listed] = office.act("maintenance", "list")["maintenance"]
    assert listed["declared"] == "2026-11-12T11:00:00+07:00"
    assert listed["retroactive_seconds"] == 1800
    assert struck(office) == 1800


def test_what_is_claimed_of_a_later_day_counts_from_then(office: Office) -> None:
    declare(office, {**FIRST, "declared": "2026-11-12T11:00+07:00"})
    assert struck(office) == 1800


def test_a_window_gone_from_the_file_is_cancelled_then(office: Office) -> None:
    declare(office, FIRST)
    declare(office, now=at("2026-11-12T10:45"))
    [listed] = office.act("maintenance", "list")["maintenance"]
    assert listed["cancelled"]
    assert struck(office) == 900


def test_an_edited_window_is_cancelled_and_declared_anew(office: Office) -> None:
    declare(office, FIRST)
    declare(office, {**FIRST, "end": "2026-11-12T12:00+07:00"}, now=at("2026-11-12T11:00"))
    listed = office.act("maintenance", "list")["maintenance"]
    assert [one["cancelled"] for one in listed] == [True, False]
    assert [one["declared"] for one in listed] == ["2026-11-11T09:00:00+07:00", "2026-11-12T11:00:00+07:00"]
    # The old one up to the reload, the new one from then on
    assert struck(office) == 1800 + 3600


def test_an_edited_window_that_keeps_its_id_is_cancelled_and_declared_anew(office: Office) -> None:
    declare(office, {**FIRST, "id": "CHG-1"})
    declare(office, {**FIRST, "id": "CHG-1", "reason": "storage"}, now=at("2026-11-11T10:00"))
    listed = office.act("maintenance", "list")["maintenance"]
    assert [(one["reason"], one["cancelled"]) for one in listed] == [("upgrade", True), ("storage", False)]
    assert struck(office) == 3600


def test_a_window_that_comes_back_into_the_file_is_declared_anew(office: Office) -> None:
    declare(office, FIRST)
    declare(office, now=at("2026-11-11T10:00"))
    declare(office, FIRST, now=at("2026-11-11T11:00"))
    assert [one["cancelled"] for one in office.act("maintenance", "list")["maintenance"]] == [True, False]
    assert struck(office) == 3600


def test_windows_declared_by_command_are_not_of_the_file_and_stay(office: Office) -> None:
    span = ("--start", "2026-11-12T10:30", "--end", "2026-11-12T11:30")
    office.now = SEEN
    office.act("maintenance", "add", *span, "--reason", "upgrade", "--by", "ops")
    before = office.bodies("window")
    declare(office)
    assert office.bodies("window") == before
    assert office.facts("window_amended", "exclusion_withdrawn") == []
    assert struck(office) == 3600


def test_a_window_of_the_file_shortened_by_command_stays_shortened(office: Office) -> None:
    declare(office, {**FIRST, "id": "CHG-1"})
    office.act("maintenance", "shorten", "CHG-1", "--end", "2026-11-12T11:00", "--by", "ops")
    declare(office, {**FIRST, "id": "CHG-1"}, now=at("2026-11-11T12:00"))
    assert struck(office) == 1800


def test_a_window_of_the_file_cancelled_by_command_stays_cancelled_while_it_stands_there(
    office: Office,
) -> None:
    declare(office, {**FIRST, "id": "CHG-1"})
    office.act("maintenance", "cancel", "CHG-1", "--by", "ops")
    before = office.facts()
    declare(office, {**FIRST, "id": "CHG-1"}, now=at("2026-11-11T12:00"))
    assert office.facts() == before
    assert struck(office) == 0


def test_an_exclusion_in_the_file_is_recorded_once_and_withdrawn_with_its_line(office: Office) -> None:
    [found] = office.figures()["outages"]
    asked = {"outage": found["id"], "category": "customer", "evidence": "mail 7", "by": "ops", "id": "EXC-1"}
    office.write(exclusions=[asked])
    assert (office.reload(), office.downtime()) == ([], 7200)
    office.act("approve", "EXC-1", "--by", "boss")
    assert office.downtime() == 0
    before = office.facts()
    assert office.reload() == []
    assert office.facts() == before
    office.write()
    office.reload()
    assert office.downtime() == 7200
    [listed] = office.act("exclude", "list")["exclusions"]
    assert listed["withdrawn"]


def test_an_exclusion_in_the_file_of_an_outage_that_was_not_is_told_and_the_rest_is_recorded(
    office: Office,
) -> None:
    wrong = {"outage": "mail-20261109T030000Z", "category": "customer", "evidence": "mail 7", "by": "ops"}
    office.write(exclusions=[wrong], maintenance=[FIRST])
    [line] = office.reload()
    assert "mail-20261109T030000Z" in line
    assert [link.fact.kind for link in office.facts("window", "exclusion")] == ["window"]


def test_an_approval_added_to_the_file_is_an_approval_attested_by_one(office: Office) -> None:
    declare(office, FIRST, now=at("2026-11-12T12:10"))
    assert struck(office) == 0
    declare(office, {**FIRST, "approved_by": "boss"}, now=at("2026-11-12T12:40"))
    assert office.figures()["excused_seconds"] == 3600
    [window] = office.act("maintenance", "list")["maintenance"]
    assert (window["approved_by"], window["attested_by_one"]) == ("boss", True)


def test_an_approval_reaches_nothing_unseen_that_has_the_same_id(office: Office) -> None:
    """Who looked at the window has not looked at the exclusion."""
    span = (
        "--start",
        "2026-11-10T10:30",
        "--end",
        "2026-11-10T11:00",
        "--category",
        "customer",
        "--evidence",
        "mail 7",
    )
    office.act("exclude", "add", *span, "--id", "CHG-5", "--by", "alice")
    declare(office, {**FIRST, "id": "CHG-5"}, now=at("2026-11-12T12:40"))
    before = office.facts()
    done = office.run("approve", "CHG-5", "--by", "boss")
    assert (done.status, done.err.count("\n"), office.facts()) == (2, 1, before)
    assert "a maintenance and an exclusion" in done.err
    office.act("exclude", "withdraw", "CHG-5", "--by", "alice")
    assert office.act("approve", "CHG-5", "--by", "boss")["approved_by"] == "boss"
