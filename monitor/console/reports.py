"""Reports: those that the daemon wrote at a closing, and any month's made on request, by a process of its own."""

import asyncio
import re
from pathlib import Path
from typing import get_args

from monitor.console.backend import Backend
from monitor.console.forms import Form
from monitor.console.visit import File, MissingError, Outcome, Shown, Visit
from monitor.core.calendar import Month
from monitor.figures import Document
from monitor.report.maker import NotMadeError
from monitor.report.rendering import Format
from monitor.texts import LANGUAGES

FORMATS: tuple[Format, ...] = get_args(Format)
TYPES = {"pdf": "application/pdf", "html": "text/html", "csv": "text/csv", "json": "application/json"}
MOST = 200
NAME = re.compile(
    rf"report-(?:(?P<service>[a-z0-9][a-z0-9_-]*)-)?(?P<month>\d{{4}}-\d\d)-r(?P<revision>\d{{1,6}})"
    rf"-(?P<language>{'|'.join(LANGUAGES)})\.(?P<format>{'|'.join(FORMATS)})",
    re.ASCII,
)
FIELDS = ("month", "language", "format", "service")


async def reports(backend: Backend, visit: Visit) -> Outcome:
    """What was written, newest first, and the form that has one made."""
    return await _shown(backend, visit, Form(visit, FIELDS))


async def _shown(backend: Backend, visit: Visit, form: Form) -> Shown:
    directory = backend.reports
    found = [] if directory is None else await asyncio.to_thread(_written, directory)
    asked = {
        "month": str(backend.source.snapshot.month.plus(-1)),
        "language": visit.place.language,
        "format": "html",
        "service": "",
    }
    values = {
        "form": form, "files": found[:MOST], "left_out": max(len(found) - MOST, 0), "written": directory is not None,
        "formats": FORMATS, "languages": LANGUAGES, "services": backend.source.services(),
        "asked": asked | {name: value for name, value in visit.query.items() if name in FIELDS},
    }  # fmt: skip
    return Shown("reports.html", values, form.status)


def _written(directory: Path) -> list[Document]:
    try:
        names = [path.name for path in directory.iterdir()]
    except OSError:
        return []
    known = [(found, found.groupdict()) for found in map(NAME.fullmatch, names) if found]
    listed = [{**parts, "name": found[0], "revision": int(parts["revision"])} for found, parts in known]
    return sorted(listed, key=lambda one: (one["month"], one["revision"], one["name"]), reverse=True)


async def file(backend: Backend, visit: Visit) -> Outcome:
    """One that was written. Its name is one of a report and of nothing else."""
    name, directory = visit.names["name"], backend.reports
    found = NAME.fullmatch(name)
    if found is None or directory is None:
        raise MissingError(visit.text("missing.report", name=name))
    try:
        body = await asyncio.to_thread((directory / name).read_bytes)
    except OSError:
        raise MissingError(visit.text("missing.report", name=name)) from None
    return File(name, TYPES[found["format"]], body)


async def make(backend: Backend, visit: Visit) -> Outcome:
    """The report of a month as it is reckoned now."""
    form, query = Form(visit, FIELDS), visit.query
    try:
        month = str(Month.parse(query.get("month", "")))
    except ValueError as error:
        form.wrong("month", "refused", why=str(error))
        return await _shown(backend, visit, form)
    language, format_ = query.get("language"), query.get("format")
    service = query.get("service") or None
    if language not in LANGUAGES or format_ not in FORMATS or service not in {None, *backend.source.services()}:
        raise MissingError(visit.text("missing.such_report"))
    try:
        body = await backend.report(month, language, format_, service)
    except NotMadeError as error:
        form.general.append(visit.text("errors.not_made", why=str(error)))
        return await _shown(backend, visit, form)
    of = "" if service is None else f"{service}-"
    return File(f"report-{of}{month}-{language}.{format_}", TYPES[str(format_)], body)
