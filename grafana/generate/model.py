"""What a dashboard of Grafana's classic schema is made of, as far as these dashboards need it.

Schema version 39 is Grafana 11.0's; later ones migrate it when they load it. No panel is placed by hand: the panels of
a line stand side by side, and a line follows the one above.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from string import ascii_uppercase
from typing import Any

Json = dict[str, Any]

SCHEMA_VERSION = 39
COLUMNS = 24
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True)
class Query:
    """`instant`: the newest value alone, at the end of the time range."""

    expr: str
    legend: str = ""
    instant: bool = False
    format: str = "time_series"

    def document(self, ref: str) -> Json:
        return {
            "refId": ref,
            "datasource": SOURCE,
            "editorMode": "code",
            "expr": self.expr,
            "legendFormat": self.legend or "__auto",
            "instant": self.instant,
            "range": not self.instant,
            "format": self.format,
        }


@dataclass(frozen=True)
class Panel:
    """`look` is what holds for every field, `overrides` what holds for one, by its name.

    `points` bounds how many moments are asked for where a query is dear; otherwise one for each pixel is.
    """

    type: str
    title: str
    description: str
    width: int
    queries: tuple[Query, ...]
    options: Json
    look: Json
    overrides: Mapping[str, Json] = field(default_factory=dict)
    transformations: tuple[Json, ...] = ()
    points: int | None = None

    def document(self, number: int, place: Json) -> Json:
        overrides = [
            {
                "matcher": {"id": "byName", "options": name},
                "properties": [{"id": key, "value": value} for key, value in properties.items()],
            }
            for name, properties in self.overrides.items()
        ]
        queries = [query.document(ref) for ref, query in zip(ascii_uppercase, self.queries, strict=False)]
        return {
            "id": number,
            "type": self.type,
            "title": self.title,
            "description": self.description,
            "gridPos": place,
            "datasource": SOURCE,
            "targets": queries,
            "fieldConfig": {"defaults": self.look, "overrides": overrides},
            "options": self.options,
            "transformations": list(self.transformations),
            **({} if self.points is None else {"maxDataPoints": self.points}),
        }


@dataclass(frozen=True)
class Line:
    """Panels side by side; `height` in Grafana's units of 30 pixels."""

    height: int
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Row:
    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Annotation:
    """A stretch is marked where `expr` has a value."""

    name: str
    expr: str
    colour: str
    text: str

    def document(self) -> Json:
        return {
            "name": self.name,
            "datasource": SOURCE,
            "enable": True,
            "hide": False,
            "iconColor": self.colour,
            "target": {"refId": "Anno", "expr": self.expr, "interval": "60s"},
            "titleFormat": self.name,
            "textFormat": self.text,
            "tagKeys": "",
            "useValueForTime": False,
        }


@dataclass(frozen=True)
class Dashboard:
    name: str
    title: str
    description: str
    since: str
    variables: tuple[Json, ...]
    annotations: tuple[Annotation, ...]
    rows: tuple[Row, ...]

    @property
    def uid(self) -> str:
        return f"mailuptime-{self.name}"

    def document(self, all_of_them: Iterable["Dashboard"]) -> Json:
        return {
            "id": None,
            "uid": self.uid,
            "title": f"mailuptime / {self.title}",
            "description": self.description,
            "tags": ["mailuptime", "mail", "sla"],
            "schemaVersion": SCHEMA_VERSION,
            "version": 1,
            "editable": True,
            "graphTooltip": 1,
            "timezone": "browser",
            "weekStart": "",
            "fiscalYearStartMonth": 0,
            "liveNow": False,
            "refresh": "1m",
            "time": {"from": self.since, "to": "now"},
            "timepicker": {},
            "links": [_link(other) for other in all_of_them if other is not self],
            "annotations": {"list": [one.document() for one in self.annotations]},
            "templating": {"list": list(self.variables)},
            "panels": list(_placed(self.rows)),
        }


def _link(to: Dashboard) -> Json:
    return {
        "type": "link",
        "title": to.title,
        "tooltip": to.description,
        "url": f"/d/{to.uid}",
        "icon": "dashboard",
        "tags": [],
        "asDropdown": False,
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
    }


def _placed(rows: Iterable[Row]) -> Iterator[Json]:
    number, y = 0, 0
    for row in rows:
        number += 1
        place = {"x": 0, "y": y, "w": COLUMNS, "h": 1}
        yield {"id": number, "type": "row", "title": row.title, "collapsed": False, "gridPos": place, "panels": []}
        y += 1
        for line in row.lines:
            x = 0
            for panel in line.panels:
                number += 1
                yield panel.document(number, {"x": x, "y": y, "w": panel.width, "h": line.height})
                x += panel.width
            y += line.height
