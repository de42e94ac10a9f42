"""Decides how rules are put to promtool: a story, and when an alert fires in it."""

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.rules.story import Story

DIRECTORY = Path(__file__).parents[3] / "config" / "prometheus" / "rules"
FILES = sorted(DIRECTORY.glob("*.yml"))
RULES: list[dict[str, Any]] = [
    rule
    for file in FILES
    for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
ALERTS: dict[str, dict[str, Any]] = {rule["alert"]: rule for rule in RULES if "alert" in rule}
OF_SERVICE = {"job": "mailuptime", "instance": "mx1:9925", "sla_service": "mail"}
OF_TARGET = OF_SERVICE | {"target": "imap"}


@dataclass(frozen=True)
class Firing:
    """An alert fires from minute `start` until before minute `end`, in one piece, and at no other time.

    `labels` are those beside the severity; `summary` and `description` what it says at its first minute, where its
    budget is what is left by then, unless `budget` says otherwise.
    """

    alert: str
    story: Story
    start: int
    end: int
    summary: str
    description: str
    labels: Mapping[str, str] = field(default_factory=lambda: OF_SERVICE)
    budget: str | None = None

    @property
    def silent(self) -> list[int]:
        """Minutes at the edges and outside at which it must not fire."""
        outside = {0, self.start - 1, self.end, self.story.minutes} - set(range(self.start, self.end))
        return sorted(minute for minute in outside if 0 <= minute <= self.story.minutes)

    @property
    def loud(self) -> list[int]:
        return sorted({self.start, (self.start + self.end) // 2, self.end - 1})

    def first(self) -> dict[str, Any]:
        """What it says at its first minute, for promtool."""
        rule = ALERTS[self.alert]
        said = {"summary": self.summary, "description": self.description}
        if "budget" in rule["annotations"]:
            said["budget"] = self.story.left(self.start) if self.budget is None else self.budget
        said["runbook_url"] = rule["annotations"]["runbook_url"]
        alert = {"exp_labels": {**rule["labels"], **self.labels}, "exp_annotations": said}
        return {"eval_time": f"{self.start}m", "alertname": self.alert, "exp_alerts": [alert]}

    def minutes(self) -> list[dict[str, Any]]:
        """When it fires and when not, for promtool."""
        firing = f'ALERTS{{alertname="{self.alert}",alertstate="firing"}}'
        minutes: list[tuple[int, list[dict[str, Any]]]] = [(minute, []) for minute in self.silent]
        minutes += [(minute, [{"labels": "{}", "value": 1}]) for minute in self.loud]
        asked = [{"expr": f"count({firing})", "eval_time": f"{m}m", "exp_samples": found} for m, found in minutes]
        whole = {
            "expr": f"sum(count_over_time({firing}[{self.story.minutes + 1}m]))",
            "eval_time": f"{self.story.minutes}m",
            "exp_samples": [{"labels": "{}", "value": self.end - self.start}],
        }
        return [*asked, whole]


def fired(*firings: Firing) -> list[dict[str, Any]]:
    """Tests of promtool, one a story: going through a story once is enough for all that happens in it."""
    stories: list[tuple[Story, list[Firing]]] = []
    for firing in firings:
        of_story = next((those for story, those in stories if story == firing.story), None)
        if of_story is None:
            stories.append((firing.story, [firing]))
        else:
            of_story.append(firing)
    return [
        _test(story, [one.first() for one in those], [asked for one in those for asked in one.minutes()])
        for story, those in stories
    ]


def silence(story: Story, alerts: Iterable[str]) -> dict[str, Any]:
    """A test of promtool: none of the alerts fires at any minute."""
    names = "|".join(alerts)
    firing = f'count_over_time(ALERTS{{alertname=~"{names}",alertstate="firing"}}[{story.minutes + 1}m])'
    return _test(story, [], [{"expr": firing, "eval_time": f"{story.minutes}m", "exp_samples": []}])


def values(story: Story, minute: int, expected: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """A test of promtool: what expressions say at a minute, as value by labels."""
    asked = [
        {
            "expr": expression,
            "eval_time": f"{minute}m",
            "exp_samples": [{"labels": labels, "value": value} for labels, value in found.items()],
        }
        for expression, found in expected.items()
    ]
    return _test(story, [], asked)


def judge(tests: list[dict[str, Any]], directory: Path) -> None:
    """Let promtool judge; what it finds is the failure's text."""
    written = directory / "test.yml"
    document = {"rule_files": [str(file) for file in FILES], "evaluation_interval": "1m", "tests": tests}
    written.write_text(json.dumps(document), encoding="utf-8")
    command = ["/usr/bin/promtool", "test", "rules", str(written)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr


def _test(story: Story, alerts: list[dict[str, Any]], expressions: list[dict[str, Any]]) -> dict[str, Any]:
    series = [{"series": name, "values": told} for name, told in story.series().items()]
    return {
        "interval": "1m",
        "input_series": series,
        "alert_rule_test": alerts,
        "promql_expr_test": expressions,
    }
