"""What may be asked beside the figures: a time to look from, exclusions, other rules, other formats."""

import csv
import io
from pathlib import Path

import pytest

from tests.core.worked import at, every, minutely, up
from tests.replay.commands import Desk, Document

OUTAGE = [up(at("10:00")), *every(5, "10:01:00", "10:30:55"), up(at("10:31:00")), up(at("10:31:05"))]
IDENTITY = "mail-20261110T030100Z"
UNTIL = ("--until", "2026-11-10T10:10")


def flickering(desk: Desk) -> Path:
    """A target `t` that is down for 120 s, up for two checks, and down for 170 s; another that is up."""
    desk.configure("t", "u")
    first, second = every(5, "10:01:00", "10:02:55"), every(5, "10:03:10", "10:05:55")
    ups = [up(at(f"10:{time}")) for time in ("03:00", "03:05", "06:00", "06:05")]
    calm = list(minutely(at("10:07"), at("10:10")))
    t = sorted([up(at("10:00")), *first, *ups, *second, *calm], key=lambda check: check.at)
    return desk.checks(t=t, u=minutely(at("10:00"), at("10:10")))


def exclusion(**more: str) -> Document:
    made = {"outage": IDENTITY, "category": "force_majeure", "evidence": "flood report", "by": "ops"}
    return {**made, "approved_by": "chief", **more}


def test_a_replay_at_a_time_sees_no_check_from_then_on(desk: Desk) -> None:
    checks = desk.checks(t=OUTAGE)
    found = desk.replay(checks, "--until", "2026-11-10T10:20:55").service
    (outage,) = found["outages"]
    assert (found["provisional"], found["until"]) == (True, "2026-11-10T10:20:55+07:00")
    assert (outage["end"], outage["ongoing"], outage["seconds"]) == (None, True, 20 * 60 - 5)
    assert outage["min_seconds"] == 20 * 60 - 10, "the check at the very time is not looked at"


def test_two_failures_before_the_time_are_suspect_and_no_downtime(desk: Desk) -> None:
    found = desk.replay(desk.checks(t=OUTAGE), "--until", "2026-11-10T10:01:06").service
    assert (found["downtime_seconds"], found["suspect"], found["verdict"]) == (0, ["mail/t"], "met")
    assert found["blips"] == {"count": 0, "seconds": 0}


def test_a_time_before_all_checks_leaves_nothing_to_judge(desk: Desk) -> None:
    done = desk.replay(desk.checks(t=OUTAGE), "--until", "2026-11-10T09:00+07:00")
    assert (done.status, done.service["verdict"], done.service["since"]) == (0, "undetermined", None)


def test_nothing_is_needed_but_the_files(desk: Desk) -> None:
    """Neither the passwords that the configuration refers to, nor a ledger, nor a daemon."""
    before = {*desk.directory.iterdir(), desk.directory / "checks.jsonl"}
    assert desk.replay(desk.checks(t=OUTAGE)).status == 0
    assert set(desk.directory.iterdir()) == before


@pytest.mark.parametrize("where", ["file", "configuration"])
def test_an_excluded_outage_is_excused_whole(desk: Desk, where: str) -> None:
    checks = desk.checks(t=OUTAGE)
    if where == "file":
        done = desk.replay(checks, "--exclusions", desk.lists("exclusions.json", exclusion()))
    else:
        desk.configure("t", exclusions=[exclusion()])
        done = desk.replay(checks)
    assert (done.service["downtime_seconds"], done.service["excused_seconds"]) == (0, 30 * 60)
    assert done.service["outages"][0]["id"] == IDENTITY


def test_an_exclusion_that_nobody_else_approved_excuses_nothing(desk: Desk) -> None:
    listed = desk.lists("exclusions.json", exclusion(approved_by="ops"))
    assert desk.replay(desk.checks(t=OUTAGE), "--exclusions", listed).service["downtime_seconds"] == 30 * 60


def test_an_exclusion_by_span_excuses_what_lies_in_it(desk: Desk) -> None:
    span = {"start": "2026-11-10T10:00", "end": "2026-11-10T10:11", "scope": "mail"}
    rest = {key: value for key, value in exclusion().items() if key != "outage"}
    listed = desk.lists("exclusions.json", {**rest, **span})
    assert desk.replay(desk.checks(t=OUTAGE), "--exclusions", listed).service["downtime_seconds"] == 20 * 60


