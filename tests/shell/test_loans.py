"""A round trip minds the accounts of the targets that it borrows from: their turns, and their rests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from monitor.assembly import targets_of
from monitor.clock import SystemClock
from monitor.core.check import Outcome
from monitor.logins import Logins
from monitor.runner import Result, Runner, Target
from monitor.settings import load
from probes.errors import Cause
from tests.e2e.written import written
from tests.probes.scripted import Script, serving
from tests.probes.test_imap import POLITE as IMAP
from tests.probes.test_lookout import imap as mailbox
from tests.probes.test_smtp import POLITE as SMTP

ACCOUNT = "probe@example.org"
TRIP = "mail/trip"
SENDING = SMTP.but(
    EHLO=b"250-mx\r\n250 AUTH PLAIN\r\n", MAIL=b"250 ok\r\n", RCPT=b"250 ok\r\n", DATA=b"354 go on\r\n",
    **{".": b"250 queued\r\n", "*": b""},
)  # fmt: skip
REFUSING = {"AUTH": b"535 5.7.8 no\r\n"}


@dataclass(frozen=True)
class Scene:
    """A round trip between two scripted servers, with its account's logins."""

    smtp: Script
    imap: Script
    logins: Logins
    targets: dict[str, Target]

    async def check(self) -> Result:
        return await Runner(SystemClock(), lambda _: True).run(self.targets[TRIP])


@asynccontextmanager
async def scene(
    place: Path, smtp: Script, imap: Script, deadline: str = "2s", interval: str = "60s"
) -> AsyncIterator[Scene]:
    password = place / "password"
    password.touch(mode=0o600)
    password.write_text("hunter2-0451\n")
    async with serving(smtp) as sender, serving(imap) as reader:
        login = {"username": ACCOUNT, "password": {"file": str(password)}}
        ends = [
            {"name": "submission", "type": "submission", "port": sender.port},
            {"name": "imap", "type": "imap", "port": reader.port},
        ]
        trip = {"name": "trip", "type": "roundtrip", "submit": "submission", "fetch": "imap", "deadline": deadline}
        trip["interval"] = interval
        common = {"host": "127.0.0.1", "tls": "none", "login": login, "timeout": "1s"}
        settings = load(written(place, *(common | end for end in ends), trip))
        settings.load_secrets()
        logins = Logins(SystemClock())
        targets = targets_of(settings, logins=logins)
        yield Scene(sender, reader, logins, {name: target for name, (target, _) in targets.items()})


def attempts(script: Script, verb: bytes) -> int:
    return sum(verb in line.upper().split() for line in script.heard)


async def test_a_refused_submission_rests_the_account_and_the_next_round_trip_does_not_log_in(tmp_path: Path) -> None:
    async with scene(tmp_path, SENDING.but(**REFUSING), IMAP.but()) as one:
        first, second = await one.check(), await one.check()
        assert (first.check.outcome, first.check.cause, first.failed_phase) == (Outcome.DOWN, Cause.AUTH, "submit")
        assert (second.check.outcome, second.check.cause) == (Outcome.UNKNOWN, Cause.RESTING)
        assert f"no log-in to {ACCOUNT} for another" in second.reply
        assert (attempts(one.smtp, b"AUTH"), one.smtp.visits) == (1, 1)
        assert list(one.logins.resting()) == [ACCOUNT]


async def test_a_password_that_a_reload_has_replaced_rests_nothing_when_a_round_trip_still_meets_its_refusal(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path, SENDING.but(**REFUSING), IMAP.but()) as one:
        access = one.targets["mail/submission"].access
        assert access is not None
        one.logins.prepare([("mail/submission", access, "another")])
        result = await one.check()
        assert (result.check.cause, result.failed_phase) == (Cause.AUTH, "submit")
        assert one.logins.resting() == {}


async def test_whose_login_was_refused_tries_again_first_and_alone(tmp_path: Path) -> None:
    async with scene(tmp_path, SENDING.but(**REFUSING), IMAP.but()) as one:
        await one.check()
        until = {name: one.logins.until(name, target.accesses) for name, target in one.targets.items()}
    assert until["mail/imap"] == until[TRIP] == pytest.approx(until["mail/submission"] + 1)


async def test_a_refused_look_into_the_mailbox_rests_the_account_after_one_attempt(tmp_path: Path) -> None:
    refusing = IMAP.but(AUTHENTICATE=b"%T NO [AUTHENTICATIONFAILED] no\r\n")
    async with scene(tmp_path, SENDING.but(), refusing) as one:
        result = await one.check()
        assert (result.check.cause, result.failed_phase) == (Cause.AUTH, "fetch")
        assert attempts(one.imap, b"AUTHENTICATE") == 1
        assert list(one.logins.resting()) == [ACCOUNT]


async def test_a_session_waits_for_its_turn_and_gives_it_back(tmp_path: Path) -> None:
    async with scene(tmp_path, SENDING.but(**REFUSING), IMAP.but()) as one:
        access = one.targets["mail/imap"].access
        await one.logins.enter(access)
        waiting = asyncio.create_task(one.check())
        done, _ = await asyncio.wait([waiting], timeout=0.2)
        assert (done, one.smtp.visits) == (set(), 0)
        await one.logins.leave(access)
        assert (await waiting).check.cause == Cause.AUTH
        async with asyncio.timeout(1):
            await one.logins.enter(access)


async def test_a_turn_that_never_comes_is_the_monitors_own_fault(tmp_path: Path) -> None:
    async with scene(tmp_path, SENDING.but(), IMAP.but()) as one:
        await one.logins.enter(one.targets["mail/imap"].access)
        result = await one.check()
        assert (result.check.outcome, result.check.cause) == (Outcome.UNKNOWN, Cause.OVERLOAD)
        assert result.reply == "turn: other checks used the account for 1 s"
        assert one.smtp.visits == 0


@pytest.mark.parametrize(
    ("interval", "outcome", "cause"),
    [("60s", Outcome.DOWN, Cause.UNDELIVERED), ("6s", Outcome.UNKNOWN, Cause.OVERLOAD)],
    ids=["the margin makes up for it", "it does not"],
)
async def test_a_wait_for_a_turn_takes_nothing_of_the_messages_own_time_unless_it_is_said(
    tmp_path: Path, interval: str, outcome: Outcome, cause: Cause
) -> None:
    empty = mailbox(LIST=b"%T OK\r\n", SEARCH=b"* SEARCH\r\n%T OK\r\n")
    async with scene(tmp_path, SENDING.but(), empty, interval=interval) as one:
        access = one.targets["mail/imap"].access
        await one.logins.enter(access)
        waiting = asyncio.create_task(one.check())
        done, _ = await asyncio.wait([waiting], timeout=0.7)
        assert not done
        await one.logins.leave(access)
        result = await waiting
        assert (result.check.outcome, result.check.cause) == (outcome, cause), result.reply


async def test_a_rest_that_another_target_began_puts_the_round_trip_off_and_an_accepted_login_ends_one(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path, SENDING.but(), IMAP.but()) as one:
        imap = one.targets["mail/imap"]
        assert imap.access is not None
        one.logins.refused("mail/imap", imap.access, 0, 1)
        assert one.logins.until(TRIP, one.targets[TRIP].accesses) > SystemClock().monotonic()
        assert one.logins.accepted("mail/imap", imap.access)
        assert one.logins.resting() == {}
        await one.check()
        assert (attempts(one.smtp, b"AUTH"), one.smtp.visits) == (1, 1)
