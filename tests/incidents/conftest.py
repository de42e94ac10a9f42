"""Gives the tests a ledger of tickets that no daemon has open."""

from pathlib import Path

import pytest

from tests.declare.office import Office, opened


@pytest.fixture(scope="session")
def ledgers() -> dict[str, bytes]:
    return {}


@pytest.fixture
def office(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, ledgers: dict[str, bytes]
) -> Office:
    """With an outage from 10:00 to 12:00 on 10 November 2026, at 12:30 that day."""
    return opened(Office(tmp_path, capsys), monkeypatch, ledgers)
