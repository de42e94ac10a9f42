"""A ledger that is not what was committed to, when it is opened or while it is in use, is found out and left alone."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.ledger import Batch, Fact, Ledger, LedgerUnavailableError
from tests.ledger.committing import PER_BATCH, batch


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def refusal(path: Path) -> str:
    with pytest.raises(LedgerUnavailableError) as refused:
        Ledger(path)
    said = str(refused.value)
    assert "\n" not in said
    return said.removeprefix(f"{path}: ")


def killed(path: Path) -> int:
    """Batches that a process acknowledged which was killed with the ledger open."""
    command = [sys.executable, "-m", "tests.ledger.committing", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(20)]
        child.send_signal(signal.SIGKILL)
        said += child.stdout.readlines()
    return len([line for line in said if line.endswith("\n")])


def log_of(path: Path) -> Path:
    return path.with_name("ledger.db-wal")


def test_a_missing_log_is_noticed_and_putting_it_back_is_all_it_takes(path: Path) -> None:
    acknowledged = killed(path)
    log_of(path).rename(path.with_name("elsewhere"))
    said = refusal(path)
    assert said.startswith("holds less than was committed to it (facts: 0 of ")
    assert said.endswith("to go on with what is left, remove ledger.db.lock")
    with Ledger(path, to_write=False) as reader:
        assert reader.shortfall == f"{path}: {said}"
    assert refusal(path) == said
    path.with_name("elsewhere").rename(log_of(path))
    with Ledger(path) as ledger:
        assert len(list(ledger.facts())) >= PER_BATCH * acknowledged


def test_whoever_wants_may_go_on_with_what_is_left(path: Path) -> None:
    killed(path)
    log_of(path).unlink()
    refusal(path)
    path.with_name("ledger.db.lock").unlink()
    with Ledger(path) as ledger:
        ledger.commit(batch(0))


def test_a_log_that_somebody_folded_in_is_not_missed(path: Path) -> None:
    """As the shell of SQLite does, where it opens the ledger of a daemon that was killed."""
    killed(path)
    subprocess.run(
        [sys.executable, "-c", f"import sqlite3; c = sqlite3.connect({str(path)!r}); c.execute('SELECT 1 FROM facts')"],
        check=True,
    )
    Ledger(path).close()


def test_a_log_without_its_ledger_is_not_thrown_away(path: Path) -> None:
    killed(path)
    path.with_name("ledger.db.lock").unlink()
    path.rename(path.with_name("elsewhere"))
    before = log_of(path).read_bytes()
    assert refusal(path).startswith("gone, but its ledger.db-wal is there: put the ledger back")
    assert log_of(path).read_bytes() == before
    assert not path.exists()


def test_a_ledger_that_is_gone_is_not_begun_anew_in_silence(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.commit(batch(0))
    path.unlink()
    assert refusal(path) == "gone; put it back or restore a backup; to begin a new ledger, remove ledger.db.lock"
    assert not path.exists()


def test_an_empty_file_is_no_ledger(path: Path) -> None:
    path.touch()
    assert refusal(path) == "an empty file, no ledger: restore a backup, or remove it to begin a new ledger"
    assert path.stat().st_size == 0


def test_a_process_killed_while_it_makes_the_ledger_leaves_none_that_is_half(path: Path) -> None:
    path.with_name("ledger.db.new").write_bytes(b"SQLite format 3\0 and no more")
    with Ledger(path) as ledger:
        ledger.commit(batch(0))
    assert sorted(file.name for file in path.parent.iterdir()) == ["ledger.db", "ledger.db.lock"]


@pytest.mark.parametrize("lock", ["", "12345", "one two three\n", "1 99999999999\0\0", "-1 -5 -5\n"])
def test_a_lock_that_says_nothing_of_use_hinders_nobody(path: Path, lock: str) -> None:
    with Ledger(path) as ledger:
        ledger.commit(batch(0))
    path.with_name("ledger.db.lock").write_text(lock)
    with Ledger(path) as ledger:
        ledger.commit(batch(1))


def test_a_ledger_removed_while_in_use_is_written_again_once_it_is_back(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.commit(batch(0))
        path.rename(path.with_name("elsewhere"))
        with pytest.raises(LedgerUnavailableError, match="removed or moved away while it is in use"):
            ledger.commit(batch(1))
        assert not path.exists()
        path.with_name("elsewhere").rename(path)
        ledger.commit(batch(1))
    with Ledger(path) as ledger:
        assert [link.fact for link in ledger.facts()] == [fact for number in (0, 1) for fact in batch(number).facts]


def test_to_another_file_that_took_its_place_nothing_is_written(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.commit(batch(0))
        copy = path.with_name("copy")
        shutil.copy(path, copy)
        copy.rename(path)
        before = path.read_bytes()
        with pytest.raises(LedgerUnavailableError, match="another file has taken its place while it is in use"):
            ledger.commit(batch(1))
        assert path.read_bytes() == before


def test_into_a_ledger_that_was_cut_off_while_in_use_nothing_is_written(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.commit(Batch(facts=[Fact(1, "test", {"text": "x" * 100_000})]))
    with Ledger(path) as ledger:
        ledger.commit(batch(0))
        with path.open("r+b") as file:
            file.truncate(8192)
        with pytest.raises(LedgerUnavailableError, match=r"cut off while it is in use \(8192 bytes, there were "):
            ledger.commit(batch(1))
        assert path.stat().st_size == 8192
