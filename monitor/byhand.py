"""Checks by hand: each target once, some at a time, with the daemon's care for accounts. Nothing of them is kept."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from monitor import withheld
from monitor.assembly import targets_of
from monitor.canaries import canaries
from monitor.clock import SystemClock
from monitor.core.instants import SECOND
from monitor.logins import Access, Logins
from monitor.runner import Result, Runner, Target, login_refused
from monitor.selftest import SelfTests
from monitor.settings import Settings

AT_ONCE = 8
FORCE = "; --force logs in all the same"
_WHY = "the daemon rests it, since one was refused"


class ByHand:
    """`resting` is what a running daemon says: accounts, and the seconds for which nobody logs in to them.

    A credential that is refused once is not tried again. With `force` neither is minded.
    """

    def __init__(self, settings: Settings, resting: Mapping[str, float], *, force: bool = False) -> None:
        self._clock = SystemClock()
        self._force = force
        self._logins = Logins(self._clock)
        self._rested = {account: self._clock.monotonic() + seconds for account, seconds in resting.items()}
        for account, seconds in resting.items():
            self._logins.rest(account, seconds)
        minded = None if force else self._logins
        self.targets = {name: target for name, (target, _) in targets_of(settings, logins=minded).items()}
        self._refused: dict[tuple[str, str], str] = {}  # accounts and passwords, and the target that met it
        self._places = asyncio.Semaphore(AT_ONCE)
        tests = SelfTests(self._clock, canaries(self._clock, settings.self_test))
        # There is no history here: a refused password is reported as such, and the reader judges.
        self._runner = Runner(self._clock, lambda _target: True, self_tests=tests)

    @property
    def now(self) -> int:
        return self._clock.now()

    async def check(self, name: str, *, transcript: bool) -> Result:
        target = self.targets[name]
        steps = self._runner.steps(transcript=transcript)
        async with self._places:
            await self._logins.enter(target.access)
            try:
                why = None if self._force else self._spared(target)
                if why is not None:
                    return await withheld.check(self._runner, self._clock, target, why, steps)
                result = await self._runner.run(target, steps=steps)
                self._remember(target, result)
                return result
            finally:
                await self._logins.leave(target.access)

    def _remember(self, target: Target, result: Result) -> None:
        if not login_refused(result):
            return
        for credential in self._credentials(target):
            self._refused.setdefault(credential, target.name)
        if target.access is not None:  # for round trips that are under way
            self._logins.refused(target.name, target.access, result.began, target.timeout / SECOND)

    def _spared(self, target: Target) -> str | None:
        """Why its accounts are not logged in to, if so."""
        for account, password in self._credentials(target):
            met = self._refused.get((account, password))
            if met is not None:
                return f"no log-in to {account}: {met} was refused with the same password just now{FORCE}"
        for access in target.accesses:
            left = self._rested.get(access.account, 0.0) - self._clock.monotonic()
            if left > 0:
                return f"no log-in to {access.account} for another {left:.0f} s: {_WHY}{FORCE}"
        return None

    def _credentials(self, target: Target) -> Iterator[tuple[str, str]]:
        """The accounts that it logs in to, with the passwords."""
        lent = [(loan.access, self.targets[loan.lender]) for loan in target.loans]
        own: list[tuple[Access | None, Target]] = [(target.access, target)]
        for access, lender in (*own, *lent):
            options: Any = getattr(lender.probe, "options", None)
            if access is not None:
                yield access.account, options.login.password.reveal()
