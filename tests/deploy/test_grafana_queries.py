"""Every query of the dashboards is answered by a real Prometheus with what two hours of the daemon have told it."""

import json
import math
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest

from monitor.core.instants import MINUTE, SECOND, Instant
from tests.deploy.prometheus import Prometheus, Vector
from tests.deploy.standins import SAMPLES
from tests.deploy.test_grafana import DASHBOARDS, ROOT
from tests.deploy.turn import END, MIDNIGHT, MONTH, MONTH_BEFORE, RELOADED, Past, recorded

SERVICES = ("central", "agency-1", "agency-2", "everyone")
# Blocks that promtool makes have no stale markers: samples of the month before are found for five minutes more.
DURING_OUTAGE, IN_MAINTENANCE = MIDNIGHT + 6 * MINUTE, MIDNIGHT - 45 * MINUTE
AVAILABILITY = next(one for one in DASHBOARDS if one.uid == "mailuptime-availability")
MOMENTS = (END, DURING_OUTAGE, IN_MAINTENANCE, MIDNIGHT - MINUTE, MIDNIGHT + RELOADED + MINUTE)
"""Something that goes on is asked for while it does; END first, since most is there then."""


@dataclass(frozen=True)
class Query:
    dashboard: str
    place: str
    expression: str

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.place}"


QUERIES = [
    Query(dashboard.uid, f"{panel.title} {target.ref}", target.expr)
    for dashboard in DASHBOARDS
    for panel in dashboard.drawn()
    for target in panel.targets
]
ANNOTATIONS = [
    Query(dashboard.uid, one.name, one.target.expr) for dashboard in DASHBOARDS for one in dashboard.annotations.items
]
OFFERS = [
    Query(dashboard.uid, variable.name, variable.definition)
    for dashboard in DASHBOARDS
    for variable in dashboard.templating.items
    if variable.definition is not None
]
OFFERED = {
    "sla_service": set(SERVICES),
    "target": {"smtp", "imap", "delivery"},
    "month": {MONTH, MONTH_BEFORE, *(f"2026-{n:02}" for n in range(1, 10)), "2025-11", "2025-12"},
}


def filled(text: str, service: str = "central", month: str = MONTH) -> str:
    """With Grafana's variables put in; KeyError where one is unknown."""
    variables = {
        "sla_service": service,
        "services": ".*",
        "target": ".+",
        "month": month,
        "top": "20",
        "utc_offset": "7",
        "__rate_interval": "2m",
        "__range": "2h",
    }
    return re.sub(r"\$(\w+)", lambda found: variables[found[1]], text)


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Past:
    return recorded(tmp_path_factory.mktemp("turn"))


@pytest.fixture(scope="module")
def prometheus(past: Past, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with Prometheus.running({}, tmp_path_factory.mktemp("prometheus") / "server", past.storage) as running:
        yield running


def ask(
    prometheus: Prometheus, expression: str, at: Instant = END, service: str = "central", month: str = MONTH
) -> Vector:
    return prometheus.query(filled(expression, service, month), at / SECOND)


def the(dashboard: str, place: str) -> str:
    """The query with that letter, or the only one, of the panel with that title."""
    found = [
        one.expression
        for one in QUERIES
        if one.dashboard == f"mailuptime-{dashboard}" and place in {one.place, one.place.removesuffix(" A")}
    ]
    assert len(found) == 1, place
    return found[0]


def values(answer: Vector, label: str) -> dict[str, float]:
    return {labels[label]: value for labels, value in answer}


@pytest.mark.parametrize("query", [*QUERIES, *ANNOTATIONS], ids=str)
def test_every_query_is_answered_with_numbers(query: Query, prometheus: Prometheus) -> None:
    """Of some service at some moment; never with what is not a number."""
    for moment, service in product(MOMENTS, SERVICES):
        answer = ask(prometheus, query.expression, moment, service)
        assert not [labels for labels, value in answer if math.isnan(value)], query.expression
        if answer:
            return
    pytest.fail(f"no answer to {query.expression}")


@pytest.mark.parametrize("variable", OFFERS, ids=str)
def test_every_variable_offers_values(variable: Query, prometheus: Prometheus) -> None:
    found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable.expression)
    assert found, variable.expression
    series, label = found.groups()
    assert set(values(ask(prometheus, series), label)) == OFFERED[variable.place]


def test_only_metrics_that_the_daemon_exports_are_asked_for(past: Past) -> None:
    """Or such as the contract promises, and that stand in for the daemon's own until it exports them."""
    exported = set(re.findall(r"^(\w+)", past.last, re.MULTILINE)) | SAMPLES.keys()
    asked = {
        name for query in (*QUERIES, *ANNOTATIONS, *OFFERS) for name in re.findall(r"mailuptime_\w+", query.expression)
    }
    assert asked - exported == set()


def test_a_query_of_a_metric_that_does_not_exist_is_not_answered(prometheus: Prometheus) -> None:
    """So that the queries' test would notice."""
    assert ask(prometheus, 'mailuptime_availability_ratios{sla_service="$sla_service"}') == []


def test_every_query_passes_promtool_as_a_rule(tmp_path: Path) -> None:
    asked = [filled(query.expression) for query in (*QUERIES, *ANNOTATIONS) if "@ end()" not in query.expression]
    rules = [{"record": f"dashboard:query:n{i}", "expr": expression} for i, expression in enumerate(asked)]
    written = tmp_path / "rules.yml"
    written.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = promtool("check", "rules", str(written))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(asked)} rules found" in done.stdout


def promtool(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    command = ["/usr/bin/promtool", *arguments]
    return subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=30)


