"""When targets are checked, to the microsecond (R3)."""

import asyncio

import pytest

from monitor.core.check import Check, Outcome
from monitor.core.instants import HOUR, SECOND
from monitor.scheduler import MOST_MISSED, MOST_MISSED_AT_ONCE, PULSE_GAP, START_GAP
from probes.errors import Cause
from tests.shell import virtual
from tests.shell.fleet import (
    HANGS,
    NO_MAILBOX,
    NO_RESOLVER,
    REFUSED,
    WELL,
    Answer,
    Fleet,
    Server,
    cadence,
    failing,
    target,
    well,
)
from tests.shell.virtual import WALL, VirtualClock


def checked(server: Server, seconds: float, *, pulse: float | None = None, phase: float = 0) -> Fleet:
    """A fleet of one target, watched for a while."""

    async def scenario(clock: VirtualClock) -> Fleet:
        fleet = Fleet(clock)
        fleet.add(target(clock, server), cadence(pulse=pulse, phase=phase))
        await fleet.go_on(seconds)
        return fleet

    return virtual.run(scenario)


def test_a_target_is_checked_at_the_start_and_then_in_its_own_phase() -> None:
    assert checked(well, 200, phase=7).seconds() == [0, 7, 67, 127, 187]


def test_every_target_is_checked_once_at_the_start_and_starts_are_paced() -> None:
    async def scenario(clock: VirtualClock) -> Fleet:
        fleet = Fleet(clock)
        for number in range(100):
            fleet.add(target(clock, name=f"mail/{number}"), cadence(phase=30))
        await fleet.go_on(1)
        return fleet

    fleet = virtual.run(scenario)
    assert [start.name for start in fleet.starts] == [f"mail/{number}" for number in range(100)]
    assert fleet.gaps() == pytest.approx([START_GAP] * 99)


@pytest.mark.parametrize(("stall", "clump"), [(0.009, 5), (1.0, 6)])
def test_what_a_late_loop_did_not_start_it_starts_in_one_clump_that_is_bounded(stall: float, clump: int) -> None:
    async def scenario(clock: VirtualClock) -> Fleet:
        fleet = Fleet(clock)
        for number in range(20):
            fleet.add(target(clock, name=f"mail/{number}"), cadence(phase=30))
        asyncio.get_running_loop().call_later(0.001, clock.stall, stall)
        await fleet.go_on(2)
        return fleet

    fleet = virtual.run(scenario)
    usual = [START_GAP] * (20 - 1 - clump)
    assert fleet.gaps() == pytest.approx([0.001 + stall, *[0.0] * (clump - 1), *usual], abs=0.0011)
    assert sum(fleet.late) / SECOND == pytest.approx(sum(fleet.seconds()))


def test_targets_that_stand_in_one_slot_are_paced_too() -> None:
    async def scenario(clock: VirtualClock) -> Fleet:
        fleet = Fleet(clock)
        for number in range(4):
            fleet.add(target(clock, name=f"mail/{number}"), cadence(), first=number)
        await fleet.go_on(70)
        return fleet

    assert virtual.run(scenario).seconds()[4:] == pytest.approx([60 + START_GAP * number for number in range(4)])


def test_an_outage_is_checked_in_the_cadence_of_the_contract() -> None:
    fleet = checked(failing(REFUSED, (120, 200)), 310)
    suspect, down, recovering, again = [120, 125, 130], [140, 155, 170, 185], [200, 205], [240, 300]
    assert fleet.seconds() == [0, 60, *suspect, *down, *recovering, *again]


def test_the_interval_of_a_target_that_is_down_doubles_up_to_its_limit() -> None:
    async def scenario(clock: VirtualClock) -> Fleet:
        fleet = Fleet(clock)
        fleet.add(target(clock, lambda _: REFUSED), cadence(recover=60))
        await fleet.go_on(200)
        return fleet

    assert virtual.run(scenario).seconds() == [0, 5, 10, 20, 40, 80, 140]


def test_a_blip_is_confirmed_no_further_and_the_target_returns_to_its_phase() -> None:
    assert checked(failing(REFUSED, (60, 64)), 130).seconds() == [0, 60, 65, 120]


