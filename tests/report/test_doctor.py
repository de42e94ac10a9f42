"""What `mailuptime doctor` says of reports before a month is closed."""

import os
from typing import Any

import pytest

from monitor.diagnosis.findings import Finding
from monitor.diagnosis.reports import reports
from monitor.settings import load
from tests.declare.office import Office


def found(office: Office, **section: Any) -> list[Finding]:
    office.write(report=section)
    return list(reports(load(office.configuration)))


def test_without_a_directory_there_is_nothing_to_look_at(office: Office) -> None:
    assert found(office) == []


def test_a_directory_that_can_be_made_and_pdf_that_can_be_set_are_well(office: Office) -> None:
    assert [one.level for one in found(office, directory=str(office.place / "to" / "be" / "made"))] == ["ok", "ok"]


def test_a_file_in_the_way_is_said(office: Office) -> None:
    (one,) = found(office, directory=str(office.ledger), formats=["html"])
    assert (one.level, one.what) == ("fail", f"{office.ledger} is no directory")


def test_a_directory_of_somebody_else_is_said(office: Office) -> None:
    """The daemon's user is the ledger's owner."""
    office.place.chmod(0o755)
    os.chown(office.ledger, 65534, 65534)
    (one,) = found(office, directory=str(office.place / "reports"), formats=["html"])
    assert one.level == "fail"
    assert "cannot be written by the user that the daemon runs as (65534)" in one.what
    office.place.chmod(0o777)
    assert [one.level for one in found(office, directory=str(office.place / "reports"), formats=["html"])] == ["ok"]


def test_pdf_that_cannot_be_set_is_said(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/usr/bin/python3")
    (_, one) = found(office, directory=str(office.place))
    assert one.level == "fail"
    assert "PDF needs WeasyPrint" in one.what
