"""Decides what a dashboard of Grafana's classic schema may look like, for the versions 11, 12 and 13.

Nothing that these versions have deprecated is in it, so that a deprecated panel type or field is an unknown one here.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(min_length=1)]
Sentence = Annotated[str, Field(pattern=r"^[A-Z`][^\n]+\.$")]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Source(Strict):
    type: Literal["prometheus"]
    uid: Literal["${datasource}"]


class Place(Strict):
    x: int = Field(ge=0, lt=24)
    y: int = Field(ge=0)
    w: int = Field(gt=0, le=24)
    h: int = Field(gt=0)


class Target(Strict):
    ref: str = Field(alias="refId", pattern="^[A-Z]$")
    datasource: Source
    editor: Literal["code"] = Field(alias="editorMode")
    expr: Text
    legend: Text = Field(alias="legendFormat")
    instant: bool
    range: bool
    format: Literal["time_series", "table", "heatmap"]


class Matcher(Strict):
    id: Literal["byName"]
    options: Text


class Property(Strict):
    id: Text
    value: Any


class Override(Strict):
    matcher: Matcher
    properties: list[Property] = Field(min_length=1)


class FieldConfig(Strict):
    defaults: dict[str, Any]
    overrides: list[Override]


class Transformation(Strict):
    id: Literal["merge", "organize", "filterFieldsByName", "sortBy", "configFromData", "convertFieldType"]
    options: dict[str, Any]


class Panel(Strict):
    id: int = Field(ge=1)
    type: Literal["barchart", "bargauge", "gauge", "heatmap", "stat", "state-timeline", "table", "timeseries"]
    title: Text
    description: Sentence
    place: Place = Field(alias="gridPos")
    datasource: Source
    targets: list[Target] = Field(min_length=1)
    field_config: FieldConfig = Field(alias="fieldConfig")
    options: dict[str, Any]
    transformations: list[Transformation]
    points: int | None = Field(default=None, alias="maxDataPoints", ge=60)


class Row(Strict):
    id: int = Field(ge=1)
    type: Literal["row"]
    title: Text
    collapsed: Literal[False]
    place: Place = Field(alias="gridPos")
    panels: list[Any] = Field(max_length=0)


class Chosen(Strict):
    text: str | list[str]
    value: str | list[str]
    selected: bool = False


class Asked(Strict):
    query: Text
    ref: Literal["PrometheusVariableQueryEditor-VariableQuery"] = Field(alias="refId")
    kind: Literal[1] = Field(alias="qryType")


class Variable(Strict):
    name: str = Field(pattern="^[a-z_]+$")
    label: Text
    description: Sentence
    type: Literal["query", "datasource", "custom", "textbox"]
    datasource: Source | None = None
    definition: Text | None = None
    query: Asked | Text
    current: Chosen
    options: list[Chosen]
    hide: Literal[0, 1, 2]
    multi: bool = False
    include_all: bool = Field(default=False, alias="includeAll")
    all_value: Text | None = Field(default=None, alias="allValue")
    refresh: Literal[1, 2] | None = None
    regex: str = ""
    skip: bool = Field(alias="skipUrlSync")
    sort: Literal[1, 2] | None = None


class Variables(Strict):
    items: list[Variable] = Field(alias="list")


class Asking(Strict):
    ref: Literal["Anno"] = Field(alias="refId")
    expr: Text
    interval: Text


class Annotation(Strict):
    name: Text
    datasource: Source
    enable: Literal[True]
    hide: Literal[False]
    colour: Text = Field(alias="iconColor")
    target: Asking
    title: Text = Field(alias="titleFormat")
    text: Text = Field(alias="textFormat")
    tags: str = Field(alias="tagKeys")
    use_value: Literal[False] = Field(alias="useValueForTime")


class Annotations(Strict):
    items: list[Annotation] = Field(alias="list", min_length=1)


class Link(Strict):
    type: Literal["link"]
    title: Text
    tooltip: Sentence
    url: str = Field(pattern="^/d/[a-z-]+$")
    icon: Literal["dashboard"]
    tags: list[str]
    dropdown: Literal[False] = Field(alias="asDropdown")
    variables: Literal[True] = Field(alias="includeVars")
    time: Literal[True] = Field(alias="keepTime")
    blank: Literal[False] = Field(alias="targetBlank")


class Period(Strict):
    begin: Text = Field(alias="from")
    to: Text


class Dashboard(Strict):
    """Schema versions 39 to 41 are those of Grafana 11; what is newer migrates them at loading."""

    id: None
    uid: str = Field(pattern="^[a-z-]{1,40}$")
    title: Text
    description: Sentence
    tags: list[str] = Field(min_length=1)
    schema_version: int = Field(alias="schemaVersion", ge=39, le=41)
    version: int
    editable: Literal[True]
    tooltip: Literal[0, 1, 2] = Field(alias="graphTooltip")
    timezone: Literal["browser"]
    week_start: str = Field(alias="weekStart")
    fiscal_year: int = Field(alias="fiscalYearStartMonth")
    live: bool = Field(alias="liveNow")
    refresh: Text
    time: Period
    timepicker: dict[str, Any]
    links: list[Link] = Field(min_length=1)
    annotations: Annotations
    templating: Variables
    panels: list[Row | Panel] = Field(min_length=1)

    def drawn(self) -> list[Panel]:
        """The panels that ask something."""
        return [panel for panel in self.panels if isinstance(panel, Panel)]
