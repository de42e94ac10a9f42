"""The report as a page: everything is on it, in both languages, and nothing that somebody wrote is more than text."""

import re
from importlib import resources

import pytest

from monitor import texts
from monitor.report.page import page_of
from monitor.report.words import Words
from monitor.texts import Language
from tests.core.worked import ZONE
from tests.declare.office import Office
from tests.report.conftest import REASON, gathered


@pytest.mark.parametrize("language", ["th", "en"])
def test_a_closed_month_has_every_section_and_its_digest(closed: Office, language: Language) -> None:
    report = gathered(closed)
    page = page_of(report, language)
    t = texts.of(language)
    sections = (
        "objective", "figure", "burn", "outage", "maintenance", "exclusion", "history", "revisions", "rules",
        "readings", "proof", "sign",
    )  # fmt: skip
    assert [name for name in sections if f">{t(f'report.{name}.heading')}</h" not in page] == []
    assert report.revision is not None
    assert report.revision.digest in page
    assert report.revision.link in page
    assert "mail-20261110T030000Z" in page
    assert t("report.provisional") not in page


def test_the_period_is_named_by_both_calendars(closed: Office) -> None:
    assert "พฤศจิกายน พ.ศ. 2569 (ค.ศ. 2026)" in page_of(gathered(closed), "th")
    assert "November 2026 (Buddhist era 2569)" in page_of(gathered(closed), "en")


@pytest.mark.parametrize(
    ("recorded", "said"),
    [
        ("the month is over", "สิ้นเดือน"),
        ("approve EXC-1", "อนุมัติ EXC-1"),
        ("exclusion.withdraw EXC-1", "ถอนข้อยกเว้น EXC-1"),
        ("ticket.resolve INC-7", "บันทึกเพิ่มเติมของ INC-7"),
        ("something new EXC-1", "something new EXC-1"),
    ],
)
def test_the_reason_of_a_revision_is_told_in_the_reports_language(recorded: str, said: str) -> None:
    assert Words("th", ZONE).reason(recorded) == said


def test_what_people_wrote_is_text(november: Office) -> None:
    page = page_of(gathered(november), "th")
    assert REASON not in page
    assert "&lt;b&gt;storage&lt;/b&gt;" in page


def test_the_page_loads_nothing_and_runs_nothing(closed: Office) -> None:
    page = page_of(gathered(closed), "en")
    assert "<script" not in page
    assert re.findall(r"(?:src|href)=", page) == []
    assert all(url.startswith("data:font/ttf;base64,") for url in re.findall(r"url\(([^)]{0,40})", page))


def test_every_text_of_the_report_is_used() -> None:
    """By its key, or by the beginning of a key that is put together."""
    package = resources.files("monitor.report")
    files = (*package.iterdir(), *(package / "templates").iterdir())
    sources = "".join(file.read_text(encoding="utf-8") for file in files if file.name.endswith((".py", ".html")))
    keys = [key.removeprefix("report.") for key in texts.of("en") if key.startswith("report.")]
    loose = set(re.findall(r'"([a-z_]+\.(?:[a-z]+_)?)" ?~|"report\.([a-z_]+\.)\{', sources))
    made = ("rules.", "figure.", "annex.", "act.", "priority.", "running", "open", "closed")
    begins = (*made, *(one or other for one, other in loose))
    assert loose
    unused = [key for key in keys if f'"{key}"' not in sources and not key.startswith(begins)]
    assert unused == []
