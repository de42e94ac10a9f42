"""The report as PDF, as a reader of PDF sees it."""

import re
import subprocess
import unicodedata
from pathlib import Path

import pytest

from monitor.report.rendering import rendered
from monitor.texts import Language
from tests.declare.office import Office
from tests.report.conftest import gathered


def pages(pdf: Path) -> list[str]:
    """The text of each page, as it is searched for.

    Sara am is drawn as two glyphs and comes out as the two characters that it is compatible with: what is searched
    for is normalised the same way (NFKD).
    """
    text = subprocess.run(["pdftotext", "-raw", pdf, "-"], capture_output=True, check=True).stdout.decode()
    return [unicodedata.normalize("NFKD", page) for page in text.split("\f")[:-1]]


def told(pdf: Path, tool: str) -> str:
    return subprocess.run([tool, pdf], capture_output=True, check=True).stdout.decode()


def set_as(office: Office, language: Language, month: str = "2026-11") -> Path:
    file = office.place / f"{language}.pdf"
    file.write_bytes(rendered(gathered(office, month), language, "pdf"))
    return file


def test_the_same_month_gives_the_same_bytes_and_thai_can_be_searched_for(closed: Office) -> None:
    report = gathered(closed)
    first = rendered(report, "th", "pdf")
    closed.now += 3_600_000_000
    again = set_as(closed, "th")
    assert again.read_bytes() == first
    text = "".join(pages(again))
    for phrase in (
        "ความพร้อมในการให้บริการ",
        "ระยะเวลาสะสมที่ไม่สามารถใช้งานบริการได้ต่อเดือน",
        "การบำรุงรักษา",
        "เหตุสุดวิสัย",
        "น้ำท่วม",
        "ต่ำกว่าเป้าหมาย",
        "พฤศจิกายน พ.ศ. 2569",
    ):
        assert unicodedata.normalize("NFKD", phrase) in re.sub(r"\n", "", text), phrase
    assert "A4" in told(again, "pdfinfo")
    faces = told(again, "pdffonts").splitlines()[2:]
    assert {line.split()[0].partition("+")[2] for line in faces} == {"Sarabun", "Sarabun-Bold"}
    assert all("yes" in line for line in faces)


def test_lines_break_between_thai_words(closed: Office) -> None:
    """Words that the longest paragraphs are made of are whole wherever they stand."""
    text = "\n".join(pages(set_as(closed, "th")))
    joined = text.replace("\n", "")
    lines = [line for line in text.splitlines() if len(line) > 80]
    assert len(lines) > 10
    for word in ("บริการ", "ตรวจสอบ", "ระยะเวลา", "เป้าหมาย", "ใช้งาน", "หลักฐาน", "เดือน", "นาที", "ข้อตกลง", "อนุมัติ"):
        wanted = unicodedata.normalize("NFKD", word)
        assert text.count(wanted) == joined.count(wanted) > 0, word


@pytest.mark.parametrize(("language", "mark"), [("th", "ฉบับชั่วคราว"), ("en", "PROVISIONAL")])
def test_a_running_month_is_marked_on_every_page(office: Office, language: Language, mark: str) -> None:
    found = pages(set_as(office, language))
    assert len(found) > 1
    assert [number for number, page in enumerate(found, 1) if unicodedata.normalize("NFKD", mark) not in page] == []


def test_a_closed_month_is_marked_nowhere(closed: Office) -> None:
    assert not any("PROVISIONAL" in page for page in pages(set_as(closed, "en")))
