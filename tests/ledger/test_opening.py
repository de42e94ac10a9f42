"""Who may open the ledger, and what is said in one line to whom it is refused, with nothing changed."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monitor.ledger import Batch, Fact, Ledger, LedgerError, LedgerLockedError, LedgerUnavailableError, Reader
from monitor.ledger.schema import MIGRATIONS

HOLD = """
import sys
from pathlib import Path
from monitor.ledger import Ledger

ledger = Ledger(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""
UNPRIVILEGED = """
import os, sys
from pathlib import Path
from monitor.ledger import Ledger, LedgerError

if os.geteuid() == 0:
    os.seteuid(65534)
try:
    Ledger(Path(sys.argv[1]))
except LedgerError as error:
    print(error)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def refusal(path: Path, *, create: bool = True) -> str:
    """What is said when the ledger cannot be opened."""
    with pytest.raises(LedgerUnavailableError) as refused:
        Ledger(path, create=create)
    said = str(refused.value)
    assert "\n" not in said
    assert said.startswith(f"{path}: ")
    return said.removeprefix(f"{path}: ")


def contents(directory: Path) -> dict[str, bytes]:
    """Every file but the lock."""
    return {file.name: file.read_bytes() for file in directory.iterdir() if file.is_file() and file.suffix != ".lock"}


def newer(path: Path) -> None:
    Ledger(path).close()
    other = sqlite3.connect(path)
    other.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    other.close()


def foreign(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE bookmarks (url TEXT)")
    other.commit()
    other.close()


def foreign_by_its_mark(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("PRAGMA application_id = 1")
    other.commit()
    other.close()


def no_database(path: Path) -> None:
    path.write_text("Dear diary, today nothing was down. " * 100)


def torn(path: Path) -> None:
    """A ledger whose pages behind the first are gone to zeros."""
    with Ledger(path) as ledger:
        ledger.commit(Batch(facts=[Fact(1, "started", {})]))
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + bytes(len(whole) - 4096))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (newer, f"written by a newer mailuptime (its version is {len(MIGRATIONS) + 1}, this program knows"),
        (foreign, "an SQLite database, but not a mailuptime ledger; name another path"),
        (foreign_by_its_mark, "an SQLite database, but not a mailuptime ledger; name another path"),
        (no_database, "file is not a database"),
        (torn, "malformed"),
    ],
)
def test_what_is_no_usable_ledger_is_refused_in_one_line_and_left_as_it_is(
    path: Path, spoil: Callable[[Path], None], words: str
) -> None:
    spoil(path)
    before = contents(path.parent)
    assert words in refusal(path)
    assert contents(path.parent) == before
    assert words in refusal(path)  # the lock was let go of


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (newer, "written by a newer mailuptime"),
        (foreign, "an SQLite database, but not a mailuptime ledger; name another path"),
        (no_database, "file is not a database"),
        (lambda _: None, "there is no ledger yet; it is made by mailuptime run"),
    ],
)
def test_who_looks_on_is_refused_in_one_line_too(path: Path, spoil: Callable[[Path], None], words: str) -> None:
    spoil(path)
    before = contents(path.parent).get(path.name)
    with pytest.raises(LedgerUnavailableError) as refused:
        Reader.beside(path)
    assert str(refused.value).startswith(f"{path}: {words}")
    assert "\n" not in str(refused.value)
    assert contents(path.parent).get(path.name) == before


def test_who_looks_on_sees_what_is_committed_and_changes_nothing(path: Path) -> None:
    fact = Fact(1, "started", {})
    with Ledger(path) as ledger:
        ledger.commit(Batch(facts=[fact]))
        with Reader.beside(path) as onlooker:
            ledger.commit(Batch(facts=[fact]))
            assert [link.fact for link in onlooker.facts()] == [fact]  # one picture, from when it was opened
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                vars(onlooker)["_connection"].execute("DELETE FROM targets")
        with Reader.beside(path) as onlooker:
            assert [link.fact for link in onlooker.facts()] == [fact, fact]


def test_a_directory_that_is_missing_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "missing" / "ledger.db") == "No such file or directory"
    assert not (tmp_path / "missing").exists()


def test_a_path_that_is_a_directory_is_refused(path: Path) -> None:
    path.mkdir()
    assert refusal(path) == "a directory; name a file in it"


def test_a_ledger_is_not_created_where_it_is_only_read(path: Path) -> None:
    assert refusal(path, create=False) == "there is no ledger yet; it is made by mailuptime run"
    assert list(path.parent.iterdir()) == []


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A directory that any user may enter; those of the tests belong to who runs them alone."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        yield directory
        directory.chmod(0o755)


def unprivileged(path: Path) -> str:
    """What a user without rights of its own is told."""
    command = [sys.executable, "-c", UNPRIVILEGED, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_directory_that_may_not_be_written_is_refused_in_one_line(reachable: Path) -> None:
    reachable.chmod(0o555)
    assert unprivileged(reachable / "ledger.db") == f"{reachable / 'ledger.db'}: Permission denied\n"


def test_a_ledger_that_may_not_be_written_is_refused_in_one_line(reachable: Path) -> None:
    path = reachable / "ledger.db"
    with Ledger(path) as ledger:
        ledger.commit(Batch(facts=[Fact(1, "started", {})]))
    path.chmod(0o444)
    (reachable / "ledger.db.lock").chmod(0o666)
    reachable.chmod(0o777)
    before = path.read_bytes()
    assert unprivileged(path) == f"{path}: attempt to write a readonly database\n"
    assert path.read_bytes() == before


def test_a_second_process_is_refused_and_told_which_is_the_first(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "open\n"
        with pytest.raises(LedgerLockedError) as refused:
            Ledger(path)
        first.communicate()
    assert str(refused.value) == f"{path}: in use by another mailuptime (process {first.pid})"
    Ledger(path).close()


def test_the_lock_of_a_process_that_was_killed_goes_with_it(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "open\n"
        first.send_signal(signal.SIGKILL)
    with Ledger(path) as ledger:
        assert (path.parent / "ledger.db.lock").read_text().split()[0] == str(os.getpid())
        assert ledger.head == "00" * 32


def test_one_process_does_not_open_it_twice_either(path: Path) -> None:
    with Ledger(path), pytest.raises(LedgerError, match="in use by another mailuptime"):
        Ledger(path)


def test_nothing_but_the_ledger_and_its_lock_is_left_after_closing(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.commit(Batch(facts=[Fact(1, "started", {})]))
    assert sorted(file.name for file in path.parent.iterdir()) == ["ledger.db", "ledger.db.lock"]
    assert not stat.S_IMODE((path.parent / "ledger.db.lock").stat().st_mode) & stat.S_IWOTH


def test_a_failed_migration_leaves_the_file_without_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Ledger(path).close()
    broken = (*MIGRATIONS, ("CREATE TABLE later (id INTEGER PRIMARY KEY)", "CREATE TABLE facts (again TEXT)"))
    monkeypatch.setattr("monitor.ledger.schema.MIGRATIONS", broken)
    assert refusal(path) == "table facts already exists"
    monkeypatch.undo()
    with Ledger(path) as ledger:
        ledger.commit(Batch(facts=[Fact(1, "started", {})]))
    found = sqlite3.connect(path)
    assert found.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'later'").fetchone() == (0,)
    found.close()
