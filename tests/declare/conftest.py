"""Gives the tests a ledger with one outage in it."""

from pathlib import Path

import pytest

from tests.declare.office import Office, opened


@pytest.fixture(scope="session")
def ledgers() -> dict[str, bytes]:
    """Ledgers that were fed once, by what they hold, as files to copy."""
    return {}


@pytest.fixture
def office(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, ledgers: dict[str, bytes]
) -> Office:
    return opened(Office(tmp_path, capsys), monkeypatch, ledgers)
