"""The list of a fleet, CSV or YAML: rows of text under named columns, and where each cell stands.

CSV is RFC 4180 in UTF-8: commas, double quotes where a cell holds a comma, a quote or a line; the first line names the
columns. A byte-order mark, CRLF and empty lines are no trouble. YAML is a list of mappings, one a row.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from monitor.settings.fields import quote, shape
from monitor.settings.nodes import read, text_of
from monitor.settings.problems import Mark, Report

MAX_ROWS = 100_000
_CELL = re.compile(r'[ \t]*"((?:[^"]|"")*)"[ \t]*(,|\r\n|\n|\r|\Z)|([^",\r\n]*)(,|\r\n|\n|\r|\Z)')
_SHOWN = 6  # names of columns in one message
Record = list[tuple[str, int]]
"""The cells of a record, each with its place in the text."""


@dataclass(frozen=True, slots=True)
class Listing:
    """`rows` hold a text for each of the `columns`, empty where nothing stands."""

    path: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    place: Callable[[int | None, int], Mark]
    """Where a row's cell of a column stands, both by number; for row None where the column is named."""


def read_list(path: Path, report: Report) -> Listing | None:
    """Read a list; its problems go to `report`, whose path is the list's, and then there is none."""
    yaml = path.suffix.lower() in {".yaml", ".yml", ".json"}
    found = _from_yaml(path, report) if yaml else _from_csv(path, report)
    if found is not None and not found.rows and not report.problems:
        report.at(Mark(1, 1), "no row", "a fleet has at least one service")
    if found is not None and len(found.rows) > MAX_ROWS:
        report.at(found.place(MAX_ROWS, 0), f"more than {MAX_ROWS} rows")
    return None if report.problems else found


def _from_csv(path: Path, report: Report) -> Listing | None:
    text = text_of(path, report)
    if report.problems:
        return None
    starts = [0, *(found.end() for found in re.finditer(r"\r\n|\n|\r", text))]

    def mark(offset: int) -> Mark:
        line = bisect_right(starts, offset)
        return Mark(line, offset - starts[line - 1] + 1)

    records = _records(text, report, mark)
    if not records:
        if not report.problems:
            report.at(Mark(1, 1), "an empty file", "its first line names the columns")
        return None
    header, *body = records
    columns = tuple(name for name, _ in header)
    _check_header(header, report, mark)
    for record in body:
        _check_length(record, columns, report, mark)
    offsets = [tuple(offset for _, offset in record) for record in records]
    return Listing(
        str(path),
        columns,
        [tuple(value for value, _ in record) for record in body],
        lambda row, column: mark(offsets[0 if row is None else row + 1][column]),
    )


def _records(text: str, report: Report, mark: Callable[[int], Mark]) -> list[Record]:
    """All lines but the empty ones; nothing after the first that cannot be read."""
    records: list[Record] = []
    record: Record = []
    position = 0
    while position < len(text) or record:
        found = _CELL.match(text, position)
        if found is None:
            quoted_from = text.find('"', position)
            whole = not text[position:quoted_from].strip()
            hint = "put the whole cell in quotes and double the quotes inside it"
            report.at(mark(quoted_from), "a quote that is not closed" if whole else "a quote inside a cell", hint)
            return records
        quoted, end = found[1], found[2] if found[1] is not None else found[4]
        value = found[3].strip() if quoted is None else quoted.replace('""', '"').strip()
        record.append((value, position))
        position = found.end()
        if end != ",":
            if any(value for value, _ in record):
                records.append(record)
            record = []
    return records


def _check_header(header: Record, report: Report, mark: Callable[[int], Mark]) -> None:
    seen: set[str] = set()
    for name, offset in header:
        if not name:
            report.at(mark(offset), "a column without a name")
        elif "{" in name or "}" in name:
            report.at(mark(offset), f"the column {quote(name)} has a brace in its name")
        elif name in seen:
            report.at(mark(offset), f"a second column {quote(name)}")
        elif len(header) == 1 and (";" in name or "\t" in name):
            report.at(mark(offset), "one column only", "cells are separated by commas")
        seen.add(name)


def _check_length(record: Record, columns: tuple[str, ...], report: Report, mark: Callable[[int], Mark]) -> None:
    if len(record) < len(columns):
        missing = columns[len(record) :]
        shown = ", ".join(missing[:_SHOWN]) + (", …" if len(missing) > _SHOWN else "")
        hint = f"missing: {shown}; an empty cell is written by its comma"
        report.at(mark(record[-1][1]), _lengths(record, columns), hint)
    elif len(record) > len(columns):
        hint = "a cell that holds a comma stands in double quotes"
        report.at(mark(record[len(columns)][1]), _lengths(record, columns), hint)


def _lengths(record: Record, columns: tuple[str, ...]) -> str:
    cells, names = len(record), len(columns)
    return f"a row of {cells} cell{'s' * (cells != 1)} under {names} column{'s' * (names != 1)}"


def _from_yaml(path: Path, report: Report) -> Listing | None:
    document = read(path, "name a list of rows in from")
    report.problems += document.report.problems
    root, values = document.root, document.report.values
    if not isinstance(root, list):
        report.at(Mark(1, 1), f"a list of rows is expected, not {shape(root)}")
        return None
    columns = tuple(dict.fromkeys(chain.from_iterable(row for row in root if isinstance(row, dict))))
    rows: list[tuple[str, ...]] = []
    for number, row in enumerate(root):
        if not isinstance(row, dict):
            report.at(values[number,], f"a row is a mapping, not {shape(row)}")
            continue
        rows.append(tuple(_cell(row, name, report, values, number) for name in columns))

    def place(row: int | None, column: int) -> Mark:
        name = columns[column]
        if row is None:
            first = next(number for number, one in enumerate(root) if name in one)
            return document.report.keys[first, name]
        return values.get((row, name), values[row,])

    return Listing(str(path), columns, rows, place)


def _cell(row: dict[str, Any], name: str, report: Report, values: Any, number: int) -> str:
    value = row.get(name)
    if value is not None and not isinstance(value, str):
        report.at(values[number, name], f"{quote(name)} is one text, not {shape(value)}")
        return ""
    return (value or "").strip()
