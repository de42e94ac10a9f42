"""What becomes of a check: committed, then published, then logged; and kept while the ledger cannot be written."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from monitor import recorder as module
from monitor.application import Application
from monitor.core.check import Check, Outcome
from monitor.core.instants import HOUR, SECOND
from monitor.core.workload import Basis
from monitor.ledger import Fact
from monitor.metrics import Health, Lateness
from monitor.recorder import RETRY, Arrival
from probes.errors import Cause
from tests.ledger.accounts import TARGETS
from tests.shell import virtual
from tests.shell.desk import Desk
from tests.shell.fleet import NO_MAILBOX, REFUSED, failing
from tests.shell.virtual import WALL, VirtualClock

IMAP, SMTP = TARGETS


class Log:
    """In place of the recorder's own."""

    def __init__(self, story: list[str]) -> None:
        self._story = story
        self.events: list[tuple[str, dict[str, Any]]] = []

    def _say(self, event: str, **values: Any) -> None:
        self._story.append("logged")
        self.events.append((event, values))

    debug = info = warning = error = _say

    def named(self, name: str) -> list[dict[str, Any]]:
        return [values for event, values in self.events if event == name]


def test_a_check_is_committed_then_published_then_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(clock: VirtualClock) -> list[str]:
        desk = Desk(clock)
        monkeypatch.setattr(module, "log", Log(desk.story))
        async with virtual.beside(desk.recorder.run()):
            await desk.check()
            await clock.sleep(1)
        return list(dict.fromkeys(desk.story))

    assert virtual.run(scenario) == ["committed", "published", "logged"]


def test_what_is_committed_is_what_was_seen() -> None:
    async def scenario(clock: VirtualClock) -> None:
        desk = Desk(clock, failing(NO_MAILBOX, (1, 100)))
        async with virtual.beside(desk.recorder.run()):
            seen = [*await desk.checks(2), (await desk.check(SMTP)).check]
            await clock.sleep(1)
        assert [row.check for row in desk.writer.rows] == seen
        assert [row.target for row in desk.writer.rows] == [IMAP, IMAP, SMTP]
        up, down, _ = desk.writer.rows
        assert (up.phase, up.evidence) == (None, None)
        assert down.phase == "select"
        assert down.evidence is not None
        assert [name for name, _ in down.evidence["phases"]] == ["select"]
        assert desk.writer.batches[-1].states[SMTP].newest == seen[-1].at

    virtual.run(scenario)


def test_beside_a_failure_stands_the_good_check_before_it_and_the_first_one_after_it_is_kept_too() -> None:
    async def scenario(clock: VirtualClock) -> None:
        desk = Desk(clock, failing(NO_MAILBOX, (2, 4)))
        async with virtual.beside(desk.recorder.run()):
            await desk.checks(6)
            await clock.sleep(1)
        first, good, down, again, after, later = (row.evidence for row in desk.writer.rows)
        assert (first, good, later) == (None, None, None)
        assert down is not None
        assert down["before"]["at"] == desk.writer.rows[1].check.at
        assert [name for name, _ in down["before"]["phases"]] == ["connect"]
        assert again is not None
        assert "before" not in again
        assert after is not None
        assert after["reply"] == ""

    virtual.run(scenario)


def test_what_arrives_together_is_committed_together() -> None:
    async def scenario(clock: VirtualClock) -> None:
        desk = Desk(clock)
        for name in TARGETS:
            await desk.check(name)
        await desk.recorder.drain()
        [batch] = desk.writer.batches
        assert [row.target for row in batch.checks] == [IMAP, SMTP]

    virtual.run(scenario)


def test_good_checks_gather_for_a_commit_and_a_failure_does_not_wait_for_it() -> None:
    async def scenario(clock: VirtualClock) -> list[int]:
        desk = Desk(clock, failing(REFUSED, (3.58, 100)))
        async with virtual.beside(desk.recorder.run()):
            for instant in (0, 1, 1.05, 1.1, 1.2, 2.5, 3.55, 3.6):
                await clock.sleep(instant - clock.elapsed() / SECOND)
                await desk.check()
            await clock.sleep(0)
        return [len(batch.checks) for batch in desk.writer.batches]

    # The first after a while does not wait, nor does a failure for the rest of its half a second.
    assert virtual.run(scenario) == [1, 1, 3, 1, 1, 1]


