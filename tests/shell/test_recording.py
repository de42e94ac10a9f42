"""The recorder and a ledger on disk: stopped in the middle of a commit, and found again by the next start."""

import asyncio
import threading
from pathlib import Path

from monitor.clock import SystemClock
from monitor.core.check import Check, Outcome
from monitor.core.instants import SECOND
from monitor.core.timeline import Timeline
from monitor.ledger import Batch, Fact, Ledger
from monitor.ledger.writer import Writer
from monitor.live import Live
from monitor.recorder import Arrival, Recorder
from monitor.runner import Target
from tests.ledger.accounts import START, TARGETS, VOICE, book, book_of
from tests.shell.fleet import IdleProbe

IMAP = TARGETS[0]


class SlowLedger(Ledger):
    """Whose disk answers when it is told to."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.began, self.go_on = threading.Event(), threading.Event()

    def commit(self, batch: Batch) -> None:
        self.began.set()
        self.go_on.wait(60)
        super().commit(batch)


async def test_a_stop_during_a_commit_records_everything_once(tmp_path: Path) -> None:
    clock = SystemClock()
    ledger = SlowLedger(tmp_path / "ledger.db")
    writer, recorder_book = Writer(ledger), book()
    recorder = Recorder(clock, recorder_book, writer, lambda: None)
    fact = Fact(1, "started", {})
    recorder.put(Arrival(None, facts=(fact,)))
    running = asyncio.create_task(recorder.run())
    await asyncio.to_thread(ledger.began.wait, 60)
    running.cancel()
    asyncio.get_running_loop().call_soon(ledger.go_on.set)
    await asyncio.wait([running])
    stopped = Fact(2, "stopped", {})
    recorder.put(Arrival(None, facts=(stopped,)))
    await recorder.drain()
    writer.close()
    with Ledger(tmp_path / "ledger.db") as again:
        assert [link.fact for link in again.facts()] == [fact, stopped]


async def test_a_recorded_outage_is_found_again_by_the_next_start(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    writer, written = Writer(ledger), book()
    clock = SystemClock()
    recorder = Recorder(clock, written, writer, lambda: None)
    live = Live(Target(IMAP, "imap", IdleProbe(), 15 * SECOND, VOICE), Timeline(3, 2))
    for number, outcome in enumerate([Outcome.UP, *[Outcome.DOWN] * 3, *[Outcome.UP] * 4]):
        cause = None if outcome is Outcome.UP else "timeout"
        check = Check(START + number * 5 * SECOND, outcome, 0, VOICE, cause=cause)
        recorder.put(Arrival(live, missed=(check,)))
    await recorder.drain()
    writer.close()
    with Ledger(tmp_path / "ledger.db") as again:
        assert book_of(again).accounts == written.accounts
    [outage] = written.accounts[IMAP].history.outages
    assert (outage.start, outage.end) == (START + 5 * SECOND, START + 20 * SECOND)