def test_promtool_finds_nothing_wrong_with_the_metrics(past: Past) -> None:
    done = promtool("check", "metrics", given=past.last)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_promtool_accepts_the_configuration_of_prometheus() -> None:
    done = promtool("check", "config", str(ROOT / "config" / "prometheus" / "prometheus.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


def number(answer: Vector) -> float:
    ((_, found),) = answer
    return found


@pytest.mark.parametrize(
    ("service", "moment", "word"),
    [
        ("central", IN_MAINTENANCE, "up"),
        ("central", DURING_OUTAGE, "down"),
        ("agency-1", IN_MAINTENANCE, "down, in maintenance"),
        ("agency-1", END, "up"),
        ("agency-2", MIDNIGHT - MINUTE, "unknown"),
        ("everyone", END, "down"),
    ],
)
def test_the_first_panel_says_whether_a_service_is_down(
    service: str, moment: Instant, word: str, prometheus: Prometheus
) -> None:
    panel = next(panel for panel in AVAILABILITY.drawn() if panel.title == "State")
    (mapping,) = panel.field_config.defaults["mappings"]
    shown = number(ask(prometheus, panel.targets[0].expr, moment, service))
    assert mapping["options"][f"{shown:g}"]["text"] == word


def test_since_when_a_service_is_down_is_the_first_failure(prometheus: Prometheus) -> None:
    """Nothing is shown where it is up, though the series go on for a while in what was loaded afterwards."""
    since = number(ask(prometheus, the("availability", "Down since"), DURING_OUTAGE)) / 1000
    assert 0 <= since - (MIDNIGHT - 20 * MINUTE) / SECOND < 60
    lasted = number(ask(prometheus, the("availability", "Down for"), DURING_OUTAGE))
    assert lasted == pytest.approx((DURING_OUTAGE / SECOND - since) / 60)
    assert ask(prometheus, the("availability", "Down for"), MIDNIGHT + 12 * MINUTE) == []


def test_a_service_made_of_services_is_down_since_a_member_is(prometheus: Prometheus) -> None:
    """To the minute, and in the list of a fleet to five minutes."""
    began = {name: number(ask(prometheus, the("availability", "Down since"), END, name)) for name in SERVICES[2:]}
    assert began["everyone"] == pytest.approx(began["agency-2"], abs=60_000)
    down = values(ask(prometheus, the("fleet", "Down now")), "sla_service")
    assert down.keys() == {"agency-2", "everyone"}
    assert down["everyone"] == pytest.approx(down["agency-2"], abs=5)


def test_the_minutes_left_are_those_of_the_month_that_runs(prometheus: Prometheus) -> None:
    """At midnight the budget is whole again, whatever month is chosen; the dial reaches to the budget."""
    left, budget = the("availability", "Minutes left this month"), "Minutes left this month B"
    before = number(ask(prometheus, left, MIDNIGHT - MINUTE))
    after = number(ask(prometheus, left, DURING_OUTAGE, month=MONTH_BEFORE))
    assert 196 < before < 198
    assert 209 < after < 211
    assert number(ask(prometheus, the("availability", budget), DURING_OUTAGE)) == 216


def test_the_even_line_falls_from_the_budget_to_nothing_within_the_month(prometheus: Prometheus) -> None:
    """By the agreement's clock; no month has a line while another runs."""
    even = the("availability", "Burn-down of $month B")
    assert number(ask(prometheus, even, MIDNIGHT - MINUTE, month=MONTH_BEFORE)) == pytest.approx(216 / (31 * 1440))
    assert number(ask(prometheus, even, END)) == pytest.approx(216 * (1 - 45 / (30 * 1440)))
    assert ask(prometheus, even, END, month=MONTH_BEFORE) == []
    assert ask(prometheus, even, MIDNIGHT - MINUTE) == []


def test_an_outage_over_midnight_is_one_row_of_the_table(prometheus: Prometheus) -> None:
    """With its beginning in milliseconds and its length in minutes."""
    ((row, minutes),) = ask(prometheus, the("availability", "Outages in the time range"))
    assert set(row) == {"target", "began"}
    assert row["target"] == "imap"
    assert 0 <= int(row["began"]) / 1000 - (MIDNIGHT - 20 * MINUTE) / SECOND < 60
    assert 28.5 < minutes <= 30.5


def test_blips_are_counted_beside_outages(prometheus: Prometheus) -> None:
    outages, blips = (the("availability", f"How many {ref}") for ref in "AB")
    counted = [number(ask(prometheus, query, END, "agency-1")) for query in (outages, blips)]
    assert counted == [1, 1]


def test_every_month_has_a_bar(prometheus: Prometheus) -> None:
    shown = values(ask(prometheus, the("availability", "Budget used, by month")), "month")
    assert shown.keys() == OFFERED["month"]
    assert shown["2026-09"] == 0
    assert 4 < shown[MONTH] < 5


def test_the_fleet_is_cut_to_the_worst(prometheus: Prometheus) -> None:
    """The same services in every column, and in the states over time; the one with the least left is first."""
    columns = [the("fleet", f"The worst of $month {ref}") for ref in "ABCDE"]
    columns.append(the("fleet", "States of the worst"))
    for column in columns:
        answer = prometheus.query(filled(column).replace("bottomk(20", "bottomk(1"), END / SECOND)
        assert [labels["sla_service"] for labels, _ in answer] == ["central"]


def test_the_fleet_counts_every_service_once(prometheus: Prometheus) -> None:
    """By state, and by the share of the budget that it has used."""
    assert number(ask(prometheus, the("fleet", "Services"))) == len(SERVICES)
    assert number(ask(prometheus, the("fleet", "Down"))) == 2
    bands = [one.expression for one in QUERIES if one.place.startswith("Budget used by how many")]
    assert sum(number(ask(prometheus, band)) for band in bands) == len(SERVICES)
