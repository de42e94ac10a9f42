"""`mailuptime export openmetrics`: the past under the names of the live metrics, after every correction."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics import parser
from prometheus_client.parser import text_string_to_metric_families as of_text

from monitor import openmetrics
from monitor.core.book import Book, Horizon, Rules, TargetRule
from monitor.core.calendar import Month
from monitor.core.check import Check, Outcome
from monitor.core.instants import DAY, HOUR, MINUTE, SECOND
from monitor.core.month import Objectives
from monitor.core.service import Service
from tests.core.worked import STALE_AFTER, ZONE
from tests.deploy.scene import Scene
from tests.replay.commands import Desk, Done, run
from tests.replay.test_export import at, downs, record, ups

Samples = dict[tuple[str, str], dict[float, float]]
"""Values by time, by name and the labels that are asked for."""

TURN = at("2026-11-01T00:00")


@pytest.fixture
def turned(desk: Desk) -> Desk:
    """An outage over midnight of 2026-11-01, an hour of it in each month."""
    desk.configure("t")
    arrivals = [
        *ups("mail/t", "2026-10-31T20:00", "2026-10-31T23:00"),
        *downs("mail/t", "2026-10-31T23:00", "2026-11-01T01:00"),
        *ups("mail/t", "2026-11-01T01:00", "2026-11-01T03:00"),
    ]
    record(desk, arrivals, TURN)
    return desk


def families(text: str) -> Iterator[Metric]:
    """By the strict parser, which refuses samples that are out of order or not together."""
    found: Iterator[Metric] = parser.text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    return found


def export(desk: Desk, *arguments: str | Path, step: str = "30m") -> Done:
    given = ("--from", "2026-10-31T20:00", "--to", "2026-11-01T03:00", "--step", step)
    return run("export", "openmetrics", "-c", desk.configuration, *given, *arguments)


def samples(text: str, label: str) -> Samples:
    found: Samples = {}
    for family in families(text):
        for sample in family.samples:
            assert sample.timestamp is not None
            key = (sample.name, sample.labels.get(label, ""))
            found.setdefault(key, {})[float(sample.timestamp)] = sample.value
    return found


def seconds(text: str) -> float:
    return at(text) / SECOND


def test_the_budget_is_told_for_every_step_and_begins_anew_with_the_month(turned: Desk) -> None:
    """216 minutes less an hour, and full again after midnight."""
    left = samples(export(turned).out, "month")
    october = left["mailuptime_downtime_budget_remaining_seconds", "2026-10"]
    november = left["mailuptime_downtime_budget_remaining_seconds", "2026-11"]
    assert max(october) < TURN / SECOND <= min(november)
    assert october[seconds("2026-10-31T22:30")] == 216 * 60
    assert november[TURN / SECOND] == 216 * 60
    assert november[seconds("2026-11-01T02:00")] == pytest.approx(216 * 60 - 3600, abs=1)
    assert left["mailuptime_month_current", "2026-11"][TURN / SECOND] == 1


def test_states_seconds_and_outages_are_told(turned: Desk) -> None:
    """By the names and states that the daemon exports."""
    by_state = samples(export(turned).out, "state")
    midnight = TURN / SECOND
    assert by_state["mailuptime_service_state", "down"][midnight] == 1
    assert by_state["mailuptime_target_state", "up"][midnight] == 0
    assert by_state["mailuptime_state_seconds_total", "down"][seconds("2026-11-01T02:30")] == pytest.approx(7200, abs=1)
    starts = samples(export(turned).out, "target")["mailuptime_outage_start_timestamp_seconds", "t"]
    assert set(starts.values()) == {seconds("2026-10-31T23:00")}
    assert (min(starts), max(starts)) == (seconds("2026-10-31T23:00"), seconds("2026-11-01T00:30"))


def test_the_names_and_types_are_the_live_ones(turned: Desk) -> None:
    """And OpenMetrics' strict parser takes the whole."""
    live = {family.name: family.type for family in of_text(Scene().exposition().body.decode())}
    told = {family.name: family.type for family in families(export(turned).out)}
    assert told.items() <= live.items()
    assert len(told) >= 16