def test_a_recovery_that_does_not_last_goes_on_slowly() -> None:
    fleet = checked(failing(REFUSED, (0, 40), (44, 100)), 80)
    assert fleet.seconds() == [0, 5, 10, 20, 35, 50, 65]
    fleet = checked(failing(REFUSED, (0, 35), (39, 100)), 80)
    assert fleet.seconds() == [0, 5, 10, 20, 35, 40, 55, 70]


def test_the_interval_doubles_anew_in_the_next_outage() -> None:
    fleet = checked(failing(REFUSED, (0, 30), (60, 90)), 100)
    assert fleet.seconds() == [0, 5, 10, 20, 35, 40, 60, 65, 70, 80, 95]


def test_checks_of_a_target_that_hangs_follow_one_another_without_overlapping() -> None:
    assert checked(failing(HANGS, (60, 150)), 190).seconds() == [0, 60, 75, 90, 105, 120, 135, 150, 155, 180]


def test_a_check_that_lasts_longer_than_the_interval_of_confirming_is_followed_at_its_end() -> None:
    slow = Answer(Cause.TIMEOUT, "greeting", seconds=7)
    assert checked(failing(slow, (60, 200)), 110).seconds() == [0, 60, 67, 74, 84, 99]


def test_an_unknown_outcome_changes_nothing_in_the_cadence() -> None:
    assert checked(failing(NO_RESOLVER, (50, 130)), 190).seconds() == [0, 60, 120, 180]


def test_pulses_run_between_the_checks_and_good_ones_move_none() -> None:
    fleet = checked(well, 125, pulse=10)
    assert fleet.seconds(pulse=False) == [0, 60, 120]
    assert fleet.seconds(pulse=True) == [10, 20, 30, 40, 50, 70, 80, 90, 100, 110]


def test_a_good_pulse_never_speaks() -> None:
    async def scenario(clock: VirtualClock) -> str:
        fleet = Fleet(clock)
        live = fleet.add(target(clock), cadence(interval=600, pulse=5)).live
        await fleet.go_on(140)
        return live.state(clock.monotonic())

    # The one full check speaks for 135 seconds
    assert virtual.run(scenario) == "unknown"


def test_a_failing_pulse_is_a_down_check_and_is_confirmed() -> None:
    fleet = checked(failing(REFUSED, (22, 33)), 70, pulse=10)
    assert fleet.seconds(pulse=True) == [10, 20, 30, 45, 55]
    assert fleet.seconds(pulse=False) == [0, 35, 60]
    states = [start.result.check.outcome for start in fleet.starts if start.after == 30 * SECOND]
    assert states == [Outcome.DOWN]


def test_failing_pulses_alone_make_a_target_down() -> None:
    async def scenario(clock: VirtualClock) -> str:
        fleet = Fleet(clock)
        live = fleet.add(target(clock, failing(REFUSED, (1, 100))), cadence(pulse=2)).live
        await fleet.go_on(7)
        assert fleet.seconds(pulse=False) == [0]
        return live.state(clock.monotonic())

    assert virtual.run(scenario) == "down"


def test_while_down_a_good_pulse_starts_a_full_check_at_once() -> None:
    fleet = checked(failing(REFUSED, (60, 103)), 180, pulse=4)
    assert next(after for after in fleet.seconds(pulse=True) if after >= 103) == 104
    assert fleet.seconds(pulse=False)[-3:] == [104 + PULSE_GAP, 109 + PULSE_GAP, 120]


