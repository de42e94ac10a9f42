"""Windows declared by command on a ledger at rest: what they excuse, and what is left of them in the ledger."""

import pytest

from monitor.core.instants import DAY
from tests.core.worked import at
from tests.declare.office import Office, outage

OPS = ("--by", "ops")
LATER = ("--start", "2026-11-12T10:30", "--end", "2026-11-12T11:30")


def add(*arguments: str) -> tuple[str, ...]:
    return ("maintenance", "add", "--reason", "upgrade", *OPS, *arguments)


def test_without_a_declaration_all_downtime_counts(office: Office) -> None:
    assert office.downtime() == 7200
    listed = office.run("maintenance", "list")
    assert (listed.status, listed.out) == (0, "No window is declared.\n")


def test_a_window_declared_in_advance_excuses_what_lies_in_it(office: Office) -> None:
    window = office.act(*add(*LATER, "--id", "CHG-1"))
    assert (window["late"], window["retroactive_seconds"], window["would_excuse"]) == (False, 0, [])
    assert window["excuses"] == ["2026-11-12T10:30:00+07:00", "2026-11-12T11:30:00+07:00"]
    office.feed(outage(at("2026-11-12T10:00"), at("2026-11-12T12:00")))
    office.now = at("2026-11-12T12:30")
    figures = office.figures()
    assert (figures["downtime_seconds"], figures["excused_seconds"]) == (7200 + 3600, 3600)


def test_a_window_for_the_past_excuses_only_once_another_approves_it(office: Office) -> None:
    declared = office.act(*add("--start", "2026-11-10T11:00", "--end", "2026-11-10T13:00", "--id", "CHG-2"))
    assert (declared["retroactive_seconds"], declared["approved_by"]) == (5400, None)
    assert office.downtime() == 7200
    approval = office.act("approve", "CHG-2", "--by", "boss")
    assert approval == {"id": "CHG-2", "approved_by": "boss", "attested_by_one": True}
    assert office.downtime() == 3600
    [listed] = office.act("maintenance", "list")["maintenance"]
    assert (listed["id"], listed["approved_by"], listed["attested_by_one"]) == ("CHG-2", "boss", True)


def test_a_clock_set_back_declares_nothing_in_advance_of_what_is_recorded(office: Office) -> None:
    office.now = at("09:00")
    declared = office.act(*add("--start", "2026-11-10T10:00", "--end", "2026-11-10T12:00", "--id", "CHG-3"))
    assert (declared["retroactive_seconds"], declared["excuses"]) == (7200, None)
    office.now = at("12:30")
    assert office.downtime() == 7200
    assert office.verified().differences == ()


def test_a_dry_run_shows_what_the_window_would_excuse_and_records_nothing(office: Office) -> None:
    facts = office.facts()
    late = ("--start", "2026-11-10T11:00", "--end", "2026-11-10T13:00")
    shown = office.run(*add(*late, "--dry-run"))
    assert (shown.status, shown.err) == (0, "")
    assert "Not recorded (dry run)" in shown.out
    assert "90 min lie before its declaration: they need an approval" in shown.out
    assert "once approved it excuses 60 min of mail in 2026-11" in shown.out
    assert office.facts() == facts
    assert office.run("maintenance", "list").out == "No window is declared.\n"


def test_what_a_window_would_excuse_is_what_it_excuses_once_approved(office: Office) -> None:
    late = ("--start", "2026-11-10T10:30", "--end", "2026-11-10T11:45", "--id", "CHG-2")
    preview = office.act(*add(*late, "--dry-run"))["would_excuse"]
    assert office.act(*add(*late))["would_excuse"] == preview
    office.act("approve", "CHG-2", "--by", "boss")
    assert preview == [{"service": "mail", "month": "2026-11", "seconds": office.figures()["excused_seconds"]}]
    assert preview[0]["seconds"] == 4500


def test_a_shortened_window_excuses_up_to_its_new_end(office: Office) -> None:
    office.act(*add(*LATER, "--id", "CHG-1"))
    office.act("maintenance", "shorten", "CHG-1", "--end", "2026-11-12T11:00", *OPS)
    office.feed(outage(at("2026-11-12T10:00"), at("2026-11-12T12:00")))
    office.now = at("2026-11-12T12:30")
    assert office.figures()["excused_seconds"] == 1800


def test_a_window_shortened_while_it_runs_keeps_what_has_passed(office: Office) -> None:
    office.act(*add(*LATER, "--id", "CHG-1"))
    *failures, back, again = outage(at("2026-11-12T10:00"), at("2026-11-12T12:00"))
    office.feed(failures)
    office.now = at("2026-11-12T11:15")
    office.act("maintenance", "shorten", "CHG-1", "--end", "2026-11-12T11:00", *OPS)
    office.feed([back, again])
    office.now = at("2026-11-12T12:30")
    assert office.figures()["excused_seconds"] == 2700


