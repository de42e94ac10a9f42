"""A real outage, as the daemon, a real Prometheus and the command line tell it, with the daemon running and without.

One outage is played for all of these tests; each looks at it from another side.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.deploy.prometheus import Prometheus
from tests.e2e.commands import Done, assert_refused, mailuptime
from tests.e2e.outage import (
    DEPENDENT,
    JUDGED,
    Truth,
    break_dovecot,
    exact,
    instant,
    mend_dovecot,
    service_of,
    wait_until_up,
)
from tests.lab import Lab
from tests.lab.configuration import configuration, free_port
from tests.lab.daemon import Daemon

COUNTED = 'mailuptime_downtime_seconds{sla_service="lab",kind="counted"}'


@dataclass(frozen=True)
class Meanwhile:
    """During the outage: the downtime that the daemon had before a scrape, that Prometheus scraped, and had after."""

    before: float
    scraped: float
    after: float
    start: float  # of IMAP's outage, as scraped
    daemon_start: float
    success: float


@dataclass(frozen=True)
class Story:
    configuration: Path
    daemon: Daemon
    prometheus: Prometheus
    truth: Truth
    meanwhile: Meanwhile
    figures: dict[str, Any]  # by the command, after all of it
    outage: dict[str, Any]

    def value(self, expression: str) -> float:
        """Prometheus' own answer: one series."""
        ((_, value),) = self.prometheus.query(expression)
        return value

    def ask(self, command: str, *arguments: str) -> Done:
        return mailuptime(command, "-c", self.configuration, *arguments)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Dovecot went and came back, and Prometheus has scraped what it came to; everything runs still."""
    place, port = tmp_path_factory.mktemp("outage"), free_port()
    with Lab(place / "lab") as lab, Daemon(configuration(lab, place, port), port) as daemon:
        wait_until_up(daemon)
        with Prometheus.scraping(urlsplit(daemon.url).netloc, place / "prometheus") as prometheus:
            prometheus.wait_for(f"{COUNTED} == 0")
            gone = break_dovecot(lab, daemon)
            meanwhile = compared(daemon, prometheus)
            truth = Truth(gone, mend_dovecot(lab, daemon))
            told = service_of(command(daemon, "sla"))
            prometheus.wait_for(f"{COUNTED} == {told['downtime_seconds']!r}")
            (outage,) = command(daemon, "outages")["outages"]
            yield Story(daemon.configuration, daemon, prometheus, truth, meanwhile, told, outage)


def command(daemon: Daemon, name: str) -> Any:
    return mailuptime(name, "-c", daemon.configuration, "--format", "json").document


def compared(daemon: Daemon, prometheus: Prometheus) -> Meanwhile:
    """The downtime as it grows: a value that was scraped lies between those that the daemon had around the scrape."""
    status = daemon.ask("status")
    before = downtime(status)
    # A scrape that has more than this was made after it.
    ((_, scraped),) = prometheus.wait_for(f"{COUNTED} > {before!r}")
    after = downtime(daemon.ask("status"))
    ((_, start),) = prometheus.query('mailuptime_outage_start_timestamp_seconds{target="imap"}')
    ((_, success),) = prometheus.query('mailuptime_probe_success{target="imap"}')
    (imap,) = (target for target in status["targets"] if target["target"] == "lab/imap")
    return Meanwhile(before, scraped, after, start, instant(imap["outage_start"]), success)


def downtime(status: dict[str, Any]) -> float:
    (service,) = status["services"]
    return float(service["figures"]["downtime_seconds"])


def test_the_truth_lies_inside_the_recorded_bounds(story: Story) -> None:
    bounds = {part["target"]: part for part in story.outage["bounds"]}
    assert [name for name in JUDGED if not story.truth.leaves_room(bounds[name])] == []


def test_the_outage_is_as_long_as_the_truth_within_its_least_and_most(story: Story) -> None:
    for name in JUDGED:
        (part,) = (part for part in story.outage["bounds"] if part["target"] == name)
        (first, last), (certain, outer) = (map(instant, part[key]) for key in ("start_bounds", "end_bounds"))
        assert certain - last <= story.truth.most
        assert outer - first >= story.truth.least
    assert story.outage["min_seconds"] <= story.outage["seconds"] <= story.outage["max_seconds"]
    assert story.outage["max_seconds"] >= story.truth.least


def test_the_outage_names_what_was_down_and_why(story: Story) -> None:
    assert set(story.outage["targets"]) == set(DEPENDENT)  # SMTP without a login went on
    causes = {part["target"]: part["cause"] for part in story.outage["bounds"]}
    assert {causes[name] for name in JUDGED} <= {"connect_refused", "disconnected", "rejected_temporary", "protocol"}


def test_prometheus_has_a_value_that_the_daemon_had_while_the_outage_ran(story: Story) -> None:
    seen = story.meanwhile
    assert seen.before < seen.scraped <= seen.after
    assert seen.start == pytest.approx(seen.daemon_start, abs=1e-6)
    assert seen.success == 0


def test_prometheus_and_the_command_agree_once_the_outage_is_over(story: Story) -> None:
    told = story.figures
    month = f'sla_service="lab",month="{told["month"]}"'
    total, down = exact(told["total_seconds"]), exact(told["downtime_seconds"])
    assert down > 0
    assert story.value(f'mailuptime_downtime_seconds{{{month},kind="counted"}}') == told["downtime_seconds"]
    assert story.value(f'mailuptime_downtime_seconds{{{month},kind="excused"}}') == told["excused_seconds"] == 0
    assert story.value(f"mailuptime_availability_ratio{{{month}}}") == float(Fraction(total - down, total))
    assert told["availability_percent"] == float(Fraction(total - down, total) * 100)
    assert story.value(f"mailuptime_downtime_budget_seconds{{{month}}}") == told["budget_seconds"]
    assert story.value(f"mailuptime_downtime_budget_remaining_seconds{{{month}}}") == told["remaining_seconds"]
    assert story.value(f'mailuptime_month_current{{month="{told["month"]}"}}') == 1
    for objective, said in told["objectives"].items():
        assert said["met"] is True
        assert story.value(f'mailuptime_objective_met{{{month},objective="{objective}"}}') == 1


def test_prometheus_counts_one_outage_of_each_target_that_had_one(story: Story) -> None:
    counted = {f"lab/{labels['target']}": value for labels, value in story.prometheus.query("mailuptime_outages_total")}
    assert counted == {"lab/smtp": 0, **dict.fromkeys(DEPENDENT, 1)}


def test_prometheus_saw_the_probes_fail_and_succeed_again(story: Story) -> None:
    assert story.value('mailuptime_probe_success{target="imap"}') == 1
    assert story.value('min_over_time(mailuptime_probe_success{target="imap"}[5m])') == 0
    assert story.value('min_over_time(mailuptime_probe_success{target="smtp"}[5m])') == 1
    assert story.value('mailuptime_service_state{state="up"}') == 1
    assert story.prometheus.query("mailuptime_outage_start_timestamp_seconds") == []


def test_the_conserved_counter_reaches_the_downtime_once_it_is_settled(story: Story) -> None:
    expression = f'mailuptime_state_seconds_total{{state="down"}} == {story.figures["downtime_seconds"]!r}'
    assert story.prometheus.wait_for(expression)


def test_the_figures_of_the_month_add_up(story: Story) -> None:
    told = story.figures
    parts = ("up_seconds", "downtime_seconds", "excused_seconds", "unknown_seconds")
    assert sum(exact(told[part]) for part in parts) == exact(told["elapsed_seconds"])
    span = instant(told["until"]) - instant(told["since"])
    assert exact(told["elapsed_seconds"]) == pytest.approx(exact(span), abs=1)
    assert sum(exact(outage["seconds"]) for outage in told["outages"]) == exact(told["gross_downtime_seconds"])
    assert (told["verdict"], told["provisional"]) == ("met", True)


def test_both_commands_and_the_service_over_http_tell_of_the_same_outage(story: Story) -> None:
    (of_figures,) = story.figures["outages"]
    listed = {key: value for key, value in story.outage.items() if key not in {"service", "bounds"}}
    assert of_figures == listed
    _, body = story.daemon.get("/api/v1/outages")
    assert f'"{story.outage["id"]}"' in body


@dataclass(frozen=True)
class Rest:
    """What the commands say of the ledger while no daemon runs."""

    figures: dict[str, Any]
    outage: dict[str, Any]
    sla_csv: list[dict[str, str]]
    outages_csv: list[dict[str, str]]
    sla_table: Done
    outages_table: Done


@pytest.fixture(scope="module")
def rest(story: Story) -> Rest:
    """The daemon is stopped in order meanwhile."""

    def rows(command: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(story.ask(command, "--format", "csv").out)))

    assert story.daemon.stop() == 0
    try:
        (outage,) = story.ask("outages", "--format", "json").document["outages"]
        figures = service_of(story.ask("sla", "--format", "json").document)
        return Rest(figures, outage, rows("sla"), rows("outages"), story.ask("sla"), story.ask("outages"))
    finally:
        story.daemon.start()


def test_without_the_daemon_the_ledger_gives_the_same_figures_of_what_is_over(story: Story, rest: Rest) -> None:
    assert rest.outage == story.outage
    steady = ("month", "since", "outages", "blips", "gross_downtime_seconds", "downtime_seconds", "remaining_seconds",
              "availability_percent", "objectives", "verdict", "total_seconds", "budget_seconds")  # fmt: skip
    assert {key: rest.figures[key] for key in steady} == {key: story.figures[key] for key in steady}


def test_csv_has_the_figures_of_json(rest: Rest) -> None:
    (row,), (outage,) = rest.sla_csv, rest.outages_csv
    assert (row["month"], row["service"], row["outages"]) == (rest.figures["month"], "lab", "1")
    for key in ("total_seconds", "downtime_seconds", "remaining_seconds", "availability_percent"):
        assert float(row[key]) == rest.figures[key]
    assert (row["verdict"], row["availability_met"]) == ("met", "True")
    assert [outage[key] for key in ("id", "start", "end")] == [rest.outage[key] for key in ("id", "start", "end")]
    assert outage["targets"].split() == rest.outage["targets"]
    for key in ("seconds", "min_seconds", "max_seconds"):
        assert float(outage[key]) == rest.outage[key]


def test_tables_tell_people_the_figures_and_the_outage(rest: Rest) -> None:
    title, columns, line, _, *tickets = rest.sla_table.out.splitlines()
    assert tickets[0] == "Recorded: 1 incident; excused 0, withdrawn 0"  # which the outage has opened
    assert title == f"{rest.figures['month']} (Asia/Bangkok), so far"
    assert columns.split()[:2] == ["service", "availability"]
    assert line.startswith("lab ")
    assert line.endswith(" met")
    title, columns, line = rest.outages_table.out.splitlines()
    assert title == f"Outages of {rest.figures['month']} (Asia/Bangkok)"
    assert columns.split()[:3] == ["service", "start", "end"]
    assert line.startswith("lab ")
    day, clock = rest.outage["start"][:19].split("T")  # to the second
    assert f" {day} {clock}" in line
    assert f" {' '.join(rest.outage['targets'])} " in line


def test_a_month_that_nobody_watched_is_undetermined(story: Story) -> None:
    done = story.ask("sla", "--month", "2020-02", "--format", "json")
    (service,) = done.document["services"]
    assert (done.status, service["verdict"], service["coverage"]) == (0, "undetermined", None)
    assert (service["since"], service["outages"], service["downtime_seconds"]) == (None, [], 0)
    assert story.ask("outages", "--month", "2020-02").out == "No outage in 2020-02 (Asia/Bangkok).\n"


@pytest.mark.parametrize("command", ["sla", "outages"])
def test_what_is_no_month_is_wrong_usage(command: str, story: Story) -> None:
    assert_refused(story.ask(command, "--month", "2026-13"), 2, "2026-13")
