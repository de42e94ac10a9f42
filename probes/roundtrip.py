"""The way of a message: submitted, delivered, found in the mailbox of its recipient, and deleted.

Submission and mailbox are those of two other targets. What a look into the mailbox that begins at the deadline
finds was delivered in time; how long after it the check may go on is bounded by the route's `margin`.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import chain, repeat
from typing import ClassVar

from pydantic import Field, field_validator

from probes.base import Options, Steps
from probes.errors import Cause, ProbeFailureError
from probes.imap import ImapProbe
from probes.lookout import Gate, Lookout, unminded, waited, within
from probes.message import compose
from probes.pop3 import Pop3Probe
from probes.smtp import SmtpProbe
from probes.tokens import Token, TokenStore

_ADDRESS = re.compile(r"[^\x00-\x20\x7f-\U0010ffff<>@,;:\\\"()\[\]]{1,64}@[0-9A-Za-z.-]{1,253}")
_PAUSES = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 12.0, 15.0)
_LASTING = {
    Cause.AUTH,
    Cause.CREDENTIAL,
    Cause.AUTH_UNAVAILABLE,
    Cause.TLS_CERTIFICATE,
    Cause.STARTTLS_UNAVAILABLE,
}
"""What trying again would not mend, or would make worse: an account can be locked."""


class RoundtripOptions(Options):
    """A message from one target of the service to another: submitted, found in the mailbox, deleted."""

    submit: tuple[str, ...] = Field(
        description="Targets, `submission` or `smtp`, with a login, that the message is submitted to: `target` of "
        "the same service, or `service/target`. With several, one round trip for each pair with `fetch`.",
        examples=["submission", "[submission, mail/relay]"],
    )
    fetch: tuple[str, ...] = Field(
        description="Targets, `imap` or `pop3`, with a login, in whose mailbox the message is looked for.",
        examples=["imap", "[imap, pop3]"],
    )
    sender: str | None = Field(
        default=None,
        alias="from",
        description="Address that it is sent from; by default the user name of `submit`.",
        examples=["probe@example.go.th"],
    )
    recipient: str | None = Field(
        default=None,
        alias="to",
        description="Address that it is sent to; by default the user name of `fetch`.",
        examples=["probe@example.go.th"],
    )

    bounces: str | None = Field(
        default=None,
        min_length=1,
        description="Target, `imap` or `pop3`, with a login, whose mailbox is that of `from`, to which a message that "
        "cannot be delivered is returned; by default that of `fetch`.",
        examples=["imap-of-sender"],
    )

    @field_validator("submit", "fetch", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list | tuple) or not names or not all(isinstance(name, str) for name in names):
            raise ValueError("the name of a target, or a list of names, is expected")
        if len(set(names)) < len(names):
            raise ValueError("a target is named twice")
        return tuple(names)

    @field_validator("sender", "recipient")
    @classmethod
    def _address(cls, address: str | None) -> str | None:
        if address is not None and not is_address(address):
            raise ValueError("not an address in ASCII, such as probe@example.go.th")
        return address


@dataclass(frozen=True, slots=True)
class Route:
    """What a round trip goes over. Times in seconds; each session has the time-out of the target that it is of.

    `margin` bounds what a check does after its deadline: a last look, reading and deleting.
    """

    submitter: SmtpProbe
    reader: ImapProbe | Pop3Probe
    sender: str
    recipient: str
    submit_timeout: float
    fetch_timeout: float
    deadline: float
    margin: float
    tokens: TokenStore
    returns: ImapProbe | Pop3Probe | None = None  # where reports come to, if not to `reader`
    submit_gate: Gate = unminded
    fetch_gate: Gate = unminded
    returns_gate: Gate = unminded


class RoundtripProbe:
    protocol: ClassVar[str] = "roundtrip"
    Options: ClassVar[type[Options]] = RoundtripOptions

    def __init__(self, options: RoundtripOptions, route: Route | None = None) -> None:
        self.options = options
        self._route = route

    async def check(self, steps: Steps) -> None:
        route = self._reached()
        token = await route.tokens.issue()
        with steps("submit"):
            turn = await _submit(steps, route, token)
        await route.tokens.accepted(token)
        spent = sum(phase.seconds for phase in steps.phases)
        own = route.deadline - spent + turn  # the message had no part in the wait for a turn
        wait = max(0.0, own - max(0.0, turn - _slack(route)))
        async with AsyncExitStack() as stack:
            lookouts = [await stack.enter_async_context(one) for one in _lookouts(steps, route, token)]
            arrival = lookouts[0]
            with steps("queue"):
                news = await _wait(lookouts, wait)
                if not news and not arrival.failure:
                    raise _undelivered(route, turn, wait, short=wait < own)
            with steps("fetch"):
                if news:
                    await news.collect()
                elif arrival.failure:
                    raise arrival.failure

    async def pulse(self, steps: Steps) -> None:
        await self._reached().submitter.pulse(steps)

    def _reached(self) -> Route:
        if self._route is None:
            raise ProbeFailureError(Cause.INTERNAL, "a round trip without the targets that it is made of")
        return self._route


def is_address(text: str) -> bool:
    """Whether a text can stand in an envelope as it is: a mailbox of RFC 5321 in ASCII, without quoting."""
    return _ADDRESS.fullmatch(text) is not None


def _patience(route: Route) -> float:
    """For a look, and again for reading and deleting: all of them and a farewell fit into the margin."""
    return min(route.fetch_timeout, route.margin * (0.27 if route.returns else 0.4))


def _slack(route: Route) -> float:
    """How much of a wait for a turn the margin makes up for: what a last look, collecting and farewells leave of it."""
    sessions = 3 if route.returns else 2
    return max(0.0, route.margin * 0.9 - sessions * _patience(route))


async def _submit(steps: Steps, route: Route, token: Token) -> float:
    """Returns for how many seconds of it the session waited for its turn, which the message had no part in."""
    message = compose(token, route.sender, route.recipient)
    patience = min(route.submit_timeout, route.deadline)
    async with (
        within(steps, patience) as aside,
        route.submit_gate(aside),
        route.submitter.logged_in(aside) as session,
    ):
        with aside("send"):
            await session.send(route.sender, route.recipient, message)
    return waited(aside)


def _undelivered(route: Route, turn: float, wait: float, *, short: bool) -> ProbeFailureError:
    """`short`: the wait for a turn has taken of the message's own time."""
    if short:
        words = f"other checks used the account for {turn:.1f} s; the message had {wait:.1f} s to arrive in"
        return ProbeFailureError(Cause.OVERLOAD, words)
    return ProbeFailureError(Cause.UNDELIVERED, f"accepted, and not in the mailbox within {route.deadline:g} s")


def _lookouts(steps: Steps, route: Route, token: Token) -> Iterator[Lookout]:
    """The mailbox that the message is for, first, and the one that it is returned to."""
    patience = _patience(route)
    yield Lookout(steps, route.reader, route.tokens, token, patience, gate=route.fetch_gate)
    if route.returns:
        gate = route.returns_gate
        yield Lookout(steps, route.returns, route.tokens, token, patience, gate=gate, prefix="bounces: ", arrives=False)


async def _wait(lookouts: Sequence[Lookout], seconds: float) -> Lookout | None:
    """Look again and again for so long, with growing pauses, and once more at the end; who has news."""
    try:
        async with asyncio.timeout(seconds):
            for pause in chain(_PAUSES, repeat(_PAUSES[-1])):
                news = await _look(lookouts)
                if news or _lasting(lookouts[0]):
                    return news
                await asyncio.sleep(pause)
    except TimeoutError:
        pass
    return await _look(lookouts)


async def _look(lookouts: Sequence[Lookout]) -> Lookout | None:
    for lookout in lookouts:
        if not _lasting(lookout) and await lookout.look():
            return lookout
    return None


def _lasting(lookout: Lookout) -> bool:
    return lookout.failure is not None and lookout.failure.cause in _LASTING
