"""The built-in rules and those shipped for Prometheus and Alertmanager are the same ones."""

import math
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.alerting.rules import RULES
from monitor.core.alerts import Rule
from monitor.core.instants import parse_duration

CONFIG = Path(__file__).parents[2] / "config"
OUTSIDE = {"MailuptimeWatchdog", "MailuptimeMonitorMissing"}
"""Alerts about the monitor that nobody inside it can raise."""
SHIPPED: dict[str, dict[str, Any]] = {
    rule["alert"]: rule
    for file in sorted((CONFIG / "prometheus" / "rules").glob("*.yml"))
    for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
    if "alert" in rule
}
NAMES = sorted(RULES)
LOUD = re.compile(r"MailuptimeBudgetUsed|MailuptimeObjectiveMissed|MailuptimeRecentOutage|MailuptimeTicket")
"""Facts of a month, which maintenance leaves as they are, deadlines, which it does not put off, what nobody is told."""

_ON = r"(?:on \([^)]*\) )?"
_BOUND = re.compile(rf"(>=|<=|(?<![=<>])[<>])\s*{_ON}(\d+(?:\.\d+)?(?: \* \d+(?:\.\d+)?)*)")
_WINDOW = re.compile(r'window="(\w+)"|\[(\w+)\]')
_LABEL = re.compile(r"{{ \$labels\.(\w+) }}")
_VALUE = re.compile(r'{{ \$value \| printf "%(\.\df)" }}')


def durations(rule: dict[str, Any], key: str) -> int:
    return parse_duration(rule[key]) if key in rule else 0


def expression(name: str) -> str:
    """Without what holds a window of maintenance while Prometheus cannot reach the monitor."""
    text: str = SHIPPED[name]["expr"]
    return text.replace("last_over_time(mailuptime_maintenance_active[1h])", "mailuptime_maintenance_active")


def test_every_shipped_alert_is_built_in_but_those_that_need_somebody_outside() -> None:
    assert set(SHIPPED) - OUTSIDE == set(RULES)
    assert set(SHIPPED) >= OUTSIDE


@pytest.mark.parametrize("name", NAMES)
def test_severity_and_durations_agree(name: str) -> None:
    rule, shipped = RULES[name], SHIPPED[name]
    assert shipped["labels"] == {"severity": rule.severity}
    kept = durations(shipped, "keep_firing_for")
    if name == "MailuptimeRecentOutage":  # asks for it, so that a restart of Prometheus forgets nothing
        (window,) = _WINDOW.findall(shipped["expr"])
        kept = parse_duration(window[1])
    assert (durations(shipped, "for"), kept) == (rule.hold, rule.keep)


@pytest.mark.parametrize("name", NAMES)
def test_bounds_agree_in_their_order(name: str) -> None:
    found = [
        (comparison, math.prod(float(factor) for factor in figures.split(" * ")))
        for comparison, figures in _BOUND.findall(SHIPPED[name]["expr"])
    ]
    assert found == [(bound.comparison, bound.figure) for bound in RULES[name].bounds]


@pytest.mark.parametrize("name", NAMES)
def test_windows_agree_in_their_order(name: str) -> None:
    found = [parse_duration(one or other) for one, other in _WINDOW.findall(expression(name))]
    assert found == list(RULES[name].windows) or name == "MailuptimeRecentOutage"


@pytest.mark.parametrize("name", NAMES)
def test_people_read_the_same_summary_and_the_same_page_of_the_runbook(name: str) -> None:
    said = SHIPPED[name]["annotations"]
    assert _VALUE.sub(r"{value:\1}", _LABEL.sub(r"{\1}", said["summary"])) == RULES[name].summary
    assert said["runbook_url"] == f"docs/RUNBOOK.md#{name.lower()}"


@pytest.mark.parametrize("name", NAMES)
def test_the_same_alerts_are_silent_in_maintenance(name: str) -> None:
    silent = re.search(
        r"unless on \([^)]*\) (min by [^(]*\([^)]*\) \()?mailuptime_maintenance_active", expression(name)
    )
    assert (silent is None) == bool(LOUD.match(name))


def inhibiting(rules: list[dict[str, Any]]) -> set[tuple[str, str, tuple[str, ...]]]:
    """(source, target, equal labels) of every pair that the shipped configuration names."""

    def matched(matchers: list[str]) -> list[str]:
        ((operator, value),) = (re.fullmatch(r'alertname(=~?)"(.+)"', one).groups() for one in matchers)  # type: ignore[union-attr]
        return [name for name in SHIPPED if (re.fullmatch(value, name) if operator == "=~" else name == value)]

    return {
        (source, target, tuple(rule["equal"]))
        for rule in rules
        for source in matched(rule["source_matchers"])
        for target in matched(rule["target_matchers"])
        if source != target
    }


def test_the_same_alerts_inhibit_each_other() -> None:
    shipped = yaml.safe_load((CONFIG / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8"))
    pairs = {(source, rule.name, rule.equal) for rule in RULES.values() for source in rule.by}
    assert pairs == inhibiting(shipped["inhibit_rules"])


def test_a_rule_that_drifts_would_be_found() -> None:
    """The reading of an expression itself."""
    expression = 'rate{window="1h"} > 14.4 and x[5m] >= on (job) 2 * 86400 unless y == 1'
    assert _BOUND.findall(expression) == [(">", "14.4"), (">=", "2 * 86400")]
    assert _WINDOW.findall(expression) == [("1h", ""), ("", "5m")]
    assert isinstance(RULES["MailuptimeOutage"], Rule)
