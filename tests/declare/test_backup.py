"""Backups that are whole, of a resting ledger and of a running daemon's, and what restoring one does and refuses."""

import asyncio
import errno
import os
import sqlite3
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event

import pytest

from monitor import backing
from monitor.ledger import Batch, Fact, Ledger, LedgerError, LedgerUnavailableError, Reader, reader
from monitor.ledger.backups import back_up
from monitor.ledger.schema import MIGRATIONS
from tests.core.worked import at
from tests.declare.listener import Listener
from tests.declare.office import TARGET, Office, hourly
from tests.e2e.commands import assert_refused, mailuptime
from tests.lab import wait_until
from tests.lab.daemon import Daemon, states


def names(place: Path) -> list[str]:
    """Every file but the configuration, the lock, and what readers leave."""
    left = ("-wal", "-shm", ".lock", ".yaml")
    return sorted(file.name for file in place.iterdir() if not file.name.endswith(left))


def test_a_backup_is_the_ledger_in_one_file_for_nobody_else_to_read(office: Office, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    document = office.act("backup", str(copy))
    with Ledger(office.ledger) as ledger:
        facts, checks, head = list(ledger.facts()), list(ledger.checks(0, 2**62)), ledger.head
    assert document == {
        "path": str(copy), "bytes": copy.stat().st_size, "facts": len(facts), "checks": len(checks), "head": head,
    }  # fmt: skip
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert names(tmp_path) == ["copy.db", "ledger.db"]
    copy.chmod(0o400)
    with Reader.beside(copy) as reader:
        assert list(reader.facts()) == facts
        assert list(reader.checks(0, 2**62)) == checks


def test_without_a_name_it_goes_to_a_directory_beside_the_ledger(office: Office) -> None:
    done = office.run("backup")
    assert (done.status, done.err) == (0, "")
    [copy] = (office.place / "backups").iterdir()
    assert done.out.startswith(f"{copy}: written and checked; facts: ")
    assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700


def test_a_file_is_replaced_only_when_that_is_said_and_only_another_backup(office: Office, tmp_path: Path) -> None:
    copy, letter = tmp_path / "copy.db", tmp_path / "letter.txt"
    letter.write_text("Dear diary")
    office.act("backup", str(copy))
    before = copy.read_bytes()
    office.feed(hourly(at("13:00"), at("20:00")))
    assert_refused(office.run("backup", str(copy)), 2, f"{copy}: exists; name another file, or say --force")
    assert copy.read_bytes() == before
    office.act("backup", str(copy), "--force")
    assert copy.read_bytes() != before
    assert_refused(office.run("backup", str(letter), "--force"), 2, "only a backup is replaced")
    assert_refused(office.run("backup", str(office.ledger), "--force"), 2, "the ledger itself; name another file")
    assert_refused(office.run("backup", str(tmp_path)), 2, "a directory; name a file in it")
    assert_refused(office.run("backup", str(tmp_path / "no" / "copy.db")), 73, "No such file or directory")
    assert letter.read_text() == "Dear diary"


def test_one_that_is_stopped_leaves_no_file_whether_it_is_copied_or_gone_through(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_INSTRUCTIONS", 1)
    copy, before = tmp_path / "copy.db", names(tmp_path)
    for well in range(3):
        with pytest.raises(LedgerError):
            back_up(office.ledger, copy, stopped=partial(next, iter([False] * well), True))
        assert names(tmp_path) == before


async def test_a_daemon_that_ends_stops_the_backup_that_is_under_way(office: Office, tmp_path: Path) -> None:
    given, ended = Event(), Event()

    def endless(*_: object, stopped: Callable[[], bool], **__: object) -> None:
        given.set()
        while not stopped():
            pass
        ended.set()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backing, "back_up", endless)
        request = {"destination": str(tmp_path / "copy.db")}
        under_way = asyncio.create_task(backing.Backing(office.ledger).make(request, "test"))
        await asyncio.to_thread(given.wait)
        under_way.cancel()
        assert await asyncio.to_thread(ended.wait, 60)


def test_where_there_are_no_hard_links_as_on_a_stick_it_is_written_too_and_replaces_nothing(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")  # what FAT answers

    monkeypatch.setattr(os, "link", link)
    copy = tmp_path / "copy.db"
    office.act("backup", str(copy))
    before = copy.read_bytes()
    assert_refused(office.run("backup", str(copy)), 2, "exists")
    assert copy.read_bytes() == before
    assert names(tmp_path) == ["copy.db", "ledger.db"]


def test_a_ledger_whose_chain_is_broken_gives_no_backup(office: Office, tmp_path: Path) -> None:
    with office.tampering() as connection:
        connection.execute("UPDATE facts SET at = at + 1 WHERE seq = 1")
    copy = tmp_path / "copy.db"
    assert_refused(office.run("backup", str(copy)), 69, f"{copy}: fact 1 (rules) was changed")
    assert not copy.exists()


def test_restoring_brings_back_what_was_backed_up_says_so_and_keeps_what_was_there(
    office: Office, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    office.ledger.chmod(0o640)
    saved = office.act("backup", str(copy))
    figures = office.figures()
    office.feed(hourly(at("13:00"), at("20:00")))
    later = office.verified().head
    document = office.act("restore", str(copy))
    assert document["facts"] == saved["facts"] + 1
    assert office.figures() == figures
    assert office.verified().differences == ()
    [body] = office.bodies("restored")
    kept = Path(document["replaced"])
    assert (body["source"], body["head"], body["replaced"]) == (str(copy), saved["head"], kept.name)
    assert body["by"].startswith(f"{os.getuid()} (")
    with Reader.beside(kept) as reader:
        assert list(reader.facts())[-1].digest.hex() == later
    assert stat.S_IMODE(office.ledger.stat().st_mode) == 0o640
    assert names(tmp_path) == ["copy.db", "ledger.db", kept.name]
    office.feed(hourly(at("13:00"), at("20:00")))
    assert office.verified().differences == ()


def test_a_ledger_that_is_lost_is_restored_too(office: Office, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    office.act("backup", str(copy))
    figures = office.figures()
    office.ledger.unlink()
    office.ledger.with_name("ledger.db-wal").write_bytes(b"what belonged to it")
    assert office.act("restore", str(copy))["replaced"] is None
    assert office.figures() == figures


def test_the_log_of_a_damaged_ledger_is_moved_aside_with_it(office: Office, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    office.act("backup", str(copy))
    office.ledger.write_bytes(b"no ledger any more" * 1000)
    log = office.ledger.with_name("ledger.db-wal")
    log.write_bytes(b"what was committed last")
    kept = Path(office.act("restore", str(copy))["replaced"])
    assert kept.read_bytes() == b"no ledger any more" * 1000
    assert kept.with_name(f"{kept.name}-wal").read_bytes() == b"what was committed last"
    assert office.verified().differences == ()


def test_a_backup_of_an_earlier_version_is_restored_and_brought_up_to_date(office: Office, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    office.act("backup", str(copy))
    connection = sqlite3.connect(copy)
    connection.execute("ALTER TABLE checks DROP COLUMN recovered")
    for table in ("packs", "evidence", "baselines"):
        connection.execute(f"DROP TABLE {table}")
    connection.execute("PRAGMA user_version = 4")
    connection.close()
    before = copy.read_bytes()
    office.act("restore", str(copy))
    assert office.verified().differences == ()
    assert copy.read_bytes() == before


def newer(copy: Path) -> None:
    connection = sqlite3.connect(copy)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()


def foreign(copy: Path) -> None:
    copy.unlink()
    connection = sqlite3.connect(copy)
    connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()


def changed(copy: Path) -> None:
    connection = sqlite3.connect(copy)
    connection.execute("DROP TRIGGER facts_are_never_changed")
    connection.execute("UPDATE facts SET at = at + 1 WHERE seq = 1")
    connection.commit()
    connection.close()


def cut_off(copy: Path) -> None:
    copy.write_bytes(copy.read_bytes()[: copy.stat().st_size // 2])


@pytest.mark.parametrize(
    ("spoil", "status", "words"),
    [
        (newer, 69, "written by a newer mailuptime"),
        (foreign, 69, "an SQLite database, but not a mailuptime ledger"),
        (lambda copy: copy.write_bytes(b""), 69, "empty"),
        (lambda copy: copy.write_bytes(b"Dear diary" * 1000), 69, "file is not a database"),
        (Path.unlink, 69, "there is no such file"),
        (cut_off, 69, "malformed"),
        (changed, 65, "fact 1 (rules) was changed: its content does not have its digest"),
    ],
)
def test_what_is_no_whole_ledger_is_not_restored(
    office: Office, tmp_path: Path, spoil: Callable[[Path], object], status: int, words: str
) -> None:
    copy = tmp_path / "copy.db"
    office.act("backup", str(copy))
    spoil(copy)
    before = office.ledger.read_bytes()
    assert_refused(office.run("restore", str(copy)), status, str(copy), words)
    assert office.ledger.read_bytes() == before
    assert [name for name in names(tmp_path) if name != "copy.db"] == ["ledger.db"]


def test_a_ledger_is_not_restored_from_itself(office: Office) -> None:
    assert_refused(office.run("restore", str(office.ledger)), 69, "the ledger itself; name a backup of it")


def test_beside_a_running_daemon_a_backup_is_whole_and_restoring_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, copy = tmp_path / "place", tmp_path / "copy.db"
    place.mkdir()
    with Listener() as listener:
        fast = {"interval": "200ms", "timeout": "150ms", "confirm": {"interval": "50ms"}, "pulse": "off"}
        office = Office(place, capsys, listener.port, fast)
        with Daemon(office.configuration, office.port) as daemon:
            wait_until(lambda: states(daemon)[TARGET] == "up", f"{TARGET} to be up", seconds=30)
            seen = office.facts()
            document = mailuptime("backup", str(copy), "-c", office.configuration, "--format", "json").document
            again = mailuptime("backup", str(copy), "-c", office.configuration)
            assert_refused(again, 2, f"{copy}: exists; name another file")
            nowhere = mailuptime("backup", str(tmp_path / "no" / "copy.db"), "-c", office.configuration)
            assert_refused(nowhere, 73, "No such file or directory")
            refused = mailuptime("restore", str(copy), "-c", office.configuration)
            assert_refused(refused, 69, "in use by another mailuptime (process ", "; stop it first")
        with Reader.beside(copy) as reader:
            facts = list(reader.facts())
            assert facts[: len(seen)] == seen
            assert facts[-1].digest.hex() == document["head"]
            assert len(list(reader.checks(0, 2**62))) == document["checks"] > 0
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        assert "ledger.backed_up" in daemon.log.read_text()
        assert office.run("restore", str(copy)).status == 0
        assert office.run("verify").status == 0


def test_a_restored_ledger_is_not_taken_for_one_that_lost_something(office: Office, tmp_path: Path) -> None:
    """The lock remembers how far a ledger had come; a backup that is put there by hand is behind that."""
    copy = tmp_path / "copy.db"
    office.act("backup", str(copy))
    office.append(Fact(at("13:00"), "test", {}))
    office.ledger.write_bytes(copy.read_bytes())
    with pytest.raises(LedgerUnavailableError, match="holds less than was committed to it"):
        Ledger(office.ledger)
    assert [line for line in office.run("verify").err.splitlines() if "holds less than was committed" in line]
    office.act("restore", str(copy))
    with Ledger(office.ledger) as ledger:
        ledger.commit(Batch(facts=[Fact(at("13:00"), "test", {})]))
