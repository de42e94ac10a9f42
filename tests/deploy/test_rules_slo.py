"""The recording rules have the names and labels that dashboards made for Sloth expect, for a calendar month."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.deploy.rules.promtool import RULES, judge, values
from tests.deploy.rules.story import Story

IDENTITY = 'sla_service="mail", sloth_id="mail-availability", sloth_service="mail", sloth_slo="availability"'
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d")
MINUTES = {"5m": 5, "30m": 30, "1h": 60, "2h": 120, "6h": 360, "1d": 1440, "3d": 4320}
OUTAGE = Story(minutes=60, outages=((10, 60),), used=100)
MONTHS = {28: 201.6 / 40320, 29: 208.8 / 41760, 30: 216 / 43200, 31: 216 / 44640}


def one(name: str, value: float, more: str = "") -> dict[str, dict[str, float]]:
    """An expectation of promtool, to nine decimals."""
    return {f"round({name} * 1e9)": {f"{{{IDENTITY}{more}}}": round(value * 1e9)}}


@pytest.mark.parametrize(("days", "budget"), MONTHS.items())
def test_the_error_budget_is_that_of_the_running_month(days: int, budget: float, tmp_path: Path) -> None:
    story = replace(OUTAGE, days=days)
    at = story.downtime(30) / 60e6
    told = one("slo:error_budget:ratio", budget) | one("slo:objective:ratio", 1 - budget)
    told |= one("slo:time_period:days", days)
    told |= one("slo:period_burn_rate:ratio", at / (days * 1440) / budget)
    judge([values(story, 30, told)], tmp_path)


def test_each_window_has_the_share_of_it_that_was_down(tmp_path: Path) -> None:
    told: dict[str, dict[str, float]] = {}
    for window, minutes in MINUTES.items():
        share = min(20, minutes) / minutes
        told |= one(f"slo:sli_error:ratio_rate{window}", share, f', sloth_window="{window}"')
    told |= one("slo:sli_error:ratio_rate30d", 120 / 43200, ', sloth_window="30d"')
    judge([values(OUTAGE, 30, told)], tmp_path)


def test_the_present_and_the_months_burn_and_what_remains(tmp_path: Path) -> None:
    told = one("slo:current_burn_rate:ratio", 200) | one("slo:period_burn_rate:ratio", 120 / 216)
    told |= one("slo:period_error_budget_remaining:ratio", 96 / 216)
    judge([values(OUTAGE, 30, told)], tmp_path)


def test_the_new_month_begins_with_a_whole_budget(tmp_path: Path) -> None:
    told = one("slo:period_error_budget_remaining:ratio", 1) | one("slo:time_period:days", 31)
    judge([values(replace(OUTAGE, turn=30), 30, told)], tmp_path)


def test_the_info_names_the_objective(tmp_path: Path) -> None:
    modes = 'sloth_mode="mailuptime", sloth_spec="calendar-month", sloth_version="mailuptime"'
    told = {"sloth_slo_info": {f'sloth_slo_info{{{IDENTITY}, sloth_objective="99.5", {modes}}}': 1.0}}
    judge([values(OUTAGE, 30, told)], tmp_path)


def test_every_name_of_sloth_is_recorded() -> None:
    recorded = {rule["record"] for rule in RULES if "record" in rule}
    of_sloth = {f"slo:sli_error:ratio_rate{window}" for window in WINDOWS} | {
        "slo:objective:ratio",
        "slo:error_budget:ratio",
        "slo:time_period:days",
        "slo:current_burn_rate:ratio",
        "slo:period_burn_rate:ratio",
        "slo:period_error_budget_remaining:ratio",
        "sloth_slo_info",
    }
    assert of_sloth <= recorded
