"""In a bad night the built-in alerts fire in the very minutes in which Prometheus fires by the shipped rules."""

import json
import re
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from monitor.alerting.memory import Memory, messages
from monitor.alerting.rules import RULES
from monitor.core.alerts import Key
from monitor.core.instants import MINUTE, SECOND
from monitor.metrics import Exposition, Scrape
from tests.alerting.night import MINUTES, START, Night, at
from tests.alerting.test_rules_agree import OUTSIDE
from tests.core.worked import ZONE
from tests.deploy.rules.promtool import FILES

_SAMPLE = re.compile(r"^(mailuptime_\w+)(?:{(.*)})? (\S+)$", re.MULTILINE)
_SCRAPED = 'job="mailuptime",instance="mx1:9925"'
LABELS = ("sla_service", "target", "month", "objective", "problem", "test", "kind", "priority", "clock")
Samples = dict[str, str]


def scraped(night: Night, sight: Any) -> Samples:
    """Every sample of the exposition by its name and labels; times count from the start, as in promtool."""
    scrape = Scrape(sight.snapshot, sight.health, (night.lateness.read(),))
    text = Exposition().answer(scrape, "", "").body.decode()
    found = {}
    for name, labels, value in _SAMPLE.findall(text):
        if name.endswith("_timestamp_seconds"):
            value = repr(float(value) - START / SECOND)  # noqa: PLW2901 - the very sample
        found[f"{name}{{{_SCRAPED}{',' if labels else ''}{labels}}}"] = value
    return found


def put_to_promtool(minutes: list[Samples], firing: list[set[Key]], directory: Path) -> str:
    series: dict[str, list[str]] = defaultdict(lambda: ["_"] * len(minutes))
    for number, samples in enumerate(minutes):
        for name, value in samples.items():
            series[name][number] = value.replace("+Inf", "Inf")
    for values in series.values():  # what is no longer exposed is stale at once, as it is for a scrape
        for number in range(1, len(values)):
            if values[number] == "_" and values[number - 1] not in {"_", "stale"}:
                values[number] = "stale"
    series[f"up{{{_SCRAPED}}}"] = ["1"] * len(minutes)
    outside = "|".join(OUTSIDE)
    asked = f'count by (alertname, {", ".join(LABELS)}) (ALERTS{{alertstate="firing",alertname!~"{outside}"}})'
    tests = [
        {
            "expr": asked,
            "eval_time": f"{number}m",
            "exp_samples": [{"labels": labels_of(key), "value": 1} for key in sorted(keys)],
        }
        for number, keys in enumerate(firing)
    ]
    document = {
        "rule_files": [str(file) for file in FILES],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": " ".join(values)} for name, values in series.items()],
                "promql_expr_test": tests,
            }
        ],
    }
    file = directory / "night.yml"
    file.write_text(json.dumps(document), encoding="utf-8")
    done = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def labels_of(key: Key) -> str:
    given = {"alertname": key[0], **dict(zip(RULES[key[0]].labels, key[1:], strict=True))}
    return "{" + ", ".join(f'{name}="{value}"' for name, value in given.items()) + "}"


@pytest.fixture(scope="module")
def night() -> tuple[list[Samples], list[set[Key]]]:
    played = Night()
    minutes, firing = [], []
    for memory, sight in played.sights():
        minutes.append(scraped(played, sight))
        firing.append({one.key for one in memory.alerts.values() if one.firing})
    return minutes, firing


def test_prometheus_fires_in_the_same_minutes(night: tuple[list[Samples], list[set[Key]]], tmp_path: Path) -> None:
    assert put_to_promtool(*night, tmp_path) == ""


def test_nearly_every_rule_had_a_reason_to_fire(night: tuple[list[Samples], list[set[Key]]]) -> None:
    fired = {key[0] for keys in night[1] for key in keys}
    assert set(RULES) - fired == {"MailuptimeResolutionDeadline"}


def test_an_outage_over_the_turn_of_the_month_fires_once(night: tuple[list[Samples], list[set[Key]]]) -> None:
    firing = [("MailuptimeOutage", "mail") in keys for keys in night[1]]
    edges = [number for number in range(1, MINUTES) if firing[number] != firing[number - 1]]
    turn = (at("2026-12-01T00:00") - START) // MINUTE
    assert len(edges) == 2
    assert edges[0] < turn < edges[1]


@pytest.fixture(scope="module")
def pages() -> list[str]:
    """The title of every page of the night."""
    titles = []
    for memory, sight in Night().sights():
        titles += [one.title for one in messages(memory, sight, ZONE, "mailuptime", "page")]
        assert Memory.of(memory.dump()).lasting() == memory.lasting()
    return titles


def test_in_a_window_nothing_pages_and_what_outlasts_it_pages_once_as_overrun(pages: list[str]) -> None:
    of_other = [title for title in pages if "other" in title]
    assert of_other[:2] == [
        "mailuptime [page] Maintenance of other is over, and it is still down",
        "mailuptime [resolved] Maintenance of other is over, and it is still down",
    ]
    assert [title for title in pages if title == "mailuptime [page] mail is down"] == ["mailuptime [page] mail is down"]


def test_the_burn_of_an_outage_is_not_paged_beside_it_nor_right_after_it(pages: list[str]) -> None:
    assert [title for title in pages if "burns" in title and " mail " in title] == []