def test_what_begins_or_ends_at_one_target_is_looked_for_at_the_others_of_its_service() -> None:
    """Of a fault that only a full check sees, in slots 20 s apart; what is of another service keeps its slots."""

    async def scenario(clock: VirtualClock) -> Fleet:
        fleet = Fleet(clock)
        for number, name in enumerate(("mail/imap", "mail/pop3", "mail/smtp")):
            one = target(clock, failing(NO_MAILBOX, (130, 200)), name=name, group="mail")
            fleet.add(one, cadence(phase=20 * number, pulse=None))
        fleet.add(target(clock, name="other/imap", group="other"), cadence(phase=30, pulse=None))
        await fleet.go_on(240)
        return fleet

    fleet = virtual.run(scenario)
    named = ("mail/imap", "mail/pop3", "mail/smtp")
    firsts = [min(s.after for s in fleet.starts if s.name == name and s.result.check.cause) / SECOND for name in named]
    assert firsts == pytest.approx([140] * 3, abs=0.01)  # pop3's slot; smtp's would be 160, imap's 180
    ends = [min(s.after for s in fleet.starts if s.name == name and s.after > 200 * SECOND) / SECOND for name in named]
    assert max(ends) - min(ends) < 0.01
    assert fleet.seconds(name="other/imap")[1:] == [30, 90, 150, 210]


def test_while_suspect_a_good_pulse_starts_a_full_check_at_once() -> None:
    fleet = checked(failing(REFUSED, (60, 61)), 64, pulse=2)
    assert fleet.seconds(pulse=False) == [0, 60, 62 + PULSE_GAP]


def test_a_pulse_hastens_nothing_where_the_failure_is_out_of_its_sight() -> None:
    fleet = checked(failing(NO_MAILBOX, (60, 121)), 140, pulse=4)
    assert fleet.seconds(pulse=False) == [0, 60, 65, 70, 80, 95, 110, 125, 130]


def test_slots_that_a_stall_swallowed_are_recorded_at_their_instants() -> None:
    async def scenario(clock: VirtualClock) -> Fleet:
        fleet = Fleet(clock)
        fleet.add(target(clock), cadence())
        await fleet.go_on(70)
        clock.stall(200)
        await fleet.go_on(31)
        return fleet

    fleet = virtual.run(scenario)
    assert fleet.seconds() == [0, 60, 270, 300]
    assert fleet.late[-2:] == [150 * SECOND, 0]
    assert fleet.missed == [
        Check(WALL + slot * SECOND, Outcome.UNKNOWN, 0, 135 * SECOND, cause="missed") for slot in (120, 180)
    ]


@pytest.mark.parametrize("answer", [WELL, REFUSED, NO_RESOLVER])
def test_slots_that_a_stall_swallowed_are_recorded_whatever_pulses_find_after_it(answer: Answer) -> None:
    async def scenario(clock: VirtualClock) -> Fleet:
        fleet = Fleet(clock)
        fleet.add(target(clock, failing(answer, (70, 300))), cadence(pulse=5))
        await fleet.go_on(70)
        clock.stall(200)
        await fleet.go_on(1)
        return fleet

    fleet = virtual.run(scenario)
    assert [check.at for check in fleet.missed] == [WALL + slot * SECOND for slot in (120, 180)]
    assert fleet.seconds(pulse=False) == [0, 60, 270]


def test_of_a_long_stall_the_last_missed_slots_are_recorded() -> None:
    async def scenario(clock: VirtualClock) -> Fleet:
        fleet = Fleet(clock)
        fleet.add(target(clock), cadence())
        await fleet.go_on(1)
        clock.stall(86_400)
        await fleet.go_on(1)
        return fleet

    missed = virtual.run(scenario).missed
    assert len(missed) == MOST_MISSED
    assert missed[-1].at == WALL + (86_400 - 60) * SECOND


def slept(hours: float, *, targets: int = 1) -> Fleet:
    async def scenario(clock: VirtualClock) -> Fleet:
        fleet = Fleet(clock)
        for number in range(targets):
            fleet.add(target(clock, name=f"mail/{number}"), cadence(), first=number * 0.01)

        async def sleep() -> None:
            await clock.sleep(100.5)
            clock.suspend(hours * 3600)

        async with virtual.beside(sleep()):
            await fleet.go_on(130)
        return fleet

    return virtual.run(scenario)


