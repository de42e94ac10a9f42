"""Every query of the dashboard is answered by a real Prometheus that scrapes every metric there is."""

import json
import math
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.metrics.names import EVERYTHING, WEIGHTED
from tests.deploy.prometheus import Prometheus
from tests.deploy.scene import MONTH, Scene, served

ROOT = Path(__file__).parents[2]
DASHBOARD = json.loads((ROOT / "grafana" / "mailuptime.json").read_text(encoding="utf-8"))
VARIABLES = {
    "sla_service": ".+",
    "target": ".+",
    "month": MONTH,
    "__rate_interval": "1m",
    "__range": "1m",
}
PANELS_OF_TODAY = {"bargauge", "row", "stat", "state-timeline", "table", "timeseries"}


@dataclass(frozen=True)
class Query:
    panel: str
    ref: str
    expression: str

    def __str__(self) -> str:
        return f"{self.panel} {self.ref}"


def filled(text: str) -> str:
    """With Grafana's variables put in, all services and targets being chosen; KeyError where one is unknown."""
    return re.sub(r"\$(\w+)", lambda found: VARIABLES[found[1]], text)


PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
QUERIES = [
    Query(panel["title"], target["refId"], filled(target["expr"]))
    for panel in PANELS
    for target in panel.get("targets", ())
]
OFFERED = {"sla_service": {"ailing", "healthy"}, "target": {"smtp", "imap"}, "month": {MONTH}}
OFFERS = [one for one in DASHBOARD["templating"]["list"] if one["type"] == "query"]


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene()


@pytest.fixture(scope="module")
def prometheus(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with (
        served(scene) as address,
        Prometheus.scraping(address, tmp_path_factory.mktemp("prometheus") / "server", job=_job()) as running,
    ):
        # A rate needs two scrapes.
        running.wait_for("count_over_time(mailuptime_clock_steps_total[1m]) >= 2")
        yield running


def _job() -> str:
    jobs = yaml.safe_load((ROOT / "config" / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    (job,) = jobs
    return str(job["job_name"])


def promtool(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    command = ["/usr/bin/promtool", *arguments]
    return subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=30)


def test_the_scene_has_a_sample_of_every_metric(scene: Scene) -> None:
    lines = scene.exposition().body.decode().splitlines()
    told = {re.split(r"[ {]", line)[0].removesuffix("_bucket") for line in lines if not line.startswith("#")}
    silent = {family.name for family in EVERYTHING} - told
    assert silent == {WEIGHTED.name}  # which only a service of services has


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_every_query_is_answered_with_numbers(query: Query, prometheus: Prometheus) -> None:
    answer = prometheus.query(query.expression)
    assert answer, query.expression
    assert not [labels for labels, value in answer if math.isnan(value)], query.expression


@pytest.mark.parametrize("variable", OFFERS, ids=lambda one: one["name"])
def test_every_variable_offers_values(variable: dict[str, Any], prometheus: Prometheus) -> None:
    found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["definition"])
    assert found, variable["definition"]
    series, label = found.groups()
    offered = {labels[label] for labels, _ in prometheus.query(filled(series))}
    assert offered == OFFERED[variable["name"]]


def test_a_query_of_a_metric_that_does_not_exist_is_not_answered(prometheus: Prometheus) -> None:
    assert prometheus.query("mailuptime_availability_ratios") == []


def test_the_state_timelines_tell_the_states_apart(prometheus: Prometheus) -> None:
    services = _by_labels(prometheus, "Services", "sla_service")
    assert services == {("ailing",): "down", ("healthy",): "up"}
    targets = _by_labels(prometheus, "Targets", "sla_service", "target")
    assert targets == {("ailing", "smtp"): "up", ("ailing", "imap"): "down", ("healthy", "imap"): "up"}


def _by_labels(prometheus: Prometheus, title: str, *labels: str) -> dict[tuple[str, ...], str]:
    """What a state timeline shows: its query's numbers as the words that they are mapped to."""
    (panel,) = (panel for panel in PANELS if panel["title"] == title)
    (mapping,) = panel["fieldConfig"]["defaults"]["mappings"]
    (target,) = panel["targets"]
    words = {number: word["text"] for number, word in mapping["options"].items()}
    answer = prometheus.query(filled(target["expr"]))
    return {tuple(found[label] for label in labels): words[f"{value:g}"] for found, value in answer}


def test_what_is_left_is_shown_in_minutes_rounded_down(prometheus: Prometheus) -> None:
    (left,) = (query for query in QUERIES if query.panel == "Budget left")
    shown = {labels["sla_service"]: value for labels, value in prometheus.query(left.expression)}
    assert shown == {"ailing": 216 - 19.5, "healthy": 43.0}


def test_every_query_passes_promtool_as_a_rule(tmp_path: Path) -> None:
    rules = [{"record": f"dashboard:query:n{i}", "expr": query.expression} for i, query in enumerate(QUERIES)]
    written = tmp_path / "rules.yml"
    written.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = promtool("check", "rules", str(written))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(QUERIES)} rules found" in done.stdout


def test_promtool_finds_nothing_wrong_with_the_metrics(scene: Scene) -> None:
    done = promtool("check", "metrics", given=scene.exposition().body.decode())
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_promtool_accepts_the_configuration_of_prometheus() -> None:
    done = promtool("check", "config", str(ROOT / "config" / "prometheus" / "prometheus.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_panels_are_of_types_that_grafana_still_draws() -> None:
    assert {panel["type"] for panel in PANELS} <= PANELS_OF_TODAY


def test_panels_have_an_identity_each_and_do_not_overlap() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    places = [(panel["title"], panel["gridPos"]) for panel in PANELS]
    overlapping = [(a, b) for (a, p), (b, q) in combinations(places, 2) if _overlap(p, q)]
    assert overlapping == []
    assert max(place["x"] + place["w"] for _, place in places) <= 24


def _overlap(p: dict[str, int], q: dict[str, int]) -> bool:
    beside = p["x"] + p["w"] <= q["x"] or q["x"] + q["w"] <= p["x"]
    above = p["y"] + p["h"] <= q["y"] or q["y"] + q["h"] <= p["y"]
    return not beside and not above


def test_every_panel_and_query_uses_the_data_source_that_the_reader_chose() -> None:
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    asking = [one for panel in PANELS if panel["type"] != "row" for one in (panel, *panel["targets"])]
    assert [one for one in (*asking, *OFFERS) if one["datasource"] != chosen] == []


def test_the_provisioned_data_source_is_of_the_kind_that_the_dashboard_asks_for() -> None:
    provisioning = ROOT / "grafana" / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources" / "mailuptime.yaml").read_text())["datasources"]
    (variable,) = (one for one in DASHBOARD["templating"]["list"] if one["type"] == "datasource")
    assert source["type"] == variable["query"]
