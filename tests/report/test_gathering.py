"""What a report says is what the ledger says."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from monitor.assembly import rules_of
from monitor.core.calendar import Month
from monitor.core.instants import HOUR, MINUTE, SECOND
from monitor.core.month import Objectives
from monitor.report.document import document_of
from monitor.report.gathering import MONTHS, UnknownServiceError, main_services
from monitor.report.model import binding
from monitor.settings import load
from tests.core.worked import ZONE, at
from tests.declare.office import Office
from tests.e2e.written import smtp, written
from tests.report.conftest import gathered

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("month", "stricter"),
    [("2026-02", "availability"), ("2028-02", "availability"), ("2026-11", "both"), ("2026-12", "downtime")],
)
def test_the_length_of_the_month_decides_which_promise_binds(month: str, stricter: str) -> None:
    start, end = Month.parse(month).span(ZONE)
    assert binding(Objectives(Fraction("99.5"), 216 * MINUTE), end - start) == stricter


def test_figures_outages_and_digest_are_those_that_the_command_sla_gives(closed: Office) -> None:
    document = document_of(gathered(closed), "en")
    (service,) = document["services"]
    said = closed.figures()
    assert {key: service[key] for key in said if key in service and key != "outages"} == {
        key: value for key, value in said.items() if key in service and key != "outages"
    }
    assert [one["id"] for one in service["outages"]] == [one["id"] for one in said["outages"]]
    assert (document["revision"], document["digest"]) == (said["revision"], said["digest"])
    assert document["status"] == "closed"
    assert document["agrees_with_ledger"] is True


def test_the_budget_burns_down_to_what_is_left(november: Office) -> None:
    (chapter,) = gathered(november).chapters
    points = list(chapter.remaining)
    assert points[0] == (at("2026-11-01T00:00"), 216 * MINUTE)
    assert (at("10:00"), 216 * MINUTE) in points
    assert (at("12:00"), 96 * MINUTE) in points
    assert points[-1] == (at("2026-12-01T00:00"), chapter.figures.remaining)
    assert chapter.figures.remaining == 96 * MINUTE  # nothing of the outage within maintenance


def test_time_that_nobody_watched_is_shown_where_it_lies(november: Office) -> None:
    (chapter,) = gathered(november).chapters
    assert chapter.unseen == [(at("2026-11-27T06:20"), at("2026-11-27T15:00"))]
    assert chapter.figures.verdict == "undetermined"


def test_maintenance_tells_what_it_took_out_and_an_exclusion_that_it_waits(november: Office) -> None:
    (chapter,) = gathered(november).chapters
    (window,) = chapter.maintenance
    assert (window.window.id, window.downtime, window.judgement.late) == ("CHG-1", 10 * MINUTE, False)
    (exclusion,) = chapter.exclusions
    assert (exclusion.downtime, exclusion.excuses) == (30 * MINUTE, False)


def test_a_correction_is_a_revision_with_its_reason_and_what_it_changed(closed: Office) -> None:
    first, second = gathered(closed).revisions
    assert (first.number, first.changes) == (1, ())
    assert (second.number, second.reason) == (2, "approve EXC-1")
    (change,) = second.changes
    assert (change.service, change.before, change.after) == ("mail", 2 * HOUR, 2 * HOUR - 30 * MINUTE)
    assert closed.run("verify", "--head", second.link).status == 0


def test_a_figure_that_is_not_the_one_on_record_is_told(closed: Office) -> None:
    with closed.tampering() as connection:
        connection.execute("UPDATE facts SET body = replace(body, '7200000000', '7200000001') WHERE kind = 'closing'")
        connection.execute("UPDATE facts SET body = replace(body, '5400000000', '5400000001') WHERE kind = 'closing'")
    assert not gathered(closed).agrees


def test_twelve_months_end_with_this_one(november: Office) -> None:
    (chapter,) = gathered(november).chapters
    assert len(chapter.history) == MONTHS
    assert [str(one.month) for one in (chapter.history[0], chapter.history[-1])] == ["2025-12", "2026-11"]
    assert [one.since is not None for one in chapter.history] == [False] * 11 + [True]


def test_a_month_before_the_first_check_has_no_data_and_is_not_met(november: Office) -> None:
    report = gathered(november, "2025-01")
    (chapter,) = report.chapters
    assert not chapter.watched
    assert chapter.figures.verdict == "undetermined"


@pytest.mark.parametrize(("now", "status"), [("2026-11-30T23:59:59", "running"), ("2026-12-01T00:00:00", "open")])
def test_a_month_is_running_up_to_its_last_instant(office: Office, now: str, status: str) -> None:
    office.now = at(now)
    assert gathered(office).status == status


def test_a_service_has_a_chapter_unless_its_targets_are_all_anothers() -> None:
    rules = rules_of(load(ROOT / "config" / "mailgothai.yaml"))
    assert main_services(rules) == ["mailgothai"]


def test_services_that_have_nothing_in_common_have_a_chapter_each(tmp_path: Path) -> None:
    path = written(tmp_path, smtp(25), port=9)
    document = json.loads(path.read_text())
    document["services"] += [{"name": "web", "targets": [{**smtp(25), "name": "front"}]}]
    path.write_text(json.dumps(document))
    assert main_services(rules_of(load(path))) == ["mail", "web"]


def test_a_service_that_is_not_there_is_refused_with_those_that_are(office: Office) -> None:
    with pytest.raises(UnknownServiceError, match='no service "nope" in that month; among others there is: mail'):
        gathered(office, only="nope")


def test_what_was_told_at_a_closing_stays_when_the_running_month_goes_on(closed: Office) -> None:
    """The report of a closed month depends on nothing that comes later."""
    before = document_of(gathered(closed), "th")
    closed.now += 90 * SECOND
    assert document_of(gathered(closed), "th") == before


def test_incidents_and_requests_are_judged_as_the_command_sla_judges_them(office: Office) -> None:
    office.now = at("09:00")
    office.act("incident", "open", "--priority", "P2", "--channel", "email", "--id", "INC-7", "--by", "desk")
    office.act("request", "open", "--priority", "low", "--channel", "web", "--id", "REQ-8", "--by", "desk")
    office.now = at("09:10")
    office.act("incident", "respond", "INC-7", "--by", "desk")
    office.now = at("12:30")
    tickets = document_of(gathered(office), "en")["tickets"]
    said = office.run("sla", "--month", "2026-11", "--format", "json").document["tickets"]
    assert tickets == {key: said[key] for key in tickets}
    assert tickets["recorded"] == {"incident": 1, "request": 1}
    assert tickets["responses"]["within"] == 1
