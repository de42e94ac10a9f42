"""Decides how a round trip over the lab is made up and run, and how mail gets into its mailbox beside it."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from monitor.clock import SystemClock
from monitor.core.instants import DAY, Duration, Instant
from monitor.deliveries import Deliveries
from probes.base import Steps
from probes.errors import Cause, ProbeFailureError
from probes.imap import ImapProbe
from probes.pop3 import Pop3Probe
from probes.roundtrip import RoundtripOptions, RoundtripProbe, Route
from probes.smtp import SubmissionProbe
from tests.lab import Account, Lab
from tests.lab.clients import imap_session
from tests.probes.conftest import Secret
from tests.probes.test_real_servers import reach

TARGET = "mail/delivery"
SOON = 1.5
"""Seconds: a deadline for what never arrives in time."""


class ShiftedClock(SystemClock):
    """A wall clock that a test sets forward."""

    ahead: Duration = 0

    def now(self) -> Instant:
        return super().now() + self.ahead


@dataclass
class Trip:
    """A round trip over a lab with tokens of its own; what it may take is generous unless a test says otherwise."""

    lab: Lab
    fetch: str = "imap"
    to: str | None = None
    deadline: float = 30.0
    password: str | None = None
    submit_password: str | None = None
    reads: Account | None = None
    returns: bool = False  # whether the sender's mailbox is looked into as well
    clock: ShiftedClock = field(default_factory=ShiftedClock)

    def __post_init__(self) -> None:
        self.deliveries = Deliveries(self.clock)

    @property
    def counts(self) -> dict[str, int]:
        """What has been counted, without zeros."""
        return dict(+Counter(self.deliveries.tallies[TARGET]))

    async def check(self, deadline: float | None = None) -> "Seen":
        steps = Steps(time.monotonic, transcript=True)
        failure = None
        before = asyncio.all_tasks()
        try:
            options = RoundtripOptions.model_validate({"submit": "submission", "fetch": self.fetch})
            await RoundtripProbe(options, self._route(deadline)).check(steps)
        except ProbeFailureError as error:
            failure = error
        assert asyncio.all_tasks() == before
        assert self.lab.probe.password not in f"{failure!r} {steps.evidence!r}"
        return Seen(steps, failure)

    def _route(self, deadline: float | None) -> Route:
        lab, account = self.lab, self.reads or self.lab.probe
        submitting = {**reach(lab, "submission", "starttls"), "login": _login(lab.probe, self.submit_password)}
        reading = reach(lab, self.fetch, "implicit")
        reader: Any = {"imap": ImapProbe, "pop3": Pop3Probe}[self.fetch]
        return Route(
            submitter=SubmissionProbe(SubmissionProbe.Options(**submitting)),
            reader=reader(reader.Options(**reading, login=_login(account, self.password))),
            sender=lab.probe.username,
            recipient=self.to or account.username,
            submit_timeout=10,
            fetch_timeout=10,
            deadline=deadline or self.deadline,
            margin=30,
            tokens=self.deliveries.store(TARGET, DAY),
            returns=reader(reader.Options(**reading, login=_login(lab.probe))) if self.returns else None,
        )


@dataclass(frozen=True)
class Seen:
    """What the runner would see."""

    steps: Steps
    failure: ProbeFailureError | None

    @property
    def cause(self) -> Cause | None:
        return self.failure.cause if self.failure else None

    @property
    def phases(self) -> list[str]:
        return [phase.name for phase in self.steps.phases]

    @property
    def warnings(self) -> list[str]:
        return self.steps.evidence.warnings


def _login(account: Account, password: str | None = None) -> dict[str, Any]:
    return {"username": account.username, "password": Secret(password or account.password)}


def foreign(subject: str) -> bytes:
    """A message of somebody else's."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "alice@lab.test", "probe@lab.test", subject
    mail.set_content("nothing that a round trip has to do with")
    return mail.as_bytes()


def put(lab: Lab, message: bytes, mailbox: str = "INBOX", account: Account | None = None) -> None:
    """Store a message as it is."""
    with imap_session(lab, account) as client:
        assert client.append(mailbox, "", "", message)[0] == "OK"


def messages(lab: Lab, mailbox: str = "INBOX", account: Account | None = None) -> list[bytes]:
    """Every message there is."""
    with imap_session(lab, account) as client:
        client.select(mailbox, readonly=True)
        found = client.search(None, "ALL")[1][0].split()
        return [client.fetch(number.decode(), "(BODY.PEEK[])")[1][0][1] for number in found]  # type: ignore[index,misc]
