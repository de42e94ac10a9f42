"""One check of a live target: run, remember the credential that worked, let the present state take it, record it."""

from collections.abc import Callable, Iterable

from monitor.clock import Clock
from monitor.credentials import Credentials
from monitor.live import Live
from monitor.recorder import Arrival
from monitor.runner import Result, Runner, Target


class Checker:
    """`record` takes what is to be recorded, `arrived` each result before that."""

    def __init__(
        self,
        clock: Clock,
        credentials: Credentials,
        record: Callable[[Arrival], None],
        arrived: Callable[[Result], None],
    ) -> None:
        self._clock = clock
        self._credentials = credentials
        self._record = record
        self._arrived = arrived
        self._runner = Runner(clock, self._worked)

    async def prepare(self, targets: Iterable[Target]) -> None:
        """Find out which of the credentials in force have worked before."""
        logins = {target.name: login for target in targets if (login := _login(target))}
        await self._credentials.prepare(logins)

    async def check(self, live: Live, pulse: bool) -> Result:  # noqa: FBT001 - the scheduler's callback
        live.outstanding.append(self._clock.now())
        try:
            result = await self._runner.run(live.target, pulse=pulse)
        except BaseException:
            live.outstanding.pop()
            raise
        live.take(result)
        self._arrived(result)
        if not pulse and any(phase.name == "auth" and phase.ok for phase in result.phases):
            await self._accepted(result.target)
        self._record(Arrival(live, result))
        return result

    def _worked(self, target: Target) -> bool:
        """Whether all that it logs in with has been accepted before."""
        return all(self._credentials.worked(name) for name in target.borrows or (target.name,))

    async def _accepted(self, target: Target) -> None:
        login = _login(target)
        if login is not None and not self._credentials.worked(target.name):
            fact = await self._credentials.accepted(target.name, *login, self._clock.now())
            if fact is not None:
                self._record(Arrival(None, facts=(fact,)))


def _login(target: Target) -> tuple[str, str] | None:
    login = getattr(getattr(target.probe, "options", None), "login", None)
    return None if login is None else (login.username, login.password.reveal())
