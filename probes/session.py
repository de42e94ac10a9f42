"""What all line protocols have in common: the order of a check, who may see the password, and how it ends."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from typing import ClassVar, Protocol

from pydantic import Field, field_validator

from probes import net, tls
from probes.base import Login, Options, Steps
from probes.errors import Cause, ProbeFailureError, translating
from probes.tls import TlsOptions

LOOK_SECONDS = 2.0  # for the second handshake that fetches the facts of a refused certificate
FAREWELL_SECONDS = 2.0  # for QUIT or LOGOUT, after which nothing depends on the server any more


class MailOptions(Options):
    """What every mail protocol needs to know of its server."""

    host: str = Field(
        min_length=1, max_length=253, description="Host name or address.", examples=["mail.example.go.th"]
    )
    port: int | None = Field(
        default=None, ge=1, le=65535, description="TCP port; by default the protocol's.", examples=[993]
    )
    tls: TlsOptions
    login: Login | None = Field(
        default=None, description="Whom to log in as; without it a check ends after the capabilities."
    )

    @field_validator("host")
    @classmethod
    def _resolvable(cls, host: str) -> str:
        return resolvable(host)


class Session(Protocol):
    """One dialogue with a server, from the greeting on. It raises what `translating` knows."""

    CAPABILITY: ClassVar[str]  # the name of the phase

    @property
    def protocol(self) -> asyncio.BaseProtocol: ...

    @property
    def transport(self) -> asyncio.Transport | None: ...

    async def greeting(self) -> None: ...

    async def capability(self) -> None: ...

    async def starttls(self, context: ssl.SSLContext, server_name: str) -> asyncio.Transport:
        """Ask for TLS and do the handshake. Nothing learnt before it counts afterwards."""

    async def authenticate(self, username: str, password: str) -> None:
        """Log in, in one attempt."""

    async def use(self, steps: Steps) -> None:
        """See what a user would, in phases of its own."""

    async def quit(self) -> None: ...


class MailProbe:
    """A probe of a line protocol. Subclasses say which ports and which session."""

    protocol: ClassVar[str]
    Options: ClassVar[type[Options]]
    PORT: ClassVar[int]
    TLS_PORT: ClassVar[int]

    def __init__(self, options: MailOptions) -> None:
        self.options = options
        self._context = tls.context(options.tls)
        self.endpoint = net.Endpoint(
            host=options.host,
            port=options.port or (self.TLS_PORT if options.tls.mode == "implicit" else self.PORT),
            server_name=options.tls.server_name or options.host.rstrip("."),
        )

    def session(self, steps: Steps) -> Session:
        raise NotImplementedError

    async def check(self, steps: Steps) -> None:
        login = self.options.login
        with discreet(steps, login):
            async with self._secured(steps) as session:
                if login:
                    async with steps("auth"):
                        await session.authenticate(login.username, login.password.reveal())
                    await session.use(steps)
                async with farewell(steps):
                    await session.quit()

    async def pulse(self, steps: Steps) -> None:
        session = self.session(steps)
        try:
            with discreet(steps, None):
                await self._greeted(steps, session, self._context)
        finally:
            abort(session)

    @asynccontextmanager
    async def _secured(self, steps: Steps) -> AsyncIterator[Session]:
        session = self.session(steps)
        try:
            try:
                await self._secure(steps, session, self._context)
            except ProbeFailureError as failure:
                abort(session)
                if failure.cause is Cause.TLS_CERTIFICATE:
                    await look(steps, failure, self._unverified)
                raise
            yield session
        finally:
            abort(session)

    async def _greeted(self, steps: Steps, session: Session, context: ssl.SSLContext) -> None:
        implicit = context if self.options.tls.mode == "implicit" else None
        await net.open_connection(steps, lambda: session.protocol, self.endpoint, implicit)
        async with steps("greeting"):
            await session.greeting()

    async def _secure(self, steps: Steps, session: Session, context: ssl.SSLContext) -> None:
        await self._greeted(steps, session, context)
        async with steps(session.CAPABILITY):
            await session.capability()
        if self.options.tls.mode != "starttls":
            return
        async with steps("starttls"):
            transport = await session.starttls(context, self.endpoint.server_name)
            net.secured(transport, steps.evidence)
        async with steps(session.CAPABILITY):
            await session.capability()

    async def _unverified(self, aside: Steps) -> None:
        session = self.session(aside)
        try:
            await self._secure(aside, session, tls.blind_context())
        finally:
            abort(session)


async def look(steps: Steps, failure: ProbeFailureError, reach: Callable[[Steps], Awaitable[None]]) -> None:
    """Fetch the certificate that was refused, by a second connection that verifies nothing, without login."""
    aside = steps.aside()
    with (
        suppress(ProbeFailureError, TimeoutError),
        translating(),
    ):  # what was seen before the failure is as good
        async with asyncio.timeout(LOOK_SECONDS):
            await reach(aside)
    if aside.evidence.certificate:
        steps.evidence.certificate = replace(aside.evidence.certificate, problem=tls.problem(failure))


def resolvable(host: str) -> str:
    """A host name that the resolver can be asked for; raises ValueError."""
    try:
        host.rstrip(".").encode("idna")
    except UnicodeError as error:
        raise ValueError(f"not a host name: {error.__cause__ or error}") from None
    if not host.strip(".") or any(
        character.isspace() or character in "/@\\" or not character.isprintable() for character in host
    ):
        raise ValueError("not a host name")
    return host


@contextmanager
def discreet(steps: Steps, login: Login | None) -> Iterator[None]:
    """Let nothing but `ProbeFailureError` leave a probe, and no password in it or in the evidence."""
    if login:
        steps.conceal(login)
    try:
        with translating():
            yield
    except ProbeFailureError as failure:
        raise ProbeFailureError(failure.cause, steps.clean(failure.reply)) from None


@asynccontextmanager
async def farewell(steps: Steps, name: str = "quit") -> AsyncIterator[None]:
    """A phase whose failure is evidence and no failure of the check, and which does not wait long."""
    try:
        with translating():
            async with asyncio.timeout(FAREWELL_SECONDS), steps(name):
                yield
    except ProbeFailureError as failure:
        steps.reply(f"{name}: {failure}")
    except TimeoutError:
        steps.reply(f"{name}: no answer")


def abort(session: Session) -> None:
    """End the connection now, without waiting for the server."""
    if session.transport is not None:
        session.transport.abort()
