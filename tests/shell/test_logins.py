"""No account is locked, and nobody is banned, by a monitor that watches: refused logins in virtual time."""

import asyncio
from itertools import pairwise

import pytest

from monitor.core.check import Outcome
from monitor.core.events import Blip, Gap
from monitor.core.instants import SECOND
from monitor.core.timeline import Timeline
from monitor.logins import Logins, account_of
from tests.shell import virtual
from tests.shell.accounts import ACCOUNT, House, Server, most_within
from tests.shell.virtual import BEGINNING, WALL, VirtualClock

MINUTE, HOUR = 60, 3600
ALWAYS = ((0.0, 1e9),)


def refused(
    targets: int = 1, *, at_once: int = 1, worked: bool = True, hours: float = 1, pulse: float | None = None
) -> tuple[House, Server]:
    """Targets of one account whose password is wrong, each with a server that answers at once."""

    async def scenario(clock: VirtualClock) -> tuple[House, Server]:
        house = House(clock, worked=worked)
        server = Server(refuses=ALWAYS, takes=0.1)
        for number in range(targets):
            house.add(f"mail/{number}", server, at_once=at_once, first=number * 0.02, pulse=pulse, phase=number * 7)
        await house.go_on(hours * HOUR)
        return house, server

    return virtual.run(scenario)


def test_after_a_refused_login_attempts_are_two_minutes_apart_then_twice_as_far_up_to_sixteen() -> None:
    assert refused(hours=1.5)[1].refusals() == pytest.approx(
        [minutes * MINUTE for minutes in (0, 2, 6, 14, 30, 46, 62, 78)], abs=2
    )


@pytest.mark.parametrize("worked", [True, False], ids=["worked-before", "never-worked"])
@pytest.mark.parametrize(("targets", "at_once"), [(1, 1), (5, 1), (5, 2)])
def test_refused_logins_stay_below_what_bans_and_locks(targets: int, at_once: int, worked: bool) -> None:
    at = refused(targets, at_once=at_once, worked=worked, hours=3)[1].refusals()
    assert at
    assert most_within(at, 10 * MINUTE) < 5  # fail2ban's maxretry in its findtime
    assert most_within(at, 30 * MINUTE) <= 3 + at_once  # fewer than the 5 of a usual lock-out, where one at once
    assert len([instant for instant in at if instant < HOUR]) <= 5 + at_once


def test_an_outage_by_refused_logins_is_confirmed_in_six_minutes_and_never_turns_unknown() -> None:
    house, _ = refused(5, hours=2, pulse=5)
    timeline = Timeline(3, 2)
    events = [event for result in house.results("mail/0") for event in timeline.feed(result.check)]
    assert [event for event in events if isinstance(event, Gap | Blip)] == []
    present = timeline.present()
    assert present.down
    assert present.stretch is not None
    assert present.stretch.start == WALL
    down = [result.check for result in house.results("mail/0")]
    assert (down[2].at - WALL) / SECOND == pytest.approx(6 * MINUTE, abs=1)
    assert all(later.at <= earlier.at + earlier.voice for earlier, later in pairwise(down))


def test_a_failing_check_speaks_until_its_planned_successor_and_its_time_out() -> None:
    house, _ = refused(hours=0.2)
    voices = [result.check.voice for result in house.results("mail/0")]
    assert voices == [pytest.approx(seconds * SECOND, abs=SECOND) for seconds in (135, 255, 495)]


def test_meanwhile_nobody_logs_in_to_that_account_pulses_go_on_and_nothing_counts_as_missed() -> None:
    async def scenario(clock: VirtualClock) -> tuple[House, Server, Server]:
        house = House(clock)
        broken, other = Server(refuses=((100, 1e9),), absent=((200, 203),)), Server()
        house.add("mail/imap", broken, phase=45, pulse=5)
        house.add("mail/pop3", other, phase=50, pulse=5)
        house.add("post/imap", other, account="else@example.go.th", phase=50, pulse=5)
        await house.go_on(10 * MINUTE)
        return house, broken, other

    house, broken, other = virtual.run(scenario)
    assert broken.refusals() == pytest.approx([105, 225, 465], abs=1)
    assert [at for at, name, _ in other.attempts if name == "mail/pop3" and at > 105] == []
    assert len([at for at, name, _ in other.attempts if name == "post/imap" and at > 105]) == 9
    pulses = [result.check for result in house.results("mail/imap") if result.pulse]
    assert [check.cause for check in pulses] == ["connect_refused"]
    assert house.missed == []


