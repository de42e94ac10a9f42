"""One check's looks into the mailbox, each a session of its own.

Short sessions, because POP3 shows only what was there at the log-in and holds the mailbox meanwhile, and because an
account has few logins at a time to spare.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from types import TracebackType
from typing import Any, Self, cast

from probes.base import Steps
from probes.errors import Cause, ProbeFailureError, cause_of_timeout
from probes.imap import ImapOptions, ImapProbe
from probes.mailbox import Mailbox, Pop3Mailbox
from probes.mailbox_imap import ImapMailbox
from probes.pop3 import Pop3Probe
from probes.session import discreet
from probes.tokens import Sighting, Token, TokenStore

Gate = Callable[[Steps], AbstractAsyncContextManager[None]]
"""What a session with a log-in goes through, and stays within: whoever minds its account lets it wait for a turn, as a
phase `turn`, or turns it away by a ProbeFailureError."""


def unminded(_steps: Steps) -> AbstractAsyncContextManager[None]:
    """A gate that is open."""
    return nullcontext()


class Lookout:
    """Use as a context manager. `patience` (seconds) is the time-out of a look, and of collecting.

    `prefix` tells its places from those of another mailbox. `arrives`: the messages do, and not only reports, so that
    what is not there is lost.
    """

    def __init__(
        self,
        steps: Steps,
        reader: ImapProbe | Pop3Probe,
        tokens: TokenStore,
        token: Token,
        patience: float,
        *,
        gate: Gate = unminded,
        prefix: str = "",
        arrives: bool = True,
    ) -> None:
        self._steps = steps
        self._reader = reader
        self._tokens = tokens
        self._token = token
        self._patience = patience
        self._gate = gate
        self._prefix = prefix
        self._arrives = arrives
        self._examined: set[str] = set()
        self._mailbox: Mailbox | None = None  # of the last look
        self._sightings: list[Sighting] = []
        self._open = AsyncExitStack()  # the session of the look that brought news
        self.failure: ProbeFailureError | None = None
        """Why the last look came to nothing; None where it went well."""
        self.news: list[Sighting] = []
        """What was seen of the token that is awaited."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    async def look(self) -> bool:
        """Whether there is news. A look that fails is no news; `failure` says why."""
        self.news = []
        try:
            async with within(self._steps, self._patience) as aside, AsyncExitStack() as stack:
                await stack.enter_async_context(self._gate(aside))
                session = await stack.enter_async_context(self._reader.logged_in(aside))
                sightings = await self._through(aside, self._of(session))
                news = [one for one in sightings if one.token == self._token.text]
                if news:
                    self.news, self._sightings, self._open = news, sightings, stack.pop_all()
                else:
                    await self._sweep(sightings)
                    if self._arrives:
                        await self._tokens.looked()
        except ProbeFailureError as failure:
            self.failure = failure
        else:
            self.failure = None
        return bool(self.news)

    async def collect(self) -> None:
        """Read what came and delete it. Raises `ProbeFailureError` (bounced) where only a report came."""
        arrived = [one for one in self.news if not one.bounce]
        async with within(self._steps, self._patience) as aside:
            with discreet(aside, self._reader.options.login):
                with aside("read"):
                    await self._opened().read(self.news[0].place)
                with aside("delete"):
                    await self._sweep(self._sightings)
        if not arrived:
            raise ProbeFailureError(Cause.BOUNCED, "accepted, and returned by a report in the mailbox")
        if all(one.junk for one in arrived):
            self._steps.warn("the message was in Junk")

    async def _through(self, aside: Steps, mailbox: Mailbox) -> list[Sighting]:
        """What a mailbox holds that no look before has gone through to its end."""
        self._mailbox = mailbox
        try:
            with aside("look"):
                return await mailbox.look()
        finally:
            self._examined |= mailbox.examined

    async def _sweep(self, sightings: Sequence[Sighting]) -> None:
        """Have counted what was seen, and delete what is done with; a server that keeps it is only warned of."""
        done = await self._tokens.seen(sightings, self._token)
        if not done:
            return
        try:
            await self._opened().delete(sorted(done))
        except ProbeFailureError as failure:
            self._steps.warn(f"messages could not be deleted: {failure.reply}")

    def _opened(self) -> Mailbox:
        if self._mailbox is None:
            raise ProbeFailureError(Cause.INTERNAL, "no mailbox is open")
        return self._mailbox

    def _of(self, session: Any) -> Mailbox:
        if isinstance(self._reader, ImapProbe):
            inbox = cast("ImapOptions", self._reader.options).mailbox
            return ImapMailbox(session, inbox, self._token.text, self._examined, self._prefix)
        return Pop3Mailbox(session, self._examined, self._prefix)


_NOTICEABLE = 0.25
"""The share of a session's time from which a wait of the monitor's own excuses that the rest was too short."""


@asynccontextmanager
async def within(steps: Steps, seconds: float) -> AsyncIterator[Steps]:
    """Steps for a session beside the check's own; what it saw becomes the check's evidence, however it ends.

    A failure, and running out of time, is a `ProbeFailureError` that names the session's phase.
    """
    aside = steps.aside()
    try:
        async with asyncio.timeout(seconds):
            yield aside
    except TimeoutError:
        raise _overrun(aside, seconds) from None
    except ProbeFailureError as failure:
        raise ProbeFailureError(failure.cause, _in(aside.failed, failure.reply)) from None
    finally:
        _adopt(steps, aside)


def waited(aside: Steps) -> float:
    """For how many seconds a session waited for its turn."""
    return sum(one.seconds for one in aside.phases if one.name == "turn")


def _overrun(aside: Steps, seconds: float) -> ProbeFailureError:
    """What it means that a session ran out of time: where the wait for its turn took much of it, nothing."""
    phase = aside.failed
    turn = waited(aside)
    cause, words = cause_of_timeout(phase), f"no answer within {seconds:g} s"
    if phase == "turn":
        words = f"other checks used the account for {seconds:g} s"
    elif turn >= seconds * _NOTICEABLE:
        cause, words = Cause.OVERLOAD, f"other checks used the account for {turn:.1f} of {seconds:g} s"
    return ProbeFailureError(cause, _in(phase, words))


def _in(phase: str | None, words: str) -> str:
    return f"{phase}: {words}" if phase else words


def _adopt(steps: Steps, aside: Steps) -> None:
    """The last session's connection is the one to show; its replies and lines follow those before it."""
    seen, own = aside.evidence, steps.evidence
    for reply in seen.replies:
        steps.reply(reply)
    own.transcript += seen.transcript[: Steps.MAX_TRANSCRIPT - len(own.transcript)]
    own.codes = [*own.codes, *seen.codes][-Steps.MAX_CODES :]
    for warning in seen.warnings:
        steps.warn(warning)
    if seen.address:
        own.address, own.addresses, own.capabilities = seen.address, seen.addresses, seen.capabilities
        own.tls_version, own.tls_cipher, own.certificate = seen.tls_version, seen.tls_cipher, seen.certificate
