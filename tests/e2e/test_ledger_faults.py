"""A ledger that fails under a running daemon or before it starts: said in a line, nothing lost or overwritten."""

import json
import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest

from monitor.ledger import Batch, Fact, Ledger, Link
from monitor.ledger.schema import MIGRATIONS
from tests.declare.listener import Listener
from tests.declare.office import TARGET, Office
from tests.e2e.commands import assert_refused, mailuptime
from tests.lab import wait_until
from tests.lab.daemon import Daemon, states

FAST = {
    "interval": "300ms",
    "timeout": "250ms",
    "confirm": {"failures": 3, "interval": "100ms"},
    "recover": {"successes": 2, "interval": "100ms"},
    "pulse": "off",
    "stale_after": "60s",
}
Fault = Callable[[Path, Daemon], AbstractContextManager[None]]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own, in memory."""
    place = tmp_path / "store"
    place.mkdir()
    mounted = subprocess.run(
        ["/usr/bin/mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a file system that can be full has to be mounted: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["/usr/bin/umount", "-l", place], check=True)


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as made:
        yield made


@pytest.fixture
def office(tmp_path: Path, store: Path, capsys: pytest.CaptureFixture[str], listener: Listener) -> Office:
    return Office(tmp_path, capsys, listener.port, FAST, ledger={"path": str(store / "ledger.db")})


@contextmanager
def full(ledger: Path, _daemon: Daemon) -> Iterator[None]:
    filler = ledger.with_name("filler")
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    yield
    filler.unlink()


@contextmanager
def locked(ledger: Path, _daemon: Daemon) -> Iterator[None]:
    """By the shell of SQLite, say."""
    other = sqlite3.connect(ledger, isolation_level=None, timeout=30)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.close()


@contextmanager
def moved(ledger: Path, _daemon: Daemon) -> Iterator[None]:
    ledger.rename(ledger.with_name("elsewhere"))
    yield
    assert not ledger.exists()
    ledger.with_name("elsewhere").rename(ledger)


@contextmanager
def only_to_be_read(ledger: Path, daemon: Daemon) -> Iterator[None]:
    """What a file system answers that an error turned read-only: one that is in use cannot be remounted."""
    writing = "pwrite64,write,ftruncate,fdatasync,fsync"
    paths = [word for suffix in ("", "-wal", "-shm") for word in ("-P", f"{ledger}{suffix}")]
    command = ["strace", "-f", "-p", str(daemon.pid), *paths, "-e", f"inject={writing}:error=EROFS"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        first = tracer.stderr.readline()
        if "attached" not in first:
            pytest.skip(f"the daemon's system calls have to be made to fail: {first.strip()}")
        reading = Thread(target=tracer.stderr.read)
        reading.start()
        yield
        tracer.terminate()
        reading.join()


def metric(daemon: Daemon, name: str) -> float:
    [line] = [line for line in daemon.get("/metrics")[1].splitlines() if line.startswith(f"{name} ")]
    return float(line.split()[-1])


def downtime(daemon: Daemon) -> list[str]:
    return [line for line in daemon.get("/metrics")[1].splitlines() if line.startswith("mailuptime_downtime_seconds{")]


@pytest.mark.parametrize("fault", [full, locked, moved, only_to_be_read])
def test_while_the_ledger_cannot_be_written_states_go_on_figures_wait_and_nothing_is_lost(
    office: Office, store: Path, listener: Listener, fault: Fault
) -> None:
    ledger = store / "ledger.db"
    with Daemon(office.configuration, office.port) as daemon:
        wait_until(lambda: daemon.get("/-/ready")[0] == 200, "readiness", seconds=60)
        with fault(ledger, daemon):
            unready = (503, "the ledger cannot be written\n")
            wait_until(lambda: daemon.get("/-/ready") == unready, "the fault", seconds=60)
            frozen = downtime(daemon)
            listener.well = False
            wait_until(lambda: states(daemon)[TARGET] == "down", "the outage", seconds=60)
            assert metric(daemon, "mailuptime_ledger_writable") == 0
            assert metric(daemon, "mailuptime_ledger_pending_records") > 3
            assert downtime(daemon) == frozen
            assert daemon.ask("sla")["uncommitted"]
            listener.well = True
            wait_until(lambda: states(daemon)[TARGET] == "up", "its end", seconds=60)
        wait_until(lambda: daemon.get("/-/ready")[0] == 200, "readiness again", seconds=60)
        assert metric(daemon, "mailuptime_ledger_writable") == 1
        wait_until(lambda: downtime(daemon) != frozen, "the figures to go on", seconds=60)
        answer = daemon.ask("sla")
        assert "uncommitted" not in answer
        [outage] = answer["services"][0]["outages"]
    [line] = [json.loads(one) for one in daemon.log.read_text().splitlines() if "ledger.unavailable" in one]
    [body] = [link.fact.body for link in _facts(ledger, "recovered")]
    assert body["reason"] == line["reason"]
    exported = mailuptime("export", "checks", "-c", office.configuration, "--from", outage["start"])
    failed = [json.loads(one) for one in exported.out.splitlines() if '"down"' in one]
    assert len(failed) >= 3
    assert all(one["recovered"] for one in failed)
    verified = mailuptime("verify", "-c", office.configuration)
    assert (verified.status, verified.err) == (0, "")


def test_a_ledger_cut_off_under_a_running_daemon_is_written_to_no_more(
    office: Office, store: Path, listener: Listener
) -> None:
    ledger = store / "ledger.db"
    with Ledger(ledger) as filled:
        filled.commit(Batch(facts=[Fact(1, "test", {"text": "x" * 200_000})]))
    with Daemon(office.configuration, office.port) as daemon:
        wait_until(lambda: daemon.get("/-/ready")[0] == 200, "readiness", seconds=60)
        os.truncate(ledger, 8192)
        said = "cut off while it is in use (8192 bytes, there were "
        wait_until(lambda: said in daemon.log.read_text(), "that it is noticed", seconds=60)
        assert daemon.get("/-/ready") == (503, "the ledger cannot be written\n")
        listener.well = False
        wait_until(lambda: states(daemon)[TARGET] == "down", "the outage", seconds=60)
        assert ledger.stat().st_size == 8192


def test_a_second_daemon_is_refused_and_the_first_goes_on(office: Office) -> None:
    with Daemon(office.configuration, office.port) as daemon:
        second = mailuptime("run", "-c", office.configuration)
        assert_refused(second, 69, f"{office.place / 'store' / 'ledger.db'}: in use by another mailuptime (process ")
        wait_until(lambda: daemon.get("/-/ready")[0] == 200, "readiness", seconds=60)


def newer(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()


def foreign(path: Path) -> None:
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def unreadable(path: Path) -> None:
    """A fact of rules that holds none."""
    connection = sqlite3.connect(path)
    connection.execute("DROP TRIGGER facts_are_never_changed")
    connection.execute("UPDATE facts SET kind = 'rules'")
    connection.commit()
    connection.close()


def read_only(path: Path) -> None:
    subprocess.run(["/usr/bin/mount", "-o", "remount,ro", path.parent], check=True)


START: dict[str, tuple[Callable[[Path], object], int, str]] = {
    "newer": (newer, 73, "written by a newer mailuptime"),
    "another database": (foreign, 73, "an SQLite database, but not a mailuptime ledger; name another path"),
    "a directory": (directory, 73, "a directory; name a file in it"),
    "empty": (lambda path: path.write_bytes(b""), 73, "an empty file, no ledger"),
    "no database": (lambda path: path.write_bytes(b"Dear diary" * 999), 73, "file is not a database"),
    "gone": (Path.unlink, 73, "gone; put it back or restore a backup"),
    "cut off": (lambda path: os.truncate(path, 20480), 65, "malformed"),
    "changed": (unreadable, 65, "damaged: it cannot be restored from; mailuptime verify says what was changed"),
    "on a file system that may only be read": (read_only, 73, ""),
}


@pytest.mark.parametrize("what", START)
def test_at_start_it_is_one_line_and_nothing_is_overwritten(office: Office, store: Path, what: str) -> None:
    spoil, status, words = START[what]
    path = store / "ledger.db"
    with Ledger(path) as ledger:
        ledger.commit(Batch(facts=[Fact(1, "started", {})]))
    spoil(path)
    before = path.read_bytes() if path.is_file() else None
    assert_refused(office.run("run"), status, str(path), words)
    assert (path.read_bytes() if path.is_file() else None) == before


def _facts(path: Path, kind: str) -> list[Link]:
    with Ledger(path) as ledger:
        return list(ledger.facts((kind,)))
