"""How the export of a ticket system is read: which column is which, and what its words mean."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from monitor.settings.fields import Context, Switch, Text, shape
from monitor.settings.nodes import read
from monitor.settings.reader import Reader
from monitor.settings.sections import Section

Column = Literal[
    "id", "kind", "priority", "recorded", "channel", "agency", "responded", "resolved", "closed", "closed_with",
    "not_reached",
]  # fmt: skip


class TimesSettings(Section):
    """How times are written."""

    format: Text | None = Field(None, description="As strptime has it; by default RFC 3339.")
    buddhist_era: Switch = Field(False, description="Whether years are those of the Buddhist era, 2569 for 2026.")


class MappingSettings(Section):
    """What is left out is named as a ticket's own field is."""

    columns: dict[Column, Text] = Field({}, description="The column of each field; in JSON `a.b` is the key b in a.")
    values: dict[Column, dict[str, Text]] = Field({}, description="What words of a column mean.")
    defaults: dict[Column, Text] = Field({}, description="Where a column is not there or a cell is empty.")
    times: TimesSettings = Field(TimesSettings.model_construct(), description="How times are written.")
    encoding: Text = Field("utf-8", description="Of CSV, such as cp874.")
    delimiter: Text = Field(",", description="Between the cells of CSV.")


@dataclass(frozen=True, slots=True)
class Mapping:
    settings: MappingSettings
    zone: ZoneInfo


def load_mapping(path: Path | None, zone: ZoneInfo) -> Mapping:
    """Read a mapping, YAML or JSON; without a file the fields' own names. Raises ConfigurationError."""
    if path is None:
        return Mapping(MappingSettings.model_construct(), zone)
    document = read(path, "name the mapping with --mapping")
    reader = Reader(document, Context(zone, path.absolute().parent), {})
    root = {} if document.root is None else document.root
    if not isinstance(root, dict):
        document.report.add((), f"a mapping is expected, not {shape(root)}")
    made = reader.model(MappingSettings, root, ()) if isinstance(root, dict) else None
    document.report.stop()
    return Mapping(made or MappingSettings.model_construct(), zone)
