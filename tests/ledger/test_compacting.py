"""The daemon packs and prunes by its settings, in steps, beside its commits."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from monitor import bookkeeper as module
from monitor import packing
from monitor.bookkeeper import Bookkeeper
from monitor.clock import SystemClock
from monitor.core.instants import DAY
from monitor.desk import Desk
from monitor.ledger import Ledger, LedgerUnavailableError
from monitor.ledger.writer import Writer
from monitor.recorder import Recorder
from monitor.settings.sections import LedgerSettings
from tests.ledger.accounts import START, book, book_of, views
from tests.ledger.test_packs import told, verified, written


class Later(SystemClock):
    """It is long after the checks were recorded."""

    def now(self) -> int:
        return START + 90 * DAY


def compacted(ledger: Ledger, settings: LedgerSettings) -> None:
    async def run() -> None:
        clock, writer = Later(), Writer(ledger)
        recorder = Recorder(clock, book(), writer, lambda: None)
        desk = cast("Desk", SimpleNamespace(open=lambda _: None, prepare=lambda _: None))
        books = Bookkeeper(clock, book(), desk, recorder, writer, 7 * DAY)
        books.open(ledger)
        await asyncio.gather(books.compact(settings), books.compact(settings))

    asyncio.run(run())


@pytest.mark.parametrize(
    ("keep_checks", "keep_evidence", "left", "evidence"),
    [(400 * DAY, 1200 * DAY, True, True), (80 * DAY, 1200 * DAY, False, True), (400 * DAY, 80 * DAY, True, False)],
)
def test_each_kind_goes_when_its_time_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, keep_checks: int, keep_evidence: int, left: bool, evidence: bool
) -> None:
    monkeypatch.setattr(module, "BETWEEN_STEPS", 0)
    monkeypatch.setattr(packing, "MOST", 170)
    with written(tmp_path / "ledger.db", told(9, 400)) as ledger:
        figures = views(book_of(ledger))
        compacted(ledger, LedgerSettings.model_construct(keep_checks=keep_checks, keep_evidence=keep_evidence))
        assert list(ledger.packs()) != []
        assert (ledger.oldest_pack() is not None) == left
        assert (ledger.oldest_evidence() is not None) == evidence
        assert views(book_of(ledger)) == figures
        assert verified(ledger).differences == ()


def test_a_ledger_that_cannot_be_written_is_packed_another_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with written(tmp_path / "ledger.db", told(9, 400)) as ledger:
        monkeypatch.setattr(ledger, "commit", _full)
        compacted(ledger, LedgerSettings())
        assert list(ledger.packs()) == []
    assert "ledger.not_compacted" in capsys.readouterr().out


def _full(_batch: object) -> None:
    raise LedgerUnavailableError("ledger.db: database or disk is full")
