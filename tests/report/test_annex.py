"""A roll-up over agencies: the report is the roll-up's, and the agencies stand in its annex, weighed by accounts."""

import csv
import json
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from monitor.core.calendar import Month
from monitor.core.instants import DAY, HOUR, MINUTE
from monitor.ledger import Reader
from monitor.report.document import document_of
from monitor.report.model import Report
from monitor.report.page import page_of
from monitor.report.rendering import rendered
from monitor.report.source import report_of
from monitor.settings import load
from tests.core.worked import at
from tests.declare.office import hourly, outage
from tests.e2e.written import smtp, written
from tests.report.last_month import fed
from tests.report.test_pdf import pages

AGENCIES = {"navy": (1000, HOUR), "labour": (3000, 5 * HOUR), "tourism": (6000, 0)}
"""Accounts, and for how long the agency was down."""
BEGIN, END = at("2026-11-01T00:00"), at("2026-12-01T00:00")
NASTY = 'กรม <script>alert("1")</script> \u202eRTL\u202c 🏛 ' + "ยาวมาก" * 30


def configured(place: Path) -> Path:
    path = written(place, smtp(25), port=9)
    document = json.loads(path.read_text(encoding="utf-8"))
    services: list[dict[str, Any]] = [
        {"name": name, "title": {"th": NASTY}, "accounts": accounts, "targets": [smtp(25)]}
        for name, (accounts, _) in AGENCIES.items()
    ]
    document["services"] = [*services, {"name": "all", "members": list(AGENCIES), "title": {"th": "ทุกหน่วยงาน"}}]
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return path


@pytest.fixture
def report(tmp_path: Path) -> Iterator[Report]:
    path = configured(tmp_path)
    checks = {}
    for number, (name, (_, down)) in enumerate(AGENCIES.items()):
        began = BEGIN + (number + 3) * DAY
        stretch = outage(began, began + down) if 0 < down <= 2 * HOUR else []
        if down > 2 * HOUR:  # longer than a voice
            failures = [one for hour in range(0, down, HOUR) for one in outage(began + hour, began + down)[:3]]
            stretch = [*failures, *outage(began, began + down)[3:]]
        checks[f"{name}/smtp"] = [*hourly(BEGIN, began), *stretch, *hourly(began + down + HOUR, END)]
    fed(path, checks)
    settings = load(path)
    with Reader.beside(settings.ledger.path) as reader:
        yield report_of(reader, settings, Month.parse("2026-11"), END + MINUTE)


def test_the_chapter_is_the_roll_ups_and_each_agency_has_a_row(report: Report) -> None:
    (chapter,) = report.chapters
    assert chapter.names.name == "all"
    assert [(row.names.name, row.accounts, row.figures.sums.downtime) for row in chapter.members] == [
        (name, accounts, down) for name, (accounts, down) in AGENCIES.items()
    ]
    assert chapter.beneath == ()
    assert [row.figures.verdict for row in chapter.members] == ["met", "missed", "met"]


def test_the_figure_by_accounts_weighs_each_agencys_downtime(report: Report) -> None:
    (chapter,) = report.chapters
    lost = Fraction(sum(accounts * down for accounts, down in AGENCIES.values()), 10_000 * 30 * DAY)
    assert chapter.figures.availability_weighted == 100 * (1 - lost)
    assert "99.777\u00a0%" in page_of(report, "en")
    assert document_of(report, "en")["services"][0]["availability_weighted_percent"] == pytest.approx(99.777777)


def test_one_agency_has_a_report_of_its_own(report: Report, tmp_path: Path) -> None:
    settings = load(tmp_path / "mailuptime.yaml")
    with Reader.beside(settings.ledger.path) as reader:
        own = report_of(reader, settings, report.month, END + MINUTE, "labour")
    (chapter,) = own.chapters
    assert (chapter.names.name, chapter.members) == ("labour", ())
    assert chapter.figures == report.chapters[0].members[1].figures


def test_the_sheet_has_a_row_for_each_agency(report: Report) -> None:
    rows = list(csv.DictReader(rendered(report, "en", "csv").decode().splitlines()))
    agencies = [row for row in rows if row["record"] == "member"]
    assert [(row["service"], row["accounts"], row["verdict"]) for row in agencies] == [
        ("navy", "1000", "met"), ("labour", "3000", "missed"), ("tourism", "6000", "met"),
    ]  # fmt: skip


def test_what_people_wrote_breaks_neither_page_nor_pdf(report: Report, tmp_path: Path) -> None:
    page = page_of(report, "th")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    pdf = tmp_path / "report.pdf"
    pdf.write_bytes(rendered(report, "th", "pdf"))
    text = re.sub(r"\s", "", "".join(pages(pdf)))
    assert '<script>alert("1")</script>' in text
    assert "labour" in text