def test_slots_that_the_machine_slept_through_are_recorded_one_by_one_at_their_instants() -> None:
    fleet = slept(0.05)
    assert [check.at for check in fleet.missed] == [WALL + slot * SECOND for slot in (120, 180, 240)]
    assert {(check.outcome, check.cause) for check in fleet.missed} == {(Outcome.UNKNOWN, "missed")}
    assert [after - before for before, after in fleet.steps] == [180 * SECOND]
    assert fleet.seconds() == [0, 60, 120]  # the schedule goes on where it stood


def test_of_a_long_sleep_the_last_missed_slots_are_recorded() -> None:
    fleet = slept(24)
    assert len(fleet.missed) == MOST_MISSED
    assert fleet.missed[-1].at == WALL + (86_400 + 60) * SECOND


def test_a_fleet_that_slept_does_not_flood_the_ledger() -> None:
    fleet = slept(24, targets=1000)
    assert len(fleet.missed) == 1000 * (MOST_MISSED_AT_ONCE // 1000)


def test_an_unknown_pulse_leaves_the_next_check_where_it_was() -> None:
    slow = Answer(Cause.RESOLVER, "dns", seconds=4)
    fleet = checked(failing(slow, (57, 59)), 130, pulse=58)
    assert fleet.seconds(pulse=True)[0] == 58
    assert fleet.seconds(pulse=False) == [0, 62, 120]


@pytest.mark.parametrize("step", [-HOUR, -SECOND, SECOND, HOUR])
def test_a_set_clock_is_noticed_once_in_its_true_size_and_moves_no_check(step: int) -> None:
    async def scenario(clock: VirtualClock) -> Fleet:
        fleet = Fleet(clock)
        fleet.add(target(clock), cadence())

        async def set_the_clock() -> None:
            await clock.sleep(100.3)
            clock.step(step)

        async with virtual.beside(set_the_clock()):
            await fleet.go_on(190)
        return fleet

    fleet = virtual.run(scenario)
    assert fleet.seconds() == [0, 60, 120, 180]
    [(before, after)] = fleet.steps
    assert after - before == step
    assert WALL + 100 * SECOND <= before <= WALL + 102 * SECOND


def test_a_clock_that_is_slewed_is_not_taken_for_a_set_one() -> None:
    async def scenario(clock: VirtualClock) -> Fleet:
        fleet = Fleet(clock)
        fleet.add(target(clock), cadence())

        async def slew() -> None:
            while True:
                await clock.sleep(1)
                clock.step(500)  # the fastest that adjtime(3) goes

        async with virtual.beside(slew()):
            await fleet.go_on(3_600)
        return fleet

    assert virtual.run(scenario).steps == []


def test_a_removed_target_is_not_checked_any_more_and_a_new_one_at_once() -> None:
    async def scenario(clock: VirtualClock) -> Fleet:
        fleet = Fleet(clock)
        old = fleet.add(target(clock, name="mail/old"), cadence())

        async def change() -> None:
            await clock.sleep(70)
            old.removed = True
            fleet.add(target(clock, name="mail/new"), cadence(), first=70)

        async with virtual.beside(change()):
            await fleet.go_on(130)
        return fleet

    fleet = virtual.run(scenario)
    assert fleet.seconds(name="mail/old") == [0, 60]
    assert fleet.seconds(name="mail/new") == [70, 120]


def test_a_service_that_is_removed_while_it_fails_for_the_first_time_ends_nothing() -> None:
    """When its check ends, the group that it would ask is gone."""

    def fails(now: float) -> Answer:
        return Answer(Cause.CONNECT_REFUSED, "connect", 3) if now >= 60 else WELL

    async def scenario(clock: VirtualClock) -> Fleet:
        fleet = Fleet(clock)
        gone = fleet.add(target(clock, fails, name="gone/imap", group="gone"), cadence())
        fleet.add(target(clock, name="mail/imap", group="mail"), cadence())

        async def remove() -> None:
            await clock.sleep(61)
            gone.removed = True
            fleet.scheduler.changed()

        async with virtual.beside(remove()):
            await fleet.go_on(200)
        return fleet

    fleet = virtual.run(scenario)
    assert max(fleet.seconds(name="mail/imap")) > 120
    assert max(fleet.seconds(name="gone/imap")) == 60
