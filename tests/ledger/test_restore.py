"""A book restored from the ledger is the book that wrote it, wherever it was interrupted (R5)."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.clock import SystemClock
from monitor.core.book import Book
from monitor.core.check import Check, Outcome
from monitor.core.events import Blip, Event, Gap, Outage
from monitor.core.instants import SECOND
from monitor.core.timeline import Timeline
from monitor.ledger import Batch, Ledger
from monitor.ledger.restore import event_fact, event_of
from monitor.ledger.writer import Writer
from monitor.live import Live
from monitor.recorder import Arrival, Recorder, silenced
from monitor.runner import Target
from tests.ledger.accounts import START, TARGETS, book, book_of, views
from tests.shell.fleet import IdleProbe

Said = tuple[str, Check]

LIVES = {name: Live(Target(name, "imap", IdleProbe(), 0, 0), Timeline(3, 2)) for name in TARGETS}


class DirectWriter(Writer):
    """Commits at once, without a thread."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def commit(self, batch: Batch) -> None:
        self._ledger.commit(batch)


@st.composite
def told(draw: st.DrawFn) -> list[Said]:
    """Checks of two targets as they arrive; the wall clock is now and then set back."""
    steps = draw(st.lists(st.sampled_from([0, 5, 5, 5, 15, 15, 60, 60, 200, -30]), max_size=30))
    outcomes = st.sampled_from([*[Outcome.UP] * 4, *[Outcome.DOWN] * 4, Outcome.UNKNOWN])
    found = []
    for after in accumulate(steps, initial=60):
        outcome = draw(outcomes)
        cause = None if outcome is Outcome.UP else draw(st.sampled_from(["timeout", "dns"]))
        duration, voice = draw(st.sampled_from([0, 1, 9])), draw(st.sampled_from([0, 4, 30, 135]))
        check = Check(START + after * SECOND, outcome, duration * SECOND, voice * SECOND, cause=cause)
        found.append((draw(st.sampled_from(TARGETS)), check))
    return found


def written(ledger: Ledger, into: Book, said: list[Said]) -> Book:
    """The book after the recorder has recorded these checks in one commit."""

    async def record() -> None:
        recorder = Recorder(SystemClock(), into, DirectWriter(ledger), lambda: None)
        for name, check in said:
            recorder.put(Arrival(LIVES[name], missed=(check,)))
        await recorder.drain()

    asyncio.run(record())
    return into


def never_interrupted(said: list[Said]) -> Book:
    made = book()
    for name, check in said:
        newest = made.accounts[name].newest
        made.record(name, check if newest is None or check.at >= newest else silenced(check))
    return made


@contextmanager
def somewhere() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory) / "ledger.db"


@settings(max_examples=60, deadline=None)
@given(told(), st.integers(0, 30))
def test_a_restored_book_is_the_book_that_wrote_it(said: list[Said], cut: int) -> None:
    with somewhere() as path:
        with Ledger(path) as ledger:
            wrote = written(ledger, book(), said[:cut])
            wrote = written(ledger, wrote, said[cut:])
        with Ledger(path) as ledger:
            again = book_of(ledger)
            recorded = [row.check for row in ledger.checks(0, 2**62)]
    assert again.accounts == wrote.accounts == never_interrupted(said).accounts
    assert views(again) == views(wrote)
    assert len(recorded) == len(said)


@settings(max_examples=25, deadline=None)
@given(told())
def test_a_book_restored_after_every_single_check_is_the_book_never_interrupted(said: list[Said]) -> None:
    with somewhere() as path:
        for one in said:
            with Ledger(path) as ledger:
                written(ledger, book_of(ledger), [one])
        with Ledger(path) as ledger:
            again = book_of(ledger)
    whole = never_interrupted(said)
    assert again.accounts == whole.accounts
    assert views(again) == views(whole)


@settings(max_examples=60, deadline=None)
@given(told())
def test_the_recorded_checks_alone_give_the_same_figures(said: list[Said]) -> None:
    with somewhere() as path, Ledger(path) as ledger:
        wrote = written(ledger, book(), said)
        replayed = book()
        for row in ledger.checks(0, 2**62):
            replayed.record(row.target, row.check)
    assert views(replayed) == views(wrote)


events = st.builds(Blip, st.integers(), st.integers()) | st.builds(Gap, st.integers(), st.integers())
outages = st.builds(Outage, *[st.integers()] * 6, st.none() | st.text())


@given(st.text(), events | outages, st.integers())
def test_an_event_comes_back_from_its_fact(target: str, event: Event, now: int) -> None:
    fact = event_fact(target, event, now)
    assert fact.at == now
    assert event_of(fact) == (target, event)
