"""What is remembered of the messages of round trips, over restarts, slow ledgers and ledgers that refuse."""

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.clock import SystemClock
from monitor.core.instants import DAY, HOUR, Duration, Instant
from monitor.deliveries import RETENTION, Deliveries, Tokens
from monitor.ledger import Batch, Ledger, LedgerUnavailableError
from monitor.ledger.schema import MIGRATIONS, migrate
from monitor.ledger.writer import Writer
from probes.tokens import Sighting, Token

TRIP = "mail/delivery"


class Clock(SystemClock):
    """A wall clock that is set forward."""

    ahead: Duration = 0

    def now(self) -> Instant:
        return super().now() + self.ahead


def tokens(deliveries: Deliveries, target: str = TRIP) -> Tokens:
    return deliveries.store(target, DAY)


def message(token: Token, place: str = "INBOX 1 1") -> Sighting:
    return Sighting(token.text, place, genuine=True, dated=token.issued)


def report(token: Token, place: str = "INBOX 1 2") -> Sighting:
    return Sighting(token.text, place, bounce=True, genuine=True)


def counts(deliveries: Deliveries, target: str = TRIP) -> dict[str, int]:
    return {result: count for result, count in deliveries.tallies[target].items() if count}


async def test_a_message_that_arrived_and_came_back_as_well_has_arrived() -> None:
    deliveries = Deliveries(Clock())
    store = tokens(deliveries)
    token = await store.issue()
    await store.accepted(token)
    assert await store.seen([report(token), message(token)], token) == {"INBOX 1 1", "INBOX 1 2"}
    assert counts(deliveries) == {"delivered": 1}


async def test_a_message_that_comes_after_its_bounce_is_no_success() -> None:
    deliveries = Deliveries(Clock())
    store = tokens(deliveries)
    token = await store.issue()
    await store.seen([report(token)], token)
    await store.seen([message(token)], await store.issue())
    assert counts(deliveries) == {"bounced": 1}


async def test_the_same_copy_seen_again_is_no_duplicate() -> None:
    deliveries = Deliveries(Clock())
    store = tokens(deliveries)
    token = await store.issue()
    for _ in range(3):
        assert await store.seen([message(token)], token) == {"INBOX 1 1"}
    assert counts(deliveries) == {"delivered": 1}


async def test_what_was_lost_is_not_counted_again_when_it_comes() -> None:
    clock = Clock()
    deliveries = Deliveries(clock)
    store = tokens(deliveries)
    token = await store.issue()
    await store.accepted(token)
    clock.ahead = DAY
    await store.looked()
    assert await store.seen([message(token)], await store.issue()) == {"INBOX 1 1"}
    assert counts(deliveries) == {"lost": 1}


async def test_a_message_of_another_round_trip_is_left_to_it_as_long_as_it_may_look() -> None:
    clock = Clock()
    deliveries = Deliveries(clock)
    token = await tokens(deliveries, "mail/other").issue()
    store = tokens(deliveries)
    assert await store.seen([message(token)], await store.issue()) == frozenset()
    clock.ahead = 2 * DAY
    assert await store.seen([message(token)], await store.issue()) == {"INBOX 1 1"}
    assert counts(deliveries) == counts(deliveries, "mail/other") == {}


async def test_a_message_that_nobody_knows_is_deleted_only_if_it_is_ours_and_old() -> None:
    store = tokens(Deliveries(Clock()))
    now = datetime.now(UTC)
    old, young = now - timedelta(days=1, hours=1), now - timedelta(hours=23)
    unknown = [
        Sighting("a" * 32, "old", genuine=True, dated=old),
        Sighting("b" * 32, "young", genuine=True, dated=young),
        Sighting("c" * 32, "forged", genuine=False, dated=old),
        Sighting("d" * 32, "undated", genuine=True),
    ]
    assert await store.seen(unknown, await store.issue()) == {"old"}


async def test_what_is_known_survives_the_process(tmp_path: Path) -> None:
    clock = Clock()
    ledger = Ledger(tmp_path / "ledger.db")
    writer = Writer(ledger)
    before = Deliveries(clock, writer.commit)
    store = tokens(before)
    delivered, waiting = await store.issue(), await store.issue()
    await store.accepted(waiting)
    await store.seen([message(delivered)], delivered)
    writer.close()
    with Ledger(tmp_path / "ledger.db") as again:
        after = Deliveries(clock)
        after.load(again)
    store = tokens(after)
    awaited = await store.issue()
    await store.seen([message(delivered, "INBOX 1 7"), message(waiting, "INBOX 1 8")], awaited)
    assert counts(after) == {"delivered": 1, "duplicate": 1, "late": 1}


async def test_what_is_long_settled_is_forgotten_and_stays_counted(tmp_path: Path) -> None:
    clock = Clock()
    ledger = Ledger(tmp_path / "ledger.db")
    writer = Writer(ledger)
    deliveries = Deliveries(clock, writer.commit)
    store = tokens(deliveries)
    await store.seen([message(token := await store.issue())], token)
    await tokens(deliveries, "mail/gone").issue()
    clock.ahead = 2 * DAY
    await store.looked()
    assert [sent.target for sent in ledger.sent()] == ["mail/gone"]
    clock.ahead = RETENTION + HOUR
    later = Deliveries(clock, writer.commit)
    later.load(ledger)
    await later.flush()
    assert list(ledger.sent()) == []
    assert counts(later) == {"delivered": 1}
    writer.close()


async def test_what_a_ledger_refuses_is_written_with_what_comes_next() -> None:
    written: list[Batch] = []
    refusing = True

    async def commit(batch: Batch) -> None:
        if refusing:
            raise LedgerUnavailableError("no space left")
        written.append(batch)

    store = tokens(Deliveries(Clock(), commit))
    token = await store.issue()
    await store.accepted(token)
    refusing = False
    await store.seen([message(token)], token)
    (batch,) = written
    assert {one.token: one.state for one in batch.sent.values()} == {token.text: "delivered"}
    assert batch.tallies == {(TRIP, "delivered"): 1}


async def test_a_ledger_that_does_not_answer_holds_no_check_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.deliveries.PATIENCE", 0.05)
    answer = asyncio.Event()
    written: list[Batch] = []

    async def commit(batch: Batch) -> None:
        await answer.wait()
        written.append(batch)

    deliveries = Deliveries(Clock(), commit)
    token = await tokens(deliveries).issue()
    assert written == []
    answer.set()
    await deliveries.flush()
    assert list(written[0].sent) == [token.text]


def test_a_ledger_of_the_version_before_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    old = sqlite3.connect(path, isolation_level=None)
    for statement in MIGRATIONS[0]:
        old.execute(statement)
    old.execute("PRAGMA user_version = 1")
    old.execute(f"PRAGMA application_id = {0x6D757031}")
    old.execute("INSERT INTO targets (name) VALUES ('mail/imap')")
    migrate(old)
    old.close()
    with Ledger(path) as ledger:
        assert (list(ledger.sent()), list(ledger.tallies())) == ([], [])
