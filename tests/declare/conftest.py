"""Gives the tests a ledger with one outage in it."""

from pathlib import Path

import pytest

from tests.declare.office import Office, opened


@pytest.fixture
def office(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Office:
    return opened(Office(tmp_path, capsys), monkeypatch)