def test_a_correction_changes_the_past(turned: Desk) -> None:
    """What is excused afterwards is excused at every instant behind it."""
    before = samples(export(turned).out, "kind")["mailuptime_downtime_seconds", "counted"]
    span = ("--start", "2026-11-01T00:00", "--end", "2026-11-01T00:30", "--scope", "mail")
    reason = ("--category", "force_majeure", "--evidence", "flood", "--by", "ops")
    added = run("exclude", "add", "-c", turned.configuration, *span, *reason, "--format", "json")
    approved = run("approve", "-c", turned.configuration, added.document["id"], "--by", "manager")
    assert (added.status, approved.status) == (0, 0)
    after = samples(export(turned).out, "kind")["mailuptime_downtime_seconds", "counted"]
    at_two = seconds("2026-11-01T02:00")
    assert before[at_two] - after[at_two] == pytest.approx(1800)


def test_labels_of_the_scraping_prometheus_can_be_given(turned: Desk) -> None:
    """So that the past joins the present's series."""
    text = export(turned, "--label", "job=mailuptime", "--label", 'instance=a"b').out
    labels = {tuple(s.labels[k] for k in ("job", "instance")) for f in families(text) for s in f.samples}
    assert labels == {("mailuptime", 'a"b')}


def test_a_file_appears_whole_or_not_at_all(turned: Desk, tmp_path: Path) -> None:
    """Nothing is left of one that cannot be written."""
    written = tmp_path / "past.om"
    assert export(turned, "-o", written).status == 0
    assert written.read_text() == export(turned).out
    refused = export(turned, "-o", tmp_path / "nowhere" / "past.om")
    assert (refused.status, refused.err.count("\n")) == (73, 1)
    assert [path.name for path in tmp_path.glob("*.part")] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "2026-11-02T00:00", "--to", "2026-11-01T00:00"), "--to must be after --from"),
        (("--to", "2999-01-01T00:00"), "--to lies in the future"),
        (("--step", "5"), "--step: not a duration"),
        (("--step", "10ms"), "--step: at least 1s"),
        (("--label", "job"), "write NAME=VALUE"),
        (("--label", "month=x"), "a label month of their own"),
        (("--from", "2000-01-01T00:00", "--step", "1s"), "take --step"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_one_line(turned: Desk, arguments: tuple[str, ...], said: str) -> None:
    """With what to do about it, and nothing on standard output."""
    refused = export(turned, *arguments)
    assert refused.status == 2
    assert refused.out == ""
    assert said in refused.err
    assert refused.err.count("\n") == 1


def test_the_step_that_is_proposed_is_accepted(turned: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the refusal says to do, works."""
    monkeypatch.setattr(openmetrics, "MOST_SAMPLES", 1000)
    refused = export(turned, step="60s")
    step = refused.err.split("--step ")[1].split(",")[0]
    assert export(turned, step=step).status == 0


def test_what_a_service_of_services_weighs_is_what_it_weighed_then() -> None:
    """An agency that has grown since, and one that came later, change no month before."""
    october, november = (Month(2026, month) for month in (10, 11))

    def rules(**accounts: int) -> Rules:
        members = tuple(Service(name, 1, (f"{name}/t",), accounts=number) for name, number in accounts.items())
        services = {one.name: one for one in (*members, Service("all", 1, members=members))}
        targets = {f"{name}/t": TargetRule(1, 1, STALE_AFTER) for name in accounts}
        return Rules(ZONE, targets, services, dict.fromkeys(services, Objectives(Fraction("99.5"), 216 * MINUTE)))

    book = Book(rules(a=100, b=300))
    start, end = october.start(ZONE), november.plus(1).start(ZONE)
    for day in range(61):
        outcome = Outcome.DOWN if day in {3, 40} else Outcome.UP
        for name in ("a", "b"):
            cause = "timeout" if name == "a" and outcome is Outcome.DOWN else None
            book.record(
                f"{name}/t", Check(start + day * DAY, Outcome.DOWN if cause else Outcome.UP, 0, DAY, cause=cause)
            )
        if day == 33:
            book.change_rules(start + day * DAY + HOUR, rules(a=900, b=100, c=5))
    period = openmetrics.Period(start, end, DAY, end)
    exported = list(openmetrics._weighted(book, "all", period))
    for day, found in enumerate(exported):
        horizon = Horizon(start + day * DAY, now=True)
        expected = book.figures("all", october if day < 31 else november, horizon).availability_weighted
        assert found == pytest.approx(None if expected is None else float(expected / 100)), day
    assert exported[30] == pytest.approx(1 - DAY / (31 * DAY) * 100 / 400)
