"""The present state of a target follows the order in which checks arrive, whatever the wall clock does (R5)."""

from monitor.core.check import Check, Outcome
from monitor.core.instants import HOUR, SECOND
from monitor.core.timeline import Timeline
from monitor.live import Live, resumed
from monitor.photographer import Photographer
from monitor.runner import Result
from probes.base import Certificate, Evidence
from tests.ledger.accounts import TARGETS
from tests.shell import virtual
from tests.shell.desk import Desk
from tests.shell.fleet import NO_MAILBOX, NO_RESOLVER, REFUSED, WELL, failing, target
from tests.shell.virtual import BEGINNING, WALL, VirtualClock

IMAP, SMTP = TARGETS


def test_after_the_clock_was_set_back_the_live_state_still_goes_down_and_up() -> None:
    async def scenario(clock: VirtualClock) -> None:
        desk = Desk(clock)
        live = desk.lives[IMAP]
        states = []

        async def check() -> None:
            await desk.check()
            states.append(live.state(clock.monotonic()))
            await clock.sleep(5)

        await check()
        clock.step(-HOUR)
        desk.change(lambda _: REFUSED)
        for _ in range(3):
            await check()
        desk.change(lambda _: WELL)
        for _ in range(2):
            await check()
        await desk.recorder.drain()
        assert states == ["up", "suspect", "suspect", "down", "down", "up"]
        assert [row.check.speaks for row in desk.writer.rows] == [True, *[False] * 5]
        assert desk.book.accounts[IMAP].timeline.tail(WALL + SECOND, clip=True).events == []

    virtual.run(scenario)


def test_a_clock_set_forward_makes_no_gap_in_the_live_state() -> None:
    async def scenario(clock: VirtualClock) -> str:
        desk = Desk(clock)
        await desk.check()
        clock.step(HOUR)
        return desk.lives[IMAP].state(clock.monotonic())

    assert virtual.run(scenario) == "up"


def test_a_target_is_unknown_before_its_first_check_and_when_its_last_one_is_too_old() -> None:
    async def scenario(clock: VirtualClock) -> list[str]:
        desk = Desk(clock)
        states = [desk.lives[IMAP].state(clock.monotonic())]
        await desk.check()
        for _ in range(2):
            await clock.sleep(134.5)
            states.append(desk.lives[IMAP].state(clock.monotonic()))
        return states

    assert virtual.run(scenario) == ["unknown", "up", "unknown"]


def test_good_pulses_neither_end_a_row_of_failures_nor_an_outage_that_they_cannot_see() -> None:
    async def scenario(clock: VirtualClock) -> list[str]:
        desk = Desk(clock, lambda _: NO_MAILBOX)
        states = []
        for _ in range(3):
            await desk.check()
            await clock.sleep(1)
            await desk.check(pulse=True)
            await clock.sleep(1)
            states.append(desk.lives[IMAP].state(clock.monotonic()))
        return states

    assert virtual.run(scenario) == ["suspect", "suspect", "down"]


def test_success_is_that_of_the_last_check_and_none_while_unknown() -> None:
    async def scenario(clock: VirtualClock) -> list[bool | None]:
        desk = Desk(clock)
        live = desk.lives[IMAP]
        found = [live.success]
        for server in (WELL, REFUSED, NO_RESOLVER, WELL):
            desk.change(lambda _, answer=server: answer)  # type: ignore[misc]
            await desk.check()
            found.append(live.success)
        return found

    assert virtual.run(scenario) == [None, True, False, None, True]


def test_a_good_pulse_does_not_hide_why_the_last_check_failed() -> None:
    async def scenario(clock: VirtualClock) -> None:
        desk = Desk(clock, lambda _: NO_MAILBOX)
        failed = await desk.check()
        await clock.sleep(1)
        await desk.check(pulse=True)
        assert desk.lives[IMAP].last == failed

    virtual.run(scenario)


def result(live: Live, clock: VirtualClock, outcome: Outcome) -> Result:
    cause = None if outcome is Outcome.UP else "timeout"
    check = Check(clock.now(), outcome, 0, live.target.voice, cause=cause)
    return Result(live.target, check, clock.monotonic(), (), None, Evidence(), "", pulse=False)


def test_a_restart_goes_on_with_the_state_that_was_recorded() -> None:
    """Down before it, the target is down after it until two checks have found it well."""

    async def scenario(clock: VirtualClock) -> list[str]:
        recorded = Timeline(3, 2)
        for seconds in (30, 20, 10):
            recorded.feed(Check(clock.now() - seconds * SECOND, Outcome.DOWN, 0, 135 * SECOND, cause="timeout"))
        shift = round(clock.monotonic() * SECOND) - clock.now()
        live = Live(target(clock), resumed(recorded, shift))
        states = [live.state(clock.monotonic())]
        for _ in range(2):
            live.take(result(live, clock, Outcome.UP))
            states.append(live.state(clock.monotonic()))
            await clock.sleep(5)
        return states

    assert virtual.run(scenario) == ["down", "down", "up"]


def test_a_restart_goes_on_with_a_row_of_failures() -> None:
    async def scenario(clock: VirtualClock) -> list[str]:
        recorded = Timeline(3, 2)
        for seconds in (20, 10):
            recorded.feed(Check(clock.now() - seconds * SECOND, Outcome.DOWN, 0, 135 * SECOND, cause="timeout"))
        live = Live(target(clock), resumed(recorded, round(BEGINNING * SECOND) - WALL))
        before = live.state(clock.monotonic())
        live.take(result(live, clock, Outcome.DOWN))
        return [before, live.state(clock.monotonic())]

    assert virtual.run(scenario) == ["suspect", "down"]


def test_the_number_of_outages_and_blips_never_goes_back() -> None:
    async def scenario(clock: VirtualClock) -> list[tuple[int, int]]:
        desk = Desk(clock, failing(REFUSED, (10, 40), (70, 80), (100, 130)))
        photographer = Photographer(desk.book, desk.lives, 1)
        seen = []
        for _ in range(18):
            await desk.check()
            await desk.recorder.drain()
            [picture] = [t for t in photographer.take(clock.now(), clock.monotonic()).targets if t.name == IMAP]
            seen.append((picture.outages, picture.blips))
            await clock.sleep(10)
        return seen

    seen = virtual.run(scenario)
    assert [outages for outages, _ in seen] == [0] * 3 + [1] * 9 + [2] * 6
    assert [blips for _, blips in seen] == sorted(blips for _, blips in seen)
    assert seen[-1] == (2, 1)


def test_the_certificate_presented_last_stays_while_the_server_cannot_be_reached() -> None:
    async def scenario(clock: VirtualClock) -> list[str | None]:
        live = Desk(clock).lives[IMAP]
        seen = [
            (Outcome.DOWN, "tls_certificate", "CN=expired"),
            (Outcome.DOWN, "connect_refused", None),
            (Outcome.UP, None, "CN=renewed"),
            (Outcome.DOWN, "timeout", None),
            (Outcome.UP, None, None),  # in clear by now
        ]
        told = []
        for outcome, cause, subject in seen:
            certificate = None if subject is None else Certificate(subject, "CN=ca", (), 0, 1)
            check = Check(clock.now(), outcome, 0, 135 * SECOND, cause=cause)
            evidence = Evidence(certificate=certificate)
            live.take(Result(live.target, check, clock.monotonic(), (), None, evidence, "", pulse=False))
            shown = None if live.presented is None else live.presented.evidence.certificate
            told.append(None if shown is None else shown.subject)
        return told

    assert virtual.run(scenario) == ["CN=expired", "CN=expired", "CN=renewed", "CN=renewed", None]
