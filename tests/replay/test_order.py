"""The order of lines, duplicates and where a file comes from change nothing; memory does not grow with it."""

import errno
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import tracemalloc
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor import queries
from monitor.assembly import rules_of
from monitor.checkfile import CheckFile
from monitor.checklines import CheckLine, LineReader
from monitor.cli import main
from monitor.core.book import Book, Rules
from monitor.core.check import Outcome
from monitor.core.instants import MINUTE, SECOND
from monitor.core.workload import Basis
from monitor.figures import Document
from monitor.replay import Replay, horizon_of
from monitor.settings import load
from monitor.sorting import FILES, RUN, in_order
from tests.core.worked import NOVEMBER, ZONE, at, down, every, minutely, up
from tests.replay.commands import Desk, line

NOON = at("12:00")
REPLAY = [sys.executable, "-m", "monitor", "replay", "-", "--month", "2026-11", "-c"]


def configured(*targets: str) -> Rules:
    with tempfile.TemporaryDirectory() as directory:
        return rules_of(load(Desk(Path(directory)).configure(*targets)))


RULES = configured("s", "t")


@st.composite
def lines(draw: st.DrawFn) -> str:
    """A line of one of two targets, in three minutes with a few seconds and instants between them."""
    instant = f"12:0{draw(st.integers(0, 3))}:{draw(st.integers(0, 5)):02}.{draw(st.integers(0, 2))}"
    said = {
        "at": f"2026-11-10T{instant}+07:00",
        "target": draw(st.sampled_from(["mail/s", "mail/t"])),
        "outcome": draw(st.sampled_from(["up", "down", "down", "unknown"])),
        "cause": draw(st.sampled_from(["auth", "deadline"])),
        **draw(st.sampled_from([{}, {"speaks": False}, {"voice_seconds": 0.5}, {"duration_seconds": 1.000001}])),
    }
    return json.dumps(said)


FOLLOWING = [line(name, one) for name in "ts" for one in minutely(NOON, NOON + 5 * MINUTE)]


def figures(data: bytes, *, run: int = RUN, pipe: bool = False) -> Document:
    """What the lines come to, seen a minute after the last of them may be."""
    until = NOON + 5 * MINUTE
    with CheckFile("checks", Pipe(data) if pipe else io.BytesIO(data)) as checks:
        replay = Replay(checks, LineReader(RULES.targets, ZONE), until, run=run)
        (book,), problems = replay.into(lambda: [Book(RULES)])
    assert problems.lines() == []
    return queries.figures(book, NOVEMBER, horizon_of(NOVEMBER, ZONE, until), Basis(250_000, 320))


