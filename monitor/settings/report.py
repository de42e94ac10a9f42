"""The section `report`: where the daemon puts the report of each month that it closes, and whom it tells."""

import importlib.util
from typing import Literal

from pydantic import Field

from monitor.settings.fields import FilePath, Name, quote
from monitor.settings.notify import Url
from monitor.settings.problems import Loc
from monitor.settings.reader import Placed, Reader
from monitor.settings.sections import Section
from monitor.settings.uses import Names

Language = Literal["th", "en"]
Format = Literal["pdf", "html", "csv", "json"]


class ReportSettings(Section):
    """The monthly service report, written when a month is closed and after each correction; see [REPORT.md](REPORT.md).

    `mailuptime report` makes one at any time, and needs nothing of this.
    """

    directory: FilePath | None = Field(
        None,
        description="Where reports are put; none are written without it. The unit of systemd lets the daemon write "
        "below `/var/lib/mailuptime` alone.",
        examples=["/var/lib/mailuptime/reports"],
    )
    languages: tuple[Language, ...] = Field(("th", "en"), description="In which languages.", examples=["[th]"])
    formats: tuple[Format, ...] = Field(
        ("pdf", "html", "csv", "json"),
        description="In which formats; `pdf` needs the extra `pdf`.",
        examples=["[html, json]"],
    )
    services: tuple[Name, ...] = Field(
        (),
        description="Services that have a report of their own; by default one report of all that are no part of "
        "another.",
        examples=["[mailgothai]"],
    )
    webhook: Url | None = Field(
        None,
        description="Where the URL stands that is told of each report by POST, once a revision; it may hold a secret.",
        examples=["{credential: report-webhook}"],
    )


def report_problems(reader: Reader, settings: ReportSettings, names: Names) -> None:
    """What no single key can tell; the webhook's URL is noted as a secret."""
    report = reader.report
    for key in ("languages", "formats", "services"):
        values = getattr(settings, key)
        for index, value in enumerate(values):
            if value in values[:index]:
                report.add(("report", key, index), f"{quote(value)} is named twice")
        if not values and key != "services":
            report.add(("report", key), "names nothing", "leave it out for all")
    for index, name in enumerate(settings.services):
        if name not in names:
            loc: Loc = ("report", "services", index)
            report.add(loc, f"there is no service {quote(name)}", names.meant(name))
    if settings.webhook is not None:
        reader.secrets.append(Placed(settings.webhook, report.place(("report", "webhook"))))
        if settings.directory is None:
            report.add(("report", "webhook"), "without directory no report is written that it could tell of", at="key")
    if settings.directory is not None and "pdf" in settings.formats and importlib.util.find_spec("weasyprint") is None:
        hint = "install the package mailuptime-browser, or pip install 'mailuptime[pdf]'; or leave pdf out of formats"
        report.add(("report", "formats"), "PDF needs WeasyPrint, which is not installed", hint)
