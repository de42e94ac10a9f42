"""The kinds of panels that these dashboards are made of, with the options that all of a kind share."""

from collections.abc import Mapping, Sequence
from typing import Any

from grafana.generate.looks import PLAIN, coloured, fixed, mapped
from grafana.generate.model import Json, Panel, Query

Queries = Query | Sequence[Query]
CALCULATED = {"values": False, "calcs": ["lastNotNull"], "fields": ""}
TOOLTIP = {"mode": "multi", "sort": "desc"}


def _all(queries: Queries) -> tuple[Query, ...]:
    return (queries,) if isinstance(queries, Query) else tuple(queries)


def stat(
    title: str,
    description: str,
    width: int,
    queries: Queries,
    *,
    look: Json | None = None,
    background: bool = False,
    name: bool = False,
    **field: Any,
) -> Panel:
    """One number, or one for each query; `name` shows the legend beside it."""
    options = {
        "reduceOptions": CALCULATED,
        "orientation": "auto",
        "textMode": "value_and_name" if name else "value",
        "colorMode": "background_solid" if background else "value",
        "graphMode": "none",
        "justifyMode": "center",
        "wideLayout": True,
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
    }
    return Panel("stat", title, description, width, _all(queries), options, {**(look or coloured(PLAIN)), **field})


def word(
    title: str, description: str, width: int, query: Query, words: Mapping[int, tuple[str, str]], **field: Any
) -> Panel:
    """A number that stands for a word, on its colour."""
    return stat(title, description, width, query, background=True, mappings=mapped(words), **field)


def lines(
    title: str,
    description: str,
    width: int,
    queries: Queries,
    *,
    unit: str,
    stacked: bool = False,
    bars: bool = False,
    overrides: Mapping[str, Json] | None = None,
    custom: Json | None = None,
    thresholds: Json | None = None,
    **field: Any,
) -> Panel:
    """Curves over time; stacked where they are parts of a whole, bars where they count what happened."""
    drawn: Json = {
        "drawStyle": "bars" if bars else "line",
        "lineInterpolation": "stepAfter",
        "lineWidth": 0 if bars else 1,
        "fillOpacity": 80 if bars else 40 if stacked else 0,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "axisSoftMin": 0,
        "thresholdsStyle": {"mode": "dashed" if thresholds else "off"},
        **(custom or {}),
    }
    options = {
        "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
        "tooltip": TOOLTIP,
    }
    common = {"color": {"mode": "palette-classic"}, "custom": drawn, "unit": unit, "thresholds": thresholds or PLAIN}
    return Panel("timeseries", title, description, width, _all(queries), options, {**common, **field}, overrides or {})