def test_while_the_disk_takes_seconds_checks_go_on_and_none_is_lost() -> None:
    async def scenario(clock: VirtualClock) -> tuple[Desk, list[Check]]:
        desk = Desk(clock, failing(REFUSED, (8, 14)))
        desk.writer.takes = 5.0
        async with virtual.beside(desk.recorder.run()):
            made = await desk.checks(30)
            await clock.sleep(20)
        return desk, made

    desk, made = virtual.run(scenario)
    assert [check.at - made[0].at for check in made] == [number * SECOND for number in range(30)]
    assert [row.check for row in desk.writer.rows] == made
    assert len(desk.writer.batches) < len(made) / 3
    assert desk.recorder.pending == 0


def test_an_outage_becomes_a_fact_once_it_is_final() -> None:
    async def scenario(clock: VirtualClock) -> list[Fact]:
        desk = Desk(clock, failing(REFUSED, (10, 40)))
        async with virtual.beside(desk.recorder.run()):
            await desk.checks(8, every=10)
        return [fact for batch in desk.writer.batches for fact in batch.facts]

    [fact] = virtual.run(scenario)
    assert fact.kind == "outage"
    assert fact.body["target"] == IMAP
    assert (fact.body["start"], fact.body["end"]) == (WALL + 10 * SECOND, WALL + 40 * SECOND)


def test_a_good_pulse_leaves_no_trace_and_a_failing_one_is_a_check() -> None:
    async def scenario(clock: VirtualClock) -> list[Outcome]:
        desk = Desk(clock, failing(REFUSED, (10, 100)))
        for _ in range(2):
            await desk.check(pulse=True)
            await clock.sleep(10)
        await desk.recorder.drain()
        return [row.check.outcome for row in desk.writer.rows]

    assert virtual.run(scenario) == [Outcome.DOWN]


def test_missed_slots_are_recorded_with_the_check_that_found_them() -> None:
    async def scenario(clock: VirtualClock) -> None:
        desk = Desk(clock)
        missed = [Check(WALL + slot * SECOND, Outcome.UNKNOWN, 0, 135 * SECOND, cause=Cause.MISSED) for slot in (1, 2)]
        clock.stall(3)
        desk.recorder.put(Arrival(desk.lives[IMAP], missed=tuple(missed)))
        check = (await desk.check()).check
        await desk.recorder.drain()
        assert [row.check for row in desk.writer.rows] == [*missed, check]
        assert desk.lives[IMAP].outcomes == {Outcome.UNKNOWN: 2, Outcome.UP: 1}

    virtual.run(scenario)


def test_after_the_clock_was_set_back_checks_are_recorded_as_not_speaking() -> None:
    async def scenario(clock: VirtualClock) -> list[bool]:
        desk = Desk(clock)
        async with virtual.beside(desk.recorder.run()):
            await desk.checks(2)
            clock.step(-HOUR)
            await desk.checks(2)
            clock.step(HOUR)
            await desk.checks(1)
        return [row.check.speaks for row in desk.writer.rows]

    assert virtual.run(scenario) == [True, True, False, False, True]


def test_while_the_ledger_cannot_be_written_nothing_is_lost_and_it_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(clock: VirtualClock) -> None:
        desk = Desk(clock)
        log = Log(desk.story)
        monkeypatch.setattr(module, "log", log)
        desk.writer.broken = True
        async with virtual.beside(desk.recorder.run()):
            kept = await desk.checks(20)
            assert desk.writer.attempts == 20 / RETRY
            assert (desk.recorder.writable, desk.recorder.durable, desk.recorder.pending) == (False, False, 20)
            assert "published" not in desk.story
            [reason] = log.named("ledger.unavailable")
            assert reason["reason"] == "ledger.db: database or disk is full"
            desk.writer.broken = False
            await clock.sleep(RETRY + 1)
            assert [row.check for row in desk.writer.rows] == kept
            assert (desk.recorder.writable, desk.recorder.durable, desk.recorder.pending) == (True, True, 0)
            assert desk.recorder.last_commit is not None
            [again] = log.named("ledger.available_again")
            assert again["recovered"] == 20
            later = (await desk.check()).check
            await clock.sleep(1)
            assert [row.recovered for row in desk.writer.rows] == [True] * 20 + [False]
            assert desk.writer.rows[-1].check == later
            [fact] = [fact for batch in desk.writer.batches for fact in batch.facts if fact.kind == "recovered"]
            assert fact.body == {
                "since": WALL, "checks": 20, "turned_away": 0, "reason": "ledger.db: database or disk is full",
            }  # fmt: skip

    virtual.run(scenario)


