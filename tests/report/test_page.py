"""The report as a page: everything is on it, in both languages, and nothing that somebody wrote is more than text."""

import re
from pathlib import Path

import pytest

from monitor import texts
from monitor.report.page import page_of
from monitor.texts import Language
from tests.declare.office import Office
from tests.report.conftest import REASON, gathered

PACKAGE = Path(__file__).parents[2] / "monitor" / "report"


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
    sources = "".join(
        path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*") if path.suffix in {".py", ".html"}
    )
    keys = [key.removeprefix("report.") for key in texts.of("en") if key.startswith("report.")]
    loose = set(re.findall(r'"([a-z_]+\.(?:[a-z]+_)?)" ?~|"report\.([a-z_]+\.)\{', sources))
    begins = (*(one or other for one, other in loose), "rules.", "figure.", "annex.", "running", "open", "closed")
    assert len(begins) > 6
    unused = [key for key in keys if f'"{key}"' not in sources and not key.startswith(begins)]
    assert unused == []
