"""A reload brings another password while checks with the former one are under way: it says nothing of the new one."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from monitor.checker import Checker
from monitor.clock import SystemClock
from monitor.core.instants import SECOND
from monitor.core.timeline import Timeline
from monitor.credentials import Credentials
from monitor.ledger import Fact
from monitor.live import Live
from monitor.logins import Access, Logins
from monitor.recorder import Arrival
from monitor.runner import Target
from monitor.settings.secrets import SecretReference
from probes.base import Login, Steps
from probes.errors import Cause, ProbeFailureError

IMAP, SMTP, TRIP = "mail/imap", "mail/smtp", "mail/trip"
USER = "probe@example.go.th"
GOOD, BAD = "hunter2", "hunter3"


@dataclass(frozen=True)
class Options:
    login: Login


class LoginProbe:
    """Its server takes one password, and answers at once unless `answer` is taken from it."""

    def __init__(self, password: str, taken: str = GOOD) -> None:
        self.options = Options(Login(username=USER, password=SecretReference.known("env", "PROBE", password)))
        self.asked, self.answer = asyncio.Event(), asyncio.Event()
        self.answer.set()
        self._accepts = password == taken

    async def check(self, steps: Steps) -> None:
        with steps("auth"):
            self.asked.set()
            await self.answer.wait()
            if not self._accepts:
                raise ProbeFailureError(Cause.AUTH, "535 5.7.8")

    async def pulse(self, steps: Steps) -> None: ...


class RoundTripProbe(LoginProbe):
    """Its login is its lenders'."""

    def __init__(self, password: str, taken: str = GOOD) -> None:
        super().__init__(password, taken)
        del self.options


def target(probe: LoginProbe, name: str = IMAP) -> Target:
    access = Access(USER, 120, 960, 1)
    if isinstance(probe, RoundTripProbe):
        return Target(name, "roundtrip", probe, 5 * SECOND, 60 * SECOND, borrows=(IMAP, SMTP))
    return Target(name, "imap", probe, 5 * SECOND, 60 * SECOND, USER, access=access)


@dataclass
class House:
    """A checker whose ledger says that GOOD has worked at both targets; each fact has a salt of its own."""

    checker: Checker
    logins: Logins
    recorded: list[Arrival] = field(default_factory=list)

    async def reload(self, password: str) -> None:
        await self.checker.prepare([target(LoginProbe(password)), target(LoginProbe(password), SMTP)])

    async def cause(self, probe: LoginProbe, name: str = IMAP) -> str | None:
        return (await self.checker.check(Live(target(probe, name), Timeline(3, 2)), False)).check.cause

    async def held(self, probe: LoginProbe, name: str = IMAP) -> asyncio.Task[str | None]:
        """A check that waits for the answer to its login."""
        probe.answer.clear()
        check = asyncio.create_task(self.cause(probe, name))
        await probe.asked.wait()
        return check

    @property
    def facts(self) -> list[Fact]:
        return [fact for arrival in self.recorded for fact in arrival.facts]


async def house(known: Iterable[str] = (IMAP, SMTP), password: str = GOOD) -> House:
    facts = [await Credentials([]).accepted(name, USER, GOOD, 0) for name in known]
    logins, recorded = Logins(SystemClock()), list[Arrival]()
    credentials = Credentials(fact for fact in facts if fact)
    made = House(Checker(SystemClock(), credentials, recorded.append, lambda _: None, logins=logins), logins, recorded)
    await made.reload(password)
    return made


async def test_checks_with_the_former_password_while_a_reload_goes_on_do_not_vouch_for_the_new_one() -> None:
    one = await house()
    reload = asyncio.create_task(one.reload(BAD))
    while not reload.done():  # a mark takes 20 ms in a thread
        assert await one.cause(LoginProbe(GOOD)) is None
        await asyncio.sleep(0)
    assert (await one.cause(LoginProbe(BAD)), one.facts) == (Cause.CREDENTIAL, [])


async def test_a_check_that_a_reload_overtakes_does_not_vouch_for_the_new_password() -> None:
    one = await house()
    probe = LoginProbe(GOOD)
    check = await one.held(probe)
    await one.reload(BAD)
    probe.answer.set()
    assert await check is None
    assert (await one.cause(LoginProbe(BAD)), one.facts) == (Cause.CREDENTIAL, [])


@pytest.mark.parametrize(("former", "new"), [(GOOD, BAD), (BAD, GOOD)])
async def test_a_refusal_that_a_reload_overtakes_is_the_former_passwords_and_rests_nobody(
    former: str, new: str
) -> None:
    one = await house(password=former)
    probe = LoginProbe(former, taken="neither")
    check = await one.held(probe)
    await one.reload(new)
    probe.answer.set()
    assert (await check, one.logins.resting()) == (Cause.CREDENTIAL, {})


async def test_a_round_trip_that_a_reload_overtakes_was_refused_with_the_former_password() -> None:
    one = await house()
    probe = RoundTripProbe(GOOD, taken=BAD)
    check = await one.held(probe, TRIP)
    await one.reload(BAD)
    await one.reload(GOOD)
    probe.answer.set()
    assert await check == Cause.CREDENTIAL


async def test_a_reload_that_changes_no_password_takes_nothing_from_a_refusal_under_way() -> None:
    one = await house()
    probe = LoginProbe(GOOD, taken=BAD)
    check = await one.held(probe)
    await one.reload(GOOD)
    probe.answer.set()
    assert (await check, list(one.logins.resting())) == (Cause.AUTH, [USER])


async def test_a_typo_is_noticed_after_the_first_password_ever_worked_in_this_run() -> None:
    one = await house(known=())
    assert await one.cause(LoginProbe(GOOD)) is None
    await one.reload(BAD)
    assert await one.cause(LoginProbe(BAD)) == Cause.CREDENTIAL
    await one.reload(GOOD)
    assert await one.cause(LoginProbe(GOOD, taken=BAD)) == Cause.AUTH