def test_the_others_go_on_as_soon_as_the_refused_one_is_accepted() -> None:
    async def scenario(clock: VirtualClock) -> tuple[House, Server]:
        house = House(clock)
        server = Server(refuses=((100, 200),))
        house.add("mail/imap", server, phase=45)
        house.add("mail/pop3", server, phase=50)
        await house.go_on(5 * MINUTE)
        return house, server

    house, server = virtual.run(scenario)
    assert server.refusals("mail/imap") == [105]
    assert server.refusals("mail/pop3") == []
    assert [round(at) for at, name, _ in server.attempts if name == "mail/pop3"] == [0, 50, 240, 290]
    assert house.lives["mail/imap"].backoff_until is None


def test_what_is_left_of_the_rest_is_told_of_every_target_of_the_account() -> None:
    async def scenario(clock: VirtualClock) -> dict[str, float | None]:
        house = House(clock)
        house.add("mail/imap", Server(refuses=ALWAYS))
        house.add("mail/pop3", Server(), first=1)
        house.add("post/imap", Server(), account="else@example.go.th")
        await house.go_on(30)
        return {name: live.backoff_until for name, live in house.lives.items()}

    assert virtual.run(scenario) == {
        "mail/imap": pytest.approx(BEGINNING + 120),
        "mail/pop3": pytest.approx(BEGINNING + 135),
        "post/imap": None,
    }


@pytest.mark.parametrize(("password", "expected"), [("another", [0, 30]), ("hunter2", [0])])
def test_another_password_ends_the_rest_at_once_and_the_same_one_does_not(password: str, expected: list[int]) -> None:
    async def scenario(clock: VirtualClock) -> list[float]:
        house = House(clock)
        server = Server(refuses=ALWAYS)
        house.add("mail/imap", server)
        house.tell("hunter2")

        async def reload() -> None:
            await clock.sleep(30)
            house.scheduler.hasten(house.tell(password))

        async with virtual.beside(reload()):
            await house.go_on(100)
        return server.refusals()

    assert virtual.run(scenario) == pytest.approx(expected, abs=0.1)


def test_a_check_that_gets_no_answer_to_its_login_neither_ends_nor_prolongs_the_rest() -> None:
    async def scenario(clock: VirtualClock) -> list[float]:
        house = House(clock)
        server = Server(refuses=ALWAYS, absent=((110, 130),))
        house.add("mail/imap", server)
        await house.go_on(1000)
        return server.refusals()

    # It comes to the server at 120 s, not to the login; the next check does, and the pause doubles from there
    assert virtual.run(scenario) == pytest.approx([0, 140, 380, 860], abs=10)


@pytest.mark.parametrize("at_once", [1, 2])
def test_no_more_checks_of_an_account_are_under_way_than_allowed_and_waiting_is_no_latency(at_once: int) -> None:
    async def scenario(clock: VirtualClock) -> tuple[House, Server]:
        house = House(clock)
        server = Server(takes=10)
        for number in range(4):
            house.add(f"mail/{number}", server, at_once=at_once)
        await house.go_on(59)
        return house, server

    house, server = virtual.run(scenario)
    assert server.most_inside == at_once
    results = [result for name in house.lives for result in house.results(name)]
    assert [result.check.duration for result in results] == [pytest.approx(10 * SECOND, abs=1)] * 4
    assert {result.check.outcome for result in results} == {Outcome.UP}
    assert max(result.began for result in results) - BEGINNING == pytest.approx(40 / at_once - 10, abs=0.1)


def test_a_check_that_gives_up_waiting_leaves_its_turn_to_others() -> None:
    async def scenario(clock: VirtualClock) -> None:
        house = House(clock)
        access = house.add("mail/imap", Server()).target.access
        logins = Logins(clock)
        await logins.enter(access)
        waiting = asyncio.create_task(logins.enter(access))
        await clock.sleep(1)
        waiting.cancel()
        await asyncio.wait([waiting])
        await logins.leave(access)
        async with asyncio.timeout(1):
            await logins.enter(access)

    virtual.run(scenario)


def test_a_name_with_a_domain_is_one_account_and_a_bare_one_its_hosts_own() -> None:
    assert account_of("Probe@Example.go.th", "imap.example.go.th") == account_of(ACCOUNT, "pop.example.go.th")
    assert account_of("probe", "imap.a.go.th") != account_of("probe", "imap.b.go.th")
    assert account_of("probe", "imap.a.go.th.") == account_of("probe", "IMAP.a.go.th")
