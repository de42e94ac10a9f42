"""A power cut at any write, as far as it can be played: what is found afterwards is a beginning of what was committed.

SQLite writes a commit as frames behind each other into the log and calls it done after an fsync; a cut may leave any
beginning of them, also the half of a frame. A checkpoint writes pages of the log into the file; a cut may leave some.
"""

import multiprocessing
import os
import shutil
import signal
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random

import pytest

from monitor.ledger import Ledger
from monitor.ledger.chain import broken
from tests.ledger.committing import PER_BATCH, batch

HEADER, FRAME_HEADER = 32, 24
BATCHES = 6


def log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


@pytest.fixture
def cut(tmp_path: Path) -> Iterator[tuple[Path, list[int]]]:
    """A ledger and its log as they lie there while it is in use, and how long the log was after each commit."""
    path, place = tmp_path / "ledger.db", tmp_path / "cut"
    place.mkdir()
    with Ledger(path) as ledger:
        vars(ledger)["_connection"].execute("PRAGMA wal_autocheckpoint = 0")
        lengths = []
        for number in range(BATCHES):
            ledger.commit(batch(number))
            lengths.append(log_of(path).stat().st_size)
        for file in (path, log_of(path)):
            shutil.copy(file, place / file.name)
        vars(ledger)["_connection"].execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(path, place / "checkpointed")
        yield place / path.name, lengths


def found(path: Path) -> int:
    """How many batches are there, all of each, and nothing else; afterwards it goes on."""
    with Ledger(path) as ledger:
        facts = [link.fact for link in ledger.facts()]
        assert list(broken(ledger.facts())) == []
        ledger.examine()
        number, rest = divmod(len(facts), PER_BATCH)
        assert rest == 0
        whole = [batch(one) for one in range(number)]
        assert facts == [fact for one in whole for fact in one.facts]
        assert [row for _, row in ledger.rows(0)] == [row for one in whole for row in one.checks]
        ledger.commit(batch(number))
    return number


def test_a_log_that_ends_anywhere_gives_every_commit_before_that_and_none_by_half(
    cut: tuple[Path, list[int]], tmp_path: Path
) -> None:
    path, lengths = cut
    whole = log_of(path).read_bytes()
    page = int.from_bytes(whole[8:12])
    frame = FRAME_HEADER + page
    frames = (len(whole) - HEADER) // frame
    assert frames > BATCHES
    ends = [HEADER + number * frame for number in range(frames + 1)]
    inside = [end + part for end in ends[:-1] for part in (1, FRAME_HEADER, frame // 2, frame - 1)]
    for number, end in enumerate([0, 1, HEADER - 1, *ends, *inside]):
        place = tmp_path / f"cut{number}"
        place.mkdir()
        shutil.copy(path, place)
        log_of(place / path.name).write_bytes(whole[:end])
        assert found(place / path.name) == sum(length <= end for length in lengths), end
        shutil.rmtree(place)


def test_rubbish_behind_the_last_commit_is_no_commit(cut: tuple[Path, list[int]]) -> None:
    """As a disk may leave it that had made the file longer and not yet written."""
    path, lengths = cut
    whole = log_of(path).read_bytes()
    log_of(path).write_bytes(whole[: lengths[-2]] + Random(1).randbytes(len(whole) - lengths[-2]))
    assert found(path) == BATCHES - 1


def test_a_checkpoint_cut_anywhere_is_made_again_from_the_log(cut: tuple[Path, list[int]], tmp_path: Path) -> None:
    path, _ = cut
    before, after = path.read_bytes(), (path.parent / "checkpointed").read_bytes()
    page = 4096
    pages = range(0, len(after), page)
    places = [place for place in pages if before[place : place + page] != after[place : place + page]]
    assert len(places) > 2
    random = Random(2)
    for number in range(20):
        torn = bytearray(before.ljust(len(after), b"\0") if number % 2 else before)
        for place in random.sample(places, random.randrange(1, len(places) + 1)):
            if place < len(torn):
                size = random.choice([page, page // 2, 512])
                torn[place : place + size] = after[place : place + size]
        where = tmp_path / f"torn{number}"
        where.mkdir()
        (where / path.name).write_bytes(torn)
        shutil.copy(log_of(path), where)
        assert found(where / path.name) == BATCHES


def _die_at(path: Path, statement: int) -> None:
    """Commit, and be killed when so many statements have begun."""
    ledger = Ledger(path)
    numbers = count(1)

    def begun(_statement: str) -> None:
        if next(numbers) == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    vars(ledger)["_connection"].set_trace_callback(begun)
    ledger.commit(batch(1))
    os._exit(0)


def test_a_process_killed_between_any_two_statements_leaves_all_of_a_commit_or_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    seen = set[int]()
    for statement in count(1):
        path = tmp_path / f"{statement}.db"
        with Ledger(path) as ledger:
            ledger.commit(batch(0))
        child = context.Process(target=_die_at, args=(path, statement))
        child.start()
        child.join(60)
        number = found(path)
        seen.add(number)
        if child.exitcode == 0:
            assert number == 2
            break
        assert (child.exitcode, number) == (-signal.SIGKILL, 1)
    assert statement > 2 * PER_BATCH
    assert seen == {1, 2}
