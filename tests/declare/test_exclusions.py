"""Downtime excused after the fact: by span or by outage, never without another person's approval."""

from tests.core.worked import at
from tests.declare.office import Office

OPS = ("--by", "ops")
REASON = ("--category", "force_majeure", "--evidence", "flood report 12/2569")
SPAN = ("--start", "2026-11-10T10:30", "--end", "2026-11-10T11:00")


def exclude(*arguments: str) -> tuple[str, ...]:
    return ("exclude", "add", *REASON, *OPS, *arguments)


def test_an_exclusion_excuses_nothing_until_another_person_approves_it(office: Office) -> None:
    made = office.act(*exclude(*SPAN, "--id", "EXC-1"))
    assert (made["excuses"], made["approved_by"], office.downtime()) == (False, None, 7200)
    assert "not approved" in office.run("exclude", "list").out
    office.act("approve", "EXC-1", "--by", "boss")
    assert office.downtime() == 5400
    [listed] = office.act("exclude", "list")["exclusions"]
    assert (listed["excuses"], listed["by"], listed["approved_by"]) == (True, "ops", "boss")
    assert (listed["category"], listed["evidence"]) == ("force_majeure", "flood report 12/2569")


def test_what_somebody_writes_commands_no_terminal_and_forges_no_line(office: Office) -> None:
    office.act(
        "exclude", "add", *OPS, "--category", "customer", *SPAN, "--evidence", "mail\x1b[2J 7\nEXC-9", "--id", "EXC-1"
    )
    listed = office.run("exclude", "list").out
    assert "mail\\x1b[2J 7\\x0aEXC-9" in listed
    assert listed.count("\n") == 3
    assert "\x1b" not in listed


def test_an_exclusion_by_outage_has_its_span_and_its_service(office: Office) -> None:
    [outage] = office.figures()["outages"]
    made = office.act(*exclude("--outage", outage["id"], "--id", "EXC-1"))
    assert (made["start"], made["end"], made["scope"]) == (outage["start"], outage["end"], ["mail"])
    office.act("approve", "EXC-1", "--by", "boss")
    figures = office.figures()
    assert (figures["downtime_seconds"], figures["excused_seconds"]) == (0, 7200)
    assert figures["outages"][0]["excused_seconds"] == 7200


def test_a_withdrawn_exclusion_excuses_nothing_any_more_and_stays_in_the_list(office: Office) -> None:
    office.act(*exclude(*SPAN, "--id", "EXC-1"))
    office.act("approve", "EXC-1", "--by", "boss")
    withdrawn = office.run("exclude", "withdraw", "EXC-1", *OPS)
    assert (withdrawn.status, withdrawn.out) == (0, "EXC-1: withdrawn\n")
    assert office.downtime() == 7200
    [listed] = office.act("exclude", "list")["exclusions"]
    assert (listed["withdrawn"], listed["excuses"]) == (True, False)
    assert "withdrawn" in office.run("exclude", "list").out


def test_a_window_and_an_exclusion_of_the_same_time_excuse_it_once(office: Office) -> None:
    office.act(*exclude(*SPAN, "--id", "EXC-1"))
    office.act("approve", "EXC-1", "--by", "boss")
    window = ("--start", "2026-11-10T10:45", "--end", "2026-11-10T11:15", "--id", "CHG-1")
    office.act("maintenance", "add", "--reason", "upgrade", *OPS, *window)
    office.act("approve", "CHG-1", "--by", "boss")
    assert office.figures()["excused_seconds"] == 45 * 60


def test_every_step_of_an_exclusion_is_a_fact_and_verification_agrees(office: Office) -> None:
    kept = office.facts()
    office.act(*exclude(*SPAN, "--id", "EXC-1"))
    office.act("approve", "EXC-1", "--by", "boss")
    office.act("exclude", "withdraw", "EXC-1", *OPS)
    office.act(*exclude(*SPAN, "--id", "EXC-1"))
    facts = office.facts()
    assert facts[: len(kept)] == kept
    made = ["exclusion", "approval", "exclusion_withdrawn", "exclusion"]
    assert [link.fact.kind for link in facts[len(kept) :]] == made
    assert office.downtime() == 7200  # the approval was of the one that was withdrawn
    assert office.verified().differences == ()


def test_a_running_outage_is_excluded_up_to_now_and_what_follows_counts(office: Office) -> None:
    office.now = at("12:00")
    [outage] = office.act("outages", "--month", "2026-11")["outages"]
    office.act(*exclude("--outage", outage["id"], "--id", "EXC-1"))
    [body] = office.bodies("exclusion")
    assert (body["start"], body["end"]) == (at("10:00"), at("12:00"))


def test_what_an_exclusion_would_excuse_is_what_it_excuses_once_approved(office: Office) -> None:
    facts = office.facts()
    preview = office.act(*exclude(*SPAN, "--id", "EXC-1", "--dry-run"))["would_excuse"]
    assert office.facts() == facts
    assert office.act(*exclude(*SPAN, "--id", "EXC-1"))["would_excuse"] == preview
    office.act("approve", "EXC-1", "--by", "boss")
    assert preview == [{"service": "mail", "month": "2026-11", "seconds": office.figures()["excused_seconds"]}]
    assert preview[0]["seconds"] == 1800
    twice = office.act(*exclude(*SPAN, "--id", "EXC-2", "--dry-run"))
    assert twice["would_excuse"] == []  # no second is excused twice
