"""A report as CSV: one table for a spreadsheet, in which each row says in `record` what it is of.

`service` (those in full), `member` and `beneath` (those of the annexes), `outage`, `maintenance`, `exclusion`, `month`
(the twelve) and `revision`. A row leaves empty what it has not.
"""

import csv
import io
from collections.abc import Iterator

from monitor.figures import Document
from monitor.report.document import document_of
from monitor.report.model import Report
from monitor.texts import Language

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula, whoever wrote it."""


def sheet_of(report: Report, language: Language) -> str:
    rows = list(_rows(document_of(report, language)))
    columns = dict.fromkeys(key for row in rows for key in row)
    out = io.StringIO()
    writer = csv.DictWriter(out, list(columns), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    return out.getvalue()


def _rows(document: Document) -> Iterator[Document]:
    month = document["month"]
    services = document["services"]
    said = {key: document[key] for key in ("status", "revision", "digest")}
    for service in services:
        yield {"record": "service", "month": month, **_figures(service, document["language"]), **said}
    for service in services:
        for kind in ("members", "beneath"):
            record = kind.removesuffix("s")
            yield from (
                {"record": record, "month": month, **_figures(one, document["language"])} for one in service[kind]
            )
        for kind in ("outages", "maintenance", "exclusions"):
            record = kind.removesuffix("s")
            own = {"record": record, "month": month, "service": service["service"]}
            yield from ({**own, **_flat(one)} for one in service[kind])
        for one in service["history"]:
            yield {"record": "month", "service": service["service"], **_flat(one)}
    for one in document["revisions"]:
        yield {"record": "revision", "month": month, **_flat(one)}


def _figures(service: Document, language: str) -> Document:
    other = "en" if language == "th" else "th"
    title = service["title"][language] or service["title"][other] or service["service"]
    objectives = {f"{name}_met": value["met"] for name, value in service["objectives"].items()}
    blips = {f"blips_{name}": value for name, value in service["blips"].items()}
    outages = service["outages"]
    number = outages if isinstance(outages, int) else len(outages)
    plain = {"service": service["service"], "title": title} | _flat(service)
    return plain | objectives | blips | {"outages": number}


def _flat(one: Document) -> Document:
    """What stands in one cell: lists of words joined, other nested values left out."""
    words = {
        key: " ".join(value)
        for key, value in one.items()
        if isinstance(value, list) and all(isinstance(item, str) for item in value)
    }
    return {key: value for key, value in one.items() if not isinstance(value, dict | list)} | words


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
