"""The rows of a ticket system's export, CSV or JSON, as texts by the names of a ticket's fields."""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from monitor.core.tickets import STEPS
from monitor.incidents.importing import FIELDS
from monitor.incidents.requests import LONGEST_TEXT
from monitor.settings.mapping import Mapping
from monitor.texts.dates import BUDDHIST_ERA

MOST_BYTES = 64 * 1024 * 1024
TIMES = ("recorded", *STEPS)
_THAI_DIGITS = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")
_BUDDHIST_YEAR = re.compile(r"(?<!\d)2[4-6]\d\d(?!\d)", re.ASCII)


class UnreadableError(Exception):
    """The file as a whole cannot be read; the text is one line."""


@dataclass(frozen=True, slots=True)
class Row:
    """`number` is the line of CSV, or the position in JSON; a row with a `problem` holds nothing."""

    number: int
    texts: dict[str, str]
    problem: str | None = None

    def document(self) -> dict[str, Any]:
        return {"row": self.number, **self.texts}


def rows_of(path: Path, mapping: Mapping) -> Iterator[Row]:
    """Every row, in the file's order. Raises UnreadableError, and OSError."""
    if path.stat().st_size > MOST_BYTES:
        raise UnreadableError(f"{path}: larger than {MOST_BYTES // 2**20} MiB; import it in parts")
    data, first = path.read_bytes(), dict[str, int]()
    records = _json(path, data) if path.suffix.lower() in {".json", ".jsonl"} else _csv(path, data, mapping)
    for number, record in records:
        row = _row(number, record, mapping)
        identity = row.texts.get("id", "")
        if identity and identity in first and row.problem is None:
            row = Row(number, {}, f"id {identity} stands in row {first[identity]} already")
        first.setdefault(identity, number)
        yield row


def _csv(path: Path, data: bytes, mapping: Mapping) -> Iterator[tuple[int, Any]]:
    settings = mapping.settings
    encoding = "utf-8-sig" if settings.encoding.lower() in {"utf-8", "utf8"} else settings.encoding
    try:
        text = data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        raise UnreadableError(f"{path}: not text in {settings.encoding}; say encoding in the mapping") from None
    if len(settings.delimiter) != 1:
        raise UnreadableError("delimiter: one character is expected")
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=settings.delimiter, strict=True)
    try:
        _there(path, reader.fieldnames or (), mapping)
        for record in reader:
            if None in record:
                yield reader.line_num, "more cells than there are columns"
            else:
                yield reader.line_num, record
    except csv.Error as error:
        raise UnreadableError(f"{path}:{reader.line_num}: not CSV: {error}") from None


def _there(path: Path, names: Any, mapping: Mapping) -> None:
    """A column that the mapping names and the file has not is a mistake of the whole file."""
    for column in mapping.settings.columns.values():
        if column not in names:
            raise UnreadableError(f'{path}: there is no column "{column}"; there are: {", ".join(names)[:300]}')
    if not any(mapping.settings.columns.get(name, name) in names for name in ("id",)):
        raise UnreadableError(f"{path}: there is no column id; a mapping says which it is (--mapping)")


def _json(path: Path, data: bytes) -> Iterator[tuple[int, Any]]:
    try:
        if path.suffix.lower() == ".jsonl":
            found = [json.loads(line) for line in data.splitlines() if line.strip()]
        else:
            found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"{path}: not JSON: {str(error)[:100]}") from None
    if isinstance(found, dict):  # as most interfaces wrap it
        lists = [value for value in found.values() if isinstance(value, list)]
        found = lists[0] if len(lists) == 1 else found
    if not isinstance(found, list):
        raise UnreadableError(f"{path}: a list of objects is expected")
    for number, record in enumerate(found, 1):
        yield number, record if isinstance(record, dict) else "not an object"


def _row(number: int, record: Any, mapping: Mapping) -> Row:
    if not isinstance(record, dict):
        return Row(number, {}, str(record))
    texts: dict[str, str] = {}
    for name in FIELDS:
        try:
            text = _text(record, name, mapping)
        except ValueError as error:
            return Row(number, {}, f"{name}: {error}")
        if text:
            texts[name] = text
    return Row(number, texts)


def _text(record: dict[str, Any], name: Any, mapping: Mapping) -> str:
    settings = mapping.settings
    found = _found(record, settings.columns.get(name, name))
    if isinstance(found, dict | list):
        raise ValueError("a single value is expected")  # noqa: TRY004 - a row's problem
    text = "" if found is None else str(found).strip()
    text = settings.values.get(name, {}).get(text, text) or settings.defaults.get(name, "")
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"longer than {LONGEST_TEXT} characters")
    return _time(text, mapping) if text and name in TIMES else text


def _found(record: dict[str, Any], column: str) -> Any:
    if column in record:
        return record[column]
    found: Any = record
    for part in column.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _time(text: str, mapping: Mapping) -> str:
    """As RFC 3339, local where it has no offset."""
    times = mapping.settings.times
    written = text.translate(_THAI_DIGITS)
    if times.buddhist_era:  # before the calendar looks at it: 29 February 2567 is one of 2024
        written = _BUDDHIST_YEAR.sub(lambda year: str(int(year[0]) - BUDDHIST_ERA), written, count=1)
    if times.format is None:
        return written
    try:
        return datetime.strptime(written, times.format).isoformat()  # noqa: DTZ007 - local, unless it has an offset
    except ValueError:
        raise ValueError(f'"{text[:60]}" is not written as {times.format}') from None
