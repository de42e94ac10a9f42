"""One check of a live target: run, remember what its login met, let the present state take it, record it."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from monitor.clock import Clock
from monitor.core.check import Outcome
from monitor.core.instants import SECOND
from monitor.credentials import Credentials
from monitor.lag import Lag
from monitor.live import Live
from monitor.logins import Logins
from monitor.recorder import Arrival
from monitor.runner import Elsewhere, Result, Runner, Target, login_accepted, login_refused
from monitor.selftest import SelfTests


class Checker:
    """`record` takes what is to be recorded, `arrived` each result before that; the accounts of `lives` may rest."""

    def __init__(
        self,
        clock: Clock,
        credentials: Credentials,
        record: Callable[[Arrival], None],
        arrived: Callable[[Result], None],
        *,
        logins: Logins | None = None,
        lives: Callable[[], Iterable[Live]] = tuple,
        lag: Lag | None = None,
        self_tests: SelfTests | None = None,
        pool: Elsewhere | None = None,
    ) -> None:
        self._clock = clock
        self._credentials = credentials
        self._record = record
        self._arrived = arrived
        self._logins = logins or Logins(clock)
        self._lives = lives
        self._logins.changed = self.rest
        self._runner = Runner(clock, self._worked, lag=lag, self_tests=self_tests, pool=pool)

    async def prepare(self, targets: Iterable[Target]) -> set[str]:
        """Find out which credentials have worked before; returns the accounts that another password lets log in."""
        given = {target.name: (target, login) for target in targets if (login := _login(target))}
        await self._credentials.prepare({name: login for name, (_, login) in given.items()})
        return self._logins.prepare(
            (name, target.access, password) for name, (target, (_, password)) in given.items() if target.access
        )

    async def check(self, live: Live, pulse: bool) -> Result:  # noqa: FBT001 - the scheduler's callback
        live.outstanding.append(self._clock.now())
        superseded = self._superseding(live.target)
        try:
            result = await self._runner.run(live.target, pulse=pulse, superseded=superseded)
        except BaseException:
            live.outstanding.pop()
            raise
        relevant = not pulse and not superseded()
        accepted = relevant and login_accepted(result)
        if relevant:
            self._met(result, accepted=accepted)
        result = self._speaking(result)
        live.take(result)
        self._arrived(result)
        if accepted:
            await self._accepted(result.target)
        self._record(Arrival(live, result))
        return result

    def _worked(self, target: Target) -> bool:
        """Whether all that it logs in with has been accepted before."""
        return all(self._credentials.worked(name) for name in _lenders(target))

    def _superseding(self, target: Target) -> Callable[[], bool]:
        """Tells whether a reload has changed what it logs in with since now: what a login met then says nothing."""
        lenders = _lenders(target)
        changes = self._credentials.changes(lenders)
        return lambda: self._credentials.changes(lenders) != changes

    def rest(self) -> None:
        """Note at each target until when its account is being rested."""
        now = self._clock.monotonic()
        for live in self._lives():
            until = self._logins.until(live.target.name, live.target.accesses)
            live.backoff_until = until if until > now else None

    def _met(self, result: Result, *, accepted: bool) -> None:
        target = result.target
        if target.access is None:
            return
        if login_refused(result):
            self._logins.refused(target.name, target.access, result.began, target.timeout / SECOND)
        elif accepted:
            self._logins.accepted(target.name, target.access)

    def _speaking(self, result: Result) -> Result:
        """Where the account's rest puts the next check off, this one speaks until then (R1)."""
        target, check = result.target, result.check
        planned = self._logins.until(target.name, target.accesses)
        if check.outcome is Outcome.UNKNOWN or planned <= result.began:
            return result
        limit = round((planned - result.began) * SECOND) + target.timeout
        return replace(result, check=replace(check, voice=max(check.voice, limit)))

    async def _accepted(self, target: Target) -> None:
        login = _login(target)
        if login is not None and not self._credentials.worked(target.name):
            fact = await self._credentials.accepted(target.name, *login, self._clock.now())
            if fact is not None:
                self._record(Arrival(None, facts=(fact,)))


def _lenders(target: Target) -> tuple[str, ...]:
    """Whose credentials it logs in with."""
    return target.borrows or (target.name,)


def _login(target: Target) -> tuple[str, str] | None:
    login = getattr(getattr(target.probe, "options", None), "login", None)
    return None if login is None else (login.username, login.password.reveal())
