"""The dashboards are what their generator writes, and what Grafana 11 to 13 can load."""

import json
import re
from itertools import combinations
from pathlib import Path

import pytest
import yaml

from grafana.generate.dashboards import written
from tests.deploy.classic import Dashboard, Place

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "grafana" / "dashboards").glob("*.json"))
DASHBOARDS = [Dashboard.model_validate_json(file.read_text(encoding="utf-8")) for file in FILES]
UIDS = {dashboard.uid for dashboard in DASHBOARDS}
BUILT_IN = {"__all", "__range", "__rate_interval", "__url_time_range", "__value"}

each = pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda one: one.uid)


def test_the_files_are_what_the_generator_writes() -> None:
    """`make dashboards` changes nothing; a file that no generator writes is not there."""
    assert {file.name: file.read_text(encoding="utf-8") for file in FILES} == written()


def test_there_is_a_dashboard_for_each_question() -> None:
    assert {f"mailuptime-{name}" for name in ("availability", "service", "fleet", "monitor")} == UIDS
    assert len({dashboard.title for dashboard in DASHBOARDS}) == len(DASHBOARDS)


@each
def test_panels_have_an_identity_each_and_stand_side_by_side(dashboard: Dashboard) -> None:
    assert len({panel.id for panel in dashboard.panels}) == len(dashboard.panels)
    places = [(panel.title, panel.place) for panel in dashboard.panels]
    assert [(a, b) for (a, p), (b, q) in combinations(places, 2) if _overlap(p, q)] == []
    assert [title for title, place in places if place.x + place.w > 24] == []


def _overlap(p: Place, q: Place) -> bool:
    beside = p.x + p.w <= q.x or q.x + q.w <= p.x
    above = p.y + p.h <= q.y or q.y + q.h <= p.y
    return not beside and not above


@each
def test_lines_of_panels_fill_the_width(dashboard: Dashboard) -> None:
    """A gap at the right is a panel that somebody took away."""
    widths: dict[int, int] = {}
    for panel in dashboard.panels:
        widths[panel.place.y] = widths.get(panel.place.y, 0) + panel.place.w
    assert set(widths.values()) == {24}


@each
def test_every_query_of_a_panel_has_a_letter_of_its_own_and_is_instant_or_a_range(dashboard: Dashboard) -> None:
    for panel in dashboard.drawn():
        assert len({target.ref for target in panel.targets}) == len(panel.targets), panel.title
        assert [target.expr for target in panel.targets if target.instant == target.range] == []
        assert {target.instant for target in panel.targets} <= {panel.type not in _OVER_TIME}, panel.title


_OVER_TIME = {"heatmap", "state-timeline", "timeseries"}


@each
def test_only_variables_that_are_defined_are_used(dashboard: Dashboard) -> None:
    """And every variable that is defined is used, by a query, a title or a link."""
    text = dashboard.model_dump_json(by_alias=True)
    used = set(re.findall(r"\$\{?(\w+)", text))
    defined = {variable.name for variable in dashboard.templating.items}
    assert used - BUILT_IN <= defined
    assert defined <= used


@each
def test_a_title_or_a_legend_says_what_is_asked_for_alone(dashboard: Dashboard) -> None:
    """A legend's labels are among those that its query keeps: an unknown label would be shown as nothing."""
    for panel in dashboard.drawn():
        for target in panel.targets:
            kept = {label for by in re.findall(r"by \(([^)]*)\)", target.expr) for label in by.split(", ")}
            assert set(re.findall(r"{{(\w+)}}", target.legend)) <= kept, panel.title


@each
def test_every_panel_says_what_no_data_means_or_always_has_data(dashboard: Dashboard) -> None:
    silent = [
        panel.title
        for panel in dashboard.drawn()
        if "noValue" not in panel.field_config.defaults and not _always(panel.targets[0].expr)
    ]
    assert silent == []


def _always(expr: str) -> bool:
    return expr.endswith("or vector(0)") or expr.startswith("count(")


@each
def test_links_lead_to_dashboards_that_exist_and_to_all_others(dashboard: Dashboard) -> None:
    assert {link.url.removeprefix("/d/") for link in dashboard.links} == UIDS - {dashboard.uid}
    inside = re.findall(r"/d/([a-z-]+)\?", dashboard.model_dump_json(by_alias=True))
    assert set(inside) <= UIDS


def test_what_looks_at_hundreds_of_services_over_time_asks_for_few_moments() -> None:
    """One for each pixel would keep Prometheus busy for half of the time between two refreshes."""
    (fleet,) = (one for one in DASHBOARDS if one.uid == "mailuptime-fleet")
    assert {panel.points for panel in fleet.drawn() if panel.type in _OVER_TIME} == {120}


@each
def test_minutes_are_shown_as_minutes(dashboard: Dashboard) -> None:
    """Grafana's own unit of minutes would make hours of the agreement's 216."""
    assert '"m"' not in re.findall(r'"unit": ?("[^"]*")', json.dumps(dashboard.model_dump(mode="json", by_alias=True)))


def test_names_of_columns_that_are_renamed_are_those_that_grafana_gives() -> None:
    """Of one query the values are in a field `Value`, of several in `Value #A` and so on."""
    for dashboard in DASHBOARDS:
        for panel in dashboard.drawn():
            if panel.type not in {"table", "barchart"}:
                continue
            refs = [target.ref for target in panel.targets]
            expected = {"Value"} if refs == ["A"] else {f"Value #{ref}" for ref in refs}
            (kept,) = (one.options for one in panel.transformations if one.id == "filterFieldsByName")
            values = {name for name in kept["include"]["names"] if name.startswith("Value")}
            assert values <= expected, panel.title
            assert values, panel.title


def test_overrides_of_a_table_name_columns_that_it_has() -> None:
    for dashboard in DASHBOARDS:
        for panel in dashboard.drawn():
            if panel.type == "table":
                (organised,) = (one.options for one in panel.transformations if one.id == "organize")
                shown = set(organised["renameByName"].values())
                assert {one.matcher.options for one in panel.field_config.overrides} <= shown
                assert {one["displayName"] for one in panel.options["sortBy"]} <= shown


def test_the_provisioned_data_source_is_of_the_kind_that_the_dashboards_ask_for() -> None:
    provisioning = ROOT / "grafana" / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources" / "mailuptime.yaml").read_text())["datasources"]
    for dashboard in DASHBOARDS:
        (variable,) = (one for one in dashboard.templating.items if one.type == "datasource")
        assert source["type"] == variable.query


def test_the_readme_installs_the_dashboards_where_the_provider_looks() -> None:
    readme = (ROOT / "grafana" / "README.md").read_text(encoding="utf-8")
    provider = yaml.safe_load((ROOT / "grafana" / "provisioning" / "dashboards" / "mailuptime.yaml").read_text())
    (one,) = provider["providers"]
    assert one["options"]["path"] in readme
    assert [uid for uid in UIDS if f"**{uid.removeprefix('mailuptime-').capitalize()}**" not in readme] == []