def test_a_cancelled_window_excuses_nothing_from_then_on_and_stays_in_the_list(office: Office) -> None:
    office.act(*add(*LATER, "--id", "CHG-1"))
    office.now = at("2026-11-12T10:45")
    office.act("maintenance", "cancel", "CHG-1", *OPS)
    office.feed(outage(at("2026-11-12T10:00"), at("2026-11-12T12:00")))
    office.now = at("2026-11-12T12:30")
    assert office.figures()["excused_seconds"] == 900
    [listed] = office.act("maintenance", "list")["maintenance"]
    assert listed["cancelled"]
    assert "cancelled" in office.run("maintenance", "list").out


def test_an_id_may_be_declared_anew_once_its_window_is_cancelled(office: Office) -> None:
    office.act(*add(*LATER, "--id", "CHG-1"))
    office.act("maintenance", "cancel", "CHG-1", *OPS)
    office.act(*add(*LATER, "--id", "CHG-1"))
    listed = office.act("maintenance", "list")["maintenance"]
    assert [(one["id"], one["cancelled"]) for one in listed] == [("CHG-1", True), ("CHG-1", False)]


def test_a_recurring_window_excuses_each_of_its_occurrences(office: Office) -> None:
    rule = ("--rrule", "FREQ=DAILY;COUNT=2", "--start", "2026-11-12T10:30", "--duration", "30m")
    office.act(*add(*rule))
    for day in (12, 13, 14):
        office.feed(outage(at(f"2026-11-{day}T10:00"), at(f"2026-11-{day}T12:00")))
    office.now = at("2026-11-14T12:30")
    assert office.figures()["excused_seconds"] == 2 * 1800


def test_a_window_of_another_target_excuses_nothing_of_this_one(office: Office) -> None:
    webmail = {"name": "web", "type": "smtp", "host": "127.0.0.1", "port": 26, "tls": "none", "counts": False}
    smtp = {"name": "smtp", "type": "smtp", "host": "127.0.0.1", "port": 25, "tls": "none"}
    office.write(services=[{"name": "mail", "targets": [smtp, webmail]}])
    office.act(*add(*LATER, "--scope", "mail/web"))
    office.feed(outage(at("2026-11-12T10:00"), at("2026-11-12T12:00")))
    office.now = at("2026-11-12T12:30")
    assert office.figures()["excused_seconds"] == 0


def test_a_local_time_is_read_in_the_zone_of_the_agreement_and_shown_with_its_offset(office: Office) -> None:
    assert office.act(*add(*LATER))["start"] == "2026-11-12T10:30:00+07:00"
    assert office.act(*add("--start", "2026-11-13T03:30Z", "--end", "2026-11-13T05:30+01:00"))["start"] == (
        "2026-11-13T10:30:00+07:00"
    )


@pytest.mark.parametrize(("policy", "excused"), [("excuse", 3600), ("refuse", 0)])
def test_a_window_declared_with_too_little_notice_is_late_and_the_policy_says_what_of_it(
    policy: str, excused: int, office: Office
) -> None:
    office.write(maintenance_policy={"notice": "72h", "late": policy})
    office.feed(outage(at("2026-11-11T10:00"), at("2026-11-11T12:00")))  # puts the policy in force
    office.now = at("2026-11-11T12:30")
    window = office.act(*add(*LATER, "--id", "CHG-1"))
    assert window["late"]
    office.feed(outage(at("2026-11-12T10:00"), at("2026-11-12T12:00")))
    office.now = at("2026-11-12T12:30")
    assert office.figures()["excused_seconds"] == excused
    office.act("approve", "CHG-1", "--by", "boss")
    assert office.figures()["excused_seconds"] == 3600


def test_every_act_is_a_fact_of_its_own_and_none_before_it_is_touched(office: Office) -> None:
    kept = office.facts()
    for arguments in (
        add(*LATER, "--id", "CHG-1"),
        ("maintenance", "shorten", "CHG-1", "--end", "2026-11-12T11:00", *OPS),
        ("approve", "CHG-1", "--by", "boss"),
        ("maintenance", "cancel", "CHG-1", *OPS),
    ):
        office.act(*arguments)
        office.now += DAY // 24
        facts = office.facts()
        assert facts[:-1] == kept
        kept = facts
    assert [link.fact.kind for link in kept[-4:]] == [
        "window",
        "window_amended",
        "approval",
        "window_amended",
    ]
    assert office.verified().differences == ()


def test_who_declares_is_recorded_with_the_login_that_the_system_vouches_for(office: Office) -> None:
    office.act(*add(*LATER))
    [body] = office.bodies("window")
    assert (body["by"], body["source"]) == ("ops", "command")
    assert body["proof"].split()[0].isdigit()
