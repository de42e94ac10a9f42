"""The sessions of a round trip, which log in with what other targets are configured with, minded as those targets' own.

Each takes its turn by itself: a round trip lasts minutes, and its account's other checks must not wait for it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from monitor.clock import Clock
from monitor.logins import Access, Loan, Logins
from monitor.runner import accepting, refusing
from probes.base import Steps
from probes.errors import Cause, ProbeFailureError


class Lending:
    """The gate of one round trip, `borrower`, for the sessions with one loan."""

    def __init__(self, clock: Clock, logins: Logins, borrower: str, loan: Loan) -> None:
        self._clock = clock
        self._logins = logins
        self._borrower = borrower
        self._loan = loan

    @asynccontextmanager
    async def __call__(self, steps: Steps) -> AsyncIterator[None]:
        """A session of these steps. Raises ProbeFailureError (resting) where it may not log in now."""
        access = self._loan.access
        with steps("turn"):
            await self._logins.enter(access)
        began = self._clock.monotonic()
        try:
            self._demand(access, began)
            yield
        except ProbeFailureError as failure:
            if refusing(failure.cause, steps.failed) and self._in_force(access):
                self._logins.refused(self._loan.lender, access, began, self._loan.patience)
            raise
        finally:
            if accepting(steps.phases) and self._in_force(access):
                self._logins.accepted(self._loan.lender, access)
            await self._logins.leave(access)

    def _in_force(self, access: Access) -> bool:
        """A round trip outlasts a reload: what the password before it met says nothing of the one that holds."""
        return self._logins.in_force(self._loan.lender, access, self._loan.password())

    def _demand(self, access: Access, now: float) -> None:
        left = self._logins.not_before(self._borrower, access) - now
        if left > 0:
            text = f"no log-in to {access.account} for another {left:.0f} s, since one was refused"
            raise ProbeFailureError(Cause.RESTING, text)
