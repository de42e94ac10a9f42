"""The alert rules are complete: severity, figures, a section of the runbook each, and metrics that exist."""

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from monitor.cli import parser
from monitor.core.instants import MINUTE, parse_duration
from monitor.metrics import names
from tests.deploy import test_rules_availability as about_service
from tests.deploy import test_rules_incidents as about_incidents
from tests.deploy import test_rules_monitor as about_monitor
from tests.deploy import test_rules_probes as about_targets
from tests.deploy.rules.promtool import ALERTS, FILES, RULES

ROOT = Path(__file__).parents[2]
RUNBOOK = (ROOT / "docs" / "RUNBOOK.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", RUNBOOK, re.MULTILINE | re.DOTALL))
NAME = re.compile(r"\b(?:mailuptime[_:]|slo:)[\w:]+")
SUFFIXES = ("_bucket", "_sum", "_count")


EXPORTED = {family.name for family in names.EVERYTHING}


def used(rule: dict[str, Any]) -> set[str]:
    """Names in the expression and in the annotations' queries."""
    texts = [rule["expr"], *rule.get("annotations", {}).values()]
    return {name for text in texts for name in NAME.findall(text)}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_uses_only_metrics_that_exist(rule: dict[str, Any]) -> None:
    recorded = {one["record"] for one in RULES if "record" in one}
    there = EXPORTED | recorded | {"mailuptime"}  # the last is a job's name
    assert {name for name in used(rule) if re.sub(f"({'|'.join(SUFFIXES)})$", "", name) not in there} == set()


def test_every_alert_is_made_to_fire_by_a_story() -> None:
    availability = (*about_service.FIRINGS, *about_service.ENDED, about_service.ANNOUNCED)
    others = (*about_targets.FIRINGS, *about_monitor.FIRINGS, *about_incidents.FIRINGS)
    fired = {one.alert for one in (*availability, *others)}
    assert fired == set(ALERTS)


def test_promtool_finds_nothing_wrong_with_the_rules() -> None:
    command = ["/usr/bin/promtool", "check", "rules", "--lint=all", "--lint-fatal", *map(str, FILES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_its_section_of_the_runbook_and_vice_versa() -> None:
    assert re.findall(r"^## (\w+)", RUNBOOK, re.MULTILINE) == list(SECTIONS)
    assert set(SECTIONS) == set(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_what_it_is_and_what_to_do(name: str) -> None:
    rule = ALERTS[name]
    said = rule["annotations"]
    assert rule["labels"]["severity"] in {"page", "ticket", "info", "none"}
    assert said["runbook_url"] == f"docs/RUNBOOK.md#{name.lower()}"
    assert said["summary"]
    assert said["description"]
    if "sla_service" in said["summary"]:
        assert "minutes left" in said["budget"]


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_says_the_severity_the_meaning_and_what_to_do(name: str) -> None:
    section = SECTIONS[name]
    assert f"Severity: {ALERTS[name]['labels']['severity']}." in section
    for part in ("**What it means.**", "**What to look at.**", "**What to do.**"):
        assert part in section


def test_every_command_of_the_runbook_is_one_that_mailuptime_has() -> None:
    lines = {line.partition("#")[0].strip() for line in re.findall(r"^mailuptime .*", RUNBOOK, re.MULTILINE)}
    assert lines
    for line in lines:
        parser().parse_args(shlex.split(line)[1:])


def test_no_page_ends_or_comes_twice_because_the_monitor_is_restarted() -> None:
    """It rests on an outage's start, which is carried, or is kept for five minutes; but for the monitor's absence."""
    pages = {name: rule for name, rule in ALERTS.items() if rule["labels"]["severity"] == "page"}
    short = {
        name
        for name, rule in pages.items()
        if "mailuptime:outage_" not in rule["expr"].partition("unless")[0]
        and parse_duration(rule.get("keep_firing_for", "0s")) < 5 * MINUTE
    }
    assert short == {"MailuptimeMonitorMissing"}


def test_nothing_but_an_overrun_pages_about_a_service_in_maintenance() -> None:
    """Behaviour is tested by promtool; here, that nobody adds a page that does not ask."""
    pages = [rule for rule in ALERTS.values() if rule["labels"]["severity"] == "page"]
    assert [rule["alert"] for rule in pages if "mailuptime_maintenance_active" not in rule["expr"]] == []
