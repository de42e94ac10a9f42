"""SMTP and submission as a mail program speaks them: RFC 5321, STARTTLS (3207), AUTH (4954)."""

import asyncio
import re
import socket
import ssl
from collections.abc import Callable
from functools import cache
from typing import ClassVar, cast

from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPResponseException
from aiosmtplib.protocol import SMTPProtocol
from aiosmtplib.response import SMTPResponse
from pydantic import Field

from probes import net
from probes.base import Steps
from probes.errors import Cause, ProbeFailureError
from probes.session import MailOptions, MailProbe
from probes.tls import TlsOptions

_UNPARSABLE = -1  # aiosmtplib's own code for a malformed response


class SmtpOptions(MailOptions):
    """SMTP and submission: a dialogue up to AUTH. No mail is sent."""

    tls: TlsOptions = Field(
        default=TlsOptions(mode="starttls"),
        description="none, starttls or implicit, or a mapping.",
        examples=["starttls"],
    )
    helo: str | None = Field(
        default=None,
        pattern=r"^(\[[0-9A-Za-z:.]+\]|[0-9A-Za-z]([0-9A-Za-z.-]*[0-9A-Za-z])?)$",
        description="Name to give in EHLO; by default this machine's, looked up once.",
        examples=["monitor.example.go.th"],
    )


class _Wire(SMTPProtocol):
    """aiosmtplib's protocol, less patient: NUL bytes and unasked words end the dialogue."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.unasked = False

    def data_received(self, data: bytes) -> None:
        waiter = self._response_waiter
        if waiter is None or waiter.done() or not self._response_pending:
            self.unasked = True
        elif b"\0" in data:
            malformed = SMTPResponseException(_UNPARSABLE, "a NUL byte in a reply")
            self._set_response_exception(waiter, malformed)
        else:
            super().data_received(data)

    def write(self, data: bytes) -> None:
        super().write(data)
        if self.transport is not None:
            net.quick_ack(self.transport)

    async def execute_command(self, *args: bytes, timeout: float | None = None) -> SMTPResponse:  # noqa: ASYNC109
        if self.unasked or self._buffer:
            raise ProbeFailureError(Cause.PROTOCOL, "a reply to no command")
        return await super().execute_command(*args, timeout=timeout)

    async def upgrade(self, context: ssl.SSLContext, server_name: str) -> asyncio.Transport:
        """STARTTLS and its handshake, refusing plaintext behind the reply where the library drops it."""
        response = await self.execute_command(b"STARTTLS")
        if response.code != 220:
            raise SMTPResponseException(response.code, response.message)
        if self.unasked or self._buffer:
            raise ProbeFailureError(Cause.PROTOCOL, "plaintext behind the answer to STARTTLS")
        transport = cast("asyncio.Transport", self.transport)
        self.transport = upgraded = await net.start_tls(transport, self, context, server_name)
        self._over_ssl = True
        return upgraded


class SmtpSession:
    """aiosmtplib's client over a transport that `net` opened."""

    CAPABILITY: ClassVar = "ehlo"

    def __init__(self, helo: str, note: Callable[[str], None]) -> None:
        loop = asyncio.get_running_loop()
        self.protocol = _Wire(loop)
        self._transport: asyncio.Transport | None = None
        self._client = SMTP(hostname="", local_hostname=helo, timeout=None, start_tls=False)
        self._client.protocol = self.protocol
        self._client.loop = loop
        self._note = note

    @property
    def transport(self) -> asyncio.Transport | None:
        # The protocol forgets its transport when the connection is lost; until then it knows best.
        self._transport = cast("asyncio.Transport | None", self.protocol.transport) or self._transport
        return self._transport

    async def greeting(self) -> None:
        self._client.transport = self.protocol.transport
        response = self._noted(await self.protocol.read_response())
        if response.code != 220:
            raise SMTPResponseException(response.code, response.message)

    async def capability(self) -> None:
        self._noted(await self._client.ehlo())

    async def starttls(self, context: ssl.SSLContext, server_name: str) -> asyncio.Transport:
        if not self._client.supports_extension("starttls"):
            raise ProbeFailureError(Cause.STARTTLS_UNAVAILABLE, "STARTTLS is not offered")
        upgraded = await self.protocol.upgrade(context, server_name)
        self._client.transport = upgraded
        return upgraded

    async def authenticate(self, username: str, password: str) -> None:
        """One attempt: PLAIN, else LOGIN. The library's own `login` would try one after the other."""
        offered = self._client.server_auth_methods
        secret = password.encode()
        if "plain" in offered:
            response = await self._client.auth_plain(username.encode(), secret)
        elif "login" in offered:
            response = await self._client.auth_login(username.encode(), secret)
        else:
            raise ProbeFailureError(Cause.AUTH_UNAVAILABLE, "neither AUTH PLAIN nor AUTH LOGIN is offered")
        if response.code != 235:
            raise SMTPAuthenticationError(response.code, response.message)
        self._noted(response)

    async def use(self, steps: Steps) -> None:
        """Being logged in is all: no mail is sent."""

    async def quit(self) -> None:
        await self._client.quit()

    def _noted(self, response: SMTPResponse) -> SMTPResponse:
        first, *more = response.message.split("\n")
        self._note(f"{response.code} {first}{' …' if more else ''}")
        return response


class SmtpProbe(MailProbe):
    protocol = "smtp"
    Options = SmtpOptions
    PORT = 25
    TLS_PORT = 465

    def __init__(self, options: SmtpOptions) -> None:
        super().__init__(options)
        self._helo = options.helo or _local_name()

    def session(self, steps: Steps) -> SmtpSession:
        return SmtpSession(self._helo, steps.reply)


class SubmissionProbe(SmtpProbe):
    protocol = "submission"
    PORT = 587


@cache
def _local_name() -> str:
    """The name of this machine, or one that is surely nobody's where it has none that a server accepts."""
    name = socket.gethostname()
    name = name if "." in name else socket.getfqdn()
    return name if re.fullmatch(r"[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)+", name) else "mailuptime.invalid"