class Pipe(io.BytesIO):
    """Bytes that can be read once."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise AssertionError("a pipe cannot be rewound")

    tell = seek


@settings(deadline=None, max_examples=150)
@given(st.lists(lines(), max_size=14), st.randoms(), st.integers(1, 4), st.booleans())
def test_neither_order_nor_duplicates_change_a_figure(
    written: Sequence[str], chance: random.Random, run: int, pipe: bool
) -> None:
    in_file = sorted(written)
    mixed = [*written, *written[: len(written) // 2]]
    chance.shuffle(mixed)
    expected = figures("\n".join(in_file).encode())
    assert figures("\n".join(mixed).encode(), run=run, pipe=pipe) == expected


def test_of_equal_failures_with_two_causes_the_same_is_shown_in_any_order(desk: Desk) -> None:
    failures = [line("t", one) for one in every(5, "12:00:00", "12:00:20")]
    other = failures[0].replace("timeout", "auth")
    found = [
        desk.replay(desk.file("checks.jsonl", "".join(order)), "--until", "2026-11-10T12:01").service
        for order in ([other, *failures], [*failures[:1], other, *failures[1:]], [*failures, other])
    ]
    assert [one["outages"][0]["cause"] for one in found] == ["auth"] * 3


def test_at_one_instant_down_counts_before_up(desk: Desk) -> None:
    facts = [down(NOON + n * SECOND) for n in range(4)] + [up(NOON + n * SECOND) for n in range(4)]
    done = desk.replay(desk.checks(t=facts), "--until", "2026-11-10T12:00:04")
    assert done.service["downtime_seconds"] == 4


def test_targets_that_follow_one_another_whole_need_no_sorting(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = figures("".join(sorted(FOLLOWING)).encode())
    monkeypatch.setattr("monitor.replay.in_order", lambda *_: pytest.fail("sorted on disk"))
    assert figures("".join(FOLLOWING).encode()) == expected
    assert expected["services"][0]["up_seconds"] == 5 * 60


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 10 * FILES + 5])
def test_sorting_on_disk_loses_and_makes_nothing(count: int) -> None:
    chance = random.Random(count)
    checks = [
        CheckLine(chance.randrange(500) + 10**15, "mail/t", chance.choice(list(Outcome)), n, None, n % 2 == 0, "x")
        for n in range(count)
    ]
    found = list(in_order(iter(checks), run=10))
    assert [check.at for check in found] == sorted(check.at for check in checks)
    assert sorted(found, key=lambda check: check.duration) == checks


def test_standard_input_that_is_a_pipe_without_order_is_as_good_as_a_sorted_file(desk: Desk) -> None:
    facts = [up(at("10:00")), *every(5, "10:01:00", "10:30:00"), up(at("10:30:05")), up(at("10:30:10"))]
    expected = desk.replay(desk.checks(t=facts))
    backwards = desk.checks(t=facts[::-1]).read_bytes()
    command = [*REPLAY, str(desk.configuration)]
    done = subprocess.run(command, input=backwards, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == expected.out
    assert expected.service["downtime_seconds"] == 29 * 60 + 5


def test_a_named_pipe_is_read_once_and_replayed_in_order(desk: Desk) -> None:
    facts = [up(at("10:00")), *every(5, "10:01:00", "10:30:00"), up(at("10:30:05")), up(at("10:30:10"))]
    expected = desk.replay(desk.checks(t=facts)).out
    backwards = desk.checks(t=facts[::-1]).read_bytes()
    pipe = desk.directory / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(backwards,))
    writer.start()
    done = desk.replay(pipe)
    writer.join()
    assert (done.status, done.out) == (0, expected)


def test_standard_input_is_named_by_its_dash_where_a_line_is_refused(desk: Desk) -> None:
    command = [*REPLAY, str(desk.configuration)]
    done = subprocess.run(command, input="\nup\n", text=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (65, "")
    assert done.stderr.startswith("-:2: not JSON")


def peak(data: io.BytesIO) -> int:
    """The most memory that a replay holds, the file itself apart, when it may sort 1,000 checks at once."""
    tracemalloc.start()
    with CheckFile("checks", data) as file:
        Replay(file, LineReader(RULES.targets, ZONE), run=1_000).into(lambda: [Book(RULES)])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


@pytest.mark.parametrize("step", [1, -1], ids=["in order", "without order"])
def test_memory_does_not_grow_with_the_file(step: int) -> None:
    peaks = []
    for count in (4_000, 4_000, 16_000):  # the first warms every cache up
        written = [line("t", one) for one in minutely(NOON, NOON + count * MINUTE)]
        peaks.append(peak(io.BytesIO("".join(written[::step]).encode())))
    held = 100  # bytes, and no check is kept in less
    assert peaks[2] - peaks[1] < 12_000 * held / 4


def test_a_terminal_is_told_how_far_it_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.replay.PROGRESS_EVERY", 2)
    checks = desk.checks(t=minutely(NOON, NOON + 5 * MINUTE))
    terminal = Terminal()
    with redirect_stderr(terminal), redirect_stdout(io.StringIO()):
        assert main(["replay", "-c", str(desk.configuration), str(checks), "--month", "2026-11"]) == 0
    assert terminal.getvalue().split("\r") == ["", "2 checks read", "4 checks read", "\x1b[K"]


def test_a_full_disk_is_one_line(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    checks = desk.checks(t=minutely(NOON, NOON + 5 * MINUTE))
    monkeypatch.setattr("tempfile.TemporaryFile", full)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(Pipe(checks.read_bytes())))
    done = desk.replay("-")
    assert (done.status, done.out) == (73, "")
    assert done.err == "no room for temporary files: No space left on device; name another directory in TMPDIR\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True
