"""What all line protocols have in common: the order of a check, who may see the password, and how it ends."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, ClassVar, Protocol

from pydantic import Field, ValidationInfo, field_validator

from probes import net, sasl, tls
from probes.base import Login, Options, SecretUnavailableError, Steps
from probes.errors import Cause, ProbeFailureError, translating
from probes.expect import Expect, judge
from probes.tls import TlsOptions

LOOK_SECONDS = 2.0  # for the second handshake that fetches the facts of a refused certificate
FAREWELL_SECONDS = 2.0  # for QUIT or LOGOUT, after which nothing depends on the server any more


class Reach(Options):
    """What every probe that opens connections may be told."""

    tls: TlsOptions
    address_family: net.Family = Field(
        default="any", description="Which addresses of the host to use.", examples=["ipv4"]
    )
    expect: Expect[Any] | None = Field(
        default=None, description="What must hold beside the service working; by default nothing."
    )

    @field_validator("expect")
    @classmethod
    def _possible(cls, expect: Expect[Any] | None, info: ValidationInfo) -> Expect[Any] | None:
        setting = info.data.get("tls")
        if expect and expect.min_tls and setting and setting.mode == "none":
            raise ValueError("min_tls can never be met with tls: none")
        return expect


class MailLogin(Login):
    """Whom to log in as, and how. Subclasses say which mechanisms their protocol has."""

    mechanism: str = sasl.AUTO


class MailOptions(Reach):
    """What every mail protocol needs to know of its server."""

    host: str = Field(
        min_length=1, max_length=253, description="Host name or address.", examples=["mail.example.go.th"]
    )
    port: int | None = Field(
        default=None, ge=1, le=65535, description="TCP port; by default the protocol's.", examples=[993]
    )
    tls: TlsOptions
    login: MailLogin | None = Field(
        default=None, description="Whom to log in as; without it a check ends after the capabilities."
    )

    @field_validator("host")
    @classmethod
    def _resolvable(cls, host: str, info: ValidationInfo) -> str:
        family = info.data.get("address_family", "any")
        if family != "any" and net.family_of(host) not in {None, family}:
            raise ValueError(f"not an address of the address_family {family}")
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

    async def authenticate(self, username: str, password: str, mechanism: str = sasl.AUTO) -> None:
        """Log in, in one attempt."""

    async def use(self, steps: Steps) -> None:
        """See what a user would, in phases of its own; without a login, what a stranger would."""

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
            family=options.address_family,
        )

    def session(self, steps: Steps) -> Session:
        raise NotImplementedError

    async def check(self, steps: Steps) -> None:
        login = self.options.login
        await renew(login)
        with discreet(steps, login):
            async with self._secured(steps) as session:
                if login:
                    with steps("auth"):
                        await self._log_in(session, login)
                await session.use(steps)
                async with farewell(steps):
                    await session.quit()
            await conclude(steps, self.options.expect)

    @asynccontextmanager
    async def logged_in(self, steps: Steps) -> AsyncIterator[Any]:
        """A session behind its log-in, for what is more than a check; the farewell comes after it."""
        login = self.options.login
        await renew(login)
        with discreet(steps, login):
            async with self._secured(steps) as session:
                if login:
                    with steps("auth"):
                        await self._log_in(session, login)
                yield session
                async with farewell(steps):
                    await session.quit()

    @staticmethod
    async def _log_in(session: Session, login: MailLogin) -> None:
        try:
            await session.authenticate(login.username, login.password.reveal(), login.mechanism)
        except ProbeFailureError as failure:
            # A token ends by itself: that it was accepted an hour ago says nothing of whose fault it is.
            if failure.cause is Cause.AUTH and login.mechanism in sasl.TOKENS:
                raise ProbeFailureError(Cause.CREDENTIAL, failure.reply) from None
            raise

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
            mind(steps, self.options.tls)
            yield session
        finally:
            abort(session)

    async def _greeted(self, steps: Steps, session: Session, context: ssl.SSLContext) -> None:
        implicit = context if self.options.tls.mode == "implicit" else None
        await net.open_connection(steps, lambda: session.protocol, self.endpoint, implicit)
        with steps("greeting"):
            await session.greeting()

    async def _secure(self, steps: Steps, session: Session, context: ssl.SSLContext) -> None:
        await self._greeted(steps, session, context)
        with steps(session.CAPABILITY):
            await session.capability()
        if self.options.tls.mode != "starttls":
            return
        with steps("starttls"):
            transport = await session.starttls(context, self.endpoint.server_name)
            net.secured(transport, steps)
        with steps(session.CAPABILITY):
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
    seen, found = steps.evidence, aside.evidence
    if found.certificate:
        seen.certificate = tls.condemned(found.certificate, failure)
        seen.tls_version, seen.tls_cipher = found.tls_version, found.tls_cipher


def mind(steps: Steps, options: TlsOptions) -> None:
    """Warn of a certificate that runs out."""
    certificate, now = steps.evidence.certificate, steps.now
    if certificate and now is not None and (warning := tls.expiring(certificate, options.min_days_left, now)):
        steps.warn(warning)


async def conclude(steps: Steps, expect: Expect[Any] | None) -> None:
    """Hold a check that has succeeded to what is expected. Raises ProbeFailureError (expectation, slow)."""
    try:
        judge(steps, expect)
    except ProbeFailureError:
        with steps("expect"):  # a failure has a phase, and this one is in no pulse's sight
            raise


async def renew(login: MailLogin | None) -> None:
    """Read a token again that somebody else renews. Raises ProbeFailureError (credential) where it is not there."""
    if login is None or login.mechanism not in sasl.TOKENS:
        return
    try:
        await asyncio.to_thread(login.password.renew)  # a file may lie on a network
    except SecretUnavailableError as error:
        raise ProbeFailureError(Cause.CREDENTIAL, str(error)) from None


def resolvable(host: str) -> str:
    """A host name that the resolver can be asked for; raises ValueError."""
    if host.startswith("["):
        raise ValueError("an address is written without brackets here: ::1")
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
            async with asyncio.timeout(FAREWELL_SECONDS):
                with steps(name):
                    yield
    except ProbeFailureError as failure:
        steps.reply(f"{name}: {failure}")
    except TimeoutError:
        steps.reply(f"{name}: no answer")


def abort(session: Session) -> None:
    """End the connection now, without waiting for the server."""
    if session.transport is not None:
        session.transport.abort()
