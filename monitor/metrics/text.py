"""The text of samples and headers, in Prometheus' format 0.0.4 and in OpenMetrics 1.0.

Lines of samples are the same in both but for exemplars, so they can be made once and kept.
"""

from collections.abc import Iterable, Sequence
from enum import Enum

from monitor.metrics.names import Family

Block = tuple[str, ...]
"""The samples of one subject as text, for each family of a group in its order."""


_NO_NUMBERS = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}


class Format(Enum):
    """What is answered, and as which content type."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def escaped(value: str) -> str:
    """A label's value as it stands between quotes."""
    if '"' in value or "\\" in value or "\n" in value:
        return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return value


def labelled(names: Iterable[str], values: Iterable[str]) -> str:
    """Labels as they stand between braces."""
    return ",".join(f'{name}="{escaped(value)}"' for name, value in zip(names, values, strict=True))


def number(value: float) -> str:
    text = repr(float(value))
    return text if text[-1].isdigit() else _NO_NUMBERS[text]


def sample(family: Family, labels: str, value: float) -> str:
    """One line; `labels` are text already."""
    return f"{family.name}{{{labels}}} {number(value)}\n" if labels else f"{family.name} {number(value)}\n"


def header(family: Family, form: Format) -> str:
    """What stands before a family's samples."""
    text = family.help.replace("\\", r"\\").replace("\n", r"\n")
    if form is Format.TEXT:
        kind = "gauge" if family.kind == "info" else family.kind
        return f"# HELP {family.name} {text}\n# TYPE {family.name} {kind}\n"
    text = text.replace('"', r"\"")
    unit = f"# UNIT {family.base} {family.unit}\n" if family.unit else ""
    return f"# HELP {family.base} {text}\n# TYPE {family.base} {family.kind}\n{unit}"


class Lines:
    """Collects the samples of one subject."""

    def __init__(self, families: Sequence[Family]) -> None:
        self._lines: dict[Family, list[str]] = {family: [] for family in families}

    def add(self, family: Family, labels: str, value: float) -> None:
        self._lines[family].append(sample(family, labels, value))

    def block(self) -> Block:
        return tuple("".join(lines) for lines in self._lines.values())