def test_beyond_the_bound_checks_are_turned_away_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PENDING", 3)

    async def scenario(clock: VirtualClock) -> None:
        desk = Desk(clock)
        desk.writer.broken = True
        async with virtual.beside(desk.recorder.run()):
            kept = await desk.checks(3)
            turned_away = await desk.checks(2)
            missed = tuple(
                Check(WALL + slot * SECOND, Outcome.UNKNOWN, 0, 0, cause=Cause.MISSED) for slot in range(5, 9)
            )
            desk.recorder.put(Arrival(desk.lives[IMAP], missed=missed))
            fact = Fact(clock.now(), "clock_step", {"before": 0, "after": 1})
            desk.recorder.put(Arrival(None, facts=(fact,)))
            assert desk.recorder.turned_away == len(turned_away) + len(missed)
            assert desk.book.accounts[IMAP].newest == kept[-1].at
            desk.writer.broken = False
            await clock.sleep(RETRY + 1)
        assert [row.check for row in desk.writer.rows] == kept
        recovered, then = [fact for batch in desk.writer.batches for fact in batch.facts]
        assert then == fact
        assert (recovered.kind, recovered.body["checks"], recovered.body["turned_away"]) == ("recovered", 3, 6)

    virtual.run(scenario)


def test_what_was_turned_away_is_unknown_time_and_no_downtime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PENDING", 1)

    async def scenario(clock: VirtualClock) -> None:
        desk = Desk(clock, failing(REFUSED, (60, 600)))
        desk.writer.broken = True
        async with virtual.beside(desk.recorder.run()):
            await desk.checks(10, every=60)
            desk.writer.broken = False
            await clock.sleep(RETRY + 1)
            await desk.check()
            await clock.sleep(1)
        view = desk.book.accounts[IMAP].history
        assert [(gap.start, gap.end) for gap in view.gaps] == []  # not final before the next check
        tail = desk.book.accounts[IMAP].timeline.tail(clock.now(), clip=True)
        assert [type(event).__name__ for event in tail.events] == ["Gap"]

    virtual.run(scenario)


def test_readiness_says_that_the_ledger_cannot_be_written_and_figures_wait_for_it() -> None:
    async def scenario(clock: VirtualClock) -> None:
        desk = Desk(clock)
        recorder = desk.recorder
        application = Application(
            clock,
            desk.book,
            desk.lives,
            1,
            durable=lambda: recorder.durable,
            closings=dict,
            desk=cast("Any", None),
            basis=lambda: Basis(250_000, 320),
            health=lambda: cast("Health", SimpleNamespace(ledger_writable=recorder.writable, self_tests={})),
            lateness=Lateness(),
        )
        assert application.unready() == ["2 of 2 targets have not been checked yet"]
        async with virtual.beside(recorder.run()):
            for name in TARGETS:
                await desk.check(name)
            await clock.sleep(1)
            assert application.unready() == []
            application.refresh()
            frozen = application.status()["services"]
            desk.writer.broken = True
            desk.change(lambda _: REFUSED)
            for _ in range(3):
                await desk.check()
                await clock.sleep(60)
            application.refresh()
            assert application.unready() == ["the ledger cannot be written"]
            assert application.status()["services"] == frozen
            assert [one["state"] for one in application.status()["targets"]] == ["down", "unknown"]
            desk.writer.broken = False
            await clock.sleep(RETRY)
            application.refresh()
            assert application.unready() == []
            assert application.status()["services"] != frozen

    virtual.run(scenario)
