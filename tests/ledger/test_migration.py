"""A ledger of an earlier version is taken over whole, with a copy of it kept beside it first."""

import sqlite3
import stat
from pathlib import Path

import pytest

from monitor import packing, verification
from monitor.core.book import Book
from monitor.core.check import Check, Outcome
from monitor.core.instants import DAY, MINUTE, SECOND
from monitor.ledger import Fact, Ledger, LedgerUnavailableError, Reader
from monitor.ledger.restore import event_fact, put_in_force
from monitor.ledger.schema import MIGRATIONS
from tests.ledger import old
from tests.ledger.accounts import RULES, START, TARGETS, VOICE, book_of, views


def history() -> list[tuple[str, Check]]:
    """Two targets by the minute for ten hours; mail/imap is down for twenty minutes, and once for a moment."""
    said = []
    for minute in range(600):
        at = START + minute * MINUTE
        imap_down = 120 <= minute < 140 or minute == 300
        outcome = Outcome.DOWN if imap_down else Outcome.UP
        said.append((TARGETS[0], Check(at, outcome, 40_000, VOICE, cause="timeout" if imap_down else None)))
        said.append((TARGETS[1], Check(at + 7 * SECOND, Outcome.UP, 20_000, VOICE)))
    return said


def written(path: Path, version: int) -> Book:
    """What the daemon of an earlier version would have written; the book that it had."""
    rows: list[old.Row] = []
    facts: list[Fact] = []
    with Ledger(path.parent.parent / "empty.db") as empty:
        made = Book(RULES)
        facts += put_in_force(made, empty, RULES, START)
    for target, check in history():
        facts += [event_fact(target, event, check.at) for event in made.record(target, check)]
        seen = {"reply": "no answer", "phases": [["connect", 40_000]]} if check.outcome is Outcome.DOWN else None
        rows.append((
            target, check.at, check.outcome.value, check.duration, check.voice, 1, check.cause,
            "connect" if seen else None, seen,
        ))  # fmt: skip
    states = {name: (one.first, one.newest, one.timeline.dump()) for name, one in made.accounts.items()}
    old.write(path, version, rows, facts, states)
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "place"
    place.mkdir()
    return place / "ledger.db"


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_a_ledger_of_an_earlier_version_gives_the_same_figures_and_goes_on(path: Path, version: int) -> None:
    wrote = written(path, version)
    before = path.read_bytes()
    with Ledger(path) as ledger:
        assert views(book_of(ledger)) == views(wrote)
        assert [row.check for row in ledger.checks(0, 2**62)] == [check for _, check in history()]
        assert verification.verify(ledger, RULES).differences == ()
        head = ledger.head
    [kept] = [file for file in path.parent.iterdir() if f".version{version}-" in file.name]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    with pytest.raises(LedgerUnavailableError, match=rf"its version is {version}, this program reads"):
        Reader.beside(kept)
    copy = sqlite3.connect(kept)
    assert copy.execute("SELECT count(*) FROM checks").fetchone() == (len(history()),)
    assert copy.execute("SELECT hex(digest) FROM facts ORDER BY seq DESC LIMIT 1").fetchone()[0].lower() == head
    copy.close()
    assert path.read_bytes() != before
    Ledger(path).close()
    assert sum(".version" in file.name for file in path.parent.iterdir()) == 1


def test_what_an_earlier_version_recorded_is_packed_and_pruned_in_steps(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrote = written(path, 4)
    monkeypatch.setattr(packing, "MOST", 250)
    with Ledger(path) as ledger:
        number = ledger.last_check()
        assert packing.pack(ledger, number, START + 9 * DAY) == 250
    with Ledger(path) as ledger:  # as after a kill: it goes on from there
        while packing.pack(ledger, number, START + 9 * DAY):
            pass
        assert len(ledger.unpacked(number)) == 1
        assert views(book_of(ledger)) == views(wrote)
        assert verification.verify(ledger, RULES).differences == ()
        pruning = packing.Pruning(ledger, RULES)
        assert pruning.step(START + 9 * DAY, START + 500 * DAY) == 250
        assert views(book_of(ledger)) == views(wrote)
        assert verification.verify(ledger, RULES).differences == ()


def test_a_migration_that_was_stopped_after_its_copy_makes_no_second_copy(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(path, 4)
    with monkeypatch.context() as broken:
        broken.setattr("monitor.ledger.schema.MIGRATIONS", (*MIGRATIONS[:4], ("CREATE TABLE facts (again TEXT)",)))
        with pytest.raises(LedgerUnavailableError, match="table facts already exists"):
            Ledger(path)
    Ledger(path).close()
    assert sum(".version4-" in file.name for file in path.parent.iterdir()) == 1


def test_where_the_copy_cannot_be_written_nothing_is_migrated(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(path, 4)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("monitor.ledger.copying.os.link", full)
    with pytest.raises(LedgerUnavailableError, match=r"cannot be written: No space left on device$"):
        Ledger(path)
    assert path.read_bytes() == before
    assert sorted(file.name for file in path.parent.iterdir()) == ["ledger.db", "ledger.db.lock"]