@pytest.mark.parametrize("outage", ["mail-20261110T030101Z", "nail-20261110T030100Z", "outage-7", "mail"])
def test_an_exclusion_of_an_outage_that_the_checks_do_not_give_is_refused(desk: Desk, outage: str) -> None:
    listed = desk.lists("exclusions.json", exclusion(outage=outage))
    done = desk.replay(desk.checks(t=OUTAGE), "--exclusions", listed)
    assert (done.status, done.out, done.err.count("\n")) == (65, "", 1)
    assert done.err.startswith(f"{listed}: the checks give no outage {outage}; ")


@pytest.mark.parametrize(
    ("rule", "downtime"),
    [
        ("confirm.failures=30", 170),
        ("recover.successes=3", 300),
        ("stale_after=2s", 0),
        ("down_when=all", 0),
        ("down_when={at_least: 2}", 0),
        ("down_when=at_least:1", 290),
    ],
)
def test_other_rules_are_shown_beside_those_in_force(desk: Desk, rule: str, downtime: int) -> None:
    checks = flickering(desk)
    plain, done = (desk.replay(checks, *UNTIL, *more) for more in ((), ("--what-if", rule)))
    document = done.document
    other = document.pop("what_if")
    assert document == plain.document
    assert plain.service["downtime_seconds"] == 290
    assert other["services"][0]["downtime_seconds"] == downtime
    key, _, value = rule.partition("=")
    assert {key: str(one) for key, one in other["rules"].items()} == {key: value}


def test_other_promises_change_the_verdict_there_and_the_status_not(desk: Desk) -> None:
    rules = ("--what-if", "sla.availability=99.99%", "--what-if", "sla.downtime_budget = 4m")
    done = desk.replay(flickering(desk), *UNTIL, *rules)
    other = done.document["what_if"]
    assert (done.status, done.service["met"]) == (0, True)
    assert other["rules"] == {"sla.availability": "99.99%", "sla.downtime_budget": "4m"}
    (there,) = other["services"]
    assert there["verdict"] == "missed"
    assert there["objectives"]["availability"] == {"target_percent": 99.99, "met": False}
    assert there["objectives"]["downtime"] == {"target_seconds": 240, "met": False}


def test_a_recorded_voice_stands_whatever_stale_after_would_be(desk: Desk) -> None:
    checks = flickering(desk)
    checks.write_text(checks.read_text("utf-8").replace("}", ', "voice_seconds": 60}'), "utf-8")
    done = desk.replay(checks, *UNTIL, "--what-if", "stale_after=2s")
    assert done.document["what_if"]["services"] == done.document["services"]
    assert done.service["downtime_seconds"] == 290


def test_the_table_and_the_rows_show_both(desk: Desk) -> None:
    checks = flickering(desk)
    table = desk.replay(checks, *UNTIL, "--format", "table", "--what-if", "recover.successes=3").out
    in_force, other = table.split("\nWhat if recover.successes=3\n")
    assert "4 min 50 s" in in_force
    assert "4 min 50 s" not in other
    assert "5 min" in other
    rows = desk.replay(checks, *UNTIL, "--format", "csv", "--what-if", "recover.successes=3").out
    assert [(row["rules"], row["service"], row["downtime_seconds"]) for row in csv.DictReader(io.StringIO(rows))] == [
        ("in force", "mail", "290"),
        ("what if", "mail", "300"),
    ]


@pytest.mark.parametrize(
    ("rule", "part"),
    [
        ("confirm.failures", "a key and a value are expected; write it as in confirm.failures=2"),
        ("confirm.failure=2", 'there is no rule confirm.failure; did you mean "confirm.failures"?'),
        ("confirm.failures=0", "0 is not between 1 and 100"),
        ("recover.successes=two", 'not a whole number: "two"'),
        ("stale_after=2", 'not a duration: "2"; write a number with a unit'),
        ("stale_after=0s", "must be longer than 0s"),
        ("down_when=most", 'unknown rule "most"; known: any, all, {at_least: n}'),
        ("down_when={at_least: 3}", "down_when: mail has 2 that count, not 3; write 2 or less"),
        ("sla.availability=99.5", 'not a percentage: "99.5"; write it as in 99.5%'),
        ("sla.downtime_budget=", "not a duration"),
    ],
)
def test_a_rule_that_cannot_be_is_wrong_usage(desk: Desk, rule: str, part: str) -> None:
    done = desk.replay(flickering(desk), "--what-if", rule)
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith("--what-if ")
    assert part in done.err


def test_a_rule_is_given_once(desk: Desk) -> None:
    done = desk.replay(flickering(desk), *(["--what-if", "confirm.failures=2"] * 2))
    assert (done.status, done.err.count("\n")) == (2, 1)
    assert "confirm.failures stands there twice" in done.err
