"""A round trip logs in as its ends do: a refusal is the service's fault only where both of them have got in before."""

from monitor.checker import Checker
from monitor.clock import SystemClock
from monitor.core.instants import SECOND
from monitor.core.timeline import Timeline
from monitor.credentials import Credentials
from monitor.live import Live
from monitor.recorder import Arrival
from monitor.runner import Target
from probes.base import Steps
from probes.errors import Cause, ProbeFailureError
from tests.shell.fleet import IdleProbe


class RefusedProbe(IdleProbe):
    async def check(self, steps: Steps) -> None:
        with steps("fetch"):
            raise ProbeFailureError(Cause.AUTH)


async def test_a_refused_round_trip_is_unknown_until_both_ends_have_once_logged_in() -> None:
    credentials = Credentials([])
    recorded: list[Arrival] = []
    checker = Checker(SystemClock(), credentials, recorded.append, lambda _: None)
    ends = ("mail/submission", "mail/imap")
    trip = Target("mail/delivery", "roundtrip", RefusedProbe(), SECOND, 2 * SECOND, borrows=ends)
    live = Live(trip, Timeline(3, 2))
    causes = [(await checker.check(live, False)).check.cause]
    for end in ends:
        await credentials.accepted(end, "probe", "secret", 0)
        causes.append((await checker.check(live, False)).check.cause)
    assert causes == ["credential", "credential", "auth"]
