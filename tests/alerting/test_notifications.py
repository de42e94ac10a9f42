"""What is due is kept before it is sent, sent once over restarts, tried a few times, and then given up aloud."""

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from monitor.alerting.memory import Letter, Memory
from monitor.alerting.messages import Message
from monitor.alerting.notifications import BACKOFF, MOST_LETTERS, Notifications
from monitor.ledger import Batch, Ledger, LedgerUnavailableError
from monitor.metrics import Health
from monitor.metrics.histogram import Reading
from monitor.settings import Settings, load
from monitor.snapshot import Snapshot
from tests.alerting.night import Night
from tests.shell.virtual import VirtualClock, beside, run

TEXT = """\
notify: {urls: [{env: FIRST_URL}, {env: SECOND_URL}]}
services:
  - {name: mail, targets: [{name: imap, type: imap, host: imap.example.go.th}]}
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("FIRST_URL", "json://first")
    monkeypatch.setenv("SECOND_URL", "json://second")
    file = tmp_path / "mailuptime.yaml"
    file.write_text(TEXT, encoding="utf-8")
    return load(file)


def outage() -> tuple[Snapshot, Health, Reading]:
    """`mail` is down and nobody works on it."""
    for memory, sight in Night().sights():
        if ("MailuptimeOutage", "mail") in memory.alerts:
            return sight.snapshot, sight.health, sight.lateness
    raise AssertionError


class Receivers:
    """Take what they are sent, or refuse it."""

    def __init__(self, *, refusing: bool = False) -> None:
        self.refusing = refusing
        self.tried: list[tuple[str, str]] = []

    async def send(self, document: Mapping[str, str]) -> str:
        self.tried.append((document["url"], document["title"]))
        return "no connection" if self.refusing and document["url"] == "json://first" else "sent"


def played(
    settings: Settings,
    ledger: Ledger,
    receivers: Receivers,
    seconds: float,
    commit: Callable[[Batch], None] | None = None,
) -> Mapping[str, int]:
    """One life of a process; returns what became of its messages."""
    view = outage()

    async def committed(batch: Batch) -> None:
        (commit or ledger.commit)(batch)

    async def scenario(clock: VirtualClock) -> Mapping[str, int]:
        notifications = Notifications(clock, settings, ledger, committed, receivers.send)
        async with beside(notifications.run(lambda: view)):
            await asyncio.sleep(seconds)
        return notifications.results

    return run(scenario)


PAGE = "mailuptime [page] mail is down"


def test_each_receiver_is_told_once_also_by_the_processes_after(settings: Settings, tmp_path: Path) -> None:
    receivers = Receivers()
    for _ in range(3):
        with Ledger(tmp_path / "ledger.db") as ledger:
            played(settings, ledger, receivers, 60)
    assert sorted(receivers.tried) == [("json://first", PAGE), ("json://second", PAGE)]


def test_a_receiver_that_refuses_is_tried_a_few_times_and_given_up_and_the_other_told(
    settings: Settings, tmp_path: Path
) -> None:
    receivers = Receivers(refusing=True)
    with Ledger(tmp_path / "ledger.db") as ledger:
        results = played(settings, ledger, receivers, 600)
    assert receivers.tried.count(("json://first", PAGE)) == 1 + len(BACKOFF)
    assert results == {"sent": 1, "failed": 1, "dropped": 0}


def test_what_was_not_sent_when_the_process_ended_is_sent_by_the_next(settings: Settings, tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        played(settings, ledger, Receivers(refusing=True), 6)
    receivers = Receivers()
    with Ledger(tmp_path / "ledger.db") as ledger:
        played(settings, ledger, receivers, 60)
    assert receivers.tried == [("json://first", PAGE)]


def test_a_ledger_that_cannot_be_written_keeps_no_page_back(settings: Settings, tmp_path: Path) -> None:
    def refused(batch: Batch) -> None:
        raise LedgerUnavailableError("the disk is full")

    receivers = Receivers()
    with Ledger(tmp_path / "ledger.db") as ledger:
        results = played(settings, ledger, receivers, 60, refused)
    assert sorted(receivers.tried) == [("json://first", PAGE), ("json://second", PAGE)]
    assert results["sent"] == 2


def test_more_than_a_few_dozen_do_not_wait_for_one_receiver(settings: Settings, tmp_path: Path) -> None:
    waiting = Memory(letters=[Letter("env FIRST_URL", Message(f"{n}", "", "info")) for n in range(MOST_LETTERS)])
    receivers = Receivers(refusing=True)
    with Ledger(tmp_path / "ledger.db") as ledger:
        ledger.commit(Batch(alerting=waiting.dump()))
        results = played(settings, ledger, receivers, 6)
        kept = json.loads(ledger.alerting() or "")
    assert results["dropped"] == 1
    assert next(title["title"] for to, title, _ in kept["letters"] if to == "env FIRST_URL") == "1"


def test_without_receivers_nothing_is_counted_nor_kept(settings: Settings, tmp_path: Path) -> None:
    settings.path.write_text(TEXT.split("\n", 1)[1], encoding="utf-8")
    with Ledger(tmp_path / "ledger.db") as ledger:
        assert played(load(settings.path), ledger, Receivers(), 60) == {}
        assert ledger.alerting() is None
