"""`mailuptime report` as its user sees it."""

import csv
import io
import json
from pathlib import Path

import pytest

from monitor.report import rendering
from tests.declare.office import Office
from tests.report.conftest import EVIDENCE


def ask(office: Office, *more: str, month: str = "2026-11") -> str:
    done = office.run("report", "--month", month, *more)
    assert (done.status, done.err) == (0, "")
    return done.out


@pytest.mark.parametrize("language", ["th", "en"])
def test_json_and_html_go_to_standard_output_or_into_a_file_that_is_the_same(closed: Office, language: str) -> None:
    for form in ("json", "html", "csv"):
        file = closed.place / f"report.{form}"
        printed = ask(closed, "--lang", language, "--format", form)
        assert ask(closed, "--lang", language, "--format", form, "-o", str(file)) == ""
        assert file.read_bytes().decode() == printed
    assert json.loads(ask(closed, "--lang", language, "--format", "json"))["language"] == language
    assert list(closed.place.glob("*.part")) == []


def test_a_row_of_the_sheet_says_what_it_is_of(closed: Office) -> None:
    rows = list(csv.DictReader(io.StringIO(ask(closed, "--format", "csv"))))
    assert [row["record"] for row in rows] == [
        "service", "outage", "outage", "maintenance", "exclusion", *["month"] * 12, "revision", "revision",
    ]  # fmt: skip
    assert (rows[0]["service"], rows[0]["downtime_seconds"], rows[0]["outages"]) == ("mail", "5400", "2")
    assert rows[1]["id"] == "mail-20261110T030000Z"


def test_what_a_spreadsheet_would_reckon_is_text(closed: Office) -> None:
    rows = csv.DictReader(io.StringIO(ask(closed, "--format", "csv")))
    (exclusion,) = [row for row in rows if row["record"] == "exclusion"]
    assert exclusion["evidence"] == f"'{EVIDENCE}"


def test_a_month_that_is_none_is_refused(office: Office) -> None:
    done = office.run("report", "--month", "2026-13")
    assert (done.status, done.err) == (2, 'there is no month "2026-13"; months run from 1970-01 to 9998-12\n')


def test_a_service_that_is_none_is_refused(office: Office) -> None:
    done = office.run("report", "--month", "2026-11", "--service", "nope")
    assert done.status == 2
    assert done.err.splitlines() == ['there is no service "nope" in that month; among others there is: mail']


def test_without_a_ledger_one_line_says_so(office: Office) -> None:
    office.ledger.unlink()
    done = office.run("report", "--month", "2026-11")
    assert done.status == 69
    assert len(done.err.splitlines()) == 1


def test_a_file_that_cannot_be_written_is_73(office: Office) -> None:
    target = office.place / "nowhere" / "report.html"
    done = office.run("report", "--month", "2026-11", "-o", str(target))
    assert (done.status, done.err) == (73, f"{target}: No such file or directory\n")


@pytest.mark.parametrize("name", [".", "mailuptime.yaml/report.html", "r" * 300])
def test_what_is_no_name_for_a_file_is_73_in_one_line(office: Office, name: str) -> None:
    done = office.run("report", "--month", "2026-11", "-o", str(office.place / name))
    assert (done.status, done.err.count("\n")) == (73, 1)


def test_a_device_is_written_to_and_not_replaced(office: Office) -> None:
    device = office.place / "device"
    device.symlink_to("/dev/null")
    assert ask(office, "-o", str(device)) == ""
    assert device.is_symlink()


def test_where_weasyprint_is_missing_one_line_names_what_installs_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the system's own Python, which has not got it."""
    assert Path("/usr/bin/python3").exists()
    monkeypatch.setattr("sys.executable", "/usr/bin/python3")
    done = office.run("report", "--month", "2026-11", "--format", "pdf", "-o", str(office.place / "report.pdf"))
    assert done.status == 69
    assert "pip install 'mailuptime[pdf]'" in done.err
    assert len(done.err.splitlines()) == 1
    assert not (office.place / "report.pdf").exists()


def test_the_typesetter_gets_no_secret_of_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    telling = tmp_path / "telling.py"
    telling.write_text("import os; print(sorted(os.environ))", encoding="utf-8")
    monkeypatch.setattr(rendering, "_TYPESETTER", telling)
    monkeypatch.setenv("PROBE_PASSWORD", "s3cr3t")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    told = rendering.typeset(b"<p>").decode()
    assert "PATH" in told
    assert "PROBE_PASSWORD" not in told
    assert "CREDENTIALS_DIRECTORY" not in told


def test_a_typesetter_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hanging = tmp_path / "hanging.py"
    hanging.write_text("import time; time.sleep(600)")
    monkeypatch.setattr(rendering, "_TYPESETTER", hanging)
    with pytest.raises(rendering.TypesettingError, match="not set within"):
        rendering.typeset(b"<p>", deadline=0.5)


def test_a_month_without_data_says_so_in_both_languages(office: Office) -> None:
    assert "the service was not watched in this month" in ask(office, "--lang", "en", month="2025-01")
    assert "ไม่มีการตรวจสอบบริการในเดือนนี้" in ask(office, "--lang", "th", month="2025-01")