def timeline(
    title: str, description: str, width: int, queries: Queries, words: Mapping[int, tuple[str, str]], **field: Any
) -> Panel:
    """States over time, as coloured stretches."""
    options = {
        "mergeValues": True,
        "showValue": "never",
        "alignValue": "left",
        "rowHeight": 0.85,
        "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    look = {**coloured(PLAIN), "custom": {"fillOpacity": 80, "lineWidth": 0}, "mappings": mapped(words)}
    return Panel("state-timeline", title, description, width, _all(queries), options, {**look, **field})


def table(
    title: str,
    description: str,
    width: int,
    queries: Queries,
    columns: Mapping[str, tuple[str, Json]],
    *,
    sort: tuple[str, bool] | None = None,
    transformations: Sequence[Json] = (),
    **field: Any,
) -> Panel:
    """Queries side by side; `columns` names each field anew, in its place, with what holds for it; others are hidden.

    `sort` is a new name and whether the greatest comes first.
    """
    options = {
        "showHeader": True,
        "cellHeight": "sm",
        "frameIndex": 0,
        "sortBy": [] if sort is None else [{"displayName": sort[0], "desc": sort[1]}],
    }
    organised = {
        "id": "organize",
        "options": {
            "excludeByName": {},
            "includeByName": {},
            "indexByName": {name: i for i, name in enumerate(columns)},
            "renameByName": {name: new for name, (new, _) in columns.items()},
        },
    }
    kept = {"id": "filterFieldsByName", "options": {"include": {"names": list(columns)}}}
    look = {**coloured(PLAIN), "custom": {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": False}}
    return Panel(
        "table",
        title,
        description,
        width,
        _all(queries),
        options,
        {**look, **field},
        {new: properties for new, properties in columns.values() if properties},
        ({"id": "merge", "options": {}}, *transformations, kept, organised),
    )


def gauge(title: str, description: str, width: int, queries: Queries, greatest: str, **field: Any) -> Panel:
    """A dial from 0 to what the query with the legend `greatest`, the second one, says."""
    options = {
        "reduceOptions": CALCULATED,
        "orientation": "auto",
        "showThresholdLabels": False,
        "showThresholdMarkers": True,
        "sizing": "auto",
        "minVizHeight": 75,
        "minVizWidth": 75,
    }
    reach = {"configRefId": "B", "mappings": [{"fieldName": greatest, "handlerKey": "max"}]}
    transformations = ({"id": "configFromData", "options": reach},)
    return Panel("gauge", title, description, width, _all(queries), options, {"min": 0, **field}, {}, transformations)


def bar_gauge(title: str, description: str, width: int, queries: Queries, **field: Any) -> Panel:
    """One bar a series, the names at the left."""
    options = {
        "reduceOptions": CALCULATED,
        "orientation": "horizontal",
        "displayMode": "basic",
        "valueMode": "color",
        "namePlacement": "left",
        "showUnfilled": True,
        "sizing": "auto",
        "minVizHeight": 16,
        "minVizWidth": 8,
        "maxVizHeight": 40,
    }
    return Panel("bargauge", title, description, width, _all(queries), options, field)


def bars(
    title: str, description: str, width: int, queries: Queries, columns: Mapping[str, str], by: str, **field: Any
) -> Panel:
    """One bar for each row of a table; `columns` renames its fields, and `by` (new name) is what stands below."""
    options: dict[str, Any] = {
        "xField": by,
        "orientation": "vertical",
        "barWidth": 0.8,
        "groupWidth": 0.7,
        "barRadius": 0,
        "fullHighlight": False,
        "showValue": "auto",
        "stacking": "none",
        "xTickLabelRotation": 0,
        "xTickLabelMaxLength": 0,
        "xTickLabelSpacing": 0,
        "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom", "calcs": []},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    transformations = (
        {"id": "filterFieldsByName", "options": {"include": {"names": list(columns)}}},
        {"id": "organize", "options": {"excludeByName": {}, "indexByName": {}, "renameByName": dict(columns)}},
        {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": by}]}},
    )
    look = {"custom": {"fillOpacity": 80, "lineWidth": 0, "axisSoftMin": 0}}
    return Panel("barchart", title, description, width, _all(queries), options, {**look, **field}, {}, transformations)


def heat_map(
    title: str, description: str, width: int, queries: Queries, *, rows: str, unit: str, **field: Any
) -> Panel:
    """How many there are of each row at each time; `rows` is the unit of a histogram's bounds."""
    options = {
        "calculate": False,
        "cellGap": 1,
        "color": {
            "mode": "scheme", "scheme": "Oranges", "fill": "dark-orange", "exponent": 0.5, "scale": "exponential",
            "reverse": False, "steps": 64,
        },
        "cellValues": {"unit": unit},
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "showValue": "auto",
        "tooltip": {"mode": "single", "showColorScale": False, "yHistogram": False},
        "yAxis": {"axisPlacement": "left", "reverse": False, "unit": rows},
    }  # fmt: skip
    return Panel("heatmap", title, description, width, _all(queries), options, {**field, "custom": {}})


def once(expr: str, legend: str = "") -> Query:
    return Query(expr, legend, instant=True)


def cells(expr: str) -> Query:
    return Query(expr, instant=True, format="table")


def tinted(colours: Mapping[str, str]) -> dict[str, Json]:
    """Overrides that give each series the colour of what it means."""
    return {name: fixed(colour) for name, colour in colours.items()}
